"""JSON Web Tokens: bytes, keys and the time in; claims, or one refusal of a closed list, out.

``read`` and ``verify`` are total: for any text they return and never raise. Everything is checked
that RFC 8725 asks for, and in this order: size, shape, header, algorithm, key, signature, then the
claims. The signature itself is checked by joserfc; which algorithm is used is a property of the key
and never of the token.

Header members that name or carry a key (``jku``, ``jwk``, ``x5u``, ``x5c``), that change how the
token is to be read (``crit``, ``b64``, ``zip``, ``enc``) or announce a nested token (``cty``) are
refused. Any other member is ignored.
"""

import re
from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any, NamedTuple, TypeGuard

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from infra.security.jose import JoseFormError, decode_base64url, read_object
from infra.security.jwks import ALGORITHMS, VerificationKey
from infra.security.key_ids import is_key_id
from schemas.ids import ID_LENGTH_MAX, ID_PATTERN

TOKEN_BYTES_MAX = 4096
LEEWAY_S = 30
AT_S_MAX = 2**40  # far beyond any year that matters, and no float
LIFETIME_CAP_S = 86_400  # the longest lifetime that an issuer may be given
TEXT_LENGTH_MAX = 255  # of sub, jti and client_id
AUDIENCES_MAX = 16
SCOPE_LENGTH_MAX = 1024
AT_JWT, JWT = "at+jwt", "JWT"
TOKEN_TYPES = (AT_JWT, JWT)
REFUSED_MEMBERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc", "cty"})
USER_ID = re.compile(ID_PATTERN, re.ASCII)

Json = dict[str, Any]


class Refusal(Enum):
    """Why a token is not believed; the value is a bounded metric label and never told a caller."""

    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    ENCRYPTED = "encrypted"
    HEADER_MEMBER = "header_member"
    ALGORITHM = "algorithm"
    TYPE = "type"
    KEY_ID = "key_id"
    UNKNOWN_ISSUER = "unknown_issuer"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    SUBJECT = "subject"
    USER = "user"
    TIMES = "times"
    LIFETIME = "lifetime"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Unverified(NamedTuple):
    """A token that could be read. ``issuer`` and ``kid`` find its key; nothing is believed yet."""

    issuer: str
    kid: str
    header: Json
    payload: Json
    signed: bytes
    signature: bytes


class Rules(NamedTuple):
    """What tokens of one issuer must be like.

    ``skew_s`` is how far the issuer's clock may differ from ours, seconds.
    """

    issuer: str
    audience: str
    algorithms: Collection[str]
    token_type: str
    user_claim: str
    lifetime_max_s: int
    skew_s: int = LEEWAY_S


class Claims(NamedTuple):
    """What a verified token says. Times are Unix seconds; ``scopes`` are what it asks for."""

    issuer: str
    subject: str
    user_id: str
    scopes: frozenset[str]
    issued_at_s: int
    expires_at_s: int
    token_id: str | None
    client_id: str | None


class _Moments(NamedTuple):
    issued_s: int
    begins_s: int
    expires_s: int


def read(token: str) -> Unverified | Refusal:
    """Return the parts of a token, or why it is none; never raises."""
    if len(token) > TOKEN_BYTES_MAX:
        return Refusal.TOO_LARGE
    pieces = token.split(".")
    if len(pieces) != 3:
        return Refusal.ENCRYPTED if len(pieces) == 5 else Refusal.MALFORMED
    try:
        header = read_object(decode_base64url(pieces[0]))
        payload = read_object(decode_base64url(pieces[1]))
        signature = decode_base64url(pieces[2])
    except JoseFormError:
        return Refusal.MALFORMED
    refusal = _header(header)
    if refusal is not None:
        return refusal
    issuer = payload.get("iss")
    if not isinstance(issuer, str):
        return Refusal.ISSUER
    signed = f"{pieces[0]}.{pieces[1]}".encode()
    return Unverified(issuer, header["kid"], header, payload, signed, signature)


