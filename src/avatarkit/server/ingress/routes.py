"""The WebSocket routes of the Motion Server."""

from __future__ import annotations

from typing import Final

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from avatarkit.server.services import services_of

PATHS: Final = ("/v2/driveningress/websocket", "/websocket")
"""The full path, and the one of clients that were given a bare host."""


async def motion_websocket(websocket: WebSocket) -> None:
    """Admit or reject an upgrade, then serve the connection."""
    # The protocol and numpy load with the first session, or in the background before it.
    from avatarkit.server.ingress.admission import Rejection, admit  # noqa: PLC0415
    from avatarkit.server.ingress.connection import Connection  # noqa: PLC0415

    services = services_of(websocket)
    try:
        admission = await admit(websocket, services)
    except Rejection as rejection:
        services.observer.refused(rejection.status)
        await websocket.send_denial_response(rejection.response())
        return
    has_place = services.sessions.enter(admission.app_id)
    try:
        await websocket.accept()
        await Connection(websocket, services, admission, has_place=has_place).run()
    finally:
        if has_place:
            services.sessions.leave(admission.app_id)


routes = [WebSocketRoute(path, motion_websocket) for path in PATHS]
