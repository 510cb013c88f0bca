/** How each kind of surface answers the studio's light, as the shaders take it. */

import type { Material } from "../bundle/bundle.js";
import { LIGHTS, RESPONSES } from "./studio-numbers.js";

export { LIGHTS };

/** Number of response factors of a material. */
export const FACTORS = RESPONSES.matte.length;

/** The response factors of a material. */
export function responseOf(material: Material): number[] {
  const out = [...RESPONSES[material.kind]];
  if (material.kind === "matte" || material.kind === "cloth") {
    // Only these take roughness from the file: the other kinds are looks, tuned as a whole.
    for (let i = 6; i < 9; i++) out[i]! *= 2 * (1 - material.roughness);
  }
  return out;
}
