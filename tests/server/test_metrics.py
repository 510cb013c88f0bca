"""``/metrics`` tells what the server did, to those who may know."""

from __future__ import annotations

import re

import pytest
from server_kit import Running, Start, tone, until
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

pytest.importorskip("prometheus_client", reason="metrics need prometheus-client")


async def numbers(server: Running) -> dict[str, float]:
    reply = await server.http.get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = re.findall(r"^(avatarkit_\S+) (\S+)$", reply.text, re.MULTILINE)
    return {name: float(value) for name, value in found if "_created" not in name}


async def test_a_session_leaves_its_numbers(server: Running) -> None:
    client = await server.session()
    await client.audio("one", tone(2.0), end=True)
    await client.until_end("one")
    await client.audio("two", tone(0.4))
    assert (await numbers(server))["avatarkit_sessions"] == 1
    await client.interrupt("two")
    await client.until_end("two")
    await client.socket.close()
    await until(lambda: server.services.sessions.total() == 0)

    seen = await numbers(server)

    assert seen["avatarkit_sessions"] == 0
    assert seen['avatarkit_sessions_closed_total{code="1000"}'] == 1
    assert seen['avatarkit_turns_total{outcome="whole"}'] == 1
    assert seen['avatarkit_turns_total{outcome="dropped"}'] == 1
    assert seen["avatarkit_audio_seconds_total"] == pytest.approx(2.4)
    assert seen["avatarkit_frames_total"] >= 50
    assert seen["avatarkit_frame_lateness_seconds_count"] >= 50
    assert 1 <= seen["avatarkit_first_motion_seconds_count"] <= 2
    assert seen["avatarkit_engine_step_seconds_count"] == seen["avatarkit_engine_batch_size_count"] >= 1
    assert seen['avatarkit_http_seconds_count{method="GET",route="show_metrics",status="200"}'] >= 1


async def test_errors_and_refusals_are_counted_by_their_numbers(server: Running) -> None:
    client = await server.open()
    await client.configure(11_025)
    told = (await client.next()).server_error.code
    assert (await client.closed())[0] == 1008
    with pytest.raises(InvalidStatus):
        await connect(server.ws_url + "?id=ada", additional_headers={"X-App-ID": "a", "X-Session-Key": "b"})
    await server.http.get("/no-such-path")
    await until(lambda: server.services.sessions.total() == 0)

    seen = await numbers(server)

    assert seen[f'avatarkit_errors_total{{code="{told}"}}'] == 1
    assert seen['avatarkit_sessions_closed_total{code="1008"}'] == 1
    assert seen['avatarkit_refused_total{status="400"}'] == 1
    assert seen['avatarkit_http_seconds_count{method="GET",route="none",status="404"}'] == 1


async def test_a_set_key_is_asked_for(start: Start) -> None:
    async with start(metrics_key="m3trics") as server:
        for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "m3trics"}):
            assert (await server.http.get("/metrics", headers=header)).status_code == 403
        reply = await server.http.get("/metrics", headers={"Authorization": "Bearer m3trics"})
        assert reply.status_code == 200


async def test_without_a_key_nothing_is_told_through_a_proxy(server: Running) -> None:
    for header in ({"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}):
        assert (await server.http.get("/metrics", headers=header)).status_code == 403
