"""What an endpoint declares about how often it may be called, as data."""

from dataclasses import dataclass

from domain.rate_windows import Window


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """Whether callers are counted by their tier, and windows by address of this action alone."""

    per_caller: bool = True
    per_address: tuple[Window, ...] = ()


PER_CALLER = Limit()
UNLIMITED = Limit(per_caller=False)

QUARTER_HOUR_S = 900
LOGIN_PER_ADDRESS = Window("login-address", 20, QUARTER_HOUR_S)
LOGIN = Limit(per_caller=False, per_address=(LOGIN_PER_ADDRESS,))
