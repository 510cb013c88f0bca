"""``/`` and ``/console`` for people, ``/healthz`` and ``/readyz`` for machines."""

from __future__ import annotations

import html
from importlib.metadata import version
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from avatarkit.server.page import files, photos, sessions
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
    """The page; where it was not built, what this server is and how to connect."""
    return files.document(request, "index.html", camera=True) if files.is_built() else _plain_page(request)


async def show_console(request: Request) -> Response:
    """The console; where it was not built, the plain page, which says how to."""
    return files.document(request, "console.html") if files.is_built() else _plain_page(request)


def _plain_page(request: Request) -> Response:
    address = str(request.base_url).rstrip("/")
    text = (_HERE / "index.html").read_text("utf-8")
    for name, value in {"version": version("pyavatarkit"), "address": address}.items():
        text = text.replace("{{" + name + "}}", html.escape(value))
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})


async def show_style(_request: Request) -> Response:
    """The plain page's style sheet."""
    return FileResponse(_HERE / "style.css", media_type="text/css", headers={"Cache-Control": "no-cache"})


async def show_health(request: Request) -> JSONResponse:
    """200 as soon as the server answers at all."""
    sessions = services_of(request).sessions.total()
    answer = {"status": "ok", "version": version("pyavatarkit"), "sessions": sessions}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


async def show_readiness(request: Request) -> JSONResponse:
    """200 once the store and the motion engine are open, which it waits for; 503 when one cannot be opened, and while
    the server finishes its last rounds: a load balancer then sends new clients elsewhere."""
    services = services_of(request)
    if services.sessions.is_draining:
        return JSONResponse({"status": "going away"}, 503, headers={"Cache-Control": "no-store"})
    try:
        await services.store()
        await services.engine()
    except Exception:  # whatever it was, it is in the log; here only the fact counts
        return JSONResponse({"status": "failed"}, 503, headers={"Cache-Control": "no-store"})
    return JSONResponse({"status": "ready"}, headers={"Cache-Control": "no-store"})


routes = [
    Route("/", show_page, methods=["GET"]),
    Route("/console", show_console, methods=["GET"]),
    Route("/style.css", show_style, methods=["GET"]),
    Route("/page/{name}", files.show_file, methods=["GET"]),
    Route("/v1/page/session", sessions.open_session, methods=["POST"]),
    Route("/v1/page/voices", sessions.list_voices, methods=["GET"]),
    Route("/v1/page/speech", sessions.make_speech, methods=["POST"]),
    *photos.routes,
    Route("/healthz", show_health, methods=["GET"]),
    Route("/readyz", show_readiness, methods=["GET"]),
]
