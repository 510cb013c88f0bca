"""Anybody's GLB becomes a bundle, is credited and told what it lacks; hostile files are refused in little memory."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("PIL")
from foreign import ForeignFile, face_file, quads

from avatarkit.avatars import Bundle, MaterialKind, Rig, adopt, adopt_file, decode_bundle, encode_bundle, write_bundle
from avatarkit.avatars.container import pack, unpack
from avatarkit.avatars.expressions import VISEMES, pose_of
from avatarkit.avatars.names import arkit_name, joint_name, viseme_name
from avatarkit.errors import AvatarError
from avatarkit.frames import ARKIT_NAMES, Pose

MOST_MEMORY = 120 * 2**20
"""Bytes that reading a small file may take, whatever it says."""
ARKIT = list(ARKIT_NAMES)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("jawOpen", "jawOpen"),
        ("JawOpen", "jawOpen"),
        ("jaw_open", "jawOpen"),
        ("Head.jawOpen", "jawOpen"),
        ("blendShape1.browDown_L", "browDownLeft"),
        ("face_eyeBlinkRight", "eyeBlinkRight"),
        ("BS2mouthSmile_R", "mouthSmileRight"),
        ("mouth_smile_left", "mouthSmileLeft"),
        ("HeadTongueOut", "tongueOut"),
        ("MOUTHLEFT", "mouthLeft"),
        ("notmyjawopen", None),
        ("viseme_aa", None),
        ("smug", None),
        ("", None),
    ],
)
def test_shapes_are_known_in_every_spelling(name: str, wanted: str | None) -> None:
    assert arkit_name(name) == wanted


def test_all_shapes_are_known_with_short_sides() -> None:
    for name in ARKIT_NAMES:
        short = name.replace("Left", "_L").replace("Right", "_R") if name not in ("mouthLeft", "jawLeft") else name
        if short not in ("mouth_R", "jaw_R"):
            assert arkit_name(f"Wolf3D_Head.{short}") == name


def test_visemes_and_joints_are_known_by_their_names() -> None:
    assert [viseme_name(f"viseme_{name}") for name in VISEMES] == list(VISEMES)
    assert [viseme_name(name) for name in ("vrc.v_ou", "Face.V_SS", "visemeless", "move_x")] == [
        "U",
        "SS",
        None,
        None,
    ]
    names = ("mixamorig:Head", "J_Bip_C_Neck", "head", "CC_Base_Head", "LeftHead2", "forehead", "HeadTop_End")
    assert [joint_name(name) for name in names] == ["head", "neck", "head", "head", None, None, None]


def test_a_file_of_another_program_becomes_a_bundle(tmp_path: Path) -> None:
    path = tmp_path / "friend.glb"
    path.write_bytes(face_file([f"blendShape1.{name}" for name in ARKIT_NAMES], scale=100.0).bytes())
    adopted = adopt_file(path)
    assert not adopted.ours
    assert any("0.01 times" in note for note in adopted.notes)
    assert not any(note.startswith("No ") for note in adopted.notes)

    path = tmp_path / "ours.glb"
    write_bundle(adopted.bundle, path)
    again = adopt_file(path)
    assert again.ours
    assert {joint.name for joint in again.bundle.joints} == {"neck", "head"}
    (mesh,) = again.bundle.meshes
    assert set(mesh.morphs) == set(ARKIT_NAMES)
    assert mesh.material.kind is MaterialKind.SKIN
    middle = (mesh.positions.max(axis=0) + mesh.positions.min(axis=0)) / 2
    np.testing.assert_allclose(middle[:2], 0.0, atol=1e-3)
    assert np.ptp(mesh.positions[:, 1]) == pytest.approx(0.1556, abs=1e-3)
    np.testing.assert_allclose(mesh.morphs["jawOpen"].deltas, [[0, 0, 0.01]] * 36, atol=1e-4)


def test_the_camera_frames_head_and_shoulders_and_the_head_turns() -> None:
    bundle = adopt(face_file(ARKIT).bytes()).bundle
    camera = bundle.info.camera
    half = (camera.position[2] - camera.target[2]) * np.tan(np.radians(camera.vertical_fov_deg / 2))
    assert 0.14 < half < 0.30
    assert abs(camera.target[1]) < 0.05
    pose = Pose.neutral()
    pose.head[1] = 0.6
    rest = Rig(bundle).deform(Pose.neutral())[0][0].copy()
    turned = Rig(bundle).deform(pose)[0][0]
    assert np.linalg.norm(turned - rest, axis=1).min() > 0.005


@pytest.mark.parametrize(
    ("missing", "cost"),
    [
        ("jawOpen", "the mouth will not open"),
        ("eyeBlinkLeft", "it will not blink"),
        ("eyeLookInRight", "eyes will not move"),
        ("browInnerUp", "brows will not move"),
        ("mouthPucker", "o and u will look like a"),
    ],
)
def test_what_is_missing_is_said_with_its_cost(missing: str, cost: str) -> None:
    notes = adopt(face_file([name for name in ARKIT_NAMES if name != missing]).bytes()).notes
    assert [note for note in notes if cost in note]
    assert not [note for note in adopt(face_file(ARKIT).bytes()).notes if cost in note]


def test_without_a_head_joint_all_of_it_turns() -> None:
    adopted = adopt(face_file(ARKIT, joints=("Bone", "Bone.001")).bytes())
    assert any("No head joint" in note for note in adopted.notes)
    assert adopted.bundle.joints == ()
    encode_bundle(adopted.bundle)


@pytest.mark.parametrize("name", ["LeftEye", "mixamorig:LeftEye", "CC_Base_L_Eye", "eye"])
def test_eyes_on_joints_get_their_looks(name: str) -> None:
    shapes = [shape for shape in ARKIT_NAMES if not shape.startswith("eyeLook")]
    adopted = adopt(face_file(shapes, joints=("Head", name)).bytes())
    (mesh,) = adopted.bundle.meshes
    if name == "eye":  # of neither side
        assert "No eye looks: eyes will not move." in adopted.notes
        return
    eye = np.asarray(adopted.bundle.joints[1].position)
    for way, axis, sign in (("Up", 1, 1.0), ("Down", 1, -1.0), ("Out", 0, 1.0), ("In", 0, -1.0)):
        morph = mesh.morphs[f"eyeLook{way}Left"]
        ahead = mesh.positions[morph.indices] - eye
        turned = ahead + morph.deltas
        np.testing.assert_allclose(np.linalg.norm(turned, axis=1), np.linalg.norm(ahead, axis=1), rtol=1e-4)
        assert sign * morph.deltas[np.linalg.norm(ahead[:, :2], axis=1).argmin(), axis] > 0.01
    assert not any(shape.endswith("Right") for shape in mesh.morphs if shape.startswith("eyeLook"))


def test_visemes_become_mouth_shapes() -> None:
    names = ["aa", "PP", *(name for name in VISEMES if name not in ("aa", "PP"))]
    adopted = adopt(face_file([f"viseme_{name}" for name in names]).bytes())
    (mesh,) = adopted.bundle.meshes
    assert {"jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthPressLeft", "tongueOut"} <= set(mesh.morphs)
    assert any("visemes" in note for note in adopted.notes)
    assert any("it will not blink" in note for note in adopted.notes)
    rig, moved = Rig(adopted.bundle), {}
    rest = rig.deform(Pose.neutral())[0][0].copy()
    for name, face in (("open", (("jawOpen", 0.8),)), ("shut", (("jawOpen", 0.8), ("mouthClose", 0.8)))):
        moved[name] = rig.deform(pose_of(face))[0][0] - rest
    aa, pp = 0, 1  # the row that each lifts
    row = np.arange(len(rest)) // 36
    np.testing.assert_allclose(moved["open"][row == aa][:, 2], 0.01, atol=1e-5)
    np.testing.assert_allclose(moved["shut"][row == aa][:, 2], 0.0, atol=1e-5)  # lips closed over the open jaw
    np.testing.assert_allclose(moved["shut"][row == pp][:, 2], 0.008, atol=1e-5)
    left = mesh.morphs["mouthPressLeft"]
    assert mesh.positions[left.indices, 0].min() > -0.02


def test_visemes_beside_arkit_shapes_are_left_alone() -> None:
    adopted = adopt(face_file([*ARKIT_NAMES, "viseme_aa"]).bytes())
    np.testing.assert_allclose(adopted.bundle.meshes[0].morphs["jawOpen"].deltas[:, 2], 0.01, atol=1e-5)
    assert not any("visemes" in note for note in adopted.notes)


def test_names_at_the_part_count_too() -> None:
    assert set(adopt(face_file(ARKIT, named_at_part=True).bytes()).bundle.meshes[0].morphs) == set(ARKIT_NAMES)


def _dressed() -> ForeignFile:
    file = face_file(ARKIT)
    webp = file.picture(np.full((2048, 64, 3), 90, np.uint8), "WEBP")
    hair = file.picture(np.full((8, 8, 4), 200, np.uint8))
    square = quads((0.0, 1.6, 0.1), 0.05, 1)
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    surface = {"baseColorTexture": {"index": webp}}
    scene = file.document["scenes"][0]["nodes"]
    for name, material in (
        ("Outfit", {"name": "Outfit", "pbrMetallicRoughness": surface}),
        (
            "Hair",
            {"name": "Hair", "alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorTexture": {"index": hair}}},
        ),
        ("Cornea", {"name": "x", "alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0.1]}}),
        ("Ktx", {"name": "k", "pbrMetallicRoughness": {"baseColorTexture": {"index": 2}}}),
    ):
        file.document["nodes"].append(file.mesh(name, square, material=material, TEXCOORD_0=uv))
        scene.append(len(file.document["nodes"]) - 1)
    file.document["textures"].append({"extensions": {"KHR_texture_basisu": {"source": 0}}})
    return file


def test_several_meshes_and_pictures_are_taken_over() -> None:
    adopted = adopt(_dressed().bytes())
    meshes = {mesh.name: mesh for mesh in adopted.bundle.meshes}
    assert set(meshes) == {"Wolf3D_Head", "Outfit", "Hair", "Ktx"}
    assert meshes["Outfit"].material.kind is MaterialKind.CLOTH
    assert meshes["Hair"].material.alpha_cutoff == 0.5
    assert meshes["Ktx"].material.texture is None
    assert sorted(max(picture.shape) for picture in adopted.bundle.textures) == [8, 1024]
    notes = " ".join(adopted.notes)
    assert "see-through" in notes
    assert "neither JPEG, PNG nor WebP" in notes
    assert "made smaller: 1" in notes
    decode_bundle(encode_bundle(adopted.bundle))


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"asset": {"version": "2.0", "extras": {"author": "Ann", "license": "CC-BY-4.0", "title": "Bo"}}},
         ("Bo", "CC-BY-4.0", "Ann")),
        ({"extensions": {"VRM": {"meta": {"title": "Bo", "author": "Ann", "licenseName": "CC_BY"}}}},
         ("Bo", "CC_BY", "Ann")),
        ({"extensions": {"VRMC_vrm": {"meta": {"name": "Bo", "authors": ["Ann", "Cy"], "licenseUrl": "https://x"}}}},
         ("Bo", "https://x", "Ann, Cy")),
        ({"asset": {"version": "2.0", "copyright": "2020 Ann"}}, ("Imported avatar", "unknown", "2020 Ann")),
    ],
)  # fmt: skip
def test_licence_and_author_are_found(said: dict[str, Any], wanted: tuple[str, str, str]) -> None:
    file = face_file(ARKIT)
    file.document.update(said)
    adopted = adopt(file.bytes())
    info = adopted.bundle.info
    assert (info.name, info.license, info.author) == wanted
    assert any("its licence" in note for note in adopted.notes) == (wanted[1] == "unknown")


def test_a_bundle_of_ours_stays_as_it_is(bundle: Bundle) -> None:
    adopted = adopt(encode_bundle(bundle))
    assert adopted.ours
    assert adopted.bundle.info == bundle.info
    assert any("eyes will not move" in note for note in adopted.notes)


def _peak(data: bytes) -> int:
    """Most memory that adopting the file took; it may be refused."""
    tracemalloc.start()
    try:
        with contextlib.suppress(AvatarError):
            adopt(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _hostile(edit: Any) -> bytes:
    file = face_file(["jawOpen"])
    data = file.bytes()
    document, binary = unpack(data)
    edit(document)
    return pack(document, bytes(binary))


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda d: d["accessors"][0].update(count=999_999), "past the end"),
        (lambda d: [a.update(count=999_999) or a.pop("bufferView") for a in d["accessors"]], ""),
        (lambda d: d["accessors"][0].update(byteOffset=2**40), "'byteOffset'"),
        (lambda d: d["bufferViews"][0].update(byteOffset=2**31), "past the end"),
        (lambda d: d["buffers"][0].update(uri="https://example.com/face.bin"), "outside the file"),
        (lambda d: d.update(images=[{"uri": "../../etc/passwd"}], textures=[{"source": 0}],
                            materials=[{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]), "outside"),
        (lambda d: d["meshes"][0]["extras"].update(targetNames=["jawOpen"] * 20_000), "shapes"),
        (lambda d: d.update(meshes=d["meshes"] * 300, nodes=[{"mesh": i} for i in range(300)], skins=[],
                            scenes=[{"nodes": list(range(300))}]), "more than 256 meshes"),
        (lambda d: d.update(nodes=[{"children": [i + 1]} for i in range(5000)] + [{"mesh": 0}], skins=[],
                            scenes=[{"nodes": [0]}]), "nested too deep"),
        (lambda d: d["nodes"][0].update(children=[0]), "twice"),
        (lambda d: d["nodes"][0].update(scale=[1e300, 1, 1]), "nowhere"),
        (lambda d: d.update(extensionsRequired=["KHR_draco_mesh_compression"]), "KHR_draco_mesh_compression"),
    ],
)  # fmt: skip
def test_hostile_files_are_refused_with_the_reason_in_little_memory(edit: Any, reason: str) -> None:
    data = _hostile(edit)
    with pytest.raises(AvatarError) as caught:
        adopt(data)
    assert reason in caught.value.message
    assert _peak(data) < MOST_MEMORY


def test_a_picture_cannot_burst_the_memory() -> None:
    file = face_file(ARKIT)
    bomb = file.picture(np.zeros((64, 64, 3), np.uint8))
    file.document["materials"][0]["pbrMetallicRoughness"] = {"baseColorTexture": {"index": bomb}}
    data = bytearray(file.bytes())
    at = data.index(b"IHDR")
    data[at + 4 : at + 12] = struct.pack(">II", 60_000, 60_000)
    with pytest.raises(AvatarError, match="texture"):
        adopt(bytes(data))
    assert _peak(bytes(data)) < MOST_MEMORY


WHOLE = face_file(ARKIT[:12]).bytes()


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_mutated_files_are_taken_or_refused_and_nothing_else(data: st.DataObject) -> None:
    if data.draw(st.booleans()):
        mutated = bytearray(WHOLE)
        for _ in range(data.draw(st.integers(1, 20))):
            mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
        if data.draw(st.booleans()):
            mutated = mutated[: data.draw(st.integers(0, len(mutated)))]
        assert _peak(bytes(mutated)) < MOST_MEMORY
        return
    document, binary = unpack(WHOLE)
    strange = st.one_of(st.none(), st.integers(-2, 2**33), st.floats(allow_nan=False, allow_infinity=False),
                        st.text(max_size=3), st.just([]), st.just({}))  # fmt: skip
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = document
        while True:
            key = data.draw(st.sampled_from(list(range(len(place))) if isinstance(place, list) else list(place)))
            if not isinstance(place[key], (list, dict)) or not place[key] or data.draw(st.integers(0, 3)) == 0:
                break
            place = place[key]
        place[key] = data.draw(strange)
    assert _peak(pack(document, bytes(binary))) < MOST_MEMORY


def test_a_skin_that_is_bent_at_rest_moves_each_vertex_by_the_mean_of_its_joints():
    def decoded(shift_m: float) -> Bundle:
        file = face_file(ARKIT)
        attributes = file.document["meshes"][0]["primitives"][0]["attributes"]
        count = file.document["accessors"][attributes["POSITION"]]["count"]
        shares = np.where(np.arange(count)[:, None] % 2 == 0, [0.25, 0.75, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0])
        attributes["WEIGHTS_0"] = file.accessor(shares.astype(np.float32))
        attributes["JOINTS_0"] = file.accessor(np.tile(np.array([0, 1, 0, 0], np.uint8), (count, 1)))
        head = next(node for node in file.document["nodes"] if node["name"] == "mixamorig:Head")
        head["translation"][0] += shift_m
        return decode_bundle(file.bytes())

    bound, bent = decoded(0.0).meshes[0], decoded(0.04).meshes[0]
    moved = bent.positions - bound.positions
    assert np.allclose(moved[::2], [0.03, 0.0, 0.0], atol=1e-6)
    assert np.allclose(moved[1::2], 0.0, atol=1e-6)
