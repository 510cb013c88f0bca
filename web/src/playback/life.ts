/**
 * A face that lives without speaking: blinks, gaze, breath, sway, nods, and small changes of expression. A pure
 * function of the seed, the time, and what happened with the time at which it happened. No traffic, no loop.
 */

import { ARKIT_INDEX, WEIGHT_COUNT, type Pose } from "../frames.js";
import type { Mood } from "../types.js";
import { Blinks } from "./blinks.js";
import { Chance, Wander } from "./chance.js";
import { Cues } from "./cues.js";
import { Gaze, type Look } from "./gaze.js";
import type { Style } from "./mood.js";

/** Angle of the eye in its socket, degrees, at which an eyeLook shape is at weight 1. */
const FULL_LOOK = 30;
const BREATH_HZ = 0.25;
const INHALE_SHARE = 0.4;
const NOD_SLOT_S = 4;
const NOD_STREAM = 300;
const PRESS_SLOT_S = 11;
const PRESS_STREAM = 301;
const SWAY_SPEAKING = 0.5; // the motion of speech has a sway of its own
const AXES = [[0.9, 0.8], [1.2, 0.9], [0.6, 0.4]] as const; // slow and quick degrees of pitch, yaw, roll
const RADIANS = Math.PI / 180;
const I = ARKIT_INDEX;

/** The idle layer of one avatar. The same seed and the same events live the same life. */
export class Life {
  private readonly chance: Chance;
  private readonly cues = new Cues();
  private readonly gaze: Gaze;
  private readonly blinks: Blinks;
  private readonly slow: Wander[];
  private readonly quick: Wander[];
  private readonly unrest: Wander;
  private readonly posture: Wander[];
  private readonly smile: Wander;
  private readonly uneven: Wander;
  private readonly brow: Wander;
  private readonly breathDrift: Wander;
  private readonly breathPhase: number;
  private sampled = 0;

  /** `seed`: a whole number; its lower 32 bits count. */
  constructor(seed: number) {
    const chance = (this.chance = new Chance(seed));
    this.gaze = new Gaze(chance, this.cues);
    this.blinks = new Blinks(chance, this.cues, this.gaze);
    this.slow = [0, 1, 2].map((axis) => new Wander(chance, axis, 3));
    this.quick = [0, 1, 2].map((axis) => new Wander(chance, 10 + axis, 0.7));
    this.unrest = new Wander(chance, 15, 4.5);
    this.posture = [0, 1, 2].map((axis) => new Wander(chance, 20 + axis, 23));
    this.smile = new Wander(chance, 30, 7);
    this.uneven = new Wander(chance, 31, 4.3);
    this.brow = new Wander(chance, 32, 3);
    this.breathDrift = new Wander(chance, 33, 9);
    this.breathPhase = chance.uniform(34, 0);
  }

  // --- what happens, at a time of this life; not before what was sampled already -------------------------

  /** Speech takes the face over, or gives it back; its end is a pause too. */
  speak(t: number, active: boolean): void {
    t = Math.max(t, this.sampled);
    if (this.cues.speaking.at(t).value === active) return;
    this.cues.speaking.set(t, active);
    if (!active) this.pause(t);
  }

  /** The voice pauses: a blink that is due soon tends to come now. */
  pause(t: number): void {
    this.cues.pauses.set(Math.max(t, this.sampled), null);
  }

  /** Change over to a mood, within 1.5 s. */
  setMood(t: number, mood: Mood): void {
    this.cues.setMood(Math.max(t, this.sampled), mood);
  }

  /** Attend to a place in the picture, x and y -1..1 from its left and bottom; (0, 0) is the viewer. */
  lookAt(t: number, x: number, y: number): void {
    this.gaze.attend(Math.max(t, this.sampled), clamp(x, -1, 1), clamp(y, -1, 1));
  }

  // --- the face ------------------------------------------------------------------------------------------

