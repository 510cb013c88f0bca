"""Heavy work on files from outside, in a process of its own: it can neither stall nor bring down the server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import Final

_ERROR_BYTES: Final = 2000


class ChildError(Exception):
    """The work was not done; the text is the child's last line, fit for people."""


class ChildTimeout(ChildError):  # noqa: N818 - as TimeoutError is named
    """The work took too long."""


def limit_memory(size: int) -> None:
    """Have this process, a child, fail with ``MemoryError`` when it takes more address space than ``size`` bytes.
    Call it before numpy loads."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each thread would reserve memory of its own
    with contextlib.suppress(ImportError, ValueError, OSError):  # no such thing here, or stricter limits already
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (size, size))


async def run_child(module: str, *arguments: str, timeout_s: float) -> None:
    """Run ``python -m module arguments`` and wait for it.

    Raises:
        ChildError: It failed.
        ChildTimeout: It took longer than ``timeout_s`` and was killed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout_s):
            _, said = await process.communicate()
    except TimeoutError:
        raise ChildTimeout(f"it took longer than {timeout_s:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()
    if process.returncode != 0:
        lines = said[-_ERROR_BYTES:].decode("utf-8", "replace").strip().splitlines()
        raise ChildError(lines[-1] if lines else f"it ended with status {process.returncode}")
