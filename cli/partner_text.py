"""Partners and their keys as lines of text; nothing here ever holds a secret."""

from collections.abc import Sequence

from cli.durations import moment
from infra.postgres.partners import LiveKey, Partner


def line(item: Partner) -> str:
    """Return the line of one partner."""
    state = "enabled" if item.enabled else "disabled"
    keyring = item.keyring
    keys = f"{len(keyring.secrets) + len(keyring.public_keys)} key(s)"
    schemes = ",".join(sorted(keyring.schemes))
    return "\t".join([item.partner, item.mapper, state, keys, schemes, item.tier])


def details(item: Partner, keys: Sequence[LiveKey]) -> list[str]:
    """Return the lines that tell all of one partner."""
    limits = item.limits
    return [
        f"partner           {item.partner}",
        f"display name      {item.display_name or '-'}",
        f"posts to          /api/v1/webhooks/{item.partner}",
        f"state             {'enabled' if item.enabled else 'disabled'}",
        f"mapper            {item.mapper}",
        f"schemes           {', '.join(sorted(item.keyring.schemes))}",
        f"tier              {item.tier}",
        f"body bytes        {limits.body_bytes}{of_tier(item.body_bytes_max)}",
        f"deliveries per s  {limits.deliveries_per_s}{of_tier(item.deliveries_per_s)}",
        *(key_line(key) for key in keys),
    ]


def of_tier(value: int | None) -> str:
    """Return a remark where the tier's limit holds."""
    return " (tier)" if value is None else ""


def key_line(key: LiveKey) -> str:
    """Return the line of one key."""
    kind = "public key" if key.kind == "public_key" else "secret"
    since = "" if key.created_at_ms is None else f", since {moment(key.created_at_ms)}"
    until = "" if key.valid_until_ms is None else f", valid until {moment(key.valid_until_ms)}"
    return f"{kind:<18}{key.fingerprint}{since}{until}"
