"""What the routes share: the store, the signer, the motion engine, the open sessions.

The store and the engine take long to load, so both are opened in the background as soon as the server starts;
a route that needs one waits for it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple

from avatarkit.clock import Clock, RealClock
from avatarkit.server.buckets import Buckets
from avatarkit.server.ingress.load import Load
from avatarkit.server.ingress.registry import SessionRegistry
from avatarkit.server.ingress.timers import Timers
from avatarkit.server.library.assets import open_assets
from avatarkit.server.library.cover import Covers
from avatarkit.server.library.jobs import JobRunner
from avatarkit.server.library.visitors import forget_visitors
from avatarkit.server.observe.observer import Observer
from avatarkit.server.observe.open import open_observer
from avatarkit.server.settings import Settings

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from avatarkit.motion.contract import MotionEngine
    from avatarkit.server.console.tokens import TokenClaims, TokenFault, TokenSigner
    from avatarkit.server.ingress.inference import Inference
    from avatarkit.server.store.database import Store
    from avatarkit.server.store.meter import SessionMeter

_OPEN_API_PER_SECOND: Final = 20
"""Requests of one app to the Open API: 1200 a minute."""
_OPEN_API_AT_ONCE: Final = 40
_KEYS_FRESH_S: Final = 30.0
"""Signing keys are read again when they are older than that."""
_KEYS_RETRY_S: Final = 0.25
"""So often at most are they read again because a token names a key that is not there."""

EngineFactory = Callable[[str], "MotionEngine"]
"""Makes the motion engine of a name; called on a worker thread."""


class Services:
    """Everything that one running server holds.

    Args:
        settings: How it was set up.
        clock: Source of durations.
        unix_time: Source of calendar time, in Unix seconds.
        engine_factory: Makes the motion engine; default :func:`avatarkit.motion.open_engine`.
        observer: Watches the server work; default as the settings say.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        unix_time: Callable[[], float] = time.time,
        engine_factory: EngineFactory | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.settings = settings
        self.clock: Clock = clock or RealClock()
        self.unix_time = unix_time
        self.observer = observer or open_observer(settings, self.clock)
        self.assets = open_assets(settings.data, settings.asset_storage)
        self.covers = Covers(self.assets)
        self.timers = Timers(self.clock)
        self.load = Load(self.clock, settings.overload_lateness_s)
        self.sessions = SessionRegistry(settings.connection_limit, self.load)
        self._executors = [
            ThreadPoolExecutor(1, thread_name_prefix="avatarkit-motion")
            for _ in range(settings.engine_threads or os.cpu_count() or 1)
        ]
        self._inferences: Iterator[Inference] | None = None
        self._engine_factory = engine_factory or _open_engine
        self.open_api_rates = Buckets(_OPEN_API_PER_SECOND, _OPEN_API_AT_ONCE, self.clock)
        self._keys_read_s = self.clock.now()
        self._keys_lock = asyncio.Lock()
        self._opening: asyncio.Task[_Opened] | None = None
        self._engine: asyncio.Task[MotionEngine] | None = None

    def start(self) -> None:
        """Begin to open the store and the engine. Needs a running event loop."""
        self._opening = asyncio.create_task(self._open_store())
        self._engine = asyncio.create_task(self._load_engine())

    async def store(self) -> Store:
        """The open store; raises what kept it from opening."""
        return (await self._opened()).store

    async def signer(self) -> TokenSigner:
        """Issues and checks session tokens."""
        return (await self._opened()).signer

    async def meter(self) -> SessionMeter:
        """Opens metered sessions."""
        return (await self._opened()).meter

    async def jobs(self) -> JobRunner:
        """Builds avatars."""
        return (await self._opened()).jobs

    async def check_token(self, token: str) -> TokenClaims | TokenFault:
        """What a session token says, or why it is refused; keys that another process made or dropped count."""
        opened = await self._opened()
        if self.clock.now() - self._keys_read_s > _KEYS_FRESH_S:
            await self.refresh_keys()
        elif not opened.signer.knows(token):
            await self._look_again()
        return opened.signer.check(token, now=self.unix_time())

    async def refresh_keys(self) -> None:
        """Take over signing keys that another process made."""
        opened = await self._opened()
        self._keys_read_s = self.clock.now()
        opened.signer.replace_keys(await opened.store.signing_keys.valid(now=int(self.unix_time())))

    async def _look_again(self) -> None:
        """Read the keys once more, together with all who ask meanwhile and at most once in ``_KEYS_RETRY_S``: a key
        may be younger than the last look, and made-up key names must not cost a query each.
        """
        asked_s = self.clock.now()
        async with self._keys_lock:
            if self._keys_read_s > asked_s:
                return
            await self.clock.sleep_until(self._keys_read_s + _KEYS_RETRY_S)
            await self.refresh_keys()

    async def engine(self) -> MotionEngine:
        """The motion engine."""
        if self._engine is None:
            raise RuntimeError("the services were not started")
        return await asyncio.shield(self._engine)

    async def inference(self) -> Inference:
        """Where a session's speech becomes motion: one of the engine's threads, each in its turn."""
        engine = await self.engine()
        if self._inferences is None:
            from avatarkit.server.ingress.inference import Inference  # noqa: PLC0415 - loads numpy

            self._inferences = itertools.cycle(
                [Inference(engine, thread, self.clock, self.observer, self.load) for thread in self._executors]
            )
        return next(self._inferences)

    async def drain(self) -> None:
        """Let the rounds of all sessions finish, and take no new ones in."""
        from avatarkit.server.ingress.endings import SHUT_DOWN  # noqa: PLC0415 - loads the protocol

        await self.sessions.drain(self.clock, self.settings.drain_timeout_s, SHUT_DOWN)

    async def close(self) -> None:
        """Let go of everything."""
        self.timers.close()
        tasks = [task for task in (self._opening, self._engine) if task is not None]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        if results and not isinstance(results[0], BaseException):
            opened = await self._opened()
            await opened.jobs.stop()
            await opened.meter.stop()
            await opened.store.close()
        for executor in self._executors:
            executor.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self.observer.close)

    async def _opened(self) -> _Opened:
        if self._opening is None:
            raise RuntimeError("the services were not started")
        return await asyncio.shield(self._opening)

    async def _open_store(self) -> _Opened:
        store_type, signer_type, meter_type = await asyncio.to_thread(_import_store)
        store = await store_type.open(self.settings.data, self.settings.database_url)
        signer = signer_type(await store.signing_keys.valid(now=int(self.unix_time())))
        private_sources = self.settings.photo_private_sources
        jobs = JobRunner(store, self.assets, self.unix_time, private_sources=private_sources, clock=self.clock)
        jobs.start()
        meter = meter_type(
            store.sessions,
            clock=self.clock,
            unix_time=self.unix_time,
            max_sessions=self.settings.sessions_per_app,
            tidy=lambda: self._tidy(store),
        )
        meter.start()
        return _Opened(store, signer, meter, jobs)

    async def _tidy(self, store: Store) -> None:
        """At the start and once an hour."""
        await asyncio.to_thread(self.assets.sweep, time.time())
        hours = self.settings.page_photo_hours
        await forget_visitors(store, self.assets, hours=hours, now=int(self.unix_time()))
        if self.settings.audit_days:
            await store.audit.forget(before=int(self.unix_time()) - self.settings.audit_days * 24 * 3600)

    async def _load_engine(self) -> MotionEngine:
        if self._opening is not None:
            await asyncio.wait((self._opening,))  # one after the other: requests need the store first
        return await asyncio.to_thread(self._engine_factory, self.settings.engine)


def services_of(connection: HTTPConnection) -> Services:
    """The services of the app that a request or WebSocket belongs to."""
    services = connection.app.state.services
    assert isinstance(services, Services)
    return services


class _Opened(NamedTuple):
    """What is there once the store is open."""

    store: Store
    signer: TokenSigner
    meter: SessionMeter
    jobs: JobRunner


def _import_store() -> tuple[type[Store], type[TokenSigner], type[SessionMeter]]:
    from avatarkit.server.console.tokens import TokenSigner  # noqa: PLC0415 - see the module's docstring
    from avatarkit.server.store.database import Store  # noqa: PLC0415
    from avatarkit.server.store.meter import SessionMeter  # noqa: PLC0415

    return Store, TokenSigner, SessionMeter


def _open_engine(name: str) -> MotionEngine:
    from avatarkit.motion import open_engine  # noqa: PLC0415 - loads numpy and the engine's tables

    return open_engine(name)
