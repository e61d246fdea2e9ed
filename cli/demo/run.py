"""The acts of the demo, in order: everything posted and reflected, then before and after."""

import time
from dataclasses import dataclass
from typing import Any

from cli.demo.filling import Desk, fill, refuse_none
from cli.demo.http_client import HttpClient
from cli.demo.newcomer import tell_newcomer
from cli.demo.plan import Catalogue, Plan
from cli.demo.posting import Tally
from cli.demo.queries import App, until
from cli.demo.reporting import Reporter
from cli.demo.story import SLATE_SHOWN, Change, Storyteller, choose_viewer, ids
from cli.demo.viewing import schedule

SLATE_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Voice:
    """Who tells the demo, and since when (``time.monotonic()``) the command has been running."""

    reporter: Reporter
    started_s: float


async def perform(plan: Plan, *, api_url: str, api_key: str, voice: Voice) -> Change:
    """Play the whole demo against a running gateway.

    Raises:
        RefusedError: the gateway refused a post.
        NotReflectedError: something posted did not become readable in time.
        PostingError, QueryError: the gateway stopped answering as promised.
    """
    async with HttpClient(api_url) as client:
        desk = Desk(client, App(client, api_key), voice.reporter)
        viewings = schedule(plan.viewers.ratings, plan.runtimes_s, anchor_ms=plan.anchor_ms)
        await fill(desk, plan, viewings)
        teller = Storyteller(
            client, desk.app, voice.reporter, plan.titles, plan.runtimes_s, Tally()
        )
        change = await tell(teller, choose_viewer(viewings), plan.films, voice.started_s)
        refuse_none(teller.tally, "the story's progress events")
        return change


async def tell(teller: Storyteller, user_id: str, films: Catalogue, started_s: float) -> Change:
    """Print the before and after of one viewer, then the rows that go with it.

    Raises:
        NotReflectedError: the change did not become readable in time.
    """
    say = teller.reporter

    async def filled() -> list[dict[str, Any]]:
        slate = await teller.slate(user_id)
        return [] if slate["cold_start"] else list(slate["entries"])

    entries = await until(f"{user_id} has a personal slate", filled, timeout_s=SLATE_TIMEOUT_S)
    say.title(f"Recommended to {user_id} now")
    teller.print_slate(entries)
    await tell_absent(teller, user_id, entries)
    change = await teller.change(user_id)
    film = teller.title_of(change.film)
    say.title(f"{user_id} watches {film!r} to the end, through the API")
    say.line(f"  from the last 202 to the changed slate being readable: {change.took_ms:,.0f} ms")
    say.line(f"  from the start of this command: {time.monotonic() - started_s:.1f} s")
    teller.print_change(change)
    await tell_rows(teller, user_id, change)
    await tell_newcomer(teller, user_id, change.film, films)
    return change


async def tell_absent(teller: Storyteller, user_id: str, entries: list[dict[str, Any]]) -> None:
    """Print why the first of what trends that is not recommended is not."""
    shown = ids(entries)
    for title in await teller.app.trending(limit=len(shown) + 1):
        if title["content_id"] in shown:
            continue
        why = await teller.app.explain(user_id, title["content_id"])
        if "reason" in why:  # else an episode whose series is recommended
            name = teller.title_of(title)
            say = f"  not {name!r}, which trends: {why['explanation']} ({why['reason']})"
            teller.reporter.line(say)
            return


async def tell_rows(teller: Storyteller, user_id: str, change: Change) -> None:
    """Print continue watching after half a film, trending, and what is similar to the film."""
    say = teller.reporter
    second = change.after[0]
    row, took_ms = await teller.half_watch(user_id, second["content_id"])
    say.title(f"{user_id} stops {teller.title_of(second)!r} halfway: continue watching")
    say.line(f"  from the last 202 to the row having it: {took_ms:,.0f} ms")
    teller.print_titles(row[:SLATE_SHOWN], "position_s", "duration_s", "progress")
    say.title(f"The page of {user_id}: rows, the most valuable first")
    teller.print_rows((await teller.app.user(user_id, "feed"))["rows"])
    say.title("Trending")
    teller.print_titles(await teller.app.trending(), "score", "viewers")
    say.title(f"Watched by those who watched {teller.title_of(change.film)!r}")
    similar = await teller.app.similar(change.film["content_id"])
    teller.print_titles(similar["entries"], "score")
