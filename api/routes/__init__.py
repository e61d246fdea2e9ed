"""Every endpoint, as lists of data: the router and the OpenAPI document are made from them.

A module here holds the endpoints of one kind of caller or subject; their handlers are elsewhere.
Its name is their tag in the OpenAPI document, and its first line says what the tag means.
"""

from types import ModuleType

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

GROUPS: tuple[ModuleType, ...] = (
    ingestion, partners, dead_letters, playback, viewers, catalogue, operators, admin_partners,
    admin_dead_letters, admin_keys, admin_erasure, identity, system,
)  # fmt: skip
ENDPOINTS: tuple[Endpoint, ...] = tuple(each for group in GROUPS for each in group.ENDPOINTS)


def routes() -> list[Route]:
    """Return the Starlette routes."""
    return [endpoint.route() for endpoint in ENDPOINTS]
