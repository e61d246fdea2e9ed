"""Where data of users is kept: what an erasure has to reach.

Tests compare the tables with the database: one with a column ``user_id`` that is missing here fails
them, and so does a column declared here of which Postgres keeps statistics. Topics come from the
catalogue of topics (a key that begins with the user), changelogs from the agents (the table's key
is that of the source).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from infra.privacy.letters import letter_time_ms
from topics.catalog import CATALOG, PROGRESS, SLATES, WATCH_STATES
from topics.spec import TopicSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonalTable:
    """One table with rows of users.

    Attributes:
        name: of the table.
        deleted_by: ``sink``: an agent deletes rows on tombstones; ``command``: nobody else does, so
            the erasure deletes them itself.
        time: column that says when the newest event of a row was.
        meaning: for the receipt.
        user: column that names the user whose row it is.
        columns: the others that may hold the user's id.
        time_ms: milliseconds of one unit of ``time``.
        only: (column, value) of the rows of users, in a table that has others too.
        other_owner: column of another kind of owner: a row that has one is no user's.
        position: column with an offset of the user's partition of a topic, and that topic: such a
            row is older than an erasure by its place, whatever a player's clock said.
        happened: where no column says when the event was: reads it from a row as JSON, None: it
            cannot be told, so the row counts as of before. ``time`` is then when the row came.
    """

    name: str
    deleted_by: Literal["sink", "command"]
    time: str
    meaning: str
    user: str = "user_id"
    columns: tuple[str, ...] = ()
    time_ms: int = 1
    only: tuple[str, str] | None = None
    other_owner: str | None = None
    position: tuple[str, str] | None = None
    happened: Callable[[Mapping[str, Any]], int | None] | None = None

    @property
    def personal(self) -> tuple[str, ...]:
        """All columns that may hold a user's id; Postgres keeps no statistics of them."""
        return (self.user, *self.columns)


TABLES = (
    PersonalTable(
        name="watch_states", deleted_by="sink", time="updated_at_ms", meaning="watch states",
        columns=("body",), position=("version", WATCH_STATES.name),
    ),
    PersonalTable(
        name="viewers", deleted_by="sink", time="as_of_ms", meaning="what is included",
        position=("source_offset", PROGRESS.name),
    ),
    PersonalTable(
        name="slates", deleted_by="sink", time="as_of_ms", meaning="recommendations",
        columns=("body", "feed", "ranking", "packed_ranking"), position=("version", SLATES.name),
    ),
    PersonalTable(
        name="api_keys", deleted_by="command", time="created_at_ms",
        meaning="API keys bound to the user", other_owner="partner",
    ),
    PersonalTable(
        name="dead_letters", deleted_by="command", time="failed_at_ms",
        meaning="events that could not be processed", columns=("key", "value", "headers"),
        other_owner="partner", happened=letter_time_ms,
    ),
    PersonalTable(
        name="token_revocations", deleted_by="command", time="revoked_at_s", time_ms=1000,
        meaning="earlier revocations by id: that of the erasure has the pseudonym",
        user="value", only=("kind", "user"),
    ),
)  # fmt: skip


def personal_topics(catalog: Sequence[TopicSpec] = CATALOG) -> list[TopicSpec]:
    """Return the topics whose records are about one user each."""
    return [topic for topic in catalog if topic.key[0] == "user_id"]
