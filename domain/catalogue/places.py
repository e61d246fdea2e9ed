"""What a record is compared by, as places where other records of its partner may be too.

How many are there decides whether it is compared by that at all (``crowds``).
"""

from collections.abc import Hashable, Iterator

from domain.catalogue.facts import Facts, is_comparable
from domain.catalogue.texts import persons_of
from domain.title_attributes import PARTS

Place = Hashable  # (partner, year, title), (partner, number in a series) or (partner, person)
Number = tuple[str, str, int, int | None]  # record of the series, type, season, episode


def number_of(facts: Facts) -> Number | None:
    """Return where a season or an episode stands in its series; None when that is not known."""
    if facts.type not in PARTS or facts.series is None or facts.season is None:
        return None
    if facts.type == "episode" and facts.episode is None:
        return None
    return facts.series, facts.type, facts.season, facts.episode


def titles_of(facts: Facts) -> Iterator[Place]:
    """Yield the place of each form of a title, in their order."""
    return ((facts.partner, facts.year, form.text) for form in facts.forms)


def places_of(facts: Facts | None) -> list[Place]:
    """Return what a record is compared by, unless too many records of its partner share it."""
    if facts is None:
        return []
    if facts.type in PARTS:
        number = number_of(facts)
        return [] if number is None else [(facts.partner, number)]
    if not is_comparable(facts):
        return []
    return [*titles_of(facts), *((facts.partner, person) for person in persons_of(facts))]
