"""The GLB container: a header, a JSON chunk and a binary chunk (glTF 2.0, section 4)."""

from __future__ import annotations

import json
import struct
from typing import Any, Final

from avatarkit.avatars import limits
from avatarkit.errors import AvatarError, ErrorCode, error

_MAGIC: Final = 0x46546C67
_JSON: Final = 0x4E4F534A
_BIN: Final = 0x004E4942
_HEADER_BYTES: Final = 12
_CHUNK_HEADER_BYTES: Final = 8

Json = dict[str, Any]


def refuse(reason: str) -> AvatarError:
    """The error for a file that cannot be used; ``reason`` completes "The avatar file cannot be used: ..."."""
    return error(
        ErrorCode.UNSUPPORTED_AVATAR_ASSET,
        f"The avatar file cannot be used: {reason}.",
        hint="Export it again, or choose another file.",
    )


def pack(document: Json, binary: bytes) -> bytes:
    """The bytes of a GLB file. Keys are written in the order given, so equal input gives equal bytes."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    total = _HEADER_BYTES + 2 * _CHUNK_HEADER_BYTES + len(text) + len(binary)
    head = struct.pack("<III", _MAGIC, 2, total)
    return b"".join((head, struct.pack("<II", len(text), _JSON), text, struct.pack("<II", len(binary), _BIN), binary))


def unpack(data: bytes) -> tuple[Json, memoryview]:
    """The JSON document and the binary chunk (empty when there is none).

    Raises ``AvatarError`` (``unsupportedAvatarAsset``) when the container is damaged or over the limits.
    """
    if len(data) > limits.FILE_BYTES:
        raise refuse(f"it is larger than {limits.FILE_BYTES // 2**20} MB")
    if len(data) < _HEADER_BYTES + _CHUNK_HEADER_BYTES:
        raise refuse("it is too short for a GLB file")
    magic, version, total = struct.unpack_from("<III", data)
    if magic != _MAGIC:
        raise refuse("it is not a GLB file")
    if version != 2:
        raise refuse(f"it is glTF version {version}, not 2")
    if total != len(data):
        raise refuse(f"its header says {total} bytes and it has {len(data)}")
    chunks = _chunks(data)
    if not chunks or chunks[0][0] != _JSON:
        raise refuse("its first chunk is not JSON")
    binary = chunks[1][1] if len(chunks) > 1 and chunks[1][0] == _BIN else memoryview(b"")
    return _parse(chunks[0][1]), binary


def _chunks(data: bytes) -> list[tuple[int, memoryview]]:
    view = memoryview(data)
    chunks: list[tuple[int, memoryview]] = []
    offset = _HEADER_BYTES
    while offset < len(data) and len(chunks) < 2:  # what follows the binary chunk is none of ours
        if offset + _CHUNK_HEADER_BYTES > len(data):
            raise refuse("a chunk header is cut off")
        length, kind = struct.unpack_from("<II", data, offset)
        offset += _CHUNK_HEADER_BYTES
        if length > len(data) - offset:
            raise refuse("a chunk is longer than the file")
        chunks.append((kind, view[offset : offset + length]))
        offset += length
    return chunks


def _parse(chunk: memoryview) -> Json:
    if len(chunk) > limits.JSON_BYTES:
        raise refuse(f"its JSON is larger than {limits.JSON_BYTES // 2**20} MB")
    try:
        document = json.loads(bytes(chunk).decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise refuse("its JSON cannot be parsed") from None
    if not isinstance(document, dict):
        raise refuse("its JSON is not an object")
    for name, value in document.items():
        if isinstance(value, list) and len(value) > limits.JSON_ITEMS:
            raise refuse(f"it lists more than {limits.JSON_ITEMS} {name}")
    return document


def _no_constant(name: str) -> float:
    raise ValueError(name)
