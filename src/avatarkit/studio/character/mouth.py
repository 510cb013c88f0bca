"""Inside the mouth: teeth in two arches, gums, the tongue, and the dark behind them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.studio.character.clip import drop_loose
from avatarkit.studio.character.parts import Part, Scalars, grid_triangles, linear, smooth
from avatarkit.studio.character.person import Person
from avatarkit.studio.character.source import Points

_JAW_SHAPES: Final = ("jawOpen", "jawForward", "jawLeft", "jawRight")
_CARRIED: Final = (*_JAW_SHAPES, "tongueOut")
"""What moves the lower teeth: the tongue comes out with the jaw a little ajar."""
_UPPER_WIDTHS_MM: Final = (8.6, 6.7, 7.6, 7.0, 6.8, 9.5)
"""Central incisor to first molar, one side."""
_LOWER_WIDTHS_MM: Final = (5.4, 5.9, 6.9, 7.1, 7.2, 10.0)
_ENAMEL: Final = (0.985, 0.955, 0.905)
_GUM: Final = (0.74, 0.40, 0.38)
_TONGUE: Final = (0.74, 0.40, 0.38)
_HOLLOW: Final = (0.34, 0.12, 0.11)
_BOWL: Final = np.array(
    [(0.026, 0.2, 0.0), (0.024, 0.85, 0.0), (0.010, 1.0, 0.0), (0.0, 1.0, 0.3), (-0.010, 0.95, 0.7),
     (-0.020, 0.82, 1.0), (-0.022, 0.2, 1.0)]
)  # fmt: skip
"""Rows of the hollow, roof to floor: metres above the teeth, relative size, share of the jaw's movement."""
_FRONT_TEETH: Final = 3
_FINE: Final = 5
_COARSE: Final = 4
"""Vertices each way on a front tooth, and on one of those behind it."""
_TONGUE_BACK_M: Final = -0.024
"""What lies behind it is not seen, however wide the mouth."""


def teeth(person: Person, *, upper: bool) -> Part:
    """One arch with its gum. The lower one follows the jaw shapes of the base mesh's own lower teeth."""
    arch = _Arch(person, upper)
    points: list[Points] = []
    triangles: list[npt.NDArray[np.uint32]] = []
    colors: list[Points] = []
    widths = _UPPER_WIDTHS_MM if upper else _LOWER_WIDTHS_MM
    start = 0
    for side in (1.0, -1.0):
        along = 0.0
        for number, width_mm in enumerate(widths):
            width = width_mm * 1e-3
            surface, color = _tooth(arch, side * (along + width / 2), width, number, upper)
            steps = _steps(number)
            grid = grid_triangles(steps, steps)
            triangles.append((grid if upper else grid[:, ::-1]) + np.uint32(start))
            points.append(surface)
            colors.append(color)
            start += len(surface)
            along += width
    gum, gum_triangles, gum_color = _gum(arch, sum(widths) * 1e-3, upper)
    triangles.append(gum_triangles + np.uint32(start))
    all_points = np.concatenate([*points, gum])
    part = Part(
        name="upper teeth" if upper else "lower teeth",
        points=all_points,
        triangles=np.concatenate(triangles).astype(np.uint32),
        material=Material("teeth", MaterialKind.TEETH, roughness=0.25, double_sided=True),
        colors=np.concatenate([*colors, gum_color]),
        occlusion=_mouth_shade(all_points),
    )
    if not upper:
        own = person.base.group_vertices("helper-lower-teeth")
        for name in _CARRIED:
            part.shapes[name] = _carry(person.points[own], person.shapes[name][own], all_points)
    return part


def tongue(person: Person) -> Part:
    """The base mesh's tongue, refined, a little narrower so that it stays between the teeth."""
    refined = person.refine_group("helper-tongue")
    whole = refined.points
    shapes = {name: deltas for name, deltas in refined.shapes.items() if name in _CARRIED}
    shapes["tongueOut"] = _over_lip(whole, shapes["tongueOut"], _sill(person))
    seen = whole[refined.triangles, 2].max(axis=1) > _TONGUE_BACK_M
    used, triangles = drop_loose(refined.triangles[seen], len(whole))
    points = whole[used]
    groove = np.exp(-((points[:, 0] / 0.003) ** 2)) * smooth(-0.03, 0.0, points[:, 2])
    color = linear(_TONGUE) * (1.0 - 0.22 * groove)[:, None]
    return Part(
        name="tongue",
        points=points,
        triangles=triangles,
        material=Material("tongue", MaterialKind.MOUTH, roughness=0.35),
        colors=color,
        occlusion=np.clip(0.30 + 0.70 * smooth(-0.035, 0.008, points[:, 2]), 0.0, 1.0),
        shapes={name: deltas[used] for name, deltas in shapes.items()},
    )


