/**
 * A face that lives without speaking: blinks, breath, a little sway, small shifts of gaze. A pure function of
 * seed and time, and the same life as `avatarkit.playback.life` in Python: `tests/conformance/vectors` holds
 * both to each other. Keep the two files alike.
 */

import { ARKIT_INDEX, neutralPose, type Pose } from "../frames.js";
import { Random } from "./random.js";

const BLINK_MEDIAN_S = 2.9;
const EXTRA_BLINK_MEDIAN_S = 5.6; // on top while speaking
const BLINK_SIGMA = 0.6;
const BLINK_CLOSE_S = 0.08;
const BLINK_SHUT_S = 0.04;
const BLINK_OPEN_S = 0.16;
const BLINK_GAP_S = 0.35;
const BREATH_HZ = 0.25;
const INHALE_SHARE = 0.4;
const GAZE_SHIFT_S = 0.05;
const FULL_LOOK_DEG = 30; // gaze angle at which an eyeLook shape is at weight 1
const LATTICE = 1024;
const RADIANS = Math.PI / 180;

/** The idle layer of one avatar. The same seed lives the same life. */
export class Life {
  private readonly blinks: Train;
  private readonly extraBlinks: Train;
  private readonly gaze: Gaze;
  private readonly noise: Float64Array[];
  private readonly breathPhase: number;

  /** `seed`: a whole number, 0 or more. */
  constructor(seed: number) {
    this.blinks = new Train(seed, 1, BLINK_MEDIAN_S);
    this.extraBlinks = new Train(seed, 2, EXTRA_BLINK_MEDIAN_S);
    this.gaze = new Gaze(seed);
    const random = new Random([seed, 4]);
    this.noise = Array.from({ length: 8 }, () => Float64Array.from({ length: LATTICE }, () => random.normal()));
    this.breathPhase = new Random([seed, 5]).random();
  }

  /** The living pose at `t` seconds (0 or more); `speaking` is 0..1, how much the avatar speaks. */
  pose(t: number, speaking = 0): Pose {
    const pose = neutralPose();
    const weights = pose.weights;
    const [yaw, pitch] = this.gaze.look(t);
    setGaze(weights, yaw, pitch);
    const lid = Math.max(this.blinks.closure(t), this.extraBlinks.closure(t) * speaking);
    const droop = 0.012 * Math.max(0, pitch); // lids follow a look down
    const closed = Math.min(1, lid + droop * (1 - lid));
    weights[ARKIT_INDEX.eyeBlinkLeft] = weights[ARKIT_INDEX.eyeBlinkRight] = closed;
    const smile = clamp(0.05 + 0.03 * this.smooth(6, t, 7), 0, 0.12) * (1 - 0.7 * speaking);
    weights[ARKIT_INDEX.mouthSmileLeft] = weights[ARKIT_INDEX.mouthSmileRight] = smile;
    weights[ARKIT_INDEX.browInnerUp] = clamp(0.03 + 0.03 * this.smooth(7, t, 3), 0, 0.12);
    this.head(pose.head, t, speaking);
    return pose;
  }

  private head(head: Float32Array, t: number, speaking: number): void {
    const lively = 1 + 0.6 * speaking;
    const breath = breathing(t * BREATH_HZ + this.breathPhase);
    // The head takes up a small part of where the eyes look, slowly.
    const [yaw, pitch] = this.gaze.slowLook(t);
    head[0] = (0.9 * this.sway(0, t) * lively + 0.1 * pitch - 0.35 * breath) * RADIANS;
    head[1] = (1.2 * this.sway(2, t) * lively + 0.15 * yaw) * RADIANS;
    head[2] = 0.6 * this.sway(4, t) * lively * RADIANS;
    head[4] = 0.0008 * breath;
  }

  /** About unit variance: a slow wander of some 4 s with a little quicker unrest on top. */
  private sway(channel: number, t: number): number {
    return 0.95 * this.smooth(channel, t, 3.5) + 0.25 * this.smooth(channel + 1, t, 0.8);
  }

  /** Noise through random values `spacing` seconds apart, with continuous speed and acceleration. */
  private smooth(channel: number, t: number, spacing: number): number {
    const place = t / spacing;
    const index = Math.floor(place);
    const x = place - index;
    const row = this.noise[channel]!;
    const a = row[index % LATTICE]!;
    const b = row[(index + 1) % LATTICE]!;
    return a + (b - a) * x * x * x * (x * (6 * x - 15) + 10);
  }
}

/** Blink times with log-normal gaps, made as far as they are asked for. */
class Train {
  private readonly random: Random;
  private readonly logMedian: number;
  private readonly starts: number[];

