"""Does it really work: the engine on a second of audio, the database, and a running server?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Final

import httpx

from avatarkit.cli.doctor.finding import Finding, advice, failed, ok
from avatarkit.errors import AvatarError
from avatarkit.server.settings import Settings

_RATE_HZ: Final = 16_000
_MOST_SKEW_S: Final = 30.0


def check_engine(settings: Settings) -> Iterator[Finding]:
    """The motion engine loads, and a second of audio takes less than a second."""
    from avatarkit.motion import open_engine  # noqa: PLC0415 - loads numpy and the engine

    try:
        engine = open_engine(settings.engine)
        started_s = time.perf_counter()
        stream = engine.open(_RATE_HZ)
        stream.push(bytes(2 * _RATE_HZ))
        stream.finish()
        frames = len(stream.take())
        took_s = time.perf_counter() - started_s
    except AvatarError as exc:
        yield failed("Motion engine", exc.message, exc.hint or "Choose another with --engine.")
        return
    if took_s > 1.0:
        yield failed(
            "Motion engine",
            f"'{settings.engine}' needs {took_s:.1f} s for 1 s of speech",
            "Use a faster machine, or --engine envelope.",
        )
    else:
        yield ok(
            "Motion engine", f"'{settings.engine}' makes {frames} frames of 1 s of speech in {took_s * 1000:.0f} ms"
        )


def check_running(url: str) -> Iterator[Finding]:
    """A server at that address: reachable, ready, of this version, with the right time."""
    address = url.rstrip("/")
    try:
        with httpx.Client(base_url=address, timeout=30.0) as http:
            health, ready = http.get("/healthz"), http.get("/readyz")
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        yield failed(
            "Server",
            f"{address} cannot be reached ({type(exc).__name__})",
            "Is it running, and is the address right?",
        )
        return
    try:
        theirs = str(health.json()["version"])
    except (ValueError, KeyError, TypeError):
        yield failed("Server", f"what answers at {address} is no AvatarKit server", "Check the address.")
        return
    if ready.status_code == httpx.codes.OK:
        yield ok("Server", f"{address} is ready")
    else:
        yield failed(
            "Server", f"{address} is up but not ready", "Its log says why: the store or the engine did not open."
        )
    ours = version("pyavatarkit")
    if theirs == ours:
        yield ok("Version", f"the server runs {theirs}, as this command does")
    else:
        yield advice("Version", f"the server runs {theirs}, this command {ours}", "Use the same version on both.")
    yield from _clock(health)


def _clock(reply: httpx.Response) -> Iterator[Finding]:
    try:
        theirs_s = parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return
    skew_s = abs(theirs_s - time.time())
    if skew_s > _MOST_SKEW_S:
        yield failed(
            "Clock", f"the server's differs by {skew_s:.0f} s: tokens expire at the wrong time", "Set both by NTP."
        )
    else:
        yield ok("Clock", "the server's agrees with this machine's")
