"""``/metrics``, for Prometheus."""

from __future__ import annotations

import hmac
import ipaddress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from avatarkit.server.http.problems import Problem
from avatarkit.server.services import services_of


async def show_metrics(request: Request) -> Response:
    """The numbers, for whoever holds the metrics key or, where none is set, asks from this machine."""
    services = services_of(request)
    if not _may_read(request, services.settings.metrics_key):
        raise Problem(403, "forbidden", "Metrics are not for everybody", "Send the metrics key as a bearer token.")
    metrics = services.observer.metrics
    if metrics is None:
        raise Problem(501, "unsupported", "There are no metrics", "Install prometheus-client on the server.")
    content_type = "text/plain; version=0.0.4; charset=utf-8"
    return Response(metrics.text(), media_type=content_type, headers={"Cache-Control": "no-store"})


def _may_read(request: Request, key: str) -> bool:
    if key:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {key}".encode())
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False  # it came through a proxy on this machine
    try:
        return ipaddress.ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        return False


routes = [Route("/metrics", show_metrics, methods=["GET"])]
"""For the app."""
