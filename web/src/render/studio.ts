/**
 * The studio light and how each kind of surface answers it: the same numbers as `avatarkit.render.cpu.lights`
 * and `avatarkit.render.cpu.materials`; a golden comparison holds both to each other. Keep them alike.
 */

import type { Material, MaterialKind } from "../bundle/bundle.js";

type Vector = readonly [number, number, number];

/** Towards the key light: high to the avatar's right. */
export const KEY_DIRECTION: Vector = unit([-0.5, 0.62, 0.8]);

/** Shader constants: directions towards the lights, and linear colours. */
export const LIGHTS: Record<string, Vector> = {
  KEY: KEY_DIRECTION,
  KEY_COLOR: scaled([1, 0.945, 0.87], 0.92),
  FILL: unit([0.85, 0.12, 0.55]),
  FILL_COLOR: scaled([0.72, 0.84, 1], 0.2),
  RIM: unit([0.6, 0.5, -0.66]),
  RIM_COLOR: scaled([0.92, 0.96, 1], 0.75),
  SKY_COLOR: scaled([0.8, 0.87, 1], 0.3),
  GROUND_COLOR: scaled([1, 0.8, 0.68], 0.13),
};

/**
 * wrap r g b, soften, penumbra, ambient, broad, middle, sharp, sheen, rim, strand, shadow: factors on linear
 * light; the Python file says what each one does.
 */
type Response = readonly number[];

const RESPONSES: Record<MaterialKind, Response> = {
  skin: [0.42, 0.24, 0.18, 0.55, 0.45, 1.0, 0.055, 0.05, 0.0, 0.22, 0.8, 0.0, 1.0],
  eye: [0.3, 0.22, 0.2, 0.3, 0.1, 0.9, 0.0, 0.1, 1.6, 0.1, 0.0, 0.0, 0.75],
  teeth: [0.25, 0.18, 0.14, 0.3, 0.1, 0.62, 0.0, 0.16, 0.22, 0.05, 0.0, 0.0, 1.0],
  mouth: [0.3, 0.12, 0.1, 0.3, 0.3, 0.42, 0.02, 0.14, 0.1, 0.04, 0.0, 0.0, 1.0],
  hair: [0.35, 0.32, 0.3, 0.4, 0.0, 0.9, 0.0, 0.0, 0.0, 0.06, 1.0, 1.0, 1.0],
  lash: [0.3, 0.3, 0.3, 0.0, 0.0, 0.8, 0.0, 0.02, 0.0, 0.0, 0.2, 0.0, 1.0],
  cloth: [0.12, 0.12, 0.12, 0.2, 0.0, 1.0, 0.02, 0.0, 0.0, 0.3, 0.8, 0.0, 1.0],
  matte: [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.08, 0.04, 0.0, 0.05, 0.8, 0.0, 1.0],
};

/** Number of response factors of a material. */
export const FACTORS = 13;

/** The response factors of a material. */
export function responseOf(material: Material): number[] {
  const out = [...RESPONSES[material.kind]];
  if (material.kind === "matte" || material.kind === "cloth") {
    // Only these take roughness from the file: the other kinds are looks, tuned as a whole.
    for (let i = 6; i < 9; i++) out[i]! *= 2 * (1 - material.roughness);
  }
  return out;
}

function unit([x, y, z]: Vector): Vector {
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}

function scaled([r, g, b]: Vector, by: number): Vector {
  return [r * by, g * by, b * by];
}
