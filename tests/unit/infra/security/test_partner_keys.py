"""Which keys fit which schemes, for every set of schemes."""

from itertools import combinations

import pytest

from infra.security.partner_keys import (
    PUBLIC_KEY,
    SECRET,
    KeysDoNotFit,
    check_kind,
    check_schemes,
    first_keys,
)
from infra.security.webhook_keys import Scheme

ALL = [frozenset(some) for size in (1, 2, 3) for some in combinations(Scheme, size)]
BY_SECRET = {Scheme.V1, Scheme.SHA256}


@pytest.mark.parametrize("schemes", ALL, ids=lambda some: "+".join(sorted(some)))
def test_first_keys_are_those_that_the_schemes_use(schemes):
    public_key = b"p" * 32 if Scheme.V1A in schemes else None
    kinds = [key.kind for key in first_keys(schemes, public_key)]
    assert kinds == [SECRET] * bool(schemes & BY_SECRET) + [PUBLIC_KEY] * (Scheme.V1A in schemes)
    with pytest.raises(KeysDoNotFit, match="belong together"):
        first_keys(schemes, None if public_key else b"p" * 32)


def test_a_new_secret_is_new():
    assert first_keys([Scheme.V1], None) != first_keys([Scheme.V1], None)


@pytest.mark.parametrize("schemes", ALL, ids=lambda some: "+".join(sorted(some)))
@pytest.mark.parametrize("live", [(), (SECRET,), (PUBLIC_KEY,), (SECRET, PUBLIC_KEY)])
def test_schemes_need_a_live_key_that_one_of_them_uses(schemes, live):
    fits = any(usable(schemes, kind) for kind in live)
    if fits:
        check_schemes("acme", schemes, live)
    else:
        with pytest.raises(KeysDoNotFit, match="acme has no live key"):
            check_schemes("acme", schemes, live)


@pytest.mark.parametrize("schemes", ALL, ids=lambda some: "+".join(sorted(some)))
@pytest.mark.parametrize("kind", [SECRET, PUBLIC_KEY])
def test_a_key_is_of_a_kind_that_one_of_the_schemes_uses(schemes, kind):
    if usable(schemes, kind):
        check_kind("acme", schemes, kind)
    else:
        with pytest.raises(KeysDoNotFit):
            check_kind("acme", schemes, kind)


def usable(schemes, kind):
    """Whether a signature by a key of this kind can count."""
    return Scheme.V1A in schemes if kind == PUBLIC_KEY else bool(schemes & BY_SECRET)
