"""Which keys of a document are used, which are passed over, and which spoil it."""

import contextlib
import json
import math

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.security.jwks import (
    JWKS_BYTES_MAX,
    ROCA_PRIMES,
    ROCA_RESIDUES,
    JwksError,
    is_factorable,
    parse_jwks,
)
from tests.support.tokens import ED25519, b64, ed25519_jwk, jwks, number, rsa_jwk, rsa_key


def found(*members):
    return {kid: key.algorithm for kid, key in parse_jwks(jwks(*members)).items()}


def test_a_key_without_an_algorithm_gets_the_one_of_its_type():
    assert found(ed25519_jwk(), rsa_jwk()) == {"ed-1": "EdDSA", "rsa-1": "RS256"}
    named = (ed25519_jwk(alg="EdDSA"), rsa_jwk(alg="RS256", use="sig", key_ops=["verify"]))
    assert found(*named) == {"ed-1": "EdDSA", "rsa-1": "RS256"}


OTHER_RSA = (
    {"alg": "PS256"}, {"alg": "HS256"}, {"alg": None}, {"use": "enc"}, {"key_ops": ["encrypt"]},
    {"key_ops": []}, {"key_ops": "verify"}, {"e": number(1)}, {"e": number(65536)},
    {"e": number(2**40 + 1)}, {"n": "AA="}, {"n": None}, {"n": b64(b"\xff" * 2048)}, {"kid": ""},
    {"kid": None}, {"kid": "../x"},
)  # fmt: skip
OTHER_ED25519 = (
    {"alg": "RS256"}, {"crv": "Ed448"}, {"crv": "X25519"}, {"x": b64(bytes(31))}, {"x": 7},
    {"x": ""},
)  # fmt: skip


OTHERS = [
    *(rsa_jwk(**({"kid": "x"} | changes)) for changes in OTHER_RSA),
    *(ed25519_jwk(**({"kid": "x"} | changes)) for changes in OTHER_ED25519),
    rsa_jwk(rsa_key(1024), kid="x"), {"kty": "EC", "crv": "P-256", "kid": "x"},
    {"kty": "AKP", "kid": "x"}, {"kty": ["RSA"], "kid": "x"}, {}, [], "key", None,
]  # fmt: skip


@pytest.mark.parametrize("other", OTHERS, ids=[str(number) for number in range(len(OTHERS))])
def test_a_key_that_is_not_for_us_is_passed_over(other):
    assert found(other, ed25519_jwk()) == {"ed-1": "EdDSA"}
    with pytest.raises(JwksError, match="no usable key"):
        found(other)


@pytest.mark.parametrize(
    "private",
    [
        ed25519_jwk(kid="x", d=b64(ED25519.private_bytes_raw())), rsa_jwk(kid="x", d="AQ"),
        rsa_jwk(kid="x", p="AQ"), {"kty": "oct", "k": "c2VjcmV0", "kid": "x"},
        {"kty": "EC", "d": "AQ"},
    ],
)  # fmt: skip
def test_a_private_part_spoils_the_whole_document(private):
    with pytest.raises(JwksError, match="private parts"):
        found(ed25519_jwk(), private)


def test_two_keys_of_one_id_are_refused():
    other = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(JwksError, match="same kid"):
        found(ed25519_jwk(), ed25519_jwk(other))


@pytest.mark.parametrize(
    "document",
    [
        b"", b"{}", b"[]", b"null", b'{"keys": {}}', b'{"keys": []}', b"\xff", b'{"keys": null}',
        b'{"keys": [], "keys": []}', b"[" * 5000, b" " * (JWKS_BYTES_MAX + 1),
        json.dumps({"keys": [ed25519_jwk(kid=f"k{n}") for n in range(33)]}).encode(),
    ],
)  # fmt: skip
def test_what_is_not_a_key_set_is_refused_in_a_sentence(document):
    with pytest.raises(JwksError):
        parse_jwks(document)


def roca_modulus(bits=2048):
    """A number of the form of the weak keys: a power of 65537 modulo the product of the primes."""
    product = math.prod(ROCA_PRIMES)
    return (1 << bits - 1) // product * product + product + pow(65537, 12_345, product)


def test_a_modulus_that_can_be_factored_is_passed_over(monkeypatch):
    weak = roca_modulus()
    assert weak.bit_length() == 2048
    assert is_factorable(weak)
    weak += 0 if weak % 2 else math.prod(ROCA_PRIMES)
    assert is_factorable(weak)
    assert found(rsa_jwk(kid="x", n=number(weak)), ed25519_jwk()) == {"ed-1": "EdDSA"}
    assert not is_factorable(rsa_key().public_key().public_numbers().n)
    monkeypatch.setattr("infra.security.jwks.is_factorable", lambda modulus: False)
    assert "x" in found(rsa_jwk(kid="x", n=number(weak)))  # nothing else is wrong with it


def test_other_moduli_hardly_ever_look_like_that():
    likelihood = math.prod(len(ROCA_RESIDUES[prime]) / (prime - 1) for prime in ROCA_PRIMES)
    assert likelihood < 1e-7


members = st.dictionaries(
    st.sampled_from(["kty", "crv", "kid", "n", "e", "x", "alg", "use", "key_ops", "d"]),
    st.sampled_from(["RSA", "OKP", "oct", "Ed25519", "a", "AQAB", b64(bytes(32)), "sig", "verify"])
    | st.integers() | st.lists(st.text(max_size=3), max_size=2) | st.text(max_size=9),
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(members, max_size=4), st.binary(max_size=40))
def test_any_document_gives_keys_or_the_one_error(listed, noise):
    for document in (noise, json.dumps({"keys": listed}).encode()):
        with contextlib.suppress(JwksError):
            assert parse_jwks(document)


@settings(max_examples=200)
@given(st.integers(2**2047, 2**2049), st.integers(0, 2**33))
def test_any_numbers_give_a_key_or_none(modulus, exponent):
    given = rsa_jwk(n=number(modulus), e=number(exponent))
    assert set(found(given, ed25519_jwk())) <= {"rsa-1", "ed-1"}


def test_a_set_of_32_keys_is_used():
    assert len(found(*(ed25519_jwk(kid=f"k{n}") for n in range(32)))) == 32
