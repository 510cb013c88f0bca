"""The loudness engine keeps the engine contract, and shapes the mouth by the sound's colour."""

from __future__ import annotations

import numpy as np
from engine_suite import EngineSuite, frames_of, pcm_of

from avatarkit.frames import ARKIT_INDEX
from avatarkit.motion.envelope import EnvelopeEngine


class TestEnvelope(EngineSuite):
    engine = EnvelopeEngine()
    first_frame_s = 0.04


def _vowel(first_hz: float, second_hz: float) -> bytes:
    t = np.arange(24000) / 16000
    sound = sum(
        (np.exp(-(((130 * k - first_hz) / 150) ** 2)) + 0.5 * np.exp(-(((130 * k - second_hz) / 200) ** 2)))
        * np.sin(2 * np.pi * 130 * k * t)
        for k in range(1, 30)
    )
    return pcm_of(0.1 * np.asarray(sound) * (np.sin(2 * np.pi * 2 * t) > 0))


def test_dark_vowels_round_the_lips_and_bright_ones_widen_them() -> None:
    engine = EnvelopeEngine()
    oo = frames_of(engine, 16000, [_vowel(310, 700)]).weights.mean(axis=0)
    ee = frames_of(engine, 16000, [_vowel(300, 2300)]).weights.mean(axis=0)
    pucker, stretch = ARKIT_INDEX["mouthPucker"], ARKIT_INDEX["mouthStretchLeft"]
    assert oo[pucker] > 2 * ee[pucker]
    assert ee[stretch] > 2 * oo[stretch]
