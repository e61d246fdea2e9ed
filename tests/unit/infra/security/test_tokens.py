"""The attacks that RFC 8725 and the field know, by name; and what a good token is."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.security import signing
from infra.security.jwks import VerificationKey, parse_jwks
from infra.security.tokens import TOKEN_BYTES_MAX, Claims, Refusal, read, verify
from tests.support.tokens import (
    AUDIENCE,
    ED25519,
    HEADER,
    ISSUER,
    NOW_S,
    PAYLOAD,
    RULES,
    b64,
    ed25519_jwk,
    encoded,
    judged,
    jwks,
    keys,
    public_pem,
    rsa_jwk,
    rsa_key,
    token,
)  # fmt: skip

RSA_HEADER = {"alg": "RS256", "kid": "rsa-1", "typ": "at+jwt"}


def without(name, of=PAYLOAD):
    return {key: value for key, value in of.items() if key != name}


@pytest.mark.parametrize("header", [HEADER, RSA_HEADER], ids=["EdDSA", "RS256"])
def test_a_good_token_gives_its_claims(header):
    assert judged(token(PAYLOAD | {"client_id": "app"}, header)) == Claims(
        issuer=ISSUER, subject="user-1", user_id="user-1",
        scopes=frozenset({"progress:write", "recommendations:read"}),
        issued_at_s=NOW_S, expires_at_s=NOW_S + 900, token_id="token-1", client_id="app",
    )  # fmt: skip


def test_our_own_tokens_are_good_tokens():
    key = signing.load("k1", bytes(range(32)))
    x = signing.public_x(bytes(range(32)))
    claims = signing.DeviceClaims("us", "u", ("a", "b"), "app", "id", NOW_S, NOW_S + 60)
    text = signing.sign(key, claims)
    found = verify(
        read(text), RULES._replace(issuer="us", audience="us"),
        signing.verification_key("k1", x), NOW_S,
    )  # fmt: skip
    assert found == Claims(
        "us", "u", "u", frozenset({"a", "b"}), NOW_S, NOW_S + 60, "id", "app"
    )  # fmt: skip
    assert parse_jwks(jwks(signing.public_jwk("k1", x))).keys() == {"k1"}


@pytest.mark.parametrize("name", ["none", "nOnE", "None", "NONE", "", None, 0, ["EdDSA"]])
@pytest.mark.parametrize("signature", ["", "AA"])
def test_no_algorithm_is_no_token(name, signature):
    text = token(header=HEADER | {"alg": name}, signature=signature)
    assert judged(text) in (Refusal.ALGORITHM, Refusal.MALFORMED)


@pytest.mark.parametrize(
    "secret",
    [
        public_pem(ED25519),
        public_pem(rsa_key()),
        json.dumps(ed25519_jwk()).encode(),
        json.dumps(rsa_jwk()).encode(),
        b"",
        ED25519.public_key().public_bytes_raw(),
    ],
    ids=["ed-pem", "rsa-pem", "ed-jwk", "rsa-jwk", "empty", "ed-raw"],
)
@pytest.mark.parametrize("kid", ["ed-1", "rsa-1"])
@pytest.mark.parametrize("claimed", ["HS256", "RS256", "EdDSA"])
def test_a_public_key_is_no_hmac_secret(secret, kid, claimed):
    header = {"alg": claimed, "kid": kid, "typ": "at+jwt"}
    text = token(header=header, signed_as="HS256", secret=secret)
    assert judged(text) in (Refusal.ALGORITHM, Refusal.SIGNATURE)


@pytest.mark.parametrize("name", ["HS256", "PS256", "RS384", "RS512", "ES256", "eddsa", "Ed25519"])
def test_any_other_algorithm_is_refused(name):
    assert judged(token(header=HEADER | {"alg": name}, signature="AA")) is Refusal.ALGORITHM


def test_the_algorithm_is_a_property_of_the_key_not_of_the_token():
    crossed = HEADER | {"alg": "RS256"}  # signed with RSA, but names the Ed25519 key
    assert judged(token(header=crossed, signed_as="RS256")) is Refusal.ALGORITHM
    only_rsa = RULES._replace(algorithms=("RS256",))
    assert judged(token(), only_rsa) is Refusal.ALGORITHM


def test_another_key_a_changed_payload_or_a_cut_signature_are_no_signature():
    text = token()
    head, payload, signature = text.split(".")
    other = encoded(PAYLOAD | {"sub": "user-2"})
    swapped = token(header=RSA_HEADER).split(".")[2]
    for forged in (
        f"{head}.{other}.{signature}",
        f"{head}.{payload}.{swapped}",
        f"{head}.{payload}.{b64(bytes(64))}",
        f"{head}.{payload}.{b64(bytes(63))}",
        f"{head}.{payload}.AA",
    ):
        assert judged(forged) is Refusal.SIGNATURE
    assert judged(token(), known={"ed-1": keys()["rsa-1"]}) is Refusal.UNKNOWN_KEY


@pytest.mark.parametrize("name", ["exp", "iat"])
@pytest.mark.parametrize(
    "value",
    [None, "soon", str(NOW_S + 60), NOW_S + 0.5, 1e308, True, -1, [NOW_S], {}, 2**41, 10**400],
)
def test_a_time_is_a_whole_number(name, value):
    assert judged(token(PAYLOAD | {name: value})) is Refusal.TIMES
    assert judged(token(without(name))) is Refusal.TIMES
    assert judged(token(PAYLOAD | {"nbf": value})) is Refusal.TIMES


def test_a_time_written_as_a_fraction_or_with_an_exponent_is_none():
    for text in (f"{NOW_S + 900}.0", "1e9"):
        raw = json.dumps(PAYLOAD).replace(str(NOW_S + 900), text).encode()
        assert judged(token(raw)) is Refusal.TIMES


@pytest.mark.parametrize("lifetime_s", [3601, 100 * 365 * 86_400, 0, -5])
def test_a_token_lives_at_most_as_long_as_its_issuer_may_say(lifetime_s):
    assert judged(token(PAYLOAD | {"exp": NOW_S + lifetime_s})) is Refusal.LIFETIME
    assert isinstance(judged(token(PAYLOAD | {"exp": NOW_S + 3600})), Claims)


@pytest.mark.parametrize(
    ("now_s", "expected"),
    [
        (NOW_S + 900 + 29, Claims), (NOW_S + 900 + 30, Refusal.EXPIRED),
        (NOW_S + 900 + 31, Refusal.EXPIRED),
        (NOW_S - 30, Claims), (NOW_S - 31, Refusal.NOT_YET),
    ],
)  # fmt: skip
def test_clocks_may_differ_by_30_seconds_and_no_more(now_s, expected):
    found = judged(token(), now_s=now_s)
    assert isinstance(found, Claims) if expected is Claims else found is expected


@pytest.mark.parametrize(("offset_s", "good"), [(-100, True), (30, True), (31, False)])
def test_not_before_is_honoured(offset_s, good):
    found = judged(token(PAYLOAD | {"nbf": NOW_S + offset_s}))
    assert isinstance(found, Claims) if good else found is Refusal.NOT_YET


@pytest.mark.parametrize(
    "audience",
    ["other", "", None, 0, [], ["other"], {"media-gateway": 1}, AUDIENCE + "2", [[AUDIENCE]],
     ["x"] * 16 + [AUDIENCE]],
)  # fmt: skip
def test_a_token_for_somebody_else_is_refused(audience):
    assert judged(token(PAYLOAD | {"aud": audience})) is Refusal.AUDIENCE
    assert judged(token(without("aud"))) is Refusal.AUDIENCE
    assert isinstance(judged(token(PAYLOAD | {"aud": ["other", AUDIENCE]})), Claims)


@pytest.mark.parametrize("issuer", ["https://evil.example/", ISSUER[:-1], ISSUER.upper(), ""])
def test_a_token_of_another_issuer_is_refused(issuer):
    text = token(PAYLOAD | {"iss": issuer})
    assert judged(text) is Refusal.UNKNOWN_ISSUER
    assert verify(read(text), RULES, keys()["ed-1"], NOW_S) is Refusal.ISSUER


@pytest.mark.parametrize("issuer", [None, 1, [ISSUER], {"iss": ISSUER}])
def test_an_issuer_is_a_text(issuer):
    assert judged(token(PAYLOAD | {"iss": issuer})) is Refusal.ISSUER
    assert judged(token(without("iss"))) is Refusal.ISSUER


@pytest.mark.parametrize(
    "kind", ["JWT", "", None, "id+jwt", "logout+jwt", "text/at+jwt", ["at+jwt"], "at+jwt "]
)
def test_a_token_of_another_type_is_refused(kind):
    assert judged(token(header=HEADER | {"typ": kind})) is Refusal.TYPE
    assert judged(token(header=without("typ", HEADER))) is Refusal.TYPE
    for same in ("AT+JWT", "application/at+jwt"):
        assert isinstance(judged(token(header=HEADER | {"typ": same})), Claims)
    plain = RULES._replace(token_type="JWT")
    assert isinstance(judged(token(header=HEADER | {"typ": "JWT"}), plain), Claims)
    assert judged(token(), plain) is Refusal.TYPE


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null", "..", "/etc/passwd", "ed-1' OR '1'='1",
        "x'; DROP TABLE signing_keys;--", "ed-1 ", "", "\n", "a" * 129, "ed-1\0", None, 1, ["ed-1"],
        {"kid": "ed-1"}, "é", "https://x/",
    ],
)  # fmt: skip
def test_a_key_id_is_a_short_plain_name(kid):
    assert judged(token(header=HEADER | {"kid": kid})) is Refusal.KEY_ID
    assert judged(token(header=without("kid", HEADER))) is Refusal.KEY_ID


def test_an_unknown_key_id_is_refused():
    assert judged(token(header=HEADER | {"kid": "ed-2"})) is Refusal.UNKNOWN_KEY


@pytest.mark.parametrize(
    "member",
    [
        {"jku": "https://evil.example/jwks.json"}, {"jwk": ed25519_jwk()},
        {"x5u": "https://evil.example/c.pem"}, {"x5c": ["MIIB"]}, {"crit": ["b64"], "b64": False},
        {"b64": True}, {"crit": []}, {"cty": "JWT"}, {"zip": "DEF"}, {"enc": "A128GCM"},
    ],
)  # fmt: skip
def test_a_header_that_brings_or_names_keys_or_changes_the_reading_is_refused(member):
    assert judged(token(header=HEADER | member)) is Refusal.HEADER_MEMBER


def test_an_unknown_header_member_is_ignored():
    assert isinstance(judged(token(header=HEADER | {"x5t": "abc", "nonce": 1})), Claims)


def test_a_token_that_brings_its_own_key_is_not_verified_with_it():
    other = Ed25519PrivateKey.generate()
    text = token(header=HEADER | {"kid": "ed-1"}, secret=other)
    assert judged(text) is Refusal.SIGNATURE


def test_an_encrypted_token_is_refused():
    assert judged("a.b.c.d.e") is Refusal.ENCRYPTED
    assert judged("....") is Refusal.ENCRYPTED


@pytest.mark.parametrize("size", [TOKEN_BYTES_MAX + 1, 1024 * 1024])
def test_a_large_token_is_refused_before_it_is_decoded(size, monkeypatch):
    def never(text):
        raise AssertionError("decoded")

    monkeypatch.setattr("infra.security.tokens.decode_base64url", never)
    assert judged("A" * size) is Refusal.TOO_LARGE


def test_a_token_of_4096_bytes_is_read():
    text = token(PAYLOAD | {"pad": ""})
    text = token(PAYLOAD | {"pad": "x" * ((TOKEN_BYTES_MAX - len(text)) * 3 // 4)})
    assert TOKEN_BYTES_MAX - 4 < len(text) <= TOKEN_BYTES_MAX
    assert isinstance(judged(text), Claims)


@pytest.mark.parametrize("part", ["header", "payload"])
def test_a_member_given_twice_is_refused(part):
    given = {"header": HEADER, "payload": PAYLOAD}
    text = json.dumps(given[part])
    for name, value in (("alg", "none"), ("sub", "user-2"), ("deep", {"a": 1})):
        twice = text[:-1] + f', "{name}": {json.dumps(value)}, "{name}": 1}}'
        assert judged(token(**(given | {part: twice.encode()}))) is Refusal.MALFORMED
    escaped = text[:-1] + ', "iss": "a", "is\\u0073": "b"}'
    assert judged(token(**(given | {part: escaped.encode()}))) is Refusal.MALFORMED


def variants(text):
    head, payload, signature = text.split(".")
    yield from (text + "=", text + "==", text + ".", "." + text, text + "\n")
    yield from (" " + text, text + " ", head + "." + payload, head, "", ".", "..", "...")
    yield from (f"{head}=.{payload}.{signature}", f"{head}.{payload}=.{signature}")
    yield from (f"{head}. {payload}.{signature}", f"{head}.{payload}\r\n.{signature}")
    yield from (f"{head}..{signature}", f".{payload}.{signature}", f"{head}.{payload}.")
    yield from (f"{head}.{payload}.{signature}.{signature}", f"{head}%2E{payload}.{signature}")
    for end in "BCDEFHIJ":  # the last of 86 characters carries four bits that are not used
        yield text[:-1] + end
    yield text.replace("-", "+").replace("_", "/") + "+/"
    yield f"{head}\uff0e{payload}\uff0e{signature}"  # full stops of another alphabet
    yield f"{head}.{payload}.{signature[:-1]}é"


def test_a_token_has_one_spelling():
    text = token()
    assert isinstance(judged(text), Claims)
    for number, other in enumerate(variants(text)):
        assert judged(other) is Refusal.MALFORMED, (number, other)


@pytest.mark.parametrize(
    "text", [b"[]", b"null", b'"x"', b"1", b"{", b"\xff{}", b"", b"NaN", b'{"a": NaN}', b"{} {}",
             b"[" * 2500, b'{"a":' * 450, b"\xef\xbb\xbf{}", b'{"a": Infinity}', b"1" * 2000]
)  # fmt: skip
def test_what_is_not_a_json_object_is_refused(text):
    assert judged(token(text)) is Refusal.MALFORMED
    assert judged(token(header=text, signature="AAAA")) is Refusal.MALFORMED


@pytest.mark.parametrize("subject", ["", None, 1, ["user-1"], "x" * 256])
def test_a_subject_is_required(subject):
    assert judged(token(PAYLOAD | {"sub": subject})) is Refusal.SUBJECT
    assert judged(token(without("sub"))) is Refusal.SUBJECT


@pytest.mark.parametrize("user", ["a|b", "a/b", "é", "\ud800", "x" * 65, "-a", "user 1", "a\0"])
def test_a_user_id_is_one_of_ours(user):
    assert judged(token(PAYLOAD | {"sub": user})) is Refusal.USER
    by_claim = RULES._replace(user_claim="uid")
    assert judged(token(), by_claim) is Refusal.USER
    found = judged(token(PAYLOAD | {"sub": "auth0|123", "uid": "user-9"}), by_claim)
    assert isinstance(found, Claims)
    assert found.user_id == "user-9"


@pytest.mark.parametrize("scope", [None, 7, ["progress:write"], "x" * 1025, "", "  "])
def test_a_token_without_readable_scopes_may_do_nothing(scope):
    found = judged(token(PAYLOAD | {"scope": scope}))
    assert isinstance(found, Claims)
    assert found.scopes == frozenset()


def test_an_id_that_is_no_text_is_none():
    found = judged(token(PAYLOAD | {"jti": 5, "client_id": "x" * 256}))
    assert isinstance(found, Claims)
    assert (found.token_id, found.client_id) == (None, None)


def test_a_key_of_the_wrong_type_never_verifies():
    crossed = VerificationKey("ed-1", "EdDSA", keys()["rsa-1"].key)
    assert judged(token(), known={"ed-1": crossed}) is Refusal.SIGNATURE
