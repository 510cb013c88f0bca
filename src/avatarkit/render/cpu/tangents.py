"""Directions along a surface: of hair strands, and of a texture's axes for normal maps."""

from __future__ import annotations

import numpy as np

from avatarkit.avatars.bundle import Mesh
from avatarkit.render.cpu.arrays import F32


def strand_directions(mesh: Mesh) -> F32:
    """Unit direction of the strands at every vertex, float32 (n, 4) with a last column of 0.

    Strands run along the texture's v axis; a mesh without texture coordinates (or where they are all alike)
    gets hair that hangs: "down", laid onto the surface.
    """
    count = len(mesh.positions)
    result = np.zeros((count, 4), np.float32)
    along = np.zeros((count, 3), np.float32)
    if mesh.uv is not None:
        along = _axis(mesh, axis=1)
    normals = mesh.normals
    down = np.array([0.0, -1.0, 0.0], np.float32)
    hanging = down - normals * (normals @ down)[:, None]
    missing = np.linalg.norm(along, axis=1) < 1e-6
    along[missing] = hanging[missing]
    length = np.linalg.norm(along, axis=1, keepdims=True)
    result[:, :3] = np.where(length > 1e-6, along / np.maximum(length, 1e-6), [1.0, 0.0, 0.0])
    return result


def texture_tangents(mesh: Mesh) -> F32:
    """Unit direction of the texture's +u at every vertex and the sign of +v against normal x tangent, (n, 4)."""
    result = np.zeros((len(mesh.positions), 4), np.float32)
    if mesh.uv is None:
        return result
    u_axis, v_axis = _axis(mesh, axis=0), _axis(mesh, axis=1)
    result[:, :3] = u_axis
    # glTF counts v downwards while normal maps take +y upwards, hence the minus.
    side = np.einsum("ij,ij->i", np.cross(mesh.normals, u_axis), -v_axis)
    result[:, 3] = np.where(side < 0.0, -1.0, 1.0)
    return result


def _axis(mesh: Mesh, axis: int) -> F32:
    """Mean direction, unit or zero, in which one texture coordinate grows around every vertex."""
    if mesh.uv is None:
        raise ValueError("the mesh has no texture coordinates")
    corner = mesh.positions[mesh.triangles].astype(np.float64)
    uv = mesh.uv[mesh.triangles].astype(np.float64)
    edge1, edge2 = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    d1, d2 = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    area = d1[:, 0] * d2[:, 1] - d2[:, 0] * d1[:, 1]
    along_u, along_v = edge1 * d2[:, 1:] - edge2 * d1[:, 1:], edge2 * d1[:, :1] - edge1 * d2[:, :1]
    direction = (along_u if axis == 0 else along_v) * np.sign(area)[:, None]
    length = np.linalg.norm(direction, axis=1, keepdims=True)
    direction = np.divide(direction, length, out=np.zeros_like(direction), where=length > 1e-18)
    total = np.zeros((len(mesh.positions), 3))
    for k in range(3):
        for c in range(3):
            total[:, c] += np.bincount(mesh.triangles[:, k], direction[:, c], minlength=len(total))
    length = np.linalg.norm(total, axis=1, keepdims=True)
    unit: F32 = np.divide(total, length, out=np.zeros_like(total), where=length > 1e-9).astype(np.float32)
    return unit
