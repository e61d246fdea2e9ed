"""Serving rows of what the regression publishes: models, and the features of contents."""

from infra.postgres.bodies import fetch_bodies, upsert_statement
from infra.postgres.pool import Pool

UPSERT_MODELS = upsert_statement("models", "name")
UPSERT_FEATURES = upsert_statement("content_features", "content_id")
FETCH_MODELS = "SELECT body FROM models WHERE NOT removed ORDER BY name"
FETCH_FEATURES = "SELECT body FROM content_features WHERE content_id = %s AND NOT removed"


class ModelStore:
    """Reads models and content features."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch_models(self) -> list[bytes]:
        """Return the encoded ``ModelReport`` of every model, by name."""
        return await fetch_bodies(self._pool, FETCH_MODELS, ())

    async def fetch_features(self, content_id: str) -> bytes | None:
        """Return the encoded ``ContentFeatures`` of a title, None when nothing is known of it."""
        found = await fetch_bodies(self._pool, FETCH_FEATURES, (content_id,))
        return found[0] if found else None
