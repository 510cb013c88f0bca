/**
 * What weighted sums of shapes cannot do: weights of shapes that pull at the same skin, agreed before the sum. The
 * same rules as `avatarkit.avatars.pairs` in Python, which explains them.
 */

import { ARKIT_INDEX, type ArkitName } from "../frames.js";

const JAW = ARKIT_INDEX.jawOpen;
const CLOSE = ARKIT_INDEX.mouthClose;
const FUNNEL = ARKIT_INDEX.mouthFunnel;
const PUCKER = ARKIT_INDEX.mouthPucker;
const LIDS = (["Left", "Right"] as const).map((side) =>
  (["Blink", "Squint", "Wide", "LookUp", "LookDown"] as const).map((name) => ARKIT_INDEX[`eye${name}${side}` satisfies ArkitName]),
);

/** 52 weights after the rules; a new array. */
export function agreed(weights: Float32Array): Float32Array {
  const out = weights.slice();
  out[CLOSE] = Math.min(out[CLOSE]!, out[JAW]!);
  for (const [blink, squint, wide, up, down] of LIDS) {
    const left = Math.max(1 - out[blink!]!, 0);
    out[squint!]! *= left;
    out[wide!]! *= left * (1 - 0.5 * Math.min(out[up!]!, 1));
    out[blink!]! *= 1 - 0.25 * Math.min(out[down!]!, 1);
  }
  const together = out[FUNNEL]! + out[PUCKER]!;
  if (together > 1) {
    out[FUNNEL]! /= together;
    out[PUCKER]! /= together;
  }
  return out;
}
