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
from domain.catalogue.crowds import CROWD_MAX, Crowds
from domain.catalogue.facts import (
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
from domain.catalogue.places import Number, Place, number_of, places_of, titles_of
from domain.catalogue.texts import Texts, Vector
from domain.title_attributes import PARTS

Name = TypeVar("Name", bound=Hashable)
SHARED_MAX = 50  # an identifier that more records claim identifies nothing


class Resolver:
    """Groups of records, kept current. Records are named by a key: partner and its own id.

    What more than ``crowd_max`` records of one partner share (a title and year, a number in a
    series, a person and year) is not looked at.
    """

    def __init__(self, crowd_max: int = CROWD_MAX) -> None:
        self._facts: dict[str, Facts] = {}
        self._groups: dict[str, Group] = {}
        self._crowds: Crowds[Place] = Crowds(crowd_max)
        self._narrowed: dict[str, Facts] = {}  # without the forms of titles that a crowd shares
        self._alike: Alike[Score] = Alike(crowd_max)  # by title, or by number within a series
        self._texts = Texts(self._crowds, crowd_max)
        self._to_review: set[str] = set()
        self._by_id: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._by_piece: dict[Piece, set[str]] = defaultdict(set)
        self._by_series: dict[str, set[str]] = defaultdict(set)  # record of a series -> its parts
        self._by_number: dict[Number, set[str]] = defaultdict(set)
        self._by_version: dict[str, set[str]] = defaultdict(set)  # record -> its other cuts

    def group(self, key: str) -> Group:
        """Return the group of a record; one that nobody has heard of stands alone."""
        return self._groups.get(key) or Group((key,))

    def alike(self, key: str) -> dict[str, Score]:
        """Return the records that agree well enough with one, whether or not they are linked."""
        return self._alike.of(key)

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
            seeds |= self._around_by_text(key)
            self._texts.hear(key, vector, self._facts)
            seeds |= self._around_by_text(key)
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
            seeds |= self._exchange(key, None)
        for key, facts in changes.items():
            if self._is_part_or_changed(key, facts):
                seeds |= self._exchange(key, facts)
        return self._regroup(seeds) | new

    def _exchange(self, key: str, facts: Facts | None) -> set[str]:
        """Set the facts of a record, None: forget it; return the records whose links may change.

        What becomes a crowd, or ceases to be one, is compared by something else than before.
        """
        turned = self._crowds.move(key, places_of(self._facts.get(key)), places_of(facts))
        fresh = {each: self._facts[each] for each in turned}
        if facts is not None:
            fresh[key] = facts
        seeds: set[str] = set()
        for each in (key, *turned):
            seeds |= self._take_out(each)
        for each, what in fresh.items():
            seeds |= self._put_in(each, what)
        return seeds

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
        if facts.series is not None:
            _discard(self._by_series, facts.series, key)
        if facts.version_of is not None:
            _discard(self._by_version, facts.version_of, key)
        number = number_of(facts)
        if number is not None:
            _discard(self._by_number, number, key)
        self._narrowed.pop(key, None)
        self._alike.drop(key, facts.partner)
        return around

    def _review_pairs(self, key: str) -> None:
        """Note that it may be another question now whose texts to compare."""
        pairs = self._texts.pairs(key)
        if pairs:
            self._to_review |= {key, *pairs}

    def _put_in(self, key: str, facts: Facts) -> set[str]:
        """Take a record in; return the records whose links may be others with it."""
        self._facts[key] = facts
        narrowed = self._narrow(key, facts)
        for other, score in self._compared(key, narrowed):
            self._alike.put(key, facts.partner, other, self._facts[other].partner, score)
        for each in facts.external_ids:
            self._by_id[each].add(key)
        for piece in _pieces(narrowed):
            self._by_piece[piece].add(key)
        number = number_of(facts)
        if number is not None and not self._crowds.crowded(((facts.partner, number),)):
            self._by_number[number].add(key)
        if facts.series is not None:
            self._by_series[facts.series].add(key)
        if facts.version_of is not None:
            self._by_version[facts.version_of].add(key)
        self._texts.put_in(key, self._facts)
        self._review_pairs(key)
        return self._around(key, facts)

    def _narrow(self, key: str, facts: Facts) -> Facts:
        """Return the facts without the forms of the title that a crowd shares, and keep them."""
        crowded = self._crowds.crowded(titles_of(facts))
        if not crowded:
            return facts
        forms = zip(facts.forms, titles_of(facts), strict=True)
        telling = tuple(form for form, title in forms if title not in crowded)
        self._narrowed[key] = facts._replace(forms=telling)
        return self._narrowed[key]

    def _compared(self, key: str, facts: Facts) -> Iterator[tuple[str, Score]]:
        """Yield the records that may be the same by what they say, with their scores."""
        for other in self._candidates(facts):
            if other != key:
                theirs = self._narrowed.get(other) or self._facts[other]
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
                for hits in map(look_up, probes_of(form, facts.year, YEARS_APART_MAX)):
                    if hits:
                        found |= hits
        return found

    def _counterparts(self, facts: Facts) -> set[str]:
        """Return the seasons or episodes with the same numbers in the same series."""
        number = number_of(facts)
        if number is None or self._crowds.crowded(((facts.partner, number),)):
            return set()
        series, kind, season, episode = number
        if series not in self._facts or self._is_part(series):
            return set()  # an episode of an episode is a partner's mistake
        return {
            part
            for member in self.group(series).members
            for part in self._by_number.get((member, kind, season, episode), ())
        }

    def _around(self, key: str, facts: Facts) -> set[str]:
        """Return the record and those whose links may be others with it than without it.

        Those that compete with it for one of these are found by the links of that one.
        """
        found = self._around_by_text(key)
        found.update(self._alike.of(key))
        for each in facts.external_ids:
            claimed = self._by_id.get(each, _EMPTY)
            if len(claimed) <= SHARED_MAX + 1:  # one more: this record may make it too many
                found |= claimed
        return found

    def _around_by_text(self, key: str) -> set[str]:
        return {key, *self._texts.alike.of(key)}

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
        for other, score in self._alike.mutual(key, facts.partner):
            yield self._match(key, other, score)
        for other, text_score in self._texts.alike.mutual(key, facts.partner):
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
        yield from pieces_of(form, facts.year)


def _discard(index: dict[Name, set[str]], name: Name, key: str) -> None:
    found = index[name]
    found.discard(key)
    if not found:
        del index[name]
