"""Every speaker, held to one behaviour; PortAudio with a device played by the test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from speaker_suite import RATE, SUITE, Rig, heard_s, tone

from avatarkit.audio.file import FileSpeaker
from avatarkit.audio.open import open_speaker
from avatarkit.audio.portaudio import PortAudioSpeaker
from avatarkit.audio.silent import SilentSpeaker
from avatarkit.errors import AvatarError, ErrorCode

BLOCK = 160  # samples in a pull of the device: 10 ms


class HandClock:
    def __init__(self) -> None:
        self.time_s = 3.0

    def now(self) -> float:
        return self.time_s

    async def sleep_until(self, deadline_s: float) -> None:
        raise NotImplementedError


class SilentRig:
    latency_s = 0.0

    def __init__(self) -> None:
        self.clock = HandClock()
        self.speaker = SilentSpeaker(self.clock)
        self.speaker.open(RATE)

    def run(self, seconds: float) -> None:
        self.clock.time_s += seconds


class FileRig(SilentRig):
    def __init__(self, path: Path) -> None:
        self.clock = HandClock()
        self.speaker = FileSpeaker(self.clock, path)
        self.speaker.open(RATE)


class PortAudioError(Exception):
    pass


class FakeDevice:
    """Stands for the module ``sounddevice``: one output stream that pulls every 10 ms."""

    def __init__(self, clock: HandClock, latency_s: float, *, tells_times: bool = True) -> None:
        self.clock = clock
        self.latency_s = latency_s
        self.tells_times = tells_times
        self.jitter_s = 0.0
        self.missing = False
        self.played = bytearray()
        self.dies_at_once = False
        self.callback: Callable[..., None] | None = None
        self.finished: Callable[[], None] | None = None
        self.next_s = clock.time_s
        self.running = False
        self.closed = 0

    def module(self) -> ModuleType:
        module = ModuleType("sounddevice")
        module.PortAudioError = PortAudioError  # type: ignore[attr-defined]
        module.RawOutputStream = self.open  # type: ignore[attr-defined]
        return module

    def open(self, *, callback: Callable[..., None], finished_callback: Callable[[], None], **_: Any) -> Any:
        if self.missing:
            raise PortAudioError("no default output device")
        self.callback, self.finished = callback, finished_callback
        return SimpleNamespace(start=self.start, close=self.close, latency=self.latency_s)

    def start(self) -> None:
        self.running = True
        self.next_s = max(self.next_s, self.clock.time_s)
        if self.dies_at_once:
            self.vanish()

    def close(self, **_: Any) -> None:
        self.running = False
        self.closed += 1
        if self.finished is not None:
            self.finished()

    def vanish(self) -> None:
        self.running = False
        assert self.finished is not None
        self.finished()

    def run(self, seconds: float) -> None:
        end_s = self.clock.time_s + seconds
        while self.running and self.next_s <= end_s:
            self.clock.time_s = max(self.clock.time_s, self.next_s)
            out = bytearray(2 * BLOCK)
            now = self.next_s + 1000.0 if self.tells_times else 0.0  # the device's clock is another one
            self.jitter_s = -self.jitter_s
            dac = now + (self.latency_s + self.jitter_s) * self.tells_times
            when = SimpleNamespace(currentTime=now, outputBufferDacTime=dac)
            assert self.callback is not None
            self.callback(memoryview(out), BLOCK, when, None)
            self.played += out
            self.next_s += BLOCK / RATE
        self.clock.time_s = end_s


class PortAudioRig:
    def __init__(self, device: FakeDevice) -> None:
        self.device = device
        self.clock = device.clock
        self.latency_s = device.latency_s
        self.speaker = PortAudioSpeaker(self.clock)
        self.speaker.open(RATE)

    def run(self, seconds: float) -> None:
        self.device.run(seconds)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> FakeDevice:
    fake = FakeDevice(HandClock(), 0.05)
    monkeypatch.setitem(sys.modules, "sounddevice", fake.module())
    return fake


@pytest.fixture(params=["silent", "file", "portaudio", "portaudio without times"])
def rig(request: pytest.FixtureRequest, device: FakeDevice, tmp_path: Path) -> Iterator[Rig]:
    made = make_rig(request, device, tmp_path)
    yield made
    made.speaker.close()


def make_rig(request: pytest.FixtureRequest, device: FakeDevice, folder: Path) -> Rig:
    if request.param == "file":
        return FileRig(folder / "a.wav")
    if request.param == "silent":
        return SilentRig()
    device.tells_times = request.param == "portaudio"
    return PortAudioRig(device)


@pytest.mark.parametrize("behaviour", SUITE, ids=lambda f: f.__name__)
def test_speaker(rig: Rig, behaviour: Callable[[Rig], None]) -> None:
    behaviour(rig)


def test_the_count_never_goes_back_when_the_device_times_are_unsteady(device: FakeDevice) -> None:
    rig = PortAudioRig(device)
    device.jitter_s = 0.006
    rig.speaker.write(tone(1.0))
    counts = []
    for _ in range(600):
        rig.run(0.002)
        counts.append(rig.speaker.heard_samples())
    assert counts == sorted(counts)
    assert counts[-1] == RATE


def test_the_device_gets_the_samples_as_they_are(device: FakeDevice) -> None:
    rig = PortAudioRig(device)
    audio = np.arange(1, 2001, dtype="<i2").tobytes()
    for start in range(0, len(audio), 700):
        rig.speaker.write(audio[start : start + 700])
    rig.run(0.5)
    assert bytes(device.played).strip(b"\x00") == audio.strip(b"\x00")
    assert audio in bytes(device.played)


def test_volume(device: FakeDevice) -> None:
    rig = PortAudioRig(device)
    rig.speaker.set_volume(0.25)
    rig.speaker.write(np.full(1600, -1000, "<i2").tobytes())
    rig.run(0.2)
    assert set(np.frombuffer(device.played, "<i2")) == {-250, 0}
    assert heard_s(rig) == 0.1


@pytest.mark.parametrize("act", ["pause", "flush"])
def test_a_cut_is_quick_and_does_not_click(device: FakeDevice, act: str) -> None:
    rig = PortAudioRig(device)
    rig.speaker.write(tone(1.0))
    rig.run(0.2)
    device.played.clear()
    getattr(rig.speaker, act)()
    rig.run(0.1)
    samples = np.frombuffer(device.played, "<i2").astype(int)
    assert not samples[RATE // 100 :].any()  # silent 10 ms later
    assert abs(np.diff(samples, prepend=0x1000)).max() <= 0x1000 // 20


def test_a_device_that_goes_away_does_not_stop_time(device: FakeDevice, caplog: pytest.LogCaptureFixture) -> None:
    rig = PortAudioRig(device)
    rig.speaker.write(tone(1.0))
    rig.run(0.4)
    before = heard_s(rig)
    device.vanish()
    assert heard_s(rig) >= before
    rig.run(0.3)
    assert heard_s(rig) == pytest.approx(before + 0.3, abs=0.01)
    rig.speaker.write(tone(0.5))
    rig.run(2.0)
    assert heard_s(rig) == 1.5
    assert rig.speaker.queued_samples() == 0
    assert "in silence" in caplog.text
    assert "device is gone" in (rig.speaker.trouble() or "")
    assert rig.speaker.trouble() is None  # told once
    rig.speaker.flush()
    assert heard_s(rig) == 0.0


def lost_in_mid_speech(device: FakeDevice) -> PortAudioRig:
    rig = PortAudioRig(device)
    rig.speaker.write(np.arange(1, RATE + 1, dtype="<i2").tobytes())
    rig.run(0.4)
    device.vanish()
    rig.run(0.2)
    device.played.clear()
    return rig


def test_a_device_that_returns_goes_on_where_time_is(device: FakeDevice) -> None:
    rig = lost_in_mid_speech(device)
    at = rig.speaker.heard_samples()
    assert rig.speaker.recover()
    assert rig.speaker.heard_samples() == pytest.approx(at, abs=1.0)
    counts = []
    for _ in range(100):
        rig.run(0.01)
        counts.append(rig.speaker.heard_samples())
    assert counts == sorted(counts)
    assert counts[-1] == RATE
    assert rig.speaker.queued_samples() == 0
    assert device.played[: 2 * 10] == np.arange(int(at) + 1, int(at) + 11, dtype="<i2").tobytes()
    rig.speaker.write(tone(0.2))
    rig.run(0.5)
    assert heard_s(rig) == 1.2


def test_what_the_lost_device_held_is_not_played_late(device: FakeDevice) -> None:
    rig = PortAudioRig(device)
    rig.speaker.write(np.arange(1, RATE + 1, dtype="<i2").tobytes())
    rig.run(0.4)
    device.vanish()
    before = heard_s(rig)
    assert rig.speaker.recover()  # sooner than its latency
    device.played.clear()
    rig.run(0.1)
    first = int(np.flatnonzero(np.frombuffer(device.played, "<i2"))[0])
    assert first / RATE == pytest.approx(device.latency_s, abs=0.011)
    assert heard_s(rig) == pytest.approx(before + 0.1 - device.latency_s, abs=0.011)


def test_while_the_device_is_away_nothing_changes(device: FakeDevice) -> None:
    rig = lost_in_mid_speech(device)
    device.missing = True
    assert not rig.speaker.recover()
    device.missing, device.dies_at_once = False, True
    assert not rig.speaker.recover()
    before = heard_s(rig)
    rig.run(0.1)
    assert heard_s(rig) == pytest.approx(before + 0.1, abs=0.01)
    device.dies_at_once = False
    assert rig.speaker.recover()
    assert rig.speaker.recover()  # there is nothing to get back
    device.vanish()
    assert "device is gone" in (rig.speaker.trouble() or "")


def test_a_paused_speaker_comes_back_paused(device: FakeDevice) -> None:
    rig = lost_in_mid_speech(device)
    rig.speaker.pause()
    at = rig.speaker.heard_samples()
    assert rig.speaker.recover()
    rig.run(0.3)
    assert not any(device.played)
    assert rig.speaker.heard_samples() == pytest.approx(at, abs=1.0)
    rig.speaker.resume()
    rig.run(1.0)
    assert heard_s(rig) == 1.0


def test_a_lost_device_at_another_rate_stays_silent_and_keeps_time(device: FakeDevice) -> None:
    rig = lost_in_mid_speech(device)
    device.missing = True
    rig.speaker.close()
    rig.speaker.open(8000)
    rig.speaker.write(tone(0.5))
    rig.run(0.25)
    assert rig.speaker.heard_samples() == pytest.approx(2000, abs=1)
    device.missing = False
    assert rig.speaker.recover()
    rig.run(2.0)
    assert rig.speaker.heard_samples() == 8000


@pytest.mark.parametrize("opened_anew", [False, True])
def test_closed_while_it_recovers(device: FakeDevice, opened_anew: bool) -> None:
    rig = lost_in_mid_speech(device)
    start = device.start

    def start_slowly() -> None:
        device.start = start  # type: ignore[method-assign]
        rig.speaker.close()
        if opened_anew:
            rig.speaker.open(RATE)
        start()

    device.start = start_slowly  # type: ignore[method-assign]
    rig.speaker.recover()
    rig.speaker.close()
    assert device.closed == (3 if opened_anew else 2)  # the lost one, the one too many, and the one in use


def test_devices_are_listed_anew_when_asked_to(device: FakeDevice) -> None:
    module = sys.modules["sounddevice"]
    calls: list[str] = []
    module._terminate = lambda: calls.append("terminate")  # type: ignore[attr-defined]
    module._initialize = lambda: calls.append("initialize")  # type: ignore[attr-defined]
    for rescan in (False, True):
        speaker = PortAudioSpeaker(device.clock, rescan=rescan)
        speaker.open(RATE)
        device.vanish()
        assert speaker.recover()
        assert calls == (["terminate", "initialize"] if rescan else [])
        speaker.close()


def test_closing_is_not_losing_the_device(device: FakeDevice, caplog: pytest.LogCaptureFixture) -> None:
    rig = PortAudioRig(device)
    rig.speaker.close()
    rig.speaker.close()
    assert device.closed == 1
    assert caplog.text == ""


def test_open_by_name(device: FakeDevice, tmp_path: Path) -> None:
    assert isinstance(open_speaker("auto", device.clock, RATE), PortAudioSpeaker)
    assert isinstance(open_speaker("portaudio", device.clock, RATE), PortAudioSpeaker)
    assert isinstance(open_speaker("silent", device.clock, RATE), SilentSpeaker)
    to_file = open_speaker(f"file:{tmp_path / 'a.wav'}", device.clock, RATE)
    assert isinstance(to_file, FileSpeaker)
    to_file.close()
    with pytest.raises(AvatarError, match="cannot be written"):
        open_speaker(f"file:{tmp_path / 'no' / 'a.wav'}", device.clock, RATE)
    with pytest.raises(AvatarError, match="auto, portaudio, silent") as caught:
        open_speaker("loud", device.clock, RATE)
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID


def test_without_a_device(device: FakeDevice, caplog: pytest.LogCaptureFixture) -> None:
    device.missing = True
    assert isinstance(open_speaker("auto", device.clock, RATE), SilentSpeaker)
    assert "no sound" in caplog.text
    with pytest.raises(AvatarError) as caught:
        open_speaker("portaudio", device.clock, RATE)
    assert caught.value.code is ErrorCode.PLAYBACK_INIT_FAILED


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert isinstance(open_speaker("auto", HandClock(), RATE), SilentSpeaker)
    with pytest.raises(AvatarError, match="audio") as caught:
        open_speaker("portaudio", HandClock(), RATE)
    assert caught.value.code is ErrorCode.MISSING_DEPENDENCY
