"""The ledger of one user as one bytes value: envelope | content ids | record lengths | records.

The *body* (everything after the envelope) is canonical: a function of the set of events, titles
sorted by content id. The *envelope* is about arrival: which offsets were applied, which events
came last. One title is found with ``bytes.find`` and replaced by joining slices, so the other
titles are never decoded. Ids stand between newlines, which no id contains, so a match is always a
whole id.
"""

from bisect import bisect_left
from struct import Struct, pack, unpack_from

from domain.watch import record
from domain.watch.reports import FINGERPRINT_BYTES
from domain.watch.title import Title
from schemas.watch_state import RECENT_EVENTS_MAX

TITLES_MAX = (
    2000  # beyond it the titles longest untouched are forgotten (their last view stays read)
)
LEDGER_BYTES_MAX = 512 * 1024  # half of what one Kafka record may hold
DAY_NEVER = 0xFFFF
_NEWLINE = b"\n"
_ENVELOPE = Struct("<QQQI")
_Spot = tuple[int, int, int]  # ordinal of a stored title, start and end of its record
_NOT_STORED: _Spot = (-1, 0, 0)
_RING_BYTES = RECENT_EVENTS_MAX * FINGERPRINT_BYTES


class UserLedger:
    """One user's ledger, opened for a batch of events and sealed into bytes afterwards.

    Attributes:
        applied_offset: newest progress offset taken in; older records have had their effect.
        interaction_offset: newest offset that produced an interaction, -1 when none did.
        newest_at: occurred_at of the user's newest playback event, of any title.
        open_day: UTC day; no title that may yet become abandoned was last played before it.
        recent: fingerprints of the newest distinct arrivals, oldest first.
    """

    __slots__ = (
        "_count", "_ids", "_lengths_place", "_opened", "_opened_at",
        "_spots", "_value",
        "applied_offset", "interaction_offset", "newest_at", "open_day", "recent",
    )  # fmt: skip

    def __init__(self, value: bytes | None) -> None:
        self._opened: dict[str, Title] = {}
        self._spots: dict[str, _Spot] = {}  # of opened titles
        if value is None:
            self.applied_offset = self.interaction_offset = self._opened_at = -1
            self.newest_at, self.open_day, self.recent = 0, DAY_NEVER, b""
            self._value, self._ids, self._lengths_place, self._count = b"", 0, 0, 0
            return
        applied, interaction, newest, ids_bytes = _ENVELOPE.unpack_from(value)
        self.applied_offset = (applied >> 16) - 1
        self.interaction_offset = (interaction >> 16) - 1
        self.newest_at = newest >> 16
        self.open_day = newest & 0xFFFF
        self._ids = _ENVELOPE.size + (applied & 0xFFFF) * FINGERPRINT_BYTES
        self.recent = value[_ENVELOPE.size : self._ids]
        self._count = interaction & 0xFFFF
        self._lengths_place = self._ids + ids_bytes
        self._value = value
        self._opened_at = self.applied_offset

    def is_changed(self) -> bool:
        """Whether anything was taken in since the value was read."""
        return self.applied_offset != self._opened_at

    def is_known(self) -> bool:
        """Whether the ledger holds anything of the user, stored or taken in."""
        return bool(self._value) or self.is_changed()

    def body(self) -> bytes:
        """Return the canonical part of the value this ledger was opened from."""
        return self._value[self._ids :]

    def content_ids(self) -> list[str]:
        """Return the ids of all titles stored or opened, sorted."""
        stored = self._value[self._ids + 1 : self._lengths_place - 1].decode()
        return sorted({*self._opened, *(stored.split("\n") if stored else ())})

    def title(self, content_id: str) -> Title:
        """Return the title, empty when unknown; changes to it are kept by ``seal``."""
        title = self._opened.get(content_id)
        if title is None:
            spot = self._spots[content_id] = self._find(content_id.encode())
            title = self._opened[content_id] = self._decoded(spot)
        return title

    def peek(self, content_id: str) -> Title:
        """Return the title for reading only."""
        opened = self._opened.get(content_id)
        if opened is not None:
            return opened
        return self._decoded(self._find(content_id.encode()))

    def remember(self, mark: bytes) -> bool:
        """Note an arrival; False when it is among the newest ones already."""
        recent = self.recent
        place = recent.find(mark)
        while place >= 0 and place % FINGERPRINT_BYTES:
            place = recent.find(mark, place + 1)
        if place >= 0:
            return False
        self.recent = (recent + mark)[-_RING_BYTES:]
        return True

    def seal(self) -> bytes:
        """Return the value with all changes; the ledger goes on from it."""
        if len(self._opened) == 1:
            ((content_id, title),) = self._opened.items()
            body, ids_bytes = self._spliced(content_id, title)
        else:
            body, ids_bytes = self._rebuilt()
        if self._count > TITLES_MAX or len(body) > LEDGER_BYTES_MAX:
            body, ids_bytes = self._shrunk(body, ids_bytes)
        self._value = (
            _ENVELOPE.pack(
                self.applied_offset + 1 << 16 | len(self.recent) // FINGERPRINT_BYTES,
                self.interaction_offset + 1 << 16 | self._count,
                self.newest_at << 16 | self.open_day,
                ids_bytes,
            )
            + self.recent
            + body
        )
        self._ids = _ENVELOPE.size + len(self.recent)
        self._lengths_place = self._ids + ids_bytes
        self._opened = {}
        self._spots = {}
        self._opened_at = self.applied_offset
        return self._value

    def _find(self, content_id: bytes) -> _Spot:
        """Return where a stored title is."""
        value, ids = self._value, self._ids
        place = value.find(_NEWLINE + content_id + _NEWLINE, ids, self._lengths_place)
        if place < 0:
            return _NOT_STORED
        index = value.count(_NEWLINE, ids, place)
        return index, *self._span(index)

    def _decoded(self, spot: _Spot) -> Title:
        index, start, end = spot
        return Title() if index < 0 else record.decode(self._value[start:end])

    def _span(self, index: int) -> tuple[int, int]:
        """Return where the record of that ordinal is; lengths are stored in words."""
        value, lengths_place = self._value, self._lengths_place
        if index == self._count - 1:  # the last one: no need to add up those before it
            end = len(value)
            at = lengths_place + 2 * index
            return end - record.WORD_BYTES * (value[at] | value[at + 1] << 8), end
        lengths = unpack_from(f"<{index + 1}H", value, lengths_place)
        end = self._records_place() + record.WORD_BYTES * sum(lengths)
        return end - record.WORD_BYTES * lengths[index], end

    def _records_place(self) -> int:
        return self._lengths_place + 2 * self._count

    def _spliced(self, content_id: str, title: Title) -> tuple[bytes, int]:
        """Replace or insert one record without looking at the others."""
        value, lengths_place = self._value, self._lengths_place
        index, start, end = self._spots[content_id]
        if index < 0 and title.is_empty():
            return value[self._ids :], lengths_place - self._ids
        encoded = record.encode(title)
        if index < 0:
            return self._inserted(content_id.encode(), encoded)
        if len(encoded) == end - start:  # the usual report: the same words, some of them changed
            return value[self._ids : start] + encoded + value[end:], lengths_place - self._ids
        length = pack("<H", len(encoded) // record.WORD_BYTES)
        at = lengths_place + 2 * index
        parts = (value[self._ids : at], length, value[at + 2 : start], encoded, value[end:])
        return b"".join(parts), lengths_place - self._ids

    def _inserted(self, content_id: bytes, encoded: bytes) -> tuple[bytes, int]:
        value, lengths_place = self._value, self._lengths_place
        length = pack("<H", len(encoded) // record.WORD_BYTES)
        ids = value[self._ids + 1 : lengths_place - 1].split(_NEWLINE) if self._count else []
        index = bisect_left(ids, content_id)
        ids.insert(index, content_id)
        start = self._span(index - 1)[1] if index else self._records_place()
        at = lengths_place + 2 * index
        names = _NEWLINE + _NEWLINE.join(ids) + _NEWLINE
        self._count += 1
        parts = (names, value[lengths_place:at], length, value[at:start], encoded, value[start:])
        return b"".join(parts), len(names)

    def _rebuilt(self) -> tuple[bytes, int]:
        """Encode every opened title anew among the stored ones."""
        records = _split(self.body(), self._lengths_place - self._ids, self._count)
        for name, title in self._opened.items():
            if not title.is_empty():
                records[name.encode()] = record.encode(title)
        return self._joined(records)

    def _shrunk(self, body: bytes, ids_bytes: int) -> tuple[bytes, int]:
        """Forget the titles longest untouched until a tenth of each bound is free again."""
        records = _split(body, ids_bytes, self._count)
        oldest = sorted(records, key=lambda name: (_touched_at(records[name]), name))
        spare = len(body) - LEDGER_BYTES_MAX * 9 // 10
        for name in oldest:
            if len(records) <= TITLES_MAX * 9 // 10 and spare <= 0:
                break
            spare -= len(name) + 3 + len(records.pop(name))
        return self._joined(records)

    def _joined(self, records: dict[bytes, bytes]) -> tuple[bytes, int]:
        self._count = len(records)
        if not records:
            return b"", 0
        ids = sorted(records)
        names = _NEWLINE + _NEWLINE.join(ids) + _NEWLINE
        lengths = pack(f"<{len(ids)}H", *[len(records[name]) // record.WORD_BYTES for name in ids])
        return b"".join((names, lengths, *[records[name] for name in ids])), len(names)


def _split(body: bytes, ids_bytes: int, count: int) -> dict[bytes, bytes]:
    """Return the records of a body by content id."""
    if not count:
        return {}
    ids = body[1 : ids_bytes - 1].split(_NEWLINE)
    place = ids_bytes + 2 * count
    records = {}
    for name, words in zip(ids, unpack_from(f"<{count}H", body, ids_bytes), strict=True):
        records[name] = body[place : place + words * record.WORD_BYTES]
        place += words * record.WORD_BYTES
    return records


def _touched_at(encoded: bytes) -> int:
    title = record.decode(encoded)
    return max(title.played_at(), title.decided_at())
