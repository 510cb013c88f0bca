"""Plays a scenario against the Python client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from scenario_file import HERE, Scenario
from scenario_library import ScenarioLibrary
from scenario_server import ScenarioServer, motion_message

from avatarkit import (
    AudioCodec,
    AudioFormat,
    Avatar,
    AvatarError,
    AvatarEvent,
    AvatarManager,
    AvatarSDK,
    AvatarView,
    Configuration,
    ConnectionStateChanged,
    ConversationStateChanged,
    DrivingServiceMode,
    ErrorRaised,
    FrameStarvationMode,
    LoadProgress,
    LoadProgressType,
    PlaybackFinished,
    PlaybackStalled,
    PlaybackStarted,
    ReconnectPolicy,
)
from avatarkit.avatars import Bundle
from avatarkit.clock import VirtualClock
from avatarkit.frames import ARKIT_INDEX, Pose
from avatarkit.types import Camera

AUDIO_TIME_TOLERANCE_S = 0.05
EVENT_TOLERANCE_S = 0.06
SHOWN = 0.02
START_S = 1000.0
STANDARD_EVENTS = ("connection", "conversation", "error", "stall")


class PoseRecorder:
    """A renderer that remembers the poses."""

    def __init__(self) -> None:
        self.poses: list[Pose] = []

    def load(self, bundle: Bundle) -> None:
        del bundle

    def draw(self, pose: Pose, camera: Camera, size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
        del camera
        self.poses.append(pose)
        return np.zeros((size[1], size[0], 4), np.uint8)

    def close(self) -> None:
        pass


class BlindSurface:
    """A surface that shows nothing."""

    size = (2, 2)
    frame_rate = 25.0

    def present(self, image: Any, time_s: float) -> None:
        pass

    def present_audio(self, pcm: Any, sample_rate: int, time_s: float) -> None:
        pass

    def close(self) -> None:
        pass


class InlineDraw:
    """A draw thread that works at once, so that virtual time holds for it too."""

    async def run(self, work: Callable[..., Any], *args: Any) -> Any:
        await asyncio.sleep(0)
        return work(*args)

    def post(self, work: Callable[..., Any], *args: Any) -> None:
        work(*args)

    def stop(self) -> None:
        pass


@dataclass
class Seat:
    """A view and what it told."""

    view: AvatarView
    renderer: PoseRecorder
    sample_rate: int
    events: list[dict[str, Any]] = field(default_factory=list)


class World:
    """One run of one scenario."""

    def __init__(self, scenario: Scenario, cache_dir: Path) -> None:
        self.setup = scenario.setup
        self.steps = scenario.steps
        self.clock = VirtualClock(START_S)
        self.server = ScenarioServer(scenario.server.get("answer", "confirm"))
        self.library = ScenarioLibrary(scenario.server.get("avatars", {}))
        self.cache_dir = cache_dir
        self.manager = AvatarManager(http_transport=httpx.MockTransport(self.library), clock=self.clock)
        self.seats: dict[str, Seat] = {}
        self.rounds: dict[str, str] = {}
        self.calls: dict[str, asyncio.Task[Any]] = {}
        self.listeners: list[asyncio.Task[None]] = []
        self.tokens_asked = 0

    async def play(self) -> None:
        await AvatarSDK.initialize("app", self._configuration())
        if (token := self.setup.get("token", "token")) is not None:
            AvatarSDK.set_session_token(token)
        if "provider" in self.setup:
            AvatarSDK.set_token_provider(self._provide_token)
        if self.setup.get("view", True):
            await self._do_openView({"view": "main"})
        for number, step in enumerate(self.steps):
            try:
                await self._step({key: value for key, value in step.items() if key != "note"})
            except Exception as failure:
                failure.add_note(f"in step {number}: {json.dumps(step)} at {self.clock.now() - START_S:.3f} s")
                raise
            await self.clock.advance(0.0)

    async def end(self) -> None:
        await AvatarSDK.cleanup()
        for task in self.calls.values():
            task.cancel()
        await asyncio.gather(*self.calls.values(), return_exceptions=True)
        await asyncio.wait_for(asyncio.gather(*self.listeners), 5.0)  # a disposed view ends its events

    def _configuration(self) -> Configuration:
        wanted = self.setup.get("reconnect")
        return Configuration(
            endpoint="http://server.test",
            driving_service_mode=DrivingServiceMode(self.setup.get("mode", "direct")),
            audio_format=AudioFormat(
                sample_rate=self.setup.get("sampleRate", 16000),
                input_format=AudioCodec(self.setup.get("inputFormat", "pcm")),
                opus_uplink=self.setup.get("opusUplink", False),
            ),
            connect_timeout_s=self.setup.get("connectTimeout", 15.0),
            cache_dir=self.cache_dir,
            reconnect=ReconnectPolicy(wanted["attempts"], wanted["firstDelay"], wanted["maxDelay"])
            if wanted
            else ReconnectPolicy(),
        )

    async def _provide_token(self) -> str:
        tokens = self.setup["provider"]
        token = tokens[min(self.tokens_asked, len(tokens) - 1)]
        self.tokens_asked += 1
        if token is None:
            raise RuntimeError("the app's backend is away")
        return str(token)

    # --- steps --------------------------------------------------------------------------------------------

    async def _step(self, step: dict[str, Any]) -> None:
        (kind,) = {"do", "server", "advance", "jump", "expect"} & set(step)
        subject = step.pop(kind)
        if kind == "advance":
            await self.clock.advance(subject)
        elif kind == "jump":
            self.clock._now_s += subject
        elif kind == "expect":
            for key, wanted in subject.items():
                getattr(self, f"_expect_{key}")(wanted, step)
        elif kind == "server":
            getattr(self, f"_server_{subject}")(step)
        else:
            await self._call(subject, step)

    async def _call(self, verb: str, step: dict[str, Any]) -> None:
        if verb == "await":
            # A background call has had its turn by now; what is still to come of it needs no time.
            call = self.calls.pop(step["call"])
            await self._outcome(asyncio.wait_for(call, 5.0), step)
            return
        work = getattr(self, f"_do_{verb}")(step)
        if "background" in step:
            self.calls[step["background"]] = asyncio.create_task(work)
            return
        await self._outcome(work, step)

    async def _outcome(self, work: Any, step: dict[str, Any]) -> None:
        if "error" in step:
            with pytest.raises(AvatarError) as caught:
                await work
            assert caught.value.code.value == step["error"], caught.value
            return
        result = await work
        if "result" in step and not isinstance(step["result"], dict):
            assert result == step["result"], result

    def _seat(self, step: dict[str, Any]) -> Seat:
        return self.seats[step.get("view", "main")]

    # --- verbs of the client ------------------------------------------------------------------------------

    async def _do_openView(self, step: dict[str, Any]) -> None:  # noqa: N802 - as the format spells it
        renderer = PoseRecorder()
        rate = step.get("sampleRate", self.setup.get("sampleRate", 16000))
        chosen = None
        if "sampleRate" in step or "inputFormat" in step:
            chosen = AudioFormat(sample_rate=rate, input_format=AudioCodec(step.get("inputFormat", "pcm")))
        avatar = Avatar("someone", "Someone", 1, "0" * 64, Path("/nowhere.glb"), is_from_cache=True)
        view = AvatarView(
            avatar,
            BlindSurface(),
            audio_format=chosen,
            speaker="silent",
            renderer=renderer,
            seed=len(self.seats),
            clock=self.clock,
        )
        seat = self.seats[step.get("view", "main")] = Seat(view, renderer, rate)
        self.listeners.append(asyncio.create_task(self._listen(seat)))
        await view.mounted()

    async def _do_dispose(self, step: dict[str, Any]) -> None:
        await self._seat(step).view.dispose()

    async def _do_start(self, step: dict[str, Any]) -> None:
        await self._seat(step).view.controller.start()

    async def _do_waitConnected(self, step: dict[str, Any]) -> None:  # noqa: N802
        await self._seat(step).view.controller.wait_connected(step["timeout"])

    async def _do_close(self, step: dict[str, Any]) -> None:
        await self._seat(step).view.controller.close()

    async def _do_interrupt(self, step: dict[str, Any]) -> None:
        self._seat(step).view.controller.interrupt()

    async def _do_pause(self, step: dict[str, Any]) -> None:
        self._seat(step).view.controller.pause()

    async def _do_resume(self, step: dict[str, Any]) -> None:
        self._seat(step).view.controller.resume()

    async def _do_send(self, step: dict[str, Any]) -> None:
        seat = self._seat(step)
        self._name(step, seat.view.controller.send(self._audio(step["audio"], seat), step.get("end", False)))

    async def _do_yieldAudio(self, step: dict[str, Any]) -> None:  # noqa: N802
        seat = self._seat(step)
        given = seat.view.controller.yield_audio_data(self._audio(step["audio"], seat), step.get("end", False))
        self._name(step, given)

    async def _do_yieldMotion(self, step: dict[str, Any]) -> bool:  # noqa: N802
        frames = [
            bytes.fromhex(frame["bytes"]) if "bytes" in frame else motion_message("of-the-backend", **frame)
            for frame in step["frames"]
        ]
        return self._seat(step).view.controller.yield_frames_data(frames, self._id(step))

    async def _do_setAudioFormat(self, step: dict[str, Any]) -> None:  # noqa: N802
        seat = self._seat(step)
        codec = AudioCodec(step["inputFormat"]) if "inputFormat" in step else None
        seat.view.controller.set_audio_format(sample_rate=step.get("sampleRate"), input_format=codec)
        seat.sample_rate = seat.view.controller.audio_format.sample_rate

    async def _do_setVolume(self, step: dict[str, Any]) -> None:  # noqa: N802
        self._seat(step).view.controller.volume = step["volume"]

    async def _do_setStarvation(self, step: dict[str, Any]) -> None:  # noqa: N802
        self._seat(step).view.controller.frame_starvation_mode = FrameStarvationMode(step["mode"])

    async def _do_setToken(self, step: dict[str, Any]) -> None:  # noqa: N802
        AvatarSDK.set_session_token(step["token"])

    async def _do_cleanup(self, step: dict[str, Any]) -> None:
        del step
        await AvatarSDK.cleanup()

    async def _do_load(self, step: dict[str, Any]) -> None:
        told: list[LoadProgress] = []
        try:
            avatar = await self.manager.load(step["avatar"], told.append)
        finally:
            if "progress" in step:
                kinds = [progress.type for progress in told]
                merged = [k for i, k in enumerate(kinds) if i == 0 or k != kinds[i - 1]]
                assert merged == [LoadProgressType(kind) for kind in step["progress"]], told
        known = {"fromCache": avatar.is_from_cache, "version": avatar.version, "name": avatar.name}
        for key, wanted in step.get("result", {}).items():
            assert known[key] == wanted, (key, known[key])

    async def _do_cancelLoad(self, step: dict[str, Any]) -> None:  # noqa: N802
        self.manager.cancel_load(step["avatar"])

    async def _do_cancelAllLoads(self, step: dict[str, Any]) -> None:  # noqa: N802
        del step
        self.manager.cancel_all_loads()

    async def _do_clear(self, step: dict[str, Any]) -> None:
        self.manager.clear(step["avatar"])

    async def _do_clearAll(self, step: dict[str, Any]) -> None:  # noqa: N802
        del step
        self.manager.clear_all()

    async def _do_retrieve(self, step: dict[str, Any]) -> None:
        found = self.manager.retrieve(step["avatar"])
        assert (found is not None) is step["found"], found

    def _audio(self, audio: dict[str, Any], seat: Seat) -> bytes:
        if "seconds" in audio:
            return b"\x01\x02" * round(audio["seconds"] * seat.sample_rate)
        if "silence" in audio:
            return bytes(2 * round(audio["silence"] * seat.sample_rate))
        if "hex" in audio:
            return bytes.fromhex(audio["hex"])
        if "packet" in audio:
            packets = json.loads((HERE / "media" / "packets.json").read_text())
            return bytes.fromhex(packets[audio["packet"]])
        if "file" in audio:
            return (HERE / "media" / audio["file"]).read_bytes()[audio.get("from") : audio.get("to")]
        assert audio == {}
        return b""

    def _name(self, step: dict[str, Any], given: str | None) -> None:
        if "round" not in step:
            return
        name = step["round"]
        if name is None:
            assert given is None
            return
        assert given is not None
        if name not in self.rounds:
            assert given not in self.rounds.values(), f"round {name} has the id of an older one"
            self.rounds[name] = given
        assert self.rounds[name] == given, f"round {name} changed its id"

    def _id(self, step: dict[str, Any]) -> str:
        return self.rounds[step["round"]] if "round" in step else str(step.get("id", ""))

    # --- verbs of the server ------------------------------------------------------------------------------

    def _connection(self, step: dict[str, Any]) -> Any:
        return self.server.connections[step.get("connection", -1)]

    def _server_answer(self, step: dict[str, Any]) -> None:
        answer = step["answer"]
        self.server.answers = answer if isinstance(answer, list) else [answer]

    def _server_confirm(self, step: dict[str, Any]) -> None:
        self._connection(step).confirm()

    def _server_motion(self, step: dict[str, Any]) -> None:
        fields = {key: value for key, value in step.items() if key not in ("round", "id", "connection")}
        self._connection(step).push(motion_message(self._id(step), **fields))

    def _server_error(self, step: dict[str, Any]) -> None:
        self._connection(step).error(step["code"], step["message"], self._id(step))

    def _server_close(self, step: dict[str, Any]) -> None:
        self._connection(step).close_with(step["code"], step.get("reason", ""))

    def _server_drop(self, step: dict[str, Any]) -> None:
        self._connection(step).drop()

    def _server_bytes(self, step: dict[str, Any]) -> None:
        self._connection(step).push(bytes.fromhex(step["hex"]))

    def _server_text(self, step: dict[str, Any]) -> None:
        self._connection(step).push(step["text"])

    def _server_library(self, step: dict[str, Any]) -> None:
        self.library.avatars = step["avatars"]

    def _server_offline(self, step: dict[str, Any]) -> None:
        self.library.offline = step["value"]

    def _server_status(self, step: dict[str, Any]) -> None:
        self.library.statuses.update(step)

    def _server_breakDownloads(self, step: dict[str, Any]) -> None:  # noqa: N802
        self.library.breaks = (step["after"], step["times"])

    def _server_holdDownloads(self, step: dict[str, Any]) -> None:  # noqa: N802
        if step["value"]:
            self.library.free.clear()
        else:
            self.library.free.set()

    # --- expectations -------------------------------------------------------------------------------------

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
        assert sum(connection.open for connection in self.server.connections) == wanted

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

    # --- events -------------------------------------------------------------------------------------------

    async def _listen(self, seat: Seat) -> None:
        async for event in seat.view.controller.events():
            self._record(seat, event)

    def _record(self, seat: Seat, event: AvatarEvent) -> None:
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
