"""Settings -> quotas: which windows a kind of caller has."""

import math
from dataclasses import dataclass
from functools import lru_cache

from domain.rate_windows import Window
from domain.tiers import TIERS
from infra.settings import Settings, SettingsError

SUSTAINED_S = 10
BURST_MAX = 10.0
USERS_FACTOR_MAX = 1000
VARIABLES = {
    "anonymous": "MEDIA_GATEWAY_LIMITS_ANONYMOUS_PER_S",
    "free": "MEDIA_GATEWAY_LIMITS_FREE_PER_S",
    "pro": "MEDIA_GATEWAY_LIMITS_PRO_PER_S",
    "enterprise": "MEDIA_GATEWAY_LIMITS_ENTERPRISE_PER_S",
    "unverified": "MEDIA_GATEWAY_LIMITS_UNVERIFIED_PER_S",
}
COUNTED_TIERS = ("anonymous", *TIERS)


@dataclass(frozen=True, slots=True)
class Quota:
    """Windows that all have to allow a call; ``label`` names them in metrics."""

    label: str
    windows: tuple[Window, ...]
    policy: bytes  # the value of RateLimit-Policy


@dataclass(frozen=True, slots=True)
class Quotas:
    """All quotas of one process."""

    tiers: dict[str, Quota]
    unverified: Quota
    burst: float
    users: dict[str, Quota]

    @property
    def anonymous(self) -> Quota:
        """The quota of an address without valid credentials."""
        return self.tiers["anonymous"]

    def of_tier(self, tier: str) -> Quota:
        """Return a tier's quota; of an unknown tier, the lowest with credentials."""
        return self.tiers.get(tier) or self.tiers["free"]

    def of_users(self, tier: str) -> Quota:
        """Return the quota of all users together whose tokens one key of a tier got."""
        return self.users.get(tier) or self.users["free"]

    @classmethod
    def from_settings(cls, settings: Settings) -> "Quotas":
        """Return the quotas.

        Raises:
            SettingsError: a rate is below one call a second, or a factor is out of its range.
        """
        if not 1.0 <= settings.limits_burst <= BURST_MAX:
            raise SettingsError(f"MEDIA_GATEWAY_LIMITS_BURST: expected 1 to {BURST_MAX:g}")
        factor = settings.limits_users_factor
        if not 1 <= factor <= USERS_FACTOR_MAX:
            raise SettingsError(
                f"MEDIA_GATEWAY_LIMITS_USERS_FACTOR: expected 1 to {USERS_FACTOR_MAX}"
            )
        rates = {
            "anonymous": settings.limits_anonymous_per_s,
            "free": settings.limits_free_per_s,
            "pro": settings.limits_pro_per_s,
            "enterprise": settings.limits_enterprise_per_s,
            "unverified": settings.limits_unverified_per_s,
        }
        made = {label: quota(label, rate, settings.limits_burst) for label, rate in rates.items()}
        users = {tier: users_quota(rates[tier] * factor) for tier in TIERS}
        tiers = {tier: made[tier] for tier in COUNTED_TIERS}
        return cls(tiers, made["unverified"], settings.limits_burst, users)

    def of_partner(self, per_s: int) -> Quota:
        """Return the quota of a partner that may send ``per_s`` deliveries a second."""
        return partner_quota(per_s, self.burst)


@lru_cache(maxsize=256)
def partner_quota(per_s: int, burst: float) -> Quota:
    """Return the quota of partners with this rate; made once, it is asked for at every delivery."""
    return quota("partner", per_s, burst)


def quota(label: str, per_s: int, burst: float) -> Quota:
    """Return the quota of a rate: its average over ten seconds, and a bound of any one second.

    >>> [(w.quota, w.seconds) for w in quota("free", 10, 2.0).windows]
    [(20, 1), (100, 10)]
    """
    if per_s < 1:
        raise SettingsError(f"{VARIABLES.get(label, label)}: expected 1 or more")
    peak = Window("burst", math.ceil(per_s * burst), 1)
    return quota_of(label, peak, Window("sustained", per_s * SUSTAINED_S, SUSTAINED_S))


def users_quota(per_s: int) -> Quota:
    """Return the quota of all users of one key: an average only, since each has a burst already."""
    return quota_of("users", Window("all-users", per_s * SUSTAINED_S, SUSTAINED_S))


def quota_of(label: str, *windows: Window) -> Quota:
    """Return a quota with its policy as a structured field: a list of strings with parameters."""
    policy = ", ".join(f'"{w.name}";q={w.quota};w={w.seconds}' for w in windows)
    return Quota(label, windows, policy.encode())
