"""Making an avatar of a picture that came from outside.

``python -m avatarkit.server.library.photo PICTURE BUNDLE NAME MEMORY`` makes one, in so many bytes of memory; the
server runs that as a child.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.server.library.child import ChildError, ChildTimeout, limit_memory, run_child
from avatarkit.server.library.job_failure import JobFailure

_log: Final = logging.getLogger(__name__)

TIMEOUT_S: Final = 300.0
"""Longest that making one avatar may take: on a busy machine sessions come first."""
_MEMORY_BYTES: Final = 4 * 2**30
"""Address space of the child; a picture of 20 megapixels takes 1.5 GiB on two cores, more cores some more."""
_NICENESS: Final = 10
_MOST_NAME: Final = 60
_INVALID: Final = frozenset(("unreadable", "too_small", "too_large"))
"""Details of a picture that is none, or outside the limits; all others are about what it shows."""
_CODES: Final = frozenset(
    ("invalid_image", "image_quality_rejected", "preprocess_failed", "avatar_generation_failed")
)
_NEEDED: Final = {"mediapipe": "mediapipe", "anny": "anny", "scipy": "scipy", "numba": "numba", "PIL": "pillow"}
"""Modules that making an avatar of a picture needs besides the server's own, and the packages that hold them."""

Progress = Callable[[int, str], None]
"""Called with the share that is done, in percent, and with what is being done."""


def missing_packages() -> tuple[str, ...]:
    """Packages that are not installed and without which no avatar can be made of a picture. Loads none."""
    return tuple(package for module, package in _NEEDED.items() if importlib.util.find_spec(module) is None)


async def make_apart(
    picture: Path,
    bundle: Path,
    name: str,
    tell: Progress | None = None,
    *,
    memory_bytes: int = _MEMORY_BYTES,
    timeout_s: float = TIMEOUT_S,
) -> None:
    """Make ``bundle`` of ``picture`` in a child that may take so much memory (address space) and time. Its caller
    knows that the person shown agrees.

    Args:
        picture: A file.
        bundle: Where it goes.
        name: What the avatar is called.
        tell: Told how far it is.
        memory_bytes: See above.
        timeout_s: See above.

    Raises:
        JobFailure: It cannot be made, with the reason; ``avatar_generation_failed`` when that took too much time.
    """

    def on_line(line: str) -> None:
        percent, _, stage = line.partition(" ")
        if tell is not None and percent.isdecimal():
            tell(min(int(percent), 100), stage)

    arguments = (str(picture), str(bundle), name, str(memory_bytes))
    try:
        await run_child(__name__, *arguments, timeout_s=timeout_s, on_line=on_line)
    except ChildTimeout as exc:
        reason = f"The avatar was not made within {timeout_s:g} s."
        raise JobFailure("avatar_generation_failed", reason, is_retryable=True) from exc
    except ChildError as exc:
        code, _, message = str(exc).partition(": ")
        if code not in _CODES:  # it was killed, or a library of its brought it down
            _log.error("making an avatar of a picture broke down: %s", str(exc)[:500])
            raise JobFailure("avatar_generation_failed", "The avatar could not be made of this picture.") from exc
        raise JobFailure(code, message) from exc


def main(arguments: list[str]) -> int:
    """Make the bundle ``arguments[1]`` of the picture ``arguments[0]`` with the name ``arguments[2]``, in
    ``arguments[3]`` bytes of memory. Each stage is a line of the standard output: percent and what is being done.
    1 with ``code: message`` as the last line of the standard error when it cannot be done."""
    with contextlib.suppress(AttributeError, OSError):  # Windows has no such thing
        os.nice(_NICENESS)
    try:
        limit_memory(int(arguments[3]), with_scipy=True)
        from avatarkit.avatars import write_bundle  # noqa: PLC0415 - only the child makes avatars
        from avatarkit.studio.photo import create  # noqa: PLC0415

        name = " ".join(arguments[2].split())[:_MOST_NAME].strip() or "Avatar"
        when = datetime.now(UTC).isoformat(timespec="seconds")
        made = create(Path(arguments[0]), name, consent=True, when=when, progress=_print_stage)
        write_bundle(made, Path(arguments[1]))
    except AvatarError as exc:
        return _refuse(_code(exc), _told(exc))
    except ImportError as exc:
        return _refuse("preprocess_failed", f"This server cannot make avatars of pictures: {exc.name} is missing.")
    except MemoryError:
        return _refuse("avatar_generation_failed", "The picture takes more memory than an avatar may.")
    return 0


def _print_stage(share: float, what: str) -> None:
    sys.stdout.write(f"{round(share * 100)} {what}\n")
    sys.stdout.flush()


def _refuse(code: str, message: str) -> int:
    sys.stderr.write(f"\n{code}: {' '.join(message.split())}\n")
    return 1


def _code(exc: AvatarError) -> str:
    if exc.code is not ErrorCode.IMAGE_QUALITY_REJECTED:
        return "preprocess_failed"
    return "invalid_image" if _detail(exc) in _INVALID else "image_quality_rejected"


def _detail(exc: AvatarError) -> str:
    return exc.message.rpartition("[")[2].removesuffix("]")


def _told(exc: AvatarError) -> str:
    """What was wrong, what to do, and the stable detail at the end."""
    if exc.code is not ErrorCode.IMAGE_QUALITY_REJECTED:
        return f"{exc.message} {exc.hint}".strip()
    return f"{exc.message.rpartition('[')[0].strip()} {exc.hint} [{_detail(exc)}]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
