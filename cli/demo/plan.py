"""What the demo is going to post: catalogues, viewers, and the end of their timeline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cli.demo.catalogues import Title, content_id_of
from cli.demo.posting import Partner
from cli.demo.viewers import Viewers


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What one partner posts."""

    partner: Partner
    titles: Sequence[Title]
    label: str
    content_id_of: Callable[[Title], str]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the demo is going to post."""

    films: Catalogue
    others: Sequence[Catalogue]
    viewers: Viewers
    anchor_ms: int
    repeated: bool  # an earlier run posted the same to the same data directory

    @property
    def runtimes_s(self) -> dict[str, int]:
        """Runtime per content id, where the catalogue knows one."""
        return {
            content_id_of(film): int(film.payload["Runtime"] * 60)
            for film in self.films.titles
            if film.payload["Runtime"]
        }

    @property
    def titles(self) -> dict[str, str]:
        """Title per content id."""
        return {content_id_of(film): film.payload["Title"] for film in self.films.titles}
