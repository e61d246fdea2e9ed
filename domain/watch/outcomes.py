"""One event on one user's ledger -> what changed, as interactions.

Order of arrival and the *set* of interaction ids:

- ``started``, ``progressed`` and ``completed`` of epoch 0 are about the title as a whole (started
  ever, greatest share ever, finished ever). Each only grows with more events, so all orders give
  the same set. A finished title has all ten deciles. ``dismissed``, ``restored``, ``hidden``,
  ``unhidden`` and ``rated`` are facts of single events: each is emitted once known, even when a
  newer decision stands already, so a reader goes by ``occurred_at_ms`` (the watch state has the
  one that stands).
- ``rewatched``, and whatever carries an epoch above 0, may depend on arrival: which session opened
  a new epoch is only certain when all sessions are known, and what was said cannot be unsaid.
- ``abandoned`` may too: a title is abandoned when, by UTC days of event time, the user's newest
  playback is ``abandoned_days`` younger than the title's; a late event can refute what was
  emitted.
"""

from hashlib import blake2b
from typing import NamedTuple

from domain.watch import record, view
from domain.watch.ledger import DAY_NEVER, UserLedger
from domain.watch.reports import PLAYBACK_STATES, fingerprint, playback, title_of
from domain.watch.title import PERMILLE, Title, View, join, join_report
from schemas.progress import ProgressEvent
from schemas.times import DAY_MS

DECILE = PERMILLE // 10
ID_BYTES = 10  # 80 bits: a billion interactions collide with probability 4e-7


class Change(NamedTuple):
    """One interaction before it has bytes. ``mark`` tells apart what happens more than once."""

    content_id: str
    kind: str
    epoch: int
    decile: int | None
    progress: int  # thousandths
    occurred_at_ms: int
    mark: str


def apply(ledger: UserLedger, event: ProgressEvent, abandoned_days: int) -> list[Change] | None:
    """Take one event in; return its changes, or None when it is a repetition without effect.

    Nothing is changed when it raises.

    Raises:
        domain.watch.reports.RuleError: see ``reports.check``.
    """
    code = PLAYBACK_STATES.get(event.state)
    if code is None:
        return _apply_decision(ledger, event, abandoned_days)
    session, duration = playback(event, code)
    is_new = ledger.remember(fingerprint(event.event_id))
    at, content_id = event.occurred_at_ms, event.content_id
    title = ledger.title(content_id)
    stored = None if is_new else record.encode(title)
    before = view.of(title)
    join_report(title, session, duration)
    if stored is not None and record.encode(title) == stored:
        return None
    after = view.of(title)
    changes = progress_changes(content_id, before, after, at)
    newest_before = ledger.newest_at
    if at > newest_before:
        ledger.newest_at = at
    changes += _abandoned_now(ledger, content_id, (before, after), newest_before, abandoned_days)
    return changes


def _apply_decision(
    ledger: UserLedger, event: ProgressEvent, abandoned_days: int
) -> list[Change] | None:
    """Take in a decision of the viewer, or an event that says nothing about the title."""
    said = title_of(event)
    is_new = ledger.remember(fingerprint(event.event_id))
    title = ledger.title(event.content_id)
    if said is None:
        return [] if is_new else None
    stored = None if is_new else record.encode(title)
    changes = _decisions(title, said, event)
    join(title, said)
    if stored is not None and record.encode(title) == stored:
        return None
    seen = view.of(title)  # no decision changes what was played
    changes += _abandoned_now(
        ledger, event.content_id, (seen, seen), ledger.newest_at, abandoned_days
    )
    return changes


def erased(mark: ProgressEvent) -> Change:
    """Return the change that the mark of an erasure tells readers of interactions."""
    return Change(mark.content_id, "erased", 0, None, 0, mark.occurred_at_ms, mark.event_id)


def progress_changes(content_id: str, before: View, after: View, at: int) -> list[Change]:
    """Return what happened between two views of a title, in the order it must have happened."""
    was_epoch, _, _, _, _, was_started, was_share, was_completed, _ = before
    epoch, _, _, _, _, is_started, share, is_completed, _ = after
    if (
        was_epoch == epoch == 0
        and was_share // DECILE == share // DECILE
        and was_started == is_started
        and was_completed == is_completed
    ):
        return []  # most reports pass no mark
    return _crossed(content_id, before, after, at)


