import type { SessionReport } from "../types.js";

const STEP_MS = 0.5;
const STEPS = 4000; // up to 2 s; the last bin takes what lies beyond

/** How often something was so, and for how long. */
class Span {
  count = 0;
  private total = 0;
  private since: number | null = null;

  set(now: boolean, at: number): void {
    if (now && this.since === null) {
      this.count++;
      this.since = at;
    } else if (!now && this.since !== null) {
      this.total += at - this.since;
      this.since = null;
    }
  }

  get ms(): number {
    return this.total * 1000;
  }
}

/** Counters of one controller, in constant memory however long the session lasts. Times are in seconds. */
export class SessionMeter {
  rounds = 0;
  motionFramesUnused = 0;
  audioBytesSent = 0;
  readonly starved = new Span();
  readonly stalled = new Span();
  private firstFrameMs: number | null = null;
  private framesDrawn = 0;
  private finished = 0;
  private interrupted = 0;
  private firstRound: string | null = null;
  private firstSentAt = 0;
  private firstMotionMs: number | null = null;
  private motionFrames = 0;
  private motionBytes = 0;
  private motionSeconds = 0;
  private shownAt: number | null = null;
  private longestGap: number | null = null;
  private readonly offsets = new Uint32Array(STEPS);
  private offsetCount = 0;

  /** `bornAt` is when the view was made. */
  constructor(private readonly bornAt: number) {}

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

  /** A round is over. */
  roundEnded(interrupted: boolean): void {
    if (interrupted) this.interrupted++;
    else this.finished++;
  }

  /** A picture is on the canvas. */
  shown(now: number): void {
    this.framesDrawn++;
    this.firstFrameMs ??= (now - this.bornAt) * 1000;
    if (this.shownAt !== null) this.longestGap = Math.max(this.longestGap ?? 0, now - this.shownAt);
    this.shownAt = now;
  }

  /** No pictures are wanted for a while: that is no gap. */
  drawingStopped(): void {
    this.shownAt = null;
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
      firstFrameMs: this.firstFrameMs,
      firstMotionMs: this.firstMotionMs,
      motionFrames: this.motionFrames,
      motionFramesUnused: this.motionFramesUnused,
      motionBytes: this.motionBytes,
      motionBytesPerSecond: this.motionSeconds ? this.motionBytes / this.motionSeconds : null,
      audioBytesSent: this.audioBytesSent,
      avOffsetMsP50: this.percentile(0.5),
      avOffsetMsP95: this.percentile(0.95),
      rounds: this.rounds,
      roundsFinished: this.finished,
      roundsInterrupted: this.interrupted,
      framesDrawn: this.framesDrawn,
      longestFrameGapMs: this.longestGap === null ? null : this.longestGap * 1000,
      starvations: this.starved.count,
      starvedMs: this.starved.ms,
      stalls: this.stalled.count,
      stalledMs: this.stalled.ms,
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
