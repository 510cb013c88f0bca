"""What a player tells: kept in order, and told when the player is ready for further calls."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

from avatarkit.types import ConversationState

PROGRESS_S: Final = 0.25
"""Seconds of heard audio between two tellings of progress."""


def _ignore(*_: object) -> None:
    pass


class News:
    """Callbacks of a player. What one of them does is told behind what waits already.

    Attributes:
        on_state: Called on every change of the conversation state, when its transition begins.
        on_started: Called with a round's id when its first sound was heard.
        on_progress: Called with a round's id and heard seconds, every :data:`PROGRESS_S` of them.
        on_finished: Called once for each round: its id, heard seconds, and whether it was cut off.
        on_stall: Called with true when a strict round halts for want of motion, with false when it goes on.
    """

    def __init__(
        self,
        *,
        on_state: Callable[[ConversationState], None] = _ignore,
        on_started: Callable[[str], None] = _ignore,
        on_progress: Callable[[str, float], None] = _ignore,
        on_finished: Callable[[str, float, bool], None] = _ignore,
        on_stall: Callable[[bool], None] = _ignore,
    ) -> None:
        self.on_state, self.on_started, self.on_progress = on_state, on_started, on_progress
        self.on_finished, self.on_stall = on_finished, on_stall
        self._waiting: deque[Callable[[], None]] = deque()
        self._telling = False

    def __bool__(self) -> bool:
        """Whether something waits to be told."""
        return bool(self._waiting)

    def state(self, state: ConversationState) -> None:
        """The conversation has another state."""
        self._waiting.append(partial(self.on_state, state))

    def started(self, round_id: str) -> None:
        """A round is heard."""
        self._waiting.append(partial(self.on_started, round_id))

    def progress(self, round_id: str, position_s: float) -> None:
        """A round was heard up to a position."""
        self._waiting.append(partial(self.on_progress, round_id, position_s))

    def finished(self, round_id: str, position_s: float, interrupted: bool) -> None:
        """A round is over."""
        self._waiting.append(partial(self.on_finished, round_id, position_s, interrupted))

    def stall(self, stalled: bool) -> None:
        """A strict round halts, or goes on."""
        self._waiting.append(partial(self.on_stall, stalled))

    def tell(self) -> None:
        """Call back, in order; nothing from inside a callback, where this is under way."""
        if self._telling:
            return
        self._telling = True
        try:
            while self._waiting:
                self._waiting.popleft()()
        finally:
            self._telling = False
