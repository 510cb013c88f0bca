"""An hour of conversation through the whole client, in virtual time: no drift, no growth, nothing lost."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from client_fakes import AVATAR, FakeConnection, bundle
from inline_draw import InlineDraw
from virtual_loop import LoopClock, VirtualLoop

import avatarkit._session
import avatarkit._view
from avatarkit import (
    AvatarError,
    AvatarSDK,
    AvatarView,
    Configuration,
    ConversationState,
    PlaybackFinished,
    ReconnectPolicy,
)
from avatarkit.avatars import Bundle
from avatarkit.errors import ErrorCode, error
from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, MotionFrames, Pose
from avatarkit.protocol import MotionChunk, chunk_to_message
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.transport.contract import Target
from avatarkit.types import Camera

ROUNDS, ROUND_S, SPEECH_S, RATE = 400, 9.0, 6.0, 16000
SAMPLES_PER_FRAME = RATE // 25
TONGUE = ARKIT_INDEX["tongueOut"]
LOST = error(ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY, "lost")


class NumberingConnection(FakeConnection):
    """Answers audio, 30 to 80 ms later, with motion that tells its frame in ``tongueOut``."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self.samples = 0
        self.frames = 0
        self.request = ""

    async def send(self, data: bytes) -> None:
        await super().send(data)
        message = self.received.pop()
        if not message.HasField("client_audio_input"):
            return
        part = message.client_audio_input
        if part.req_id != self.request:
            self.request, self.samples, self.frames = part.req_id, 0, 0
        self.samples += len(part.audio) // 2
        first, self.frames = self.frames, self.samples // SAMPLES_PER_FRAME
        late_s = 0.03 + (self.samples * 7919 % 50) / 1000
        asyncio.get_running_loop().call_later(late_s, self._answer, part.req_id, first, self.frames, part.end)

    def _answer(self, req_id: str, first: int, until: int, end: bool) -> None:
        response = pb.ServerResponseAnimation(req_id=req_id, end=end)
        if until > first:
            weights = np.zeros((until - first, WEIGHT_COUNT), np.float32)
            weights[:, TONGUE] = np.arange(first, until) / 255
            frames = MotionFrames(weights, np.zeros((until - first, HEAD_COUNT), np.float32), first)
            response.motion.CopyFrom(chunk_to_message(MotionChunk(first, *frames.quantised())))
        kind = pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION
        self.push(pb.Message(type=kind, server_response_animation=response).SerializeToString())


class Server:
    def __init__(self) -> None:
        self.connections: list[NumberingConnection] = []

    async def connect(self, target: Target) -> NumberingConnection:
        self.connections.append(NumberingConnection(target))
        self.connections[-1].confirm()
        return self.connections[-1]


