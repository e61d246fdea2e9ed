"""Secrets and public keys have one text form; what cannot be a key is refused."""

import base64
import contextlib
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from infra.security.webhook_keys import (
    ORDER_8_Y,
    SMALL_ORDER_Y,
    D,
    P,
    SecretError,
    create_secret,
    fingerprint,
    format_public_key,
    format_secret,
    parse_public_key,
    parse_secret,
)
from tests.support.signing import PUBLIC_KEY, PUBLIC_KEY_TEXT


def test_a_secret_has_one_form():
    secret = create_secret()
    assert parse_secret(format_secret(secret)) == secret
    bad = ["MfKQ", "whsec_", "whsec_!!!!", format_secret(b"x" * 23), format_secret(b"x" * 65)]
    for text in [*bad, PUBLIC_KEY_TEXT]:
        with pytest.raises(SecretError) as error:
            parse_secret(text)
        assert text.removeprefix("whsec_")[:8] not in str(error.value) or len(text) < 8


def test_a_public_key_has_one_form():
    assert parse_public_key(PUBLIC_KEY_TEXT) == PUBLIC_KEY
    assert format_public_key(PUBLIC_KEY) == PUBLIC_KEY_TEXT
    bad = ["", "whpk_", "whpk_!!", "whsec_" + PUBLIC_KEY_TEXT[5:], PUBLIC_KEY_TEXT[:-4], "whpk_ü"]
    for text in [*bad, format_public_key(PUBLIC_KEY + b"x")]:
        with pytest.raises(SecretError):
            parse_public_key(text)


def test_every_real_public_key_is_taken():
    for _ in range(50):
        seed = secrets.token_bytes(32)
        key = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        assert parse_public_key(format_public_key(key)) == key


def test_about_half_of_all_typos_are_no_point_of_the_curve():
    refused = 0
    for bit in range(255):
        damaged = bytearray(PUBLIC_KEY)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            parse_public_key(format_public_key(bytes(damaged)))
        except SecretError:
            refused += 1
    assert 80 < refused < 175


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", [*sorted(SMALL_ORDER_Y), P, P + 1])
def test_keys_for_which_anybody_can_sign_are_refused(y, sign):
    encoded = (y | sign << 255).to_bytes(32, "little")
    with pytest.raises(SecretError):
        parse_public_key(format_public_key(encoded))


def test_the_listed_points_are_of_order_eight():
    """Doubled three times they are neutral: y of the double of (x, y) on the curve."""
    y = ORDER_8_Y
    for expected in (0, P - 1, 1):
        x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
        y = (y * y + x2) * pow(1 - D * x2 * y * y, -1, P) % P
        assert y == expected


@given(st.text())
def test_no_text_raises_anything_else(text):
    for parse, prefix in ((parse_secret, "whsec_"), (parse_public_key, "whpk_")):
        for candidate in (text, prefix + text):
            with contextlib.suppress(SecretError):
                parse(candidate)


def test_a_fingerprint_shows_eight_digits():
    assert fingerprint(b"abc") == "ba7816bf"
    assert fingerprint(base64.b64decode("AAAA")) != fingerprint(b"abc")
