"""The pictures of docs/rendering.md: ``python -m bench.render.pictures``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from avatarkit.avatars import read_bundle
from avatarkit.render import Background, open_renderer
from bench.render.poses import BUILTIN, speaking_pose

FOLDER = Path(__file__).parents[2] / "docs/pictures"
SIDE = 400
GAIN = 8
POSE = 8


def main() -> None:
    bundle = read_bundle(BUILTIN)
    drawn = {}
    for name in ("cpu", "gpu"):
        renderer = open_renderer(name)
        renderer.load(bundle)
        drawn[name] = renderer.draw(speaking_pose(POSE), bundle.info.camera, (SIDE, SIDE))
        renderer.close()
    difference = np.abs(drawn["cpu"].astype(int) - drawn["gpu"])
    print(
        f"mean difference {difference.mean():.2f} of 255, over 24 in {(difference.max(2) > 24).mean():.2%} of pixels"
    )
    ground = Background(bundle.info.background, (SIDE, SIDE))
    tiles = [ground.behind(image)[..., :3] for image in drawn.values()]
    tiles.append(np.clip(GAIN * difference[..., :3], 0, 255).astype(np.uint8))
    save("renderers.webp", tiles)
    y, x = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j]
    evening = np.stack([230 - 150 * y, 150 - 70 * y, 120 + 60 * y], -1) - 40 * ((x - 0.3) ** 2)[..., None]
    checks = np.where(((x * 16).astype(int) + (y * 16).astype(int))[..., None] % 2, 255, 204).astype(np.uint8)
    behind = ("#203040", evening.astype(np.uint8), np.repeat(checks, 3, axis=2))
    save("backgrounds.webp", [Background(b, (SIDE, SIDE)).behind(drawn["cpu"])[..., :3] for b in behind])


def save(name: str, tiles: list[npt.NDArray[np.uint8]]) -> None:
    Image.fromarray(np.hstack(tiles)).save(FOLDER / name, quality=82, method=6)
    print(f"wrote {FOLDER / name}")


if __name__ == "__main__":
    main()
