"""Whatever a payload is, a mapper reads it or says which of the partner's fields is wrong."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalogue.events import change_of, mapped_of
from domain.catalogue.mapped import MappingError
from domain.catalogue.mappers.registry import MAPPERS
from schemas.webhook import WebhookReceived

AVAILABILITY = "availability"
FIELDS = {
    "generic": [
        "id", "type", "title", "overview", "release_year", "runtime_s", "genres", "cast",
        "directors", "themes", "moods", "language", "countries", "maturity_rating", "series_id",
        "version_of", "season_number", "episode_number", "external_ids", "image_url",
    ],
    "film-catalogue": [
        "imdbID", "Title", "Consensus", "Year", "Runtime", "Genre", "Cast", "Director", "Keywords",
        "Language", "Country", "Rating", "Image",
    ],
    "netflix-titles": [
        "show_id", "type", "title", "description", "release_year", "duration", "listed_in", "cast",
        "director", "country", "rating",
    ],
    "series-catalogue": [
        "kind", "id", "name", "summary", "language", "image", "runtime", "number", "season",
        "show_id", "premiered", "premiereDate", "airdate", "genres", "externals", "network",
        "webChannel", "_embedded",
    ],
}  # fmt: skip
INSIDE = (
    "original", "medium", "country", "code", "imdb", "isan", "cast", "person", "name", "region",
    "from", "until", "from_at_ms", "offer", "price_minor", "currency",
)  # fmt: skip
WHOLE = {
    "generic": {"id": "1", "type": "movie", "title": "T"},
    "film-catalogue": {"imdbID": "tt0114709", "Title": "T"},
    "netflix-titles": {"show_id": "s1", "type": "Movie", "title": "T"},
    "series-catalogue": {"kind": "show", "id": 1, "name": "T"},
}
TEXTS = st.sampled_from(
    ["", "  ", "x", "-1", "1500", "show", "season", "episode", "Movie", "90 min", "tt0114709",
     "2013-06-24", "0001-01-01", "2026-01-31T18:00:00Z", "Germany", "DE", "x" * 8001]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(INSIDE), inner, max_size=3)
    ),
    max_leaves=6,
)
MESSAGE = re.compile(r"(?P<field>[A-Za-z_]+)[\w.\[\]]*: expected \S.*, found \S.*", re.DOTALL)


@pytest.mark.parametrize(
    ("mapper", "name"), [("generic", "language"), ("film-catalogue", "Rating")]
)
def test_no_text_can_be_as_large_as_a_content(mapper: str, name: str) -> None:
    def change(value: str) -> None:
        webhook = WebhookReceived(
            event_id="e1", partner="acme", mapper=mapper, webhook_id="w1", platform="acme",
            event_type="content_updated", occurred_at_ms=1, received_at_ms=1,
            payload=WHOLE[mapper] | {name: value},
        )  # fmt: skip
        change_of(webhook, mapped_of(webhook))

    change("x" * 200)
    with pytest.raises(MappingError, match=f"{name}: expected a text with at most 200 characters"):
        change("x" * 201)


def test_every_mapper_is_tried() -> None:
    assert set(FIELDS) == set(WHOLE) == set(MAPPERS)


@pytest.mark.parametrize("mapper", MAPPERS)
@given(data=st.data(), event_type=st.sampled_from(["content_added", "content_updated"]))
def test_a_refusal_says_field_expected_and_found(mapper: str, data, event_type: str) -> None:
    names = st.sampled_from([*FIELDS[mapper], AVAILABILITY])
    payload = WHOLE[mapper] | data.draw(st.dictionaries(names, VALUES, max_size=4))
    webhook = WebhookReceived(
        event_id="e1", partner="acme", mapper=mapper, webhook_id="w1", event_type=event_type,
        platform="acme", occurred_at_ms=0, received_at_ms=0, payload=payload,
    )  # fmt: skip
    if (detail := refused(webhook)) is not None:
        said = MESSAGE.fullmatch(detail)
        assert said is not None, detail
        assert said["field"] in {*FIELDS[mapper], AVAILABILITY}
        assert len(detail) < 400


def refused(webhook: WebhookReceived) -> str | None:
    """What the partner is told, None when the webhook is accepted."""
    try:
        change_of(webhook, mapped_of(webhook))
    except MappingError as error:
        return str(error)
    return None
