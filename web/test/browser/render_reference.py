"""Draw poses with the CPU renderer: JSON on stdin, ``<character>-<view>.rgba`` in the folder that is named."""

import json
import sys
from pathlib import Path

import numpy as np

from avatarkit.avatars import read_bundle
from avatarkit.frames import ARKIT_INDEX, Pose
from avatarkit.render.cpu.renderer import CpuRenderer
from avatarkit.types import Camera


def main() -> None:
    for job in json.load(sys.stdin):
        bundle = read_bundle(Path(job["bundle"]))
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
