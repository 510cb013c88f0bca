"""Heavy work on files from outside, in a process of its own: it can neither stall nor bring down the server.

``python -m avatarkit.server.library.child MODULE ARGUMENTS`` runs a module as the server's child: it ends when the
server does, even when that was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import runpy
import sys
import threading
from collections.abc import Callable
from typing import Final

_ERROR_BYTES: Final = 2000
_LINE_BYTES: Final = 200
_READ_BYTES: Final = 4096
_LEAST_BYTES: Final = 400 * 2**20
"""Less than this cannot hold Python and the numeric libraries."""


class ChildError(Exception):
    """The work was not done; the text is the child's last line, fit for people."""


class ChildTimeout(ChildError):  # noqa: N818 - as TimeoutError is named
    """The work took too long."""


def limit_memory(size: int, *, with_scipy: bool = False) -> None:
    """Have this process, a child, fail with ``MemoryError`` when it takes more address space than ``size`` bytes.
    Call it before numpy loads.

    Args:
        size: Bytes.
        with_scipy: The work solves equations with scipy, too.

    Raises:
        MemoryError: So little is not enough for anything.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each thread would reserve memory of its own
    with contextlib.suppress(ImportError, ValueError, OSError):  # no such thing here, or stricter limits already
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    if size < _LEAST_BYTES:
        raise MemoryError
    _take_workspaces(with_scipy)


def _take_workspaces(with_scipy: bool) -> None:
    """OpenBLAS takes a buffer at its first use, keeps it, and asks again for ever when it gets none: let it have its
    buffers while there is memory. numpy and scipy each bring an OpenBLAS of their own."""
    import numpy as np  # noqa: PLC0415 - only children compute

    square = np.eye(256)
    square @ square
    if with_scipy:
        from scipy.linalg import qr  # noqa: PLC0415

        qr(square, mode="economic", pivoting=True)


async def run_child(
    module: str, *arguments: str, timeout_s: float, on_line: Callable[[str], None] | None = None
) -> None:
    """Run ``python -m module arguments`` and wait for it. The child ends when this process does, however that ends,
    and when the call is cancelled.

    Args:
        module: With a ``__main__`` part.
        arguments: For it.
        timeout_s: Longest that it may take.
        on_line: Gets each line of its standard output, at most :data:`_LINE_BYTES` of it.

    Raises:
        ChildError: It failed.
        ChildTimeout: It took longer than ``timeout_s`` and was killed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,  # never written to; its end tells the child that we are gone
        stdout=asyncio.subprocess.DEVNULL if on_line is None else asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout_s):
            said, _ = await asyncio.gather(_last_of(process.stderr), _pass_on(process.stdout, on_line))
            await process.wait()
    except TimeoutError:
        raise ChildTimeout(f"it took longer than {timeout_s:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if process.stdin is not None:
            process.stdin.close()
    if process.returncode != 0:
        lines = said.decode("utf-8", "replace").strip().splitlines()
        raise ChildError(lines[-1] if lines else f"it ended with status {process.returncode}")


async def _last_of(stream: asyncio.StreamReader | None) -> bytes:
    kept = b""
    while stream is not None and (piece := await stream.read(_READ_BYTES)):
        kept = (kept + piece)[-_ERROR_BYTES:]
    return kept


async def _pass_on(stream: asyncio.StreamReader | None, on_line: Callable[[str], None] | None) -> None:
    kept = b""
    while stream is not None and on_line is not None and (piece := await stream.read(_READ_BYTES)):
        *lines, kept = (kept + piece).split(b"\n")
        kept = kept[:_LINE_BYTES]
        for line in lines:
            on_line(line[:_LINE_BYTES].decode("utf-8", "replace"))


def _end_with_parent() -> None:
    """End this process when its standard input does: the server holds the other end, and nobody else."""

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(sys.stdin.fileno(), _READ_BYTES):
                pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main(arguments: list[str]) -> None:
    """Run the module ``arguments[0]`` with the arguments that follow."""
    _end_with_parent()
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