def _sill(person: Person) -> tuple[float, float]:
    """Height and depth of the lower lip's top in the middle when the tongue is out, metres."""
    body = person.base.group_vertices("body")
    rest, jaw = person.points[body], person.shapes["jawOpen"][body]
    rolled = np.linalg.norm(person.shapes["mouthRollLower"][body], axis=1)
    lip = (np.abs(rest[:, 0]) < 0.006) & (rolled > 0.003) & (jaw[:, 1] < 0.6 * jaw[:, 1].min())
    moved = rest[lip] + person.shapes["tongueOut"][body][lip]
    top = moved[moved[:, 1].argmax()]
    return float(top[1]), float(top[2])


def _over_lip(points: Points, deltas: Points, sill: tuple[float, float]) -> Points:
    """The tongue put out: flat where it passes between teeth and lips, over the lower lip, its tip hanging."""
    y, z = sill
    out = points + deltas
    places = np.linspace(out[:, 2].min(), out[:, 2].max(), 40)
    near = [out[np.abs(out[:, 2] - place) < 0.003, 1] for place in places]
    middle = np.interp(out[:, 2], places, [(own.min() + own.max()) / 2 for own in near])
    half = np.interp(out[:, 2], places, [max(float(np.ptp(own)) / 2, 1e-3) for own in near])
    share = smooth(z - 0.028, z - 0.016, out[:, 2])
    thick = np.minimum(half, 0.0021 + 0.10 * np.clip(out[:, 2] - z, 0.0, None))
    within = (out[:, 1] - middle) / half * thick
    out[:, 2] += share * 0.40 * np.clip(out[:, 2] - z + 0.008, 0.0, None)
    past = np.clip(out[:, 2] - z - 0.008, 0.0, None)
    out[:, 1] += share * (y + 0.0024 - 0.95 * past - 14.0 * past**2 + within - out[:, 1])
    return np.asarray(out - points)


def hollow(person: Person) -> Part:
    """The inside of the cheeks: a dark bowl around the lining of the mouth, whose floor follows the jaw.

    The lining and the lips part at the corners of an open mouth; without the bowl one would look through the head.
    """
    teeth = person.points[person.base.group_vertices("helper-upper-teeth")]
    height, front = float(teeth[:, 1].min()), float(teeth[:, 2].max())
    turn = np.radians(np.linspace(-105.0, 105.0, 15))
    rise, size, follows = (column[:, None] for column in _BOWL.T)
    x = 0.036 * size * np.sin(turn)
    z = front - 0.035 - 0.050 * size * np.cos(turn)
    points = np.stack([x, height + rise + 0.0 * turn, z], axis=2).reshape(-1, 3)
    own = person.base.group_vertices("helper-lower-teeth")
    share = (follows + 0.0 * turn).reshape(-1, 1)
    return Part(
        name="hollow",
        points=points,
        triangles=grid_triangles(len(_BOWL), len(turn)),
        material=Material("hollow", MaterialKind.MATTE, roughness=1.0, double_sided=True),
        colors=np.tile(linear(_HOLLOW), (len(points), 1)),
        occlusion=0.22 + 0.60 * smooth(-0.025, 0.012, points[:, 2]),
        shapes={
            name: share * _carry(person.points[own], person.shapes[name][own], points)
            for name in ("jawOpen", "tongueOut")
        },
    )


class _Arch:
    """A row of teeth seen from above: half an ellipse, walked by arc length from the middle."""

    def __init__(self, person: Person, upper: bool) -> None:
        name = "helper-upper-teeth" if upper else "helper-lower-teeth"
        own = person.points[person.base.group_vertices(name)]
        self.front_z = float(own[:, 2].max()) - (0.0006 if upper else 0.0022)
        self.half_width = 0.0238 if upper else 0.0220
        self.depth = 0.034
        lip = float(person.points[person.base.group_vertices("helper-upper-teeth"), 1].min())
        self.edge_y = lip - 0.0026 if upper else lip - 0.0012
        turn = np.linspace(0.0, np.pi / 2, 400)
        x = self.half_width * np.sin(turn) ** 0.92
        z = self.front_z - self.depth * (1.0 - np.cos(turn) ** 1.0)
        self._x, self._z = x, z
        self._length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])

    def at(self, along: Scalars) -> tuple[Scalars, Scalars, Scalars, Scalars]:
        """x and z at signed arc lengths, and the outward normal's x and z."""
        length = np.abs(along)
        x, z = np.interp(length, self._length, self._x), np.interp(length, self._length, self._z)
        step = 2e-4
        dx = np.interp(length + step, self._length, self._x) - np.interp(length - step, self._length, self._x)
        dz = np.interp(length + step, self._length, self._z) - np.interp(length - step, self._length, self._z)
        dx = np.maximum(dx, 1e-9)
        size = np.hypot(dx, dz)
        sign = np.where(along < 0.0, -1.0, 1.0)
        return sign * x, z, sign * -dz / size, dx / size


