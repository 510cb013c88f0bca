"""Faces and the person in a picture, found by MediaPipe's models.

Only two things of the PyPI package ``mediapipe`` are used: its compiled graph runner and the model files beside it.
They are loaded from where the package lies without importing it, so that none of its own dependencies (which pin
old releases of numpy and protobuf) is needed. Nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import struct
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from avatarkit.errors import AvatarError, ErrorCode, error
from avatarkit.studio.photo.picture import Rgb

VERSION: Final = "0.10.21"
POINTS: Final = 478
"""Landmarks of a face: 468 of the face mesh, then five of each iris."""
_MOST_FACES: Final = 5

Landmarks = npt.NDArray[np.float64]
"""float64 (478, 3): pixels to the right, pixels down, and depth in about pixels, smaller being nearer."""


def find_faces(picture: Rgb) -> list[Landmarks]:
    """The landmarks of each face, at most five, the largest first."""
    runner, root = _runner()
    make = runner._packet_creator
    messages = _run(
        root / "modules/face_landmark/face_landmark_front_cpu.binarypb",
        {
            "num_faces": make.create_int(_MOST_FACES),
            "with_attention": make.create_bool(True),
            "use_prev_landmarks": make.create_bool(False),
        },
        picture,
        stream="multi_face_landmarks",
        read=runner._packet_getter._get_serialized_proto_list,
    )
    height, width = picture.shape[:2]
    faces = []
    for message in messages or []:
        unit = _landmark_list(message)
        if len(unit) == POINTS:
            faces.append(unit * np.array([width, height, width]))
    return sorted(faces, key=lambda face: -float(np.ptp(face[:, 1])))


def person_share(picture: Rgb) -> npt.NDArray[np.float64]:
    """How much each pixel belongs to a person: float64 (h, w), 0..1; soft and coarse (256 x 256 inside)."""
    runner, root = _runner()
    mask = _run(
        root / "modules/selfie_segmentation/selfie_segmentation_cpu.binarypb",
        {"model_selection": runner._packet_creator.create_int(0)},
        picture,
        stream="segmentation_mask",
        read=lambda packet: np.array(runner._packet_getter.get_image_frame(packet).numpy_view(), np.float64),
    )
    if mask is None:
        return np.zeros(picture.shape[:2])
    return np.clip(np.asarray(mask, np.float64).reshape(picture.shape[:2]), 0.0, 1.0)


@lru_cache(maxsize=1)
def _runner() -> tuple[ModuleType, Path]:
    found = importlib.util.find_spec("mediapipe")
    root = Path(found.origin).parent if found is not None and found.origin else None
    library = next(iter(sorted((root / "python").glob("_framework_bindings*"))), None) if root else None
    if root is None or library is None:
        raise _missing()
    # Its own name: the initialiser inside the library is called after it.
    spec = importlib.util.spec_from_file_location("_framework_bindings", library)
    if spec is None or spec.loader is None:
        raise _missing()
    with _quiet():
        try:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        except ImportError as problem:
            raise _missing() from problem
        module.resource_util.set_resource_dir(str(root.parent))
    return module, root


def _missing() -> AvatarError:
    return error(
        ErrorCode.MISSING_DEPENDENCY,
        "Finding faces in photos needs MediaPipe's models, which are not installed for this Python.",
        hint=f"Install them with: pip install --no-deps mediapipe=={VERSION} (Python 3.9 to 3.12)",
    )


def _run(graph: Path, side: dict[str, Any], picture: Rgb, *, stream: str, read: Callable[[Any], Any]) -> Any:
    """What a graph puts out for one picture on a stream, as ``read`` takes it; ``None`` for nothing."""
    runner, _ = _runner()
    out: list[Any] = []
    with _quiet():
        running = runner.calculator_graph.CalculatorGraph(binary_graph_path=str(graph))
        running.observe_output_stream(stream, lambda _name, packet: out.append(packet), True)
        running.start_run(side)
        pixels = np.ascontiguousarray(picture)
        frame = runner._packet_creator._create_image_frame_from_pixel_data(
            runner.image_frame.ImageFormat.SRGB, pixels, True
        )
        running.add_packet_to_input_stream("image", frame.at(runner.timestamp.Timestamp(1)))
        running.wait_until_idle()
        running.close()
        return read(out[0]) if out and not out[0].is_empty() else None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep native log lines off the terminal: they go past ``sys.stderr``."""
    sys.stderr.flush()
    kept = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        sys.stderr.flush()  # what Python wrote without a line end would otherwise come out later
        os.dup2(kept, 2)
        os.close(sink)
        os.close(kept)


def _landmark_list(message: bytes) -> npt.NDArray[np.float64]:
    """A ``NormalizedLandmarkList`` (protobuf: field 1 repeated, each with x, y, z as fixed32 fields 1, 2, 3)."""
    points = []
    at = 0
    while at < len(message):
        if message[at] != 0x0A:
            break
        length, at = _varint(message, at + 1)
        points.append(_landmark(message[at : at + length]))
        at += length
    return np.array(points, np.float64).reshape(-1, 3)


def _landmark(message: bytes) -> tuple[float, float, float]:
    values = [0.0, 0.0, 0.0]
    at = 0
    while at + 5 <= len(message) and message[at] & 7 == 5:
        number = message[at] >> 3
        if 1 <= number <= 3:
            values[number - 1] = struct.unpack_from("<f", message, at + 1)[0]
        at += 5
    return values[0], values[1], values[2]


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
