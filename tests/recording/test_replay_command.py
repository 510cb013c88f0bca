"""`avatarkit replay` and `controller.record`, as a user has them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import wave
from pathlib import Path

import numpy as np
import pytest

from avatarkit import Avatar, AvatarError, AvatarSDK, AvatarView, Configuration, ErrorCode, Mood
from avatarkit.audio.file import FileSpeaker
from avatarkit.avatars import builtin
from avatarkit.cli.app import run
from avatarkit.clock import VirtualClock
from avatarkit.render import OffscreenSurface


@pytest.fixture
async def tape(tmp_path: Path) -> Path:
    """One second of the avatar's life with half a second of sound, recorded through the public API."""
    await AvatarSDK.cleanup()
    await AvatarSDK.initialize("app", Configuration(endpoint="http://127.0.0.1:9", cache_dir=tmp_path / "cache"))
    AvatarSDK.set_session_token("a-secret-token")
    bundle = builtin.default_path()
    avatar = Avatar("default", "Default", 1, hashlib.sha256(bundle.read_bytes()).hexdigest(), bundle, True)
    path = tmp_path / "session.avkt"
    async with AvatarView(avatar, OffscreenSurface((64, 64)), speaker="silent", seed=3) as view:
        with view.controller.record(path):
            with pytest.raises(AvatarError):
                await view.controller.start()  # nobody is there: it goes on as sound alone
            view.mood = Mood.CHEERFUL
            view.look_at(0.5, 0.0)
            finished = asyncio.Event()
            view.controller.on_playback_finished = lambda event: finished.set()
            view.controller.send(np.full(8000, 3000, "<i2").tobytes(), end=True)
            await finished.wait()
            await asyncio.sleep(0.2)
    await AvatarSDK.cleanup()
    return path


async def test_replay_checks_every_frame_and_lists_events(tape: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert b"a-secret-token" not in await asyncio.to_thread(tape.read_bytes)
    assert run(["replay", str(tape), "--json", "--events"]) == 0
    *events, facts = capsys.readouterr().out.strip().splitlines()
    told = json.loads(facts)
    assert told["frames"] == told["frames_with_the_same_pose"] >= 2
    assert told["heard"] == "0.50 s"
    assert told["seed"] == 3
    assert [line.split()[1] for line in events][-2:] == ["PlaybackFinished", "ConversationStateChanged"]
    assert any("error=" in line for line in events)


async def test_replay_writes_a_video(tape: Path, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    assert run(["replay", str(tape), "-o", str(tmp_path / "a.mp4"), "--size", "64"]) == 0
    with av.open(str(tmp_path / "a.mp4")) as video:
        pictures = [frame.to_ndarray(format="gray") for frame in video.decode(video=0)]
    assert len(pictures) >= 10
    with av.open(str(tmp_path / "a.mp4")) as video:
        sound = np.concatenate([frame.to_ndarray().ravel() for frame in video.decode(audio=0)])
    assert np.abs(sound).max() > 0.05


async def test_replay_wants_the_avatar_that_was_shown(tape: Path, tmp_path: Path) -> None:
    (tmp_path / "other.glb").write_bytes(b"glTF")
    assert run(["replay", str(tape), "-o", str(tmp_path / "a.mp4"), "--bundle", str(tmp_path / "other.glb")]) == 1
    assert not (tmp_path / "a.mp4").exists()


async def test_no_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    assert run(["replay", str(tmp_path / "a")]) == 1
    assert ErrorCode.CONFIGURATION_INVALID.value in capsys.readouterr().err


async def test_the_file_speaker_writes_what_is_heard_in_its_time(tmp_path: Path) -> None:
    clock = VirtualClock(5.0)
    speaker = FileSpeaker(clock, tmp_path / "a.wav")
    speaker.open(16000)
    await clock.advance(0.5)
    speaker.write(np.full(16000, 1000, "<i2").tobytes())
    await clock.advance(0.25)
    speaker.pause()
    await clock.advance(0.25)
    speaker.resume()
    speaker.set_volume(0.5)
    await clock.advance(0.25)
    speaker.flush()
    await clock.advance(0.25)
    speaker.close()
    speaker.close()
    with wave.open(str(tmp_path / "a.wav")) as wav:
        assert wav.getframerate() == 16000
        samples = np.frombuffer(wav.readframes(-1), "<i2")
    assert np.array_equal(samples, np.repeat([0, 1000, 0, 500, 0], [8000, 4000, 4000, 4000, 4000]))
