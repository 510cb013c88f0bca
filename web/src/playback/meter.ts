import type { SessionReport } from "../types.js";

const STEP_MS = 0.5;
const STEPS = 4000; // up to 2 s; the last bin takes what lies beyond

/** Counters of one controller, in constant memory however long the session lasts. */
export class SessionMeter {
  rounds = 0;
  framesDrawn = 0;
  motionFramesDropped = 0;
  starvations = 0;
  private firstRound: string | null = null;
  private firstSentAt = 0;
  private firstMotionMs: number | null = null;
  private motionFrames = 0;
  private motionBytes = 0;
  private motionSeconds = 0;
  private readonly offsets = new Uint32Array(STEPS);
  private offsetCount = 0;

  /** The first audio of a round went to the server; only the first such round is timed. */
  audioSent(roundId: string, now: number): void {
    if (this.firstRound === null) {
      this.firstRound = roundId;
      this.firstSentAt = now;
    }
  }

  /** A message with motion came; `bytes` is the whole message. */
  motionReceived(roundId: string, frames: number, frameRate: number, bytes: number, now: number): void {
    this.motionFrames += frames;
    this.motionBytes += bytes;
    this.motionSeconds += frames / frameRate;
    if (this.firstMotionMs === null && roundId === this.firstRound) {
      this.firstMotionMs = (now - this.firstSentAt) * 1000;
    }
  }

  /** A frame that shows the motion of `shown` seconds was drawn while `heard` seconds were heard. */
  offset(shown: number, heard: number): void {
    const step = Math.floor((Math.abs(shown - heard) * 1000) / STEP_MS + 0.5);
    this.offsets[Math.min(step, STEPS - 1)]!++;
    this.offsetCount++;
  }

  /** The figures so far. */
  report(): SessionReport {
    return {
      firstMotionMs: this.firstMotionMs,
      motionFrames: this.motionFrames,
      motionBytesPerSecond: this.motionSeconds ? this.motionBytes / this.motionSeconds : null,
      avOffsetMsP50: this.percentile(0.5),
      avOffsetMsP95: this.percentile(0.95),
      rounds: this.rounds,
      framesDrawn: this.framesDrawn,
      motionFramesDropped: this.motionFramesDropped,
      starvations: this.starvations,
    };
  }

  private percentile(share: number): number | null {
    if (!this.offsetCount) return null;
    let seen = 0;
    for (let step = 0; step < STEPS; step++) {
      seen += this.offsets[step]!;
      if (seen >= share * this.offsetCount) return step * STEP_MS;
    }
    return STEPS * STEP_MS;
  }
}