def _crossed(content_id: str, before: View, after: View, at: int) -> list[Change]:
    def change(kind: str, epoch: int, decile: int | None = None) -> Change:
        return Change(content_id, kind, epoch, decile, after.progress, at, "")

    changes = []
    if after.ever_started and not before.ever_started:
        changes.append(change("started", 0))
    for decile in _deciles(before.ever_progress, after.ever_progress):
        changes.append(change("progressed", 0, decile))
    if after.ever_completed and not before.ever_completed:
        changes.append(change("completed", 0))
    for epoch in range(max(1, before.epoch), after.epoch + 1):
        if epoch > before.epoch:
            changes.append(change("rewatched", epoch))
        was, now = _progress_in(before, epoch), _progress_in(after, epoch)
        for decile in _deciles(was, now):
            changes.append(change("progressed", epoch, decile))
        if now == PERMILLE and was < PERMILLE:
            changes.append(change("completed", epoch))
    return changes


def _deciles(was: int, now: int) -> range:
    return range(was // DECILE + 1, now // DECILE + 1)


def _progress_in(seen: View, epoch: int) -> int:
    """Progress of one epoch: every epoch before the current one was finished."""
    if epoch == seen.epoch:
        return PERMILLE if seen.completed else min(seen.progress, PERMILLE - 1)
    return PERMILLE if epoch < seen.epoch else 0


def _decisions(title: Title, said: Title, event: ProgressEvent) -> list[Change]:
    known = (title.row, title.visibility, title.rating)
    told = (said.row, said.visibility, said.rating)
    at = event.occurred_at_ms
    return [
        Change(event.content_id, event.state, 0, None, 0, at, f"{at}:{register[1]}")
        for register, own in zip(told, known, strict=True)
        if register is not None and register != own
    ]


def _abandoned_now(
    ledger: UserLedger,
    content_id: str,
    views: tuple[View, View],
    newest_before: int,
    days: int,
) -> list[Change]:
    """Return titles that became abandoned: this one by a late event, others by the newest one."""
    before, after = views
    newest = ledger.newest_at
    today = newest // DAY_MS
    yesterday = today if newest == newest_before else newest_before // DAY_MS
    changes: list[Change] = []
    _, _, completed, started, _, _, _, _, updated_at = after
    if started and not completed:
        day = today if updated_at == newest else updated_at // DAY_MS
        if day + days > today:
            if day < ledger.open_day:
                ledger.open_day = day
        elif before.updated_at != updated_at or not _is_open(before):
            changes.append(_abandoned(content_id, after, days, newest))
    if today == yesterday or ledger.open_day + days > today:
        return changes
    ledger.open_day = DAY_NEVER
    for other in ledger.content_ids():
        seen = view.of(ledger.peek(other))
        if not _is_open(seen):
            continue
        day = seen.updated_at // DAY_MS
        if day + days > today:
            ledger.open_day = min(ledger.open_day, day)
        elif day + days > yesterday and other != content_id:
            changes.append(_abandoned(other, seen, days, newest))
    return changes


def _is_open(seen: View) -> bool:
    return seen.started and not seen.completed


def _abandoned(content_id: str, seen: View, days: int, newest: int) -> Change:
    # Whole days count, so the moment itself may lie after the newest event; time must not.
    at = min(seen.updated_at + days * DAY_MS, newest)
    return Change(
        content_id, "abandoned", seen.epoch, None, seen.progress, at, str(seen.updated_at)
    )


def interaction_bytes(event: ProgressEvent, change: Change, offset: int, ordinal: int) -> bytes:
    """Return the canonical bytes of the ``Interaction``; a test holds them to the model's."""
    decile = "" if change.decile is None else f',"decile":{change.decile}'
    rating = f',"rating":{event.rating}' if change.kind == "rated" else ""
    region = "" if event.region is None else f',"region":"{event.region}"'
    return (
        f'{{"interaction_id":"{interaction_id(event.user_id, change)}",'
        f'"user_id":"{event.user_id}","content_id":"{change.content_id}","kind":"{change.kind}",'
        f'"epoch":{change.epoch}{decile},"progress":{change.progress / PERMILLE}{rating}{region},'
        f'"occurred_at_ms":{change.occurred_at_ms},"event_id":"{event.event_id}",'
        f'"source_offset":{offset},"ordinal":{ordinal}}}'
    ).encode()


def interaction_id(user_id: str, change: Change) -> str:
    """Return the id: a function of user, content, epoch, kind, decile and mark."""
    text = (
        f"{user_id}|{change.content_id}|{change.epoch}|{change.kind}|{change.decile}|{change.mark}"
    )
    return blake2b(text.encode(), digest_size=ID_BYTES).hexdigest()
