"""Metered sessions: who may open one and what it is charged. Each test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from conftest import OpenStore

from avatarkit.clock import VirtualClock
from avatarkit.server.store.database import Store
from avatarkit.server.store.meter import SessionMeter, SessionRefused
from avatarkit.server.store.metering import EndReason, Refusal, SessionGrant, SessionRequest
from avatarkit.server.store.sessions import STALE_MS


def request(app_id: str, session_id: str = "s", **more: Any) -> SessionRequest:
    values: dict[str, Any] = {"token_id": f"t-{session_id}", "token_issued_at_ms": 1000, "token_expires_at": 9999}
    return SessionRequest(session_id=session_id, app_id=app_id, avatar_id="ada", **values | more)


async def opened(
    store: Store, wanted: SessionRequest, *, now_ms: int = 2000, most: int = 10, server: str = "one"
) -> SessionGrant | Refusal:
    return await store.sessions.open(wanted, server_id=server, host="here", now_ms=now_ms, max_sessions=most)


async def used_s(store: Store, app_id: str, now_ms: int) -> float:
    return (await store.apps.usage(app_id, now_ms=now_ms)).credit_used_s


async def test_seconds_count_from_confirmation_to_close(any_store: Store) -> None:
    app = await any_store.apps.create("shop", now=1)

    await opened(any_store, request(app.id), now_ms=10_000)
    assert await used_s(any_store, app.id, 14_000) == 0
    await any_store.sessions.confirm("s", now_ms=15_000)
    await any_store.sessions.beat("one", app_ids=[app.id], now_ms=17_400)
    assert await used_s(any_store, app.id, 17_500) == 2.5
    assert await any_store.sessions.close("s", reason="client left", now_ms=19_250) == 4250
    assert await any_store.sessions.close("s", reason="again", now_ms=30_000) == 0

    assert await used_s(any_store, app.id, 99_000) == 4.25
    (record,) = await any_store.session_log.newest(now_ms=99_000)
    assert (record.charged_s, record.end_reason, record.ended_at) == (4.25, "client left", 19.25)


async def test_a_session_that_was_never_confirmed_costs_nothing(any_store: Store) -> None:
    app = await any_store.apps.create("shop", now=1)
    await opened(any_store, request(app.id))

    assert await any_store.sessions.close("s", reason="client left", now_ms=99_000) == 0


@pytest.mark.parametrize(("own", "server", "fits"), [(None, 2, 2), (1, 2, 1), (9, 2, 2), (0, 2, 0)])
async def test_places_are_the_smaller_of_the_apps_and_the_servers(
    any_store: Store, own: int | None, server: int, fits: int
) -> None:
    app = await any_store.apps.create("shop", now=1)
    other = await any_store.apps.create("other", now=1)
    await any_store.apps.set_quotas(app.id, {"max_sessions": own})

    results = [await opened(any_store, request(app.id, f"s{n}"), most=server) for n in range(3)]

    assert [isinstance(result, SessionGrant) for result in results] == [n < fits for n in range(3)]
    assert set(results[fits:]) == {Refusal.CONCURRENCY_LIMIT}
    assert isinstance(await opened(any_store, request(other.id, "o"), most=server), SessionGrant)
    if fits:
        await any_store.sessions.close("s0", reason="client left", now_ms=3000)
        assert isinstance(await opened(any_store, request(app.id, "again"), most=server), SessionGrant)


async def test_of_many_opening_at_once_no_more_get_in_than_there_are_places(open_store: OpenStore) -> None:
    stores = [await open_store(), await open_store()]
    app = await stores[0].apps.create("shop", now=1)

    results = await asyncio.gather(
        *(opened(stores[n % 2], request(app.id, f"s{n}"), most=3, server=f"server{n % 2}") for n in range(12))
    )

    assert sum(isinstance(result, SessionGrant) for result in results) == 3


async def test_of_many_using_one_single_use_token_at_once_one_gets_in(open_store: OpenStore) -> None:
    stores = [await open_store(), await open_store()]
    app = await stores[0].apps.create("shop", now=1)
    wanted = [request(app.id, f"s{n}", token_id="once", single_use=True) for n in range(8)]

    results = await asyncio.gather(
        *(opened(stores[n % 2], one, server=f"server{n % 2}") for n, one in enumerate(wanted))
    )

    assert sum(isinstance(result, SessionGrant) for result in results) == 1
    assert results.count(Refusal.TOKEN_USED) == 7


async def test_a_refused_session_does_not_use_its_token_up(any_store: Store) -> None:
    app = await any_store.apps.create("shop", now=1)
    await opened(any_store, request(app.id, "first"), most=1)
    wanted = request(app.id, "second", single_use=True)

    assert await opened(any_store, wanted, most=1) is Refusal.CONCURRENCY_LIMIT
    await any_store.sessions.close("first", reason="client left", now_ms=3000)

    assert isinstance(await opened(any_store, wanted, most=1), SessionGrant)


async def test_a_revoked_token_opens_nothing_on_any_server(open_store: OpenStore) -> None:
    one, two = await open_store(), await open_store()
    app = await one.apps.create("shop", now=1)

    assert await one.tokens.revoke("t-s", app_id=app.id, expires_at=9999)
    assert not await one.tokens.revoke("t-s", app_id=app.id, expires_at=9999)

    assert await opened(two, request(app.id)) is Refusal.TOKEN_REVOKED
    assert isinstance(await opened(two, request(app.id, "other")), SessionGrant)


async def test_all_tokens_of_an_app_until_now_can_be_revoked(any_store: Store) -> None:
    app, other = await any_store.apps.create("shop", now=1), await any_store.apps.create("other", now=1)
    await any_store.tokens.revoke_all(app.id, now_ms=5000)

    assert await opened(any_store, request(app.id, "a", token_issued_at_ms=4999)) is Refusal.TOKEN_REVOKED
    assert isinstance(await opened(any_store, request(app.id, "b", token_issued_at_ms=5000)), SessionGrant)
    assert isinstance(await opened(any_store, request(other.id, "c", token_issued_at_ms=1)), SessionGrant)


async def test_with_its_key_a_token_is_revoked(any_store: Store) -> None:
    app = await any_store.apps.create("shop", now=1)
    key = await any_store.keys.create(app.id, now=1)
    assert isinstance(await opened(any_store, request(app.id, "a", key_prefix=key.prefix)), SessionGrant)

    await any_store.keys.revoke(key.prefix, now=2)

    assert await opened(any_store, request(app.id, "b", key_prefix=key.prefix)) is Refusal.TOKEN_REVOKED


async def test_an_unknown_and_a_disabled_app_open_nothing(any_store: Store) -> None:
    app = await any_store.apps.create("shop", now=1)
    await any_store.apps.set_disabled(app.id, at=2)

    assert await opened(any_store, request("app_none")) is Refusal.APP_UNKNOWN
    assert await opened(any_store, request(app.id)) is Refusal.APP_UNKNOWN


async def test_the_longest_session_is_the_shorter_of_app_and_token(any_store: Store) -> None:
    app = await any_store.apps.create("shop", now=1)
    free = await opened(any_store, request(app.id, "free"))
    await any_store.apps.set_quotas(app.id, {"max_session_s": 60})

    assert free == SessionGrant(None)
    assert await opened(any_store, request(app.id, "a")) == SessionGrant(60)
    assert await opened(any_store, request(app.id, "b", max_seconds=30)) == SessionGrant(30)
    assert await opened(any_store, request(app.id, "c", max_seconds=90)) == SessionGrant(60)


async def test_credits_are_shared_by_the_apps_sessions_on_all_servers(open_store: OpenStore) -> None:
    one, two = await open_store(), await open_store()
    app = await one.apps.create("shop", now=1)
    await one.apps.set_quotas(app.id, {"credit_limit_s": 10})
    for store, name in ((one, "a"), (two, "b")):
        await opened(store, request(app.id, name), now_ms=0, server=name)
        await store.sessions.confirm(name, now_ms=0)

    early = [await one.sessions.beat(name, app_ids=[app.id], now_ms=4900) for name in ("a", "b")]
    late = [await one.sessions.beat(name, app_ids=[app.id], now_ms=5000) for name in ("a", "b")]

    assert [beat.ending for beat in early] == [{}, {}]
    assert [beat.ending for beat in late] == [
        {"a": EndReason.CREDITS_EXHAUSTED},
        {"b": EndReason.CREDITS_EXHAUSTED},
    ]
    assert await opened(one, request(app.id, "c"), now_ms=5000) is Refusal.CREDITS_EXHAUSTED
    await one.apps.set_quotas(app.id, {"credit_limit_s": 100})
    assert isinstance(await opened(one, request(app.id, "c"), now_ms=5000), SessionGrant)


async def test_a_server_that_died_is_never_charged_more_than_half_a_second_that_it_did_not_live(
    any_store: Store,
) -> None:
    app = await any_store.apps.create("shop", now=1)
    await opened(any_store, request(app.id), now_ms=0)
    await any_store.sessions.confirm("s", now_ms=0)
    for beat_ms in range(500, 20_001, 500):
        await any_store.sessions.beat("one", app_ids=[app.id], now_ms=beat_ms)
    killed_ms = 20_100

    charged = [await used_s(any_store, app.id, now_ms) for now_ms in range(killed_ms, killed_ms + 30_000, 700)]

    assert min(charged) >= killed_ms / 1000 - 0.5
    assert max(charged) <= killed_ms / 1000 + 0.5


async def test_a_dead_servers_sessions_are_charged_to_its_last_beat_and_hold_no_place(any_store: Store) -> None:
    app = await any_store.apps.create("shop", now=1)
    await opened(any_store, request(app.id), now_ms=1000, server="dead")
    await any_store.sessions.confirm("s", now_ms=1000)
    await any_store.sessions.beat("dead", app_ids=[app.id], now_ms=61_500)
    later = 61_500 + STALE_MS + 1

    assert await opened(any_store, request(app.id, "b"), now_ms=later - 1, most=1, server="new") is (
        Refusal.CONCURRENCY_LIMIT
    )
    assert await used_s(any_store, app.id, later) == 60.5
    assert isinstance(await opened(any_store, request(app.id, "c"), now_ms=later, most=1, server="new"), SessionGrant)
    assert await any_store.sessions.forget_dead_servers(now_ms=later) == 1
    assert await used_s(any_store, app.id, later) == 60.5
    assert (await any_store.sessions.beat("dead", app_ids=[app.id], now_ms=later)).is_lost
    record = await any_store.session_log.get("s", now_ms=later)
    assert record is not None
    assert (record.charged_s, record.end_reason) == (60.5, "server lost")


async def test_old_records_and_expired_tokens_are_forgotten(any_store: Store) -> None:
    app = await any_store.apps.create("shop", now=1)
    for name in ("old", "open"):
        await opened(any_store, request(app.id, name, single_use=True, token_expires_at=50))
    await any_store.sessions.close("old", reason="client left", now_ms=3000)

    await any_store.sessions.forget_old(now_ms=100_000, keep_ms=90_000)

    assert [one.id for one in await any_store.session_log.newest(now_ms=100_000)] == ["open"]
    again = request(app.id, "x", token_id="t-old", single_use=True)
    assert isinstance(await opened(any_store, again, now_ms=100_000), SessionGrant)


class Metered:
    """A meter in virtual time."""

    def __init__(self, store: Store) -> None:
        self.clock = VirtualClock()
        self.meter = SessionMeter(
            store.sessions, clock=self.clock, unix_time=lambda: 1000 + self.clock.now(), max_sessions=5
        )


async def test_a_lease_is_told_to_end_when_the_operator_says_so(any_store: Store) -> None:
    metered = Metered(any_store)
    app = await any_store.apps.create("shop", now=1)
    leases = [await metered.meter.open(request(app.id, name)) for name in ("a", "b")]
    waiting = [asyncio.create_task(lease.ended()) for lease in leases]

    assert await any_store.session_log.ask_end("b")
    assert not await any_store.session_log.ask_end("nobody")
    await metered.meter.beat()

    assert await waiting[1] is EndReason.OPERATOR
    assert not waiting[0].done()
    waiting[0].cancel()
    assert metered.meter.total() == 2
    for lease in leases:
        await lease.close("ended")
        await lease.close("twice")
    assert metered.meter.total() == 0
    await metered.meter.stop()


async def test_disabling_an_app_ends_its_sessions(any_store: Store) -> None:
    metered = Metered(any_store)
    app = await any_store.apps.create("shop", now=1)
    lease = await metered.meter.open(request(app.id))

    await any_store.apps.set_disabled(app.id, at=5)
    await metered.meter.beat()

    assert await lease.ended() is EndReason.APP_DISABLED
    await metered.meter.stop()


async def test_a_server_held_for_dead_ends_its_sessions(any_store: Store) -> None:
    metered = Metered(any_store)
    app = await any_store.apps.create("shop", now=1)
    lease = await metered.meter.open(request(app.id))

    await any_store.sessions.forget_dead_servers(now_ms=1_000_000 + STALE_MS + 1)
    await metered.meter.beat()

    assert await lease.ended() is EndReason.LOST
    await metered.meter.stop()


async def test_a_server_that_stood_still_does_not_hold_itself_for_dead(any_store: Store) -> None:
    metered = Metered(any_store)
    app = await any_store.apps.create("shop", now=1)
    lease = await metered.meter.open(request(app.id))
    await metered.clock.advance(10 * STALE_MS / 1000)  # a laptop that slept, a machine that had no time

    metered.meter.start()
    await asyncio.gather(metered.meter.tidy(), metered.meter.beat())

    assert await any_store.session_log.newest(now_ms=1, only_open=True)
    assert lease.is_open
    await metered.meter.stop()


async def test_a_meter_that_stops_closes_and_charges_what_is_open(any_store: Store) -> None:
    metered = Metered(any_store)
    app = await any_store.apps.create("shop", now=1)
    lease = await metered.meter.open(request(app.id))
    await lease.confirm()
    await metered.clock.advance(3)

    await metered.meter.stop()

    assert await used_s(any_store, app.id, 9_999_999) == 3
    with pytest.raises(SessionRefused, match="app unknown"):
        await metered.meter.open(request("app_none"))
