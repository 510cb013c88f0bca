"""Opus both ways, fetched tokens and resumed downloads, against a real server."""

from __future__ import annotations

import asyncio
import json
import wave
import zlib
from pathlib import Path

import pytest

from avatarkit import (
    AudioCodec,
    AudioFormat,
    AvatarManager,
    AvatarSDK,
    AvatarView,
    Configuration,
    LoadProgress,
    PlaybackFinished,
    SessionReport,
)
from avatarkit.audio.opus import OggOpusEncoder
from avatarkit.cli.app import run
from avatarkit.recording.tape import SIGNATURE
from avatarkit.render import OffscreenSurface

from .real_server import CLIP, Server

PCM_BYTES = 16000 * 2  # one second
FRAMES = (25, 26)  # the last Opus packet is filled up with silence


async def speak(server: Server, cache: Path, audio: bytes, audio_format: AudioFormat) -> SessionReport:
    """Say one round to its end and report."""
    await AvatarSDK.initialize(server.app_id, Configuration(endpoint=server.url, cache_dir=cache))

    async def provider() -> str:
        return await asyncio.to_thread(server.token)

    AvatarSDK.set_token_provider(provider)
    avatar = await AvatarManager.shared().load("default")
    surface = OffscreenSurface((64, 64))
    async with AvatarView(avatar, surface, speaker="silent", audio_format=audio_format) as view:
        events = view.controller.events()
        await view.controller.start()
        for start in range(0, len(audio), 5001 if audio_format.input_format is AudioCodec.OPUS else 6400):
            step = 5001 if audio_format.input_format is AudioCodec.OPUS else 6400
            view.controller.send(audio[start : start + step], end=start + step >= len(audio))
        async with asyncio.timeout(30.0):
            async for event in events:
                if isinstance(event, PlaybackFinished):
                    assert not event.interrupted
                    assert event.position_s == pytest.approx(1.0, abs=0.05)
                    break
        return view.controller.report()


@pytest.mark.usefixtures("sdk")
async def test_pcm_goes_up_as_opus(server: Server, tmp_path: Path, speech: bytes) -> None:
    report = await speak(server, tmp_path, speech[:PCM_BYTES], AudioFormat(opus_uplink=True))
    assert report.motion_frames in FRAMES
    assert report.audio_bytes_sent < PCM_BYTES / 4


@pytest.mark.usefixtures("sdk")
async def test_opus_is_fed_in(server: Server, tmp_path: Path, speech: bytes) -> None:
    encoder = OggOpusEncoder(sample_rate=16000)
    stream = encoder.encode(speech[:PCM_BYTES]) + encoder.finish()
    report = await speak(server, tmp_path, stream, AudioFormat(input_format=AudioCodec.OPUS))
    assert report.motion_frames in FRAMES
    assert report.audio_bytes_sent == len(stream)


@pytest.mark.usefixtures("sdk")
async def test_a_download_is_resumed(server: Server, tmp_path: Path) -> None:
    await AvatarSDK.initialize(server.app_id, Configuration(endpoint=server.url, cache_dir=tmp_path / "first"))
    avatar = await AvatarManager.shared().load("default")
    content = avatar.asset_path.read_bytes()
    await AvatarSDK.cleanup()
    bundles = tmp_path / "second" / "bundles"
    bundles.mkdir(parents=True)
    (bundles / f".part-{avatar.sha256}").write_bytes(content[: len(content) // 2])
    await AvatarSDK.initialize(server.app_id, Configuration(endpoint=server.url, cache_dir=tmp_path / "second"))
    told: list[LoadProgress] = []
    again = await AvatarManager.shared().load("default", told.append)
    assert again.asset_path.read_bytes() == content
    shares = [progress.progress for progress in told if progress.progress]
    assert min(shares) > 0.5


def test_the_record_command(
    server: Server, tmp_path: Path, speech: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("AVATARKIT_ENDPOINT", server.url)
    monkeypatch.setenv("AVATARKIT_APP_ID", server.app_id)
    token = server.token()
    monkeypatch.setenv("AVATARKIT_SESSION_TOKEN", token)
    with wave.open(str(tmp_path / "a.wav"), "wb") as wav:
        wav.setparams((1, 2, 16000, 0, "NONE", ""))
        wav.writeframes(speech[: PCM_BYTES // 2])
    recording = tmp_path / "a.avkt"

    assert run(["record", str(tmp_path / "a.wav"), "-o", str(recording), "--seed", "4", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["bytes"] == recording.stat().st_size
    assert token.encode() not in zlib.decompress(recording.read_bytes()[len(SIGNATURE) :])
    assert run(["replay", str(recording), "--events", "--json"]) == 0
    *events, facts = capsys.readouterr().out.strip().splitlines()
    replayed = json.loads(facts)
    assert replayed["frames"] == replayed["frames_with_the_same_pose"] > 2
    assert (replayed["heard"], replayed["seed"]) == ("0.50 s", 4)
    kinds = [line.split()[1] for line in events]
    assert kinds.count("PlaybackStarted") == kinds.count("PlaybackFinished") == 1
    assert not any("error=" in line for line in events)


def test_the_record_command_says_what_is_wrong(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "a.wav").write_bytes(b"no sound at all")
    options = ["--url", server.url, "--app", server.app_id, "--token", "no-token", "-o", str(tmp_path / "a.avkt")]
    assert run(["record", str(tmp_path / "a.wav"), *options]) == 1
    assert "invalidAudioInput" in capsys.readouterr().err
    with wave.open(str(tmp_path / "a.wav"), "wb") as wav:
        wav.setparams((1, 2, 11025, 0, "NONE", ""))
        wav.writeframes(bytes(2000))
    assert run(["record", str(tmp_path / "a.wav"), *options]) == 1
    assert "11025 Hz" in capsys.readouterr().err
    assert run(["record", str(CLIP), *options]) == 1
    errors = capsys.readouterr().err
    assert "sessionTokenInvalid" in errors
    assert "no-token" not in errors
