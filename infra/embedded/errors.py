"""Errors of the embedded servers: every message is one sentence for a person.

``EmbeddedError`` is the root; ``KafkaStartError`` and ``PostgresStartError`` name the server,
``ChildDiedError`` a process of the stack that ended by itself.
"""

from collections.abc import Sequence


class EmbeddedError(RuntimeError):
    """An embedded server cannot run; the message says why and what to do."""

    def __init__(self, sentence: str, log_lines: Sequence[str] = ()) -> None:
        super().__init__("\n".join([sentence, *(f"  | {line}" for line in log_lines)]))
        self.sentence = sentence
        self.log_lines = tuple(log_lines)


class KafkaStartError(EmbeddedError):
    """The embedded Kafka cannot start."""


class PostgresStartError(EmbeddedError):
    """The embedded Postgres cannot start."""


class ChildDiedError(EmbeddedError):
    """A process that should keep running has ended."""
