"""What the endpoints about tokens take and give."""

from typing import Literal

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import UserId

TTL_S_MIN, TTL_S_MAX, TTL_S_DEFAULT = 60, 3600, 900

UserScope = Literal["progress:write", "recommendations:read", "catalogue:read"]


class TokenRequest(WireModel):
    """What a backend asks for: a token with which a device speaks for one user."""

    user_id: UserId
    scopes: tuple[UserScope, ...] = Field(
        min_length=1, max_length=3, description="at most those that the key has"
    )
    ttl_s: int = Field(default=TTL_S_DEFAULT, ge=TTL_S_MIN, le=TTL_S_MAX, description="lifetime")


class TokenIssued(WireModel):
    """A token, named as in OAuth 2.0 (RFC 6749, section 5.1)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a word of RFC 6750
    expires_in: int = Field(description="lifetime, seconds")
    scope: str = Field(description="scopes, separated by spaces")
    token_id: str = Field(description="jti: what the token is revoked by")


class PublicKey(WireModel):
    """A JWK (RFC 7517, RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    alg: Literal["EdDSA"]
    use: Literal["sig"]
    kid: str
    x: str = Field(description="the key, base64url")


class PublicKeys(WireModel):
    """A JWKS."""

    keys: tuple[PublicKey, ...]
