/** The head's pose as two transforms: the neck takes a part of it, the head joint adds the rest. */

import { compose, multiply, type Matrix } from "./matrix.js";

/** Part of the head's rotation and translation that the neck joint takes. */
export const NECK_SHARE = 0.4;

/** World transforms (3 x 4) of the neck and the head joint for a head pose (6 values, see `Pose`). */
export function headTransforms(
  neckPivot: readonly number[],
  headPivot: readonly number[],
  head: Float32Array,
): { neck: Matrix; head: Matrix } {
  const neck = about(neckPivot, head, NECK_SHARE);
  return { neck, head: multiply(neck, about(headPivot, head, 1 - NECK_SHARE)) };
}

/** Rotation Y(yaw) X(pitch) Z(roll) about a pivot, then translation. */
function about(pivot: readonly number[], pose: Float32Array, share: number): Matrix {
  const [cx, cy, cz] = [0, 1, 2].map((i) => Math.cos(pose[i]! * share)) as [number, number, number];
  const [sx, sy, sz] = [0, 1, 2].map((i) => Math.sin(pose[i]! * share)) as [number, number, number];
  const identity = [0, 0, 0, 1] as const;
  const out = compose([0, 0, 0], identity, [1, 1, 1]);
  const turn = [
    cy * cz + sy * sx * sz, -cy * sz + sy * sx * cz, sy * cx,
    cx * sz, cx * cz, -sx,
    -sy * cz + cy * sx * sz, sy * sz + cy * sx * cz, cy * cx,
  ];
  for (let row = 0; row < 3; row++) {
    let offset = pivot[row]! + pose[3 + row]! * share;
    for (let column = 0; column < 3; column++) {
      const value = turn[3 * row + column]!;
      out[4 * row + column] = value;
      offset -= value * pivot[column]!;
    }
    out[4 * row + 3] = offset;
  }
  return out;
}
