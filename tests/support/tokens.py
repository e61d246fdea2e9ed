"""Tokens and key sets made by hand, with another library than the one that verifies them."""

import base64
import hashlib
import hmac
import json
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from infra.security.jwks import VerificationKey, parse_jwks
from infra.security.tokens import Claims, Refusal, Rules, read, verify

NOW_S = 1_767_300_000
ISSUER = "https://id.example.com/"
AUDIENCE = "media-gateway"
RULES = Rules(ISSUER, AUDIENCE, ("RS256", "EdDSA"), "at+jwt", "sub", 3600)
HEADER = {"alg": "EdDSA", "kid": "ed-1", "typ": "at+jwt"}
PAYLOAD = {
    "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "iat": NOW_S, "exp": NOW_S + 900,
    "jti": "token-1", "scope": "progress:write recommendations:read",
}  # fmt: skip
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@cache
def rsa_key(bits=2048):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def b64(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def number(value):
    return b64(value.to_bytes((value.bit_length() + 7) // 8))


def ed25519_jwk(key=ED25519, **changes):
    x = b64(key.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "kid": "ed-1", "x": x, **changes}


def rsa_jwk(key=None, **changes):
    numbers = (key or rsa_key()).public_key().public_numbers()
    return {
        "kty": "RSA", "kid": "rsa-1", "n": number(numbers.n), "e": number(numbers.e), **changes
    }  # fmt: skip


def jwks(*members):
    return json.dumps({"keys": list(members)}).encode()


@cache
def keys():
    return parse_jwks(jwks(ed25519_jwk(), rsa_jwk()))


def public_pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def signature_of(algorithm, signed, secret=None):
    if algorithm == "RS256":
        return rsa_key().sign(signed, padding.PKCS1v15(), hashes.SHA256())
    if algorithm == "HS256":
        return hmac.digest(secret, signed, hashlib.sha256)
    return (secret or ED25519).sign(signed)


def encoded(value):
    """JSON text given as bytes goes in as it is: duplicates, floats, anything."""
    return b64(value if isinstance(value, bytes) else json.dumps(value).encode())


def token(payload=PAYLOAD, header=HEADER, *, signed_as=None, secret=None, signature=None):
    signed = f"{encoded(header)}.{encoded(payload)}"
    if signature is None:
        algorithm = signed_as or (header["alg"] if isinstance(header, dict) else "EdDSA")
        signature = b64(signature_of(algorithm, signed.encode(), secret))
    return f"{signed}.{signature}"


def judged(text, rules=RULES, now_s=NOW_S, known=None) -> Claims | Refusal:
    """Read, look the key up, verify: what the API does with a token."""
    unverified = read(text)
    if isinstance(unverified, Refusal):
        return unverified
    if unverified.issuer != rules.issuer:
        return Refusal.UNKNOWN_ISSUER
    key: VerificationKey | None = (keys() if known is None else known).get(unverified.kid)
    return Refusal.UNKNOWN_KEY if key is None else verify(unverified, rules, key, now_s)
