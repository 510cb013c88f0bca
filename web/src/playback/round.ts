import type { MotionFrames, Pose } from "../frames.js";
import { PauseFinder } from "./pauses.js";
import { MotionTimeline } from "./timeline.js";

/** Seconds after a round's first audio; then it plays without motion, which joins in when it comes. */
export const FIRST_MOTION_WAIT_S = 0.4;
/** Frames that must be here before audio begins: a cushion of 120 ms against jitter of the network. */
export const FIRST_MOTION_FRAMES = 3;
/** Seconds of audio that may wait unheard. */
export const MAX_QUEUED_S = 600;

const GAP_HOLD_S = 0.08; // a shorter gap in the motion holds the last frame instead of easing to rest
const DRY_S = 0.2; // a speaker that stood still for longer has run dry

/** The motion for a moment: neither where it is missing, only the pose while the last one holds through a gap. */
export interface Shown {
  readonly target: Pose | null;
  /** Audio position in seconds. */
  readonly position: number | null;
}

const NOTHING: Shown = { target: null, position: null };

/** A conversation round: one utterance, its audio and its motion under one id. Ids are never used again. */
export class Round {
  /** Audio that waits for motion. */
  held: Int16Array[] = [];
  /** Samples taken in, held or written. */
  samples = 0;
  /** Samples handed to the speaker. */
  written = 0;
  /** Whether its audio goes to the speaker. */
  started = false;
  /** Whether its start was told. */
  wasHeard = false;
  /** Position that was told last, in seconds. */
  told = 0;
  /** Whether it stands still for want of motion. */
  stalled = false;
  /** Whether it is heard without the motion that it expects. */
  starved = false;
  /** Whether the app has said that no more audio comes. */
  inputEnded = false;
  /** The connection broke while the round was open: it is over when what is buffered was heard. */
  inputLost = false;
  motionEnded = false;
  /** Its motion was found to be missing, so that what still comes is not shown. */
  refusesMotion = false;
  timeline: MotionTimeline | null = null;
  /** Heard samples, and the clock time when they last moved. */
  moved = { heard: 0, at: 0 };
  readonly pauses: PauseFinder;
  private lastMotion: { pose: Pose; at: number } | null = null;

  constructor(
    readonly id: string,
    /** Clock time of its first audio. */
    readonly openedAt: number,
    /** Hertz of its audio. */
    readonly rate: number,
    /** Whether waiting for motion makes sense; false while there is no connection. */
    public expectsMotion: boolean,
    /** Whether audio waits for its motion. */
    public strict: boolean,
  ) {
    this.pauses = new PauseFinder(rate);
  }

  /** Take motion and return how many frames were new; `RangeError` as in {@link MotionTimeline}. */
  addMotion(frames: MotionFrames): number {
    this.timeline ??= new MotionTimeline(frames.frameRate);
    return this.timeline.add(frames);
  }

  /** Whether motion reaches `frames` frames beyond a position, or all there will be is here. */
  hasMotionUntil(frames: number, position = 0): boolean {
    const { timeline } = this;
    if (!timeline || this.motionEnded) return this.motionEnded;
    return timeline.coveredUntil(position) >= position + (frames - 0.5) / timeline.frameRate;
  }

  /** Whether its audio may go to the speaker. */
  mayStart(now: number): boolean {
    if (!this.expectsMotion || this.hasMotionUntil(FIRST_MOTION_FRAMES)) return true;
    return !this.strict && now >= this.openedAt + FIRST_MOTION_WAIT_S;
  }

  /** Samples that the speaker may be given now: all there are, or in a strict round what has motion. */
  room(heard: number): number {
    if (!this.strict || !this.expectsMotion || this.motionEnded) return this.samples - this.written;
    const at = heard / this.rate;
    if (!this.timeline || (this.stalled && !this.hasMotionUntil(FIRST_MOTION_FRAMES, at))) return 0;
    return Math.trunc(this.timeline.coveredUntil(at) * this.rate) - this.written;
  }

  /** Whether it is heard at a position for which motion has yet to come. */
  lacksMotion(heard: number): boolean {
    if (!this.expectsMotion || this.motionEnded || heard >= this.written - 1) return false;
    return !this.timeline || this.timeline.sample(heard / this.rate) === null;
  }

  /** The motion for the clock time `at`, when `heard` samples are heard at `now`. */
  motion(at: number, now: number, heard: number): Shown {
    if (!this.started || !this.timeline) return NOTHING;
    const ranDry = this.written <= Math.floor(heard) && now - this.moved.at > DRY_S;
    if (ranDry) return NOTHING;
    const position = Math.min(Math.max(heard / this.rate + at - now, 0), this.written / this.rate);
    const pose = this.timeline.sample(position);
    if (pose) {
      this.lastMotion = { pose, at };
      return { target: pose, position };
    }
    if (this.lastMotion && at - this.lastMotion.at <= GAP_HOLD_S) return { target: this.lastMotion.pose, position: null };
    return NOTHING;
  }
}
