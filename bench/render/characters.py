"""The pictures of docs/characters.md: ``python -m bench.render.characters``, from the built-in characters."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from avatarkit.avatars import Bundle, builtin, read_bundle
from avatarkit.avatars.expressions import MOODS, PAIRS, VISEMES, Expression, pose_of
from avatarkit.frames import Pose
from avatarkit.render import composite, open_renderer
from avatarkit.studio.sheet import face_camera
from avatarkit.types import Camera
from bench.render.pictures import FOLDER

PORTRAIT = 420
TILE = 240
LABEL = 20
OVER = 2
"""Drawn so many times larger, and scaled down."""
PEOPLE = ("default", "marco", "nia")
TURNED: tuple[tuple[float, Expression], ...] = ((0.0, ()), (38.0, MOODS["happy"]))
"""Degrees that the camera goes around, and the face."""
FACES: tuple[str, ...] = (
    "rest", "eyeBlinkLeft", "eyeLookUpLeft", "jawOpen", "mouthFunnel",
    "mouthPucker", "mouthSmileLeft", "tongueOut", "jaw + close", "jaw + smile",
    "jaw + tongue", "blink + smile", "FF", "aa", "O",
    "U", "happy", "sad", "angry", "surprised",
)  # fmt: skip
COLUMNS = 5

Rgb = npt.NDArray[np.uint8]


def main() -> None:
    bundles = [read_bundle(builtin.folder() / f"{name}.glb") for name in PEOPLE]
    rows = [
        np.hstack([draw(own, pose_of(face), around(own.info.camera, turn), PORTRAIT) for own in bundles])
        for turn, face in TURNED
    ]
    save("characters.webp", np.vstack(rows))
    ada = bundles[0]
    tiles = [labelled(draw(ada, pose(name), face_camera(ada), TILE), name) for name in FACES]
    save("sheet.webp", np.vstack([np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]))


def pose(name: str) -> Pose:
    for known in (PAIRS, VISEMES, MOODS):
        if name in known:
            return pose_of(known[name])
    return Pose.neutral() if name == "rest" else pose_of(((name, 1.0),))


def around(camera: Camera, degrees: float) -> Camera:
    """The camera moved around the middle of the head, level."""
    angle = math.radians(degrees)
    x, y, z = camera.target
    centre = (x, y, z - 0.03)
    distance = camera.position[2] - z
    place = (centre[0] + distance * math.sin(angle), camera.position[1], centre[2] + distance * math.cos(angle))
    return replace(camera, position=place, target=centre)


def draw(bundle: Bundle, face: Pose, camera: Camera, side: int) -> Rgb:
    renderer = open_renderer("cpu")
    try:
        renderer.load(bundle)
        large = composite(renderer.draw(face, camera, (side * OVER, side * OVER)), bundle.info.background)
    finally:
        renderer.close()
    return np.asarray(Image.fromarray(large).resize((side, side), Image.Resampling.LANCZOS))


def labelled(picture: Rgb, name: str) -> Rgb:
    band = Image.new("RGB", (picture.shape[1], LABEL), (247, 247, 245))
    middle = (picture.shape[1] / 2, LABEL / 2)
    ImageDraw.Draw(band).text(middle, name, fill=(42, 46, 54), font=ImageFont.load_default(size=15), anchor="mm")
    return np.concatenate([picture, np.asarray(band)])


def save(name: str, picture: Rgb) -> None:
    Image.fromarray(picture).save(FOLDER / name, quality=84, method=6)
    print(f"wrote {FOLDER / name}")


if __name__ == "__main__":
    main()
