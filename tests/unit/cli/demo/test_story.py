"""The live part: events of a film watched now, who is chosen, what moved, waiting."""

import pytest

from cli.demo.addresses import curl_lines
from cli.demo.http_client import HttpClient
from cli.demo.memory import Memory
from cli.demo.queries import App, NotReflectedError, QueryError, until
from cli.demo.story import Change, choose_viewer, live_events, moved
from cli.demo.viewing import Viewing
from schemas.progress import ProgressEvent

NOW_MS = 1_760_000_000_000


def events(share: float) -> list[ProgressEvent]:
    raw = live_events(
        user_id="viewer-1", content_id="imdb:tt0000001", duration_s=6001, share=share,
        now_ms=NOW_MS,
    )  # fmt: skip
    return [ProgressEvent.model_validate(event) for event in raw]


@pytest.mark.parametrize(
    ("share", "state", "end_s"), [(1.0, "ended", 6001), (0.5, "paused", 3000.5)]
)
def test_a_film_is_played_without_holes_until_now(share, state, end_s):
    watched = events(share)
    assert [event.state for event in watched] == ["playing"] * 10 + [state]
    assert (watched[0].position_s, watched[-1].position_s) == (0, end_s)
    assert watched[-1].occurred_at_ms == NOW_MS
    assert sum(e.played_to_s - e.played_from_s for e in watched[1:]) == pytest.approx(end_s)
    assert [e.occurred_at_ms for e in watched] == sorted(e.occurred_at_ms for e in watched)
    assert len({event.event_id for event in watched}) == 11


def test_the_viewer_with_a_decent_history_is_chosen_ties_by_id():
    viewings = [
        Viewing(user, f"film-{n}", n, 100, 50.0)
        for user, films in [("a", 3), ("c", 55), ("b", 65), ("d", 300)]
        for n in range(films)
    ]
    assert choose_viewer(viewings) == "b"


def test_moves_are_told():
    assert [moved(2, 5), moved(5, 2), moved(3, 3), moved(1, None)] == ["up 3", "down 3", "", "new"]


def test_a_change_is_another_list_not_another_score():
    first, second = {"content_id": "a", "score": 1.0}, {"content_id": "a", "score": 0.5}
    assert not Change("u", first, [first], [second], 1.0).changed
    assert Change("u", first, [first], [], 1.0).changed


async def test_waiting_ends_with_what_was_seen_or_says_what_was_missing():
    seen = iter([None, [], ["yes"]])

    async def look():
        return next(seen)

    async def nothing():
        return None

    assert await until("it is there", look, timeout_s=5) == ["yes"]
    with pytest.raises(NotReflectedError, match="until it is there"):
        await until("it is there", nothing, timeout_s=0)


async def test_an_app_reads_with_its_key_and_refusals_are_errors(gateway):
    statuses = iter([200, 404, 401])
    gateway.answer = lambda request: (next(statuses), {}, {"entries": [1]})
    async with HttpClient(gateway.url) as client:
        app = App(client, "mg_live_x")
        assert await app.similar("imdb:tt1") == {"entries": [1]}
        with pytest.raises(QueryError, match="404"):
            await app.similar("imdb:tt1")
        with pytest.raises(QueryError, match="401"):
            await app.trending()
    first = gateway.requests[0]
    assert first.path == "/api/v1/content/imdb:tt1/similar?by=cowatch&limit=10"
    assert first.headers["authorization"] == "Bearer mg_live_x"


def test_memory_is_kept_and_private(tmp_path):
    memory = Memory.load(tmp_path / "new", now_ms=5)
    memory.partner_secrets["acme"] = "whsec_x"
    memory.save(tmp_path / "new")
    assert Memory.load(tmp_path / "new", now_ms=9) == memory
    assert (tmp_path / "new" / "demo.json").stat().st_mode & 0o077 == 0


def test_curl_lines_name_the_address_the_key_and_the_viewer():
    lines = curl_lines(
        api_url="http://127.0.0.1:1", api_key="mg_live_x", user_id="viewer-1", content_id="c"
    )
    assert all(line.startswith("curl ") and "http://127.0.0.1:1" in line for line in lines)
    assert sum("mg_live_x" in line for line in lines) >= 5
