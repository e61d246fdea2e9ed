"""What must be in place before a worker or the API starts: tables and topics."""

import asyncio

from agents.registry import changelogs
from infra.kafka.admin import apply_topics
from infra.kafka.cluster import cluster_of
from infra.postgres.migrate import migrate
from infra.settings import Settings


def apply_migrations(settings: Settings) -> list[str]:
    """Bring the database up to date; return the names of the migrations applied now."""
    return migrate(settings.database_url)


def prepare_topics(settings: Settings) -> list[str]:
    """Create the topics of the catalogue and the tables' changelogs; return the names created."""
    return asyncio.run(
        apply_topics(
            cluster_of(settings),
            replication_factor=settings.kafka_replication_factor,
            changelogs=changelogs(settings.namespace),
        )
    )
