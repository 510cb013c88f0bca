/** The little linear algebra that reading a bundle takes. Matrices are 3 x 4, row by row. */

export type Matrix = Float64Array;

export const IDENTITY: Matrix = Float64Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0);

/** a b: first b, then a. */
export function multiply(a: Matrix, b: Matrix): Matrix {
  const out = new Float64Array(12);
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 4; column++) {
      let sum = column === 3 ? a[4 * row + 3]! : 0;
      for (let k = 0; k < 3; k++) sum += a[4 * row + k]! * b[4 * k + column]!;
      out[4 * row + column] = sum;
    }
  }
  return out;
}

/** Translation, rotation (unit quaternion x, y, z, w) and scale as one matrix. */
export function compose(
  [tx, ty, tz]: readonly number[],
  [x, y, z, w]: readonly [number, number, number, number],
  [sx, sy, sz]: readonly [number, number, number],
): Matrix {
  return Float64Array.of(
    (1 - 2 * (y * y + z * z)) * sx, 2 * (x * y - w * z) * sy, 2 * (x * z + w * y) * sz, tx!,
    2 * (x * y + w * z) * sx, (1 - 2 * (x * x + z * z)) * sy, 2 * (y * z - w * x) * sz, ty!,
    2 * (x * z - w * y) * sx, 2 * (y * z + w * x) * sy, (1 - 2 * (x * x + y * y)) * sz, tz!,
  );
}

/** From glTF's 16 numbers, column by column. */
export function fromColumns(m: ArrayLike<number>): Matrix {
  const out = new Float64Array(12);
  for (let row = 0; row < 3; row++) for (let column = 0; column < 4; column++) out[4 * row + column] = m[4 * column + row]!;
  return out;
}

/** Cofactors of the turning part (9 numbers), which carry normals, and its determinant. */
export function cofactors(m: Matrix): { matrix: Float64Array; determinant: number } {
  const at = (r: number, c: number): number => m[4 * (r % 3) + (c % 3)]!;
  const out = new Float64Array(9);
  for (let r = 0; r < 3; r++) {
    for (let c = 0; c < 3; c++) {
      out[3 * r + c] = at(r + 1, c + 1) * at(r + 2, c + 2) - at(r + 1, c + 2) * at(r + 2, c + 1);
    }
  }
  return { matrix: out, determinant: at(0, 0) * out[0]! + at(0, 1) * out[1]! + at(0, 2) * out[2]! };
}
