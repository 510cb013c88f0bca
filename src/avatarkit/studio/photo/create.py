"""From a picture to a bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from avatarkit.avatars.bundle import Bundle, BundleInfo, Joint
from avatarkit.errors import ErrorCode, error
from avatarkit.studio.character.source import Points
from avatarkit.studio.photo.delight import even_light
from avatarkit.studio.photo.framing import SIDE_PX, Field, frame
from avatarkit.studio.photo.head import Head, fit_head
from avatarkit.studio.photo.judge import judge_faces, judge_fit, judge_portrait
from avatarkit.studio.photo.landmarks import find_faces
from avatarkit.studio.photo.matte import clean_colors, person_alpha
from avatarkit.studio.photo.parts import make_parts
from avatarkit.studio.photo.picture import picture_bytes, read_picture
from avatarkit.studio.photo.plate import background_plate
from avatarkit.studio.photo.provenance import provenance_note
from avatarkit.studio.photo.view import DISTANCE_M
from avatarkit.types import Camera

Progress = Callable[[float, str], None]
"""Called with the share done, 0..1, and what is being done."""

LICENSE: Final = "Likeness of a person; all rights reserved"
_AIR: Final = 0.06
"""Space above the hair, as a share of the portrait's side."""


def create(
    source: Path | bytes,
    name: str,
    *,
    consent: bool,
    when: str | None = None,
    progress: Progress | None = None,
    background: Path | None = None,
) -> Bundle:
    """Make an avatar from one portrait, offline. The same picture and arguments give the same bundle.

    Args:
        source: A JPEG, PNG or WebP: a file or its bytes. See :func:`read_picture` for its limits.
        name: What the avatar is called, 1..60 characters.
        consent: The caller states that the person shown agrees. Without it nothing is read.
        when: ISO 8601 time to note as the time of making.
        progress: Told how far it is.
        background: Where to write what was behind the person, as a PNG that fits the avatar's own camera: the photo
            with the person painted away.

    Raises:
        AvatarError: ``configurationInvalid`` without consent or for a bad name; ``imageQualityRejected`` with a
            detail and advice for a picture that will not do; ``missingDependency`` when MediaPipe's models or the
            head data are not installed.
    """

    def tell(share: float, what: str) -> None:
        if progress is not None:
            progress(share, what)

    if not consent:
        raise error(
            ErrorCode.CONFIGURATION_INVALID,
            "An avatar of a person needs that person's consent.",
            hint="Ask the person; then state it: consent=True, or --i-have-consent on the command line.",
        )
    if not 1 <= len(name.strip()) <= 60:
        raise error(ErrorCode.CONFIGURATION_INVALID, "The avatar's name has 1 to 60 characters.")
    tell(0.0, "reading the picture")
    data = picture_bytes(source)
    picture = read_picture(data)
    tell(0.05, "looking for the face")
    portrait = frame(picture, judge_faces(picture, find_faces(picture)))
    judge_portrait(portrait)
    tell(0.2, "fitting the head")
    head = fit_head(portrait.landmarks)
    judge_fit(head.fit)
    tell(0.5, "cutting out")
    alpha = person_alpha(portrait)
    if background is not None:
        from PIL import Image  # noqa: PLC0415 - part of the studio extra

        Image.fromarray(background_plate(portrait, alpha, _rows(alpha))).save(background, "PNG")
    portrait = replace(portrait, rgb=even_light(portrait.rgb, portrait.landmarks, alpha))
    colors = clean_colors(portrait.rgb, alpha)
    tell(0.65, "shape and texture")
    parts, textures = make_parts(portrait, head, alpha, colors)
    tell(0.95, "packing")
    bundle = Bundle(
        info=BundleInfo(
            name.strip(),
            LICENSE,
            "AvatarKit, from a photo",
            camera=_camera(head, alpha),
            provenance=provenance_note(data, when),
        ),
        meshes=tuple(part.to_mesh() for part in parts),
        joints=_joints(head),
        textures=textures,
    )
    tell(1.0, "done")
    return bundle


def _camera(head: Head, alpha: Field) -> Camera:
    """The view of the photo, cut so that its lower border is never seen and there is air above the hair."""
    top, bottom = _rows(alpha)
    view = head.fit.view
    depth = view.to_camera(np.zeros((1, 3)))[:, 2]
    high = view.lift(np.array([[SIDE_PX / 2, top]]), depth)[0]
    low = view.lift(np.array([[SIDE_PX / 2, bottom]]), depth)[0]
    middle, span = (high + low) / 2, float(high[1] - low[1])
    fov = 2.0 * np.degrees(np.arctan(span / 2 / DISTANCE_M))
    place = (float(round(middle[0], 4)), float(round(middle[1], 4)))
    return Camera((*place, DISTANCE_M), (*place, 0.0), float(round(fov, 3)))


def _rows(alpha: Field) -> tuple[float, float]:
    """Upper and lower border of the camera's view, pixels of the frame."""
    rows = np.flatnonzero((alpha > 0.5).any(axis=1))
    top = max(float(rows[0]) - _AIR * SIDE_PX, 0.0) if len(rows) else 0.0
    return top, (float(rows[-1]) if len(rows) else SIDE_PX) - 10.0


def _joints(head: Head) -> tuple[Joint, ...]:
    def place(point: Points) -> tuple[float, float, float]:
        x, y, z = (float(np.float32(value)) for value in point)
        return x, y, z

    person = head.person
    return (
        Joint("root", None, place(person.neck_pivot - np.array([0.0, 0.10, 0.0]))),
        Joint("neck", 0, place(person.neck_pivot)),
        Joint("head", 1, place(person.head_pivot)),
    )
