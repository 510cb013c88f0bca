"""`avatarkit render`: speech to video, offline."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avatarkit.cli.options import Json
from avatarkit.cli.output import show_fields, show_json
from avatarkit.errors import ErrorCode, error

if TYPE_CHECKING:
    from avatarkit.motion.style import Style
    from avatarkit.offline.performance import Heard, Shown
    from avatarkit.render import Renderer


class FrameRate(StrEnum):
    """Pictures a second."""

    FPS_25 = "25"
    FPS_30 = "30"
    FPS_50 = "50"
    FPS_60 = "60"


def render(
    speech: Annotated[Path, typer.Argument(help="WAV, FLAC, MP3 or Ogg.", exists=True, dir_okay=False)],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="MP4 or WebM file.", show_default="SPEECH.mp4")
    ] = None,
    avatar: Annotated[str, typer.Option(help="A built-in character, or a bundle (GLB).")] = "default",
    size: Annotated[str, typer.Option(help="Pixels, even: WIDTHxHEIGHT, or one number.")] = "512x512",
    fps: Annotated[FrameRate, typer.Option(help="Pictures a second.")] = FrameRate.FPS_25,
    background: Annotated[
        str | None,
        typer.Option(
            help="A colour such as '#1e90ff', or a PNG, JPEG or WebP file.", show_default="the avatar's own"
        ),
    ] = None,
    alpha: Annotated[bool, typer.Option("--alpha", help="A transparent background; WebM only.")] = False,
    style: Annotated[
        str, typer.Option(help="neutral, happy, sad, angry, surprised or calm; happy:0.6 is a milder one.")
    ] = "",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of idle motion and gestures.")] = 0,
    before: Annotated[float, typer.Option(min=0.0, max=60.0, help="Seconds of idling before the speech.")] = 0.4,
    after: Annotated[float, typer.Option(min=0.0, max=60.0, help="Seconds of idling after it.")] = 0.8,
    renderer: Annotated[str, typer.Option(help="auto, cpu or gpu; auto takes a GPU where there is one.")] = "auto",
    as_json: Json = False,
) -> None:
    """Let an avatar speak a sound file, and write the video. Needs no server.

    The same file, avatar, options and seed give the same video. Its pictures are those that a live view would show.

    Examples:

        avatarkit render speech.wav -o talk.mp4

        avatarkit render speech.mp3 -o talk.mp4 --size 1080x1080 --fps 50 --style happy --background '#203040'

        avatarkit render speech.wav -o talk.webm --alpha
    """
    from avatarkit.avatars import read_bundle  # noqa: PLC0415 - quick start of other commands
    from avatarkit.motion import open_engine  # noqa: PLC0415
    from avatarkit.offline.film import shoot  # noqa: PLC0415
    from avatarkit.offline.performance import frame_count, perform  # noqa: PLC0415
    from avatarkit.offline.speech import read_speech  # noqa: PLC0415
    from avatarkit.render import VideoSurface, renderer_names  # noqa: PLC0415

    if alpha and background is not None:
        raise error(ErrorCode.CONFIGURATION_INVALID, "--alpha and --background exclude each other.")
    if renderer not in renderer_names():
        raise error(ErrorCode.CONFIGURATION_INVALID, f"--renderer is one of: {', '.join(renderer_names())}.")
    target = out or speech.with_suffix(".webm" if alpha else ".mp4")
    manner = _style(style)
    clip = read_speech(speech)
    bundle = read_bundle(_bundle(avatar))
    rate = float(fps.value)
    ground = "transparent" if alpha else background
    surface = VideoSurface(
        target,
        _size(size),
        rate,
        bundle.info.background if ground is None else ground,
        bundle.info.provenance,
    )

    def performance() -> Iterator[Shown | Heard]:
        engine = open_engine()  # with the first picture, while renderers load
        yield from perform(clip, engine, frame_rate=rate, seed=seed, style=manner, before_s=before, after_s=after)

    began_s = time.perf_counter()
    try:
        with _progress(frame_count(clip, rate, before, after), quiet=as_json) as on_frame:
            frames = shoot(
                performance(), bundle, surface, open_renderers=lambda: _renderers(renderer), on_frame=on_frame
            )
            surface.close()
    except BaseException:
        surface.abandon()
        raise
    took_s = time.perf_counter() - began_s
    facts = {
        "video": str(target),
        "bytes": target.stat().st_size,
        "frames": frames,
        "seconds": round(frames / rate, 3),
        "took_s": round(took_s, 2),
        "times_real_time": round(frames / rate / took_s, 2),
    }
    if as_json:
        show_json(facts)
        return
    show_fields(
        {
            "video": str(target),
            "size": f"{facts['bytes'] / 1000:.0f} kB for {frames / rate:.1f} s",  # type: ignore[operator]
            "made": f"{frames} pictures in {took_s:.1f} s, {facts['times_real_time']} times real time",
        }
    )


def _renderers(name: str) -> list[Renderer]:
    """One renderer for each processor, at most four, or the one that draws on the GPU."""
    from avatarkit.render import best_renderer, open_renderer  # noqa: PLC0415

    chosen = best_renderer() if name == "auto" else name
    if chosen != "cpu":
        return [open_renderer(chosen)]
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return [open_renderer("cpu", threads=1) for _ in range(max(1, min(4, processors)))]


def _style(text: str) -> Style | None:
    from avatarkit.server.ingress.manner import STYLE_PARAM, style_of  # noqa: PLC0415

    try:
        return style_of({STYLE_PARAM: text})
    except ValueError:
        from avatarkit.motion.style import Emotion  # noqa: PLC0415

        raise error(
            ErrorCode.CONFIGURATION_INVALID,
            f"--style is one of {', '.join(Emotion)}, with :0..1 behind it if need be, not '{text}'.",
        ) from None


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})(?:[x×](\d{1,5}))?", text.strip().lower())
    if match is None:
        raise error(ErrorCode.CONFIGURATION_INVALID, f"--size is WIDTHxHEIGHT, such as 1080x1080, not '{text}'.")
    return int(match[1]), int(match[2] or match[1])


def _bundle(avatar: str) -> Path:
    """The file of a built-in character, or the file itself."""
    from avatarkit.avatars import builtin  # noqa: PLC0415

    path = Path(avatar)
    if path.suffix.lower() == ".glb":
        if not path.is_file():
            raise error(ErrorCode.AVATAR_ASSET_MISSING, f"There is no file '{avatar}'.", retryable=False, hint="")
        return path
    if avatar == "default":
        return builtin.default_path()
    found = {file.stem: file for file in sorted(builtin.folder().glob("*.glb"))}
    if avatar not in found:
        raise error(
            ErrorCode.AVATAR_ASSET_MISSING, f"There is no built-in character '{avatar}'.", retryable=False,
            hint=f"Built in are: {', '.join(found) or 'none yet'}; or give a .glb file.",
        )  # fmt: skip
    return found[avatar]


@contextmanager
def _progress(frames: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    if quiet:
        yield lambda done: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("drawing", total=frames)
        yield lambda done: bars.update(bar, completed=done)
