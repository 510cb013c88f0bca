"""Reading a bundle that came from outside.

``python -m avatarkit.server.library.check BUNDLE ADOPTED RESULT`` reads one, within limits of memory and time; the
server runs that as a child. A file of a few kilobytes can unfold to gigabytes: the child ends then, not the server.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from avatarkit.errors import AvatarError, ErrorCode, error
from avatarkit.server.library.child import ChildError, limit_memory, run_child
from avatarkit.types import Camera

_TIMEOUT_S: Final = 60.0
_MEMORY_BYTES: Final = 2 * 2**30
"""Address space of the child, of which Python and numpy take a quarter."""
_TOLD: Final = ("name", "license", "author", "minimum_sdk", "camera")


async def check_apart(
    bundle: Path, adopted: Path, *, memory_bytes: int = _MEMORY_BYTES, timeout_s: float = _TIMEOUT_S
) -> tuple[dict[str, Any], Path]:
    """:func:`check_here` in a child that may take so much memory (address space) and time.

    Raises:
        AvatarError: The bundle is refused, with the reason, or takes more memory or time than a bundle may.
        OSError: The file cannot be read.
    """
    result = adopted.with_suffix(".json")
    await asyncio.to_thread(lambda: bundle.open("rb").close())
    try:
        await run_child(__name__, str(bundle), str(adopted), str(result), str(memory_bytes), timeout_s=timeout_s)
        said = json.loads(await asyncio.to_thread(result.read_bytes))
    except (ChildError, OSError, ValueError) as exc:
        raise error(
            ErrorCode.UNSUPPORTED_AVATAR_ASSET,
            "The avatar bundle takes more memory or time to read than a bundle may.",
        ) from exc
    if "refused" in said:
        raise error(ErrorCode(said["refused"]), said["message"], hint=said["hint"])
    camera = said["camera"]
    said["camera"] = Camera(tuple(camera["position"]), tuple(camera["target"]), camera["vertical_fov_deg"])
    return said, adopted if said.pop("is_adopted") else bundle


def check_here(bundle: Path, adopted: Path) -> tuple[dict[str, Any], Path]:
    """What a bundle says about itself, and the file to keep: of somebody else's file the one made from it.

    Raises:
        AvatarError: The bundle is refused, with the reason.
    """
    from avatarkit.avatars import adopt_file, write_bundle  # noqa: PLC0415 - only needed when an avatar is added

    found = adopt_file(bundle)
    if not found.ours:
        write_bundle(found.bundle, adopted)
    info = found.bundle.info
    return {name: getattr(info, name) for name in _TOLD}, bundle if found.ours else adopted


def main(arguments: list[str]) -> int:
    """Check ``arguments[0]`` in ``arguments[3]`` bytes of memory; write what is made of it to ``arguments[1]`` and
    what is found to ``arguments[2]``."""
    bundle, adopted, result = map(Path, arguments[:3])
    try:
        limit_memory(int(arguments[3]))
        found, kept = check_here(bundle, adopted)
        said = found | {"camera": asdict(found["camera"]), "is_adopted": kept != bundle}
    except AvatarError as exc:
        said = {"refused": exc.code.value, "message": exc.message, "hint": exc.hint}
    except MemoryError:
        return 1
    result.write_text(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
