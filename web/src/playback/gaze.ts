/** Where the eyes look: on the partner with tiny shifts, now and then aside, and wherever the app asks them to. */

import { ease, type Chance } from "./chance.js";
import { countUpTo, Steps, type Cues } from "./cues.js";

/** Chains of random events begin anew this often, so that any time can be sampled without the hours before it. */
export const EPOCH_S = 60;
/** Degrees at which `lookAt(1, 0)` and `lookAt(0, 1)` lie. */
export const LOOK_YAW = 24;
export const LOOK_PITCH = 16;

const STREAM = 100;
const EPOCH_EVENTS = 4096;
const SETTLE_S = 1;
const HEAD_LAG_S = 0.15;
const HEAD_MOVE_S = 0.5;
const ATTEND_MOVE_S = 0.7;
const HEAD_SHARE = 0.3;
const ATTEND_SHARE = 0.45;
const LARGE = 10; // degrees

/** Angles in degrees: yaw to the avatar's left, pitch down. */
export type Look = readonly [yaw: number, pitch: number];

interface Attention {
  readonly eyesFrom: Look;
  readonly headFrom: Look;
  readonly target: Look;
}

const AHEAD: Look = [0, 0];

/**
 * Fixations of 0.55 s and more; about six in seven lie within 3 degrees of what the avatar attends to. A shift
 * takes 21 ms and 2.2 ms a degree. The head takes up a part of a large one, 150 ms later.
 */
export class Gaze {
  private epoch = -1;
  private times: number[] = [];
  private targets: Look[] = [];
  private readonly attention = new Steps<Attention>({ eyesFrom: AHEAD, headFrom: AHEAD, target: AHEAD });

  constructor(
    private readonly chance: Chance,
    private readonly cues: Cues,
  ) {}

  /** Attend to a place in the picture, x and y -1..1, from now on. */
  attend(t: number, x: number, y: number): void {
    const target: Look = [x * LOOK_YAW, -y * LOOK_PITCH];
    this.attention.set(t, { eyesFrom: this.attendedEyes(t), headFrom: this.attendedHead(t), target });
  }

  /** Where the eyes look, whatever the head does. */
  eyes(t: number): Look {
    const attended = this.attendedEyes(t);
    const index = this.index(t);
    const target = this.targets[index]!;
    const before = this.targets[Math.max(index - 1, 0)]!;
    const aside = toward(before, target, (t - this.times[index]!) / duration(size(before, target)));
    return [attended[0] + aside[0], attended[1] + aside[1]];
  }

  /** The part of it that the head takes up. */
  head(t: number): Look {
    const attended = this.attendedHead(t);
    const index = this.index(t - HEAD_LAG_S);
    const a = followed(this.targets[Math.max(index - 1, 0)]!);
    const b = followed(this.targets[index]!);
    const x = ease((t - HEAD_LAG_S - this.times[index]!) / HEAD_MOVE_S);
    return [attended[0] + a[0] + (b[0] - a[0]) * x, attended[1] + a[1] + (b[1] - a[1]) * x];
  }

  /** When the eyes next move by more than 10 degrees in the same epoch, as far as known now. */
  largeShiftAfter(t: number): number | null {
    this.index(t);
    let found: number | null = null;
    for (let i = this.times.length - 1; i > 0 && this.times[i]! > t; i--) {
      if (size(this.targets[i - 1]!, this.targets[i]!) > LARGE) found = this.times[i]!;
    }
    return found;
  }

  private attendedEyes(t: number): Look {
    const { since, value } = this.attention.at(t);
    return toward(value.eyesFrom, value.target, (t - since) / duration(size(value.eyesFrom, value.target)));
  }

  private attendedHead(t: number): Look {
    const { since, value } = this.attention.at(t);
    const goal: Look = [value.target[0] * ATTEND_SHARE, value.target[1] * ATTEND_SHARE];
    return toward(value.headFrom, goal, (t - since - 0.1) / ATTEND_MOVE_S);
  }

  /** The fixation at a time, with the fixations of its epoch made up to it. */
  private index(t: number): number {
    t = Math.max(t, 0);
    const epoch = Math.floor(t / EPOCH_S);
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.times = [epoch * EPOCH_S];
      this.targets = [this.anchor(epoch)];
    }
    while (this.times[this.times.length - 1]! <= t && this.times.length < EPOCH_EVENTS / 8 && this.grow());
    return Math.max(0, countUpTo(this.times, t) - 1);
  }

  private grow(): boolean {
    const count = this.times.length;
    const last = this.times[count - 1]!;
    const end = (this.epoch + 1) * EPOCH_S - SETTLE_S;
    if (last >= end) return false;
    const place = this.epoch * EPOCH_EVENTS + 8 * count;
    const speaking = this.cues.speaking.at(last).value;
    const wasAside = Math.hypot(...this.targets[count - 1]!) > 3;
    const mean = wasAside ? 0.8 : speaking ? 1.6 : 2.4;
    const at = last + 0.55 + this.chance.exponential(STREAM, place, mean - 0.25);
    if (at >= end) {
      // The epoch ends where the next one begins.
      this.times.push(end);
      this.targets.push(this.anchor(this.epoch + 1));
      return true;
    }
    const averted = this.cues.style(last).averted + (speaking ? 0.2 : 0);
    const aside = this.chance.uniform(STREAM, place + 1) < averted;
    const drawn = this.chance.exponential(STREAM, place + 2, aside ? 5 : 1.2);
    const reach = aside ? Math.min(3.5 + drawn, 15) : Math.min(drawn, 3);
    this.times.push(at);
    this.targets.push(this.around(place + 3, reach));
    return true;
  }

  private anchor(epoch: number): Look {
    return epoch === 0 ? AHEAD : this.around(epoch * EPOCH_EVENTS + 3, 0.8);
  }

  private around(place: number, reach: number): Look {
    const angle = 2 * Math.PI * this.chance.uniform(STREAM, place);
    return [Math.cos(angle) * reach, Math.sin(angle) * reach * 0.6];
  }
}

function followed([yaw, pitch]: Look): Look {
  const share = Math.hypot(yaw, pitch) > LARGE ? HEAD_SHARE : 0.5 * HEAD_SHARE;
  return [yaw * share, pitch * share];
}

function size(a: Look, b: Look): number {
  return Math.hypot(b[0] - a[0], b[1] - a[1]);
}

function duration(degrees: number): number {
  return 0.021 + 0.0022 * degrees;
}

function toward(start: Look, target: Look, share: number): Look {
  const x = ease(share);
  return [start[0] + (target[0] - start[0]) * x, start[1] + (target[1] - start[1]) * x];
}
