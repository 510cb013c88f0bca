"""Who may use what the page offers without signing in."""

from __future__ import annotations

import ipaddress
import math
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.requests import Request

from avatarkit.server.buckets import Buckets
from avatarkit.server.first_start import DEMO_APP
from avatarkit.server.http.problems import Problem
from avatarkit.server.settings import Settings

if TYPE_CHECKING:
    from avatarkit.server.store.records import App

_LOOPBACK_NAMES: Final = frozenset(("localhost", "127.0.0.1", "::1"))


def check_origin(request: Request) -> None:
    """:class:`Problem` 403 when a browser sends it on behalf of a page that is not ours."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    ours = request.headers.get("host", "")
    if site != "same-origin" or (origin is not None and urlsplit(origin).netloc != ours):
        raise Problem(403, "forbidden", "This is for the server's own page only")


def is_guest(request: Request, settings: Settings) -> bool:
    """Whether the visitor may use the demo app: as the setting ``page_demo`` says.

    A visitor from this machine must also ask for it by a loopback name: a page elsewhere whose own name was made to
    point here (DNS rebinding) is none. What came through a proxy is none either.
    """
    if settings.page_demo != "local":
        return settings.page_demo == "everyone"
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        name = urlsplit(f"//{request.headers.get('host', '')}").hostname
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return address.is_loopback and name in _LOOPBACK_NAMES


def check_guest(request: Request, settings: Settings) -> None:
    """:class:`Problem` 403 for others than guests, and for other pages than ours."""
    check_origin(request)
    if not is_guest(request, settings):
        raise Problem(
            403, "signInNeeded", "Sign in with an App ID and a session token", "The demo is not open to you here."
        )


def demo_app(apps: list[App]) -> App:
    """The app in whose name guests do things; :class:`Problem` 403 where there is none."""
    for app in apps:
        if app.name == DEMO_APP and app.disabled_at is None:
            return app
    raise Problem(403, "signInNeeded", "Sign in with an App ID and a session token", "There is no demo app any more.")


def take_turn(buckets: Buckets, request: Request) -> None:
    """Count a request of an address; :class:`Problem` 429 when there were too many."""
    name = request.client.host if request.client else ""
    wait_s = math.ceil(buckets.wait_s(name))
    if wait_s > 0:
        raise Problem(429, "rateLimited", "Too many requests", f"Wait {wait_s} s.", retry_after_s=wait_s)
    buckets.take(name)
