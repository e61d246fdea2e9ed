"""Every tier has limits, wherever they are."""

from api.limits.quotas import COUNTED_TIERS, VARIABLES
from domain.partner_limits import LIMITS_OF_TIERS
from domain.tiers import TIER_DEFAULT, TIERS


def test_every_tier_has_limits_of_partners_and_a_rate() -> None:
    assert tuple(LIMITS_OF_TIERS) == TIERS
    assert set(VARIABLES) == {*COUNTED_TIERS, "unverified"}


def test_who_says_no_tier_gets_the_lowest() -> None:
    assert TIERS[0] == TIER_DEFAULT
