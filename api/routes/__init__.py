"""Every endpoint, as lists of data: the router and the OpenAPI document are made from them.

A module here holds the endpoints of one kind of caller or subject; their handlers are elsewhere.
"""

from starlette.routing import Route

from api.endpoint import Endpoint
from api.routes import (
    admin_dead_letters,
    admin_erasure,
    admin_keys,
    admin_partners,
    catalogue,
    dead_letters,
    identity,
    ingestion,
    operators,
    partners,
    playback,
    system,
    viewers,
)

ENDPOINTS: tuple[Endpoint, ...] = (
    *ingestion.ENDPOINTS,
    *partners.ENDPOINTS,
    *dead_letters.ENDPOINTS,
    *playback.ENDPOINTS,
    *viewers.ENDPOINTS,
    *catalogue.ENDPOINTS,
    *operators.ENDPOINTS,
    *admin_partners.ENDPOINTS,
    *admin_dead_letters.ENDPOINTS,
    *admin_keys.ENDPOINTS,
    *admin_erasure.ENDPOINTS,
    *identity.ENDPOINTS,
    *system.ENDPOINTS,
)


def routes() -> list[Route]:
    """Return the Starlette routes."""
    return [endpoint.route() for endpoint in ENDPOINTS]
