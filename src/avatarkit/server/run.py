"""Running the app: bind, serve, announce, stop cleanly."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import ssl
from collections.abc import Callable
from importlib.util import find_spec
from typing import Final

import uvicorn

from avatarkit.errors import ErrorCode, error
from avatarkit.server.app import create_app
from avatarkit.server.first_start import StartReport, prepare_store
from avatarkit.server.http.connection import LimitedHttp
from avatarkit.server.ingress.upgrade import UpgradeProtocol
from avatarkit.server.memory import keep_freed_memory
from avatarkit.server.services import Services
from avatarkit.server.settings import Settings

OnReady = Callable[[str, StartReport], None]
"""Called once with the server's URL when everything is open."""

_ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Set before numpy loads: its matrices here are too small to be shared among threads, which would only wait for each
other. ``engine_threads`` is what spreads the work."""
_SHUTDOWN_TIMEOUT_S: Final = 3
_FORCE_CHECK_S: Final = 0.2
"""How often a server that is stopping looks whether it shall stop at once."""


def serve(settings: Settings, *, on_ready: OnReady) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        AvatarError: ``configurationInvalid`` when the address cannot be bound; whatever kept the store or
            the motion engine from opening.
    """
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    keep_freed_memory()
    listener = bind(settings.host, settings.port)
    check_tls(settings)
    with listener:
        server = AvatarServer(Services(settings), listener, lambda url, report: _settle(on_ready, url, report))
        # The default handlers would end the process with a signal's status after the clean shutdown.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _ignore)
        server.run(sockets=[listener])
    if server.failure is not None:
        raise server.failure


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one.

    Raises:
        AvatarError: ``configurationInvalid``, with what is in the way.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as exc:
        raise error(
            ErrorCode.CONFIGURATION_INVALID,
            f"Cannot listen on {host} port {port}: {exc.strerror or exc}.",
            hint="Choose another with --port; 0 takes a free one.",
        ) from exc


def check_tls(settings: Settings) -> None:
    """Load certificate and key, if there are any.

    Raises:
        AvatarError: ``configurationInvalid`` when they cannot be used together.
    """
    if settings.tls_certificate is None or settings.tls_key is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError) as exc:
        reason = exc.strerror or getattr(exc, "reason", "") or type(exc).__name__
        raise error(
            ErrorCode.CONFIGURATION_INVALID,
            f"The TLS certificate and key cannot be used: {reason}.",
            hint="Both are PEM files, the key without a passphrase; the chain begins with the server's certificate.",
        ) from None


def url_of(listener: socket.socket, *, tls: bool = False) -> str:
    """URL under which a listening socket is reached from this machine."""
    host, port = listener.getsockname()[:2]
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    scheme = "https" if tls else "http"
    return f"{scheme}://[{local}]:{port}" if ":" in local else f"{scheme}://{local}:{port}"


class AvatarServer(uvicorn.Server):
    """uvicorn with our limits, that announces when the store and the engine are open.

    Args:
        services: The server's; started by the app's lifespan.
        listener: Bound and listening.
        on_ready: See :data:`OnReady`.

    Attributes:
        failure: What kept it from getting ready, or ``None``.
    """

    def __init__(self, services: Services, listener: socket.socket, on_ready: OnReady) -> None:
        settings = services.settings
        super().__init__(
            uvicorn.Config(
                create_app(services),
                lifespan="on",
                # uvicorn logs whole request lines, and browsers send the session token in the query.
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=list(settings.trusted_proxies),
                ssl_certfile=settings.tls_certificate,
                ssl_keyfile=settings.tls_key,
                loop="uvloop" if find_spec("uvloop") else "asyncio",
                http=LimitedHttp,
                ws=UpgradeProtocol,
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_S,
            )
        )
        self.failure: Exception | None = None
        self._services = services
        self._url = url_of(listener, tls=settings.tls_certificate is not None)
        self._on_ready = on_ready
        self._announcement: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen; the rest opens behind it."""
        await super().startup(sockets)
        self._announcement = asyncio.create_task(self._announce())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the running rounds of speech finish, then stop; an announcement that is still being prepared is given
        up. A second SIGINT stops at once."""
        if self._announcement is not None:
            self._announcement.cancel()
        draining = asyncio.create_task(self._services.drain())
        while not draining.done() and not self.force_exit:
            await asyncio.wait((draining,), timeout=_FORCE_CHECK_S)
        draining.cancel()
        await super().shutdown(sockets)

    async def _announce(self) -> None:
        services = self._services
        try:
            store = await services.store()
            report = await prepare_store(store, services.assets, now=int(services.unix_time()))
            await services.engine()
        except Exception as exc:  # ends the server; raised again by serve()
            self.failure = exc
            self.should_exit = True
            return
        self._on_ready(self._url, report)


def _settle(on_ready: OnReady, url: str, report: StartReport) -> None:
    """Announce, then take what was loaded so far out of the garbage collector's rounds: it stays for good, and going
    through it would make everybody's motion late, again and again."""
    on_ready(url, report)
    gc.collect()
    gc.freeze()


def _ignore(_number: int, _frame: object) -> None:
    """A signal that was dealt with."""
