"""What a scenario looks at: states, events, traffic, pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from scenario_library import ScenarioLibrary
from scenario_server import ScenarioServer
from scenario_stage import Seat

from avatarkit import (
    AudioOutputChanged,
    AvatarEvent,
    ConnectionStateChanged,
    ConversationStateChanged,
    ErrorRaised,
    FrameRateMeasured,
    PlaybackFinished,
    PlaybackStalled,
    PlaybackStarted,
)
from avatarkit.clock import VirtualClock
from avatarkit.frames import ARKIT_INDEX

AUDIO_TIME_TOLERANCE_S = 0.05
EVENT_TOLERANCE_S = 0.06
SHOWN = 0.02
START_S = 1000.0
STANDARD_EVENTS = ("connection", "conversation", "error", "stall")


class Looks:
    """The expectations of a world."""

    setup: dict[str, Any]
    clock: VirtualClock
    server: ScenarioServer
    library: ScenarioLibrary
    seats: dict[str, Seat]
    rounds: dict[str, str]

    def _seat(self, step: dict[str, Any]) -> Seat:
        return self.seats[step.get("view", "main")]

    def _connection(self, step: dict[str, Any]) -> Any:
        return self.server.connections[step.get("connection", -1)]

    def _expect_connection(self, wanted: str, step: dict[str, Any]) -> None:
        assert self._seat(step).view.controller.connection_state == wanted

    def _expect_conversation(self, wanted: str, step: dict[str, Any]) -> None:
        assert self._seat(step).view.controller.conversation_state == wanted

    def _expect_audioTime(self, wanted: float, step: dict[str, Any]) -> None:  # noqa: N802
        heard = self._seat(step).view.controller.audio_time
        assert abs(heard - wanted) <= AUDIO_TIME_TOLERANCE_S, heard

    def _expect_events(self, wanted: list[dict[str, Any]], step: dict[str, Any]) -> None:
        seat = self._seat(step)
        told, seat.events = seat.events, []
        names = {given: name for name, given in self.rounds.items()}
        told = [_named(event, names) for event in _error_behind_failed(told)]
        assert [_bare(event) for event in told] == [_bare(event) for event in wanted], told
        for event, expected in zip(told, wanted, strict=True):
            for key, tolerance in (("at", EVENT_TOLERANCE_S), ("position", AUDIO_TIME_TOLERANCE_S)):
                assert key not in expected or abs(event[key] - expected[key]) <= tolerance, (event, expected)

    def _expect_sent(self, wanted: list[dict[str, Any]], step: dict[str, Any]) -> None:
        names = {given: name for name, given in self.rounds.items()}
        received = self._connection(step).take_received(names)
        assert len(received) == len(wanted), received
        for got, expected in zip(received, wanted, strict=True):
            shown = {key: got[key] for key in got if key in expected or key != "bytes"}
            assert shown == expected, received

    def _expect_connections(self, wanted: int, step: dict[str, Any]) -> None:
        del step
        assert len(self.server.attempts) == wanted, len(self.server.attempts)

    def _expect_open(self, wanted: int, step: dict[str, Any]) -> None:
        del step
        assert sum(not connection.closed for connection in self.server.connections) == wanted

    def _expect_token(self, wanted: str, step: dict[str, Any]) -> None:
        del step
        assert self.server.attempts[-1].session_token == wanted

    def _expect_face(self, wanted: dict[str, list[float]], step: dict[str, Any]) -> None:
        pose = self._seat(step).renderer.poses[-1]
        for shape, (low, high) in wanted.items():
            weight = float(pose.weights[ARKIT_INDEX[shape]])
            assert low <= weight <= high, (shape, weight)

    def _expect_neverDrawn(self, shapes: list[str], step: dict[str, Any]) -> None:  # noqa: N802
        weights = np.array([pose.weights for pose in self._seat(step).renderer.poses])
        for shape in shapes:
            assert weights[:, ARKIT_INDEX[shape]].max() <= SHOWN, shape

    def _expect_requests(self, wanted: dict[str, Any], step: dict[str, Any]) -> None:
        del step
        known = {
            "metadata": self.library.metadata_requests,
            "assets": len(self.library.ranges),
            "ranges": self.library.ranges,
        }
        for key, value in wanted.items():
            assert known[key] == value, (key, known[key])

    def _expect_endpoint(self, wanted: str, step: dict[str, Any]) -> None:
        del step
        assert self.server.attempts[-1].endpoint == wanted

    def _expect_renderSize(self, wanted: list[int], step: dict[str, Any]) -> None:  # noqa: N802
        assert list(self._seat(step).view.render_size) == wanted

    def _expect_drawn(self, wanted: list[int], step: dict[str, Any]) -> None:
        renderer = self._seat(step).renderer
        drawn, renderer.looked_at = len(renderer.poses) - renderer.looked_at, len(renderer.poses)
        assert wanted[0] <= drawn <= wanted[1], drawn

    def _expect_cameraMoved(self, wanted: bool, step: dict[str, Any]) -> None:  # noqa: N802
        cameras = self._seat(step).renderer.cameras
        assert (cameras[-1] != cameras[0]) is wanted, cameras[-1]

    def _expect_statistics(self, wanted: dict[str, Any] | None, step: dict[str, Any]) -> None:
        seat = self._seat(step)
        told, seat.statistics = seat.statistics, None
        if wanted is None or told is None:
            assert told is wanted, told
            return
        known = {"displayFps": told.display_fps, "frames": told.frames, "frameMsP95": told.frame_ms_p95}
        for key, limits in wanted.items():
            value = known[key]
            if limits is None or value is None:
                assert value is limits, (key, value)
            else:
                assert limits[0] <= value <= limits[1], (key, value)

    # --- events -------------------------------------------------------------------------------------------

    async def _listen(self, seat: Seat) -> None:
        async for event in seat.view.controller.events():
            self._record(seat, event)

    def _record(self, seat: Seat, event: AvatarEvent) -> None:
        if isinstance(event, FrameRateMeasured):
            seat.statistics = event.info
        told = self._worded(event)
        if told is None:
            return
        kind = "playback" if "started" in told or "finished" in told else next(iter(told))
        if kind in self.setup.get("listen", STANDARD_EVENTS):
            seat.events.append(told | {"at": self.clock.now() - START_S})

    def _worded(self, event: AvatarEvent) -> dict[str, Any] | None:
        match event:
            case ConnectionStateChanged():
                return {"connection": event.state.value}
            case ConversationStateChanged():
                return {"conversation": event.state.value}
            case ErrorRaised():
                return {"error": event.error.code.value}
            case AudioOutputChanged():
                return {"output": event.available}
            case PlaybackStalled():
                return {"stall": event.stalled}
            case PlaybackStarted():
                return {"started": event.conversation_id}
            case PlaybackFinished():
                return {
                    "finished": event.conversation_id,
                    "position": event.position_s,
                    "interrupted": event.interrupted,
                }
        return None


def _named(event: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {key: names.get(value, value) if key in ("started", "finished") else value for key, value in event.items()}


def _bare(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in ("at", "position")}


def _error_behind_failed(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The order of ``failed`` and its error is free; make it one."""
    told = list(events)
    for i in range(len(told) - 1):
        if "error" in told[i] and told[i + 1].get("connection") == "failed":
            told[i], told[i + 1] = told[i + 1], told[i]
    return told
