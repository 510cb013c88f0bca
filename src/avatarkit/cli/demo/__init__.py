"""`avatarkit demo`: the main job on real speech, with a talking face to show for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="Folder for demo.mp4, demo.png and demo.json.")] = Path("out"),
    audio: Annotated[Path | None, typer.Option(help="Speech to speak instead: mono 16-bit WAV.")] = None,
    avatar: Annotated[str, typer.Option(help="Avatar id in the demo server's library.")] = "default",
    size: Annotated[int, typer.Option(min=64, max=1920, help="Width and height of the video, even.")] = 512,
    serve: Annotated[bool, typer.Option("--serve", help="Keep the server afterwards and open its page.")] = False,
) -> None:
    """Run all five stages through real sockets and save a talking face.

    Examples:

        avatarkit demo

        avatarkit demo --audio me.wav --size 720 --out /tmp/face

        avatarkit demo --serve
    """
    # The client, the renderer and the progress bars load here, so that every other command stays quick.
    from avatarkit.cli.demo.show import show  # noqa: PLC0415

    show(out, audio=audio, avatar=avatar, size_px=size, keep_server=serve)
