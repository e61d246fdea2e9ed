"""Catalogues, profiles, models and slates for the tests of ranking, in a few words each."""

from collections.abc import Iterable, Sequence

import numpy as np

from domain.ranking.scoring import Ranker
from domain.ranking.value_model import ValueModel
from domain.slate_index import COWATCH, ContentSide
from domain.slates import SlateRules, Viewer, build_slates
from domain.sources.registry import IS_PERSONAL, NAMES
from domain.viewer_profile import ViewerProfile
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.interaction import Interaction
from schemas.slate import Slate
from schemas.trending import TrendingEntry, TrendingPartial

BY_SCORE = SlateRules(size=5, ttl_s=60, diversity=1.0)


def title(content_id: str, kind: str = "movie", **fields: object) -> Content:
    """A title; its name is its id in capitals."""
    return Content.model_validate(
        {"content_id": content_id, "type": kind, "title": content_id.upper(), "updated_at_ms": 0}
        | fields
    )


def trending(scores: dict[str, float], region: str = "ZZ", shard: str = "0") -> TrendingPartial:
    """A partial of one region."""
    return TrendingPartial(
        shard=shard, as_of_ms=1000, half_life_ms=1000,
        entries=tuple(
            TrendingEntry(content_id=name, region=region, score=value, viewers=1)
            for name, value in scores.items()
        ),
    )  # fmt: skip


def side_of(contents: Iterable[Content]) -> ContentSide:
    """A content side that knows some titles."""
    found = ContentSide()
    for content in contents:
        found.put_content(content)
    return found


def put_row(of: ContentSide, watched: str, *, table: str = COWATCH, **weights: float) -> None:
    """Set one row of a table."""
    of.put_row(table, watched, list(weights), np.array(list(weights.values())))


def interaction(number: int, **fields: object) -> Interaction:
    """The completion of a title, unless said otherwise, at ``number * 10`` ms."""
    return Interaction.model_validate(
        {
            "interaction_id": f"i{number}", "user_id": "u", "content_id": "c", "kind": "completed",
            "epoch": 0, "progress": 1.0, "occurred_at_ms": number * 10, "event_id": f"e{number}",
            "source_offset": number,
        }
        | fields
    )  # fmt: skip


def profile(*given: dict) -> ViewerProfile:
    """The profile after interactions, oldest first."""
    found = ViewerProfile()
    for number, fields in enumerate(given, 1):
        found.merge(interaction(number, **fields))
    return found


def completed(*content_ids: str) -> ViewerProfile:
    """The profile of somebody who completed titles, oldest first."""
    return profile(*({"content_id": content_id} for content_id in content_ids))


def model_of(warm: dict[str, float], cold: dict[str, float] | None = None) -> ValueModel:
    """A model of some sources by weight, with scales of 1; cold weights are warm if not given."""
    found = ValueModel.first(NAMES, IS_PERSONAL, [0.0] * len(NAMES), [1.0] * len(NAMES))
    for row, weights in enumerate((warm if cold is None else cold, warm)):
        for name, weight in weights.items():
            found.weights[row, NAMES.index(name)] = weight
    return found


def slate_of(
    of: ContentSide, viewer: ViewerProfile, model: ValueModel, rules: SlateRules = BY_SCORE
) -> Slate:
    """The decoded slate of one viewer; its bytes are checked to be the codec's."""
    (built,) = build_slates(Ranker(of, model), [Viewer("u", viewer)], rules, 5000)
    found = decode(Slate, built.value)
    assert encode(found) == built.value
    assert [entry.recommendation_type for entry in found.entries] == built.kinds
    return found


def values_of(ranker: Ranker, viewers: Sequence[Viewer], rules: SlateRules) -> list[bytes]:
    """The encoded slates of viewers."""
    return [built.value for built in build_slates(ranker, viewers, rules, 5)]


def ids_of(found: Slate) -> list[str]:
    """The titles of a slate, best first."""
    return [entry.content_id for entry in found.entries]
