"""Where data of users is kept: what an erasure has to reach.

A test compares the tables with the database: one with a column ``user_id`` that is missing here
fails it. Topics come from the catalogue of topics (a key that begins with the user), changelogs
from the agents (the table's key is that of the source).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from topics.catalog import CATALOG
from topics.spec import TopicSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonalTable:
    """One table with rows of users.

    Attributes:
        name: of the table.
        deleted_by: ``sink``: an agent deletes rows on tombstones; ``command``: nobody else does, so
            the erasure deletes them itself.
        time: column that says when the newest event of a row was, Unix milliseconds.
        meaning: for the receipt.
    """

    name: str
    deleted_by: Literal["sink", "command"]
    time: str
    meaning: str


TABLES = (
    PersonalTable(
        name="watch_states", deleted_by="sink", time="updated_at_ms", meaning="watch states"
    ),
    PersonalTable(name="viewers", deleted_by="sink", time="as_of_ms", meaning="what is included"),
    PersonalTable(name="slates", deleted_by="sink", time="as_of_ms", meaning="recommendations"),
    PersonalTable(
        name="api_keys", deleted_by="command", time="created_at_ms",
        meaning="API keys bound to the user",
    ),
    PersonalTable(
        name="dead_letters", deleted_by="command", time="failed_at_ms",
        meaning="events that could not be processed",
    ),
)  # fmt: skip


def personal_topics(catalog: Sequence[TopicSpec] = CATALOG) -> list[TopicSpec]:
    """Return the topics whose records are about one user each."""
    return [topic for topic in catalog if topic.key[0] == "user_id"]
