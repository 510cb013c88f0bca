/** Directions along a surface: of hair strands, and of a texture's axes for normal maps. */

import type { Mesh } from "./bundle.js";

/**
 * n x 4: for hair the unit direction of the strands (along the texture's v axis, or hanging down where there is
 * none), for normal maps that of +u and the sign of +v against normal x tangent; `null` when not needed.
 */
export function tangents(mesh: Mesh): Float32Array | null {
  if (mesh.material.kind === "hair") return strands(mesh);
  return mesh.material.normalTexture !== null && mesh.uv ? textureTangents(mesh, mesh.uv) : null;
}

function strands(mesh: Mesh): Float32Array {
  const along = mesh.uv ? axis(mesh, mesh.uv, 1) : new Float32Array(mesh.positions.length);
  const out = new Float32Array((mesh.positions.length / 3) * 4);
  for (let v = 0; v < mesh.positions.length / 3; v++) {
    let [x, y, z] = [along[3 * v]!, along[3 * v + 1]!, along[3 * v + 2]!];
    if (Math.hypot(x, y, z) < 1e-6) {
      // "Down", laid onto the surface.
      const [nx, ny, nz] = [mesh.normals[3 * v]!, mesh.normals[3 * v + 1]!, mesh.normals[3 * v + 2]!];
      [x, y, z] = [ny * nx, ny * ny - 1, ny * nz];
    }
    const length = Math.hypot(x, y, z);
    out.set(length > 1e-6 ? [x / length, y / length, z / length, 0] : [1, 0, 0, 0], 4 * v);
  }
  return out;
}

function textureTangents(mesh: Mesh, uv: Float32Array): Float32Array {
  const u = axis(mesh, uv, 0);
  const v = axis(mesh, uv, 1);
  const n = mesh.normals;
  const out = new Float32Array((u.length / 3) * 4);
  for (let i = 0, o = 0; i < u.length; i += 3, o += 4) {
    // glTF counts v downwards while normal maps take +y upwards, hence the minus.
    const side =
      (n[i + 1]! * u[i + 2]! - n[i + 2]! * u[i + 1]!) * -v[i]! +
      (n[i + 2]! * u[i]! - n[i]! * u[i + 2]!) * -v[i + 1]! +
      (n[i]! * u[i + 1]! - n[i + 1]! * u[i]!) * -v[i + 2]!;
    out.set([u[i]!, u[i + 1]!, u[i + 2]!, side < 0 ? -1 : 1], o);
  }
  return out;
}

/** Mean direction, unit or zero, in which one texture coordinate grows around every vertex. */
function axis(mesh: Mesh, uv: Float32Array, which: 0 | 1): Float32Array {
  const { positions: p, triangles } = mesh;
  const total = new Float32Array(p.length);
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [triangles[t]!, triangles[t + 1]!, triangles[t + 2]!];
    const d1 = [uv[2 * b]! - uv[2 * a]!, uv[2 * b + 1]! - uv[2 * a + 1]!] as const;
    const d2 = [uv[2 * c]! - uv[2 * a]!, uv[2 * c + 1]! - uv[2 * a + 1]!] as const;
    const sign = Math.sign(d1[0] * d2[1] - d2[0] * d1[1]);
    const direction = [0, 0, 0];
    for (let k = 0; k < 3; k++) {
      const edge1 = p[3 * b + k]! - p[3 * a + k]!;
      const edge2 = p[3 * c + k]! - p[3 * a + k]!;
      direction[k] = sign * (which === 0 ? edge1 * d2[1] - edge2 * d1[1] : edge2 * d1[0] - edge1 * d2[0]);
    }
    const length = Math.hypot(...direction);
    if (length <= 1e-18) continue;
    for (const corner of [a, b, c]) for (let k = 0; k < 3; k++) total[3 * corner + k]! += direction[k]! / length;
  }
  for (let i = 0; i < total.length; i += 3) {
    const length = Math.hypot(total[i]!, total[i + 1]!, total[i + 2]!);
    for (let k = 0; k < 3; k++) total[i + k] = length > 1e-9 ? total[i + k]! / length : 0;
  }
  return total;
}
