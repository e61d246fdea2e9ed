"""The declaration of one topic, and the names derived from it."""

from dataclasses import dataclass
from typing import Any, Literal

from schemas.codec import WireModel
from schemas.ids import KEY_SEPARATOR
from schemas.times import DAY_MS

DEAD_LETTER_SUFFIX = ".dlq"
DEAD_LETTER_RETENTION_MS = 14 * DAY_MS
DEAD_LETTER_HEADERS_BYTES_MAX = 64 * 1024  # what a dead letter says beside the original bytes
DEAD_LETTER_READER = "dead-letters-"


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicSpec:
    """One topic: facts have ``cleanup="delete"``, state has ``cleanup="compact"``.

    ``key`` names the schema fields whose values, joined by ``|``, are the record key; the first one
    decides the partition. ``writer`` and ``readers`` name components (agents, ``api``,
    ``cli``).
    """

    name: str
    schema: type[WireModel]
    key: tuple[str, ...]
    partitions: int
    cleanup: Literal["delete", "compact"]
    retention_ms: int  # -1 with compaction only
    message_bytes_max: int
    writer: str
    readers: tuple[str, ...]
    description: str
    dead_letter: bool = False

    @property
    def dead_letter_name(self) -> str:
        """Name of the dead-letter topic; derived, never chosen."""
        return self.name + DEAD_LETTER_SUFFIX

    @property
    def dead_letters(self) -> "TopicSpec":
        """The dead-letter topic: original keys and values, whatever they are.

        ``schema`` and ``key`` are what the originals should have had. Its agents write it, one sink
        reads it: ``dead-letters-`` and the noun of the topic.
        """
        noun = self.name.partition(".")[2].partition(".")[0] or self.name
        return TopicSpec(
            name=self.dead_letter_name,
            schema=self.schema,
            key=self.key,
            partitions=self.partitions,
            cleanup="delete",
            retention_ms=DEAD_LETTER_RETENTION_MS,
            message_bytes_max=self.message_bytes_max + DEAD_LETTER_HEADERS_BYTES_MAX,
            writer=", ".join(self.readers),
            readers=(DEAD_LETTER_READER + noun,),
            description=f"Records of {self.name} that cannot be processed, bytes intact.",
        )

    def key_of(self, value: Any) -> bytes:
        """Return the record key of ``value`` (a model of ``schema``)."""
        return KEY_SEPARATOR.join(str(getattr(value, field)) for field in self.key).encode()


def changelog_name(agent: str, table: str, version: int) -> str:
    """Name of a table's changelog topic. A new state format (version) starts a new changelog."""
    return f"{application_id(agent)}-{table}-v{version}-changelog"


def application_id(agent: str, table_version: int = 1) -> str:
    """Faust application id and consumer group of one agent.

    A new version of its table is another group, so that the source is read from its beginning.
    """
    suffix = "" if table_version == 1 else f"-v{table_version}"
    return f"media-gateway-{agent}{suffix}"