def _steps(number: int) -> int:
    return _FINE if number < _FRONT_TEETH else _COARSE


def _tooth(arch: _Arch, middle: float, width: float, number: int, upper: bool) -> tuple[Points, Points]:
    """Front of one tooth, a rounded shield: points and linear colours, rows from the gum to the edge."""
    height = np.array([12.4, 12.0, 13.4, 12.8, 12.4, 11.8][number]) * 1e-3 * (1.0 if upper else 0.66)
    edge_lift = np.array([0.0, 0.6, 0.2, 0.7, 1.2, 1.7][number]) * 1e-3
    steps = _steps(number)
    down, across = np.meshgrid(np.linspace(0.0, 1.0, steps), np.linspace(-1.0, 1.0, steps), indexing="ij")
    v, u = down.ravel(), across.ravel()
    taper = 1.0 - 0.16 * (1.0 - v) ** 1.5
    corner = 1.0 - 0.10 * smooth(0.80, 1.0, v) * (2.0 if number == 2 else 1.0)
    x, z, nx, nz = arch.at(middle + u * width * 0.496 * taper * corner)
    dome = 1.0 - u**4
    bulge = 1.3e-3 * dome * np.sin(np.pi * (0.20 + 0.62 * v)) - 0.8e-3 * (1.0 - dome) - 0.5e-3 * v**6
    round_edge = 0.8e-3 * np.abs(u) ** 3 * v**4 * (2.2 if number == 2 else 1.0)
    rise = height * (1.0 - v) + edge_lift + round_edge
    # The incisors lean in a little towards their edge.
    lean = -0.9e-3 * v if upper else 0.4e-3 * v
    y = arch.edge_y + (rise if upper else -rise)
    points = np.stack([x + nx * (bulge + lean), y, z + nz * (bulge + lean)], axis=1)
    shade = (1.0 if upper else 0.90) - 0.14 * np.abs(u) ** 6 - 0.10 * (1.0 - v) ** 2
    tint = np.array(_ENAMEL)[None, :] * (1.0 - 0.04 * max(number - 1, 0))
    color = linear(tint) * shade[:, None]
    # A thin translucent edge.
    color = color * (1.0 - 0.10 * smooth(0.85, 1.0, v)[:, None] * np.array([1.0, 0.7, 0.4]))
    return points, color


def _gum(arch: _Arch, length: float, upper: bool) -> tuple[Points, npt.NDArray[np.uint32], Points]:
    along = np.linspace(-length, length, 25)
    rows = np.array([(0.0086, 0.0), (0.0068, 1.4e-3), (0.0100, 2.2e-3), (0.0180, 1.2e-3)])
    points = []
    for rise, out in rows:
        x, z, nx, nz = arch.at(along)
        scale = 1.58 if upper else -0.84
        points.append(
            np.stack(
                [x + nx * (out - 0.9e-3), np.full_like(x, arch.edge_y) + scale * rise, z + nz * (out - 0.9e-3)],
                axis=1,
            )
        )
    grid = grid_triangles(len(rows), len(along))
    all_points = np.concatenate(points)
    color = np.tile(linear(_GUM), (len(all_points), 1))
    return all_points, (grid[:, ::-1] if upper else grid).astype(np.uint32), color


def _mouth_shade(points: Points) -> Scalars:
    """The mouth is open to light from the front only."""
    inwards = smooth(-0.020, 0.017, points[:, 2])
    return np.clip((0.16 + 0.84 * inwards) * (1.0 - 0.82 * smooth(0.010, 0.022, np.abs(points[:, 0]))), 0.0, 1.0)


def _carry(sources: Points, deltas: Points, targets: Points) -> Points:
    """The affine map that moves ``sources`` by ``deltas``, applied to ``targets``."""
    ones = np.column_stack([sources, np.ones(len(sources))])
    matrix, *_ = np.linalg.lstsq(ones, deltas, rcond=None)
    return np.asarray(np.column_stack([targets, np.ones(len(targets))]) @ matrix)
