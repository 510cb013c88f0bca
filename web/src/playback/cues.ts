/** What happens to a living face from outside, and when: moods, places to look at, speech and its pauses. */

import type { Mood } from "../types.js";
import { between, CHANGE_S, STYLES, type Style } from "./mood.js";

const KEPT = 256;

/** A value that changes at points in time. The newest 256 changes are kept; before them, the oldest holds. */
export class Steps<T> {
  private times = [0];
  private values: T[];

  constructor(first: T) {
    this.values = [first];
  }

  /** Change it; a time before the last change counts as that. */
  set(t: number, value: T): void {
    this.times.push(Math.max(t, this.times[this.times.length - 1]!));
    this.values.push(value);
    if (this.times.length > KEPT) {
      this.times = this.times.slice(-KEPT / 2);
      this.values = this.values.slice(-KEPT / 2);
    }
  }

  /** When it last changed, and the value since. */
  at(t: number): { since: number; value: T } {
    const index = Math.max(0, countUpTo(this.times, t) - 1);
    return { since: this.times[index]!, value: this.values[index]! };
  }

  /** When it next changes, or `null`. */
  after(t: number): number | null {
    return this.times[countUpTo(this.times, t)] ?? null;
  }
}

/** A moment that makes a blink likely. */
export interface Cue {
  readonly t: number;
  /** 0..1. */
  readonly likelihood: number;
  /** A blink that would come within so many seconds comes now; infinite: one comes in any case. */
  readonly reach: number;
}

/** All of it, for one face. */
export class Cues {
  readonly speaking = new Steps(false);
  readonly pauses = new Steps<null>(null);
  private readonly moods = new Steps<readonly [Style, Style]>([STYLES.neutral, STYLES.neutral]);

  /** Begin to change over to a mood. */
  setMood(t: number, mood: Mood): void {
    this.moods.set(t, [this.style(t), STYLES[mood]]);
  }

  /** How the face lives at a time. */
  style(t: number): Style {
    const { since, value } = this.moods.at(t);
    const x = Math.min((t - since) / CHANGE_S, 1);
    return between(value[0], value[1], x * x * (3 - 2 * x));
  }
}

/** How many of the ascending values are at most `value`. */
export function countUpTo(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
