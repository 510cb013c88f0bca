"""``/`` for people, ``/healthz`` and ``/readyz`` for machines."""

from __future__ import annotations

import html
from importlib.metadata import version
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from avatarkit.server.services import services_of

_HERE: Final = Path(__file__).parent
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


async def show_page(request: Request) -> Response:
    """What this server is and how to connect."""
    address = str(request.base_url).rstrip("/")
    text = (_HERE / "index.html").read_text("utf-8")
    for name, value in {"version": version("pyavatarkit"), "address": address}.items():
        text = text.replace("{{" + name + "}}", html.escape(value))
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})


async def show_style(_request: Request) -> Response:
    """The page's style sheet."""
    return FileResponse(_HERE / "style.css", media_type="text/css", headers={"Cache-Control": "no-cache"})


async def show_health(request: Request) -> JSONResponse:
    """200 as soon as the server answers at all."""
    sessions = services_of(request).sessions.total()
    answer = {"status": "ok", "version": version("pyavatarkit"), "sessions": sessions}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


async def show_readiness(request: Request) -> JSONResponse:
    """200 once the store and the motion engine are open, which it waits for; 503 when one cannot be opened."""
    services = services_of(request)
    try:
        await services.store()
        await services.engine()
    except Exception:  # whatever it was, it is in the log; here only the fact counts
        return JSONResponse({"status": "failed"}, 503, headers={"Cache-Control": "no-store"})
    return JSONResponse({"status": "ready"}, headers={"Cache-Control": "no-store"})


routes = [
    Route("/", show_page, methods=["GET"]),
    Route("/style.css", show_style, methods=["GET"]),
    Route("/healthz", show_health, methods=["GET"]),
    Route("/readyz", show_readiness, methods=["GET"]),
]