  constructor(seed: number, stream: number, median: number) {
    this.random = new Random([seed, stream]);
    this.logMedian = Math.log(median);
    this.starts = [this.gap() * 0.5];
  }

  /** How far the lids are shut, 0..1. */
  closure(t: number): number {
    while (this.starts[this.starts.length - 1]! <= t) {
      this.starts.push(this.starts[this.starts.length - 1]! + this.gap());
    }
    const index = lastAtOrBefore(this.starts, t);
    return index < 0 ? 0 : blinkShape(t - this.starts[index]!);
  }

  private gap(): number {
    return Math.max(BLINK_GAP_S, this.random.lognormal(this.logMedian, BLINK_SIGMA));
  }
}

type Angles = readonly [yaw: number, pitch: number];

/** Fixations: mostly on the partner with tiny shifts, now and then aside. */
class Gaze {
  private readonly random: Random;
  private readonly starts: number[] = [0];
  private readonly targets: Angles[] = [[0, 0]];

  constructor(seed: number) {
    this.random = new Random([seed, 3]);
  }

  /** Yaw (to the avatar's left) and pitch (down) of the eyes, in degrees. */
  look(t: number): Angles {
    return this.between(t, GAZE_SHIFT_S);
  }

  /** The same targets, reached at the pace of a head. */
  slowLook(t: number): Angles {
    return this.between(t - 0.15, 0.5);
  }

  private between(t: number, shift: number): Angles {
    while (this.starts[this.starts.length - 1]! <= t) this.grow();
    const index = Math.max(lastAtOrBefore(this.starts, t), 0);
    const target = this.targets[index]!;
    if (index === 0) return target;
    const before = this.targets[index - 1]!;
    let x = Math.min((t - this.starts[index]!) / shift, 1);
    x = x * x * (3 - 2 * x);
    return [before[0] + (target[0] - before[0]) * x, before[1] + (target[1] - before[1]) * x];
  }

  private grow(): void {
    const aside = this.random.random() < 0.15;
    const size = Math.min(this.random.exponential(aside ? 7 : 1.2), 12);
    const angle = this.random.uniform(0, 2 * Math.PI);
    // The last dwell belongs to the target before: long on the partner, short aside.
    const last = this.targets[this.targets.length - 1]!;
    const wasAside = Math.hypot(last[0], last[1]) > 3;
    const dwell = 0.55 + this.random.exponential(wasAside ? 0.8 : 2.4);
    this.starts.push(this.starts[this.starts.length - 1]! + dwell);
    this.targets.push([Math.cos(angle) * size, Math.sin(angle) * size * 0.6]);
  }
}

/** Closure 0..1 of a blink: 80 ms closing, 40 ms shut, 160 ms opening, the opening slower at its end. */
export function blinkShape(sinceStart: number): number {
  if (sinceStart < 0) return 0;
  if (sinceStart < BLINK_CLOSE_S) return Math.sin((0.5 * Math.PI * sinceStart) / BLINK_CLOSE_S);
  const opening = sinceStart - BLINK_CLOSE_S - BLINK_SHUT_S;
  if (opening < 0) return 1;
  const x = opening / BLINK_OPEN_S;
  return x < 1 ? (1 - x) ** 2 * (1 + 2 * x) : 0;
}

/** -1..1: a quicker rise (40 % of the cycle) and a slower fall. */
function breathing(phase: number): number {
  const x = phase - Math.floor(phase);
  if (x < INHALE_SHARE) return -Math.cos((Math.PI * x) / INHALE_SHARE);
  return Math.cos((Math.PI * (x - INHALE_SHARE)) / (1 - INHALE_SHARE));
}

function setGaze(weights: Float32Array, yaw: number, pitch: number): void {
  const side = Math.min(Math.abs(yaw) / FULL_LOOK_DEG, 1);
  // To the avatar's left, its left eye turns out and its right eye in.
  if (yaw >= 0) weights[ARKIT_INDEX.eyeLookOutLeft] = weights[ARKIT_INDEX.eyeLookInRight] = side;
  else weights[ARKIT_INDEX.eyeLookInLeft] = weights[ARKIT_INDEX.eyeLookOutRight] = side;
  const height = Math.min(Math.abs(pitch) / FULL_LOOK_DEG, 1);
  if (pitch >= 0) weights[ARKIT_INDEX.eyeLookDownLeft] = weights[ARKIT_INDEX.eyeLookDownRight] = height;
  else weights[ARKIT_INDEX.eyeLookUpLeft] = weights[ARKIT_INDEX.eyeLookUpRight] = height;
}

function lastAtOrBefore(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}
