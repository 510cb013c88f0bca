"""Compiling the CPU renderer ahead of time: ``python -m avatarkit.render.warm``."""

from __future__ import annotations

import sys
import time

import numpy as np

from avatarkit.avatars.bundle import Bundle, BundleInfo, Joint, Material, MaterialKind, Mesh, Morph
from avatarkit.errors import AvatarError
from avatarkit.frames import Pose
from avatarkit.render.registry import open_renderer
from avatarkit.types import Camera


def warm_up() -> float:
    """Compile every kernel, so that the first frame of any avatar comes at once; returns the seconds it took.

    The machine code goes beside the package, or, where that cannot be written, to the user's cache folder (numba's
    ``NUMBA_CACHE_DIR`` decides otherwise). Does next to nothing when it is there already.
    Raises ``AvatarError`` (missingDependency) without numba.
    """
    start = time.perf_counter()
    renderer = open_renderer("cpu")
    renderer.load(_smallest_bundle())
    pose = Pose.neutral()
    pose.weights[:] = 1.0
    renderer.draw(pose, Camera(), (16, 16))
    renderer.close()
    return time.perf_counter() - start


def _smallest_bundle() -> Bundle:
    """Triangles for every path through the kernels: texture, normal map, alpha cutoff, morph, shadow."""
    corners = np.array([[-0.1, -0.1, 0.0], [0.1, -0.1, 0.0], [0.0, 0.1, 0.0]], np.float32)
    facing = np.tile(np.array([0.0, 0.0, 1.0], np.float32), (3, 1))
    uv = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.float32)
    morph = Morph(np.array([0], np.uint32), np.array([[0.0, 0.01, 0.0]], np.float32))
    material = Material("all", MaterialKind.HAIR, texture=0, normal_texture=1, double_sided=True, alpha_cutoff=0.5)
    triangle = np.array([[0, 1, 2]], np.uint32)
    cut_out = Mesh("all", corners, facing, triangle, material, uv, morphs={"jawOpen": morph})
    solid = Mesh("solid", corners, facing, triangle, Material("solid", MaterialKind.SKIN))  # which throws a shadow
    picture = np.full((2, 2, 4), 255, np.uint8)
    info = BundleInfo("warm up", "CC0-1.0", "")
    return Bundle(info, (cut_out, solid), (Joint("head", None, (0, 0, 0)),), (picture, picture))


def main() -> int:
    """Compile, say so in one line, and give the exit status."""
    try:
        seconds = warm_up()
    except AvatarError as failure:
        sys.stderr.write(f"avatarkit: {failure}\n")
        return 1
    sys.stdout.write(f"avatarkit: the CPU renderer is compiled ({seconds:.1f} s)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
