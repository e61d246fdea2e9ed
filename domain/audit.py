"""The audit chain: each entry's hash covers the entry before it, so no change goes unseen.

What is changed, removed, inserted or moved breaks the chain at that place. What is cut off at the
end does not: that is found against the topic, against the mark up to which the table says that it
was published, or against a head that somebody wrote down.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.audit_entry import NO_ENTRY, AuditEntry, AuditFact

FORM = b"media-gateway audit entry 1\n"
PLACE = {"prev_sha256", "entry_sha256"}


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


@dataclass(frozen=True, slots=True)
class Published:
    """What the topic holds: hash by sequence number, and a break of its own if there is one."""

    sha256: Mapping[int, str]
    broken: Break | None = None


def published(entries: Iterable[AuditEntry]) -> Published:
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
    return Published(known, broken)


def compare(table: Mapping[int, str], topic: Published, marked: int | None) -> Break | None:
    """Return the first entry in which table and topic differ.

    Args:
        table: hash by sequence number, of all entries in the table.
        topic: what the topic holds; its oldest entries may have gone with its retention.
        marked: the entry up to which the table says that it was published. One above the last entry
            tells of entries that are gone, or keeps new ones from the topic. None: it is gone, and
            no new entry comes to the topic.
    """
    mark, wrong = _mark(max(table, default=0), marked)
    begins = min(topic.sha256, default=mark + 1)
    breaks = [] if topic.broken is None else [topic.broken]
    for sequence, sha256 in topic.sha256.items():
        if sequence not in table:
            breaks.append(Break(sequence, "the topic has it, the table does not"))
        elif table[sequence] != sha256:
            breaks.append(Break(sequence, "the table's differs from the topic's"))
    breaks += [
        Break(sequence, "it was published, but the topic does not have it")
        for sequence in table
        if begins <= sequence <= mark and sequence not in topic.sha256
    ]
    if wrong is not None:
        breaks.append(wrong)
    return min(breaks, key=lambda each: each.sequence, default=None)


def _mark(last: int, marked: int | None) -> tuple[int, Break | None]:
    """Return up to where to look for holes, and what is wrong with the mark itself."""
    if marked is None:
        return last, Break(last + 1, "the mark of what was published is gone")
    if marked > last:
        reason = f"the table does not have it, but says that it was published up to {marked}"
        return marked, Break(last + 1, reason)
    return marked, None
