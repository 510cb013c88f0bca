"""Where the published clients ask which region is theirs: ours, always.

Both ask a host of their vendor by name, so whoever wants this gives that name to this server in their DNS, with a
certificate for it. ``endpoints`` and the environments name this server as the client reached it.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from avatarkit.server.services import services_of

_REGION = "us-west"
"""The default of both clients."""
_NO_STORE = {"Cache-Control": "no-store"}


async def bootstrap(request: Request) -> JSONResponse:
    """``POST /bootstrap``: one region, and the server's time. What the client says of itself does not matter."""
    root = _root(request)
    answer = {
        "region": {"current": _REGION, "candidates": [_REGION]},
        "time_sync": {"server_time_ms": int(services_of(request).unix_time() * 1000)},
        "endpoints": {"console": f"{root}/v1/console", "ingress": f"{_sockets(root)}/v2/driveningress"},
    }
    return JSONResponse(answer, headers=_NO_STORE)


async def environments(request: Request) -> JSONResponse:
    """``GET /sdk``: one environment."""
    root = _root(request)
    environment = {"api": root, "driveningress": _sockets(root)}
    return JSONResponse({"environments": {_REGION: environment}}, headers=_NO_STORE)


def _root(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _sockets(root: str) -> str:
    return root.replace("http", "ws", 1)


routes = [
    Route("/bootstrap", bootstrap, methods=["POST"]),
    Route("/sdk", environments, methods=["GET"]),
]
