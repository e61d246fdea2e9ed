"""Ranking rules -> what they do to any viewer of a region now: masks, lifts, pins.

Which titles a rule matches is decided when the rule or the title changes; what all rules in force
do together, when that changes or the clock passes the edge of a rule's window. A viewer costs a few
vector operations, and none without rules.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.availability import FOREVER_MS
from domain.catalogue.genres import canonical_genres
from domain.title_attributes import normalised
from schemas.content import Content
from schemas.ranking_rule import RankingRule, RuleMatch

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Tag = tuple[str, str]  # kind of ``RuleMatch`` and value in the form that is compared

FOR_YOU, TRENDING, EVERY_ROW = "for_you", "trending", "all"  # rows that a rule may name


class Pin(NamedTuple):
    """A title that a rule wants at a position (1: first)."""

    position: int
    rule_id: str
    title: int


class Boost(NamedTuple):
    """A rule that raises titles, or lowers them: by how many standard deviations, and which."""

    rule_id: str
    strength: float
    matches: Flags


class Effect(NamedTuple):
    """What the rules in force do; arrays have one entry per title.

    ``kept`` is False for what a rule filters; None: nothing is filtered. ``lifts`` are the standard
    deviations added to each title, boosts less buries; None: nothing is added. ``pins`` are ordered
    by position, ``boosts`` and ``buries`` (of negative strength) strongest first, ties by rule id.
    ``filters`` are the ids of the rules that filter something.
    """

    kept: Flags | None
    lifts: Floats | None
    pins: tuple[Pin, ...]
    boosts: tuple[Boost, ...]
    buries: tuple[Boost, ...] = ()
    filters: tuple[str, ...] = ()


NO_EFFECT = Effect(None, None, (), ())


def problems(rule: RankingRule, slate_size: int) -> list[str]:
    """Return what the schema cannot know to be wrong: each begins with the field."""
    found = []
    _, unknown = canonical_genres(rule.match.genres)
    if unknown:
        found.append(f"match.genres: no such genre: {', '.join(unknown)}")
    if rule.row not in {FOR_YOU, TRENDING, EVERY_ROW}:
        found.append(f"row: {rule.row} has no rules; use {FOR_YOU}, {TRENDING} or {EVERY_ROW}")
    if rule.row == TRENDING and rule.action != "filter":
        found.append(f"row: {TRENDING} is ordered by what trends, so it takes filters only")
    if rule.position is not None and rule.position > slate_size:
        found.append(f"position: the list has {slate_size} places")
    return found


def tags_of(content: Content) -> frozenset[Tag]:
    """Return everything by which a rule can match a title."""
    partners = [*content.partner_ids, *(each.partner for each in content.availability)]
    return frozenset(
        (
            ("content_ids", content.content_id),
            ("types", content.type),
            *(("partners", partner) for partner in partners),
            *_tags("genres", content.genres),
            *_tags("themes", content.themes),
            *_tags("directors", content.directors),
            *_tags("maturity_ratings", filter(None, [content.maturity_rating])),
            *_tags("languages", filter(None, [content.language])),
        )
    )


def wanted_tags(match: RuleMatch) -> tuple[frozenset[Tag], ...]:
    """Return the tags a title must have, any of each set; sets of one kind each."""
    wanted = []
    for kind, values in match.kinds.items():
        if kind in {"content_ids", "types", "partners"}:
            wanted.append(frozenset((kind, value) for value in values))
        else:
            names = canonical_genres(values)[0] if kind == "genres" else values
            wanted.append(frozenset(_tags(kind, names)))
    return tuple(wanted)


def matches(rule: RankingRule, content: Content) -> bool:
    """Whether a rule is about a title."""
    tags = tags_of(content)
    return not any(wanted.isdisjoint(tags) for wanted in wanted_tags(rule.match))


def filters_of(
    rules: Iterable[RankingRule], row: str, region: str | None, now_ms: int
) -> list[RankingRule]:
    """Return the filters that hold for a row, for viewers of a region, now."""
    return [
        rule
        for rule in rules
        if rule.enabled
        and rule.action == "filter"
        and rule.row in {row, EVERY_ROW}
        and (not rule.regions or region in rule.regions)
        and _holds(rule, now_ms)
    ]


def _tags(kind: str, values: Iterable[str]) -> list[Tag]:
    return [(kind, normalised(value)) for value in values]


@dataclass(slots=True)
class _Compiled:
    """One rule with the titles that it matches now."""

    rule: RankingRule
    wanted: tuple[frozenset[int], ...]
    matches: Flags


class _Kept(NamedTuple):
    """An effect and the time for which it holds: from the first moment, before the second."""

    effect: Effect
    from_ms: int
    until_ms: int


class RuleBook:
    """All rules of one row and the tags of all titles; title = dense index."""

    def __init__(self, row: str = FOR_YOU) -> None:
        self._row = row
        self._size = 1024
        self._rules: dict[str, _Compiled] = {}
        self._numbers: dict[Tag, int] = {}  # every tag ever seen: titles hold small numbers
        self._tags: dict[int, tuple[int, ...]] = {}
        self._naming: dict[int, set[str]] = {}  # the rules that a change of a tag may concern
        self._effects: dict[str | None, _Kept] = {}

    def put(self, rule: RankingRule) -> None:
        """Set a rule; one of another row, or that is not enabled, is as if it were not there."""
        self.remove(rule.rule_id)
        if not rule.enabled or rule.row not in {self._row, EVERY_ROW}:
            return
        wanted = tuple(frozenset(self._numbered(tags)) for tags in wanted_tags(rule.match))
        found = list(self._tags)
        for each in wanted:
            found = [title for title in found if not each.isdisjoint(self._tags[title])]
            for tag in each:
                self._naming.setdefault(tag, set()).add(rule.rule_id)
        compiled = _Compiled(rule, wanted, np.zeros(self._size, dtype=bool))
        compiled.matches[found] = True
        self._rules[rule.rule_id] = compiled
        self._effects.clear()

    def remove(self, rule_id: str) -> None:
        """Remove a rule; one that is not there is no error."""
        gone = self._rules.pop(rule_id, None)
        if gone is None:
            return
        for tag in frozenset().union(*gone.wanted):
            self._naming[tag].discard(rule_id)
        self._effects.clear()

    def put_title(self, title: int, content: Content | None) -> None:
        """Set what is known of a title; None: nothing, so no rule matches it."""
        self._grow(title + 1)
        before = self._tags.pop(title, ())
        tags = () if content is None else self._numbered(tags_of(content))
        if tags:
            self._tags[title] = tags
        changed = set(before).symmetric_difference(tags)
        for rule_id in {each for tag in changed for each in self._naming.get(tag, ())}:
            rule = self._rules[rule_id]
            matches = not any(each.isdisjoint(tags) for each in rule.wanted)
            if matches != rule.matches[title]:
                rule.matches[title] = matches
                self._effects.clear()

    def effect(self, region: str | None, now_ms: int, size: int) -> Effect:
        """Return what the rules do to a viewer of a region now.

        Args:
            region: of the viewer; a rule for some regions does not hold without one.
            now_ms: the moment.
            size: how many titles the arrays have at least.
        """
        if not self._rules:
            return NO_EFFECT
        self._grow(size)
        kept = self._effects.get(region)
        if kept is None or not kept.from_ms <= now_ms < kept.until_ms:
            kept = self._effects[region] = self._combined(region, now_ms)
        return kept.effect

    def _numbered(self, tags: Iterable[Tag]) -> tuple[int, ...]:
        return tuple(self._numbers.setdefault(tag, len(self._numbers)) for tag in tags)

    def _combined(self, region: str | None, now_ms: int) -> _Kept:
        here = [
            each for _, each in sorted(self._rules.items())
            if not each.rule.regions or region in each.rule.regions
        ]  # fmt: skip
        edges = [
            edge for each in here for edge in (each.rule.from_at_ms, each.rule.until_at_ms)
            if edge is not None
        ]  # fmt: skip
        return _Kept(
            _effect_of([each for each in here if _holds(each.rule, now_ms)], self._size),
            max((edge for edge in edges if edge <= now_ms), default=-FOREVER_MS),
            min((edge for edge in edges if edge > now_ms), default=FOREVER_MS),
        )

    def _grow(self, size: int) -> None:
        if size <= self._size:
            return
        self._size = max(size, 2 * self._size)
        for each in self._rules.values():
            grown = np.zeros(self._size, dtype=bool)
            grown[: len(each.matches)] = each.matches
            each.matches = grown
        self._effects.clear()


def _holds(rule: RankingRule, now_ms: int) -> bool:
    begun = rule.from_at_ms is None or rule.from_at_ms <= now_ms
    return begun and (rule.until_at_ms is None or now_ms < rule.until_at_ms)


def _effect_of(rules: Sequence[_Compiled], size: int) -> Effect:
    """Combine the rules in force, given in the order of their ids."""
    kept, lifts = np.ones(size, dtype=bool), np.zeros(size)
    pins: list[Pin] = []
    moves: list[Boost] = []
    filters: list[str] = []
    for each in rules:
        rule = each.rule
        match rule.action:
            case "filter":
                kept &= ~each.matches
                filters += [rule.rule_id] if each.matches.any() else []
            case "pin":
                found = np.flatnonzero(each.matches).tolist()
                pins += [Pin(rule.position or 1, rule.rule_id, title) for title in found]
            case "boost" | "bury":
                strength = (rule.strength or 0.0) * (1.0 if rule.action == "boost" else -1.0)
                lifts += each.matches * strength
                moves.append(Boost(rule.rule_id, strength, each.matches))
    moves.sort(key=lambda move: (-abs(move.strength), move.rule_id))
    return Effect(
        None if kept.all() else kept,
        lifts if lifts.any() else None,
        tuple(sorted(pins)),
        tuple(move for move in moves if move.strength > 0.0),
        tuple(move for move in moves if move.strength < 0.0),
        tuple(filters),
    )
