"""An independent oracle for the watch ledger: keep every event, work everything out from scratch.

Shares no code with ``domain.watch`` and stores nothing cleverly. ``fold`` takes decoded JSON events
in any order, with repetitions, and returns for each (user, content) the fields of ``WatchState``
except the three that are about arrival (source_offset, interaction_offset, recent_events).

Definitions that both sides must share: positions are whole milliseconds (halves up); a session is
identified by the CRC-32 of its id, which also orders sessions that start with the same report.
"""

import zlib
from itertools import pairwise

PLAY = ("playing", "paused", "stopped", "ended")
GAP = 90_000
CELL = 8_000_000  # 8 s of offset, in thousandths of a millisecond


def fold(events: list[dict]) -> dict[tuple[str, str], dict]:
    titles: dict[tuple[str, str], list[dict]] = {}
    for event in events:
        titles.setdefault((event["user_id"], event["content_id"]), []).append(event)
    return {key: view(key, found) for key, found in titles.items()}


def ms(seconds: float | None) -> int:
    return int((seconds or 0) * 1000 + 0.5)


def at(event: dict) -> int:
    return event["occurred_at_ms"]


def duration_of(event: dict) -> int:
    return ms(event.get("duration_s", 0))


def position_of(event: dict) -> int:
    position, duration = ms(event.get("position_s", 0)), duration_of(event)
    return min(position, duration) if duration else position


def preset_of(event: dict) -> str:
    return event.get("preset", "default")


def starts(preset: str, p: int, d: int) -> bool:
    if preset == "default":
        return p >= 30_000
    if preset == "kodi":
        return p > 180_000
    if preset == "firetv":
        return p > 0
    if preset == "androidtv":
        return p > 120_000 or (d > 0 and 100 * p > 3 * d)
    if preset == "androidtv-episode":
        return p > 120_000
    percent = {"jellyfin": 5, "trakt": 1, "recombee": 10}[preset]
    return 100 * p >= percent * d if d else p >= 30_000


def finishes(preset: str, p: int, d: int, credits: int, state: str) -> bool:
    if (
        preset in ("default", "androidtv", "androidtv-episode", "firetv")
        and credits
        and p >= credits
    ):
        return True
    if not d:
        if preset == "jellyfin":
            return state in ("stopped", "ended")
        return state == "ended" and preset not in ("trakt", "kodi", "recombee")
    if preset in ("default", "firetv"):
        return 100 * p >= 95 * d
    if preset == "jellyfin":
        return (
            100 * p > 90 * d or (d - p <= 1000 and 2 * p >= d) or (d < 300_000 and 100 * p >= 5 * d)
        )
    if preset in ("androidtv", "androidtv-episode"):
        return d - p < 180_000 and 2 * p >= d
    return 100 * p >= {"trakt": 80, "kodi": 90, "recombee": 90}[preset] * d


def proves(event: dict) -> bool:
    credits = ms(event.get("credits_at_s"))
    args = position_of(event), duration_of(event), credits, event["state"]
    return finishes(preset_of(event), *args)


def begins(event: dict) -> bool:
    return proves(event) or starts(preset_of(event), position_of(event), duration_of(event))


def merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def watched_in(session: list[dict]) -> list[tuple[int, int]]:
    spans, points = [], []
    for event in session:
        start, end = event.get("played_from_s"), event.get("played_to_s")
        if start is None or end is None:
            rate = max(1, int(event.get("playback_rate", 1.0) * 1000 + 0.5))
            points.append((at(event), position_of(event), rate))
        else:
            duration = duration_of(event)
            spans.append((ms(start), min(ms(end), duration) if duration else ms(end)))
    for shift in (0, CELL // 2):
        lines: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for t, p, rate in points:
            lines.setdefault((rate, (1000 * p - rate * t + shift) // CELL), []).append((t, p))
        for (rate, _), line in lines.items():
            spans += stretches(sorted(line), rate)
    return spans


def stretches(line: list[tuple[int, int]], rate: int) -> list[tuple[int, int]]:
    breaks = [
        0,
        *(i + 1 for i, (a, b) in enumerate(pairwise(line)) if b[0] - a[0] > GAP),
        len(line),
    ]
    spans = []
    for low, high in pairwise(breaks):
        (t0, p0), (t1, p1) = line[low], line[high - 1]
        spans.append((p0, min(p1, p0 + rate * (t1 - t0) // 1000)))
    return spans


def epochs_of(sessions: list[list[dict]], duration: int) -> list[list[list[dict]]]:
    def order(session: list[dict]):
        first = min((at(e), position_of(e)) for e in session)
        return first, zlib.crc32(session[0]["session_id"].encode())

    epochs: list[list[list[dict]]] = []
    for session in sorted(sessions, key=order):
        (t, p), _ = order(session)
        proofs = [at(e) for e in session if proves(e)]
        ended = [at(e) for s in epochs[-1] for e in s if proves(e)] if epochs else []
        early = p < 60_000 or 100 * p < 5 * duration
        if duration and 2 * p >= duration:
            early = False
        if not epochs or (
            ended
            and t > min(ended)
            and early
            and any(map(begins, session))
            and not (proofs and min(proofs) == t)
        ):
            epochs.append([session])
        else:
            epochs[-1].append(session)
    return epochs


def newest_register(events: list[dict], states: tuple[str, str], on: str) -> tuple[int, bool]:
    marks = [(at(e), e["state"] == on) for e in events if e["state"] in states]
    return max(marks, default=(-1, False))


def view(key: tuple[str, str], events: list[dict]) -> dict:
    plays = [e for e in events if e["state"] in PLAY]
    by_session: dict[int, list[dict]] = {}
    for event in plays:
        by_session.setdefault(zlib.crc32(event["session_id"].encode()), []).append(event)
    duration = max(((at(e), duration_of(e)) for e in plays if duration_of(e)), default=(0, 0))[1]
    epochs = epochs_of(list(by_session.values()), duration)
    current = [e for session in epochs[-1] for e in session] if epochs else []
    proofs = [at(e) for e in plays if proves(e)]
    completed = any(proves(e) for e in current)
    spans = merged([span for s in (epochs[-1] if epochs else []) for span in watched_in(s)])
    if duration:
        spans = merged([(a, min(b, duration)) for a, b in spans])
    played_at = max(map(at, plays), default=0)
    position, resumable, preset = resume(current, duration, completed)
    shares = [1000 * position_of(e) // duration_of(e) for e in current if duration_of(e)]
    row_at, dismissed = newest_register(events, ("dismissed", "restored"), "dismissed")
    _, hidden = newest_register(events, ("hidden", "unhidden"), "hidden")
    ratings = [(at(e), ms(e["rating"])) for e in events if e["state"] == "rated"]
    decided = [at(e) for e in events if e["state"] not in (*PLAY, "seeking", "interstitial")]
    return {
        "user_id": key[0],
        "content_id": key[1],
        "epoch": max(len(epochs) - 1, 0),
        "completions": sum(any(proves(e) for s in epoch for e in s) for epoch in epochs),
        "completed": completed,
        "watched_s": sum(b - a for a, b in spans) / 1000,
        "position_s": position / 1000,
        "duration_s": duration / 1000,
        "progress": 1.0 if completed else max(shares, default=0) / 1000,
        "resumable": resumable,
        "started_at_ms": min(map(at, current), default=None),
        "completed_at_ms": min(proofs, default=None),
        "updated_at_ms": played_at or max(decided, default=0),
        "dismissed": dismissed and row_at >= played_at,
        "dismissed_at_ms": row_at if dismissed and row_at >= played_at else None,
        "hidden": hidden,
        "rating": max(ratings)[1] / 1000 if ratings else None,
        "intervals_s": [[a / 1000, b / 1000] for a, b in spans],
        "preset": preset,
    }


def resume(current: list[dict], duration: int, completed: bool) -> tuple[int, bool, str]:
    if not current:
        return 0, False, "default"
    code = ("default", "jellyfin", "trakt", "kodi", "androidtv", "androidtv-episode", "firetv",
            "recombee")  # fmt: skip
    last = max(
        current,
        key=lambda e: (at(e), position_of(e), PLAY.index(e["state"]), code.index(preset_of(e))),
    )
    position, preset = position_of(last), preset_of(last)
    if duration:
        position = min(position, duration)
    if (
        completed
        or not starts(preset, position, duration)
        or finishes(preset, position, duration, 0, "playing")
        or (preset == "kodi" and duration and 100 * (duration - position) < 8 * duration)
    ):
        return 0, False, preset
    return position, True, preset
