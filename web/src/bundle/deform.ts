/** Morph targets on the CPU: sparse sums, so that a frame touches only the vertices that move. */

import type { Mesh, Morph } from "./bundle.js";
import { accumulate, normalise, vertexNormals } from "./normals.js";

const THRESHOLD = 1e-4;
const LEAST_BEND = 1e-3;

interface Shape {
  readonly vertices: Uint32Array;
  readonly moves: Float32Array;
  /** What each vertex adds to its normal; the sum is not unit length. */
  readonly bends: Float32Array;
}

/** Deforms one mesh. `positions` and `normals` hold the result of the last {@link apply}. */
export class Deformer {
  readonly positions: Float32Array;
  readonly normals: Float32Array;
  private readonly shapes = new Map<number, Shape>();
  private readonly last = new Map<number, number>();
  private restNormals: Float32Array | null = null;

  constructor(private readonly mesh: Mesh) {
    this.positions = mesh.positions.slice();
    this.normals = mesh.normals.slice();
  }

  /** Bring the mesh to 52 weights. False when nothing has changed since the last time. */
  apply(weights: Float32Array): boolean {
    let changed = false;
    for (const column of this.mesh.morphs.keys()) {
      const weight = weights[column]! > THRESHOLD ? weights[column]! : 0;
      if (weight !== (this.last.get(column) ?? 0)) {
        this.last.set(column, weight);
        changed = true;
      }
    }
    if (!changed) return false;
    this.positions.set(this.mesh.positions);
    this.normals.set(this.mesh.normals);
    for (const [column, weight] of this.last) if (weight) this.add(this.shape(column), weight);
    return true;
  }

  private add({ vertices, moves, bends }: Shape, weight: number): void {
    const { positions, normals } = this;
    for (let i = 0, m = 0; i < vertices.length; i++, m += 3) {
      const v = 3 * vertices[i]!;
      positions[v]! += weight * moves[m]!;
      positions[v + 1]! += weight * moves[m + 1]!;
      positions[v + 2]! += weight * moves[m + 2]!;
      normals[v]! += weight * bends[m]!;
      normals[v + 1]! += weight * bends[m + 1]!;
      normals[v + 2]! += weight * bends[m + 2]!;
    }
  }

  /** A shape with its normals, worked out when it is first used. */
  private shape(column: number): Shape {
    let shape = this.shapes.get(column);
    if (!shape) {
      this.restNormals ??= vertexNormals(this.mesh.positions, this.mesh.triangles);
      shape = withNormals(this.mesh, this.mesh.morphs.get(column)!, this.restNormals);
      this.shapes.set(column, shape);
    }
    return shape;
  }
}

function withNormals(mesh: Mesh, morph: Morph, rest: Float32Array): Shape {
  const count = mesh.positions.length / 3;
  const moved = mesh.positions.slice();
  const touched = new Uint8Array(count);
  morph.indices.forEach((v, i) => {
    touched[v] = 1;
    for (let c = 0; c < 3; c++) moved[3 * v + c]! += morph.deltas[3 * i + c]!;
  });
  const near = new Uint8Array(count);
  for (const t of trianglesAt(mesh.triangles, touched)) {
    for (let k = 0; k < 3; k++) near[mesh.triangles[3 * t + k]!] = 1;
  }
  // A vertex whose triangles all lie around `near` sees all of them, so its normal is that of the whole mesh.
  const normals = new Float32Array(moved.length);
  accumulate(moved, mesh.triangles, trianglesAt(mesh.triangles, near), normals);
  normalise(normals);
  const chosen: number[] = [];
  for (let v = 0; v < count; v++) {
    if (touched[v]) chosen.push(v);
    else if (near[v]) {
      const bend = Math.max(...[0, 1, 2].map((c) => Math.abs(normals[3 * v + c]! - rest[3 * v + c]!)));
      if (bend > LEAST_BEND) chosen.push(v);
    }
  }
  const moves = new Float32Array(3 * chosen.length);
  const bends = new Float32Array(3 * chosen.length);
  chosen.forEach((v, i) => {
    for (let c = 0; c < 3; c++) {
      moves[3 * i + c] = moved[3 * v + c]! - mesh.positions[3 * v + c]!;
      if (near[v]) bends[3 * i + c] = normals[3 * v + c]! - rest[3 * v + c]!;
    }
  });
  return { vertices: Uint32Array.from(chosen), moves, bends };
}

/** Numbers of the triangles that have a marked corner. */
function trianglesAt(triangles: Uint32Array, marked: Uint8Array): Uint32Array {
  const out: number[] = [];
  for (let t = 0; t < triangles.length; t += 3) {
    if (marked[triangles[t]!] || marked[triangles[t + 1]!] || marked[triangles[t + 2]!]) out.push(t / 3);
  }
  return Uint32Array.from(out);
}
