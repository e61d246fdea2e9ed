"""The mapper of series, seasons and episodes: by the book, in part, and wrong."""

import json
from pathlib import Path

import pytest

from domain.catalogue.events import change_of, mapped_of
from domain.catalogue.mapped import MappingError
from domain.catalogue.mappers.series_catalogue import series_catalogue
from schemas.webhook import WebhookReceived

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
        ({"id": 1}, "kind: None is not one of show, season, episode"),
        ({"kind": "film", "id": 1}, "kind: 'film' is not one of"),
        ({"kind": "show"}, "id: required: your own id of the title"),
        ({"kind": "show", "id": 1, "premiered": "June 2013"}, "premiered: 'June 2013' is not like"),
        ({"kind": "show", "id": 1, "externals": []}, "externals: must be an object, not a list"),
        ({"kind": "show", "id": 1, "externals": {"imdb": "1"}}, "externals.imdb: '1' is not like"),
        ({"kind": "show", "id": 1, "_embedded": {"cast": [1]}}, "_embedded.cast: must be a list"),
        ({"kind": "episode", "id": 1, "number": "one"}, "number: must be a whole number"),
        ({"kind": "episode", "id": 1, "image": "a.jpg"}, "image: must be an object, not text"),
    ],
)
def test_a_refusal_names_the_partners_field(payload: dict, message: str) -> None:
    with pytest.raises(MappingError) as refused:
        series_catalogue(payload)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("mapper", "payload", "message"),
    [
        ("series-catalogue", {"kind": "show", "id": 1}, "name: required for content_added"),
        ("series-catalogue", {"kind": "episode", "id": 1, "name": "P", "number": -1}, "number: "),
        ("series-catalogue", {"kind": "season", "id": 1, "name": "P", "number": -1}, "number: "),
        ("film-catalogue", {"imdbID": "tt0114709", "Title": "T", "Year": 1500}, "Year: "),
        ("film-catalogue", {"imdbID": "tt0114709"}, "Title: required for content_added"),
        ("netflix-titles", {"show_id": "s1", "type": "Movie", "title": "x" * 501}, "title: "),
        ("netflix-titles",
         {"show_id": "s1", "type": "Movie", "title": "T", "description": "x" * 8001},
         "description: "),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_told_by_the_partners_name(mapper, payload, message) -> None:
    webhook = WebhookReceived(
        event_id="e1", partner="acme", mapper=mapper, webhook_id="w1", event_type="content_added",
        platform="acme", occurred_at_ms=0, received_at_ms=0, payload=payload,
    )  # fmt: skip
    with pytest.raises(MappingError) as refused:
        change_of(webhook, mapped_of(webhook))
    assert str(refused.value).startswith(message)
