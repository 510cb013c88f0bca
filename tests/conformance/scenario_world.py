"""Plays a scenario against the Python client."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from scenario_file import HERE, Scenario
from scenario_library import ScenarioLibrary
from scenario_look import START_S, Looks
from scenario_server import ScenarioServer, answer_bootstrap, motion_message
from scenario_stage import BlindSurface, PoseRecorder, Seat, SoundDevice

from avatarkit import (
    AudioCodec,
    AudioFormat,
    Avatar,
    AvatarError,
    AvatarManager,
    AvatarSDK,
    AvatarView,
    Configuration,
    DrivingServiceMode,
    FrameStarvationMode,
    LoadProgress,
    LoadProgressType,
    ReconnectPolicy,
    RenderQuality,
    Transform,
)
from avatarkit.clock import VirtualClock

NOWHERE = Path("/nowhere.glb")


class World(Looks):
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
        self.bootstrap = scenario.server.get("bootstrap", "unreachable")
        self.device = SoundDevice(self.clock)
        self.loaded: dict[str, Avatar] = {}

    async def play(self) -> None:
        if self.setup.get("speaker") == "device":
            sys.modules["sounddevice"] = self.device.module()
        if "regions" in self.setup:
            self.regions_file.write_text(json.dumps(self.setup["regions"]))
        if self.setup.get("launched", True):
            await self._do_launch({})
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
        if self.setup.get("speaker") == "device":
            del sys.modules["sounddevice"]
        for task in self.calls.values():
            task.cancel()
        await asyncio.gather(*self.calls.values(), return_exceptions=True)
        await asyncio.wait_for(asyncio.gather(*self.listeners), 5.0)  # a disposed view ends its events

    @property
    def regions_file(self) -> Path:
        return self.cache_dir / "regions.json"

    def _configuration(self, region: str) -> Configuration:
        wanted = self.setup.get("reconnect")
        return Configuration(
            endpoint=None if "regions" in self.setup else "http://server.test",
            region=region,
            regions_file=self.regions_file,
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
        (kind,) = {"do", "server", "machine", "advance", "jump", "expect"} & set(step)
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
        elif kind == "machine":
            getattr(self, f"_machine_{subject}")(step)
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

    # --- verbs of the client ------------------------------------------------------------------------------

    async def _do_launch(self, step: dict[str, Any]) -> None:
        if AvatarSDK.app_id() is not None:
            await AvatarSDK.cleanup()  # the life before

        async def carry(request: httpx.Request) -> httpx.Response:
            return answer_bootstrap(self.bootstrap)

        await AvatarSDK.initialize(
            "app", self._configuration(step.get("region", "auto")), http_transport=httpx.MockTransport(carry)
        )
        if (token := self.setup.get("token", "token")) is not None:
            AvatarSDK.set_session_token(token)
        if "provider" in self.setup:
            AvatarSDK.set_token_provider(self._provide_token)

    async def _do_openView(self, step: dict[str, Any]) -> None:  # noqa: N802 - as the format spells it
        renderer, surface = PoseRecorder(), BlindSurface()
        rate = step.get("sampleRate", self.setup.get("sampleRate", 16000))
        chosen = None
        if "sampleRate" in step or "inputFormat" in step:
            chosen = AudioFormat(sample_rate=rate, input_format=AudioCodec(step.get("inputFormat", "pcm")))
        view = AvatarView(
            self.loaded[step["avatar"]]
            if "avatar" in step
            else Avatar("someone", "Someone", 1, "0" * 64, NOWHERE, is_from_cache=True),
            surface,
            audio_format=chosen,
            speaker="portaudio" if self.setup.get("speaker") == "device" else "silent",
            renderer=renderer,
            seed=len(self.seats),
            clock=self.clock,
        )
        seat = self.seats[step.get("view", "main")] = Seat(view, renderer, surface, rate)
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

    async def _do_setTransform(self, step: dict[str, Any]) -> None:  # noqa: N802
        self._seat(step).view.transform = Transform(step["x"], step["y"], step["scale"])

    async def _do_setResolutionCap(self, step: dict[str, Any]) -> None:  # noqa: N802
        lines = step["lines"]
        if lines is None:
            AvatarSDK.set_render_resolution_cap(False)
        else:
            AvatarSDK.set_render_resolution_cap(True, lines)

    async def _do_setRenderQuality(self, step: dict[str, Any]) -> None:  # noqa: N802
        AvatarSDK.set_render_quality(RenderQuality(step["quality"]))

    async def _do_pauseRendering(self, step: dict[str, Any]) -> None:  # noqa: N802
        self._seat(step).view.pause_rendering()

    async def _do_resumeRendering(self, step: dict[str, Any]) -> None:  # noqa: N802
        self._seat(step).view.resume_rendering()

    async def _do_monitorFrames(self, step: dict[str, Any]) -> None:  # noqa: N802
        self._seat(step).view.controller.frame_rate_monitor_enabled = step["value"]

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
        self.loaded[step["avatar"]] = avatar
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

    def _server_bootstrap(self, step: dict[str, Any]) -> None:
        self.bootstrap = step["answer"]

    # --- the machine the client runs on -------------------------------------------------------------------

    def _machine_loseSound(self, step: dict[str, Any]) -> None:  # noqa: N802
        del step
        self.device.lose()

    def _machine_returnSound(self, step: dict[str, Any]) -> None:  # noqa: N802
        del step
        self.device.is_there = True

    def _machine_refuseRates(self, step: dict[str, Any]) -> None:  # noqa: N802
        self.device.refused_rates = step["rates"]

    def _machine_breakRenderer(self, step: dict[str, Any]) -> None:  # noqa: N802
        self._seat(step).renderer.is_broken = True

    def _machine_resize(self, step: dict[str, Any]) -> None:
        width, height = step["size"]
        self._seat(step).surface.size = (width, height)
