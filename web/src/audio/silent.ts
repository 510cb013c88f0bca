import type { Clock } from "../clock.js";
import type { Speaker } from "./speaker.js";

/** A speaker without sound that keeps time: before audio is unlocked, and for tests. */
export class SilentSpeaker implements Speaker {
  private written = 0;
  private heard = 0; // at the anchor
  private anchor: number;
  private paused = false;

  /** Counts written samples as heard at `sampleRate` hertz of a clock. */
  constructor(
    private readonly clock: Clock,
    private readonly sampleRate: number,
  ) {
    this.anchor = clock.now();
  }

  write(samples: Int16Array): void {
    this.settle();
    this.written += samples.length;
  }

  heardSamples(): number {
    if (this.paused) return this.heard;
    return Math.min(this.heard + (this.clock.now() - this.anchor) * this.sampleRate, this.written);
  }

  queuedSamples(): number {
    return this.written - Math.floor(this.heardSamples());
  }

  pause(): void {
    this.settle();
    this.paused = true;
  }

  resume(): void {
    this.settle();
    this.paused = false;
  }

  flush(): void {
    this.written = this.heard = 0;
    this.anchor = this.clock.now();
  }

  setVolume(): void {
    // Nothing is to be heard at any volume.
  }

  close(): void {
    this.pause();
  }

  private settle(): void {
    this.heard = this.heardSamples();
    this.anchor = this.clock.now();
  }
}
