"""Scopes on the command line."""

from collections.abc import Sequence

from cli.options import CommandError


def read_scopes(text: str, allowed: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes named in ``text``, comma-separated, each once.

    Raises:
        CommandError: there are none, or one that is not allowed here.
    """
    scopes = tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    unknown = [scope for scope in scopes if scope not in allowed]
    if unknown or not scopes:
        raise CommandError(f"scopes are: {', '.join(allowed)}; not {', '.join(unknown) or 'none'}")
    return scopes
