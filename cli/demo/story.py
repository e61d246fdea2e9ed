"""One viewer's slate, one film watched, the slate changed: told from measured answers only."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any
from urllib.parse import quote

from rich.table import Table

from cli.demo.http_client import HttpClient
from cli.demo.posting import Tally, post_batch
from cli.demo.queries import App, is_included, until
from cli.demo.reporting import Reporter
from cli.demo.viewing import RUNTIME_DEFAULT_S, Viewing, credits_at_s
from infra.wall_clock import now_ms

SLATE_SHOWN = 10
ROW_SHOWN = 4  # titles of a row of the page
HISTORY_WANTED = 60  # films: enough to have a taste, few enough to read
CHANGE_TIMEOUT_S = 60.0
HEARTBEATS = 10  # per film; a player reports every 10 s or so, the ledger does not mind


def choose_viewer(viewings: Sequence[Viewing]) -> str:
    """Return the viewer whose number of films is nearest to ``HISTORY_WANTED``; ties by id."""
    counts: dict[str, int] = {}
    for viewing in viewings:
        counts[viewing.user_id] = counts.get(viewing.user_id, 0) + 1
    return min(counts, key=lambda user: (abs(counts[user] - HISTORY_WANTED), user))


def live_events(
    *, user_id: str, content_id: str, duration_s: int, share: float, now_ms: int
) -> list[dict[str, Any]]:
    """Return the events of a film that is being watched until now, up to ``share`` of it.

    ``playing`` at the start, heartbeats with the range that was really played, and at last
    ``ended`` (share 1) or ``paused``.
    """
    session = f"live-{now_ms}"
    played_s = duration_s * share
    events: list[dict[str, Any]] = []
    before = 0.0
    for number in range(HEARTBEATS + 1):
        position = round(played_s * number / HEARTBEATS, 1)
        last = number == HEARTBEATS
        state = ("ended" if share >= 1 else "paused") if last else "playing"
        event = {
            "event_id": f"{session}-{number}", "user_id": user_id, "content_id": content_id,
            "session_id": session, "device_id": f"{user_id}-tv", "state": state,
            "position_s": position, "duration_s": duration_s,
            "occurred_at_ms": now_ms - int((played_s - position) * 1000),
            "credits_at_s": credits_at_s(duration_s),
        }  # fmt: skip
        if number:
            event |= {"played_from_s": before, "played_to_s": position}
        events.append(event)
        before = position
    return events


@dataclass(frozen=True, slots=True)
class Change:
    """A slate before and after, and how long the change took, from the last 202, in ms."""

    user_id: str
    film: dict[str, Any]
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    took_ms: float

    @property
    def changed(self) -> bool:
        """Whether the list of titles differs."""
        return ids(self.before) != ids(self.after)


def ids(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the content ids of a list, in order."""
    return [entry["content_id"] for entry in entries]