class Watcher:
    """Renderer and surface: compares what is shown with what is heard at that moment."""

    size = (1, 1)
    frame_rate = 2.0  # an hour of frames is costly; each is compared as exactly as any

    def __init__(self) -> None:
        self.view: AvatarView | None = None
        self.shown_s = 0.0
        self.offsets_s: list[float] = []
        self.samples = 0
        self.fades_until_s = 0.0

    def load(self, bundle: Bundle) -> None:
        pass

    def draw(self, pose: Pose, camera: Camera, size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
        self.shown_s = float(pose.weights[TONGUE]) * 255 / 25
        return np.zeros((1, 1, 4), np.uint8)

    def present(self, image: Any, time_s: float) -> None:
        if self.view is not None and asyncio.get_running_loop().time() > self.fades_until_s:
            heard_s = self.view.controller.audio_time
            if self.view.controller.conversation_state is ConversationState.PLAYING and 1.0 < heard_s < 5.8:
                self.offsets_s.append(self.shown_s - heard_s)

    def present_audio(self, pcm: Any, sample_rate: int, time_s: float) -> None:
        self.samples += len(pcm)

    def close(self) -> None:
        pass


class Conversation:
    """The app's side: 400 rounds in 3600 seconds, some of them interrupted, paused, or struck by a lost network."""

    def __init__(self, view: AvatarView, server: Server, watcher: Watcher) -> None:
        self.view, self.server, self.watcher = view, server, watcher
        self.audio = b"\1\2" * round(SPEECH_S * RATE / 6)
        self.ids: list[str] = []
        self.kept: list[int] = []

    async def hold(self) -> None:
        began_s = asyncio.get_running_loop().time()
        for number in range(ROUNDS):
            await self.say(number)
            await LoopClock().sleep_until(began_s + (number + 1) * ROUND_S)
            if number in {ROUNDS // 2, ROUNDS - 1}:
                self.watcher.offsets_s = [max(self.watcher.offsets_s, key=abs)]
                gc.collect()
                self.kept.append(len(gc.get_objects()))

    async def say(self, number: int) -> None:
        controller = self.view.controller
        if number % 50 == 49:
            self.server.connections[-1].end(LOST)
            await asyncio.sleep(0.6)  # by policy there is a new session by now
        for piece in range(6):
            self.ids.append(controller.send(self.audio, end=piece == 5))
            await asyncio.sleep(0.1)
        if number % 10 == 3:
            await asyncio.sleep(2.0)
            controller.interrupt()
        elif number % 10 == 7:
            await asyncio.sleep(1.0)
            controller.pause()
            await asyncio.sleep(0.777)
            controller.resume()
            self.watcher.fades_until_s = asyncio.get_running_loop().time() + 0.9


async def hour(folder: Path) -> None:
    server, watcher = Server(), Watcher()
    avatarkit._session.open_websocket = server.connect
    await AvatarSDK.cleanup()
    configuration = Configuration(
        endpoint="http://server.test", cache_dir=folder, reconnect=ReconnectPolicy(3, 0.25, 1.0)
    )
    await AvatarSDK.initialize("app", configuration)
    AvatarSDK.set_session_token("token")
    view = AvatarView(AVATAR, watcher, speaker="silent", renderer=watcher, seed=1, clock=LoopClock())
    states: list[ConversationState] = []
    finished: list[PlaybackFinished] = []
    errors: list[AvatarError] = []
    controller = view.controller
    controller.on_conversation_state = states.append
    controller.on_playback_finished = finished.append
    controller.on_error = errors.append
    await view.mounted()
    watcher.view = view
    await controller.start()
    began_s = asyncio.get_running_loop().time()
    conversation = Conversation(view, server, watcher)

    await conversation.hold()

    assert asyncio.get_running_loop().time() - began_s == pytest.approx(3600.0)
    assert abs(watcher.offsets_s[0]) < 1e-3  # the worst of an hour
    ids = [event.conversation_id for event in finished]
    assert ids == list(dict.fromkeys(conversation.ids))
    assert len(ids) == ROUNDS
    cut = [event for event in finished if event.interrupted]
    assert len(cut) == ROUNDS // 10
    whole = [event.position_s for event in finished if not event.interrupted]
    assert whole == pytest.approx([SPEECH_S] * len(whole))
    assert watcher.samples == pytest.approx(sum(event.position_s for event in finished) * RATE, abs=ROUNDS)
    assert {reason.code for reason in errors} == {ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY}
    assert len(server.connections) == 1 + ROUNDS // 50
    assert states.count(ConversationState.PLAYING) == ROUNDS + ROUNDS // 10
    assert states[-1] is ConversationState.IDLE
    report = controller.report()
    assert (report.rounds, report.rounds_interrupted) == (ROUNDS, ROUNDS // 10)
    assert report.av_offset_ms_p95 == pytest.approx(0.0, abs=0.5)
    assert (report.starvations, report.frames_dropped) == (0, 0)
    early, late = conversation.kept
    assert late - early < 2000  # what an app keeps of 200 rounds here: ids, events
    await AvatarSDK.cleanup()


def test_an_hour_of_conversation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(avatarkit._session, "open_websocket", None)  # put back afterwards
    monkeypatch.setattr(avatarkit._view, "DrawThread", InlineDraw)
    monkeypatch.setattr(avatarkit._view, "read_bundle", lambda path: bundle())

    def run() -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(hour(tmp_path))

    with ThreadPoolExecutor(1) as thread:  # where no other loop is
        thread.submit(run).result()
