"""What every motion engine must do, whatever is inside. A test class per engine inherits this suite."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avatarkit.frames import ARKIT_INDEX, MotionFrames
from avatarkit.motion import MotionEngine
from avatarkit.types import SAMPLE_RATES_HZ

JAW = ARKIT_INDEX["jawOpen"]
Rate = st.sampled_from(SAMPLE_RATES_HZ)


def pcm_of(samples: np.ndarray) -> bytes:
    return np.clip(np.rint(samples * 32767), -32768, 32767).astype("<i2").tobytes()


def babble(seconds: float, rate: int = 16000, *, level: float = 0.2, seed: int = 5) -> bytes:
    """Speech-like sound: a buzz with moving formants, in syllables with pauses."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(rate * seconds)) / rate
    phase = 2 * np.pi * np.cumsum(120 + 25 * np.sin(2 * np.pi * 0.7 * t)) / rate
    sound = np.zeros_like(t)
    for harmonic in range(1, 30):
        centre = 900 + 600 * np.sin(2 * np.pi * 1.3 * t)
        sound += np.exp(-(((120 * harmonic - centre) / 500) ** 2)) * np.sin(harmonic * phase)
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * t), 0, 1) * (np.sin(2 * np.pi * 0.4 * t) > -0.6)
    return pcm_of(level * sound * syllables + 0.0005 * rng.standard_normal(len(t)))


def frames_of(engine: MotionEngine, rate: int, chunks: list[bytes], seed: int = 0) -> MotionFrames:
    """All frames of one request, taken after every chunk."""
    stream = engine.open(rate, seed=seed)
    taken = []
    for chunk in chunks:
        stream.push(chunk)
        taken.append(stream.take())
    stream.finish()
    taken.append(stream.take())
    assert [f.first_frame for f in taken] == list(itertools.accumulate([0, *map(len, taken[:-1])]))
    return MotionFrames(np.concatenate([f.weights for f in taken]), np.concatenate([f.head for f in taken]))


