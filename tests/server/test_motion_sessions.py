"""Speaking with the Motion Server over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

import pytest
from server_kit import LoudnessEngine, Running, Start, frames_of, tone, until
from websockets.exceptions import ConnectionClosedError

from avatarkit.clock import VirtualClock
from avatarkit.protocol import avatarkit_pb2 as pb


class Gate:
    """Holds inference on its thread until opened, and tells when something waits there."""

    def __init__(self) -> None:
        self.waiting = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> None:
        self.waiting.set()
        assert self.open.wait(20)

    async def until_waiting(self) -> None:
        assert await asyncio.to_thread(self.waiting.wait, 20)


async def test_a_spoken_round_gives_all_its_frames_in_order_and_one_end(server: Running) -> None:
    client = await server.session()
    speech = tone(2.0, level=0.5)
    for start in range(0, len(speech), 641):  # cut inside samples
        await client.audio("r", speech[start : start + 641])
    await client.audio("r", end=True)

    replies = await client.until_end("r")

    assert frames_of(replies) == 50
    assert [reply.end for reply in replies] == [False] * (len(replies) - 1) + [True]
    expected = 0
    for reply in replies:
        if reply.HasField("motion"):
            assert (reply.motion.version, reply.motion.frame_rate, reply.motion.first_frame) == (1, 25.0, expected)
            assert reply.motion.frame_count <= 25
            assert reply.motion.weights[0] == pytest.approx(127, abs=1)
            expected += reply.motion.frame_count


async def test_motion_comes_before_the_round_has_ended(server: Running) -> None:
    client = await server.session()
    await client.audio("r", tone(1.0))

    first = await client.next()

    assert first.server_response_animation.motion.frame_count > 0
    assert not first.server_response_animation.end


async def test_a_long_message_is_answered_in_parts_that_clients_accept(server: Running) -> None:
    client = await server.session(48000)
    await client.audio("r", tone(20.3, sample_rate=48000), end=True)

    replies = await client.until_end("r")

    assert frames_of(replies) == 508  # 507.5 frames of audio
    assert max(reply.ByteSize() for reply in replies) < 10_000


async def test_a_request_without_audio_gets_an_empty_end(server: Running) -> None:
    client = await server.session()
    await client.audio("r", end=True)

    (reply,) = await client.until_end("r")

    assert not reply.HasField("motion")


async def test_rounds_sent_back_to_back_are_both_answered_whole(server: Running) -> None:
    client = await server.session()
    await client.audio("one", tone(2.0), end=True)
    await client.audio("two", tone(1.0), end=True)

    assert frames_of(await client.until_end("one")) == 50
    assert frames_of(await client.until_end("two")) == 25


async def test_an_interrupt_stops_motion_at_once(start: Start) -> None:
    gate = Gate()
    async with start(engine=LoudnessEngine(gate)) as server:
        client = await server.session()
        await client.audio("r", tone(10.0))
        await gate.until_waiting()
        await client.interrupt("r")
        (end,) = await client.until_end("r")  # answered while inference still hangs
        gate.open.set()
        await client.audio("s", tone(0.4), end=True)
        after = await client.until_end("s")

    assert not end.HasField("motion")
    assert frames_of(after) == 10


async def test_a_new_request_supersedes_an_open_one(start: Start) -> None:
    gate = Gate()
    async with start(engine=LoudnessEngine(gate)) as server:
        client = await server.session()
        await client.audio("old", tone(5.0))
        await gate.until_waiting()
        await client.audio("new", tone(0.4, level=0.25), end=True)
        (end,) = await client.until_end("old")
        gate.open.set()
        replies = await client.until_end("new")

    assert not end.HasField("motion")
    assert frames_of(replies) == 10
    assert replies[0].motion.weights[0] == pytest.approx(64, abs=1)


async def test_nothing_of_an_interrupted_round_comes_after_its_end(server: Running) -> None:
    client = await server.session()
    seen: list[tuple[str, bool]] = []
    for number in range(8):
        await client.audio(f"r{number}", tone(3.0))
        await client.interrupt(f"r{number}")
    await client.audio("last", tone(0.2), end=True)
    while ("last", True) not in seen:
        reply = (await client.next()).server_response_animation
        seen.append((reply.req_id, reply.end))

    for number in range(8):
        own = [end for req_id, end in seen if req_id == f"r{number}"]
        assert own.count(True) == 1
        assert own[-1] is True


async def test_pause_is_answered_and_audio_still_taken(server: Running) -> None:
    client = await server.session()
    await client.audio("r", b"\0\0")
    await client.send(8, client_pause=pb.ClientPause(req_id="r"))
    reply = (await client.next()).server_playback_state
    assert (reply.req_id, reply.state, reply.reason) == ("r", pb.ServerPlaybackState.STATE_PAUSED, "explicit")

    await client.audio("r", tone(0.4)[2:], end=True)

    assert frames_of(await client.until_end("r")) == 10


async def test_two_clients_do_not_hear_each_other(server: Running) -> None:
    one, two = await server.session(), await server.session(24000)
    await one.audio("r", tone(1.0, level=0.25), end=True)
    await two.audio("r", tone(0.4, sample_rate=24000, level=0.75), end=True)

    first, second = await one.until_end("r"), await two.until_end("r")

    assert (frames_of(first), frames_of(second)) == (25, 10)
    assert first[0].motion.weights[0] == pytest.approx(64, abs=1)
    assert second[0].motion.weights[0] == pytest.approx(191, abs=1)


@pytest.mark.parametrize(
    ("configuration", "code", "phrase"),
    [
        ({"sample_rate": 11025}, 0, "unsupported sample rate"),
        ({"audio_format": 7}, 3, "unsupported audio format"),
        ({"agora_egress": pb.AgoraEgressConfig(channel_name="c")}, 14, "egress client is not configured on server"),
        ({"egress_type": 1}, 16, "livekit_egress"),
    ],
)
async def test_a_refused_configuration_is_explained_and_closed(
    server: Running, configuration: dict[str, Any], code: int, phrase: str
) -> None:
    client = await server.open()
    await client.configure(**({"sample_rate": 16000} | configuration))

    failure = (await client.next()).server_error

    assert failure.code == code
    assert phrase in failure.message
    assert (await client.closed())[0] == 1008


async def test_garbage_is_explained_and_closed(server: Running) -> None:
    client = await server.session()
    await client.socket.send(b"\xff\xff\xff")

    assert (await client.next()).server_error.message == "failed to unmarshal message"
    assert (await client.closed())[0] == 1008


async def test_a_message_of_several_megabytes_is_taken(server: Running) -> None:
    client = await server.session(48000)
    await client.audio("r1", tone(60.0, sample_rate=48000), end=True)  # 5.8 MB

    assert frames_of(await client.until_end("r1")) == 1500


async def test_a_token_that_expires_ends_no_open_session(server: Running) -> None:
    client, token = await server.session(), await server.token()
    now = server.services.unix_time
    server.services.unix_time = lambda: now() + 3600

    await client.audio("r1", tone(0.2), end=True)
    assert frames_of(await client.until_end("r1")) == 5
    headers = {"X-App-ID": server.credentials.app_id, "X-Session-Key": token}
    reply = await server.http.get("/v1/client/session?id=ada", headers=headers)
    assert (reply.status_code, reply.text) == (401, '{"message":"Session token expired"}\n')


async def test_a_message_over_the_limit_closes_with_1009(server: Running) -> None:
    client = await server.session()
    with contextlib.suppress(ConnectionClosedError):  # the refusal may come before all is sent
        await client.socket.send(b"\0" * (9 * 1024 * 1024))

    assert (await client.closed())[0] == 1009


async def test_an_app_has_only_so_many_sessions(start: Start) -> None:
    async with start(sessions_per_app=2) as server:
        first, _second = await server.session(), await server.session()
        third = await server.open()
        await third.configure()
        failure = (await third.next()).server_error
        assert (failure.code, failure.message) == (4003, "concurrent session limit reached")
        assert (await third.closed())[0] == 4003

        await first.socket.close()
        await first.socket.wait_closed()
        await until(lambda: server.services.sessions.total() == 1)
        await server.services.sessions.settle()
        await server.session()


async def test_an_engine_that_fails_ends_the_session_with_its_own_code(start: Start) -> None:
    def fail() -> None:
        raise RuntimeError("no model")

    async with start(engine=LoudnessEngine(fail)) as server:
        client = await server.session()
        await client.audio("r", tone(1.0))
        failure = (await client.next()).server_error

        assert (failure.code, failure.message) == (4503, "driven server request failed")
        assert (await client.closed())[0] == 4503
        assert (await server.http.get("/healthz")).status_code == 200


async def test_a_client_that_vanishes_leaves_nothing_behind(server: Running) -> None:
    client = await server.session()
    await client.audio("r", tone(30.0))
    client.socket.transport.abort()

    await until(lambda: server.services.sessions.total() == 0)


class TestTimeLimits:
    """In virtual time: nothing here waits."""

    async def test_a_client_that_says_nothing_is_closed_after_ten_seconds(self, start: Start) -> None:
        clock = VirtualClock()
        async with start(clock=clock) as server:
            client = await server.open()
            await clock.advance(9.9)
            assert client.socket.close_code is None
            await clock.advance(0.2)
            failure = (await client.next()).server_error
            assert failure.message == "expected ClientConfigureSession message within 10 s"
            assert (await client.closed())[0] == 1008

    async def test_a_client_without_audio_is_closed_for_idleness(self, start: Start) -> None:
        clock = VirtualClock()
        async with start(clock=clock, idle_timeout_s=30) as server:
            client = await server.session()
            await clock.advance(25)
            await client.audio("r", tone(0.4), end=True)
            await client.until_end("r")
            await clock.advance(25)
            assert client.socket.close_code is None
            await clock.advance(10)
            failure = (await client.next()).server_error
            assert failure.message == "no audio input for 30 s"
            assert (await client.closed())[0] == 4002

    async def test_a_session_has_a_longest_time(self, start: Start) -> None:
        clock = VirtualClock()
        async with start(clock=clock, idle_timeout_s=30, session_limit_s=60) as server:
            client = await server.session()
            for _ in range(2):
                await clock.advance(25)
                await client.audio("r", b"\0\0")
                await client.send(8, client_pause=pb.ClientPause(req_id="r"))
                await client.next()
            await clock.advance(15)
            failure = (await client.next()).server_error
            assert (failure.code, failure.message) == (4002, "session time limit reached")
            assert (await client.closed())[0] == 4002
