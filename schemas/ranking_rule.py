"""Ranking rules: what the product team wants of the lists, as data."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from schemas.codec import WireModel
from schemas.content import ContentType
from schemas.ids import ContentId, Identifier, PartnerId, RegionCode
from schemas.times import AT_MS_MAX

RULES_MAX = 200  # in force at once: each costs a look at every changed title
IDS_MAX = 1000  # content ids of one rule
VALUES_MAX = 100  # values of one kind of tag
STRENGTH_MAX = 10.0  # standard deviations: beyond it a list is only its rules
POSITION_MAX = 200  # entries of the longest slate

Action = Literal["pin", "boost", "bury", "filter"]
Tag = Annotated[
    str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True, pattern=r"\S")
]
Row = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=VALUES_MAX)]


class RuleMatch(WireModel):
    """Which titles: those with any of the values of every kind that is given.

    Content ids are exact; tags are compared without case and repeated spaces, genres also by what
    partners call them.
    """

    content_ids: tuple[ContentId, ...] = Field(default=(), max_length=IDS_MAX)
    genres: Tags = ()
    themes: Tags = ()
    directors: Tags = ()
    types: tuple[ContentType, ...] = Field(default=(), max_length=VALUES_MAX)
    maturity_ratings: Tags = ()
    languages: Tags = ()
    partners: tuple[PartnerId, ...] = Field(default=(), max_length=VALUES_MAX)

    @property
    def kinds(self) -> dict[str, tuple[str, ...]]:
        """The values given, by kind; kinds without values are left out."""
        return {kind: values for kind in type(self).model_fields if (values := getattr(self, kind))}


class RankingRule(WireModel):
    """One rule: what happens to the titles that match, in which row, where and when.

    ``pin`` places one title; ``boost`` and ``bury`` add to or take from the score of each title;
    ``filter`` keeps titles out.
    """

    rule_id: Identifier
    action: Action
    match: RuleMatch
    position: int | None = Field(
        default=None, ge=1, le=POSITION_MAX, validate_default=True, description="pin: 1 is first"
    )
    strength: float | None = Field(
        default=None, gt=0, le=STRENGTH_MAX, validate_default=True,
        description="boost, bury: in standard deviations of the viewer's scores",
    )  # fmt: skip
    row: Row = Field(default="for_you", description="for_you, trending or all")
    regions: tuple[RegionCode, ...] = Field(
        default=(), max_length=VALUES_MAX, description="of the viewer; absent: everywhere"
    )
    from_at_ms: int | None = Field(default=None, ge=0, le=AT_MS_MAX)
    until_at_ms: int | None = Field(
        default=None, ge=0, le=AT_MS_MAX, description="exclusive", validate_default=True
    )
    enabled: bool = True
    note: str | None = Field(default=None, max_length=500, description="why, for the next reader")

    @field_validator("match")
    @classmethod
    def _match_fits(cls, match: RuleMatch, info: ValidationInfo) -> RuleMatch:
        if info.data.get("action") == "pin":
            if len(match.content_ids) != 1 or len(match.kinds) != 1:
                raise ValueError("a pin matches exactly one content id and nothing else")
        elif not match.kinds:
            raise ValueError("a rule without any value would match every title")
        return match

    @field_validator("position")
    @classmethod
    def _position_fits(cls, position: int | None, info: ValidationInfo) -> int | None:
        action = info.data.get("action", "pin")
        if position is None and action == "pin" and "action" in info.data:
            raise ValueError("a pin needs a position")
        if position is not None and action != "pin":
            raise ValueError(f"a {action} has no position")
        return position

    @field_validator("strength")
    @classmethod
    def _strength_fits(cls, strength: float | None, info: ValidationInfo) -> float | None:
        action = info.data.get("action")
        if strength is None and action in {"boost", "bury"}:
            raise ValueError(f"a {action} needs a strength")
        if strength is not None and action in {"pin", "filter"}:
            raise ValueError(f"a {action} has no strength")
        return strength

    @field_validator("until_at_ms")
    @classmethod
    def _window_is_open(cls, until_at_ms: int | None, info: ValidationInfo) -> int | None:
        from_at_ms = info.data.get("from_at_ms")
        if until_at_ms is not None and from_at_ms is not None and until_at_ms <= from_at_ms:
            raise ValueError("the window ends before it begins")
        return until_at_ms
