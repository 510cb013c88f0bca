"""`avatarkit avatars create`: an avatar from one photograph, made here, offline."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from avatarkit.cli.avatars_make import progress
from avatarkit.cli.options import Json
from avatarkit.cli.output import show_fields, show_json
from avatarkit.errors import ErrorCode, error


def create(
    photo: Annotated[Path, typer.Argument(help="A portrait: JPEG, PNG or WebP.", exists=True, dir_okay=False)],
    *,
    name: Annotated[str, typer.Option(help="What the avatar is called.")] = "Me",
    i_have_consent: Annotated[
        bool, typer.Option("--i-have-consent", help="State that the person shown agrees to become an avatar.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The bundle to write (.glb).", dir_okay=False)
    ] = None,
    preview: Annotated[
        Path | None, typer.Option(help="Draw a sheet of it here (PNG): look before you use it.", dir_okay=False)
    ] = None,
    cover: Annotated[Path | None, typer.Option(help="Draw its picture here (PNG).", dir_okay=False)] = None,
    background: Annotated[
        Path | None,
        typer.Option(help="Write the photo without the person here (PNG), for --background.", dir_okay=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a talking avatar from one photo of a face, seen from the front in even light. Nothing leaves the machine.

    Examples:

        avatarkit avatars create me.jpg --name Me --i-have-consent -o me.glb --preview sheet.png

        avatarkit render speech.wav --avatar me.glb -o talk.mp4
    """
    from avatarkit.avatars import describe, write_bundle  # noqa: PLC0415 - quick start of other commands
    from avatarkit.render import encode_png  # noqa: PLC0415
    from avatarkit.studio.photo import create as create_avatar  # noqa: PLC0415
    from avatarkit.studio.photo.preview import draw_cover, draw_preview  # noqa: PLC0415

    target = out or photo.with_suffix(".glb")
    for path in (target, preview, cover, background):
        if path is not None and not path.parent.is_dir():
            raise error(ErrorCode.CONFIGURATION_INVALID, f"There is no folder '{path.parent}'.")
    began_s = time.perf_counter()
    when = datetime.now(UTC).isoformat(timespec="seconds")
    with progress(quiet=as_json) as tell:
        bundle = create_avatar(photo, name, consent=i_have_consent, when=when, progress=tell, background=background)
    size = write_bundle(bundle, target)
    took_s = time.perf_counter() - began_s
    if preview is not None:
        preview.write_bytes(encode_png(draw_preview(bundle)))
    if cover is not None:
        cover.write_bytes(encode_png(draw_cover(bundle)))
    if as_json:
        facts = {"bundle": str(target), "name": name, "bytes": size, "triangles": describe(bundle).triangles}
        show_json(facts | {"took_s": round(took_s, 2)})
        return
    shown = {"bundle": str(target), "name": name, "size": f"{size / 1e6:.2f} MB", "made": f"in {took_s:.1f} s"}
    shown |= {} if preview is None else {"preview": str(preview)}
    shown |= {} if cover is None else {"cover": str(cover)}
    show_fields(shown | ({} if background is None else {"background": str(background)}))
