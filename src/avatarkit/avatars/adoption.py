"""Other people's avatars made into bundles of ours: same units, same joints, a camera on the face.

What a file lacks is said in words, with what that costs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from avatarkit.avatars import metadata, textures
from avatarkit.avatars.bundle import Bundle, IndexArray, Joint, Mesh, Morph
from avatarkit.avatars.check import check
from avatarkit.avatars.container import unpack
from avatarkit.avatars.decode import Decoder
from avatarkit.avatars.eye_joints import with_gaze
from avatarkit.avatars.glb import read_bytes
from avatarkit.avatars.names import joint_name
from avatarkit.frames import FloatArray
from avatarkit.types import Camera

TEXTURE_SIDE: Final = 1024
"""Pixels; larger pictures of somebody else's file are made smaller."""

_COSTS: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    ("jawOpen", ("jawOpen",), "the mouth will not open"),
    ("mouthClose", ("mouthClose",), "lips will not meet on p, b and m"),
    ("rounded lips", ("mouthFunnel", "mouthPucker"), "o and u will look like a"),
    ("smile", ("mouthSmileLeft", "mouthSmileRight"), "it will not smile"),
    ("blink", ("eyeBlinkLeft", "eyeBlinkRight"), "it will not blink"),
    (
        "eye looks",
        tuple(f"eyeLook{way}{side}" for way in ("Up", "Down", "In", "Out") for side in ("Left", "Right")),
        "eyes will not move",
    ),
    (
        "brows",
        ("browInnerUp", "browDownLeft", "browDownRight", "browOuterUpLeft", "browOuterUpRight"),
        "brows will not move",
    ),
    ("tongueOut", ("tongueOut",), "the tongue will not show on th"),
)
_FACE_M: Final = (0.07, 0.35)
"""How high the part of a face that moves may be, metres, before a file is taken to be in other units."""
_USUAL_FACE_M: Final = 0.14
_MOUTH_SHARE: Final = 0.87
"""Height of a mouth that moves over that of a face that does."""
_HEAD_TO_FACE: Final = 2.8
"""Height of the picture over that of what moves: head and shoulders."""
_FOV_DEG: Final = 20.0


@dataclass(frozen=True, slots=True)
class Adopted:
    """A file read for import."""

    bundle: Bundle
    ours: bool
    """Whether it already was a bundle of ours: then it is unchanged."""
    notes: tuple[str, ...]
    """What is missing and what that costs, and what was changed: sentences for people."""


def adopt(data: bytes) -> Adopted:
    """A GLB file's bytes as a bundle. Raises as :func:`avatarkit.avatars.decode_bundle`."""
    decoder = Decoder(*unpack(data))
    bundle = decoder.decode()
    check(bundle)
    ours = decoder.ours
    changes: list[str] = []
    if not ours:
        bundle, changes = _made_ours(bundle)
    notes = [*_missing(bundle), *changes]
    if not ours:
        notes += [f"Left out: {what}." for what in sorted(decoder.left_out)]
        if decoder.from_visemes:
            notes.insert(0, "It has visemes in place of ARKit shapes: mouth shapes were made from them.")
        if bundle.info.license == "unknown":
            notes.append("It does not say its licence: make sure that you may use it.")
        check(bundle)
    return Adopted(bundle, ours, tuple(notes))


def adopt_file(path: Path | str) -> Adopted:
    """As :func:`adopt`, from a file. Also raises ``avatarAssetMissing`` when it cannot be read."""
    return adopt(read_bytes(path))


def _missing(bundle: Bundle) -> list[str]:
    moving = {name for mesh in bundle.meshes for name in mesh.morphs}
    return [
        f"No {what}: {cost}." for what, names, cost in _COSTS if not all(name in moving for name in names)
    ]  # one side alone counts as missing: a face that blinks with one eye winks


