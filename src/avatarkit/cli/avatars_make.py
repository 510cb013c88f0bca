"""`avatarkit avatars build`, `random` and `sheet`: characters are made here, without a server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avatarkit.cli.options import Json
from avatarkit.cli.output import show_fields, show_json
from avatarkit.errors import ErrorCode, error

if TYPE_CHECKING:
    from avatarkit.studio.character import CharacterSpec

_Out = Annotated[Path | None, typer.Option("--out", "-o", help="The bundle to write (.glb).", dir_okay=False)]


def build(
    spec: Annotated[Path, typer.Argument(help="The character as TOML.", exists=True, dir_okay=False)],
    *,
    out: _Out = None,
    as_json: Json = False,
) -> None:
    """Build a character from its spec into a bundle. The same spec gives the same file.

    Examples:

        avatarkit avatars build me.toml -o me.glb

        avatarkit avatars add me.glb
    """
    from avatarkit.studio.character import CharacterSpec  # noqa: PLC0415 - quick start of other commands

    _make(CharacterSpec.from_toml(spec), out or spec.with_suffix(".glb"), as_json=as_json)


def random(
    *,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Another seed is another person.")] = 1,
    out: _Out = None,
    spec_out: Annotated[
        Path | None,
        typer.Option("--spec-out", help="Write the spec here too, to change and build it.", dir_okay=False),
    ] = None,
    spec_only: Annotated[bool, typer.Option("--spec-only", help="Print the spec and build nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Make up a person, print the spec, and build it. The same seed gives the same person.

    Examples:

        avatarkit avatars random --seed 7 -o x.glb --spec-out x.toml

        avatarkit avatars random --seed 7 --spec-only
    """
    from avatarkit.studio.character import random_spec  # noqa: PLC0415 - quick start of other commands

    spec = random_spec(seed)
    text = spec.to_toml()
    if spec_out is not None:
        spec_out.write_text(text, encoding="utf-8")
    if not as_json:
        typer.echo(text, nl=False)
    elif spec_only:
        show_json({"spec": text})
    if not spec_only:
        if not as_json:
            typer.echo()
        _make(spec, out or Path(f"random-{seed}.glb"), as_json=as_json, toml=text)


def sheet(
    avatar: Annotated[str, typer.Argument(help="A built-in character, or a bundle (.glb).", metavar="NAME|FILE")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The picture (PNG).", show_default="NAME-sheet.png")
    ] = None,
    tile: Annotated[int, typer.Option(min=64, max=1024, help="Pixels each way of one face.")] = 280,
    renderer: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
    as_json: Json = False,
) -> None:
    """Draw every shape of an avatar at full weight, shapes together, the visemes and the moods, each with its name.

    Examples:

        avatarkit avatars sheet default -o sheet.png

        avatarkit avatars sheet me.glb --tile 420
    """
    from avatarkit.avatars import read_bundle  # noqa: PLC0415 - quick start of other commands
    from avatarkit.render import encode_png, renderer_names  # noqa: PLC0415
    from avatarkit.studio.sheet import draw_sheet  # noqa: PLC0415

    if renderer not in renderer_names():
        raise error(ErrorCode.CONFIGURATION_INVALID, f"--renderer is one of: {', '.join(renderer_names())}.")
    path = _find(avatar)
    target = out or Path(f"{path.stem}-sheet.png")
    bundle = read_bundle(path)
    with progress(quiet=as_json) as tell:
        picture = draw_sheet(bundle, tile_px=tile, renderer=renderer, progress=tell)
    target.write_bytes(encode_png(picture))
    height, width = picture.shape[:2]
    facts = {"sheet": str(target), "width": width, "height": height}
    if as_json:
        show_json(facts)
        return
    show_fields({"sheet": str(target), "size": f"{width} x {height} pixels"})


def _make(spec: CharacterSpec, target: Path, *, as_json: bool, toml: str | None = None) -> None:
    from avatarkit.avatars import describe, write_bundle  # noqa: PLC0415 - quick start of other commands
    from avatarkit.studio.character import build as build_character  # noqa: PLC0415

    if not target.parent.is_dir():
        raise error(ErrorCode.CONFIGURATION_INVALID, f"There is no folder '{target.parent}'.")
    began_s = time.perf_counter()
    with progress(quiet=as_json) as tell:
        bundle = build_character(spec, tell)
    size = write_bundle(bundle, target)
    took_s = time.perf_counter() - began_s
    triangles = describe(bundle).triangles
    if as_json:
        facts = {"bundle": str(target), "name": spec.name, "bytes": size, "triangles": triangles}
        show_json(facts | {"took_s": round(took_s, 2)} | ({} if toml is None else {"spec": toml}))
        return
    show_fields(
        {
            "bundle": str(target),
            "name": spec.name,
            "size": f"{size / 1e6:.2f} MB, {triangles} triangles",
            "made": f"in {took_s:.1f} s",
        }
    )


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[float, str], None]]:
    """A bar on the standard error; what it yields takes the share done, 0..1, and what is being done."""
    from rich.console import Console  # noqa: PLC0415 - loads when it is needed
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description:<18}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bars:
        bar = bars.add_task("starting", total=1.0)
        yield lambda share, what: bars.update(bar, completed=share, description=what)


def _find(avatar: str) -> Path:
    """A file of that name, or the file of a built-in character."""
    from avatarkit.avatars import builtin  # noqa: PLC0415

    path = Path(avatar)
    if path.is_file():
        return path
    if avatar == "default":
        return builtin.default_path()
    names = {file.stem: file for file in sorted(builtin.folder().glob("*.glb"))}
    if avatar not in names:
        raise error(
            ErrorCode.AVATAR_ASSET_MISSING,
            f"There is neither a file nor a built-in character '{avatar}'.",
            retryable=False,
            hint=f"Built in are: {', '.join(names) or 'none yet'}.",
        )
    return names[avatar]
