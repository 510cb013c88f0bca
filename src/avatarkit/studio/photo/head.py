"""The person's own head: the average one carried over by the warp, with eyes, teeth and all shapes."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.studio.character.person import Eye, Person
from avatarkit.studio.character.skin import Body, refine_body
from avatarkit.studio.character.source import Points, data_folder
from avatarkit.studio.character.spec import CharacterSpec
from avatarkit.studio.photo import indices
from avatarkit.studio.photo.fit import Fit, Warp, fit
from avatarkit.studio.photo.landmark_map import LandmarkMap, map_landmarks
from avatarkit.studio.photo.landmarks import Landmarks
from avatarkit.studio.photo.seal import sealed

_PICTURED: Final = "pictured"
_OVERLAP: Final = 1.02
"""Shut lids close a little more than their opening."""
_STILL_M: Final = 4e-5
"""What a shape moves by less than this it does not move."""
_ROOM: Final = 1.015
"""Lids keep this many eye radii away from the middle of the ball."""


@dataclass(frozen=True, slots=True)
class Head:
    """A head fitted to a portrait: metres, origin between the average eyes, facing +Z, expression taken off."""

    person: Person
    """For the parts that the base mesh carries: teeth, tongue, joints."""
    body: Body
    """The refined skin at rest, with its shapes."""
    pictured: Points
    """The refined skin as it was in the photo, for looking up its colours: (n, 3) like ``body.points``."""
    fit: Fit


def average_spec() -> CharacterSpec:
    """The head that everyone is warped from: between the extremes, nothing exaggerated."""
    return CharacterSpec(name="average", gender=0.5, age=35.0, face=(), rest=(("mouthClose", 0.1),))


def fit_head(landmarks: Landmarks) -> Head:
    """Fit the head to landmarks in pixels of the frame.

    Raises ``AvatarError`` (``missingDependency``) when the head data is not installed.
    """
    average = Person(data_folder(), average_spec())
    body = refine_body(average)
    mapped = map_landmarks(body)
    _meet(average, body, mapped)
    found = fit(landmarks, body, mapped)
    eyes = tuple(_place_eye(eye, found, body, landmarks) for eye in average.eyes)
    person = _warped(average, found, eyes)
    worn = average.points + sum(weight * average.shapes[name] for name, weight in found.expression.items())
    # Refining is linear in the vertices, so that the pictured head can ride along as one more shape.
    person.shapes[_PICTURED] = found.warp(np.asarray(worn)) - person.points
    refined = refine_body(person)
    del person.shapes[_PICTURED]
    rest = _clear_of(eyes, sealed(refined))
    pictured = _clear_of(eyes, refined.points + refined.shapes.pop(_PICTURED))
    return Head(person, replace(refined, points=rest), pictured, found)


def _meet(average: Person, body: Body, mapped: LandmarkMap) -> None:
    """Scale the blinks so that the lids meet: they were made for a wider eye than the average one."""
    rest = mapped(body.points)
    for row, side in ((1, "Left"), (0, "Right")):
        upper, lower = list(indices.UPPER_LIDS[row]), list(indices.LOWER_LIDS[row])
        moved = mapped(body.shapes[f"eyeBlink{side}"])
        opening = rest[upper, 1] - rest[lower, 1]
        closing = moved[lower, 1] - moved[upper, 1]
        share = float(np.max(opening / closing)) * _OVERLAP
        for shapes in (average.shapes, body.shapes):
            shapes[f"eyeBlink{side}"] = shapes[f"eyeBlink{side}"] * share


def _warped(average: Person, found: Fit, eyes: tuple[Eye, ...]) -> Person:
    """The average person carried over, with its shapes."""
    person = copy(average)
    person.points = found.warp(average.points)
    person.eyes = eyes
    person.shapes = {
        name: _carried(found.warp, average.points, person.points, deltas) for name, deltas in average.shapes.items()
    }
    return person


def _carried(warp: Warp, points: Points, moved: Points, deltas: Points) -> Points:
    """A shape on the warped head: where the warp carries the moved points, so that what meets still meets."""
    chosen = np.abs(deltas).max(axis=1) > _STILL_M
    out = np.zeros_like(deltas)
    if chosen.any():
        out[chosen] = warp(points[chosen] + deltas[chosen]) - moved[chosen]
    return out


def _place_eye(eye: Eye, found: Fit, body: Body, landmarks: Landmarks) -> Eye:
    """The ball behind the lids, turned with them and as much larger as the eye's opening is."""
    row = 1 if eye.side > 0 else 0  # the person's left eye comes second
    front = np.linalg.norm(body.points - eye.centre, axis=1) < 1.5 * eye.radius
    front &= body.points[:, 2] > eye.centre[2] + 0.6 * eye.radius
    ring = body.points[front]
    moved = found.warp(ring)
    size = float(np.std(moved[:, :2]) / np.std(ring[:, :2]))
    centre = moved.mean(axis=0) + size * (eye.centre - ring.mean(axis=0))
    depth = found.view.to_camera(centre[None, :])[:, 2] + size * eye.radius
    iris = found.view.lift(landmarks[[indices.IRISES[row][0]], :2], depth)[0]
    centre[:2] = 0.6 * centre[:2] + 0.4 * iris[:2]
    return Eye(eye.side, centre, eye.radius * size)


def _clear_of(eyes: tuple[Eye, ...], points: Points) -> Points:
    """Points with those that lie inside an eyeball, in front of its middle, pushed out to its surface."""
    out = points.copy()
    for eye in eyes:
        away = out - eye.centre
        distance = np.linalg.norm(away, axis=1)
        inside = (distance < eye.radius * _ROOM) & (away[:, 2] > 0.15 * eye.radius)
        out[inside] = eye.centre + away[inside] / distance[inside, None] * eye.radius * _ROOM
    return out


def facing(head: Head, normals: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Cosine between the pictured skin's normals and the way to the camera, -1..1."""
    towards = normals @ head.fit.view.rotation.T
    return np.asarray(towards[:, 2])
