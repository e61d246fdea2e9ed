"""Our own tokens: new signing keys, and claims -> a token signed with EdDSA over Ed25519."""

import secrets
from typing import Any, NamedTuple

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from infra.security.jose import encode_base64url
from infra.security.jwks import EDDSA, VerificationKey
from infra.security.tokens import AT_JWT

SEED_BYTES = 32
KEY_ID_BYTES = 8
TOKEN_ID_BYTES = 16


class SigningKey(NamedTuple):
    """A private key in memory; ``kid`` names it in tokens."""

    kid: str
    private: OKPKey


class DeviceClaims(NamedTuple):
    """What one of our tokens says; times are Unix seconds."""

    issuer: str
    user_id: str
    scopes: tuple[str, ...]
    client_id: str
    token_id: str
    issued_at_s: int
    expires_at_s: int


def create_seed() -> bytes:
    """Return the secret of a new key: 32 random bytes (RFC 8032, section 5.1.5)."""
    return secrets.token_bytes(SEED_BYTES)


def create_key_id() -> str:
    """Return a new random key id of 16 characters."""
    return secrets.token_hex(KEY_ID_BYTES)


def create_token_id() -> str:
    """Return a new ``jti`` of 128 random bits."""
    return secrets.token_hex(TOKEN_ID_BYTES)


def load(kid: str, seed: bytes) -> SigningKey:
    """Return the key of a seed."""
    members: dict[str, str | list[str]] = {"kty": "OKP", "crv": "Ed25519"}
    members |= {"x": public_x(seed), "d": encode_base64url(seed)}
    return SigningKey(kid, OKPKey.import_key(members))


def public_x(seed: bytes) -> str:
    """Return the public key of a seed as the ``x`` of a JWK."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return encode_base64url(public.public_bytes_raw())


def public_jwk(kid: str, x: str) -> dict[str, str]:
    """Return the JWK of a public key, as it is published."""
    return {"kty": "OKP", "crv": "Ed25519", "alg": EDDSA, "use": "sig", "kid": kid, "x": x}


def verification_key(kid: str, x: str) -> VerificationKey:
    """Return the key that verifies what the signing key ``kid`` signed."""
    return VerificationKey(kid, EDDSA, OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x}))


def sign(key: SigningKey, claims: DeviceClaims) -> str:
    """Return the token of ``claims``; the issuer is its own audience."""
    payload = {
        "iss": claims.issuer,
        "aud": claims.issuer,
        "sub": claims.user_id,
        "iat": claims.issued_at_s,
        "exp": claims.expires_at_s,
        "jti": claims.token_id,
        "client_id": claims.client_id,
        "scope": " ".join(claims.scopes),
    }
    return sign_payload(key, {"alg": EDDSA, "typ": AT_JWT, "kid": key.kid}, payload)


def sign_payload(key: SigningKey, header: dict[str, Any], payload: dict[str, Any]) -> str:
    """Return the compact serialisation of ``header`` and ``payload``, signed."""
    signed = ".".join(encode_base64url(orjson.dumps(part)) for part in (header, payload))
    signature = JWSRegistry.algorithms[EDDSA].sign(signed.encode(), key.private)
    return f"{signed}.{encode_base64url(signature)}"
