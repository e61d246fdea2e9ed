"""Links between records -> groups without contradictions: one group is one title.

Links are taken strongest first, as a maximum spanning forest is grown. One that would bring
records together that cannot be the same title is left out. The result is a function of the set of
records and links; the order in which they came does not matter.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from domain.catalogue.facts import Facts, are_implausible

EXACT = {"eidr": 1.0, "imdb": 0.99, "tmdb": 0.99}  # kinds of identifiers, the strongest first
TITLE, PART, TEXT = "title", "part", "text"
_KINDS = tuple(EXACT)
TITLE_CONFIDENCE_MAX = 0.98  # two equal titles say less than an identifier
PART_CONFIDENCE = 0.98  # the numbers say which episode; whether the series is the same is its link
TEXT_CONFIDENCE_MAX = 0.95  # equal texts say less than equal titles
# Texts make no larger groups: they come when no webhook could be refused for its size any more, and
# a record holds at most 300 windows of some 200 bytes, so 12 records leave a quarter of the
# megabyte of a content for its longest texts.
TEXT_MEMBERS_MAX = 12


class Link(NamedTuple):
    """Two records that are taken for one title, by which method and how surely (0 to 1)."""

    left: str
    right: str  # greater than ``left``
    method: str
    confidence: float
    rank: tuple[float, ...] = ()  # among links of one confidence, the greatest first


class Group(NamedTuple):
    """Records of one title, sorted by key, and the links that hold them together: a tree."""

    members: tuple[str, ...]
    links: tuple[Link, ...] = ()


def without_texts(group: Group, key: str) -> set[str]:
    """Return the members that other links than texts hold together with one.

    Texts are taken last, so that is the group of the record if there were no texts at all.
    """
    found, waiting = {key}, [key]
    while waiting:
        each = waiting.pop()
        for link in group.links:
            if link.method != TEXT and each in (link.left, link.right):
                other = link.right if link.left == each else link.left
                if other not in found:
                    found.add(other)
                    waiting.append(other)
    return found


def strength(link: Link) -> tuple[float, tuple[float, ...], str, str]:
    """Return the sort key by which links are taken: identifiers, EIDR before IMDb; texts last."""
    place = _KINDS.index(link.method) if link.method in EXACT else len(_KINDS)
    place += link.method == TEXT
    return place, (-link.confidence, *(-each for each in link.rank)), link.left, link.right


class _Part:
    """Records joined so far: their partners, and the values of each kind of identifier."""

    def __init__(self, key: str, facts: Facts) -> None:
        self.members = [key]
        self.facts = [facts]
        self.partners = {facts.partner}
        self.ids = {kind: {value} for kind, value in facts.external_ids}
        self.links: list[Link] = []

    def may_join(self, other: "_Part", method: str) -> bool:
        """Whether nothing contradicts the link.

        Identifiers of one kind are one title unless a stronger kind says otherwise, or nothing else
        of two records agrees: no identifier of one partner takes over another's title. What is only
        alike needs all identifiers to agree, and joins no two records of one partner.
        """
        if method in EXACT:
            if any(are_implausible(one, each) for one in self.facts for each in other.facts):
                return False
            stronger = _KINDS[: _KINDS.index(method)]
        elif self.partners.isdisjoint(other.partners):
            stronger = _KINDS
        else:
            return False
        if method == TEXT and len(self.members) + len(other.members) > TEXT_MEMBERS_MAX:
            return False
        return not any(
            self.ids[kind].isdisjoint(other.ids[kind])
            for kind in stronger
            if kind in self.ids and kind in other.ids
        )

    def take(self, other: "_Part", link: Link) -> None:
        self.members += other.members
        self.facts += other.facts
        self.partners |= other.partners
        for kind, values in other.ids.items():
            self.ids.setdefault(kind, set()).update(values)
        self.links += [*other.links, link]


def groups_of(records: Mapping[str, Facts], links: Iterable[Link]) -> list[Group]:
    """Return the groups of some records, given every link between them."""
    part_of = {key: _Part(key, facts) for key, facts in records.items()}
    for link in sorted(links, key=strength):
        ours, theirs = part_of[link.left], part_of[link.right]
        if ours is theirs or not ours.may_join(theirs, link.method):
            continue
        ours.take(theirs, link)
        for key in theirs.members:
            part_of[key] = ours
    parts = {id(part): part for part in part_of.values()}.values()
    return [Group(tuple(sorted(part.members)), tuple(sorted(part.links))) for part in parts]
