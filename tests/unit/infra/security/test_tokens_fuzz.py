"""Whatever is sent as a token is refused, and nothing is raised."""

import json
import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.security.tokens import Claims, Refusal
from tests.support.tokens import HEADER, PAYLOAD, b64, judged, token

GOOD = token()
CHARACTERS = string.ascii_letters + string.digits + "-_.=+/ \n\0é"
VALUES = (None, True, 0, -1, 2**70, 1.5, "", "x", "none", [], ["x"], {}, {"a": [1]}, "\ud800")


def flip(dice):
    place = dice.randrange(len(GOOD))
    return GOOD[:place] + dice.choice(CHARACTERS.replace(GOOD[place], "")) + GOOD[place + 1 :]


def cut(dice):
    return GOOD[: dice.randrange(len(GOOD))]


def insert(dice):
    place = dice.randrange(len(GOOD) + 1)
    return GOOD[:place] + dice.choice(CHARACTERS) * dice.randint(1, 9) + GOOD[place:]


def noise(dice):
    return "".join(dice.choices(CHARACTERS, k=dice.randrange(200)))


def shuffled_parts(dice):
    parts = GOOD.split(".")
    return ".".join(dice.choice([*parts, "", b64(noise(dice).encode())]) for _ in range(3))


def wrong_header(dice):
    changed = HEADER | {dice.choice(["alg", "kid", "typ", "crit", "jwk"]): dice.choice(VALUES)}
    return token(header=changed, signed_as="EdDSA")


def wrong_claim(dice):
    changed = PAYLOAD | {dice.choice(["iss", "aud", "sub", "iat", "exp"]): dice.choice(VALUES)}
    return token(changed)


def damaged_json(dice):
    text = bytearray(json.dumps(PAYLOAD).encode())
    text[dice.randrange(len(text))] = dice.randrange(256)
    return token(bytes(text), signature=b64(bytes(64)))


KINDS = (flip, cut, insert, noise, shuffled_parts, wrong_header, wrong_claim, damaged_json)


def is_another_spelling_of_good(text):
    return text == GOOD or (text.split(".") == GOOD.split("."))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_20_000_malformed_tokens_are_refused(kind):
    """2,500 of each of the eight kinds, the same ones in every run."""
    dice = random.Random(20_260_101)
    refused = 0
    for _ in range(2_500):
        text = kind(dice)
        found = judged(text)
        if is_another_spelling_of_good(text) or (kind is wrong_claim and found_good(found)):
            continue
        assert isinstance(found, Refusal), text
        refused += 1
    assert refused > 2_000
    assert len(KINDS) * 2_500 == 20_000


def found_good(found):
    """A drawn subject ("x", "none") may be a good one."""
    return isinstance(found, Claims) and found.subject in ("x", "none")


@settings(max_examples=500)
@given(st.text(max_size=300))
def test_any_text_is_refused(text):
    assert isinstance(judged(text), Refusal)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
names = st.sampled_from([*PAYLOAD, "nbf", "alg", "kid", "typ", "client_id", "crit"])


@settings(max_examples=300)
@given(st.dictionaries(names, json_values), st.dictionaries(names, json_values))
def test_signed_members_of_any_type_raise_nothing(header, payload):
    found = judged(token(PAYLOAD | payload, HEADER | header, signed_as="EdDSA"))
    assert isinstance(found, Claims | Refusal)
