"""What a person may write of a partner on the command line, as click types."""

from typing import Any

import click

from domain.partner_limits import DELIVERIES_PER_S_MAX
from domain.tiers import TIERS
from infra.security.webhook_keys import Scheme, SecretError, parse_public_key
from schemas.admin_api import DISPLAY_NAME_MAX
from schemas.webhook import WEBHOOK_BYTES_MAX


class Schemes(click.ParamType):
    """``v1,v1a`` -> schemes, without repetition."""

    name = "schemes"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[Scheme, ...]:
        """Return schemes."""
        if isinstance(value, tuple):
            return value
        names = dict.fromkeys(part.strip() for part in value.split(","))
        unknown = [name for name in names if name not in set(Scheme)]
        if unknown:
            self.fail(f"schemes are {', '.join(Scheme)}; not {', '.join(unknown)!r}", param, ctx)
        return tuple(Scheme(name) for name in names)


class Limit(click.ParamType):
    """A number from 1 to ``maximum``, or ``tier``: what the tier allows (None)."""

    name = "number|tier"

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum

    def convert(self, value: Any, param: Any, ctx: Any) -> int | None:
        """Return the limit."""
        if value == "tier":
            return None
        if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= self._maximum):
            self.fail(f"{value!r}: expected 1 to {self._maximum:,}, or tier", param, ctx)
        return int(value)


class PublicKeyType(click.ParamType):
    """``whpk_...`` -> the bytes of an Ed25519 public key."""

    name = "whpk_..."

    def convert(self, value: Any, param: Any, ctx: Any) -> bytes:
        """Return 32 bytes."""
        try:
            return parse_public_key(value)
        except SecretError as error:
            self.fail(str(error), param, ctx)


class DisplayName(click.ParamType):
    """Up to ``DISPLAY_NAME_MAX`` printable characters."""

    name = "text"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """Return the name."""
        if not value.isprintable() or len(value) > DISPLAY_NAME_MAX:
            self.fail(f"expected up to {DISPLAY_NAME_MAX} printable characters", param, ctx)
        return str(value)


display_name = click.option("--display-name", type=DisplayName(), help="How people call it.")
tier = click.option("--tier", type=click.Choice(TIERS), help="Which limits it has.  [new: free]")
schemes = click.option(
    "--schemes",
    type=Schemes(),
    help="Signatures that count: v1 (HMAC), v1a (Ed25519), sha256 (older, protects neither id nor "
    "time), comma-separated.  [new: v1]",
)
body_bytes = click.option(
    "--body-bytes", "body_bytes_max", type=Limit(WEBHOOK_BYTES_MAX),
    help="Largest body of one webhook.  [new: tier]",
)  # fmt: skip
deliveries_per_s = click.option(
    "--deliveries-per-s", type=Limit(DELIVERIES_PER_S_MAX),
    help="Deliveries a second.  [new: tier]",
)  # fmt: skip
public_key = click.option(
    "--public-key", type=PublicKeyType(), help="The partner's Ed25519 public key, for v1a."
)
