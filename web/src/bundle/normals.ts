/** Unit normals, n x 3: the area-weighted mean over a vertex's triangles; +Y where there are none. */
export function vertexNormals(positions: Float32Array, triangles: Uint32Array): Float32Array {
  const out = new Float32Array(positions.length);
  accumulate(positions, triangles, null, out);
  normalise(out);
  return out;
}

/** Add each triangle's doubled area vector to its corners; only triangles numbered in `chosen`, if given. */
export function accumulate(p: Float32Array, triangles: Uint32Array, chosen: Uint32Array | null, out: Float32Array): void {
  const count = chosen ? chosen.length : triangles.length / 3;
  for (let i = 0; i < count; i++) {
    const t = 3 * (chosen ? chosen[i]! : i);
    const a = 3 * triangles[t]!;
    const b = 3 * triangles[t + 1]!;
    const c = 3 * triangles[t + 2]!;
    const ux = p[b]! - p[a]!;
    const uy = p[b + 1]! - p[a + 1]!;
    const uz = p[b + 2]! - p[a + 2]!;
    const vx = p[c]! - p[a]!;
    const vy = p[c + 1]! - p[a + 1]!;
    const vz = p[c + 2]! - p[a + 2]!;
    const x = uy * vz - uz * vy;
    const y = uz * vx - ux * vz;
    const z = ux * vy - uy * vx;
    for (const corner of [a, b, c]) {
      out[corner]! += x;
      out[corner + 1]! += y;
      out[corner + 2]! += z;
    }
  }
}

/** Bring every vector to length 1; one of no length becomes +Y. */
export function normalise(v: Float32Array): void {
  for (let i = 0; i < v.length; i += 3) {
    const length = Math.hypot(v[i]!, v[i + 1]!, v[i + 2]!);
    if (length < 1e-20) v.set([0, 1, 0], i);
    else {
      v[i]! /= length;
      v[i + 1]! /= length;
      v[i + 2]! /= length;
    }
  }
}
