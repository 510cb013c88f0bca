"""Bundles as GLB files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from avatarkit.avatars import limits
from avatarkit.avatars.bundle import Bundle
from avatarkit.avatars.check import check
from avatarkit.avatars.container import pack, refuse, unpack
from avatarkit.avatars.decode import Decoder
from avatarkit.avatars.encode import Encoder
from avatarkit.errors import ErrorCode, error


def encode_bundle(bundle: Bundle) -> bytes:
    """The bytes of a GLB file. The same bundle gives the same bytes (with one version of Pillow, if textured).

    Positions are kept to 1/65534 of a rigid part's extent and to 0.03 mm in a skinned part, shape deltas to
    0.03 mm or better, colours and joint weights to 1/255. Raises ``AvatarError`` for an unsound bundle.
    """
    check(bundle)
    data = pack(*Encoder(bundle).encode())
    if len(data) > limits.FILE_BYTES:
        raise refuse(f"it would be larger than {limits.FILE_BYTES // 2**20} MB")
    return data


def decode_bundle(data: bytes) -> Bundle:
    """The bundle in a GLB file's bytes, checked.

    Raises ``AvatarError``: ``unsupportedAvatarAsset`` with the reason when the file is damaged, over a limit, or
    for a newer SDK; ``invalidAvatarMetadata`` when what it says about itself is wrong; ``missingDependency``
    when it has textures and Pillow is not installed.
    """
    bundle = Decoder(*unpack(data)).decode()
    check(bundle)
    return bundle


def read_bundle(path: Path | str) -> Bundle:
    """Read a GLB file. Raises as :func:`decode_bundle`, and ``avatarAssetMissing`` when it cannot be read."""
    return decode_bundle(read_bytes(path))


def read_bytes(path: Path | str) -> bytes:
    """A file's bytes, at most one more than a bundle may have. Raises ``AvatarError`` (``avatarAssetMissing``)."""
    try:
        with open(path, "rb") as file:
            return file.read(limits.FILE_BYTES + 1)
    except OSError as reason:
        raise error(
            ErrorCode.AVATAR_ASSET_MISSING, f"The avatar file '{path}' cannot be read: {reason.strerror}."
        ) from None


def write_bundle(bundle: Bundle, path: Path | str) -> int:
    """Write a GLB file in one step (a reader never sees half of it); returns its size in bytes.

    The folder must exist. Raises ``AvatarError`` for an unsound bundle and ``OSError`` when writing fails.
    """
    data = encode_bundle(bundle)
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return len(data)
