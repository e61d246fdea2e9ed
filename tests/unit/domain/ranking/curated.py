"""A catalogue whose list is known by heart, and the slate of one viewer under rules."""

from collections.abc import Iterable

from domain.ranking.scoring import Ranker
from domain.ranking.value_model import ValueModel
from domain.slate_index import ContentSide
from domain.slates import SlateRules, Viewer, build_slates
from domain.sources.registry import IS_PERSONAL, NAMES
from domain.viewer_profile import ViewerProfile
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.interaction import Interaction
from schemas.ranking_rule import RankingRule
from schemas.slate import Slate
from schemas.trending import TrendingEntry, TrendingPartial

NOW_MS = 1_800_000_000_000
TITLES = "abcdefghij"  # by score: a is first
WHOLE = SlateRules(size=20, ttl_s=60, diversity=1.0)  # every title, by score alone


def title(content_id: str, **fields: object) -> Content:
    return Content.model_validate(
        {"content_id": content_id, "type": "movie", "title": content_id.upper(), "updated_at_ms": 0}
        | fields
    )


def rule(action: str, match: dict, rule_id: str = "r", **fields: object) -> RankingRule:
    needs = {"pin": {"position": 1}, "boost": {"strength": 1.0}, "bury": {"strength": 1.0}}
    return RankingRule.model_validate(
        {"rule_id": rule_id, "action": action, "match": match} | needs.get(action, {}) | fields
    )


def side(*changed: Content) -> ContentSide:
    """Ten titles that trend, a most; the given ones replace theirs."""
    of = ContentSide()
    contents = {name: title(name) for name in TITLES} | {each.content_id: each for each in changed}
    for content in contents.values():
        of.put_content(content)
    of.put_trending(
        TrendingPartial(
            shard="0", as_of_ms=1000, half_life_ms=1000,
            entries=tuple(
                TrendingEntry(content_id=name, region="ZZ", score=20.0 - place, viewers=1)
                for place, name in enumerate(TITLES)
            ),
        )
    )  # fmt: skip
    return of


def viewer(region: str | None = None, **decided: str) -> ViewerProfile:
    """Somebody nothing is known of but the region and what they decided about titles."""
    found = ViewerProfile()
    for number, (content_id, kind) in enumerate({"nothing-known": "started", **decided}.items(), 1):
        found.merge(
            Interaction.model_validate(
                {
                    "interaction_id": f"i{number}", "user_id": "u", "content_id": content_id,
                    "kind": kind, "epoch": 0, "progress": 0.0, "occurred_at_ms": number * 10,
                    "event_id": f"e{number}", "source_offset": number, "region": region,
                }
            )
        )  # fmt: skip
    return found


def slate(
    of: ContentSide,
    rules: Iterable[RankingRule] = (),
    who: ViewerProfile | None = None,
    shape: SlateRules = WHOLE,
    now_ms: int = NOW_MS,
) -> Slate:
    """The slate of one viewer where only trending counts; its bytes are the codec's."""
    for each in rules:
        of.ranking_rules.put(each)
    model = ValueModel.first(
        NAMES, IS_PERSONAL, [float(name == "trending") for name in NAMES], [0.1] * len(NAMES)
    )
    (built,) = build_slates(Ranker(of, model), [Viewer("u", who or viewer())], shape, now_ms)
    found = decode(Slate, built.value)
    assert encode(found) == built.value
    assert [entry.recommendation_type for entry in found.entries] == built.kinds
    return found


def ids(found: Slate) -> str:
    return "".join(entry.content_id for entry in found.entries)
