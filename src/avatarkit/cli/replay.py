"""`avatarkit replay`: what a recording showed, as a check and as a video."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avatarkit.cli.options import Json
from avatarkit.cli.output import show_fields, show_json
from avatarkit.errors import ErrorCode, error

if TYPE_CHECKING:
    from avatarkit.recording.replay import About, HeardSound, ShownFrame


def replay(
    recording: Annotated[Path, typer.Argument(help="What record wrote.", exists=True, dir_okay=False)],
    *,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Video to write (MP4).")] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            help="The avatar's bundle (GLB), for the video.", show_default="the default character, if it is that"
        ),
    ] = None,
    size: Annotated[int, typer.Option(min=64, max=1920, help="Width and height of the video, even.")] = 512,
    events: Annotated[bool, typer.Option("--events", help="List what the app was told, with times.")] = False,
    as_json: Json = False,
) -> None:
    """Play a recording again: check that every frame has the same pose, bit for bit, and write it as a video.

    The exit status is 1 when a pose differs, as it may after a change of the software.

    Examples:

        avatarkit replay session.avkt

        avatarkit replay session.avkt --events -o session.mp4
    """
    from avatarkit.recording.replay import HeardSound, Replay, ShownFrame, ToldEvent  # noqa: PLC0415

    tape = Replay(recording)
    video = None if out is None else _Video(out, tape.about, bundle, size)
    frames = same = 0
    heard_s = 0.0
    try:
        for item in tape:
            if isinstance(item, ShownFrame):
                frames, same = frames + 1, same + item.is_same
                if video is not None:
                    video.show(item)
            elif isinstance(item, HeardSound):
                heard_s += len(item.samples) / item.sample_rate
                if video is not None:
                    video.let_hear(item)
            elif isinstance(item, ToldEvent) and events:
                details = " ".join(f"{key}={value}" for key, value in item.event.items() if key != "event")
                typer.echo(f"{item.at_s - tape.about.start_s:9.3f}  {item.event.get('event', '')} {details}".rstrip())
    finally:
        if video is not None:
            video.close()
    facts = {
        "avatar": tape.about.avatar_id,
        "seed": tape.about.seed,
        "recorded by": tape.about.software,
        "frames": frames,
        "frames with the same pose": same,
        "heard": f"{heard_s:.2f} s",
    }
    if as_json:
        show_json({key.replace(" ", "_"): value for key, value in facts.items()})
    else:
        show_fields({key: str(value) for key, value in facts.items()})
    if same != frames:
        raise typer.Exit(1)


class _Video:
    """Draws a replay into a video file; time begins with the first frame of the recording."""

    def __init__(self, out: Path, about: About, bundle: Path | None, size: int) -> None:
        from avatarkit.avatars import read_bundle  # noqa: PLC0415 - only for a video
        from avatarkit.render import VideoSurface, open_renderer  # noqa: PLC0415

        path = _find_bundle(about, bundle)
        loaded = read_bundle(path)
        self._camera = loaded.info.camera
        self._surface_start_s = about.start_s
        self._first_s: float | None = None
        self._waiting: list[HeardSound] = []
        self._renderer = open_renderer("cpu")
        self._renderer.load(loaded)
        self._surface = VideoSurface(out, (size, size), about.frame_rate)

    def show(self, frame: ShownFrame) -> None:
        if self._first_s is None:
            self._first_s = frame.time_s
        image = self._renderer.draw(frame.pose, self._camera, self._surface.size)
        self._surface.present(image, frame.time_s - self._first_s)
        waiting, self._waiting = self._waiting, []
        for sound in waiting:
            self.let_hear(sound)

    def let_hear(self, sound: HeardSound) -> None:
        if self._first_s is None:
            self._waiting.append(sound)
            return
        time_s = sound.at_s - self._surface_start_s - self._first_s
        if time_s >= 0.0:
            self._surface.present_audio(sound.samples, sound.sample_rate, time_s)

    def close(self) -> None:
        self._surface.close()
        self._renderer.close()


def _find_bundle(about: About, given: Path | None) -> Path:
    """The bundle with the recorded hash."""
    if given is None:
        from avatarkit.avatars import builtin  # noqa: PLC0415

        given = builtin.default_path()
    found = hashlib.sha256(given.read_bytes()).hexdigest()
    if found != about.avatar_sha256:
        raise error(
            ErrorCode.AVATAR_ASSET_MISSING,
            f"The recording shows '{about.avatar_id}' with the hash {about.avatar_sha256[:12]}..., not '{given}'.",
            hint="Give the bundle that was shown with --bundle.",
        )
    return given
