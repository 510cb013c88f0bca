/** The motion of one round, put in order: frames in by index, a pose out at any audio position. */

import { HEAD_COUNT, WEIGHT_COUNT, type MotionFrames, type Pose } from "../frames.js";

/** Frames further than this many seconds ahead of the heard position are refused. */
export const MAX_AHEAD_S = 600;

const WIDTH = WEIGHT_COUNT + HEAD_COUNT;
const FIRST_CAPACITY = 256;

/**
 * Frames of one round by index. Duplicates, late and out-of-order frames are all right: the first frame that
 * arrives for an index stays. What lies behind {@link forgetBefore} is released.
 */
export class MotionTimeline {
  private base = 0; // index of row 0
  private rows = new Float32Array(FIRST_CAPACITY * WIDTH);
  private present = new Uint8Array(FIRST_CAPACITY);

  /** `frameRate` in hertz, 1..240; every chunk must carry the same. Throws `RangeError` otherwise. */
  constructor(readonly frameRate: number) {
    if (!(frameRate >= 1 && frameRate <= 240)) throw new RangeError(`a frame rate of ${frameRate} Hz is not within 1..240`);
  }

  /**
   * Take frames and return how many were new. Throws `RangeError`, taking nothing, for another frame rate, for
   * values that are not finite, and for frames more than {@link MAX_AHEAD_S} ahead.
   */
  add(frames: MotionFrames): number {
    if (Math.abs(frames.frameRate - this.frameRate) > 1e-4 * this.frameRate) {
      throw new RangeError(`motion at ${frames.frameRate} Hz joins motion at ${this.frameRate} Hz`);
    }
    const end = frames.firstFrame + frames.count;
    if (frames.firstFrame < 0 || end > this.base + MAX_AHEAD_S * this.frameRate) {
      throw new RangeError(`motion frame ${frames.firstFrame} is out of reach`);
    }
    if (!frames.weights.every(Number.isFinite) || !frames.head.every(Number.isFinite)) {
      throw new RangeError("motion holds values that are not finite");
    }
    this.reserve(end - this.base);
    let added = 0;
    for (let i = Math.max(0, this.base - frames.firstFrame); i < frames.count; i++) {
      const row = frames.firstFrame + i - this.base;
      if (this.present[row]) continue;
      this.rows.set(frames.weights.subarray(i * WEIGHT_COUNT, (i + 1) * WEIGHT_COUNT), row * WIDTH);
      this.rows.set(frames.head.subarray(i * HEAD_COUNT, (i + 1) * HEAD_COUNT), row * WIDTH + WEIGHT_COUNT);
      this.present[row] = 1;
      added++;
    }
    return added;
  }

  /**
   * The pose at an audio position in seconds, or `null` where no motion has arrived. Linear between
   * neighbours; where the next frame is missing, the last one holds until its 1 / frameRate seconds are over.
   */
  sample(position: number): Pose | null {
    // The tiny addend keeps 3/25*25 = 2.9999... in frame 3.
    const place = position * this.frameRate + 1e-6 - this.base;
    const row = Math.floor(place);
    if (!this.has(row)) return null;
    const value = this.rows.slice(row * WIDTH, (row + 1) * WIDTH);
    if (this.has(row + 1)) {
      const share = Math.min(Math.max(place - row, 0), 1);
      const next = (row + 1) * WIDTH;
      for (let i = 0; i < WIDTH; i++) value[i]! += (this.rows[next + i]! - value[i]!) * share;
    }
    return { weights: value.subarray(0, WEIGHT_COUNT), head: value.subarray(WEIGHT_COUNT) };
  }

  /** The audio position in seconds up to which motion is here without a gap; `position` if none is. */
  coveredUntil(position: number): number {
    let row = Math.floor(position * this.frameRate + 1e-6) - this.base;
    if (!this.has(row)) return position;
    while (this.has(row)) row++;
    return (this.base + row) / this.frameRate;
  }

  /** Release frames that ended before an audio position in seconds. */
  forgetBefore(position: number): void {
    const first = Math.floor(position * this.frameRate) - 1;
    const gone = first - this.base;
    if (gone < this.present.length / 2) return; // moving rows is worth it only in bulk
    const kept = Math.max(0, this.present.length - gone);
    if (kept) {
      this.rows.copyWithin(0, gone * WIDTH);
      this.present.copyWithin(0, gone);
    }
    this.present.fill(0, kept);
    this.base = first;
  }

  private has(row: number): boolean {
    return this.present[row] === 1;
  }

  private reserve(rows: number): void {
    let capacity = this.present.length;
    if (rows <= capacity) return;
    while (capacity < rows) capacity *= 2;
    const grown = new Float32Array(capacity * WIDTH);
    grown.set(this.rows);
    const present = new Uint8Array(capacity);
    present.set(this.present);
    this.rows = grown;
    this.present = present;
  }
}