def verify(token: Unverified, rules: Rules, key: VerificationKey, now_s: float) -> Claims | Refusal:
    """Return the claims of a token that ``key`` signed by ``rules``, or why not; never raises.

    Args:
        token: as ``read``; nothing of it is trusted.
        rules: what tokens of this issuer must be like.
        key: the key of this issuer that the token names.
        now_s: the clock, Unix seconds.
    """
    if not _is_of_type(token.header.get("typ"), rules.token_type):
        return Refusal.TYPE
    if key.kid != token.kid:
        return Refusal.UNKNOWN_KEY
    if key.algorithm != token.header["alg"] or key.algorithm not in rules.algorithms:
        return Refusal.ALGORITHM
    if not _is_signed(token, key):
        return Refusal.SIGNATURE
    moments = _moments(token.payload)
    if moments is None:
        return Refusal.TIMES
    return _judge_moments(moments, rules, now_s) or _claims(token.payload, moments, rules)


def _header(header: Json) -> Refusal | None:
    if not REFUSED_MEMBERS.isdisjoint(header):
        return Refusal.HEADER_MEMBER
    if header.get("alg") not in ALGORITHMS:
        return Refusal.ALGORITHM
    return None if is_key_id(header.get("kid")) else Refusal.KEY_ID


def _is_of_type(given: object, wanted: str) -> bool:
    """Whether ``typ`` is the wanted media type; ``application/`` may be there (RFC 7515, 4.1.9)."""
    return (
        isinstance(given, str) and given.lower().removeprefix("application/") == wanted.lower()
    )  # fmt: skip


def _is_signed(token: Unverified, key: VerificationKey) -> bool:
    algorithm = JWSRegistry.algorithms[key.algorithm]
    try:
        algorithm.check_key(key.key)
        return algorithm.verify(token.signed, token.signature, key.key)
    except (JoseError, ValueError):
        return False


def _moments(payload: Json) -> _Moments | None:
    """Return the three times; None when one is missing or no whole number."""
    issued, expires = _moment(payload.get("iat")), _moment(payload.get("exp"))
    begins = _moment(payload.get("nbf", issued))
    if issued is None or expires is None or begins is None:
        return None
    return _Moments(issued, begins, expires)


def _moment(value: object) -> int | None:
    """Return a time in Unix seconds, None for anything else; JSON's ``true`` is no time."""
    return value if type(value) is int and 0 <= value <= AT_S_MAX else None


def _judge_moments(moments: _Moments, rules: Rules, now_s: float) -> Refusal | None:
    if not 0 < moments.expires_s - moments.issued_s <= rules.lifetime_max_s:
        return Refusal.LIFETIME
    if max(moments.issued_s, moments.begins_s) > now_s + rules.skew_s:
        return Refusal.NOT_YET
    return Refusal.EXPIRED if now_s >= moments.expires_s + rules.skew_s else None


def _claims(payload: Json, moments: _Moments, rules: Rules) -> Claims | Refusal:
    if payload.get("iss") != rules.issuer:
        return Refusal.ISSUER
    if not _is_for(payload.get("aud"), rules.audience):
        return Refusal.AUDIENCE
    subject = _text(payload, "sub")
    if subject is None:
        return Refusal.SUBJECT
    user_id = payload.get(rules.user_claim)
    if not is_user_id(user_id):
        return Refusal.USER
    return Claims(
        issuer=rules.issuer,
        subject=subject,
        user_id=user_id,
        scopes=_scopes(payload),
        issued_at_s=moments.issued_s,
        expires_at_s=moments.expires_s,
        token_id=_text(payload, "jti"),
        client_id=_text(payload, "client_id"),
    )


def _is_for(audience: object, wanted: str) -> bool:
    if isinstance(audience, list):
        return len(audience) <= AUDIENCES_MAX and wanted in audience
    return isinstance(audience, str) and audience == wanted


def is_user_id(value: object) -> TypeGuard[str]:
    """Whether ``value`` can be the id of a user (see ``schemas.ids``)."""
    return (
        isinstance(value, str)
        and len(value) <= ID_LENGTH_MAX
        and USER_ID.fullmatch(value) is not None
    )


def _scopes(payload: Mapping[str, object]) -> frozenset[str]:
    """Return the words of ``scope`` (RFC 8693, section 4.2); a token without it may do nothing."""
    scope = payload.get("scope")
    if not isinstance(scope, str) or len(scope) > SCOPE_LENGTH_MAX:
        return frozenset()
    return frozenset(scope.split(" ")) - {""}


def _text(payload: Mapping[str, object], name: str) -> str | None:
    value = payload.get(name)
    return value if isinstance(value, str) and 1 <= len(value) <= TEXT_LENGTH_MAX else None