def assert_sound(frames: MotionFrames, rate: int, byte_count: int) -> None:
    assert len(frames) == -(-(byte_count // 2) * 25 // rate)
    assert frames.weights.dtype == frames.head.dtype == np.float32
    assert np.all(np.isfinite(frames.weights))
    assert np.all(np.isfinite(frames.head))
    assert np.all((frames.weights >= 0) & (frames.weights <= 1))
    assert np.all(np.abs(frames.head[:, :3]) < 0.5)
    assert np.all(np.abs(frames.head[:, 3:]) < 0.05)


def cut(pcm: bytes, sizes: list[int]) -> list[bytes]:
    edges = [0, *itertools.accumulate(sizes)]
    return [pcm[a:b] for a, b in itertools.pairwise(edges)] + [pcm[edges[-1] :]]


class EngineSuite:
    """Inherit, and give the engine as a class attribute."""

    engine: MotionEngine
    first_frame_s = 0.0
    """Audio that the first frame needs, in seconds."""
    minutes = 10
    """Length of the longest request tried."""

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    @given(rate=Rate, pcm=st.binary(max_size=9000), sizes=st.lists(st.integers(0, 3000), max_size=6))
    def test_any_bytes_in_any_pieces(self, rate: int, pcm: bytes, sizes: list[int]) -> None:
        whole = frames_of(self.engine, rate, [pcm])
        assert_sound(whole, rate, len(pcm))
        pieces = frames_of(self.engine, rate, cut(pcm, sizes))
        assert np.array_equal(pieces.weights, whole.weights)
        assert np.array_equal(pieces.head, whole.head)

    @pytest.mark.parametrize("rate", SAMPLE_RATES_HZ)
    def test_speech_gives_the_same_bits_for_any_chunking(self, rate: int) -> None:
        pcm = babble(2.03, rate)
        whole = frames_of(self.engine, rate, [pcm])
        assert_sound(whole, rate, len(pcm))
        assert whole.weights[:, JAW].max() > 0.15
        for size in (1, 2 * rate // 50, 2 * rate // 10 + 1):
            if size > 1 or rate == 8000:
                chunks = [pcm[i : i + size] for i in range(0, len(pcm), size)]
                again = frames_of(self.engine, rate, chunks)
                assert np.array_equal(again.weights, whole.weights)
                assert np.array_equal(again.head, whole.head)

    @pytest.mark.parametrize("pcm", [b"", b"\x01"])
    def test_no_whole_sample_gives_no_frame(self, pcm: bytes) -> None:
        assert len(frames_of(self.engine, 24000, [pcm])) == 0

    def test_one_sample_gives_one_frame(self) -> None:
        assert_sound(frames_of(self.engine, 48000, [b"\x00\x40"]), 48000, 2)

    @pytest.mark.parametrize("level", [0.0, 0.9999, -1.0])
    def test_a_constant_keeps_the_mouth_shut(self, level: float) -> None:
        frames = frames_of(self.engine, 16000, [pcm_of(np.full(32000, level))])
        assert_sound(frames, 16000, 64000)
        assert frames.weights[10:-5, JAW].max() < 0.1

    def test_the_loudest_and_clipped_sound_stays_in_range(self) -> None:
        square = np.sign(np.sin(2 * np.pi * 140 * np.arange(32000) / 16000))
        assert_sound(frames_of(self.engine, 16000, [pcm_of(square)]), 16000, 64000)
        noise = np.random.default_rng(3).integers(-32768, 32768, 32000).astype("<i2").tobytes()
        assert_sound(frames_of(self.engine, 16000, [noise]), 16000, 64000)

    def test_the_mouth_closes_when_speech_ends(self) -> None:
        frames = frames_of(self.engine, 16000, [babble(2.0), bytes(32000)])
        assert frames.weights[5:50, JAW].max() > 0.15
        assert frames.weights[62:, JAW].max() < 0.05

    def test_quiet_speech_moves_the_mouth_about_as_much_as_loud_speech(self) -> None:
        loud = frames_of(self.engine, 16000, [babble(6.0, level=0.3)]).weights[75:, JAW]
        quiet = frames_of(self.engine, 16000, [babble(6.0, level=0.06)]).weights[75:, JAW]
        assert np.percentile(quiet, 95) > 0.6 * np.percentile(loud, 95)

    def test_the_first_frame_is_there_as_soon_as_promised(self) -> None:
        stream = self.engine.open(16000)
        pcm = babble(1.0)
        needed = round(self.first_frame_s * 16000) * 2
        stream.push(pcm[: needed - 2])
        assert len(stream.take()) == 0
        stream.push(pcm[needed - 2 : needed])
        assert len(stream.take()) == 1
        stream.push(pcm[needed : needed + 2 * 16000 // 25])
        assert len(stream.take()) == 1

    def test_streams_do_not_disturb_each_other(self) -> None:
        first, second = babble(1.0, seed=1), babble(1.0, level=0.05, seed=2)
        alone = frames_of(self.engine, 16000, [first], seed=4)
        a, b = self.engine.open(16000, seed=4), self.engine.open(16000, seed=9)
        for i in range(0, 32000, 640):
            a.push(first[i : i + 640])
            b.push(second[i : i + 640])
        a.finish()
        assert np.array_equal(a.take().weights, alone.weights)

    def test_the_seed_changes_only_what_is_random(self) -> None:
        one, same, other = (frames_of(self.engine, 16000, [babble(1.5)], seed=s) for s in (3, 3, 4))
        assert np.array_equal(one.head, same.head)
        assert not np.array_equal(one.head, other.head)
        assert np.allclose(one.weights[:, JAW], other.weights[:, JAW])

    def test_nothing_goes_in_after_the_end(self) -> None:
        stream = self.engine.open(16000)
        stream.push(babble(0.2))
        stream.finish()
        stream.finish()
        with pytest.raises(ValueError, match="finished"):
            stream.push(b"\x00\x00")
        assert len(stream.take()) == 5
        assert len(stream.take()) == 0

    @pytest.mark.parametrize("rate", [0, 11025, 192000])
    def test_other_rates_are_refused(self, rate: int) -> None:
        with pytest.raises(ValueError, match="sample_rate must be one of"):
            self.engine.open(rate)

    def test_left_and_right_are_not_perfectly_equal(self) -> None:
        weights = frames_of(self.engine, 16000, [babble(2.0)]).weights
        left = weights[:, ARKIT_INDEX["mouthLowerDownLeft"]]
        right = weights[:, ARKIT_INDEX["mouthLowerDownRight"]]
        assert np.abs(left - right).max() > 0.001
        assert np.abs(left - right).max() < 0.15

    def test_minutes_at_once(self) -> None:
        minute = babble(60.0)
        frames = frames_of(self.engine, 16000, [minute * self.minutes])
        assert_sound(frames, 16000, len(minute) * self.minutes)