  /**
   * The living pose at `t` seconds (0 or more).
   *
   * @param speaking 0..1, how much of the face speech has.
   * @param head Head pose (6) that speech adds, which the eyes make up for.
   */
  pose(t: number, speaking = 0, head: Float32Array | null = null): Pose {
    this.sampled = Math.max(this.sampled, t);
    const style = this.cues.style(t);
    const quiet = 1 - speaking;
    const breath = this.breath(t) * style.breath;
    const own = this.head(t, style, speaking, breath);
    const pitch = own[0]! + (head?.[0] ?? 0);
    const yaw = own[1]! + (head?.[1] ?? 0);
    const look = this.gaze.eyes(t);
    const inSocket: Look = [look[0] - yaw / RADIANS, look[1] - pitch / RADIANS];
    const weights = new Float32Array(WEIGHT_COUNT);
    setGaze(weights, inSocket);
    const hanging = Math.min(style.droop + 0.012 * Math.max(0, inSocket[1]), 0.5); // lids follow a look down
    const lids = hanging + (1 - hanging) * this.blinks.closure(t);
    weights[I.eyeBlinkLeft] = weights[I.eyeBlinkRight] = lids;
    const smile = style.smile + 0.02 * this.smile.at(t);
    const uneven = 0.01 * this.uneven.at(t);
    weights[I.mouthSmileLeft] = clamp(smile + uneven, 0, 0.4) * (1 - 0.7 * speaking);
    weights[I.mouthSmileRight] = clamp(smile - uneven, 0, 0.4) * (1 - 0.7 * speaking);
    weights[I.browInnerUp] = clamp(style.brow + 0.025 * this.brow.at(t) + 0.006 * Math.max(0, -inSocket[1]), 0, 0.25);
    const squint = style.squint * (1 - 0.5 * speaking);
    weights[I.cheekSquintLeft] = weights[I.cheekSquintRight] = squint;
    weights[I.eyeSquintLeft] = weights[I.eyeSquintRight] = squint;
    weights[I.noseSneerLeft] = weights[I.noseSneerRight] = 0.02 * Math.max(0, breath) * quiet;
    weights[I.mouthPressLeft] = weights[I.mouthPressRight] = this.press(t) * quiet;
    return { weights, head: Float32Array.from(own) };
  }

  private head(t: number, style: Style, speaking: number, breath: number): number[] {
    const size = style.sway * (1 - (1 - SWAY_SPEAKING) * speaking);
    const follow = this.gaze.head(t);
    const added = [follow[1] + style.bow + this.nod(t) * (1 - speaking) - 0.35 * breath, follow[0], 0];
    const unrest = Math.min(Math.abs(this.unrest.at(t)), 1.5); // people move in bouts, with stillness between
    const head = [0, 0, 0, 0, 0, 0];
    AXES.forEach(([slow, quick], axis) => {
      const wander = slow * (this.slow[axis]!.at(t) + 0.6 * this.posture[axis]!.at(t));
      head[axis] = (size * (wander + quick * unrest * this.quick[axis]!.at(t)) + added[axis]!) * RADIANS;
    });
    head[3] = 0.02 * head[1]!; // the neck is behind the face: a turn takes it along
    head[4] = 0.0008 * breath;
    return head;
  }

  /** -1..1: a quicker rise (40 % of the cycle) and a slower fall, never quite regular. */
  private breath(t: number): number {
    const phase = t * BREATH_HZ + this.breathPhase + 0.15 * this.breathDrift.at(t);
    const x = phase - Math.floor(phase);
    if (x < INHALE_SHARE) return -Math.cos((Math.PI * x) / INHALE_SHARE);
    return Math.cos((Math.PI * (x - INHALE_SHARE)) / (1 - INHALE_SHARE));
  }

  /** Degrees of a listener's nod: one to three dips, each smaller. */
  private nod(t: number): number {
    const slot = Math.floor(t / NOD_SLOT_S);
    const draw = (i: number): number => this.chance.uniform(NOD_STREAM, 8 * slot + i);
    const start = (slot + 0.3 * draw(1)) * NOD_SLOT_S;
    if (t < start || draw(0) >= (this.cues.style(start).nodsAMinute * NOD_SLOT_S) / 60) return 0;
    const dips = 1 + Math.floor(3 * draw(2));
    const place = (t - start) / (0.42 + 0.2 * draw(3));
    if (place >= dips) return 0;
    return (2 + 2.5 * draw(4)) * 0.6 ** Math.floor(place) * 0.5 * (1 - Math.cos(2 * Math.PI * place));
  }

  /** Now and then the lips press together for a moment. */
  private press(t: number): number {
    const slot = Math.floor(t / PRESS_SLOT_S);
    const draw = (i: number): number => this.chance.uniform(PRESS_STREAM, 8 * slot + i);
    const x = (t - (slot + 0.8 * draw(1)) * PRESS_SLOT_S) / 0.9;
    if (draw(0) > 0.35 || x <= 0 || x >= 1) return 0;
    return (0.1 + 0.15 * draw(2)) * Math.sin(Math.PI * x) ** 2;
  }
}

function setGaze(weights: Float32Array, [yaw, pitch]: Look): void {
  const side = Math.min(Math.abs(yaw) / FULL_LOOK, 1);
  // To the avatar's left, its left eye turns out and its right eye in.
  if (yaw >= 0) weights[I.eyeLookOutLeft] = weights[I.eyeLookInRight] = side;
  else weights[I.eyeLookInLeft] = weights[I.eyeLookOutRight] = side;
  const height = Math.min(Math.abs(pitch) / FULL_LOOK, 1);
  if (pitch >= 0) weights[I.eyeLookDownLeft] = weights[I.eyeLookDownRight] = height;
  else weights[I.eyeLookUpLeft] = weights[I.eyeLookUpRight] = height;
}

function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}
