"""What every surface must do. A surface's test inherits the class and says how to open one."""

from __future__ import annotations

import numpy as np
import pytest

from avatarkit.errors import AvatarError, ErrorCode


class SurfaceSuite:
    """Inherit, and define ``open(size, frame_rate)``."""

    def open(self, size, frame_rate):
        raise NotImplementedError

    @pytest.fixture
    def surface(self):
        surface = self.open((64, 48), 30.0)
        yield surface
        surface.close()

    def image(self, surface, level=90):
        image = np.full((surface.size[1], surface.size[0], 4), level, np.uint8)
        image[: surface.size[1] // 2, :, 3] = 0
        return image

    def test_it_says_its_size_and_rate(self, surface):
        assert surface.size == (64, 48)
        assert surface.frame_rate == 30.0

    def test_it_takes_frames_and_sound_and_leaves_both_as_they_are(self, surface):
        image, sound = self.image(surface), np.arange(1600, dtype=np.int16)
        kept = image.copy(), sound.copy()
        for k in range(3):
            surface.present(image, k / 30.0)
            surface.present_audio(sound, 16000, k * 0.1)
        assert np.array_equal(image, kept[0])
        assert np.array_equal(sound, kept[1])

    def test_the_same_time_twice_is_allowed(self, surface):
        surface.present(self.image(surface), 0.5)
        surface.present(self.image(surface), 0.5)

    def test_closing_twice_is_fine_and_nothing_is_taken_afterwards(self):
        surface = self.open((64, 48), 30.0)
        surface.present(self.image(surface), 0.0)
        surface.close()
        surface.close()
        surface.present(self.image(surface), 1.0)
        surface.present_audio(np.zeros(10, np.int16), 16000, 1.0)

    def test_closing_without_a_frame_is_fine(self):
        self.open((64, 48), 30.0).close()

    @pytest.mark.parametrize(
        ("size", "rate"), [((0, 48), 30.0), ((64, 9999), 30.0), ((64, 48), 0.0), ((64, 48), 1e4)]
    )
    def test_impossible_sizes_and_rates_are_refused(self, size, rate):
        with pytest.raises(AvatarError) as caught:
            self.open(size, rate)
        assert caught.value.code is ErrorCode.CONFIGURATION_INVALID
