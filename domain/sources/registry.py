"""Every source, one line each. The value model has one weight for each, in this order."""

from domain.ranking.value_model import ValueModel
from domain.sources import (
    cowatch,
    embedding,
    era,
    next_title,
    popularity,
    shared_attributes,
    together,
)
from domain.sources.source import CommonSource, PersonalSource, PersonalSources

PERSONAL: tuple[PersonalSource, ...] = (
    next_title.SOURCE,
    together.SOURCE,
    cowatch.SOURCE,
    cowatch.RECENT_SOURCE,
    embedding.SOURCE,
    era.SOURCE,
    *shared_attributes.SOURCES,
)
PERSONAL_SOURCES = PersonalSources(PERSONAL)
COMMON: tuple[CommonSource, ...] = popularity.SOURCES

NAMES: tuple[str, ...] = (*(each.name for each in PERSONAL), *(each.name for each in COMMON))
IS_PERSONAL: tuple[bool, ...] = (*(True for _ in PERSONAL), *(False for _ in COMMON))

PERSONAL_WEIGHT, PERSONAL_SCALE, COMMON_SCALE = 1.0, 0.01, 0.1  # before anything was learned


def first_model() -> ValueModel:
    """Return the value model before anything was learned: what a viewer likes, then what trends."""
    return ValueModel.first(
        NAMES,
        IS_PERSONAL,
        weights=[*(PERSONAL_WEIGHT for _ in PERSONAL), *(each.first_weight for each in COMMON)],
        scales=[*(PERSONAL_SCALE for _ in PERSONAL), *(COMMON_SCALE for _ in COMMON)],
    )
