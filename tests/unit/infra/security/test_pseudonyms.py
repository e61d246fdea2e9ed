import base64

import pytest

from infra.security.pseudonyms import PseudonymError, Pseudonyms, joined

NEW, OLD = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


def test_a_pseudonym_needs_the_key():
    assert Pseudonyms(NEW).of("user-1") != Pseudonyms(OLD).of("user-1")
    assert Pseudonyms(NEW).of("user-1") == Pseudonyms(NEW).of("user-1")
    assert Pseudonyms(NEW).of("user-1") != Pseudonyms(NEW).of("user-2")
    assert len(Pseudonyms(NEW).of("user-1")) == 64


def test_pseudonyms_of_older_keys_and_of_no_key_are_recognised():
    both = Pseudonyms(f"{NEW}, {OLD}")
    assert both.of("u") == Pseudonyms(NEW).of("u")
    assert {Pseudonyms(OLD).of("u"), Pseudonyms("").of("u")} < set(both.all_of("u"))
    assert both.is_keyed
    assert not Pseudonyms("").is_keyed


def test_joined_keys_are_each_there_once_in_their_order():
    assert joined("", "") == ""
    assert joined("", OLD) == OLD
    assert joined(f"{NEW}, {OLD}", OLD) == joined(NEW, OLD) == f"{NEW},{OLD}"


@pytest.mark.parametrize("key", ["not base64!", base64.b64encode(b"short").decode(), f"{NEW},x"])
def test_an_unusable_key_is_named_and_not_repeated(key):
    with pytest.raises(PseudonymError, match="MEDIA_GATEWAY_ERASURE_KEY") as caught:
        Pseudonyms(key)
    assert key not in str(caught.value)
