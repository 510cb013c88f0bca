"""Draw poses with the CPU renderer: JSON on stdin, ``<character>-<view>.rgba`` in the folder that is named."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from avatarkit.avatars import Bundle, Material, MaterialKind, Mesh, read_bundle, write_bundle
from avatarkit.frames import ARKIT_INDEX, Pose
from avatarkit.render.cpu.renderer import CpuRenderer
from avatarkit.types import Camera


def photograph(bundle: Bundle) -> Bundle:
    """A character as a photo avatar is made: skin that holds its light, and around it a picture with a soft edge."""
    meshes = [
        replace(mesh, material=replace(mesh.material, kind=MaterialKind.PHOTO))
        if mesh.material.kind is MaterialKind.SKIN
        else mesh
        for mesh in bundle.meshes
    ]
    across = np.linspace(-1.0, 1.0, 128)
    alpha = np.clip(2.0 - 2.0 * np.hypot(across, across[:, None]), 0.0, 1.0)
    picture = np.full((128, 128, 4), (90, 120, 180, 255), np.uint8)
    picture[..., 3] = np.round(255 * alpha)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    border = Mesh(
        "border",
        positions=np.column_stack([0.3 * corners, np.full(4, -0.4)]).astype(np.float32),
        normals=np.tile(np.float32([0, 0, 1]), (4, 1)),
        triangles=np.array([[0, 1, 2], [0, 2, 3]], np.uint32),
        material=Material("border", MaterialKind.PHOTO, texture=len(bundle.textures), alpha_cutoff=0.5),
        uv=0.5 + 0.5 * corners * np.float32([1, -1]),
    )
    return replace(bundle, meshes=(*meshes, border), textures=(*bundle.textures, picture))


def main() -> None:
    for job in json.load(sys.stdin):
        bundle = read_bundle(Path(job["bundle"]))
        if job["name"] == "photo":
            write_bundle(photograph(bundle), Path(sys.argv[1]) / "photo.glb")
            bundle = read_bundle(Path(sys.argv[1]) / "photo.glb")
        renderer = CpuRenderer()
        renderer.load(bundle)
        for name, view in job["views"].items():
            pose = Pose.neutral()
            for shape, weight in view.get("weights", {}).items():
                pose.weights[ARKIT_INDEX[shape]] = weight
            pose.head[:] = np.array(view.get("head", [0] * 6), np.float32)
            own = bundle.info.camera
            camera = Camera(tuple(view.get("position", own.position)), own.target, own.vertical_fov_deg)
            image = renderer.draw(pose, camera, tuple(job["size"]))
            (Path(sys.argv[1]) / f"{job['name']}-{name}.rgba").write_bytes(image.tobytes())
        renderer.close()


if __name__ == "__main__":
    main()
