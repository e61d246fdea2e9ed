"""Tiers of callers: of API keys, of issuers' users and of partners, the least allowed first."""

from typing import get_args

from schemas.admin_api import Tier

TIERS: tuple[str, ...] = get_args(Tier)
TIER_DEFAULT: Tier = "free"
