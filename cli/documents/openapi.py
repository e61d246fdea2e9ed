"""Routes of the API -> OpenAPI 3.1, as the server itself answers on ``/openapi.json``."""

import json

from api.openapi import document


def openapi_text() -> str:
    """Return ``docs/generated/openapi.json``."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
