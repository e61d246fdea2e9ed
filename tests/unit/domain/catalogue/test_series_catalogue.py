"""The mapper of series, seasons and episodes: by the book, in part, and wrong."""

import json
from pathlib import Path

import pytest

from domain.catalogue.events import change_of, mapped_of
from domain.catalogue.mapped import MappingError
from domain.catalogue.mappers.series_catalogue import series_catalogue
from schemas.webhook import WebhookReceived

SHOW, SEASON, EPISODE = ({"kind": kind, "id": 1} for kind in ("show", "season", "episode"))
FILM = {"imdbID": "tt0114709"}
MISSING = "expected a value, found nothing; content_added needs it"
NEGATIVE = "expected greater than or equal to 0, found the number -1"
EXAMPLES = Path(__file__).parents[4] / "schemas/examples/ingestion.webhooks/v1"


def example(name: str) -> dict:
    return json.loads((EXAMPLES / f"series-catalogue-{name}.json").read_text())["payload"]


def test_a_show() -> None:
    mapped = series_catalogue(example("show"))
    assert mapped.partner_id == "show-1"
    assert mapped.external_ids == {"imdb": "tt1553656"}
    assert mapped.links == {}
    overview = mapped.fields.pop("overview")
    assert overview.startswith("Under the Dome is the story of a small town")
    assert mapped.fields == {
        "type": "series", "title": "Under the Dome", "release_year": 2013, "language": "English",
        "genres": ("Drama", "Science Fiction", "Thriller"), "countries": ("US",),
        "cast": ("Mike Vogel", "Rachelle Lefevre"),
        "image_url": "https://static.tvmaze.com/uploads/images/original_untouched/0/1.jpg",
    }  # fmt: skip


def test_a_season_without_a_name_is_called_by_its_number() -> None:
    mapped = series_catalogue(example("season"))
    assert mapped.partner_id == "season-1"
    assert mapped.links == {"series_id": "show-1"}
    fields = {name: mapped.fields[name] for name in ("type", "title", "season_number")}
    assert fields == {"type": "season", "title": "Season 1", "season_number": 1}
    assert "title" not in series_catalogue({"kind": "season", "id": 1, "number": 2}).fields


def test_an_episode() -> None:
    mapped = series_catalogue(example("episode"))
    assert mapped.partner_id == "episode-1"
    assert mapped.links == {"series_id": "show-1"}
    assert mapped.fields["overview"].startswith("When the residents of Chester's Mill")
    numbers = ("season_number", "episode_number", "runtime_s", "release_year")
    assert [mapped.fields[name] for name in numbers] == [1, 1, 3600, 2013]
    special = series_catalogue({"kind": "episode", "id": 2, "season": 1, "number": None})
    assert special.fields == {"type": "episode", "season_number": 1}


def test_what_is_not_there_is_not_touched() -> None:
    assert series_catalogue({"kind": "show", "id": 1}).fields == {"type": "series"}


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (
            {"id": 1},
            "kind: expected one of show, season, episode, found nothing; it says what the payload",
        ),
        ({"kind": "film"}, "kind: expected one of show, season, episode, found the text 'film'"),
        ({"kind": "show"}, "id: expected your own id of the title, a text or a whole number, foun"),
        (
            {**SHOW, "premiered": "June 2013"},
            "premiered: expected a date like 2013-06-24, found the text 'June 2013'",
        ),
        ({**SHOW, "externals": []}, "externals: expected an object, found a list"),
        (
            {**SHOW, "externals": {"imdb": 1}},
            "externals.imdb: expected a text, found the number 1",
        ),
        (
            {**SHOW, "externals": {"imdb": "1"}},
            "externals.imdb: expected an identifier like tt0114709, found the text '1'",
        ),
        (
            {**SHOW, "network": {"country": "US"}},
            "network.country: expected an object, found the text 'US'",
        ),
        (
            {**SHOW, "webChannel": {"country": {"code": 1}}},
            "webChannel.country.code: expected a text, found the number 1",
        ),
        ({**SHOW, "_embedded": {"cast": {}}}, "_embedded.cast: expected a list of objects, found"),
        (
            {**SHOW, "_embedded": {"cast": [{}, 1]}},
            "_embedded.cast[1]: expected an object, found the number 1",
        ),
        (
            {**SHOW, "_embedded": {"cast": [{"person": {"name": 1}}]}},
            "_embedded.cast[0].person.name: expected a text, found the number 1",
        ),
        (
            {**EPISODE, "number": "one"},
            "number: expected a whole number, found the text 'one'; send digits alone, e.g. 90",
        ),
        (
            {**EPISODE, "show_id": True},
            "show_id: expected your own id of the show, a text or a whole number, found true; leav",
        ),
        ({**EPISODE, "image": "a.jpg"}, "image: expected an object, found the text 'a.jpg'"),
        ({**EPISODE, "image": {"medium": 1}}, "image.medium: expected a text, found the number"),
        ({**EPISODE, "runtime": -1}, "runtime: expected minutes, 0 to 16666, found the number -1"),
    ],
)
def test_a_refusal_names_the_partners_field(payload: dict, message: str) -> None:
    with pytest.raises(MappingError) as refused:
        series_catalogue(payload)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("mapper", "payload", "message"),
    [
        ("series-catalogue", SHOW, f"name: {MISSING}"),
        (
            "series-catalogue",
            {**SHOW, "name": "P", "premiered": "0013-06-24"},
            "premiered: expected greater than or equal to 1870, found the number 13",
        ),
        (
            "series-catalogue",
            {**EPISODE, "name": "P", "airdate": "0013-06-24"},
            "airdate: expected greater than or equal to 1870, found the number 13",
        ),
        (
            "series-catalogue",
            {**SEASON, "name": "P", "premiereDate": "0013-06-24"},
            "premiereDate: expected greater than or equal to 1870, found the number 13",
        ),
        ("series-catalogue", {**EPISODE, "name": "P", "number": -1}, f"number: {NEGATIVE}"),
        ("series-catalogue", {**EPISODE, "name": "P", "season": -1}, f"season: {NEGATIVE}"),
        ("series-catalogue", {**SEASON, "name": "P", "number": -1}, f"number: {NEGATIVE}"),
        ("film-catalogue", {**FILM, "Title": "T", "Year": 1500}, "Year: expected greater than or"),
        (
            "film-catalogue",
            {**FILM, "Title": "T", "Runtime": 16667},
            "Runtime: expected minutes, 0 to 16666, found the number 16667",
        ),
        ("film-catalogue", FILM, f"Title: {MISSING}"),
        ("netflix-titles", {"show_id": "s1", "title": "T"}, f"type: {MISSING}"),
        (
            "netflix-titles",
            {"show_id": "s1", "type": "Movie", "title": "x" * 501},
            "title: expected a text with at most 500 characters, found the text 'xxx",
        ),
        (
            "netflix-titles",
            {"show_id": "s1", "type": "Movie", "title": "T", "description": "x" * 8001},
            "description: expected a text with at most 8000 characters, found the text 'xxx",
        ),
    ],
)
def test_a_value_out_of_range_is_told_by_the_partners_name(mapper, payload, message) -> None:
    webhook = WebhookReceived(
        event_id="e1", partner="acme", mapper=mapper, webhook_id="w1", event_type="content_added",
        platform="acme", occurred_at_ms=0, received_at_ms=0, payload=payload,
    )  # fmt: skip
    with pytest.raises(MappingError) as refused:
        change_of(webhook, mapped_of(webhook))
    assert str(refused.value).startswith(message)
