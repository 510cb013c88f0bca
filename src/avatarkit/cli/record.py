"""`avatarkit record`: a session against a running server, written to a recording."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avatarkit.cli.options import Json
from avatarkit.cli.output import show_fields, show_json
from avatarkit.errors import ErrorCode, error
from avatarkit.types import SAMPLE_RATES_HZ

if TYPE_CHECKING:
    from avatarkit.types import SessionReport

_TOO_LONG_S = 60.0
"""Seconds beyond the audio after which a session that does not finish is given up."""


def record(
    audio: Annotated[Path, typer.Argument(help="Speech to speak: mono 16-bit WAV.", exists=True, dir_okay=False)],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The recording.")] = Path("session.avkt"),
    url: Annotated[str | None, typer.Option("--url", envvar="AVATARKIT_ENDPOINT", help="The server.")] = None,
    app_id: Annotated[str, typer.Option("--app", envvar="AVATARKIT_APP_ID", help="App ID.")],
    token: Annotated[
        str, typer.Option("--token", envvar="AVATARKIT_SESSION_TOKEN", help="Session token; best in the environment.")
    ],
    avatar: Annotated[str, typer.Option(help="Avatar id.")] = "default",
    seed: Annotated[int | None, typer.Option(min=0, help="Of idle motion.", show_default="random")] = None,
    as_json: Json = False,
) -> None:
    """Let an avatar speak, and record audio, motion, events and frames of the session.

    Examples:

        AVATARKIT_SESSION_TOKEN=... avatarkit record hello.wav --app app_0123456789abcdef --url http://127.0.0.1:8700

        avatarkit replay session.avkt -o session.mp4
    """
    pcm, rate = _read_wav(audio)
    report = asyncio.run(_session(pcm, rate, out, url=url, app_id=app_id, token=token, avatar_id=avatar, seed=seed))
    size = out.stat().st_size
    if as_json:
        show_json({"recording": str(out), "bytes": size, "av_offset_ms_p95": report.av_offset_ms_p95})
        return
    seconds = len(pcm) / 2 / rate
    show_fields({"recording": str(out), "size": f"{size / 1000:.0f} kB for {seconds:.1f} s of speech"})


async def _session(
    pcm: bytes,
    rate: int,
    out: Path,
    *,
    url: str | None,
    app_id: str,
    token: str,
    avatar_id: str,
    seed: int | None,
) -> SessionReport:
    from avatarkit import AudioFormat, AvatarManager, AvatarSDK, AvatarView, Configuration  # noqa: PLC0415
    from avatarkit.render import OffscreenSurface  # noqa: PLC0415 - quick start of other commands

    await AvatarSDK.initialize(app_id, Configuration(endpoint=url, audio_format=AudioFormat(sample_rate=rate)))
    try:
        avatar = await AvatarManager.shared().load(avatar_id)
        AvatarSDK.set_session_token(token)
        view = AvatarView(avatar, OffscreenSurface((128, 128)), speaker="silent", seed=seed)
        async with view:
            controller = view.controller
            with controller.record(out) as recorder:
                finished = asyncio.Event()
                controller.on_playback_finished = lambda event: finished.set()
                await controller.start()
                controller.send(pcm, end=True)
                try:
                    await asyncio.wait_for(finished.wait(), len(pcm) / 2 / rate + _TOO_LONG_S)
                except TimeoutError:
                    raise error(ErrorCode.PLAYBACK_START_FAILED, "The speech did not come to its end.") from None
                await asyncio.sleep(1.0)  # the face comes to rest
                await controller.close()
            if recorder.failure is not None:
                raise error(ErrorCode.CONFIGURATION_INVALID, f"The recording is not complete: {recorder.failure}.")
            return controller.report()
    finally:
        await AvatarSDK.cleanup()


def _read_wav(path: Path) -> tuple[bytes, int]:
    try:
        with wave.open(str(path), "rb") as wav:
            if (wav.getnchannels(), wav.getsampwidth()) != (1, 2):
                raise error(ErrorCode.INVALID_AUDIO_INPUT, f"'{path}' is not mono with 16 bits a sample.")
            rate = wav.getframerate()
            if rate not in SAMPLE_RATES_HZ:
                known = ", ".join(map(str, SAMPLE_RATES_HZ))
                raise error(ErrorCode.INVALID_AUDIO_INPUT, f"'{path}' is of {rate} Hz; sessions take {known}.")
            return wav.readframes(wav.getnframes()), rate
    except (wave.Error, EOFError) as exc:
        raise error(ErrorCode.INVALID_AUDIO_INPUT, f"'{path}' is no WAV file: {exc}.") from exc
