"""The learned engine keeps the engine contract, gives a batch the bits of one, and takes style and hints."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from engine_suite import EngineSuite, babble, frames_of
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarkit.frames import ARKIT_INDEX, MotionFrames
from avatarkit.motion.articulatory import ArticulatoryEngine
from avatarkit.motion.hints import Hint
from avatarkit.motion.style import Emotion, Style

ENGINE = ArticulatoryEngine()


class TestArticulatory(EngineSuite):
    engine = ENGINE
    first_frame_s = 0.12


class TestLowLatency(EngineSuite):
    engine = ArticulatoryEngine(profile="low-latency")
    first_frame_s = 0.08
    minutes = 1


def channel(frames: MotionFrames, name: str) -> np.ndarray:
    return frames.weights[:, ARKIT_INDEX[name]]


def finished(stream: object) -> MotionFrames:
    stream.finish()  # type: ignore[attr-defined]
    return stream.take()  # type: ignore[attr-defined]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4000)), min_size=1, max_size=40), st.integers(1, 6))
def test_a_batch_gives_each_stream_what_it_gets_alone(pushes: list[tuple[int, int]], every: int) -> None:
    sounds = [babble(1.2, seed=i, level=0.05 + 0.1 * i) for i in range(6)]
    streams = [ENGINE.open(16000, seed=i) for i in range(6)]
    at = [0] * 6
    for n, (i, size) in enumerate(pushes):
        streams[i].push(sounds[i][at[i] : at[i] + size])
        at[i] = min(len(sounds[i]), at[i] + size)
        if n % every == 0:
            ENGINE.advance(streams)
    for i, stream in enumerate(streams):
        together = finished(stream)
        alone = frames_of(ENGINE, 16000, [sounds[i][: at[i]]], seed=i)
        assert np.array_equal(together.weights, alone.weights)
        assert np.array_equal(together.head, alone.head)


def test_a_hundred_streams_at_once_give_the_bits_of_one() -> None:
    sound = babble(0.8)
    alone = frames_of(ENGINE, 16000, [sound], seed=3)
    streams = [ENGINE.open(16000, seed=3) for _ in range(100)]
    for start in range(0, len(sound), 640):
        for i, stream in enumerate(streams):
            stream.push(sound[start : start + 640])
            if i % 10 == start // 640 % 10:
                stream.take()
        ENGINE.advance(streams)
    for stream in streams[1::7]:
        stream.finish()
    ENGINE.advance(streams)
    frames = finished(streams[1])
    assert np.array_equal(frames.weights, alone.weights[-len(frames) :])


def test_state_is_kilobytes() -> None:
    assert ENGINE.state_bytes < 8192


@pytest.mark.parametrize("emotion", list(Emotion))
def test_every_emotion_shows_and_stays_in_range(emotion: Emotion) -> None:
    sound = babble(2.0)
    plain = frames_of(ENGINE, 16000, [sound])
    stream = ENGINE.open(16000, style=Style(emotion=emotion))
    stream.push(sound)
    moody = finished(stream)
    assert np.all((moody.weights >= 0) & (moody.weights <= 1))
    assert np.array_equal(moody.weights, plain.weights) == (emotion is Emotion.NEUTRAL)


@pytest.mark.parametrize(
    ("emotion", "shape"),
    [
        (Emotion.HAPPY, "mouthSmileLeft"), (Emotion.SAD, "mouthFrownRight"), (Emotion.ANGRY, "browDownLeft"),
        (Emotion.SURPRISED, "browOuterUpRight"), (Emotion.CALM, "mouthSmileRight"),
    ],
)  # fmt: skip
def test_an_emotion_has_its_mark_and_its_strength(emotion: Emotion, shape: str) -> None:
    def mean(intensity: float) -> float:
        stream = ENGINE.open(16000, style=Style(emotion=emotion, intensity=intensity))
        stream.push(babble(1.0))
        return float(channel(finished(stream), shape).mean())

    assert mean(0.0) < mean(0.5) < mean(1.0)


def test_a_style_set_while_speaking_blends_in_from_there() -> None:
    sound = babble(3.0)
    half = len(sound) // 2

    def run(chunk: int) -> MotionFrames:
        stream = ENGINE.open(16000)
        taken = []
        for part in (sound[:half], sound[half:]):
            for start in range(0, half, chunk):
                stream.push(part[start : start + chunk])
                taken.append(stream.take().weights)
            stream.set_style(Style(emotion="happy"))  # type: ignore[arg-type]
        taken.append(finished(stream).weights)
        weights = np.concatenate(taken)
        return MotionFrames(weights, np.zeros((len(weights), 6), np.float32))

    frames = run(640)
    assert np.array_equal(frames.weights, run(9000).weights)
    assert np.array_equal(frames.weights[:37], frames_of(ENGINE, 16000, [sound]).weights[:37])
    smile = channel(frames, "mouthSmileLeft")
    assert smile[55:].mean() > smile[:37].mean() + 0.1
    assert np.abs(np.diff(smile)).max() < 0.15


def test_knobs_scale_their_part() -> None:
    def run(style: Style) -> MotionFrames:
        stream = ENGINE.open(16000, style=style)
        stream.push(babble(2.0))
        return finished(stream)

    plain, small = run(Style()), run(Style(jaw=0.5))
    assert channel(small, "jawOpen").max() < 0.7 * channel(plain, "jawOpen").max()
    assert channel(run(Style(lips=0.0)), "mouthLowerDownLeft").max() == 0.0
    still, lively = run(Style(expressiveness=0.0)), run(Style(expressiveness=2.0))
    assert np.abs(np.diff(still.head[:, 1])).max() == 0.0
    assert lively.head[:, 1].std() > 1.5 * plain.head[:, 1].std()


@pytest.mark.parametrize(
    "wrong", [{"intensity": 1.5}, {"jaw": -0.1}, {"lips": float("nan")}, {"emotion": "bored"}, {"expressiveness": 3}]
)
def test_a_style_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message differs with the field
        Style(**wrong)  # type: ignore[arg-type]


def test_a_hint_tips_the_scales_where_it_is_and_nowhere_else() -> None:
    sound = babble(2.0)
    plain = frames_of(ENGINE, 16000, [sound])
    stream = ENGINE.open(16000)
    stream.hint([Hint(0.6, 0.8, "PP")])
    stream.push(sound)
    hinted = finished(stream)
    assert np.array_equal(hinted.weights[:13], plain.weights[:13])
    span = slice(15, 21)
    assert channel(hinted, "mouthPressLeft")[span].sum() > channel(plain, "mouthPressLeft")[span].sum()


def test_hints_give_the_same_bits_for_any_chunking() -> None:
    sound = babble(1.5)
    runs = []
    for size in (640, 5001, len(sound)):
        stream = ENGINE.open(16000, seed=1)
        stream.hint([Hint(0.2, 0.5, "bubble"), Hint(0.7, 0.8, "oh"), Hint(0.9, 1.0, "A", is_word=True)])
        for start in range(0, len(sound), size):
            stream.push(sound[start : start + size])
        runs.append(finished(stream).weights)
    assert np.array_equal(runs[0], runs[1])
    assert np.array_equal(runs[0], runs[2])


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=1, max_size=64), st.floats(0, 3), st.floats(0, 3))
def test_any_text_is_a_harmless_hint(text: str, start_s: float, length_s: float) -> None:
    stream = ENGINE.open(16000)
    stream.hint([Hint(start_s, start_s + length_s, text)])
    stream.push(babble(0.5))
    frames = finished(stream)
    assert np.all(np.isfinite(frames.weights))


@pytest.mark.parametrize(
    "wrong", [(-0.1, 1.0, "a"), (1.0, 0.5, "a"), (0.0, float("inf"), "a"), (0.0, 1.0, ""), (0.0, 1.0, "x" * 65)]
)
def test_a_hint_that_makes_no_sense_is_refused(wrong: tuple[float, float, str]) -> None:
    with pytest.raises(ValueError, match="hint"):
        Hint(*wrong)


def test_too_many_hints_are_refused() -> None:
    stream = ENGINE.open(16000)
    with pytest.raises(ValueError, match="10000"):
        stream.hint([Hint(0.0, 1.0, "PP")] * 10_001)


def test_the_head_moves_with_speech_without_jerks() -> None:
    frames = frames_of(ENGINE, 16000, [babble(10.0)])
    speed = np.abs(np.diff(frames.head[:, :3], axis=0)) * 25.0
    assert 0.02 < np.degrees(np.percentile(speed, 95)) < 60.0
    assert np.degrees(speed.max()) < 90.0


def test_eyes_are_left_to_whoever_plays_the_motion() -> None:
    frames = frames_of(ENGINE, 16000, [babble(2.0)])
    eyes = [i for name, i in ARKIT_INDEX.items() if name.startswith("eye")]
    assert not frames.weights[:, eyes].any()


def runs_of(flags: np.ndarray) -> list[float]:
    """Start of each run of true, in seconds."""
    starts = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int)])) == 1)
    return [float(start) * 0.04 for start in starts]


def test_real_words_close_bite_round_and_rest_where_they_should() -> None:
    """hello.wav: "... Please move my lips ... Five fresh fish, a blue moon, and nobody's cloud. Shall we begin?"."""
    with wave.open(str(Path(__file__).parents[2] / "assets" / "hello.wav"), "rb") as file:
        rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    frames = frames_of(ENGINE, rate, [pcm])
    jaw, close = channel(frames, "jawOpen"), channel(frames, "mouthClose")
    seals = runs_of((close > 0.5 * jaw) & (jaw > 0.01))
    bites = runs_of(channel(frames, "mouthRollLower") > 0.4)
    assert len([t for t in seals if 4.3 < t < 5.4]) >= 3  # move, my, lips
    assert len([t for t in seals if 8.4 < t < 8.9]) == 2  # blue, moon
    assert len([t for t in bites if 7.2 < t < 8.0]) >= 2  # five fresh fish
    assert 6 <= len(seals) <= 14
    blue_moon = slice(int(8.6 * 25), int(9.1 * 25))
    assert channel(frames, "mouthPucker")[blue_moon].max() > 0.4
    assert jaw[-3:].max() < 0.08
    assert 0.3 < jaw.max() < 0.9
