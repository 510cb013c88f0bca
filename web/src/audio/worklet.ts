import type { PlayerCommand, PlayerReport } from "./player-worklet.js";
import { Runs } from "./runs.js";
import type { Speaker } from "./speaker.js";

const LONGEST_LATENCY_S = 1;
const GAIN_RAMP_S = 0.01;

/** The browser's sound output, played in its audio thread. */
export class WorkletSpeaker implements Speaker {
  private readonly node: AudioWorkletNode;
  private readonly gain: GainNode;
  private readonly runs = new Runs();
  private written = 0;
  private heard = 0;
  private epoch = 0;
  private closed = false;

  /**
   * @param context From `openAudioContext`; closed with the speaker.
   * @param onTick Called some forty times a second while sound plays, also in a hidden tab.
   */
  constructor(
    private readonly context: AudioContext,
    onTick: () => void,
  ) {
    this.node = new AudioWorkletNode(context, "avatarkit-player", { numberOfInputs: 0, outputChannelCount: [1] });
    this.gain = context.createGain();
    this.node.connect(this.gain).connect(context.destination);
    this.node.port.onmessage = ({ data }: MessageEvent<PlayerReport>) => {
      if (this.closed) return;
      if (data.epoch === this.epoch) this.runs.report(data);
      onTick();
    };
    context.onstatechange = () => {
      // A phone call or another tab may have taken the device away.
      if (!this.closed && context.state !== "running") void context.resume().catch(() => undefined);
    };
  }

  /** The node that the avatar's voice comes from, for recording or analysis. */
  get output(): AudioNode {
    return this.gain;
  }

  write(samples: Int16Array): void {
    this.written += samples.length;
    this.tell({ type: "write", samples: samples.slice() });
  }

  heardSamples(): number {
    const now = Math.min(this.runs.playedAt(this.audibleFrame()), this.written);
    this.heard = Math.max(this.heard, now);
    return this.heard;
  }

  queuedSamples(): number {
    return this.written - Math.floor(this.heardSamples());
  }

  pause(): void {
    this.tell({ type: "pause" });
  }

  resume(): void {
    this.tell({ type: "resume" });
  }

  flush(): void {
    this.written = this.heard = 0;
    this.runs.clear();
    this.tell({ type: "flush", epoch: ++this.epoch });
  }

  setVolume(volume: number): void {
    this.gain.gain.setTargetAtTime(volume, this.context.currentTime, GAIN_RAMP_S);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.node.port.onmessage = null;
    this.context.onstatechange = null;
    this.node.disconnect();
    this.gain.disconnect();
    void this.context.close().catch(() => undefined);
  }

  /** Frame of the audio clock that leaves the loudspeaker now. */
  private audibleFrame(): number {
    const { context } = this;
    const stamp = context.getOutputTimestamp?.();
    if (stamp?.contextTime && stamp.performanceTime) {
      const time = stamp.contextTime + (performance.now() - stamp.performanceTime) / 1000;
      // Some browsers tell nonsense here until sound flows.
      if (time <= context.currentTime + 0.05 && time >= context.currentTime - LONGEST_LATENCY_S) {
        return time * context.sampleRate;
      }
    }
    return (context.currentTime - (context.outputLatency || context.baseLatency || 0)) * context.sampleRate;
  }

  private tell(command: PlayerCommand): void {
    if (!this.closed) this.node.port.postMessage(command);
  }
}
