"""What a ranking rule may say, and which field is named when it may not."""

import json

import pytest

from schemas.codec import DecodeError, decode
from schemas.ranking_rule import (
    IDS_MAX,
    POSITION_MAX,
    STRENGTH_MAX,
    VALUES_MAX,
    RankingRule,
)

PIN = {"rule_id": "r", "action": "pin", "match": {"content_ids": ["a"]}, "position": 1}
BOOST = {"rule_id": "r", "action": "boost", "match": {"genres": ["Drama"]}, "strength": 1.0}
FILTER = {"rule_id": "r", "action": "filter", "match": {"types": ["short"]}}


def read(given: dict) -> RankingRule:
    return decode(RankingRule, json.dumps(given).encode())


@pytest.mark.parametrize("given", [PIN, BOOST, BOOST | {"action": "bury"}, FILTER])
def test_each_action_has_its_fields(given: dict) -> None:
    assert read(given).model_dump(exclude_unset=True, mode="json") == given


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (PIN | {"position": None}, "position: a pin needs a position"),
        (PIN | {"position": 0}, "position: "),
        (PIN | {"position": POSITION_MAX + 1}, "position: "),
        (PIN | {"strength": 1.0}, "strength: a pin has no strength"),
        (PIN | {"match": {"content_ids": ["a", "b"]}}, "match: a pin matches exactly"),
        (PIN | {"match": {"genres": ["Drama"]}}, "match: a pin matches exactly"),
        (
            PIN | {"match": {"content_ids": ["a"], "genres": ["Drama"]}},
            "match: a pin matches exactly",
        ),
        (BOOST | {"strength": None}, "strength: a boost needs a strength"),
        (BOOST | {"strength": 0}, "strength: "),
        (BOOST | {"strength": -1}, "strength: "),
        (BOOST | {"strength": STRENGTH_MAX + 0.1}, "strength: "),
        (BOOST | {"position": 3}, "position: a boost has no position"),
        (FILTER | {"strength": 1}, "strength: a filter has no strength"),
        (FILTER | {"match": {}}, "match: a rule without any value"),
        (FILTER | {"match": {"genres": ["x"] * (VALUES_MAX + 1)}}, "match.genres: "),
        (FILTER | {"match": {"genres": ["  "]}}, "match.genres.0: "),
        (FILTER | {"match": {"content_ids": ["a"] * (IDS_MAX + 1)}}, "match.content_ids: "),
        (FILTER | {"match": {"content_ids": ["a b"]}}, "match.content_ids.0: "),
        (FILTER | {"match": {"types": ["film"]}}, "match.types.0: "),
        (FILTER | {"regions": ["Germany"]}, "regions.0: "),
        (FILTER | {"row": "For you"}, "row: "),
        (FILTER | {"from_at_ms": 5, "until_at_ms": 5}, "until_at_ms: the window ends"),
        (FILTER | {"from_at_ms": -5}, "from_at_ms: "),
        (FILTER | {"note": "x" * 501}, "note: "),
        (FILTER | {"rule_id": "a rule"}, "rule_id: "),
        (FILTER | {"action": "hide"}, "action: "),
    ],
)
def test_what_cannot_be_is_refused_by_field(given: dict, problem: str) -> None:
    with pytest.raises(DecodeError) as error:
        read(given)
    assert str(error.value).startswith(problem), error.value
    assert ";" not in str(error.value)  # one mistake, one sentence
