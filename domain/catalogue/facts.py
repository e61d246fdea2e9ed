"""What is compared of a partner record, and how well two records agree."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from domain.catalogue.identity import EXTERNAL_KINDS
from domain.catalogue.titles import Form, forms_of, likeness, plain
from domain.embedding import OVERVIEW_CHARACTERS_MAX, text_hash
from domain.title_attributes import PARTS

# Said where nobody is known: they make no two films the same.
PLACEHOLDER_NAMES = frozenset(
    {"", "-", "n/a", "none", "unknown", "various", "various artists", "tba", "tbd"}
)
PEOPLE_MAX = 30  # first billed; two lists of one film share one of them
YEARS_APART_MAX = 1
MISDATED_MAX = 2  # years; of records that share an identifier: lists date releases differently
OVERVIEW_CHARACTERS_MIN = 60  # the shortest of a real list has 61; less is "Coming soon"
# What one partner calls a documentary or a short is a film in another one's list.
FILMS = frozenset({"movie", "documentary", "short"})
EXTERNAL = "external:"  # fields named external:imdb, ...


class Facts(NamedTuple):
    """What is compared of one record. ``name`` and ``arrived`` only name the group it is in."""

    partner: str
    name: str
    arrived: int
    type: str | None = None
    forms: tuple[Form, ...] = ()
    year: int | None = None
    external_ids: tuple[tuple[str, str], ...] = ()  # (kind, value), the strongest kind first
    people: str = ""  # directors and cast, one a line
    runtime_s: int | None = None
    series: str | None = None  # key of the record of its series
    version_of: str | None = None  # key of the record that it is another cut of
    season: int | None = None
    episode: int | None = None
    text: str = ""  # hash of what it says the title is about; "" when that cannot be compared


class Score(NamedTuple):
    """How well two records agree, compared from the left. ``likeness`` is that of the titles."""

    people: bool  # both name one person
    years_apart: int  # 0 or -1
    likeness: float
    runtime: bool  # within five minutes


def facts_of(partner: str, name: str, arrived: int, values: Mapping[str, Any]) -> Facts:
    """Return the facts of a record with these fields; ``series_id`` holds a record's key."""
    ids = ((kind, values.get(EXTERNAL + kind)) for kind in EXTERNAL_KINDS)
    about = record_text(values)
    named = (*values.get("directors", ()), *values.get("cast", ()))[:PEOPLE_MAX]
    people = [name for name in named if name.casefold() not in PLACEHOLDER_NAMES]
    title = values.get("title")
    return Facts(
        partner,
        name,
        arrived,
        values.get("type"),
        forms_of(title) if title else (),
        values.get("release_year"),
        tuple((kind, value) for kind, value in ids if value),
        "\n".join(people),
        values.get("runtime_s"),
        values.get("series_id"),
        values.get("version_of"),
        values.get("season_number"),
        values.get("episode_number"),
        text_hash(about) if about else "",
    )


def record_text(values: Mapping[str, Any]) -> str:
    """Return what a record says its title is about, "" when that is too little to compare.

    That is the overview alone. With title, genres and people in the text, as the vectors of
    contents have them, two parts of one film are as alike as two records of it: docs/catalogue.md.
    """
    about = " ".join((values.get("overview") or "").split())[:OVERVIEW_CHARACTERS_MAX]
    return about if len(about) >= OVERVIEW_CHARACTERS_MIN else ""


def is_comparable(facts: Facts) -> bool:
    """Whether the record may match by title: a whole title with a name and a year.

    Another cut of a title has its name and often its year, so it matches by identifiers alone.
    """
    return bool(
        facts.forms
        and facts.year is not None
        and facts.type is not None
        and facts.type not in PARTS
        and facts.version_of is None
    )


def score_of(left: Facts, right: Facts) -> Score | None:
    """Return how well two whole titles agree; None when they are not, or not certainly, the same.

    They are not when an identifier of one kind, the type or the year (by more than one) differs,
    when their titles are less alike than ``LIKENESS_MIN``, or when both name people and not one of
    them is the same: films of one name and year are frequent, with one crew they are not.
    """
    if left.partner == right.partner or not may_be_one(left, right):
        return None
    alike = likeness(left.forms, right.forms)
    if not alike:
        return None
    people = share_people(left.people, right.people)
    if people is False:
        return None
    assert left.year is not None
    assert right.year is not None
    runtimes = (left.runtime_s, right.runtime_s)
    near = None not in runtimes and abs((runtimes[0] or 0) - (runtimes[1] or 0)) <= 300
    return Score(bool(people), -abs(left.year - right.year), alike, near)


def may_be_one(left: Facts, right: Facts) -> bool:
    """Whether years, types and identifiers of two whole titles let them be the same."""
    if left.year is None or right.year is None:
        return False
    same_type = left.type == right.type or {left.type, right.type} <= FILMS
    apart = abs(left.year - right.year) > YEARS_APART_MAX
    return same_type and not apart and not have_conflict(left, right)


def have_conflict(left: Facts, right: Facts) -> bool:
    """Whether both have an identifier of one kind, and not the same."""
    if not left.external_ids or not right.external_ids:
        return False
    theirs = dict(right.external_ids)
    return any(theirs.get(kind, value) != value for kind, value in left.external_ids)


def are_implausible(left: Facts, right: Facts) -> bool:
    """Whether two records of one identifier cannot both have it rightly.

    One of two partners errs, or takes what is not its own, when everything else that both say
    differs: the title, the year by more than ``MISDATED_MAX``, and everybody in it.
    """
    if left.partner == right.partner or not (left.forms and right.forms):
        return False
    if left.year is None or right.year is None or {left.type, right.type} & PARTS:
        return False
    if abs(left.year - right.year) <= MISDATED_MAX or likeness(left.forms, right.forms):
        return False
    return not share_people(left.people, right.people)


def share_people(left: str, right: str) -> bool | None:
    """Whether two lists of people have one in common; None when one of them is empty."""
    if not left or not right:
        return None
    ours, theirs = left.split("\n"), right.split("\n")
    if not set(ours).isdisjoint(theirs):  # most often they are written alike
        return True
    return not set(map(plain, ours)).isdisjoint(map(plain, theirs))


def score_of_parts(left: Facts, right: Facts) -> Score | None:
    """Return the score of two seasons or episodes of one series that have the same numbers."""
    if left.partner == right.partner or have_conflict(left, right):
        return None
    return Score(people=False, years_apart=0, likeness=1.0, runtime=False)
