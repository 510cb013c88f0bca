"""``GET /v1/client/session``: would a connection be admitted?

A browser cannot read the answer to a refused WebSocket upgrade; its client asks here what the answer was.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from avatarkit.server.services import services_of


async def check_session(request: Request) -> Response:
    """204, or the very refusal that an upgrade with the same query and headers gets."""
    from avatarkit.server.ingress.admission import Rejection, admit  # noqa: PLC0415 - loads with the first session

    try:
        await admit(request, services_of(request))
    except Rejection as rejection:
        return rejection.response()
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


routes = [Route("/v1/client/session", check_session, methods=["GET"])]
