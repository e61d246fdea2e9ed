"""Which keys a partner needs for the schemes it may sign by; what does not fit is refused."""

from collections.abc import Collection
from typing import Literal, NamedTuple

from infra.security.webhook_keys import SECRET_SCHEMES, Scheme, create_secret

KeyKind = Literal["secret", "public_key"]
SECRET: KeyKind = "secret"  # noqa: S105 - a kind, not a secret
PUBLIC_KEY: KeyKind = "public_key"


class Key(NamedTuple):
    """One key that signatures are judged by."""

    kind: KeyKind
    value: bytes


class KeysDoNotFit(ValueError):
    """Schemes and keys do not belong together; the message says what to do."""


def first_keys(schemes: Collection[Scheme], public_key: bytes | None) -> list[Key]:
    """Return the keys that a new partner's schemes need; a secret among them is new.

    Raises:
        KeysDoNotFit: one of ``v1a`` and the public key is given without the other.
    """
    if (Scheme.V1A in schemes) is not (public_key is not None):
        raise KeysDoNotFit("v1a and a public key belong together: give both or neither")
    keys = [Key(SECRET, create_secret())] if SECRET_SCHEMES.intersection(schemes) else []
    return keys + ([] if public_key is None else [Key(PUBLIC_KEY, public_key)])


def check_schemes(partner: str, schemes: Collection[Scheme], live: Collection[KeyKind]) -> None:
    """Refuse schemes for none of which there is a live key: nothing would be accepted.

    Raises:
        KeysDoNotFit: there is none.
    """
    by_secret = SECRET in live and SECRET_SCHEMES.intersection(schemes)
    if not by_secret and not (PUBLIC_KEY in live and Scheme.V1A in schemes):
        raise KeysDoNotFit(
            f"{partner} has no live key for {', '.join(sorted(schemes))}: allow both schemes "
            "first, then rotate, then leave the old scheme out"
        )


def check_kind(partner: str, schemes: Collection[Scheme], kind: KeyKind) -> None:
    """Refuse a key that none of the partner's schemes uses.

    Raises:
        KeysDoNotFit: none does.
    """
    if kind == PUBLIC_KEY and Scheme.V1A not in schemes:
        raise KeysDoNotFit(f"{partner} does not sign by v1a: add v1a to its schemes first")
    if kind == SECRET and not SECRET_SCHEMES.intersection(schemes):
        raise KeysDoNotFit(f"{partner} signs by v1a alone: give its public key")
