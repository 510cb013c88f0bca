/** When the eyes blink, and how a blink looks. */

import type { Chance } from "./chance.js";
import type { Cue, Cues } from "./cues.js";
import { EPOCH_S, type Gaze } from "./gaze.js";

/** Median seconds between two blinks while speaking, unless the mood's is shorter. */
const SPEAKING_MEDIAN_S = 2.2;
const SIGMA = 0.6;
const REFRACTORY_S = 0.35;
/** Share of blinks that another follows at once. */
const DOUBLE = 0.08;
const STREAM = 200;
const CUE_STREAM = 201;
const EPOCH_EVENTS = 1024;
const CLOSE_S = 0.08;
const SHUT_S = 0.04;
const OPEN_S = 0.16;

/** Blinks with log-normal intervals; one that is due soon is drawn to a speech pause or to a large gaze shift. */
export class Blinks {
  private epoch = -1;
  private seen = 0; // cues up to here have had their effect
  private starts: number[] = [];
  private due = 0;
  private cueCount = 0;

  constructor(
    private readonly chance: Chance,
    private readonly cues: Cues,
    private readonly gaze: Gaze,
  ) {}

  /** How far the lids are shut, 0..1. */
  closure(t: number): number {
    this.runTo(t);
    for (let i = this.starts.length - 1; i >= 0; i--) {
      if (this.starts[i]! <= t) return blinkShape(t - this.starts[i]!);
    }
    return 0;
  }

  private runTo(t: number): void {
    const epoch = Math.floor(t / EPOCH_S);
    if (epoch !== this.epoch) this.begin(epoch);
    for (;;) {
      const cue = this.nextCue(this.seen);
      if (this.due <= Math.min(t, cue?.t ?? Infinity)) this.blink();
      else if (cue && cue.t <= t) {
        this.seen = cue.t;
        this.obey(cue);
      } else return;
    }
  }

  private begin(epoch: number): void {
    this.epoch = epoch;
    this.starts = [];
    this.cueCount = 0;
    const start = (this.seen = epoch * EPOCH_S);
    const share = this.chance.uniform(CUE_STREAM, epoch * EPOCH_EVENTS);
    this.due = start + Math.max(0.05, share * this.interval(start, 0));
  }

  private blink(): void {
    // The end of an epoch is kept free of blinks that would reach into the next.
    if (this.due > (this.epoch + 1) * EPOCH_S - REFRACTORY_S) {
      this.due = Infinity;
      return;
    }
    this.starts.push(this.due);
    this.due += this.interval(this.due, this.starts.length);
  }

  private interval(t: number, count: number): number {
    const place = this.epoch * EPOCH_EVENTS + 4 * count;
    if (this.chance.uniform(STREAM, place + 2) < DOUBLE) {
      return REFRACTORY_S + 0.1 * this.chance.uniform(STREAM, place + 3);
    }
    let median = this.cues.style(t).blinkMedian;
    if (this.cues.speaking.at(t).value) median = Math.min(median, SPEAKING_MEDIAN_S);
    // Box and Muller's two uniforms are those at `place` and `place + 1`.
    return Math.max(REFRACTORY_S, this.chance.lognormal(STREAM, place / 2, median, SIGMA));
  }

  private nextCue(after: number): Cue | null {
    const end = (this.epoch + 1) * EPOCH_S;
    const pause = this.cues.pauses.after(after) ?? Infinity;
    const shift = this.gaze.largeShiftAfter(after) ?? Infinity;
    // The less likely of two at the same time comes first.
    if (shift < end && shift <= pause) return { t: shift, likelihood: 0.4, reach: Infinity };
    return pause < end ? { t: pause, likelihood: 0.6, reach: 1 } : null;
  }

  private obey(cue: Cue): void {
    this.cueCount++;
    const place = this.epoch * EPOCH_EVENTS + 2 * this.cueCount;
    if (this.due - cue.t <= cue.reach && this.chance.uniform(CUE_STREAM, place) < cue.likelihood) {
      const delay = 0.02 + 0.1 * this.chance.uniform(CUE_STREAM, place + 1);
      const last = this.starts[this.starts.length - 1] ?? -Infinity;
      this.due = Math.min(this.due, Math.max(cue.t + delay, last + REFRACTORY_S));
    }
  }
}

/** Closure 0..1 of a blink: 80 ms closing, 40 ms shut, 160 ms opening, the opening slower at its end. */
export function blinkShape(sinceStart: number): number {
  if (sinceStart < 0) return 0;
  if (sinceStart < CLOSE_S) return Math.sin((0.5 * Math.PI * sinceStart) / CLOSE_S);
  const opening = sinceStart - CLOSE_S - SHUT_S;
  if (opening < 0) return 1;
  const x = opening / OPEN_S;
  return x < 1 ? (1 - x) ** 2 * (1 + 2 * x) : 0;
}
