/**
 * Runs in the browser's audio thread: plays queued samples and tells when each run of sound began and ended, in
 * frames of the audio clock; and records the microphone. One plain function, because its source text is also
 * loaded from a blob URL: it must use nothing from outside itself.
 */

/** From the page to the player. */
export type PlayerCommand =
  | { readonly type: "write"; readonly samples: Int16Array }
  | { readonly type: "pause" | "resume" }
  | { readonly type: "flush"; readonly epoch: number };

/** From the player to the page. */
export interface PlayerReport {
  readonly epoch: number;
  /** Samples played since the last flush, when the audio clock stood at `frame`. */
  readonly played: number;
  readonly frame: number;
  /** Whether sound goes on from there. */
  readonly running: boolean;
}

/** Register the processors. */
export function registerProcessors(): void {
  interface Scope {
    AudioWorkletProcessor: new () => { readonly port: MessagePort };
    registerProcessor(name: string, processor: unknown): void;
    readonly currentFrame: number;
  }
  const scope = globalThis as unknown as Scope;
  const REPORT_FRAMES = 1024;

  class Player extends scope.AudioWorkletProcessor {
    private queue: Int16Array[] = [];
    private offset = 0; // into the first of the queue
    private epoch = 0;
    private played = 0;
    private paused = false;
    private running = false;
    private reportedAt = 0;

    constructor() {
      super();
      this.port.onmessage = ({ data }: MessageEvent<PlayerCommand>) => {
        if (data.type === "write") this.queue.push(data.samples);
        else if (data.type === "flush") {
          this.queue = [];
          this.offset = this.played = 0;
          this.epoch = data.epoch;
          this.running = false;
        } else this.paused = data.type === "pause";
      };
    }

    process(_: unknown, outputs: Float32Array[][]): boolean {
      const out = outputs[0]![0]!;
      const filled = this.paused ? 0 : this.fill(out);
      if (filled > 0 && !this.running) this.report(scope.currentFrame, true);
      this.played += filled;
      if (filled < out.length && this.running) this.report(scope.currentFrame + filled, false);
      else if (this.running && scope.currentFrame - this.reportedAt >= REPORT_FRAMES) {
        this.report(scope.currentFrame + filled, true);
      }
      return true;
    }

    private fill(out: Float32Array): number {
      let filled = 0;
      while (filled < out.length && this.queue.length) {
        const first = this.queue[0]!;
        const count = Math.min(out.length - filled, first.length - this.offset);
        for (let i = 0; i < count; i++) out[filled + i] = first[this.offset + i]! / 32768;
        filled += count;
        this.offset += count;
        if (this.offset === first.length) {
          this.queue.shift();
          this.offset = 0;
        }
      }
      return filled;
    }

    private report(frame: number, running: boolean): void {
      this.running = running;
      this.reportedAt = frame;
      this.port.postMessage({ epoch: this.epoch, played: this.played, frame, running } satisfies PlayerReport);
    }
  }

  class Recorder extends scope.AudioWorkletProcessor {
    private readonly samples = new Int16Array(512);
    private used = 0;

    process(inputs: Float32Array[][]): boolean {
      const input = inputs[0]?.[0];
      if (!input) return true;
      for (const value of input) {
        this.samples[this.used++] = Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
        if (this.used === this.samples.length) {
          this.port.postMessage(this.samples.slice());
          this.used = 0;
        }
      }
      return true;
    }
  }

  scope.registerProcessor("avatarkit-player", Player);
  scope.registerProcessor("avatarkit-recorder", Recorder);
}
