"""Settings -> ASGI application. Nothing is opened before the server starts it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from api.edge.bounds import Bounds
from api.edge.cross_origin import CrossOrigin, parse_origins
from api.gateway import ERRORS, Gateway
from api.limits.limiter import shared_url
from api.limits.quotas import Quotas
from api.opening import open_services
from api.presets import PresetRules
from api.routes import routes
from api.services import Services
from infra.settings import Settings

OpenServices = Callable[[Settings], AbstractAsyncContextManager[Services]]


def create_app(settings: Settings, open_services: OpenServices = open_services) -> Starlette:
    """Return the application.

    Raises:
        SettingsError: a setting cannot be used; said before anything is started.
    """
    PresetRules.from_settings(settings)
    Quotas.from_settings(settings)
    shared_url(settings)
    Bounds.from_settings(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_services(settings) as services:
            app.state.services = services
            yield

    app = Starlette(
        routes=routes(),
        middleware=middleware(settings),
        exception_handlers=ERRORS,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # senders of webhooks count a redirect as a failure
    return app


def middleware(settings: Settings) -> list[Middleware]:
    """Return what is around the router, the outermost first."""
    around = [Middleware(Gateway, settings=settings)]
    origins = parse_origins(settings.cors_origins)
    return [*around, Middleware(CrossOrigin, origins=origins)] if origins else around
