"""The audit chain: each entry's hash covers the entry before it, so no change goes unseen.

What is changed, removed, inserted or moved breaks the chain at that place. What is cut off at the
end does not: that is found against the topic, against the mark up to which the table says that it
was published, or against a head that somebody wrote down. Entries that are not in the topic yet are
protected by such a head alone, so one that stays away from the topic for long is a break.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from schemas.audit_entry import NO_ENTRY, AuditEntry, AuditFact
from schemas.times import DAY_MS

FORM = b"media-gateway audit entry 1\n"
PLACE = {"prev_sha256", "entry_sha256"}
# An entry is in the topic after a second or two; while workers or Kafka start anew, later.
UNPUBLISHED_MS_MAX = 60_000
# What is about to reach the topic's retention need not be there: entries have the database's time,
# and Kafka removes by its own.
RETENTION_MARGIN_MS = DAY_MS


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain: its number and its hash. ``EMPTY`` is the head of no entry."""

    sequence: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.sha256}"


EMPTY = Head(0, NO_ENTRY)


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where a chain does not hold, and why."""

    sequence: int
    reason: str

    def __str__(self) -> str:
        return f"entry {self.sequence}: {self.reason}"


def canonical(entry: AuditFact) -> bytes:
    """Return the bytes that are hashed: the form, then JSON, names sorted, absent ones left out.

    Two entries have the same bytes only if all their fields are the same. A field that a later
    version adds is absent from older entries, whose bytes stay.
    """
    present = entry.model_dump(exclude_none=True, exclude=PLACE)
    return FORM + orjson.dumps(present, option=orjson.OPT_SORT_KEYS)


def follow(head: Head, fact: AuditFact) -> AuditEntry:
    """Return ``fact`` as the entry after ``head``."""
    entry = AuditEntry(
        **fact.model_dump(), sequence=head.sequence + 1, prev_sha256=head.sha256,
        entry_sha256=NO_ENTRY,
    )  # fmt: skip
    return entry.model_copy(update={"entry_sha256": hash_of(entry)})


def hash_of(entry: AuditEntry) -> str:
    """Return the hash that an entry must have."""
    return hashlib.sha256(bytes.fromhex(entry.prev_sha256) + canonical(entry)).hexdigest()


def head_of(entry: AuditEntry) -> Head:
    """Return the head of a chain that ends with ``entry``."""
    return Head(entry.sequence, entry.entry_sha256)


def digest(value: Any) -> str | None:
    """Return the SHA-256 of a value's canonical JSON, None for None.

    >>> digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    True
    """
    if value is None:
        return None
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


class Chain:
    """Checks entries one by one, in the order in which they are kept.

    ``known``: a head that was written down earlier; the chain must still contain it.
    """

    def __init__(self, known: Head = EMPTY) -> None:
        self.head = EMPTY
        self._known = known
        self._broken: Break | None = None

    def check(self, entry: AuditEntry) -> None:
        """Take the next entry."""
        if self._broken is None:
            self._broken = self._problem(entry)
            self.head = head_of(entry)

    def end(self) -> Break | None:
        """Return the first break, None if the entries taken are a whole chain."""
        if self._broken is None and self.head.sequence < self._known.sequence:
            missing = self.head.sequence + 1
            return Break(missing, f"it is missing; the given head is {self._known.sequence}")
        return self._broken

    def _problem(self, entry: AuditEntry) -> Break | None:
        expected = self.head.sequence + 1
        if entry.sequence != expected:
            return Break(expected, f"it is missing; the next one there is {entry.sequence}")
        if entry.prev_sha256 != self.head.sha256:
            return Break(expected, "it does not follow the entry before it")
        if entry.entry_sha256 != hash_of(entry):
            return Break(expected, "its content does not have its hash")
        if expected == self._known.sequence and head_of(entry) != self._known:
            return Break(expected, "it is not the one that the given head names")
        return None


def verify(entries: Iterable[AuditEntry], known: Head = EMPTY) -> Break | None:
    """Return the first break of a whole chain, None if it holds; see ``Chain``."""
    chain = Chain(known)
    for entry in entries:
        chain.check(entry)
    return chain.end()


class Kept(NamedTuple):
    """What is compared of an entry in the table: its hash and its time."""

    sha256: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Published:
    """What the topic holds: hash by sequence number, and a break of its own if there is one.

    ``retention_ms``: how long the topic keeps an entry at least.
    """

    sha256: Mapping[int, str]
    retention_ms: int
    broken: Break | None = None


def published(entries: Iterable[AuditEntry], retention_ms: int) -> Published:
    """Return what records of the topic say; a record may be there more than once, and later.

    The first record of a number counts: what was published cannot be published otherwise.
    """
    known: dict[int, str] = {}
    broken: Break | None = None
    for entry in entries:
        first = known.setdefault(entry.sequence, entry.entry_sha256)
        wrong = first != entry.entry_sha256 or entry.entry_sha256 != hash_of(entry)
        if wrong and (broken is None or entry.sequence < broken.sequence):
            broken = Break(entry.sequence, "the topic has it with other content")
    return Published(known, retention_ms, broken)


def compare(
    table: Mapping[int, Kept], topic: Published, marked: int | None, now_ms: int
) -> Break | None:
    """Return the first entry in which table and topic differ.

    Args:
        table: all entries in the table, by sequence number.
        topic: what the topic holds; entries older than its retention may have gone.
        marked: the entry up to which the table says that it was published. One above the last entry
            tells of entries that are gone, or keeps new ones from the topic. None: it is gone, and
            no new entry comes to the topic.
        now_ms: the time at which the mark was read, by the clock of the entries.
    """
    mark, wrong = _mark(max(table, default=0), marked)
    found = (
        topic.broken,
        _different(table, topic),
        _missing(table, topic, mark, now_ms),
        _waiting(table, topic, mark, now_ms),
        wrong,
    )
    breaks = [each for each in found if each is not None]
    return min(breaks, key=lambda each: each.sequence, default=None)


def _different(table: Mapping[int, Kept], topic: Published) -> Break | None:
    """Return the first entry of the topic that the table does not have, or has otherwise."""
    for sequence in sorted(topic.sha256):
        if sequence not in table:
            return Break(sequence, "the topic has it, the table does not")
        if table[sequence].sha256 != topic.sha256[sequence]:
            return Break(sequence, "the table's differs from the topic's")
    return None


def _missing(table: Mapping[int, Kept], topic: Published, mark: int, now_ms: int) -> Break | None:
    """Return the first published entry that the topic must have and does not, and how many more.

    It must have what is younger than its retention, and what follows the oldest that it has.
    """
    begins = min(topic.sha256, default=mark + 1)
    kept_since_ms = now_ms - topic.retention_ms + RETENTION_MARGIN_MS
    missing = sorted(
        sequence
        for sequence, entry in table.items()
        if sequence <= mark
        and sequence not in topic.sha256
        and (sequence > begins or entry.at_ms >= kept_since_ms)
    )
    if not missing:
        return None
    reason = "it was published, but the topic does not have it"
    if len(missing) > 1:
        reason += f", nor {len(missing) - 1} more up to entry {missing[-1]}"
    return Break(missing[0], reason)


def _waiting(table: Mapping[int, Kept], topic: Published, mark: int, now_ms: int) -> Break | None:
    """Return the first entry that should have been published long ago.

    One that the topic has is published: whoever sent it died, or will move the mark in a moment.
    """
    for sequence in sorted(table):
        waits_ms = now_ms - table[sequence].at_ms
        if sequence > mark and sequence not in topic.sha256 and waits_ms > UNPUBLISHED_MS_MAX:
            return Break(
                sequence,
                f"not published for {waits_ms // 1000} s: no worker with serving agents runs, or "
                "somebody holds the lock of audit_published",
            )
    return None


def _mark(last: int, marked: int | None) -> tuple[int, Break | None]:
    """Return up to where to look for holes, and what is wrong with the mark itself."""
    if marked is None:
        return last, Break(last + 1, "the mark of what was published is gone")
    if marked > last:
        reason = f"the table does not have it, but says that it was published up to {marked}"
        return marked, Break(last + 1, reason)
    return marked, None
