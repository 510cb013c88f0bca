"""What `avatarkit demo` does: the main job on real speech, with a talking face to show for it."""

from __future__ import annotations

import asyncio
import tempfile
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from avatarkit.cli.demo.server_process import ServerProcess, start_server
from avatarkit.cli.demo.stages import Clip, Stage, read_clip, walk
from avatarkit.types import LoadProgress

_HERE = Path(__file__).resolve()
_CLIPS = (_HERE.parent / "hello.wav", _HERE.parents[4] / "assets" / "hello.wav")
"""The bundled speech: inside a wheel, and in a checkout."""


def show(out: Path, *, audio: Path | None, avatar: str, size_px: int, keep_server: bool) -> None:
    """Walk through all five stages and write what they show to ``out``; see ``avatarkit demo --help``."""
    out.mkdir(parents=True, exist_ok=True)
    asyncio.run(_demo(_Options(out, read_clip(audio or _bundled_clip()), avatar, size_px, keep_server)))


@dataclass(frozen=True, slots=True)
class _Options:
    out: Path
    clip: Clip
    avatar: str
    size_px: int
    keep_server: bool


def _bundled_clip() -> Path:
    return next((path for path in _CLIPS if path.exists()), _CLIPS[0])


async def _demo(options: _Options) -> None:
    console = Console()
    with tempfile.TemporaryDirectory(prefix="avatarkit-demo-") as folder:
        server = await start_server(Path(folder), port=8700 if options.keep_server else 0)
        try:
            console.print(f"server ready at {server.url}")
            await _walk_and_report(console, server, options, cache_dir=Path(folder) / "cache")
            if options.keep_server:
                await _keep(console, server)
        finally:
            await server.stop()


async def _walk_and_report(console: Console, server: ServerProcess, options: _Options, *, cache_dir: Path) -> None:
    # Heavy libraries (numba, FFmpeg) load here, so that `avatarkit demo --help` stays quick.
    from avatarkit.cli.demo.results import read_video, write_results  # noqa: PLC0415
    from avatarkit.render import VideoSurface  # noqa: PLC0415

    video = options.out / "demo.mp4"
    surface = VideoSurface(video, size=(options.size_px, options.size_px))
    columns = (TextColumn("  {task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("downloading the avatar", total=1.0)

        def progressed(step: LoadProgress) -> None:
            if step.progress is not None:
                bars.update(bar, completed=step.progress)

        def finished(stage: Stage) -> None:
            if stage.name == "load":
                bars.stop()
            console.print(f"  {stage.name:<22}{stage.ms:9.1f} ms", highlight=False)

        run = await walk(
            server,
            options.clip,
            surface,
            avatar_id=options.avatar,
            cache_dir=cache_dir,
            on_stage=finished,
            on_progress=progressed,
        )
    surface.close()
    summary = write_results(options.out, run, read_video(video))
    console.print(
        f"first motion after {summary['first_motion_ms']} ms, {summary['motion_frames']} motion frames at "
        f"{summary['motion_bytes_per_second']} bytes/s, AV offset p95 {summary['av_offset_ms_p95']} ms",
        highlight=False,
    )
    for name in ("demo.mp4", "demo.png", "demo.json"):
        console.print(f"wrote {options.out / name}", highlight=False)


async def _keep(console: Console, server: ServerProcess) -> None:
    console.print(f"the server stays at {server.url} (App ID {server.app_id}); press Ctrl-C to end", highlight=False)
    webbrowser.open(server.url)
    await server.process.wait()
