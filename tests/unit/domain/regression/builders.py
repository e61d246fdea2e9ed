"""Watch states and starts for tests; times in hours and days of January 1970."""

from domain.regression.start_store import StartStore
from domain.regression.starts import NEVER_MS, Start, Starts, start_of
from schemas.watch_state import WatchState

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS


def state(user: str, content: str, started_h: float | None, **fields) -> WatchState:
    """A watch state: begun ``started_h``, last touched an hour later, not completed."""
    started_at_ms = None if started_h is None else int(started_h * HOUR_MS)
    defaults = {
        "user_id": user, "content_id": content, "epoch": 0, "completions": 0, "completed": False,
        "watched_s": 0, "position_s": 0, "duration_s": 6000, "progress": 0.5, "resumable": False,
        "started_at_ms": started_at_ms, "updated_at_ms": (started_at_ms or 0) + HOUR_MS,
        "source_offset": 0,
    }  # fmt: skip
    return WatchState.model_validate(defaults | fields)


def finished(user: str, content: str, started_h: float, hours: float = 1, **fields) -> WatchState:
    """A watch state that was completed ``hours`` after its start."""
    at_ms = int((started_h + hours) * HOUR_MS)
    done = {"completed": True, "completions": 1, "progress": 1.0, "completed_at_ms": at_ms}
    return state(user, content, started_h, **({"updated_at_ms": at_ms} | done | fields))


def packed(*states: WatchState) -> Starts:
    """The starts of some watch states."""
    store = StartStore()
    for each in states:
        store.put(each.user_id, each.content_id, start_of(each))
    return store.starts()


def start(started_h: float, hours: float = 1, *, completed: bool = False) -> Start:
    """A start that ended ``hours`` later."""
    at_ms, end_ms = int(started_h * HOUR_MS), int((started_h + hours) * HOUR_MS)
    return Start(at_ms, end_ms if completed else NEVER_MS, NEVER_MS, end_ms, 6000.0, 0.5, 0)
