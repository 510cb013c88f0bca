/** Motion as numbers: 52 ARKit weights and a head pose, 25 times a second. */

/** The 52 ARKit shapes in ARKit's own order. Left and right are the avatar's. */
export const ARKIT_NAMES = [
  "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
  "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
  "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose",
  "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight",
  "mouthFrownLeft", "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft",
  "mouthStretchRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
  "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft",
  "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
  "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
] as const;

export type ArkitName = (typeof ARKIT_NAMES)[number];

/** Column of each shape. */
export const ARKIT_INDEX = Object.fromEntries(ARKIT_NAMES.map((name, i) => [name, i])) as Record<ArkitName, number>;

export const WEIGHT_COUNT = 52;
export const HEAD_COUNT = 6;

/**
 * The face at one instant: `weights` (52, each 0..1, ARKit order) and `head` (pitch, yaw, roll in radians,
 * then x, y, z in metres; right-handed about +X, +Y, +Z: positive pitch nods down, positive yaw turns to the
 * avatar's left).
 */
export interface Pose {
  readonly weights: Float32Array;
  readonly head: Float32Array;
}

/** The face at rest. */
export function neutralPose(): Pose {
  return { weights: new Float32Array(WEIGHT_COUNT), head: new Float32Array(HEAD_COUNT) };
}

/** A run of consecutive motion frames: row `i` is frame `firstFrame + i`. */
export interface MotionFrames {
  /** count x 52. */
  readonly weights: Float32Array;
  /** count x 6. */
  readonly head: Float32Array;
  readonly count: number;
  readonly firstFrame: number;
  /** Hertz. */
  readonly frameRate: number;
}

const STEPS = [1 / 8192, 1 / 8192, 1 / 8192, 1e-4, 1e-4, 1e-4] as const;

/** Frames from the two byte strings of a `MotionChunk`: uint8 weights (1/255) and int16 head values. */
export function framesFromQuantised(
  weights: Uint8Array,
  head: Uint8Array,
  firstFrame: number,
  frameRate: number,
): MotionFrames {
  const count = weights.length / WEIGHT_COUNT;
  if (!Number.isInteger(count) || head.length !== count * HEAD_COUNT * 2) {
    throw new RangeError(`motion of ${weights.length} weight bytes and ${head.length} head bytes does not fit`);
  }
  const values = new Float32Array(weights.length);
  for (let i = 0; i < weights.length; i++) values[i] = weights[i]! / 255;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const turns = new Float32Array(count * HEAD_COUNT);
  for (let i = 0; i < turns.length; i++) turns[i] = view.getInt16(2 * i, true) * STEPS[i % HEAD_COUNT]!;
  return { weights: values, head: turns, count, firstFrame, frameRate };
}
