"""Statistics of drawing over the last two seconds."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from avatarkit.types import FrameRateInfo

WINDOW_S: Final = 2.0
_JANK_S: Final = 0.05
_TELL_S: Final = 0.1
_MAX_FRAMES: Final = 1000


class FrameRateMonitor:
    """Remembers when frames were shown and what they cost. Costs nothing while it is not fed."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, float]] = deque(maxlen=_MAX_FRAMES)
        self._told_s = float("-inf")

    def clear(self) -> None:
        """Forget everything."""
        self._frames.clear()
        self._told_s = float("-inf")

    def drawn(self, now_s: float, render_s: float) -> FrameRateInfo | None:
        """A frame was shown; the statistics when it is time to tell them, at most ten times a second."""
        self._frames.append((now_s, render_s))
        if now_s < self._told_s + _TELL_S:
            return None
        self._told_s = now_s
        return self.info(now_s)

    def info(self, now_s: float) -> FrameRateInfo:
        """The statistics of the window that ends now; ``None`` where it holds too few frames."""
        while self._frames and self._frames[0][0] <= now_s - WINDOW_S:
            self._frames.popleft()
        if not self._frames:
            return FrameRateInfo(None, None, None, None, None, 0)
        times_s, renders_s = np.array(self._frames).T
        render_ms = float(renders_s.mean()) * 1000.0
        if len(times_s) < 2:
            return FrameRateInfo(None, render_ms, None, None, None, 1)
        gaps_s = np.diff(times_s)
        p95_ms, p99_ms = (float(value) * 1000.0 for value in np.percentile(gaps_s, (95, 99)))
        span_s = float(times_s[-1] - times_s[0])
        return FrameRateInfo(
            display_fps=len(gaps_s) / span_s if span_s > 0.0 else None,
            render_ms=render_ms,
            frame_ms_p95=p95_ms,
            frame_ms_p99=p99_ms,
            jank_ratio=float((gaps_s > _JANK_S).mean()),
            frames=len(times_s),
        )
