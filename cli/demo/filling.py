"""Catalogues and viewings -> posted, accepted, and waited for until they can be read."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from cli.demo.catalogues import webhook_bodies
from cli.demo.http_client import HttpClient
from cli.demo.plan import Catalogue, Plan
from cli.demo.posting import WEBHOOKS_IN_FLIGHT, Tally, post_progress, post_webhooks
from cli.demo.queries import App, is_included, until
from cli.demo.reporting import Reporter
from cli.demo.viewers import Viewers
from cli.demo.viewing import Viewing, split_last, timeline

REFLECTED_TIMEOUT_S = 120.0


class RefusedError(RuntimeError):
    """The gateway refused posts; the message has the first reasons."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the demo works from: a client, an app's view of the gateway, and its voice."""

    client: HttpClient
    app: App
    reporter: Reporter

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Time the block and say how long it took until ``what``."""
        started_s = time.monotonic()
        yield
        self.reporter.line(f"  waited {time.monotonic() - started_s:5.1f} s until {what}")


async def fill(desk: Desk, plan: Plan, viewings: Sequence[Viewing]) -> None:
    """Post catalogues and viewings and wait until they are reflected.

    A slate is computed when its viewer does something, so each viewer's last film is posted when
    the co-watch model knows all the others. The second catalogue is posted while that is fitted.

    Raises:
        RefusedError, NotReflectedError: see ``perform``.
    """
    earlier, last = split_last(viewings)
    popular = most_watched(viewings)
    desk.reporter.title("Partners post their catalogues as signed webhooks")
    await post_catalogue(desk, plan.films, plan.anchor_ms)
    await wait_readable(desk, plan.films)
    desk.reporter.title(f"{plan.viewers.count:,} viewers watch films: {plan.viewers.source}")
    say_unmatched(desk.reporter, plan.viewers)
    await post_viewings(desk, earlier, "all but each viewer's last film")
    await wait_viewers(desk, earlier)
    version = (await desk.app.similar(popular)).get("model_version")
    for catalogue in plan.others:
        await post_catalogue(desk, catalogue, plan.anchor_ms)
        await wait_readable(desk, catalogue)
    await wait_model(desk, plan, popular, version)
    await post_viewings(desk, last, "each viewer's last film")
    await wait_viewers(desk, last)
    with desk.waiting("something is trending"):
        await until("anything is trending", desk.app.trending, timeout_s=REFLECTED_TIMEOUT_S)


def refuse_none(tally: Tally, what: str) -> None:
    """Stop the demo unless every post was accepted.

    Raises:
        RefusedError: one was not.
    """
    if tally.refused:
        reasons = "\n  ".join(tally.reasons)
        raise RefusedError(f"{tally.refused:,} of {what} were refused, first:\n  {reasons}")


def repeated(tally: Tally) -> str:
    """Say how many posts had to be repeated, if any."""
    return f", {tally.repeated:,} posts repeated when asked to" if tally.repeated else ""


async def post_catalogue(desk: Desk, catalogue: Catalogue, anchor_ms: int) -> None:
    """Post one partner's titles.

    Raises:
        RefusedError: one was refused.
    """
    bodies = webhook_bodies(
        catalogue.titles, platform=catalogue.partner.name, occurred_at_ms=anchor_ms
    )
    with desk.reporter.step(f"{catalogue.label}: webhooks", len(catalogue.titles)) as step:
        tally = await post_webhooks(desk.client, catalogue.partner, bodies, step.advance)
    refuse_none(tally, f"the webhooks of {catalogue.partner.name}")
    desk.reporter.line(f"    accepted: {tally.accepted:,}{repeated(tally)}")


def say_unmatched(reporter: Reporter, viewers: Viewers) -> None:
    """Say how many ratings cannot be used, if any."""
    if viewers.unmatched:
        total = len(viewers.ratings) + viewers.unmatched
        reporter.line(
            f"  {viewers.unmatched:,} of {total:,} ratings are of films that are not posted"
        )


async def post_viewings(desk: Desk, viewings: Sequence[Viewing], label: str) -> None:
    """Post what the viewers watched.

    Raises:
        RefusedError: an event was refused.
    """
    events = timeline(viewings)
    desk.reporter.line(f"  {label}: {len(viewings):,} viewings")
    with desk.reporter.step("progress events", len(events)) as step:
        tally = await post_progress(desk.client, desk.app.api_key, events, step.advance)
    refuse_none(tally, "the progress events")
    desk.reporter.line(f"    accepted: {tally.accepted:,}{repeated(tally)}")


async def wait_viewers(desk: Desk, viewings: Sequence[Viewing]) -> None:
    """Wait until each viewer's newest event is included in the viewer's recommendations.

    Raises:
        NotReflectedError: one was not in time.
    """
    newest = newest_events(timeline(viewings))
    with desk.waiting(f"the newest event of each of {len(newest):,} viewers is in their slate"):
        for user_id, event_id in newest.items():
            await wait_included(desk.app, user_id, event_id)


async def wait_model(desk: Desk, plan: Plan, content_id: str, version: int | None) -> None:
    """Wait for a fit of the co-watch model that came after the viewings, by one title's row.

    Args:
        desk: where to ask.
        plan: on a repeated run nothing is new, so the model at hand is the newest.
        content_id: a title with many viewers.
        version: of the title's row when everything had been posted; None: it had none.

    Raises:
        NotReflectedError: there was no such model in time.
    """

    async def look() -> bool:
        found = await desk.app.similar(content_id)
        fresh = found.get("model_version") != version or plan.repeated
        return fresh and bool(found["entries"])

    how = "is that of the run before" if plan.repeated else "was fitted again"
    what = f"the co-watch model {how} and knows {plan.titles[content_id]!r}"
    with desk.waiting(what):
        await until(what, look, timeout_s=REFLECTED_TIMEOUT_S)


async def wait_readable(desk: Desk, catalogue: Catalogue) -> None:
    """Wait for the last posts of a catalogue, as many as were in flight at its end.

    One partition carries all webhooks in order, so everything posted earlier is readable too.

    Raises:
        NotReflectedError: one of them was not readable in time.
    """
    with desk.waiting(f"{catalogue.label}: the titles posted last are readable"):
        for title in catalogue.titles[-WEBHOOKS_IN_FLIGHT:]:
            path = f"/api/v1/content/{quote(catalogue.content_id_of(title), safe=':')}"
            await until(
                f"{path} is readable", partial(desk.app.get, path), timeout_s=REFLECTED_TIMEOUT_S
            )


def newest_events(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the id of each user's last event of a timeline."""
    return {event["user_id"]: event["event_id"] for event in events}


def most_watched(viewings: Sequence[Viewing]) -> str:
    """Return the film with most viewings; ties by id."""
    counts: dict[str, int] = {}
    for viewing in viewings:
        counts[viewing.content_id] = counts.get(viewing.content_id, 0) + 1
    return min(counts, key=lambda content_id: (-counts[content_id], content_id))


async def wait_included(app: App, user_id: str, event_id: str) -> None:
    """Wait until the user's recommendations reflect the event.

    Raises:
        NotReflectedError: they did not in time.
    """

    async def look() -> bool:
        body = await app.user(user_id, "recommendations", limit=1, after_event=event_id)
        return is_included(body)

    what = f"recommendations of {user_id} include {event_id}"
    await until(what, look, timeout_s=REFLECTED_TIMEOUT_S)
