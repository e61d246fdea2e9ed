"""A title under its other names: what was known before two records turned out to be one title."""

import pytest

from domain.catalogue.canonical import alias_of
from infra.postgres.embeddings import Nearest
from tests.component.api.fakes import NOW_MS, a_content, a_state, ids
from tests.component.api.test_progress import a_report
from tests.component.api.test_webhooks import problem

USER = "/api/v1/users/user-1"


@pytest.fixture
def merged(world):
    title = a_content("imdb:tt0133093", title="The Matrix", partner_ids={"acme": "1"})
    world.database.add_content(title)
    world.database.add_content(alias_of(title, "acme:1"))
    return title


def test_the_content_is_found_under_both(get, merged) -> None:
    for name in ("imdb:tt0133093", "acme:1"):
        assert get(f"/api/v1/content/{name}").json()["content_id"] == "imdb:tt0133093"
    problem(get("/api/v1/content/acme:2"), 404, "not-found")


def test_a_name_whose_title_is_gone_is_not_found(world, get, merged) -> None:
    del world.database.contents["imdb:tt0133093"]
    problem(get("/api/v1/content/acme:1"), 404, "not-found")


def test_what_is_similar_is_found_under_both(world, get, merged) -> None:
    world.database.nearest["imdb:tt0133093"] = Nearest("encoder-1", [("film-2", "Dark City", 0.9)])
    for name in ("imdb:tt0133093", "acme:1"):
        assert ids(get(f"/api/v1/content/{name}/similar", by="embedding")) == ["film-2"]


def test_progress_counts_for_the_title(world, client, app_headers, merged) -> None:
    report = a_report(content_id="acme:1")
    response = client.post("/api/v1/progress", json=report, headers=app_headers)
    assert response.status_code == 202
    [(_, event)] = world.producer.sent
    assert event.content_id == "imdb:tt0133093"


def test_what_was_watched_before_is_resumed_as_the_title(world, get, merged) -> None:
    world.database.add_state(a_state("acme:1", updated_at_ms=NOW_MS - 10))
    world.database.add_state(a_state("imdb:tt0133093", updated_at_ms=NOW_MS - 5, position_s=900.0))
    (card,) = get(f"{USER}/continue-watching").json()["entries"]
    assert (card["content_id"], card["position_s"]) == ("imdb:tt0133093", 900.0)
    listed = get(f"{USER}/history").json()["entries"]
    assert [(each["content_id"], each["title"]) for each in listed] == [
        ("imdb:tt0133093", "The Matrix"), ("acme:1", "The Matrix"),
    ]  # fmt: skip
