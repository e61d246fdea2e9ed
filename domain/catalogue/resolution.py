"""Which partner records are one title: groups as a function of the set of records.

The resolver holds what is compared of every record, and the groups. A change computes again the
records that may be affected and no others: the neighbours of the changed record, and theirs. Since
nothing is decided for good, a later record proves an earlier match right or wrong by itself.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

from domain.catalogue.alike import Alike
from domain.catalogue.blocking import Piece, pieces_of, probes_of
from domain.catalogue.facts import (
    PARTS,
    YEARS_APART_MAX,
    Facts,
    Score,
    is_comparable,
    score_of,
    score_of_parts,
)  # fmt: skip
from domain.catalogue.grouping import (
    EXACT,
    PART,
    PART_CONFIDENCE,
    TEXT,
    TEXT_CONFIDENCE_MAX,
    TITLE,
    TITLE_CONFIDENCE_MAX,
    Group,
    Link,
    groups_of,
    without_texts,
)  # fmt: skip
from domain.catalogue.texts import Texts, Vector

Name = TypeVar("Name", bound=Hashable)
SHARED_MAX = 50  # an identifier that more records claim identifies nothing


class Resolver:
    """Groups of records, kept current. Records are named by a key: partner and its own id."""

    def __init__(self) -> None:
        self._facts: dict[str, Facts] = {}
        self._groups: dict[str, Group] = {}
        self._alike: Alike[Score] = Alike()  # by title, or by number within a series
        self._texts = Texts()
        self._to_review: set[str] = set()
        self._by_id: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._by_piece: dict[Piece, set[str]] = defaultdict(set)
        self._by_series: dict[str, set[str]] = defaultdict(set)  # record of a series -> its parts
        self._by_version: dict[str, set[str]] = defaultdict(set)  # record -> its other cuts

    def group(self, key: str) -> Group:
        """Return the group of a record; one that nobody has heard of stands alone."""
        return self._groups.get(key) or Group((key,))

    def alike(self, key: str) -> dict[str, Score]:
        """Return the records that agree well enough with one, whether or not they are linked."""
        return dict(self._alike.of(key))

    def name(self, key: str) -> str | None:
        """Return the content id of a record's group: the name of its oldest record."""
        members = self.group(key).members
        known = [self._facts[each] for each in members if each in self._facts]
        return min(known, key=lambda facts: (facts.arrived, facts.name)).name if known else None

    def update(self, changes: Mapping[str, Facts]) -> set[str]:
        """Set the facts of some records.

        Returns: the records whose content may be another one now, besides those given: members of
        groups that changed, and what links to them.
        """
        parts = {key: facts for key, facts in changes.items() if facts.type in PARTS}
        wholes = {key: facts for key, facts in changes.items() if key not in parts}
        moved = {
            key
            for key, facts in changes.items()
            if key in self._facts and self._is_part(key) != (facts.type in PARTS)
        }
        affected = self._replace(wholes, moved & parts.keys()) | moved
        return self._with_parts(affected, parts)

    def hear(self, vectors: Mapping[str, Vector | None]) -> set[str]:
        """Take in vectors of records' texts; None: one was taken back.

        Returns: the records whose content may be another one now.
        """
        seeds: set[str] = set()
        for key, vector in vectors.items():
            facts = self._facts.get(key)
            before = set() if facts is None else self._around_by_text(key, facts)
            self._texts.hear(key, vector, self._facts)
            after = set() if facts is None else self._around_by_text(key, facts)
            seeds |= before | after
        return self._with_parts(self._regroup(seeds), {})

    def following(self, keys: Iterable[str]) -> set[str]:
        """Return the records whose content follows the groups of some: their parts, other cuts."""
        members = {member for key in keys for member in self.group(key).members}
        parts = {part for key in members for part in self._by_series.get(key, ())}
        return parts | {cut for key in members | parts for cut in self._by_version.get(key, ())}

    def wants_vector(self, key: str) -> str:
        """Return the hash of a record's text if a vector could join it with another one, else "".

        That depends on records and not on vectors, which would otherwise take themselves back: it
        looks at the groups that there would be without texts.
        """
        ours = without_texts(self.group(key), key)
        partners = {self._facts[each].partner for each in ours if each in self._facts}
        for other in self._texts.pairs(key):
            theirs = without_texts(self.group(other), other)
            if partners.isdisjoint(self._facts[each].partner for each in theirs):
                return self._facts[key].text
        return ""

    def to_review(self) -> frozenset[str]:
        """Return the records of which ``wants_vector`` may say something else than it did."""
        return frozenset(self._to_review)

    def review(self, keys: Iterable[str]) -> None:
        """Add records to these, of which something was said before this resolver was made."""
        self._to_review.update(keys)

    def reviewed(self, key: str) -> None:
        """Take a record from these, until something changes again."""
        self._to_review.discard(key)

    def _with_parts(self, affected: set[str], parts: Mapping[str, Facts]) -> set[str]:
        """Group parts after their series; return the records whose content may be another one."""
        of_series = {part for key in affected for part in self._by_series.get(key, ())}
        again = {part: self._facts[part] for part in of_series if self._is_part(part)}
        new = {key: facts for key, facts in parts.items() if self._facts.get(key) != facts}
        affected |= of_series | self._replace(again | new)
        return affected | {cut for key in affected for cut in self._by_version.get(key, ())}

    def _is_part(self, key: str) -> bool:
        return self._facts[key].type in PARTS

    def _replace(self, changes: Mapping[str, Facts], left: Iterable[str] = ()) -> set[str]:
        """Set facts, forget those that ``left``; return the members of groups that changed."""
        seeds: set[str] = set()
        new = {key for key in changes if key not in self._facts}
        for key in left:
            seeds |= self._take_out(key)
        for key, facts in changes.items():
            if self._is_part_or_changed(key, facts):
                seeds |= self._take_out(key)
                seeds |= self._put_in(key, facts)
        return self._regroup(seeds) | new

    def _is_part_or_changed(self, key: str, facts: Facts) -> bool:
        """Whether to look again: a part may say the same while its series is another one."""
        return facts.type in PARTS or self._facts.get(key) != facts

    def _take_out(self, key: str) -> set[str]:
        """Forget a record's facts; return the records whose links may be others without them."""
        facts = self._facts.get(key)
        if facts is None:
            return set()
        around = self._around(key, facts)
        self._review_pairs(key)
        self._texts.take_out(key, facts)
        del self._facts[key]
        for each in facts.external_ids:
            _discard(self._by_id, each, key)
        for piece in _pieces(facts):
            _discard(self._by_piece, piece, key)
        for index, target in (
            (self._by_series, facts.series),
            (self._by_version, facts.version_of),
        ):
            if target is not None:
                _discard(index, target, key)
        self._alike.drop(key)
        return around

    def _review_pairs(self, key: str) -> None:
        """Note that it may be another question now whose texts to compare."""
        pairs = self._texts.pairs(key)
        if pairs:
            self._to_review |= {key, *pairs}

    def _put_in(self, key: str, facts: Facts) -> set[str]:
        """Take a record in; return the records whose links may be others with it."""
        self._facts[key] = facts
        for other, score in self._compared(key, facts):
            self._alike.put(key, other, score)
        for each in facts.external_ids:
            self._by_id[each].add(key)
        for piece in _pieces(facts):
            self._by_piece[piece].add(key)
        if facts.series is not None:
            self._by_series[facts.series].add(key)
        if facts.version_of is not None:
            self._by_version[facts.version_of].add(key)
        self._texts.put_in(key, self._facts)
        self._review_pairs(key)
        return self._around(key, facts)

    def _compared(self, key: str, facts: Facts) -> Iterator[tuple[str, Score]]:
        """Yield the records that may be the same by what they say, with their scores."""
        for other in self._candidates(facts):
            if other != key:
                theirs = self._facts[other]
                compare = score_of_parts if facts.type in PARTS else score_of
                score = compare(facts, theirs)
                if score is not None:
                    yield other, score

    def _candidates(self, facts: Facts) -> set[str]:
        if facts.type in PARTS:
            return self._counterparts(facts)
        found: set[str] = set()
        if is_comparable(facts) and facts.year is not None:
            look_up = self._by_piece.get
            for form in facts.forms:
                for hits in map(look_up, probes_of(form.text, facts.year, YEARS_APART_MAX)):
                    if hits:
                        found |= hits
        return found

    def _counterparts(self, facts: Facts) -> set[str]:
        """Return the seasons or episodes with the same numbers in the same series."""
        if facts.series is None or facts.season is None:
            return set()
        if facts.series not in self._facts or self._is_part(facts.series):
            return set()  # an episode of an episode is a partner's mistake
        if facts.type == "episode" and facts.episode is None:
            return set()
        same = (facts.type, facts.season, facts.episode)
        return {
            part
            for series in self.group(facts.series).members
            for part in self._by_series.get(series, ())
            if (other := self._facts[part]) and (other.type, other.season, other.episode) == same
        }

    def _around(self, key: str, facts: Facts) -> set[str]:
        """Return the record, those it may be linked with, and those that compete for these."""
        near = self._alike.around(key, facts.partner, self._facts)
        sharing: set[str] = set()
        for each in facts.external_ids:
            claimed = self._by_id.get(each, _EMPTY)
            if (
                len(claimed) <= SHARED_MAX + 1
            ):  # one more: this record may be what makes it too many
                sharing |= claimed
        return near | sharing | self._around_by_text(key, facts)

    def _around_by_text(self, key: str, facts: Facts) -> set[str]:
        return {key} | self._texts.alike.around(key, facts.partner, self._facts)

    def _regroup(self, seeds: set[str]) -> set[str]:
        """Group again what is connected with the seeds; return the records of changed groups."""
        waiting = {member for key in seeds for member in self.group(key).members}
        changed: set[str] = set()
        for key in [key for key in waiting if key not in self._facts]:
            self._groups.pop(key, None)
            waiting.discard(key)
        while waiting:
            component, links = self._component(waiting.pop())
            waiting.difference_update(component)
            for group in groups_of(component, links):
                for key in group.members:
                    before = self._groups.get(key)
                    if before == group or (before is None and len(group.members) == 1):
                        continue
                    changed |= {key, *(before.members if before else ())}
                    self._review_pairs(key)
                    if len(group.members) == 1:
                        self._groups.pop(key)
                    else:
                        self._groups[key] = group
        return changed

    def _component(self, start: str) -> tuple[dict[str, Facts], set[Link]]:
        """Return the records that links lead to from one, and these links."""
        found = {start: self._facts[start]}
        links: set[Link] = set()
        waiting = [start]
        while waiting:
            key = waiting.pop()
            for link in self._links(key):
                links.add(link)
                for other in (link.left, link.right):
                    if other not in found:
                        found[other] = self._facts[other]
                        waiting.append(other)
        return found, links

    def _links(self, key: str) -> Iterator[Link]:
        """Yield the links of a record: shared identifiers, and mutual best matches."""
        facts = self._facts[key]
        for kind, value in facts.external_ids:
            sharing = self._by_id[kind, value]
            if 1 < len(sharing) <= SHARED_MAX:
                for other in sharing - {key}:
                    if self._is_part(other) != self._is_part(key):
                        continue  # an episode is no series, whatever they share
                    left, right = sorted((key, other))
                    yield Link(left, right, kind, EXACT[kind])
        for other, score in self._alike.mutual(key, self._facts):
            yield self._match(key, other, score)
        for other, text_score in self._texts.alike.mutual(key, self._facts):
            left, right = sorted((key, other))
            confidence = min(text_score.alike, TEXT_CONFIDENCE_MAX)
            yield Link(left, right, TEXT, confidence, tuple(map(float, text_score)))

    def _match(self, key: str, other: str, score: Score) -> Link:
        left, right = sorted((key, other))
        if self._facts[key].type in PARTS:
            return Link(left, right, PART, PART_CONFIDENCE)
        confidence = round(min(score.likeness, TITLE_CONFIDENCE_MAX), 4)
        return Link(left, right, TITLE, confidence, tuple(map(float, score)))


_EMPTY: frozenset[str] = frozenset()


def _pieces(facts: Facts) -> Iterator[Piece]:
    if not is_comparable(facts) or facts.year is None:
        return
    for form in facts.forms:
        yield from pieces_of(form.text, facts.year)


def _discard(index: dict[Name, set[str]], name: Name, key: str) -> None:
    found = index[name]
    found.discard(key)
    if not found:
        del index[name]
