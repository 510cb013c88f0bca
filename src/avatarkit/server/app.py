"""The ASGI app."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from avatarkit.errors import AvatarError
from avatarkit.server.console import admin, open_api, session_tokens
from avatarkit.server.http import problems
from avatarkit.server.http.headers import SecurityHeaders
from avatarkit.server.http.rates import RateLimits
from avatarkit.server.http.watch import RequestWatch
from avatarkit.server.ingress import check
from avatarkit.server.ingress import routes as ingress
from avatarkit.server.library import routes as library
from avatarkit.server.observe import routes as observe
from avatarkit.server.page import routes as page
from avatarkit.server.page.photos import PhotoDesk
from avatarkit.server.page.sessions import PageDesk
from avatarkit.server.services import Services


def create_app(services: Services) -> Starlette:
    """The whole server as one ASGI app; its lifespan starts and closes the services."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        services.start()
        try:
            yield
        finally:
            await services.close()

    settings = services.settings
    app = Starlette(
        routes=[
            *page.routes,
            *session_tokens.routes,
            *library.routes,
            *admin.routes,
            *open_api.routes,
            *ingress.routes,
            *check.routes,
            *observe.routes,
        ],
        middleware=[
            Middleware(SecurityHeaders, settings.cors_origins, tls=settings.tls_certificate is not None),
            Middleware(RequestWatch, services.observer),
            Middleware(RateLimits, settings.requests_per_minute, settings.refusals_per_minute, services.clock),
        ],
        exception_handlers={
            problems.Problem: problems.answer_problem,
            AvatarError: problems.answer_avatar_error,
            HTTPException: problems.answer_http_error,
            Exception: problems.answer_failure,
        },
        lifespan=lifespan,
    )
    app.state.services = services
    app.state.page = PageDesk(services)
    app.state.photos = PhotoDesk(services)
    return app
