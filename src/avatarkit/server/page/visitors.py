"""Who may use what the page offers without signing in."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from avatarkit.server.http.problems import Problem
from avatarkit.server.settings import Settings

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
