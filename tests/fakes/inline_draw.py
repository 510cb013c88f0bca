"""A draw thread without a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class InlineDraw:
    """Works at once, so that virtual time holds for drawing too. Stands for ``_draw_thread.DrawThread``."""

    async def run(self, work: Callable[..., Any], *args: Any) -> Any:
        await asyncio.sleep(0)
        return work(*args)

    def post(self, work: Callable[..., Any], *args: Any) -> None:
        work(*args)

    def stop(self) -> None:
        pass
