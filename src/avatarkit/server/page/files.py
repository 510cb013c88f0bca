"""The built page: what ``web/page`` became at set-up, lying beside this file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from avatarkit.server.http.problems import Problem

BUILT: Final = Path(__file__).parent / "built"
"""Holds ``index.html``, ``console.html`` and the folder ``page`` with files named by their content."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wav": "audio/wav",
    ".webp": "image/webp",
}


def is_built() -> bool:
    """Whether the page was built."""
    return (BUILT / "index.html").is_file()


def policy_for(request: Request) -> str:
    """The page's Content-Security-Policy: files and connections of this server, nothing inline, nothing evaluated."""
    host = request.headers.get("host", "")
    # Some browsers do not count a WebSocket of the same origin as 'self'.
    socket = "wss" if request.url.scheme == "https" else "ws"
    sockets = f" {socket}://{host}" if _HOST.fullmatch(host) else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob:",
            "media-src 'self' blob:",
            f"connect-src 'self'{sockets}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def document(request: Request, name: str, *, camera: bool = False) -> Response:
    """A built document, asked for anew each time; ``camera``: it may ask for the camera."""
    headers = {
        "Content-Security-Policy": policy_for(request),
        "Permissions-Policy": f"microphone=(self), camera=({'self' if camera else ''}), geolocation=()",
        "Cache-Control": "no-cache",
    }
    return FileResponse(BUILT / name, media_type="text/html", headers=headers)


async def show_file(request: Request) -> Response:
    """A file of the page; it never changes under its name. Compressed beforehand for those who take gzip."""
    name = request.path_params["name"]
    path = BUILT / "page" / name
    kind = _TYPES.get(path.suffix)
    if kind is None or not _NAME.fullmatch(name) or not path.is_file():
        raise Problem(404, "notFound", "No such file")
    headers = {"Cache-Control": _IMMUTABLE, "Vary": "Accept-Encoding"}
    compressed = path.with_name(path.name + ".gz")
    if "gzip" in request.headers.get("accept-encoding", "") and compressed.is_file():
        path, headers = compressed, headers | {"Content-Encoding": "gzip"}
    return FileResponse(path, media_type=kind, headers=headers)
