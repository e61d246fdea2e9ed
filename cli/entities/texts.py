"""How well records are matched by their texts: the Netflix list against itself, and dealt in two.

The list has some films twice, under titles that are nothing alike, with one overview: what two
partners look like that buy descriptions from one supplier. No other list at hand has overviews.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cli.entities.lists import TWICE, Records
from cli.entities.matching import Pair, described
from domain.catalogue.facts import FILMS, YEARS_APART_MAX, Facts, may_be_one, record_text
from domain.catalogue.grouping import TEXT, TITLE
from domain.catalogue.record import partner_of, record_key
from domain.catalogue.resolution import Resolver
from domain.catalogue.texts import COSINE_MIN, NAMES_MAX, Vector, cosine
from domain.catalogue.titles import likeness
from domain.embedding import Vectors, text_hash

SHOWN_MIN = 0.90  # cosines below are not counted
ASKED_MIN = 0.92  # what the requirement says
SIDES = ("left", "right")  # the two partners that the list is dealt to
SHORTENED = (0.9, 0.75, 0.5)  # shares of an overview's words that are kept
SAMPLE = 500  # overviews that are shortened

Encode = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True, slots=True)
class Close:
    """Two records of unlike titles, at most a year apart, whose texts are close."""

    pair: Pair
    cosine: float
    shares_person: bool
    is_one: bool  # judged by hand


@dataclass(frozen=True, slots=True)
class Dealt:
    """What became of the list when two partners had one half each."""

    texts: int  # that were encoded
    by_title: int
    by_text: int
    right: int  # of those by text: in the list twice, or of alike titles too (dubs)
    twice: int  # films that are in the list twice, one time on each side


@dataclass(frozen=True, slots=True)
class TextQuality:
    """Everything that was measured."""

    records: int
    compared: int  # pairs of possible counterparts
    close: tuple[Close, ...]
    alike_titles: Mapping[str, int]  # close pairs whose titles match anyway, by band of cosines
    dealt: Dealt
    shortened: Mapping[str, float]  # share of words kept -> share of overviews that still match

    def as_json(self) -> dict[str, Any]:
        """Return all numbers and pairs."""
        return asdict(self)


def measure_texts(records: Records, encode: Encode) -> TextQuality:
    """Compare all texts of the Netflix list within a year, and deal it to two partners."""
    facts = {key: state.facts(key) for key, state in records.items()}
    texts = {key: text for key, state in records.items() if (text := text_of(state))}
    vectors = dict(zip(texts, encode(list(texts.values())), strict=True))
    compared, found = _close(facts, vectors)
    close, alike = [], Counter[str]()
    for left, right, value in found:
        if likeness(facts[left].forms, facts[right].forms):
            alike[band_of(value)] += 1
            continue
        shares = not _names(facts[left]).isdisjoint(_names(facts[right]))
        pair = Pair(described(records[left]), described(records[right]), f"{value:.4f}")
        close.append(Close(pair, value, shares, is_twice(left, right)))
    close.sort(key=lambda each: -each.cosine)
    return TextQuality(
        len(records), compared, tuple(close), dict(alike), deal(records, texts, vectors),
        shortened(texts, vectors, encode),
    )  # fmt: skip


def text_of(state: Any) -> str:
    """Return what is encoded of a record, "" for nothing."""
    return record_text({name: value for name, (_, value) in state.fields.items()})


def band_of(value: float) -> str:
    """Return the band of a cosine: below what is asked for, below what is needed, or enough."""
    bounds = (SHOWN_MIN, ASKED_MIN, COSINE_MIN)
    return f"{max(each for each in bounds if each <= value):.2f}"


def is_twice(left: str, right: str) -> bool:
    """Whether two records of the list are one title, by hand."""
    return frozenset((partner_of(left)[1], partner_of(right)[1])) in TWICE


def _names(facts: Facts) -> set[str]:
    return {name.casefold() for name in facts.people.split("\n")[:NAMES_MAX] if name}


def _close(
    facts: Mapping[str, Facts], vectors: Mapping[str, Vectors]
) -> tuple[int, list[tuple[str, str, float]]]:
    """Return how many pairs could be one title by year and type, and those that are close."""
    found, compared = [], 0
    for ours, theirs in _blocks(facts, vectors):
        matrix = np.stack([vectors[key] for key in ours]) @ np.stack(
            [vectors[key] for key in theirs]
        ).T  # fmt: skip
        inside = ours is theirs
        compared += len(ours) * (len(ours) - 1) // 2 if inside else matrix.size
        for row, column in np.argwhere(matrix >= SHOWN_MIN - 0.001).tolist():
            left, right = ours[row], theirs[column]
            value = cosine(vectors[left], vectors[right])
            is_new = not inside or row < column
            if is_new and value >= SHOWN_MIN and may_be_one(facts[left], facts[right]):
                found.append((left, right, value))
    return compared, found


def _blocks(
    facts: Mapping[str, Facts], vectors: Mapping[str, Vectors]
) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the records of a year and type with themselves, and with those of the years after."""
    by_year: dict[tuple[bool, int], list[str]] = {}
    for key in vectors:
        year = facts[key].year
        if year is not None:
            by_year.setdefault((facts[key].type in FILMS, year), []).append(key)
    for (is_film, year), ours in by_year.items():
        yield ours, ours
        for apart in range(1, YEARS_APART_MAX + 1):
            theirs = by_year.get((is_film, year + apart))
            if theirs:
                yield ours, theirs


def deal(records: Records, texts: Mapping[str, str], vectors: Mapping[str, Vectors]) -> Dealt:
    """Give each record to one of two partners, and match them as the gateway does.

    Films that are in the list twice are on both sides; all others alternate.
    """
    second = {max(pair) for pair in TWICE}
    first = {min(pair) for pair in TWICE}
    resolver, own = Resolver(), {}
    for number, (key, state) in enumerate(records.items()):
        own_id = partner_of(key)[1]
        side = SIDES[own_id in second] if own_id in first | second else SIDES[number % 2]
        new = record_key(side, own_id)
        own[new] = key
        resolver.update({new: state.facts(new)})
    wanted = [key for key in own if resolver.wants_vector(key)]
    resolver.hear(
        {key: Vector("measured", text_hash(texts[own[key]]), vectors[own[key]]) for key in wanted}
    )
    links = {link for key in own for link in resolver.group(key).links}
    by_text = [link for link in links if link.method == TEXT]
    forms = {key: records[own[key]].facts(key).forms for key in wanted}
    right = sum(
        is_twice(link.left, link.right) or likeness(forms[link.left], forms[link.right]) > 0
        for link in by_text
    )
    by_title = sum(link.method == TITLE for link in links)
    known = {partner_of(key)[1] for key in records}
    twice = sum(pair <= known for pair in TWICE)
    return Dealt(len(wanted), by_title, len(by_text), right, twice)


def shortened(
    texts: Mapping[str, str], vectors: Mapping[str, Vectors], encode: Encode
) -> dict[str, float]:
    """Return the share of overviews that still match when another partner cuts their end off."""
    sample = list(texts)[:: max(1, len(texts) // SAMPLE)]
    found = {}
    for share in SHORTENED:
        words = [texts[key].split() for key in sample]
        cut = [" ".join(each[: max(1, round(len(each) * share))]) for each in words]
        alike = [cosine(vectors[key], other)
                 for key, other in zip(sample, encode(cut), strict=True)]  # fmt: skip
        found[f"{share:.2f}"] = round(sum(each >= COSINE_MIN for each in alike) / len(sample), 3)
    return found
