"""Tags of viewers -> themes of titles, as far as they were known at a moment.

A theme is a tag that at least ``TAGGERS_MIN`` users had used before, for whatever titles: a tag
that nobody else ever used is a private note.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

TAGGERS_MIN = 2


@dataclass(frozen=True, slots=True)
class Tag:
    """A user's word for a title, normalised (``domain.title_attributes``), and when."""

    user: str
    content_id: str
    text: str
    at_ms: int


class Themes:
    """The themes of all titles up to a moment that only moves on."""

    def __init__(self, tags: Sequence[Tag]) -> None:
        self._waiting = deque(sorted(tags, key=lambda tag: tag.at_ms))
        self._taggers: dict[str, set[str]] = defaultdict(set)
        self._titles: dict[str, set[str]] = defaultdict(set)  # of a text
        self._texts: dict[str, set[str]] = defaultdict(set)  # of a title

    def advance(self, before_ms: int) -> list[str]:
        """Take in the tags of before a moment; return the titles whose themes changed, sorted."""
        changed: set[str] = set()
        while self._waiting and self._waiting[0].at_ms < before_ms:
            tag = self._waiting.popleft()
            taggers = self._taggers[tag.text]
            taggers.add(tag.user)
            self._titles[tag.text].add(tag.content_id)
            self._texts[tag.content_id].add(tag.text)
            if len(taggers) == TAGGERS_MIN:
                changed |= self._titles[tag.text]
            elif len(taggers) > TAGGERS_MIN:
                changed.add(tag.content_id)
        return sorted(changed)

    def of(self, content_id: str) -> tuple[str, ...]:
        """Return the themes of a title, sorted."""
        texts = self._texts.get(content_id, ())
        return tuple(sorted(text for text in texts if len(self._taggers[text]) >= TAGGERS_MIN))
