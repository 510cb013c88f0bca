/** How loud the present round is, second by second, to be compared with the mouth. */

import { loudness } from "@avatarkit/web";

const BLOCK_S = 0.02;
/** Loudness (root mean square) that counts as full. */
const FULL = 0.25;

/** Loudness of the samples that were sent in a round, by their position in it. */
export class LoudnessTrack {
  private blocks: number[] = [];
  private rest: Int16Array<ArrayBufferLike> = new Int16Array();
  private readonly size: number;

  /** @param rate Hertz. */
  constructor(rate: number) {
    this.size = Math.round(rate * BLOCK_S);
  }

  /** Forget everything: a new round begins. */
  reset(): void {
    this.blocks = [];
    this.rest = new Int16Array();
  }

  /** Samples that follow those before. */
  push(samples: Int16Array): void {
    const all = new Int16Array(this.rest.length + samples.length);
    all.set(this.rest);
    all.set(samples, this.rest.length);
    let at = 0;
    for (; at + this.size <= all.length; at += this.size) this.blocks.push(loudness(all.subarray(at, at + this.size)));
    this.rest = all.slice(at);
  }

  /** Seconds that were pushed. */
  get seconds(): number {
    return this.blocks.length * BLOCK_S;
  }

  /** Loudness 0..1, on a scale that follows the ear, at a position in seconds; 0 outside. */
  at(position: number): number {
    const level = this.blocks[Math.floor(position / BLOCK_S)] ?? 0;
    return Math.min(1, (level / FULL) ** 0.6);
  }
}
