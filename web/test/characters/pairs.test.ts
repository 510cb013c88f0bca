/** Weights of shapes that pull at the same skin are agreed as the Python renderers do. */

import { describe, expect, it } from "vitest";
import { agreed } from "../../src/bundle/pairs.js";
import { ARKIT_INDEX, ARKIT_NAMES, type ArkitName } from "../../src/frames.js";

function after(weights: Partial<Record<ArkitName, number>>): Partial<Record<ArkitName, number>> {
  const row = new Float32Array(ARKIT_NAMES.length);
  for (const [name, weight] of Object.entries(weights)) row[ARKIT_INDEX[name as ArkitName]] = weight;
  const out = agreed(row);
  return Object.fromEntries(ARKIT_NAMES.flatMap((name, i) => (out[i] ? [[name, Math.round(out[i] * 1e4) / 1e4]] : [])));
}

describe("agreed weights", () => {
  it("close the lips only over an open jaw", () => {
    expect(after({ mouthClose: 1 })).toEqual({});
    expect(after({ mouthClose: 1, jawOpen: 0.4 })).toEqual({ mouthClose: 0.4, jawOpen: 0.4 });
  });

  it("neither squint nor widen a shut eye", () => {
    expect(after({ eyeBlinkLeft: 1, eyeSquintLeft: 1, eyeWideLeft: 1, eyeSquintRight: 0.7 })).toEqual({
      eyeBlinkLeft: 1,
      eyeSquintRight: 0.7,
    });
    expect(after({ eyeWideRight: 0.8, eyeLookUpRight: 1 }).eyeWideRight).toBe(0.4);
    expect(after({ eyeBlinkRight: 1, eyeLookDownRight: 1 }).eyeBlinkRight).toBe(0.75);
  });

  it("share the lips between funnel and pucker", () => {
    expect(after({ mouthFunnel: 0.5, mouthPucker: 0.4 })).toEqual({ mouthFunnel: 0.5, mouthPucker: 0.4 });
    expect(after({ mouthFunnel: 1, mouthPucker: 1 })).toEqual({ mouthFunnel: 0.5, mouthPucker: 0.5 });
  });

  it("leave the given ones alone", () => {
    const row = new Float32Array(52).fill(1);
    agreed(row);
    expect(row.every((weight) => weight === 1)).toBe(true);
  });
});
