"""Speech to poses and sound in virtual time, and from there to pictures."""

from __future__ import annotations

import threading
import wave
from pathlib import Path

import numpy as np
import pytest

from avatarkit.avatars import Bundle, BundleInfo
from avatarkit.frames import ARKIT_INDEX, Pose
from avatarkit.motion import open_engine
from avatarkit.motion.style import Emotion, Style
from avatarkit.offline.film import shoot
from avatarkit.offline.performance import Heard, Shown, frame_count, perform
from avatarkit.offline.speech import Speech
from avatarkit.render import OffscreenSurface

CLIP = Path(__file__).parents[2] / "assets" / "hello.wav"
JAW = ARKIT_INDEX["jawOpen"]
BEFORE_S, AFTER_S = 0.4, 0.6


@pytest.fixture(scope="module")
def speech():
    with wave.open(str(CLIP)) as wav:
        return Speech(wav.readframes(3 * wav.getframerate()), wav.getframerate())


@pytest.fixture(scope="module")
def engine():
    return open_engine()


def played(speech, engine, **options):
    return list(perform(speech, engine, **{"before_s": BEFORE_S, "after_s": AFTER_S, **options}))


def poses(items):
    return np.array(
        [np.concatenate([item.pose.weights, item.pose.head]) for item in items if isinstance(item, Shown)]
    )


@pytest.mark.parametrize("rate", [25.0, 60.0])
def test_pictures_come_at_their_rate_for_the_whole_length(speech, engine, rate):
    shown = [item for item in played(speech, engine, frame_rate=rate) if isinstance(item, Shown)]
    assert [item.time_s for item in shown] == pytest.approx([k / rate for k in range(len(shown))])
    assert len(shown) == frame_count(speech, rate, BEFORE_S, AFTER_S) == round(4.0 * rate)


def test_the_whole_sound_is_heard_in_its_place(speech, engine):
    heard = [item for item in played(speech, engine) if isinstance(item, Heard)]
    assert heard[0].time_s == pytest.approx(BEFORE_S, abs=1e-6)
    assert np.concatenate([item.samples for item in heard]).tobytes() == speech.pcm
    expected = BEFORE_S
    for item in heard:
        assert item.time_s == pytest.approx(expected, abs=0.001)
        expected += len(item.samples) / item.sample_rate


def test_the_mouth_moves_with_the_speech_alone(speech, engine):
    jaw = poses(played(speech, engine))[:, JAW]
    assert jaw[: round(BEFORE_S * 25)].max() < 0.05
    assert jaw[12:80].max() > 0.15
    assert jaw[-1] < 0.05


def test_seed_and_style_decide(speech, engine):
    first = poses(played(speech, engine, seed=3))
    assert np.array_equal(first, poses(played(speech, engine, seed=3)))
    assert not np.array_equal(first, poses(played(speech, engine, seed=4)))
    happy = poses(played(speech, engine, seed=3, style=Style(emotion=Emotion.HAPPY)))
    smile = ARKIT_INDEX["mouthSmileLeft"]
    assert happy[20:70, smile].mean() > first[20:70, smile].mean() + 0.1


class NumberRenderer:
    """Draws the jaw's opening as a number, the later pictures faster."""

    def __init__(self, log):
        self.log, self.closed = log, False

    def load(self, bundle):
        assert isinstance(bundle, Bundle)

    def draw(self, pose, camera, size):
        self.log.append(threading.get_ident())
        if pose.weights[JAW] > 0.9:
            raise RuntimeError("cannot draw this")
        return np.full((size[1], size[0], 4), round(pose.weights[JAW] * 255), np.uint8)

    def close(self):
        self.closed = True


def number(k, jaw=None):
    pose = Pose.neutral()
    pose.weights[JAW] = k / 255 if jaw is None else jaw
    return Shown(pose, k / 25)


def test_pictures_reach_the_surface_in_order_from_several_renderers():
    log, told = [], []
    renderers = [NumberRenderer(log), NumberRenderer(log)]
    surface = OffscreenSurface((2, 2), keep=100)
    sound = Heard(np.zeros(10, np.int16), 16000, 0.1)
    items = [number(k) for k in range(40)]
    count = shoot(
        [*items[:3], sound, *items[3:]], Bundle(BundleInfo("x", "CC0-1.0", ""), ()), surface,
        open_renderers=lambda: renderers, on_frame=told.append,
    )  # fmt: skip
    assert count == 40
    assert [frame.image[0, 0, 0] for frame in surface.frames] == list(range(40))
    assert told == list(range(1, 41))
    assert len(set(log)) == 2
    assert all(renderer.closed for renderer in renderers)


def test_poses_are_made_while_the_avatar_loads():
    asked = threading.Event()

    class SlowRenderer(NumberRenderer):
        def load(self, bundle):
            assert asked.wait(10), "no pose was asked for before the avatar was loaded"

    def performance():
        asked.set()
        yield number(1)

    surface = OffscreenSurface((2, 2), keep=1)
    shoot(
        performance(), Bundle(BundleInfo("x", "CC0-1.0", ""), ()), surface, open_renderers=lambda: [SlowRenderer([])]
    )
    assert surface.latest[0, 0, 0] == 1


def test_an_avatar_that_does_not_load_stops_the_film_and_says_why():
    class NoRenderer(NumberRenderer):
        def load(self, bundle):
            raise ValueError("an empty bundle")

    renderers = [NoRenderer([]), NoRenderer([])]
    surface = OffscreenSurface((2, 2))
    with pytest.raises(ValueError, match="empty bundle"):
        shoot(
            [number(k) for k in range(30)], Bundle(BundleInfo("x", "CC0-1.0", ""), ()), surface,
            open_renderers=lambda: renderers,
        )  # fmt: skip
    assert surface.frame_count == 0
    assert all(renderer.closed for renderer in renderers)


def test_a_renderer_that_fails_stops_the_film_and_is_closed():
    renderer = NumberRenderer([])
    with pytest.raises(RuntimeError, match="cannot draw"):
        shoot(
            [number(1), number(2, jaw=1.0), number(3)], Bundle(BundleInfo("x", "CC0-1.0", ""), ()),
            OffscreenSurface((2, 2)), open_renderers=lambda: [renderer],
        )  # fmt: skip
    assert renderer.closed
