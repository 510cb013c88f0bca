"""A bundle survives the file; a bad file is refused with the reason and nothing worse."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avatarkit.avatars import Bundle, Mesh, Morph, decode_bundle, encode_bundle, read_bundle, write_bundle
from avatarkit.avatars.container import pack, unpack
from avatarkit.errors import AvatarError, ErrorCode


def _edited(data: bytes, edit: Any) -> bytes:
    document, binary = unpack(data)
    edit(document)
    return pack(document, bytes(binary))


def _refusal(data: bytes) -> AvatarError:
    with pytest.raises(AvatarError) as caught:
        decode_bundle(data)
    return caught.value


def test_everything_comes_back(bundle: Bundle) -> None:
    again = decode_bundle(encode_bundle(bundle))
    assert again.info == bundle.info
    assert [joint.name for joint in again.joints] == ["root", "neck", "head"]
    assert [joint.parent for joint in again.joints] == [None, 0, 1]
    for joint, wanted in zip(again.joints, bundle.joints, strict=True):
        np.testing.assert_allclose(joint.position, wanted.position, atol=1e-9)
    for mesh, wanted in zip(again.meshes, bundle.meshes, strict=True):
        assert mesh.name == wanted.name
        assert mesh.material == wanted.material
        np.testing.assert_array_equal(mesh.triangles, wanted.triangles)
        np.testing.assert_allclose(mesh.positions, wanted.positions, atol=2e-5)
        np.testing.assert_allclose(mesh.normals, wanted.normals, atol=0.006)
        assert list(mesh.morphs) == list(wanted.morphs)
        for name, morph in wanted.morphs.items():
            np.testing.assert_array_equal(mesh.morphs[name].indices, morph.indices)
            np.testing.assert_allclose(mesh.morphs[name].deltas, morph.deltas, atol=2e-5)
    skin, wanted = again.meshes[0], bundle.meshes[0]
    np.testing.assert_allclose(skin.uv, wanted.uv, atol=1e-4)
    np.testing.assert_allclose(skin.colors, wanted.colors, atol=1 / 254)
    np.testing.assert_allclose(skin.joint_weights, wanted.joint_weights, atol=1 / 254)
    assert again.meshes[1].joints is None
    assert again.textures[0].shape == bundle.textures[0].shape
    assert np.abs(again.textures[0].astype(int) - bundle.textures[0]).mean() < 6


def test_same_bundle_same_bytes(bundle: Bundle) -> None:
    assert encode_bundle(bundle) == encode_bundle(bundle)


def test_transparent_texture_is_kept_exactly(bundle: Bundle) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (8, 8, 4)).astype(np.uint8)
    again = decode_bundle(encode_bundle(dataclasses.replace(bundle, textures=(pixels,))))
    np.testing.assert_array_equal(again.textures[0], pixels)


def test_file_is_written_whole(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "avatar.glb"
    path.write_bytes(b"old")
    assert write_bundle(bundle, path) == path.stat().st_size
    assert read_bundle(path).info == bundle.info
    assert list(tmp_path.iterdir()) == [path]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(AvatarError) as caught:
        read_bundle(tmp_path / "none.glb")
    assert caught.value.code is ErrorCode.AVATAR_ASSET_MISSING


def test_newer_sdk_is_asked_for(bundle: Bundle) -> None:
    info = dataclasses.replace(bundle.info, minimum_sdk="99.0.0")
    refusal = _refusal(encode_bundle(dataclasses.replace(bundle, info=info)))
    assert refusal.code is ErrorCode.UNSUPPORTED_AVATAR_ASSET
    assert "99.0.0" in refusal.message


def test_wrong_metadata(bundle: Bundle) -> None:
    def edit(document: Any) -> None:
        document["asset"]["extras"]["avatarkit"]["camera"]["position"] = [0, "x", 1]

    assert _refusal(_edited(encode_bundle(bundle), edit)).code is ErrorCode.INVALID_AVATAR_METADATA


def _set(path: str, value: Any) -> Any:
    def edit(document: Any) -> None:
        *keys, last = path.split("/")
        for key in keys:
            document = document[int(key) if isinstance(document, list) else key]
        document[int(last) if isinstance(document, list) else last] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (_set("buffers/0/uri", "http://example.com/x.bin"), "outside the file"),
        (_set("buffers/0/byteLength", 10**9), "cut off"),
        (_set("bufferViews/0/byteOffset", 10**8), "past the end"),
        (_set("accessors/0/count", 10**7), "'count'"),
        (_set("accessors/0/count", 19), "past the end"),
        (_set("accessors/0/componentType", 5124), "type"),
        (_set("meshes/0/primitives/0/attributes/POSITION", 999), "points to nothing"),
        (_set("meshes/0/extras/targetNames/0", "wink"), "ARKit"),
        (_set("extensionsRequired", ["KHR_draco_mesh_compression"]), "KHR_draco_mesh_compression"),
        (_set("nodes/0/children", [0]), "twice"),
        (_set("nodes/4/scale", [0, 0, 0]), "flattens"),
        (_set("images/0/uri", "texture.jpg"), "outside the file"),
        (_set("skins/0/joints", [0, 1, 77]), "points to nothing"),
        (_set("asset", 3), "object"),
        (_set("nodes", {}), "list"),
    ],
)
def test_damage_is_named(bundle: Bundle, edit: Any, reason: str) -> None:
    refusal = _refusal(_edited(encode_bundle(bundle), edit))
    assert reason in refusal.message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"glTF",
        b"\0" * 64,
        struct.pack("<III", 0x46546C67, 1, 20) + b"\0" * 8,
        struct.pack("<IIIII", 0x46546C67, 2, 20, 2**31, 0x4E4F534A),
        struct.pack("<IIIII", 0x46546C67, 2, 24, 4, 0x4E4F534A) + b"nope",
        pack({}, b""),
    ],
)
def test_not_an_avatar(data: bytes) -> None:
    assert _refusal(data).code is ErrorCode.UNSUPPORTED_AVATAR_ASSET


def test_deep_json_is_refused() -> None:
    text = b"[" * 200_000
    data = struct.pack("<IIIII", 0x46546C67, 2, 20 + len(text), len(text), 0x4E4F534A) + text
    assert "parsed" in _refusal(data).message


def test_small_file_cannot_ask_for_much_memory(bundle: Bundle) -> None:
    def edit(document: Any) -> None:
        many = {"componentType": 5126, "type": "VEC3", "count": 999_999}
        document["accessors"] = [many] * 60_000
        document["meshes"] = [{"primitives": [{"attributes": {"POSITION": i}} for i in range(200)]}] * 200
        document["nodes"] = [{"mesh": i} for i in range(200)]
        document["scenes"] = [{"nodes": list(range(200))}]
        document["skins"] = []

    assert "more than" in _refusal(_edited(encode_bundle(bundle), edit)).message


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_broken_bytes_are_refused_and_nothing_else(bundle: Bundle, data: st.DataObject) -> None:
    whole = bytearray(encode_bundle(bundle))
    if data.draw(st.booleans()):
        whole = whole[: data.draw(st.integers(0, len(whole)))]
        whole[8:12] = struct.pack("<I", len(whole))
    for _ in range(data.draw(st.integers(1, 12))):
        if whole:
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(AvatarError):
        decode_bundle(bytes(whole))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_strange_json_is_refused_and_nothing_else(bundle: Bundle, data: st.DataObject) -> None:
    document, binary = unpack(encode_bundle(bundle))
    strange = st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=4), st.lists(st.integers(-3, 70), max_size=4), st.just({}),
    )  # fmt: skip
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = document
        while True:
            keys = list(range(len(place))) if isinstance(place, list) else list(place)
            key = data.draw(st.sampled_from(keys))
            if not isinstance(place[key], (list, dict)) or not place[key] or data.draw(st.integers(0, 4)) == 0:
                break
            place = place[key]
        place[key] = data.draw(strange)
    with contextlib.suppress(AvatarError):
        decode_bundle(pack(document, bytes(binary)))


def test_unsound_bundles_are_not_written(bundle: Bundle) -> None:
    mesh = bundle.meshes[0]

    def refused(**change: Any) -> str:
        broken = dataclasses.replace(bundle, meshes=(dataclasses.replace(mesh, **change),))
        with pytest.raises(AvatarError) as caught:
            encode_bundle(broken)
        return caught.value.message

    assert "no vertex" in refused(triangles=mesh.triangles + np.uint32(99))
    assert "positions" in refused(positions=np.full_like(mesh.positions, np.nan))
    assert "wink" in refused(morphs={"wink": mesh.morphs["jawOpen"]})
    assert "sum to 1" in refused(joint_weights=mesh.joint_weights * 0.5)
    assert "order" in refused(morphs={"jawOpen": Morph(np.array([3, 2], np.uint32), np.zeros((2, 3), np.float32))})


def _foreign(names: list[str], node: dict[str, Any]) -> bytes:
    """A file as another program would write it: float32, dense shapes, no metadata of ours."""
    positions = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4")
    delta = np.array([[0, 0, 0], [0, 0, 0.5], [0, 0, 0]], "<f4")
    document = {
        "asset": {"version": "2.0", "copyright": "Mx Other"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "Face", **node}],
        "meshes": [
            {
                "primitives": [{"attributes": {"POSITION": 0}, "targets": [{"POSITION": 1}] * len(names)}],
                "extras": {"targetNames": names},
            }
        ],
        "accessors": [
            {"bufferView": i, "componentType": 5126, "count": 3, "type": "VEC3"} for i in range(2)
        ],
        "bufferViews": [{"buffer": 0, "byteOffset": 36 * i, "byteLength": 36} for i in range(2)],
        "buffers": [{"byteLength": 72}],
    }  # fmt: skip
    return pack(document, positions.tobytes() + delta.tobytes())


def test_other_programs_files_are_understood() -> None:
    half = float(np.sqrt(0.5))
    data = _foreign(
        ["viseme_aa", "jawOpen"], {"rotation": [0, half, 0, half], "scale": [0.1] * 3, "translation": [0, 1, 0]}
    )
    found = decode_bundle(data)
    assert found.info.author == "Mx Other"
    mesh: Mesh = found.meshes[0]
    np.testing.assert_allclose(mesh.positions, [[0, 1, 0], [0, 1, -0.1], [0, 1.1, 0]], atol=1e-6)
    np.testing.assert_allclose(np.abs(mesh.normals), [[1, 0, 0]] * 3, atol=1e-6)
    assert list(mesh.morphs) == ["jawOpen"]
    np.testing.assert_allclose(mesh.morphs["jawOpen"].deltas, [[0.05, 0, 0]], atol=1e-6)


def test_mirrored_node_keeps_its_outside() -> None:
    mesh = decode_bundle(_foreign(["jawOpen"], {"scale": [-1, 1, 1]})).meshes[0]
    a, b, c = mesh.positions[mesh.triangles[0]]
    assert np.cross(b - a, c - a) @ mesh.normals[0] > 0


def test_file_without_arkit_shapes_is_refused() -> None:
    assert "ARKit" in _refusal(_foreign(["smug"], {})).message


def test_document_is_plain_gltf(bundle: Bundle) -> None:
    """What viewers rely on: aligned attributes, bounds on positions, targets named, shapes sparse."""
    document, _ = unpack(encode_bundle(bundle))
    assert json.dumps(document)
    for mesh in document["meshes"]:
        primitive = mesh["primitives"][0]
        assert len(mesh["extras"]["targetNames"]) == len(primitive["targets"])
        position = document["accessors"][primitive["attributes"]["POSITION"]]
        assert len(position["min"]) == len(position["max"]) == 3
        for index in primitive["attributes"].values():
            view = document["bufferViews"][document["accessors"][index]["bufferView"]]
            assert view["byteStride"] % 4 == 0
        assert all("sparse" in document["accessors"][target["POSITION"]] for target in primitive["targets"])
    assert all(view["byteOffset"] % 4 == 0 for view in document["bufferViews"])
