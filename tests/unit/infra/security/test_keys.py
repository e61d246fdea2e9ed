import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.security import keys
from infra.security.keys import (
    APP_SCOPES,
    PARTNER_SCOPES,
    TOKENS_ISSUE,
    USER_SCOPES,
    ScopesDoNotFit,
    granted_scopes,
)


def test_a_key_has_a_public_id_and_only_its_hash_is_kept():
    key = keys.create_key()
    assert key.text.startswith("mg_live_" + key.key_id)
    assert len(key.text) == 8 + 8 + 32
    assert keys.parse_key_id(key.text) == key.key_id
    assert keys.matches(key.text, key.sha256)
    assert key.text.encode() not in key.sha256


def test_another_key_does_not_match():
    key, other = keys.create_key(), keys.create_key()
    assert key.text != other.text
    assert not keys.matches(other.text, key.sha256)
    assert not keys.matches(key.text[:-1] + "!", key.sha256)


@given(st.text())
def test_any_text_is_judged_without_an_error(text):
    assert keys.parse_key_id(text) is None


def test_only_the_exact_form_is_a_key():
    text = keys.create_key().text
    for wrong in (text + "a", text[:-1], text.upper(), " " + text, text + "\n", text[:-1] + "é"):
        assert keys.parse_key_id(wrong) is None


@pytest.mark.parametrize(
    ("asked", "owner", "granted"),
    [
        (None, {}, USER_SCOPES),
        (None, {"user": "u"}, USER_SCOPES),
        (None, {"partner": "acme"}, PARTNER_SCOPES),
        ([TOKENS_ISSUE, TOKENS_ISSUE], {}, (TOKENS_ISSUE,)),
        (APP_SCOPES, {}, APP_SCOPES),
        (PARTNER_SCOPES, {"partner": "acme"}, PARTNER_SCOPES),
        (APP_SCOPES, {"user": "u"}, None),
        (PARTNER_SCOPES, {}, None),
        (USER_SCOPES, {"partner": "acme"}, None),
        (None, {"user": "u", "partner": "acme"}, None),
        ([], {}, None),
        (["no:such"], {}, None),
    ],
)
def test_scopes_are_those_that_the_owner_can_have(asked, owner, granted):
    owners = {"user": None, "partner": None} | owner
    if granted is None:
        with pytest.raises(ScopesDoNotFit):
            granted_scopes(asked, **owners)
    else:
        assert granted_scopes(asked, **owners) == granted