def _made_ours(bundle: Bundle) -> tuple[Bundle, list[str]]:
    notes = []
    face = _face_box(bundle)
    height = float(face[1, 1] - face[0, 1])
    scale = _to_metres(height)
    if scale != 1.0:
        notes.append(f"Its size was changed {scale:.3g} times: its face is {height:.3g} m high.")
    centre = (face[0] + face[1]) / 2
    meshes = tuple(_placed(mesh, centre, scale) for mesh in bundle.meshes)
    joints = _renamed(bundle.joints, centre, scale)
    meshes = with_gaze(meshes, joints)
    names = {joint.name for joint in joints}
    if "head" not in names:
        notes.append("No head joint: all of it turns with the head.")
        joints = ()
        meshes = tuple(replace(mesh, joints=None, joint_weights=None) for mesh in meshes)
    elif "neck" not in names:
        notes.append("No neck joint: the head turns on its own.")
    pictures = tuple(textures.shrink(picture, TEXTURE_SIDE) for picture in bundle.textures)
    shrunk = sum(a.shape != b.shape for a, b in zip(pictures, bundle.textures, strict=True))
    if shrunk:
        notes.append(f"Pictures larger than {TEXTURE_SIDE} pixels were made smaller: {shrunk}.")
    info = replace(bundle.info, camera=_camera(face, centre, scale), minimum_sdk=metadata.FIRST_SDK)
    return Bundle(info, meshes, joints, pictures), notes


def _face_box(bundle: Bundle) -> FloatArray:
    """Lowest and highest corner (2, 3) of what shapes move; a few stray vertices do not count."""
    moved = np.concatenate([mesh.positions[_moving(m)] for mesh in bundle.meshes for m in mesh.morphs.values()])
    box: FloatArray = np.percentile(moved, (1.0, 99.0), axis=0).astype(np.float32)
    if not any(name.startswith(("eye", "brow")) for mesh in bundle.meshes for name in mesh.morphs):
        box[1, 1] = box[0, 1] + (box[1, 1] - box[0, 1]) / _MOUTH_SHARE
    return box


def _moving(morph: Morph) -> IndexArray:
    """The vertices that a shape moves by more than a twentieth of what it moves most; some programs write noise."""
    size = np.abs(morph.deltas).max(axis=1)
    where: IndexArray = morph.indices[size >= 0.05 * size.max()]
    return where


def _to_metres(height: float) -> float:
    """What to multiply a file's units with: a power of ten where that makes the face a face."""
    for power in (0, -2, -3, -1, 1, 2, 3):
        if _FACE_M[0] <= height * 10.0**power <= _FACE_M[1]:
            return float(10.0**power)
    return _USUAL_FACE_M / max(height, 1e-9)


def _placed(mesh: Mesh, centre: FloatArray, scale: float) -> Mesh:
    factor = np.float32(scale)
    morphs = {name: Morph(morph.indices, morph.deltas * factor) for name, morph in mesh.morphs.items()}
    return replace(mesh, positions=((mesh.positions - centre) * factor).astype(np.float32), morphs=morphs)


def _renamed(joints: tuple[Joint, ...], centre: FloatArray, scale: float) -> tuple[Joint, ...]:
    """Joints in their new place, the first that is a head and the first that is a neck named as ours."""
    taken: set[str] = set()
    out = []
    for number, joint in enumerate(joints):
        known = joint_name(joint.name)
        name = known if known is not None and known not in taken else joint.name
        if name == known:
            taken.add(name)
        elif name.lower() in ("head", "neck"):
            name = f"{name} {number}"
        x, y, z = ((np.asarray(joint.position) - centre) * scale).tolist()
        out.append(Joint(name, joint.parent, (x, y, z)))
    return tuple(out)


def _camera(face: FloatArray, centre: FloatArray, scale: float) -> Camera:
    low, high = (face - centre) * np.float32(scale)
    half = float(high[1] - low[1]) / 2 * _HEAD_TO_FACE
    front = float(high[2])
    distance = half / float(np.tan(np.radians(_FOV_DEG / 2)))
    return Camera((0.0, 0.0, front + distance), (0.0, -0.08 * half, front), _FOV_DEG)
