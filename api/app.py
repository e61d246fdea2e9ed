"""Settings -> ASGI application. Nothing is opened before the server starts it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from api.gateway import ERRORS, Gateway
from api.presets import PresetRules
from api.routes import routes
from api.services import Services, open_services
from infra.settings import Settings

OpenServices = Callable[[Settings], AbstractAsyncContextManager[Services]]


def create_app(settings: Settings, open_services: OpenServices = open_services) -> Starlette:
    """Return the application.

    Raises:
        SettingsError: a setting cannot be used; said before anything is started.
    """
    PresetRules.from_settings(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_services(settings) as services:
            app.state.services = services
            yield

    app = Starlette(
        routes=routes(),
        middleware=[Middleware(Gateway)],
        exception_handlers=ERRORS,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # senders of webhooks count a redirect as a failure
    return app
