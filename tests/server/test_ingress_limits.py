"""What bounds a session: credits, places, time, the client's reading, the server's load and its stop."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from server_kit import LoudnessEngine, RawClient, Running, Start, frames_of, tone, until
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from avatarkit.audio.opus import OggOpusEncoder
from avatarkit.clock import VirtualClock
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.server.ingress.load import Load
from avatarkit.server.ingress.timers import Timers


async def refusal(server: Running, token: str | None = None) -> tuple[int, bytes]:
    headers = {"X-App-ID": server.credentials.app_id, "X-Session-Key": token or await server.token()}
    with pytest.raises(InvalidStatus) as caught:
        await connect(server.ws_url + "?id=ada", additional_headers=headers)
    return caught.value.response.status_code, bytes(caught.value.response.body)


async def opened(server: Running, token: str) -> RawClient:
    headers = {"X-App-ID": server.credentials.app_id, "X-Session-Key": token}
    client = RawClient(await connect(server.ws_url + "?id=ada", additional_headers=headers))
    server.clients.push_async_callback(client.socket.close)
    await client.configure()
    assert (await client.next()).type == pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION
    return client


@pytest.mark.stores("sqlite", "postgresql")
class TestTokensAndQuotas:
    async def test_a_single_use_token_opens_one_session(self, server: Running) -> None:
        token = await server.token(singleUse=True)
        await opened(server, token)

        assert await refusal(server, token) == (400, b'{"message":"Invalid session token"}\n')

    async def test_a_token_for_another_avatar_is_refused(self, server: Running) -> None:
        assert (await refusal(server, await server.token(avatarId="default")))[0] == 400

    async def test_a_token_may_limit_its_session(self, start: Start) -> None:
        clock = VirtualClock()
        async with start(clock=clock) as server:
            client = await opened(server, await server.token(maxSeconds=30))
            await clock.advance(29)
            assert client.socket.close_code is None
            await clock.advance(2)

            assert (await client.next()).server_error.code == 4002
            assert (await client.closed())[0] == 4002

    async def test_without_credits_nobody_comes_in(self, server: Running) -> None:
        token = await server.token()
        await self.limit_credits(server, 0)

        status, body = await refusal(server, token)
        assert (status, b"Session denied" in body) == (402, True)

    async def test_credits_that_run_out_end_the_session(self, server: Running) -> None:
        client = await server.session()
        await self.limit_credits(server, 0)
        await (await server.services.meter()).beat()

        assert (await client.next()).server_error.message == "credits exhausted"
        assert (await client.closed())[0] == 4001

    async def test_a_revoked_token_ends_its_session_only_if_that_is_wanted(self, server: Running) -> None:
        token, other = await server.token(), await opened(server, await server.token())
        client = await opened(server, token)
        for round_id, body in (("a", {"token": token}), ("b", {"token": token, "end_sessions": True})):
            assert client.socket.close_code is None
            headers = {"X-Admin-Key": server.credentials.admin_key}
            await server.http.post("/v1/admin/revoked-tokens", headers=headers, json=body)
            await (await server.services.meter()).beat()
            await other.audio(round_id, tone(0.04), end=True)
            await other.until_end(round_id)

        assert (await client.next()).server_error.message == "invalid session token: it was revoked"
        assert (await client.closed())[0] == 4010
        assert other.socket.close_code is None

    async def test_a_session_that_is_over_was_charged_and_gave_its_place_back(self, start: Start) -> None:
        async with start(sessions_per_app=1) as server:
            for _ in range(3):
                client = await server.session()
                await client.socket.close()
                await until(lambda: server.services.sessions.total() == 0)
                await server.services.sessions.settle()

    @staticmethod
    async def limit_credits(server: Running, seconds: int) -> None:
        reply = await server.http.patch(
            f"/v1/admin/apps/{server.credentials.app_id}",
            headers={"X-Admin-Key": server.credentials.admin_key},
            json={"quotas": {"credit_limit_s": seconds}},
        )
        assert reply.status_code == 200, reply.text


class TestOpus:
    async def test_bytes_cut_anywhere_are_decoded_as_they_come(self, server: Running) -> None:
        encoder = OggOpusEncoder(sample_rate=48000)
        stream = encoder.encode(tone(2.0, sample_rate=48000)) + encoder.finish()
        client = await server.open()
        await client.configure(48000, audio_format=1)
        await client.next()
        for start in range(0, len(stream), 97):
            await client.audio("r", stream[start : start + 97])
        first = (await client.next()).server_response_animation
        assert first.motion.frame_count
        assert not first.end
        await client.audio("r", end=True)

        assert first.motion.frame_count + frames_of(await client.until_end("r")) == 50

    async def test_what_is_no_opus_ends_the_session_and_nobody_elses(self, server: Running) -> None:
        other = await server.session()
        client = await server.open()
        await client.configure(16000, audio_format=1)
        await client.next()
        await client.audio("r", b"\0" * 200)

        failure = (await client.next()).server_error
        assert (failure.code, failure.message[:14]) == (3, "invalid audio:")
        assert (await client.closed())[0] == 1008
        await other.audio("r", tone(0.4), end=True)
        assert frames_of(await other.until_end("r")) == 10

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 255)), max_size=4), st.integers(0, 3000))
    def test_damaged_streams_are_refused_or_decoded(self, flips: list[tuple[int, int]], cut: int) -> None:
        from avatarkit.errors import AvatarError
        from avatarkit.server.ingress.decoding import AudioFormat, open_decoder

        encoder = OggOpusEncoder(sample_rate=16000)
        stream = bytearray(encoder.encode(tone(0.4)) + encoder.finish())
        for place, change in flips:
            stream[place % len(stream)] ^= change
        decoder = open_decoder(AudioFormat(16000, True), LoudnessEngine().open)
        try:
            decoder.push(bytes(stream[:cut]), is_last=False)
            decoder.push(bytes(stream[cut:]), is_last=True)
        except AvatarError as refused:
            assert refused.code.value == "invalidAudioInput"  # noqa: PT017 - it need not be refused
        else:
            assert len(decoder.stream().take()) <= 12


class TestRoom:
    async def test_a_full_server_refuses_with_503(self, start: Start) -> None:
        async with start(connection_limit=1) as server:
            await server.session()

            assert await refusal(server) == (503, b'{"message":"The server is at capacity"}\n')

    async def test_a_server_that_is_late_refuses_and_takes_in_again_when_it_has_caught_up(self, start: Start) -> None:
        clock = VirtualClock()
        async with start(clock=clock, overload_lateness_s=0.03) as server:
            for _ in range(40):
                await clock.advance(0.1)
                server.services.load.note(0.08)
            assert (await refusal(server))[0] == 503
            await clock.advance(3)
            await server.session()

    async def test_one_slow_step_is_no_overload(self) -> None:
        clock = VirtualClock()
        load = Load(clock, 0.1)
        load.note(0.005)
        await clock.advance(2.0)  # nobody spoke
        load.note(0.5)

        assert not load.is_over

    async def test_a_server_whose_time_is_nearly_used_up_takes_no_more_before_all_are_late(self) -> None:
        clock = VirtualClock()
        load = Load(clock, 0.1)

        async def work(share: float) -> None:
            for _ in range(200):
                await clock.advance(0.016)
                load.work(share, 0.016)
                load.note(0.02)

        await work(0.7)
        assert not load.is_over
        await work(0.95)
        assert load.is_over
        await clock.advance(1.0)  # they fell silent
        assert not load.is_over
        unlimited = Load(clock, 0.0)
        unlimited.work(1.0, 60.0)
        assert not unlimited.is_over

    @pytest.mark.parametrize("kind", ["messages", "pings"])
    async def test_a_client_that_sends_too_many_messages_is_closed(self, start: Start, kind: str) -> None:
        clock = VirtualClock()
        async with start(clock=clock, messages_per_second=10, message_burst=20) as server:
            client = await server.session()
            for _ in range(50):  # as many as it may
                await client.send(8, client_pause=pb.ClientPause(req_id="r"))
                assert (await client.next()).type == pb.MESSAGE_TYPE_SERVER_PLAYBACK_STATE
                await clock.advance(0.1)
            for _ in range(30):
                if kind == "pings":
                    await client.socket.ping()
                else:
                    await client.audio("r", b"")
            last = await client.next()

            assert (last.server_error.code, last.server_error.message[:17]) == (3, "too many messages")
            assert (await client.closed())[0] == 1008

    async def test_messages_need_not_be_limited(self, start: Start) -> None:
        async with start(messages_per_second=0, message_burst=1) as server:
            client = await server.session()
            for _ in range(50):
                await client.audio("r", tone(0.02))
            await client.audio("r", end=True)

            assert frames_of(await client.until_end("r")) == 25

    async def test_a_client_that_does_not_read_is_closed_and_costs_little(self, start: Start) -> None:
        clock = VirtualClock()
        async with start(clock=clock, slow_reader_timeout_s=5) as server:
            client = await server.session()
            client.socket.transport.pause_reading()
            (connection,) = server.services.sessions
            for end, option in ((client.socket, socket.SO_RCVBUF), (connection._socket._transport, socket.SO_SNDBUF)):
                transport = getattr(end, "transport", end)
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, 8192)

            async def talk() -> None:
                for number in itertools.count():  # faster than real time, until nobody listens any more
                    await client.audio(f"r{number}", tone(60.0), end=True)

            talking = asyncio.create_task(talk())
            try:
                await until(lambda: connection._slow_since_s is not None)
                waiting = connection._socket._transport.get_write_buffer_size()
                await clock.advance(6)
            finally:
                talking.cancel()
                client.socket.transport.abort()

            assert server.services.sessions.total() == 0
            assert waiting < 1024 * 1024


@pytest.mark.parametrize(("bytes_", "code"), [(b"\x82\x01a", 1002), (b"\x81\x81\0\0\0\0\xff", 1007)])
async def test_bytes_that_are_no_frames_are_explained_and_closed(server: Running, bytes_: bytes, code: int) -> None:
    client = await server.session()
    client.socket.transport.write(bytes_)

    assert (await client.next()).server_error.code == 3
    assert (await client.closed())[0] == code


class TestDrain:
    async def test_the_running_round_finishes_and_new_sessions_are_refused(self, start: Start) -> None:
        gate = threading.Event()

        def wait() -> None:
            assert gate.wait(20)

        async with start(engine=LoudnessEngine(wait)) as server:
            idle, speaking = await server.session(), await server.session()
            await speaking.audio("r", tone(1.0), end=True)
            await until(lambda: not all(c._speech.is_idle for c in server.services.sessions))
            draining = asyncio.create_task(server.services.drain())
            assert await idle.closed() == (1001, "the server is going away")
            assert (await refusal(server))[0] == 503
            readiness = await server.http.get("/readyz")
            assert (readiness.status_code, readiness.json()) == (503, {"status": "going away"})
            assert (await server.http.get("/healthz")).status_code == 200
            assert not draining.done()
            gate.set()

            assert frames_of(await speaking.until_end("r")) == 25
            assert (await speaking.closed())[0] == 1001
            await draining

    async def test_a_round_that_takes_too_long_is_cut_off(self, start: Start) -> None:
        clock = VirtualClock()
        async with start(clock=clock, drain_timeout_s=30) as server:
            client = await server.session()
            await client.audio("r", tone(0.2))  # and no end
            await client.next()
            draining = asyncio.create_task(server.services.drain())
            await clock.advance(29)
            assert not draining.done()
            await clock.advance(2)
            await draining

            assert (await client.next()).server_error.code == 4503
            assert (await client.closed())[0] == 4503


async def test_motion_of_a_speech_sent_at_once_comes_in_few_messages(server: Running) -> None:
    client = await server.session()
    await client.audio("r", tone(20.0), end=True)
    replies = await client.until_end("r")

    assert frames_of(replies) == 500
    assert sum(reply.ByteSize() + 6 for reply in replies) / 20 < 1640  # 1600 bytes are the frames themselves


async def test_all_sessions_take_part_in_one_step(start: Start) -> None:
    class Batched(LoudnessEngine):
        sizes: list[int] = []  # noqa: RUF012 - of this test alone

        def advance(self, streams: list[object]) -> None:
            self.sizes.append(len(streams))

    gate = threading.Event()
    engine = Batched(lambda: gate.wait(20))
    async with start(engine=engine) as server:
        clients = [await server.session() for _ in range(4)]
        for client in clients:
            await client.audio("r", tone(0.2), end=True)
        await until(lambda: len(server.services.sessions._connections) == 4)
        await until(lambda: sum(not c._speech.is_idle for c in server.services.sessions) == 4)
        gate.set()
        for client in clients:
            assert frames_of(await client.until_end("r")) == 5

    assert max(engine.sizes) >= 3  # the first may have begun alone


class TestTimers:
    async def test_they_call_in_order_and_not_when_cancelled(self) -> None:
        clock, called = VirtualClock(), []
        timers = Timers(clock)
        timers.at(5, lambda: called.append(5))
        timers.at(2, lambda: called.append(2))
        timers.at(3, lambda: called.append(3)).cancel()
        timers.at(4, lambda: timers.at(4.5, lambda: called.append(4.5)))
        await clock.advance(10)

        assert called == [2, 4.5, 5]

    async def test_short_sessions_leave_nothing_behind(self) -> None:
        timers = Timers(VirtualClock())
        for number in range(5000):
            timers.at(1000 + number, lambda: None).cancel()

        assert len(timers._waiting) < 600
        timers.close()


async def test_a_stopping_server_closes_an_open_session_cleanly(start: Start) -> None:
    async with start() as server:
        client = await server.session()
        started_s = time.monotonic()
        server.server.should_exit = True

        assert (await client.closed())[0] == 1001
        assert time.monotonic() >= started_s
