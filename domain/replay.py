"""Two versions of the same keyed rows -> where they differ. The verdict of a replay."""

from collections.abc import Mapping
from dataclasses import dataclass

EXAMPLES_MAX = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """One key whose bytes differ; None: the key is absent on that side."""

    key: str
    live: bytes | None
    replayed: bytes | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a replay found about one topic.

    ``skipped`` keys could not be compared (``why_skipped`` says why) and count as neither equal nor
    different.
    """

    topic: str
    keys: int
    equal: int
    different: int
    examples: tuple[Difference, ...]
    skipped: int = 0
    why_skipped: str = ""

    @property
    def same(self) -> bool:
        """Whether no compared key differs."""
        return self.different == 0


def compare(
    topic: str,
    live: Mapping[str, bytes],
    replayed: Mapping[str, bytes],
    *,
    skipped: frozenset[str] = frozenset(),
    why_skipped: str = "",
) -> Comparison:
    """Compare rows key by key; a key that only one side has is a difference.

    >>> compare("t", {"a": b"1", "b": b"2"}, {"a": b"1"}).different
    1
    """
    keys = live.keys() | replayed.keys()
    compared = keys - skipped
    wrong = sorted(key for key in compared if live.get(key) != replayed.get(key))
    examples = tuple(
        Difference(key, live.get(key), replayed.get(key)) for key in wrong[:EXAMPLES_MAX]
    )
    return Comparison(
        topic=topic, keys=len(keys), equal=len(compared) - len(wrong), different=len(wrong),
        examples=examples, skipped=len(keys) - len(compared), why_skipped=why_skipped,
    )  # fmt: skip
