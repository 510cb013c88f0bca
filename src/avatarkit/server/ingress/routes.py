"""The WebSocket routes of the Motion Server."""

from __future__ import annotations

from typing import Final

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from avatarkit.server.ingress import bootstrap
from avatarkit.server.services import services_of

PATHS: Final = ("/v2/driveningress/websocket", "/websocket")
"""The full path, and the one of clients that were given a bare host."""


async def motion_websocket(websocket: WebSocket) -> None:
    """Admit or reject an upgrade, then hand the connection over: it needs no task of its own."""
    # The protocol and numpy load with the first session, or in the background before it.
    from avatarkit.protocol import new_id  # noqa: PLC0415
    from avatarkit.server.ingress.admission import Rejection, admit, reserve  # noqa: PLC0415
    from avatarkit.server.ingress.connection import MAX_MESSAGE_BYTES, Connection  # noqa: PLC0415
    from avatarkit.server.ingress.upgrade import take_over  # noqa: PLC0415

    services, connection_id = services_of(websocket), new_id()
    try:
        if services.sessions.refusal is not None:
            raise Rejection(503, services.sessions.refusal)
        admission = await admit(websocket, services)
        lease = await reserve(admission, services, connection_id)
    except Rejection as rejection:
        services.observer.refused(rejection.status)
        await websocket.send_denial_response(rejection.response())
        return
    connection = Connection(services, admission, connection_id, lease)
    try:
        await websocket.accept()
        connection.attach(take_over(websocket, connection, MAX_MESSAGE_BYTES))
    finally:
        connection.forget_unless_attached()


routes = [*(WebSocketRoute(path, motion_websocket) for path in PATHS), *bootstrap.routes]
