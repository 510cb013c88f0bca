"""Offline rendering shows what a live view shows: the same poses for the same speech, seed and times."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from client_fakes import FakeRenderer, FakeServer

from avatarkit import AvatarView
from avatarkit.clock import VirtualClock
from avatarkit.motion import open_engine
from avatarkit.offline.performance import Shown, perform
from avatarkit.offline.speech import Speech
from avatarkit.protocol import MotionChunk, chunk_to_message
from avatarkit.protocol import avatarkit_pb2 as pb

CLIP = Path(__file__).parents[2] / "assets" / "hello.wav"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(0.0)


async def test_a_live_view_and_an_offline_one_show_the_same_poses(
    make_view: Callable[[], AvatarView], clock: VirtualClock, server: FakeServer, renderer: FakeRenderer
) -> None:
    with wave.open(str(CLIP)) as wav:
        speech = Speech(wav.readframes(2 * wav.getframerate()), wav.getframerate())
    assert speech.sample_rate == 16000
    view = make_view()
    await clock.advance(0.0)
    await view.controller.start()
    await clock.advance(0.39)
    view.controller.send(speech.pcm, end=True)
    await clock.advance(0.0)
    stream = open_engine().open(speech.sample_rate, seed=1)
    stream.push(speech.pcm)
    stream.finish()
    weights, head = stream.take().quantised()
    answer = pb.ServerResponseAnimation(req_id=server.last.audio[0][0], end=True)
    answer.motion.CopyFrom(chunk_to_message(MotionChunk(0, weights, head)))
    server.last.push(
        pb.Message(
            type=pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION, server_response_animation=answer
        ).SerializeToString()
    )
    await clock.advance(2.81)
    await view.dispose()
    live = np.array([np.concatenate([pose.weights, pose.head]) for pose in renderer.poses])

    items = perform(speech, open_engine(), seed=1, before_s=0.39, after_s=0.81)
    offline = np.array([np.concatenate([i.pose.weights, i.pose.head]) for i in items if isinstance(i, Shown)])
    assert len(live) >= len(offline) == 80
    assert np.abs(offline[:, 17]).max() > 0.1  # it does speak
    np.testing.assert_allclose(live[:80], offline, atol=1e-5)
