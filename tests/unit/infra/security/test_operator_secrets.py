import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.security import keys
from infra.security.operator_secrets import (
    RECOVERY_ALPHABET,
    RECOVERY_CODES,
    create_recovery_codes,
    create_token,
    create_totp_secret,
    hash_token,
    is_token,
    read_recovery_code,
)


def test_a_token_has_256_bits_and_its_own_form():
    tokens = {create_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(is_token(token) and len(token) == len("mg_op_") + 43 for token in tokens)
    assert len({hash_token(token) for token in tokens}) == 100
    assert keys.parse_key_id(tokens.pop()) is None
    assert not is_token(keys.create_key().text)


@given(st.text(max_size=80))
def test_other_text_is_no_token(text):
    assert not is_token(text)


def test_recovery_codes_are_ten_of_eight_characters_that_nobody_mistakes():
    codes = create_recovery_codes()
    assert len(set(codes)) == RECOVERY_CODES == 10
    assert all(len(code) == 8 and set(code) <= set(RECOVERY_ALPHABET) for code in codes)
    assert not set("01ILOU") & set(RECOVERY_ALPHABET)
    assert set(create_recovery_codes()).isdisjoint(codes)


@pytest.mark.parametrize("text", ["abcdefgh", "ABCD-EFGH", " abcd efgh\n"])
def test_a_recovery_code_is_read_as_people_write_it(text):
    assert read_recovery_code(text) == "ABCDEFGH"


def test_an_app_secret_has_the_length_of_its_hash():
    assert len(create_totp_secret()) == 20
    assert create_totp_secret() != create_totp_secret()
