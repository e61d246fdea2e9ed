"""Codes and their steps: the tables of RFC 4226 and RFC 6238, the window, the alphabet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.totp import (
    DRIFT_STEPS,
    SECRET_BYTES,
    STEP_S,
    base32,
    code_at,
    otpauth_uri,
    step_at,
    steps_of,
)
from tests.support.naive_login import naive_code

RFC_SECRET = b"12345678901234567890"
# RFC 4226, appendix D: counter 0 to 9.
HOTP = (
    "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
    "520489",
)  # fmt: skip
# RFC 6238, appendix B, the rows of SHA-1: Unix seconds and 8 digits.
TOTP = (
    (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"),
    (1234567890, "89005924"), (2000000000, "69279037"), (20000000000, "65353130"),
)  # fmt: skip
secrets = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)
times_ms = st.integers(0, 4_102_444_800_000)  # to the year 2100


def test_codes_of_rfc_4226() -> None:
    assert tuple(code_at(RFC_SECRET, counter) for counter in range(10)) == HOTP


@pytest.mark.parametrize(("at_s", "code"), TOTP)
def test_codes_of_rfc_6238_with_eight_digits_and_their_last_six(at_s: int, code: str) -> None:
    """The table has eight digits, the product six: six are the last of the eight."""
    assert code_at(RFC_SECRET, step_at(at_s * 1000), digits=8) == code
    assert code_at(RFC_SECRET, step_at(at_s * 1000)) == code[2:]
    assert step_at(at_s * 1000) in steps_of(RFC_SECRET, code[2:], at_s * 1000)


@given(secrets, times_ms)
def test_codes_are_those_of_a_second_implementation(secret: bytes, at_ms: int) -> None:
    step = step_at(at_ms)
    assert code_at(secret, step) == naive_code(secret, step)


@given(secrets, times_ms, st.integers(-3, 3))
def test_a_code_belongs_to_its_step_within_the_window_only(
    secret: bytes, at_ms: int, away: int
) -> None:
    step = step_at(at_ms) + away
    found = steps_of(secret, code_at(secret, max(0, step)), at_ms)
    inside = abs(away) <= DRIFT_STEPS and step >= 0
    assert (step in found) is inside
    assert all(abs(each - step_at(at_ms)) <= DRIFT_STEPS and each >= 0 for each in found)


@given(secrets, times_ms, st.text(max_size=12))
def test_text_that_is_no_code_belongs_to_no_step(secret: bytes, at_ms: int, text: str) -> None:
    now = step_at(at_ms)
    codes = {code_at(secret, step) for step in (now - 1, now, now + 1) if step >= 0}
    if text not in codes:
        assert steps_of(secret, text, at_ms) == ()


@pytest.mark.parametrize(
    "write",
    [
        lambda code: "".join(chr(ord(digit) + 0xFEE0) for digit in code),  # full-width
        lambda code: "".join(chr(ord(digit) - 48 + 0x660) for digit in code),  # Arabic
        lambda code: f" {code}",
        lambda code: f"{code}\n",
        lambda code: f"{code[:3]} {code[3:]}",
        lambda code: f"+{code[1:]}",
    ],
)
def test_only_ascii_digits_reach_the_comparison(write) -> None:
    code = code_at(RFC_SECRET, 1000)
    at_ms = 1000 * STEP_S * 1000
    assert steps_of(RFC_SECRET, code, at_ms) == (1000,)
    assert steps_of(RFC_SECRET, write(code), at_ms) == ()


def test_the_uri_is_what_apps_read() -> None:
    uri = otpauth_uri(RFC_SECRET, "ada")
    assert uri == (
        f"otpauth://totp/Media%20Gateway:ada?secret={base32(RFC_SECRET)}&issuer=Media%20Gateway"
    )
