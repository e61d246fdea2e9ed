"""A new title, posted by webhook while everybody watches: who finds it, how, and after how long.

It is made from the film that the viewer has just watched: same genres, director and cast, a title
and a year of its own. Nobody has seen it, so only what it is can recommend it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cli.demo.catalogues import Title, content_id_of, webhook_bodies
from cli.demo.filling import refuse_none
from cli.demo.plan import Catalogue
from cli.demo.posting import post_webhooks
from cli.demo.queries import NotReflectedError, is_included, until
from cli.demo.story import Storyteller, ids
from infra.wall_clock import now_ms

FOUND_TIMEOUT_S = 60.0
SIMILAR_SHOWN = 100  # all films of a director are equally similar by director
TRIES_MAX = 5  # films watched until the newcomer is shown
SHARE = 0.4  # of each: enough to count, not to finish


@dataclass(frozen=True, slots=True)
class Newcomer:
    """The new title and what the partner sends."""

    content_id: str
    title: str
    record: Title


def newcomer_like(catalogue: Catalogue, film_id: str, at_ms: int) -> Newcomer:
    """Return a new title in the shape of the film partner's records.

    Raises:
        LookupError: the catalogue does not have the film.
    """
    like = next(film for film in catalogue.titles if catalogue.content_id_of(film) == film_id)
    title = f"{like.payload['Title']}: The Day After"
    payload = {
        **like.payload,
        "ID": at_ms,
        "imdbID": f"tt9{at_ms // 1000 % 10**8:08d}",
        "Title": title,
        "Year": 2026,
    }
    record = Title(f"film-new-{at_ms}", payload)
    return Newcomer(content_id_of(record), title, record)


async def tell_newcomer(
    teller: Storyteller, user_id: str, film: Mapping[str, Any], films: Catalogue
) -> None:
    """Post a title like ``film`` and print after how long it is found in which way.

    Raises:
        NotReflectedError: it was not found in time.
    """
    say = teller.reporter
    new = newcomer_like(films, film["content_id"], now_ms())
    say.title(f"A partner posts a new title, {new.title!r}, that nobody has seen")
    bodies = webhook_bodies([new.record], platform=films.partner.name, occurred_at_ms=now_ms())
    tally = await post_webhooks(teller.client, films.partner, bodies, lambda count: None)
    refuse_none(tally, "the webhook of the new title")
    accepted_s = time.perf_counter()

    async def by_director() -> bool:
        found = await teller.similar(film["content_id"], by="director", limit=SIMILAR_SHOWN)
        return new.content_id in ids(found)

    await until(f"{new.title} is similar by director", by_director, timeout_s=FOUND_TIMEOUT_S)
    say.line(f"  similar by director to what was watched: after {since_ms(accepted_s):,.0f} ms")

    await tell_nearest(teller, new, accepted_s)
    place = await shown_to(teller, user_id, new)
    say.line(f"  shown to {user_id}: after {since_ms(accepted_s):,.0f} ms, {place}")


async def tell_nearest(teller: Storyteller, new: Newcomer, accepted_s: float) -> None:
    """Print what the new title is near to in meaning, once its text is encoded."""

    async def by_text() -> list[dict[str, Any]] | None:
        return await teller.similar(new.content_id, by="embedding", limit=3) or None

    say = teller.reporter
    try:
        nearest = await until("its text is encoded", by_text, timeout_s=FOUND_TIMEOUT_S)
    except NotReflectedError as problem:
        say.line(f"  {problem} (without the extra `embeddings` there is no encoder)")
        return
    say.line(f"  its text is encoded and compared: after {since_ms(accepted_s):,.0f} ms; nearest:")
    teller.print_titles(nearest, "score")


async def shown_to(teller: Storyteller, user_id: str, new: Newcomer) -> str:
    """Let the viewer watch on until the new title is on their page; say where it is.

    Raises:
        NotReflectedError: it was not there after ``TRIES_MAX`` films.
    """
    for _ in range(TRIES_MAX):
        entries = (await teller.slate(user_id))["entries"]
        last_id, _ = await teller.watch(user_id, entries[0]["content_id"], share=SHARE)

        async def slate(event_id: str = last_id) -> list[dict[str, Any]] | None:
            body = await teller.slate(user_id, event_id)
            return body["entries"] if is_included(body) else None

        what = f"the slate of {user_id} includes {last_id}"
        entries = await until(what, slate, timeout_s=FOUND_TIMEOUT_S)
        rows = (await teller.app.user(user_id, "feed"))["rows"]
        place = place_of(entries, rows, new.content_id)
        if place is not None:
            return place
    return f"not yet, {TRIES_MAX} films later"


def place_of(
    entries: list[dict[str, Any]], rows: list[dict[str, Any]], content_id: str
) -> str | None:
    """Return where a title is in a viewer's slate or on their page, in words; None: nowhere.

    >>> place_of([{"content_id": "a", "recommendation_type": "exploration"}], [], "a")
    'place 1 of the slate (exploration)'
    """
    for place, entry in enumerate(entries, 1):
        if entry["content_id"] == content_id:
            return f"place {place} of the slate ({entry['recommendation_type']})"
    for row in rows:
        if content_id in ids(row["entries"]):
            return f"place {ids(row['entries']).index(content_id) + 1} of {row['title']!r}"
    return None


def since_ms(started_s: float) -> float:
    """Return milliseconds since a time of ``time.perf_counter``."""
    return (time.perf_counter() - started_s) * 1000
