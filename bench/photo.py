"""`python -m bench.photo`: photo avatars against people of whom everything is known.

Portraits are rendered from built characters: light and dark, old and young, with glasses, beard, long hair and hat.
Each becomes a photo avatar. Then both wear the same shapes, and a face detector says where their landmarks go: that
the two agree is what "the avatar moves like the person" means. Where scikit-image is installed, the portrait in the
public domain that it carries is made an avatar of, too; other pictures can be added with ``--photo``.

    python -m bench.photo --people 3 --out out/photo
    python -m bench.photo --people 0 --photo me.jpg
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from avatarkit.avatars import Bundle, encode_bundle
from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.frames import ARKIT_NAMES
from avatarkit.render import Renderer, encode_png, open_renderer
from avatarkit.studio.character import CharacterSpec, build, random_spec
from avatarkit.studio.character.parts import Part, grid_triangles
from avatarkit.studio.character.spec import Ancestry, FacialHair, Glasses, HairStyle
from avatarkit.studio.photo import create
from avatarkit.studio.photo.indices import CHIN, FOREHEAD
from avatarkit.studio.photo.landmarks import find_faces
from avatarkit.studio.photo.picture import read_picture
from avatarkit.studio.photo.preview import draw_preview, pose_of

Points = npt.NDArray[np.float64]
SIDE: Final = 768
HAT: Final = "hat"
_MOVED: Final = 0.006
"""What a shape moves by less than this share of the face's height is not compared."""
WALL: Final = np.array([128.0, 140.0, 148.0])


def people() -> list[CharacterSpec]:
    """Who is photographed."""
    base = [random_spec(seed) for seed in range(7)]
    bare = replace(base[1], glasses=Glasses.NONE, hair_style=HairStyle.CROP)
    return [
        replace(base[0], name="light, long hair", hair_style=HairStyle.WAVY, glasses=Glasses.NONE),
        replace(
            bare, name="dark", ancestry=Ancestry(1.0, 0.0, 0.0), skin=(0.36, 0.23, 0.17), iris=(0.2, 0.12, 0.08)
        ),
        replace(base[2], name="glasses", glasses=Glasses.ROUND),
        replace(
            base[3], name="beard", gender=1.0, facial_hair=FacialHair.BEARD, hair_style=HairStyle.CROP,
            glasses=Glasses.NONE,
        ),
        replace(base[4], name="old", age=76.0, grey=0.9),
        replace(base[5], name="young", age=19.0, hair_style=HairStyle.BUN),
        replace(base[6], name="bald", gender=1.0, hair_style=HairStyle.NONE),
        replace(base[5], name=HAT, hair_style=HairStyle.BOB, glasses=Glasses.NONE, seed=8),
    ]  # fmt: skip


def with_hat(person: Bundle) -> Bundle:
    """The same person in a woollen hat down to the brows."""
    turn, rise = np.linspace(0.0, 2.0 * np.pi, 49), np.linspace(0.0, 1.0, 17)
    around, up = (grid.ravel() for grid in np.meshgrid(turn, rise, indexing="ij"))
    wide = np.sqrt(np.clip(1.0 - up**2.6, 0.0, 1.0)) * (1.0 + 0.035 * (up < 0.13)) + 0.004 * np.sin(24 * around)
    points = np.stack(
        [0.094 * wide * np.sin(around), 0.030 + 0.115 * up, -0.080 + 0.120 * wide * np.cos(around)], axis=1
    )
    points[:, 1] += 0.10 * (points[:, 2] + 0.08)  # pushed back from the forehead
    shade = 0.7 + 0.3 * np.abs(np.sin(12 * around))
    material = Material("hat", MaterialKind.CLOTH, double_sided=True)
    part = Part("hat", points, grid_triangles(len(turn), len(rise)), material)
    part.colors = shade[:, None] * np.array([0.30, 0.06, 0.07])
    return replace(person, meshes=(*person.meshes, part.to_mesh()))


@dataclass
class Result:
    """What one portrait gave."""

    name: str
    seconds: float
    stages: dict[str, float]
    megabytes: float
    reprojection: float | None
    """Landmarks of the avatar at rest against those of the photo, per cent of the face's height, median."""
    shapes: dict[str, float]
    """Movement of the landmarks by each shape against the person's own, per cent of the face's height, median."""


class Studio:
    """Takes pictures of one bundle before a grey wall."""

    def __init__(self, bundle: Bundle) -> None:
        self._renderer: Renderer = open_renderer()
        self._renderer.load(bundle)
        self._camera = bundle.info.camera

    def photograph(self, weights: dict[str, float] | None = None) -> npt.NDArray[np.uint8]:
        """The bundle wearing ``weights``, uint8 (SIDE, SIDE, 3)."""
        image = self._renderer.draw(pose_of(weights or {}), self._camera, (SIDE, SIDE)).astype(np.float64)
        share = image[..., 3:] / 255.0
        return np.asarray(np.rint(image[..., :3] * share + WALL * (1.0 - share)), np.uint8)


def landmarks(picture: npt.NDArray[np.uint8]) -> Points | None:
    """Landmarks in shares of the face's height, from the middle of the face."""
    faces = find_faces(picture)
    if not faces:
        return None
    points = faces[0][:468, :2]
    height = float(np.linalg.norm(points[CHIN] - points[FOREHEAD]))
    return np.asarray((points - points.mean(axis=0)) / height)


