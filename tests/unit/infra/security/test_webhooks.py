"""The verifier never raises, accepts what the standard accepts, and nothing that it does not."""

import base64
import datetime
import hashlib
import hmac
import json

import pytest
import standardwebhooks
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra.security.webhook_keys import (
    Keyring,
    Scheme,
    create_secret,
    format_secret,
    parse_secret,
)
from infra.security.webhooks import (
    SIGNATURES_MAX,
    V1A_SIGNATURES_MAX,
    Verdict,
    WebhookHeaders,
    sign,
    sign_body,
    verify,
)
from tests.support.signing import PUBLIC_KEY, sign_v1a

SECRET_TEXT = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRET = parse_secret(SECRET_TEXT)
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
NOW_S = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
V1 = frozenset({Scheme.V1})


def headers(**changes):
    given_headers = {"webhook_id": ID, "timestamp": str(NOW_S), "signature": SIGNATURE}
    return WebhookHeaders(**{**given_headers, **changes})


def verdict(body=BODY, secrets=(SECRET,), schemes=V1, now_s=NOW_S, public_keys=(), **changes):
    keyring = Keyring(frozenset(schemes), tuple(secrets), tuple(public_keys))
    return verify(headers(**changes), body, keyring, now_s)


def test_the_vector_of_the_specification_is_signed_and_accepted():
    assert sign(SECRET, ID, NOW_S, BODY) == SIGNATURE
    assert sign(SECRET_TEXT, ID, NOW_S, BODY) == SIGNATURE
    assert verdict() is Verdict.VALID


@pytest.mark.parametrize(
    ("shift_s", "expected"),
    [(300, Verdict.VALID), (301, Verdict.STALE), (-300, Verdict.VALID), (-301, Verdict.STALE)],
)
def test_the_clock_may_be_five_minutes_off_both_ways(shift_s, expected):
    assert verdict(now_s=NOW_S + shift_s) is expected


