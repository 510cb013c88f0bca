"""From a picture to an avatar: a portrait of a built character, of which everything is known."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from avatarkit.avatars import Bundle, decode_bundle, encode_bundle, read_bundle
from avatarkit.avatars.builtin import default_path
from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.frames import ARKIT_NAMES
from avatarkit.render import open_renderer
from avatarkit.studio.photo import create
from avatarkit.studio.photo.landmarks import find_faces
from avatarkit.studio.photo.preview import pose_of

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mediapipe") is None,
    reason="MediaPipe's models are not installed (there is no release of them for Python 3.13 and newer)",
)
WALL = np.array([120.0, 140.0, 150.0])


def shot(weights: dict[str, float] | None = None, yaw: float = 0.0, side: int = 640) -> np.ndarray:
    """A photo of the default character before a grey wall."""
    renderer = open_renderer()
    bundle = read_bundle(default_path())
    renderer.load(bundle)
    image = renderer.draw(pose_of(weights or {}, yaw), bundle.info.camera, (side, side)).astype(np.float64)
    share = image[..., 3:] / 255.0
    return np.asarray(np.rint(image[..., :3] * share + WALL * (1.0 - share)), np.uint8)


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def photo() -> bytes:
    return png(shot())


@pytest.fixture(scope="module")
def avatar(photo: bytes) -> Bundle:
    return create(photo, "Me", consent=True)


def test_the_avatar_has_a_face_that_makes_every_shape(avatar: Bundle) -> None:
    reach = dict.fromkeys(ARKIT_NAMES, 0.0)
    for mesh in avatar.meshes:
        for name, morph in mesh.morphs.items():
            reach[name] = max(reach[name], float(np.linalg.norm(morph.deltas, axis=1).max()))
    assert min(reach.values()) > 0.0015, reach
    assert {"skin", "mouth", "eye left", "eye right", "upper teeth", "lower teeth", "tongue", "around", "back"} <= {
        mesh.name for mesh in avatar.meshes
    }


def test_it_is_a_bundle_of_at_most_five_megabytes_that_reads_back(avatar: Bundle) -> None:
    data = encode_bundle(avatar)
    assert len(data) <= 5_000_000
    again = decode_bundle(data)
    assert again.info == avatar.info


def test_seen_as_the_camera_saw_it_the_avatar_is_the_photo(avatar: Bundle) -> None:
    renderer = open_renderer()
    renderer.load(avatar)
    drawn = renderer.draw(pose_of({}), avatar.info.camera, (320, 320)).astype(np.float64)
    solid = drawn[..., 3] > 250
    assert 0.25 < solid.mean() < 0.9
    original = shot().reshape(-1, 3).astype(np.float64)
    person = np.abs(original - WALL).sum(axis=1) > 60
    # The same colours in about the same amounts: framing differs, so pixels cannot be laid upon each other.
    for channel in range(3):
        ours, theirs = drawn[solid][:, channel], original[person][:, channel]
        assert np.abs(np.percentile(ours, [25, 50, 75]) - np.percentile(theirs, [25, 50, 75])).max() < 30


def test_mouth_and_lids_move(avatar: Bundle) -> None:
    renderer = open_renderer()
    renderer.load(avatar)
    camera, size = avatar.info.camera, (200, 200)
    rest = renderer.draw(pose_of({}), camera, size).astype(np.int32)
    for weights in ({"jawOpen": 0.6}, {"eyeBlink": 1.0}, {"mouthSmile": 0.8}):
        moved = renderer.draw(pose_of(weights), camera, size).astype(np.int32)
        assert (np.abs(moved - rest).sum(axis=2) > 40).sum() > 30, weights


def test_the_bundle_says_where_the_likeness_comes_from(avatar: Bundle) -> None:
    note = json.loads(avatar.info.provenance)
    labels = {assertion["label"] for assertion in note["assertions"]}
    assert labels == {"c2pa.actions", "c2pa.ingredient", "avatarkit.consent"}
    assert note["signed"] is False


def test_without_consent_nothing_is_read() -> None:
    with pytest.raises(AvatarError, match="consent") as caught:
        create(b"not even a picture", "Me", consent=False)
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID


def detail(pixels: np.ndarray) -> str:
    with pytest.raises(AvatarError) as caught:
        create(png(pixels), "Me", consent=True)
    assert caught.value.code is ErrorCode.IMAGE_QUALITY_REJECTED
    return caught.value.message.rsplit("[", 1)[1].rstrip("]")


def test_pictures_that_will_not_do_are_refused_with_their_reason() -> None:
    face = shot()
    assert detail(np.full((400, 400, 3), 128, np.uint8)) == "no_face"
    assert detail(np.concatenate([face, face], axis=1)) == "several_faces"
    assert detail((face * 0.08).astype(np.uint8)) in {"too_dark", "no_face"}
    assert detail(shot({"eyeBlink": 1.0})) == "eyes_closed"
    assert detail(shot({"jawOpen": 1.0})) == "mouth_open"
    assert detail(shot(yaw=0.65)) in {"turned_away", "no_face"}
    small = np.full((500, 500, 3), 128, np.uint8)
    small[150:350, 150:350] = shot(side=200)
    assert detail(small) in {"face_too_small", "no_face"}
    assert detail(np.asarray(Image.fromarray(face).filter(ImageFilter.GaussianBlur(6)))) == "blurred"


@pytest.mark.parametrize("color", [(90, 140, 190), (235, 235, 235), (25, 25, 25)])
def test_a_mask_before_mouth_and_nose_is_refused(color: tuple[int, int, int]) -> None:
    face = Image.fromarray(shot())
    marks = find_faces(np.asarray(face))[0]
    mask = [234, 117, 6, 346, 454, 361, 365, 152, 136, 132]
    ImageDraw.Draw(face).polygon([(float(x), float(y)) for x, y in marks[mask, :2]], fill=color)
    assert detail(np.asarray(face)) == "covered"


def test_dark_glasses_are_refused() -> None:
    face = Image.fromarray(shot())
    for x, y in find_faces(np.asarray(face))[0][[468, 473], :2]:
        ImageDraw.Draw(face).ellipse([x - 38, y - 26, x + 38, y + 26], fill=(12, 12, 14))
    assert detail(np.asarray(face)) == "covered"


def test_glasses_and_seen_teeth_are_taken_over_and_the_person_painted_away(tmp_path: Path) -> None:
    face = Image.fromarray(shot({"mouthSmile": 0.8, "mouthUpperUp": 0.7, "jawOpen": 0.15}))
    eyes = find_faces(np.asarray(face))[0][[468, 473], :2]
    draw = ImageDraw.Draw(face)
    for x, y in eyes:
        draw.ellipse([x - 36, y - 30, x + 36, y + 34], outline=(25, 22, 24), width=5)
    (x0, y0), (x1, _) = eyes
    draw.line([(x0 + 34, y0 - 4), (x1 - 34, y0 - 4)], fill=(25, 22, 24), width=5)
    plate = tmp_path / "plate.png"
    avatar = create(png(np.asarray(face)), "Me", consent=True, background=plate)
    meshes = {mesh.name: mesh for mesh in avatar.meshes}
    assert not meshes["glasses"].morphs  # neither brows nor lids bend them
    teeth = meshes["upper teeth"].material.texture
    assert teeth is not None
    # Teeth are light and nearly grey; what a photo shows of lips and gums is not.
    tone = np.median(avatar.textures[teeth].reshape(-1, 3), axis=0) / 255.0
    assert tone.min() > 0.4
    assert np.ptp(tone) < 0.25
    behind = np.asarray(Image.open(plate), np.float64)
    assert behind.shape[0] == pytest.approx(behind.shape[1], abs=2)
    assert np.abs(behind - WALL).max() < 40
