import type { MotionFrames } from "../frames.js";
import { MotionTimeline } from "./timeline.js";

/** A conversation round: one utterance, its audio and its motion under one id. Ids are never used again. */
export class Round {
  /** Audio that waits for the first motion. */
  held: Int16Array[] = [];
  /** Samples taken in, held or written. */
  samples = 0;
  /** Whether its audio goes to the speaker. */
  started = false;
  /** Whether the app has said that no more audio comes. */
  inputEnded = false;
  /** The connection broke while the round was open: it is over when what is buffered was heard. */
  inputLost = false;
  motionEnded = false;
  timeline: MotionTimeline | null = null;

  constructor(
    readonly id: string,
    /** Clock time of its first audio. */
    readonly openedAt: number,
    /** Whether waiting for motion makes sense; false while there is no connection. */
    public expectsMotion: boolean,
  ) {}

  /** Take motion and return how many frames were new; `RangeError` as in {@link MotionTimeline}. */
  addMotion(frames: MotionFrames): number {
    this.timeline ??= new MotionTimeline(frames.frameRate);
    return this.timeline.add(frames);
  }

  /** Whether motion reaches `frames` frames into the round, or all there will be is here. */
  hasMotionUntil(frames: number): boolean {
    if (this.motionEnded) return true;
    const timeline = this.timeline;
    return timeline !== null && timeline.sample((frames - 1) / timeline.frameRate) !== null;
  }

  /** Seconds of motion ahead of an audio position; infinite when no more will come. */
  motionAhead(position: number): number {
    if (this.motionEnded || !this.expectsMotion) return Infinity;
    return this.timeline?.coveredFrom(position) ?? 0;
  }
}