def _stem(name: str) -> str:
    """A shape's name without its side, where both sides can be worn at once."""
    if name in {"jawLeft", "jawRight", "mouthLeft", "mouthRight"}:
        return name
    return name.removesuffix("Left").removesuffix("Right")


def compare(person: Bundle, avatar: Bundle) -> dict[str, float]:
    """For each shape that moves landmarks: how far the avatar's movement is from the person's.

    Both sides of a shape are worn at once; the landmarks of the right half of the picture are the left side's.
    """
    studios = [Studio(one) for one in (person, avatar)]
    rests = [landmarks(studio.photograph()) for studio in studios]
    out: dict[str, float] = {}
    for stem in dict.fromkeys(_stem(name) for name in ARKIT_NAMES):
        moved = [landmarks(studio.photograph({stem: 0.7})) for studio in studios]
        found = [now - rest for now, rest in zip(moved, rests, strict=True) if now is not None and rest is not None]
        if len(found) < 2 or rests[0] is None:
            continue
        apart = np.linalg.norm(found[0] - found[1], axis=1)
        reach = np.linalg.norm(found[0], axis=1) > _MOVED
        side = rests[0][:, 0]
        halves = {f"{stem}Left": side > 0.0, f"{stem}Right": side < 0.0}
        if stem in ARKIT_NAMES:
            halves = {stem: np.ones(len(side), bool)}
        out |= {
            name: float(np.median(apart[reach & half]) * 100)
            for name, half in halves.items()
            if (reach & half).sum() > 3
        }
    return out


def run(name: str, picture: bytes, out: Path, person: Bundle | None) -> Result:
    """Make an avatar of a picture and measure it."""
    stages: dict[str, float] = {}
    began = last = time.perf_counter()
    at = [""]

    def tell(_share: float, what: str) -> None:
        nonlocal last
        now = time.perf_counter()
        if at[0]:
            stages[at[0]] = now - last
        at[0], last = what, now

    avatar = create(picture, name, consent=True, progress=tell)
    seconds = time.perf_counter() - began
    sheet = out / f"{name.replace(', ', '-').replace(' ', '-')}.png"
    sheet.write_bytes(encode_png(draw_preview(avatar)))
    drawn = landmarks(Studio(avatar).photograph())
    photo = landmarks(read_picture(picture))
    off = None if drawn is None or photo is None else float(np.median(np.linalg.norm(drawn - photo, axis=1)) * 100)
    shapes = {} if person is None else compare(person, avatar)
    return Result(name, seconds, stages, len(encode_bundle(avatar)) / 1e6, off, shapes)


def main() -> None:
    """Print the tables and leave the sheets in ``--out``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=8, help="how many built people to photograph (0..8)")
    parser.add_argument("--photo", type=Path, action="append", default=[], help="also a picture of yours")
    parser.add_argument("--out", type=Path, default=Path("out/photo"), help="where the sheets go")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    results = []
    for spec in track(people()[: options.people], "people", console=Console(stderr=True)):
        person = with_hat(build(spec)) if spec.name == HAT else build(spec)
        picture = io.BytesIO()
        Image.fromarray(Studio(person).photograph()).save(picture, "PNG")
        (options.out / f"{spec.name.replace(', ', '-').replace(' ', '-')}-photo.png").write_bytes(picture.getvalue())
        results.append(run(spec.name, picture.getvalue(), options.out, person))
    photos = [*options.photo, *public_portraits()]
    results += [run(path.stem, path.read_bytes(), options.out, None) for path in photos]
    show(results)


def public_portraits() -> list[Path]:
    """Portraits in the public domain that scikit-image carries; none where it is not installed."""
    found = importlib.util.find_spec("skimage")
    places = list(found.submodule_search_locations or ()) if found is not None else []
    return [path for place in places if (path := Path(place) / "data" / "astronaut.png").is_file()]


def show(results: list[Result]) -> None:
    """The tables."""
    console = Console()
    table = Table("portrait", "s", "MB", "at rest, %", "shapes, % (median)", "worst shapes")
    for r in results:
        worst = sorted(r.shapes.items(), key=lambda item: -item[1])[:3]
        table.add_row(
            r.name, f"{r.seconds:.1f}", f"{r.megabytes:.2f}",
            "-" if r.reprojection is None else f"{r.reprojection:.2f}",
            f"{np.median(list(r.shapes.values())):.2f} ({len(r.shapes)} shapes)" if r.shapes else "-",
            ", ".join(f"{name} {value:.1f}" for name, value in worst),
        )  # fmt: skip
    console.print(table)
    shapes = Table("shape", "% (median of the portraits)", "portraits")
    for name in ARKIT_NAMES:
        values = [r.shapes[name] for r in results if name in r.shapes]
        shapes.add_row(name, f"{np.median(values):.2f}" if values else "no landmark moves", str(len(values)))
    console.print(shapes)
    stages = Table("stage", "s (median)")
    for stage in results[0].stages if results else ():
        stages.add_row(stage, f"{np.median([r.stages[stage] for r in results]):.2f}")
    console.print(stages)
    console.print("Per cent of the face's height, from forehead to chin; lower is better.")


if __name__ == "__main__":
    main()
