"""A JWKS document (RFC 7517) -> the keys that may verify tokens, each pinned to one algorithm.

A document comes from an issuer and is not trusted to be careful. Keys that we do not use are passed
over (RFC 7517, section 5): other types, other algorithms, keys for encryption. What makes the whole
document unusable is refused: a private part, an ``oct`` key (its secret would be public), two keys
of one id.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey, RSAKey

from infra.security.jose import JoseFormError, decode_base64url, read_object
from infra.security.key_ids import is_key_id

JWKS_BYTES_MAX = 64 * 1024
KEYS_MAX = 32
RSA_BITS_MIN, RSA_BITS_MAX = 2048, 8192
RSA_EXPONENT_MAX = 2**32  # a larger one only makes each verification slow
RS256, EDDSA = "RS256", "EdDSA"
ALGORITHMS = (RS256, EDDSA)
# Moduli of one family of chips can be factored: modulo each small prime they are a power of 65537
# (Nemec et al., The Return of Coppersmith's Attack, CCS 2017; CVE-2017-15361). Of other moduli less
# than one in ten million looks like that.
ROCA_PRIMES = tuple(
    number for number in range(3, 168) if all(number % other for other in range(2, number))
)
ROCA_RESIDUES = {
    prime: frozenset(pow(65537, power, prime) for power in range(prime - 1))
    for prime in ROCA_PRIMES
}
ALGORITHM_OF_TYPE = {"RSA": RS256, "OKP": EDDSA}
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

Json = dict[str, Any]


class JwksError(ValueError):
    """The document cannot be used; the message is one sentence for an operator."""


class VerificationKey(NamedTuple):
    """One public key, and the only algorithm that it is used with."""

    kid: str
    algorithm: str
    key: RSAKey | OKPKey


KeySet = Mapping[str, VerificationKey]


def parse_jwks(document: bytes) -> KeySet:
    """Return the usable keys of a document by key id; there is at least one.

    Raises:
        JwksError: too large, not a JWKS, a key with private parts, one id twice, or nothing usable.
    """
    if len(document) > JWKS_BYTES_MAX:
        raise JwksError(f"a JWKS has at most {JWKS_BYTES_MAX} bytes")
    try:
        listed = read_object(document).get("keys")
    except JoseFormError as error:
        raise JwksError(f"not a JWKS: {error}") from error
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise JwksError(f"not a JWKS: `keys` is a list of at most {KEYS_MAX}")
    found: dict[str, VerificationKey] = {}
    for member in listed:
        key = read_key(member)
        if key is None:
            continue
        if key.kid in found:
            raise JwksError("two keys of the JWKS have the same kid")
        found[key.kid] = key
    if not found:
        raise JwksError("no usable key: RSA from 2048 bits or Ed25519, with a kid, for signatures")
    return found


def read_key(member: object) -> VerificationKey | None:
    """Return one key of a document; None when it is not one that we use.

    Raises:
        JwksError: it has private parts.
    """
    if not isinstance(member, dict):
        return None
    if not PRIVATE_MEMBERS.isdisjoint(member):
        raise JwksError("a key of the JWKS has private parts: it is known to others now")
    kid = member.get("kid")
    if not is_key_id(kid) or not _may_verify(member):
        return None
    return _rsa_key(kid, member) if member["kty"] == "RSA" else _ed25519_key(kid, member)


def _may_verify(member: Json) -> bool:
    """Whether type, algorithm, use and operations are those of a key that verifies signatures."""
    algorithm = ALGORITHM_OF_TYPE.get(str(member.get("kty")))
    operations = member.get("key_ops", ["verify"])
    return (
        algorithm is not None
        and member.get("alg", algorithm) == algorithm
        and member.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _rsa_key(kid: str, member: Json) -> VerificationKey | None:
    modulus, exponent = _number(member.get("n")), _number(member.get("e"))
    if not RSA_BITS_MIN <= modulus.bit_length() <= RSA_BITS_MAX:
        return None
    if not 3 <= exponent <= RSA_EXPONENT_MAX or exponent % 2 == 0:
        return None
    if modulus % 2 == 0 or is_factorable(modulus):
        return None
    try:
        key = RSAKey.import_key({"kty": "RSA", "n": member["n"], "e": member["e"]})
        key.public_key  # noqa: B018 - the numbers are read here, not at the first token
    except (JoseError, ValueError):
        return None
    return VerificationKey(kid, RS256, key)


def is_factorable(modulus: int) -> bool:
    """Whether a modulus has the form that ROCA factors."""
    return all(modulus % prime in residues for prime, residues in ROCA_RESIDUES.items())


def _ed25519_key(kid: str, member: Json) -> VerificationKey | None:
    if member.get("crv") != "Ed25519" or not isinstance(member.get("x"), str):
        return None
    try:
        key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": member["x"]})
        key.public_key  # noqa: B018 - as above
    except (JoseError, ValueError):
        return None
    return VerificationKey(kid, EDDSA, key)


def _number(text: object) -> int:
    """Return a number given as base64url; 0 when it is none."""
    try:
        return int.from_bytes(decode_base64url(text)) if isinstance(text, str) else 0
    except JoseFormError:
        return 0
