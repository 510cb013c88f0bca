"""Pictures on their way to an encoder: mixed with what lies behind them, BT.709, colours at half the resolution."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from avatarkit.render import Background
from avatarkit.render.planes.frames import Frames
from avatarkit.render.warm import warm_up

LUMA = np.array([0.2126, 0.7152, 0.0722])


def planes(image, background="#000"):
    """Planes of the frame, without what pads their rows, as float."""
    height, width, _ = image.shape
    frame = Frames(Background(background, (width, height))).frame(image)
    assert (frame.width, frame.height) == (width, height)
    rows = [np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size) for plane in frame.planes]
    return [row[:, : plane.width].astype(float) for row, plane in zip(rows, frame.planes, strict=True)]


def flat(color, size=(32, 4)):
    image = np.empty((size[1], size[0], 4), np.uint8)
    image[...] = (*color, 255)
    return image


def bt709(rgb):
    """Light and the two differences of colour, in limited range, of bytes (..., 3)."""
    rgb = np.asarray(rgb) / 255.0
    light = rgb @ LUMA
    blue, red = (rgb[..., 2] - light) / 1.8556, (rgb[..., 0] - light) / 1.5748
    return 16 + 219 * light, 128 + 224 * blue, 128 + 224 * red


def noise(size, seed=1):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (size[1], size[0], 4), np.uint8)
    image[..., 3] = rng.choice(np.array([0, 0, 0, 1, 90, 254, 255, 255, 255], np.uint8), size[::-1])
    return image


@pytest.mark.parametrize("color", [(r, g, b) for r in (0, 37, 255) for g in (0, 141, 255) for b in (0, 203, 255)])
def test_flat_colours_are_those_of_the_formula(color):
    for plane, exact in zip(planes(flat(color)), bt709(color), strict=True):
        assert np.unique(plane) == pytest.approx(exact, abs=0.51)


def test_light_is_that_of_each_pixel_and_colours_lie_left_between_two_rows():
    image = noise((70, 20))
    image[..., 3] = 255
    light, blue, red = planes(image)
    rgb = image[..., :3].astype(float)
    assert np.abs(light - bt709(rgb)[0]).max() < 0.51
    left = np.pad(rgb, ((0, 0), (1, 0), (0, 0)), "edge")[:, :-1:2]
    around = (left + 2 * rgb[:, ::2] + rgb[:, 1::2]) / 4
    _, exact_blue, exact_red = bt709((around[::2] + around[1::2]) / 2)
    assert np.abs(blue - exact_blue).max() < 0.51
    assert np.abs(red - exact_red).max() < 0.51


@pytest.mark.parametrize("size", [(2, 2), (16, 2), (34, 6), (160, 90)])
@pytest.mark.parametrize("background", ["#3366cc", "picture"])
def test_what_lies_behind_is_mixed_in_as_on_every_other_surface(size, background):
    image = noise(size)
    behind = noise(size, seed=2)[..., :3].copy() if background == "picture" else background
    mixed = Background(behind, size).behind(image)
    for plane, expected in zip(planes(image, behind), planes(mixed), strict=True):
        assert np.array_equal(plane, expected)


def test_alpha_is_kept_over_transparency_and_colours_are_as_they_are():
    image = noise((36, 10))
    *colors, alpha = planes(image, "transparent")
    assert np.array_equal(alpha, image[..., 3])
    solid = image.copy()
    solid[..., 3] = 255
    for plane, expected in zip(colors, planes(solid), strict=True):
        assert np.array_equal(plane, expected)


def test_a_picture_that_cannot_be_written_or_lies_oddly_is_taken_and_left_as_it_is():
    image = noise((32, 8))
    expected = planes(image, "#123")
    fixed = image.copy()
    fixed.flags.writeable = False
    odd = np.frombuffer(b"." + image.tobytes(), np.uint8, offset=1).reshape(image.shape)
    for given in (fixed, odd, np.repeat(image, 2, axis=1)[:, ::2]):
        assert all(map(np.array_equal, planes(given, "#123"), expected))
        assert np.array_equal(given, image)


@pytest.mark.parametrize("image", [np.zeros((8, 30, 4), np.uint8), np.zeros((8, 32, 4), np.float32)])
def test_another_size_or_type_is_refused(image):
    with pytest.raises(ValueError, match="uint8"):
        Frames(Background(None, (32, 8))).frame(image)


def test_films_load_neither_a_compiler_nor_the_cpu_renderer():
    warm_up()
    program = (
        "import sys, numpy; from avatarkit.render import Background;"
        "from avatarkit.render.planes.frames import Frames;"
        "Frames(Background(None, (8, 8))).frame(numpy.zeros((8, 8, 4), 'u1'));"
        "sys.exit(any(m in sys.modules for m in ('numba', 'avatarkit.render.cpu')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