@dataclass(slots=True)
class Storyteller:
    """Plays one viewer's app against the gateway and prints what it sees."""

    client: HttpClient
    app: App
    reporter: Reporter
    titles: Mapping[str, str]
    runtimes_s: Mapping[str, int]
    tally: Tally

    def title_of(self, entry: Mapping[str, Any]) -> str:
        """Return the title of an entry, or its id when nobody knows one."""
        content_id: str = entry["content_id"]
        return str(entry.get("title") or self.titles.get(content_id) or content_id)

    async def watch(self, user_id: str, content_id: str, *, share: float) -> tuple[str, float]:
        """Post a film's events one by one, as a player does; return the last id and its 202's time.

        The time is of ``time.perf_counter``, taken when the answer had been read.
        """
        duration_s = self.runtimes_s.get(content_id) or RUNTIME_DEFAULT_S
        events = live_events(
            user_id=user_id, content_id=content_id, duration_s=duration_s, share=share,
            now_ms=now_ms(),
        )  # fmt: skip
        for event in events:
            await post_batch(self.client, self.app.api_key, [event], self.tally)
        return events[-1]["event_id"], time.perf_counter()

    async def slate(self, user_id: str, after_event: str | None = None) -> dict[str, Any]:
        """Return the viewer's recommendations."""
        return await self.app.user(user_id, "recommendations", after_event=after_event)

    async def similar(self, content_id: str, *, by: str, limit: int) -> list[dict[str, Any]]:
        """Return titles that are similar in one sense, best first; none for an unknown title."""
        path = f"/api/v1/content/{quote(content_id, safe=':')}/similar"
        body = await self.app.get(path, by=by, limit=limit)
        return list(body["entries"]) if body else []

    async def change(self, user_id: str) -> Change:
        """Watch the viewer's first recommendation to the end and wait for the changed slate.

        Raises:
            NotReflectedError: the slate did not include the film and change in time.
        """
        before = (await self.slate(user_id))["entries"]
        film = before[0]
        last_id, accepted_s = await self.watch(user_id, film["content_id"], share=1.0)

        async def look() -> dict[str, Any] | None:
            body = await self.slate(user_id, last_id)
            return body if is_included(body) and ids(body["entries"]) != ids(before) else None

        what = f"the slate of {user_id} includes {last_id} and has changed"
        body = await until(what, look, timeout_s=CHANGE_TIMEOUT_S)
        took_ms = (time.perf_counter() - accepted_s) * 1000
        return Change(user_id, film, before, body["entries"], took_ms)

    async def half_watch(self, user_id: str, content_id: str) -> tuple[list[dict[str, Any]], float]:
        """Watch half a film; return the continue-watching row that has it, and the ms it took.

        Raises:
            NotReflectedError: the row did not show the film in time.
        """
        last_id, accepted_s = await self.watch(user_id, content_id, share=0.5)

        async def look() -> list[dict[str, Any]] | None:
            body = await self.app.user(
                user_id, "continue-watching", limit=SLATE_SHOWN, after_event=last_id
            )
            entries: list[dict[str, Any]] = body["entries"]
            return entries if is_included(body) and content_id in ids(entries) else None

        what = f"continue-watching of {user_id} shows {content_id}"
        row = await until(what, look, timeout_s=CHANGE_TIMEOUT_S)
        return row, (time.perf_counter() - accepted_s) * 1000

    def print_slate(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Print a slate with its reasons."""
        table = plain_table("", "title", "score", "why")
        for rank, entry in enumerate(entries[:SLATE_SHOWN], 1):
            score = f"{entry['score']:.3f}"
            why = f"{entry['recommendation_type']}: {entry['explanation']}"
            table.add_row(str(rank), self.title_of(entry), score, why)
        self.reporter.console.print(table)

    def print_change(self, change: Change) -> None:
        """Print the two slates side by side and what moved."""
        table = plain_table("", "before", "after", "moved")
        places = {content_id: rank for rank, content_id in enumerate(ids(change.before), 1)}
        rows = zip_longest(change.before[:SLATE_SHOWN], change.after[:SLATE_SHOWN])
        for rank, (old, new) in enumerate(rows, 1):
            before, after = (self.title_of(entry) if entry else "" for entry in (old, new))
            how = moved(rank, places.get(new["content_id"])) if new else ""
            table.add_row(str(rank), before, after, how)
        self.reporter.console.print(table)

    def print_titles(self, entries: Sequence[Mapping[str, Any]], *columns: str) -> None:
        """Print a list of titles with the named fields of each entry."""
        table = plain_table("", "title", *columns)
        for rank, entry in enumerate(entries, 1):
            values = [shown(entry.get(column)) for column in columns]
            table.add_row(str(rank), self.title_of(entry), *values)
        self.reporter.console.print(table)

    def print_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Print the rows of a page, a line each, the most valuable first."""
        table = plain_table("row", "value", "first titles")
        for row in rows:
            titles = ", ".join(self.title_of(entry) for entry in row["entries"][:ROW_SHOWN])
            table.add_row(row["title"], f"{row['value']:.3f}", titles)
        self.reporter.console.print(table)


def moved(rank: int, was: int | None) -> str:
    """Say where an entry that is now at ``rank`` comes from.

    >>> moved(2, 5), moved(3, 3), moved(1, None)
    ('up 3', '', 'new')
    """
    if was is None:
        return "new"
    if was == rank:
        return ""
    return f"up {was - rank}" if was > rank else f"down {rank - was}"


def shown(value: Any) -> str:
    """Return a value as a table cell."""
    return f"{value:,.3f}" if isinstance(value, float) else str("" if value is None else value)


def plain_table(*columns: str) -> Table:
    """Return an empty table without frames."""
    table = Table(box=None, pad_edge=True, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
