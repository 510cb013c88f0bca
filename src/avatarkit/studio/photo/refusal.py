"""Why a picture is not taken, and how to take a better one."""

from __future__ import annotations

from typing import Final

from avatarkit.errors import AvatarError, ErrorCode, error

ADVICE: Final[dict[str, str]] = {
    "unreadable": "Use a JPEG, PNG or WebP file that other programs can open.",
    "too_small": "Use the original photo, or come closer: the short side needs 340 pixels.",
    "too_large": "Scale the photo down to 20 megapixels or less.",
    "no_face": "Use a photo of one person's whole face, seen from the front in even light.",
    "several_faces": "Crop the photo so that only one person is in it.",
    "face_too_small": "Come closer, or crop less: the face needs 96 pixels from forehead to chin.",
    "face_cut_off": "Leave room around the head: the whole face and some hair must be in the photo.",
    "turned_away": "Look straight into the camera, held at eye height.",
    "tilted": "Hold the head upright.",
    "covered": "Take away what covers mouth, nose or eyes: a hand, a mask, a microphone, dark glasses.",
    "blurred": "Hold the camera still, focus on the eyes, and use more light.",
    "eyes_closed": "Keep both eyes open.",
    "mouth_open": "Close the mouth, or smile just a little.",
    "too_dark": "Use more light, from the front.",
    "too_bright": "Use softer light: parts of the face are burnt out.",
}
"""Advice by detail; the details are the stable part of a refusal."""


def refuse(detail: str, message: str) -> AvatarError:
    """The error for a picture that is not taken: ``imageQualityRejected`` with a stable detail and advice."""
    return error(ErrorCode.IMAGE_QUALITY_REJECTED, f"{message} [{detail}]", hint=ADVICE[detail])
