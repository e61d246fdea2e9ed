"""Two lists of records -> which were taken for one title, and how right that is."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cli.entities.lists import Records, without_identifiers
from domain.catalogue.facts import are_implausible
from domain.catalogue.record import RecordState
from domain.catalogue.resolution import Resolver


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records as people read them, and why they were or were not joined."""

    left: str
    right: str
    why: str


@dataclass(frozen=True, slots=True)
class Quality:
    """Pairs that were joined, against the truth; ``shared`` titles are in both lists."""

    shared: int
    joined: int
    right: int
    wrong: tuple[Pair, ...]
    missed: tuple[Pair, ...]
    disbelieved: tuple[Pair, ...]  # that would stay apart in spite of their identifier
    cpu_us_per_record: float

    @property
    def precision(self) -> float:
        """Share of the joined pairs that are one title; 1 when none was joined."""
        return self.right / self.joined if self.joined else 1.0

    @property
    def recall(self) -> float:
        """Share of the titles in both lists that were joined."""
        return self.right / self.shared if self.shared else 1.0

    def as_json(self) -> dict[str, Any]:
        """Return all numbers and pairs."""
        return {"precision": self.precision, "recall": self.recall, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two lists without a common identifier: what was joined, and what was too uncertain."""

    records: tuple[int, int]
    joined: tuple[Pair, ...]
    ambiguous: tuple[Pair, ...]
    cpu_us_per_record: float

    def as_json(self) -> dict[str, Any]:
        """Return all numbers and pairs."""
        return asdict(self)


def measure(
    left: Records, left_truth: Mapping[str, str], right: Records, right_truth: Mapping[str, str]
) -> Quality:
    """Hide all identifiers, resolve, and compare with them. Truths are title ids by record."""
    hidden = dict(without_identifiers(left)) | dict(without_identifiers(right))
    resolver, cpu_us = resolved(hidden)
    joined = dict(_joined(resolver, left, right))
    at_left = {title: key for key, title in left_truth.items()}
    shared = {key: at_left[title] for key, title in right_truth.items() if title in at_left}
    good = {key for key, other in joined.items() if left_truth[other] == right_truth[key]}
    wrong = [
        Pair(described(hidden[other]), described(hidden[key]), _link(resolver, key))
        for key, other in joined.items()
        if key not in good
    ]
    missed = [
        Pair(described(hidden[other]), described(hidden[key]), _candidates(resolver, hidden, key))
        for key, other in shared.items()
        if key not in good
    ]
    disbelieved = [
        Pair(described(left[other]), described(right[key]), right_truth[key])
        for key, other in shared.items()
        if are_implausible(left[other].facts(other), right[key].facts(key))
    ]
    return Quality(
        len(shared), len(joined), len(good), tuple(wrong), tuple(missed), tuple(disbelieved), cpu_us
    )


def overlap(left: Records, right: Records) -> Overlap:
    """Resolve two lists as they are."""
    both = left | right
    resolver, cpu_us = resolved(both)
    joined = dict(_joined(resolver, left, right))
    pairs = [
        Pair(described(both[other]), described(both[key]), _link(resolver, key))
        for key, other in joined.items()
    ]
    ambiguous = [
        Pair(_candidates(resolver, both, key), described(both[key]), "agree equally well")
        for key in right
        if key not in joined and resolver.alike(key)
    ]
    return Overlap((len(left), len(right)), tuple(pairs), tuple(ambiguous), cpu_us)


def resolved(records: Records) -> tuple[Resolver, float]:
    """Return a resolver given the records one by one, and the CPU time each took on average, us."""
    resolver = Resolver()
    started_s = time.process_time()
    for key, state in records.items():
        resolver.update({key: state.facts(key)})
    return resolver, (time.process_time() - started_s) * 1e6 / max(1, len(records))


def _joined(resolver: Resolver, left: Records, right: Records) -> Iterator[tuple[str, str]]:
    for key in right:
        for other in resolver.group(key).members:
            if other in left:
                yield key, other


def described(state: RecordState) -> str:
    """Return title, year and first director of a record."""
    values = {name: value for name, (_, value) in state.fields.items()}
    director = next(iter(values.get("directors") or ()), None)
    known = (values.get("title"), values.get("release_year"), director)
    return ", ".join(str(each) for each in known if each is not None)


def _link(resolver: Resolver, key: str) -> str:
    return ", ".join(f"{link.method} {link.confidence}" for link in resolver.group(key).links)


def _candidates(resolver: Resolver, records: Records, key: str) -> str:
    return " | ".join(described(records[each]) for each in sorted(resolver.alike(key)))
