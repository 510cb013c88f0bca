"""Addresses that ask too much wait; this machine and other addresses do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from avatarkit.clock import VirtualClock
from avatarkit.server.buckets import Buckets
from avatarkit.server.http.rates import RateLimits


@dataclass
class App:
    """Answers with a status, and counts."""

    status: int = 200
    asked: int = 0
    kinds: dict[str, str] = field(
        default_factory=lambda: {"http": "http.response", "websocket": "websocket.http.response"}
    )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        kind = self.kinds[scope["type"]]
        await send({"type": f"{kind}.start", "status": self.status, "headers": []})
        await send({"type": f"{kind}.body", "body": b""})


async def ask(limits: RateLimits, address: str, *, kind: str = "http", path: str = "/v1/x") -> Message:
    sent: list[Any] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": f"{kind}.connect"}

    scope = {"type": kind, "path": path, "method": "GET", "headers": [], "client": (address, 1)}
    await limits(scope, receive, send)
    return sent[0]


async def test_a_minutes_worth_at_once_and_then_as_time_brings_them_back() -> None:
    clock, app = VirtualClock(), App()
    limits = RateLimits(app, 60, 0, clock)
    assert [(await ask(limits, "203.0.113.5"))["status"] for _ in range(61)] == [200] * 60 + [429]
    await clock.advance(1.0)
    assert [(await ask(limits, "203.0.113.5"))["status"] for _ in range(2)] == [200, 429]
    await clock.advance(600.0)
    assert [(await ask(limits, "203.0.113.5"))["status"] for _ in range(61)] == [200] * 60 + [429]


async def test_the_answer_tells_how_long_to_wait() -> None:
    limits = RateLimits(App(), 2, 0, VirtualClock())
    for _ in range(2):
        await ask(limits, "203.0.113.5")
    for kind in ("http", "websocket"):
        reply = await ask(limits, "203.0.113.5", kind=kind)
        assert reply["status"] == 429
        assert dict(reply["headers"])[b"retry-after"] == b"30"


@pytest.mark.parametrize(("kind", "status"), [("http", 401), ("http", 403), ("websocket", 400), ("websocket", 401)])
async def test_guessing_keys_or_tokens_is_slowed_down(kind: str, status: int) -> None:
    clock, app = VirtualClock(), App(status)
    limits = RateLimits(app, 0, 3, clock)
    assert [(await ask(limits, "203.0.113.5", kind=kind))["status"] for _ in range(5)] == [status] * 3 + [429] * 2
    assert app.asked == 3
    await clock.advance(20.0)
    assert (await ask(limits, "203.0.113.5", kind=kind))["status"] == status


async def test_answers_that_are_no_refusals_cost_nothing() -> None:
    for kind, status in (
        ("http", 200),
        ("http", 400),
        ("http", 404),
        ("http", 500),
        ("websocket", 404),
        ("websocket", 503),
    ):
        limits = RateLimits(App(status), 0, 1, VirtualClock())
        assert [(await ask(limits, "203.0.113.5", kind=kind))["status"] for _ in range(3)] == [status] * 3


async def test_each_address_has_its_own_and_an_ipv6_network_shares_one() -> None:
    limits = RateLimits(App(), 1, 0, VirtualClock())
    addresses = ["203.0.113.5", "203.0.113.6", "::ffff:203.0.113.5", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]
    assert [(await ask(limits, a))["status"] for a in addresses] == [200, 200, 429, 200, 429, 200]


async def test_this_machine_and_probes_are_not_limited() -> None:
    limits = RateLimits(App(), 1, 1, VirtualClock())
    for address in ("127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1", ""):
        assert [(await ask(limits, address))["status"] for _ in range(5)] == [200] * 5
    assert [(await ask(limits, "203.0.113.5", path="/healthz"))["status"] for _ in range(5)] == [200] * 5


async def test_memory_is_bounded() -> None:
    buckets = Buckets(1 / 60, 1, VirtualClock())
    for number in range(50_000):
        buckets.take(str(number))
    assert len(buckets._buckets) <= 20_000
    assert buckets.wait_s("49999") == pytest.approx(60.0)