def test_every_bit_of_the_body_counts():
    for position in range(len(BODY) * 8):
        flipped = bytearray(BODY)
        flipped[position // 8] ^= 1 << position % 8
        assert verdict(body=bytes(flipped)) is Verdict.BAD_SIGNATURE


@pytest.mark.parametrize(
    "bad", ["garbage", "v1,", "v1,a,b", "v2," + SIGNATURE[3:], "v1,ü", "v1a,abc", "v1," + "A" * 44]
)
def test_a_bad_part_does_not_hide_a_good_one(bad):
    assert verdict(signature=f"{bad} {SIGNATURE}") is Verdict.VALID
    assert verdict(signature=f"{SIGNATURE} {bad}") is Verdict.VALID
    assert verdict(signature=bad) in (Verdict.NO_SIGNATURE, Verdict.BAD_SIGNATURE)


# What the published suites of Standard Webhooks (Python, JavaScript, Java) expect.
@pytest.mark.parametrize(
    "changes",
    [
        {"webhook_id": None},
        {"timestamp": None},
        {"signature": None},
        {"timestamp": "hello"},
        {"signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA="},
        {"signature": SIGNATURE[:8]},
        {"signature": "v1,"},
        {"signature": "v1"},
        {"signature": "v2" + SIGNATURE[2:]},
        {"signature": SIGNATURE.replace(",", " ")},
        {"signature": SIGNATURE.replace(",", ";")},
        {"signature": ""},
        {"now_s": NOW_S + 301},
        {"now_s": NOW_S - 301},
    ],
)
def test_what_published_suites_refuse_is_refused(changes):
    assert verdict(**changes) is not Verdict.VALID


def test_what_published_suites_accept_is_accepted():
    wrong = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
    assert verdict(signature=f"v1,{wrong} v2,{wrong} {SIGNATURE} v1,{wrong}") is Verdict.VALID
    assert parse_secret(SECRET_TEXT) == base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def test_any_live_secret_counts_during_a_rotation():
    other = create_secret()
    assert verdict(secrets=(other, SECRET)) is Verdict.VALID
    assert verdict(secrets=(other,)) is Verdict.BAD_SIGNATURE
    assert verdict(secrets=()) is Verdict.BAD_SIGNATURE


@pytest.mark.parametrize(
    "timestamp", [None, "", "1e9", "+1614265330", " 1614265330", "1.6", "٣", "9" * 13, "-1"]
)
def test_the_timestamp_is_plain_digits(timestamp):
    assert verdict(timestamp=timestamp) is Verdict.NO_SIGNATURE


@pytest.mark.parametrize("webhook_id", [None, "", "a.b", "a b", "a" * 65, "ä", "a\n", "-a", "_a"])
def test_the_id_is_a_short_word(webhook_id):
    assert verdict(webhook_id=webhook_id) is Verdict.MALFORMED_HEADERS


def test_too_many_signatures_are_refused():
    many = " ".join([SIGNATURE] * SIGNATURES_MAX)
    assert verdict(signature=many) is Verdict.VALID
    assert verdict(signature=f"{many} {SIGNATURE}") is Verdict.NO_SIGNATURE


def v1a(**changes):
    given_headers = {"signature": sign_v1a(ID, NOW_S, BODY), "schemes": {Scheme.V1A}}
    return verdict(**{**given_headers, "public_keys": (PUBLIC_KEY,), **changes})


def test_a_signature_by_private_key_is_judged_by_the_public_one():
    assert v1a() is Verdict.VALID
    assert v1a(body=BODY + b" ") is Verdict.BAD_SIGNATURE
    assert v1a(webhook_id="msg_other") is Verdict.BAD_SIGNATURE
    assert v1a(timestamp=str(NOW_S + 1)) is Verdict.BAD_SIGNATURE
    assert v1a(public_keys=()) is Verdict.BAD_SIGNATURE
    assert v1a(public_keys=(b"\7" * 32, PUBLIC_KEY)) is Verdict.VALID
    assert v1a(now_s=NOW_S + 301) is Verdict.STALE


def test_private_key_signatures_cost_more_and_fewer_are_tried():
    one = sign_v1a(ID, NOW_S, BODY)
    assert v1a(signature=" ".join([one] * V1A_SIGNATURES_MAX)) is Verdict.VALID
    assert v1a(signature=" ".join([one] * (V1A_SIGNATURES_MAX + 1))) is Verdict.NO_SIGNATURE


def older(**changes):
    signed = {"timestamp": None, "signature": None, "body_signature": sign_body(SECRET, BODY)}
    return verdict(**{**signed, "schemes": {Scheme.SHA256}, **changes})


def test_the_older_scheme_needs_an_id_and_no_time():
    assert older() is Verdict.VALID
    assert older(body_signature=sign_body(SECRET, BODY).upper().replace("SHA", "sha")) is (
        Verdict.VALID
    )
    assert older(now_s=NOW_S * 2) is Verdict.VALID
    assert older(body=BODY + b" ") is Verdict.BAD_SIGNATURE
    assert older(webhook_id=None) is Verdict.MALFORMED_HEADERS
    assert older(body_signature=None) is Verdict.NO_SIGNATURE
    assert older(webhook_id=None, body_signature=None) is Verdict.NO_SIGNATURE


@pytest.mark.parametrize(
    "text", ["", "sha256=", "sha1=" + "0" * 64, "sha256=" + "0" * 63, "sha256=" + "\u0660" * 64,
             "sha256=" + "0" * 64 + "\n", " sha256=" + "0" * 64, "0" * 64]
)  # fmt: skip
def test_the_older_signature_has_one_form(text):
    assert older(body_signature=text) is Verdict.NO_SIGNATURE


GOOD = {
    Scheme.V1: {"signature": SIGNATURE},
    Scheme.V1A: {"signature": sign_v1a(ID, NOW_S, BODY)},
    Scheme.SHA256: {"signature": None, "body_signature": sign_body(SECRET, BODY)},
}


@pytest.mark.parametrize("scheme", Scheme)
def test_a_signature_of_a_scheme_that_is_not_allowed_is_none(scheme):
    keys = {"public_keys": (PUBLIC_KEY,)}
    assert verdict(schemes={scheme}, **GOOD[scheme], **keys) is Verdict.VALID
    assert verdict(schemes=Scheme, **GOOD[scheme], **keys) is Verdict.VALID
    others = set(Scheme) - {scheme}
    assert verdict(schemes=others, **GOOD[scheme], **keys) is Verdict.SCHEME_NOT_ALLOWED
    assert verdict(schemes=(), **GOOD[scheme], **keys) is Verdict.SCHEME_NOT_ALLOWED


def test_one_scheme_is_no_help_to_another():
    """A signature of the older scheme, good or not, changes nothing where only v1 counts."""
    wrong, right = sign_body(create_secret(), BODY), sign_body(SECRET, BODY)
    assert verdict(body_signature=wrong) is Verdict.VALID
    assert verdict(signature="v1," + "A" * 43 + "=", body_signature=right) is Verdict.BAD_SIGNATURE
    assert verdict(now_s=NOW_S + 301, body_signature=right) is Verdict.STALE
    # A captured v1 signature is one of the older scheme over another body, which is no JSON.
    captured = f"{ID}.{NOW_S}.".encode() + BODY
    digest = base64.b64decode(SIGNATURE[3:]).hex()
    assert older(body=captured, body_signature=f"sha256={digest}") is Verdict.VALID
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(captured)


@pytest.mark.parametrize("noise", ["\t", "!", "=", "\n", "\r"])
def test_base64_is_strict(noise):
    assert verdict(signature=SIGNATURE + noise) is not Verdict.VALID
    assert verdict(signature=SIGNATURE[:10] + noise + SIGNATURE[10:]) is not Verdict.VALID


def test_stray_bits_in_the_last_character_are_refused():
    assert base64.b64decode(SIGNATURE[3:-2] + "F=") == base64.b64decode(SIGNATURE[3:])
    assert verdict(signature=SIGNATURE[:-2] + "F=") is not Verdict.VALID


@settings(max_examples=400)
@given(
    st.one_of(st.none(), st.text()),
    st.one_of(st.none(), st.text(), st.integers().map(str)),
    st.one_of(st.none(), st.text(), st.text(alphabet="v1, =+/Ab")),
    st.one_of(st.none(), st.text(), st.text(alphabet="sha256=0aF")),
    st.binary(),
    st.floats(allow_nan=True),
)
@example("a", "1", "v1,", None, b"", float("nan"))
def test_no_input_raises(webhook_id, timestamp, signature, body_signature, body, now_s):
    given_headers = WebhookHeaders(webhook_id, timestamp, signature, body_signature)
    keyring = Keyring(frozenset(Scheme), (SECRET,), (PUBLIC_KEY,))
    assert isinstance(verify(given_headers, body, keyring, now_s), Verdict)


def variations(signature):
    return st.sampled_from([
        signature, signature.lower(), signature + " ", f"{signature} {signature}",
        "v1," + "A" * 43 + "=", signature.replace("=", ""), signature.replace("v1", "v2"),
        f"v1a,x {signature}", signature[:-1], signature[:5] + " " + signature[5:], signature + "\n",
    ])  # fmt: skip


@settings(max_examples=500)
@given(st.data())
def test_what_we_accept_the_reference_library_accepts(data):
    secret = data.draw(st.binary(min_size=24, max_size=64))
    webhook_id = data.draw(st.text(alphabet="abcXYZ019_-. ", max_size=10))
    shift_s = data.draw(st.integers(-400, 400))
    now_s = int(datetime.datetime.now(datetime.UTC).timestamp())  # theirs takes no other clock
    timestamp = data.draw(st.sampled_from([str(now_s + shift_s), f"+{now_s}", f"{now_s}.0"]))
    body = json.dumps(data.draw(st.dictionaries(st.text(max_size=5), st.integers()))).encode()
    signed_id, signed_body = webhook_id, body
    if data.draw(st.booleans()):
        signed_body = data.draw(st.binary(max_size=10))
    digest = hmac.new(secret, f"{signed_id}.{timestamp}.".encode() + signed_body, hashlib.sha256)
    good = "v1," + base64.b64encode(digest.digest()).decode()
    signature = data.draw(variations(good))
    given_headers = WebhookHeaders(webhook_id, timestamp, signature)
    if verify(given_headers, body, Keyring(V1, (secret,)), now_s) is not Verdict.VALID:
        return
    if abs(shift_s) > 295:
        return  # theirs reads its own clock, a little later
    reference = standardwebhooks.Webhook(format_secret(secret))
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    reference.verify(body.decode(), dict(zip(names, given_headers[:3], strict=True)))


def test_the_same_body_is_accepted_by_the_reference_library_and_by_us():
    reference = standardwebhooks.Webhook(SECRET_TEXT)
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    now_s = int(now.timestamp())
    assert reference.sign(ID, now, BODY.decode()) == sign(SECRET, ID, now_s, BODY)
    given_headers = WebhookHeaders(ID, str(now_s), sign(SECRET, ID, now_s, BODY))
    assert verify(given_headers, BODY, Keyring(V1, (SECRET,)), now_s) is Verdict.VALID
