"""What is taken as a portrait, and what is refused before any work goes into it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.studio.photo.picture import read_picture


def encoded(width: int, height: int, form: str = "PNG", **options: object) -> bytes:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, :, 0] = 200  # the upper half is red
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form, **options)
    return out.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(AvatarError) as caught:
        read_picture(data)
    assert caught.value.code is ErrorCode.IMAGE_QUALITY_REJECTED
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_three_formats_are_read_as_rgb(form: str) -> None:
    picture = read_picture(encoded(400, 500, form))
    assert picture.shape == (500, 400, 3)
    assert picture[100, 200, 0] > 150 > picture[400, 200, 0]


def test_a_picture_is_turned_upright_as_its_camera_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    picture = read_picture(encoded(400, 500, "JPEG", exif=exif))
    assert picture[400, 200, 0] > 150 > picture[100, 200, 0]


def test_what_is_transparent_becomes_grey() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (400, 400), (255, 0, 0, 0)).save(out, "PNG")
    assert np.ptp(read_picture(out.getvalue())[0, 0].astype(int)) < 10


def test_too_few_pixels_too_many_and_too_many_bytes_are_refused() -> None:
    assert "too_small" in refusal(encoded(339, 2000))
    assert "too_large" in refusal(encoded(5000, 4001))
    assert "too_large" in refusal(b"\0" * (20 * 1024 * 1024 + 1))


def test_other_formats_and_damaged_files_are_refused() -> None:
    assert "unreadable" in refusal(b"GIF89a" + bytes(100))
    assert "unreadable" in refusal(encoded(400, 400, "PNG")[:200])
    assert "unreadable" in refusal(b"")


@settings(deadline=None)
@given(at=st.integers(0, 3000), value=st.binary(min_size=1, max_size=8))
def test_a_damaged_file_never_gives_another_error(at: int, value: bytes) -> None:
    data = bytearray(encoded(340, 340, "JPEG"))
    at %= len(data)
    data[at : at + len(value)] = value
    code: object = ErrorCode.IMAGE_QUALITY_REJECTED
    try:
        assert min(read_picture(bytes(data)).shape[:2]) >= 340
    except AvatarError as refused:
        code = refused.code
    assert code is ErrorCode.IMAGE_QUALITY_REJECTED
