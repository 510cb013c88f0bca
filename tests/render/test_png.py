from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from avatarkit.render import composite, contact_sheet, encode_png


@pytest.mark.parametrize("channels", [3, 4])
def test_a_png_holds_the_very_pixels(channels):
    image = np.random.default_rng(3).integers(0, 256, (13, 7, channels), np.uint8)
    assert np.array_equal(np.asarray(Pillow.open(io.BytesIO(encode_png(image)))), image)


def test_what_is_no_image_is_refused():
    with pytest.raises(ValueError, match="PNG"):
        encode_png(np.zeros((4, 4), np.uint8))


def test_compositing_mixes_light_not_bytes():
    image = np.array([[[255, 255, 255, 255], [255, 255, 255, 128], [9, 9, 9, 0]]], np.uint8)
    out = composite(image, (0.0, 0.0, 1.0))
    assert out[0, 0].tolist() == [255, 255, 255]
    # Half of full light is 188 in sRGB; half of the bytes would be 128.
    assert out[0, 1].tolist() == [188, 188, 255]
    assert out[0, 2].tolist() == [0, 0, 255]


def test_a_contact_sheet_goes_row_by_row():
    images = [np.full((2, 3, 4), value, np.uint8) for value in (1, 2, 3)]
    sheet = contact_sheet(images, 2)
    assert sheet.shape == (4, 6, 4)
    assert (sheet[0, 0, 0], sheet[0, 3, 0], sheet[2, 0, 0], sheet[2, 3, 0]) == (1, 2, 3, 0)
    assert contact_sheet(images[:1], 8).shape == (2, 3, 4)
    with pytest.raises(ValueError, match="one size"):
        contact_sheet([images[0], np.zeros((3, 3, 4), np.uint8)], 2)
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([], 2)
