"""Progress events for the ledger's tests: single ones, and hypothesis strategies of many."""

import orjson
from hypothesis import strategies as st

from agents.spec import Record
from domain.watch import outcomes
from domain.watch.ledger import UserLedger
from domain.watch.presets import PRESETS
from schemas.codec import decode
from schemas.progress import ProgressEvent

BASE = 1_700_000_000_000
DAY_MS = 86_400_000
HOUR = 3600.0


def an_event(**fields: object) -> dict:
    """One report of user u1 playing film m1 (one hour); ``at_s`` counts seconds from BASE."""
    at_s = fields.pop("at_s", 0)
    event = {
        "event_id": "e1",
        "user_id": "u1",
        "content_id": "m1",
        "session_id": "s1",
        "device_id": "tv",
        "state": "playing",
        "position_s": 0.0,
        "duration_s": HOUR,
        "occurred_at_ms": BASE + round(at_s * 1000),
    } | fields
    unique = f"{event['state']}-{event['position_s']}-{event['occurred_at_ms']}"
    if event["event_id"] == "e1":
        event["event_id"] = f"e-{event['session_id']}-{event['content_id']}-{unique}"[:64]
    return event


def model(event: dict) -> ProgressEvent:
    return decode(ProgressEvent, orjson.dumps(event))


def record(event: dict, offset: int) -> Record:
    key = event["user_id"].encode()
    return Record("playback.progress-events.v1", 0, offset, BASE, key, orjson.dumps(event))


def ledger_of(*events: dict, days: int = 180) -> tuple[UserLedger, list[outcomes.Change]]:
    """Apply events in the given order, sealing after each; return the ledger and all changes."""
    ledger, changes = UserLedger(None), []
    for offset, event in enumerate(events):
        changes += outcomes.apply(ledger, model(event), days) or []
        ledger.applied_offset = offset
        ledger = UserLedger(ledger.seal())
    return ledger, changes


def kinds(changes: list[outcomes.Change]) -> list[str]:
    return [change.kind for change in changes if change.kind != "progressed"]


@st.composite
def one_event(draw: st.DrawFn) -> dict:
    at_s = draw(st.integers(0, 40)) * 45 + draw(st.sampled_from([0, 0, 1, 3, 7]))
    on_line = at_s * draw(st.sampled_from([1, 1, 1, 2])) + draw(st.integers(-9, 9))
    position = draw(
        st.one_of(
            st.just(max(0, on_line)),
            st.integers(0, 2400),
            st.sampled_from([0, 10.5, 29.999, 30, 1700, 1799.9995, 1800]),
        )
    )
    state = draw(
        st.sampled_from(
            ["playing"] * 6
            + ["paused", "stopped", "ended", "seeking", "interstitial"]
            + ["dismissed", "restored", "hidden", "unhidden", "rated"]
        )
    )
    event = an_event(
        event_id=f"e{draw(st.integers(0, 10**9))}",
        content_id=draw(st.sampled_from(["m1", "m2", "m11"])),
        session_id=draw(st.sampled_from(["s1", "s2", "s3", "s4"])),
        state=state,
        position_s=float(position),
        duration_s=draw(st.sampled_from([1800.0, 1800.0, 1800.0, 0.0, 1750.5, 200.0])),
        at_s=at_s + draw(st.sampled_from([0, 0, 5000, 200 * 86400])),
        preset=draw(st.sampled_from(["default"] * 3 + [preset.name for preset in PRESETS])),
        playback_rate=draw(st.sampled_from([1.0, 1.0, 1.5])),
    )
    if state == "rated":
        event["rating"] = draw(st.sampled_from([0.0, 0.5, 3.3, 5.0]))
    if draw(st.booleans()):
        event["played_from_s"] = float(draw(st.integers(0, 1900)))
        event["played_to_s"] = event["played_from_s"] + draw(st.integers(-20, 300))
        event["played_to_s"] = max(0.0, event["played_to_s"])
    if draw(st.integers(0, 5)) == 0:
        event["credits_at_s"] = draw(st.sampled_from([0.0, 1500.0, 5000.0]))
    return event


def histories(most: int = 25) -> st.SearchStrategy[list[dict]]:
    return st.lists(
        one_event(), min_size=1, max_size=most, unique_by=lambda event: event["event_id"]
    )
