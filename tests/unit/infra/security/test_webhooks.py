"""The verifier never raises, accepts what the standard accepts, and nothing that it does not."""

import base64
import datetime
import hashlib
import hmac
import json
import os
from pathlib import Path

import pytest
import standardwebhooks
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra.security.webhooks import (
    SIGNATURES_MAX,
    SecretError,
    Verdict,
    WebhookHeaders,
    create_secret,
    format_secret,
    parse_secret,
    sign,
    verify,
)

SECRET_TEXT = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRET = parse_secret(SECRET_TEXT)
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
NOW_S = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
VECTORS = Path(__file__).parents[4].parent / "shared" / "vectors" / "hmac_sha256_test.json"


def headers(**changes):
    given_headers = {"webhook_id": ID, "timestamp": str(NOW_S), "signature": SIGNATURE}
    return WebhookHeaders(**{**given_headers, **changes})


def verdict(body=BODY, secrets=(SECRET,), now_s=NOW_S, **changes):
    return verify(headers(**changes), body, secrets, now_s)


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
    assert verdict(signature=bad) is Verdict.BAD_SIGNATURE


def test_any_live_secret_counts_during_a_rotation():
    other = create_secret()
    assert verdict(secrets=(other, SECRET)) is Verdict.VALID
    assert verdict(secrets=(other,)) is Verdict.BAD_SIGNATURE
    assert verdict(secrets=()) is Verdict.BAD_SIGNATURE


@pytest.mark.parametrize(
    "timestamp", [None, "", "1e9", "+1614265330", " 1614265330", "1.6", "٣", "9" * 13, "-1"]
)
def test_the_timestamp_is_plain_digits(timestamp):
    assert verdict(timestamp=timestamp) is Verdict.MALFORMED_HEADERS


@pytest.mark.parametrize("webhook_id", [None, "", "a.b", "a b", "a" * 65, "ä", "a\n"])
def test_the_id_is_a_short_word(webhook_id):
    assert verdict(webhook_id=webhook_id) is Verdict.MALFORMED_HEADERS


def test_too_many_signatures_are_refused():
    many = " ".join([SIGNATURE] * SIGNATURES_MAX)
    assert verdict(signature=many) is Verdict.VALID
    assert verdict(signature=f"{many} {SIGNATURE}") is Verdict.BAD_SIGNATURE


@pytest.mark.parametrize("noise", ["\t", "!", "=", "\n", "\r"])
def test_base64_is_strict(noise):
    assert verdict(signature=SIGNATURE + noise) is not Verdict.VALID
    assert verdict(signature=SIGNATURE[:10] + noise + SIGNATURE[10:]) is not Verdict.VALID


def test_stray_bits_in_the_last_character_are_refused():
    assert base64.b64decode(SIGNATURE[3:-2] + "F=") == base64.b64decode(SIGNATURE[3:])
    assert verdict(signature=SIGNATURE[:-2] + "F=") is not Verdict.VALID


def test_a_secret_has_one_form():
    secret = create_secret()
    assert parse_secret(format_secret(secret)) == secret
    for text in (
        "MfKQ",
        "whsec_",
        "whsec_!!!!",
        format_secret(b"x" * 23),
        format_secret(b"x" * 65),
    ):
        with pytest.raises(SecretError):
            parse_secret(text)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(st.none(), st.text()),
    st.one_of(st.none(), st.text(), st.integers().map(str)),
    st.one_of(st.none(), st.text(), st.text(alphabet="v1, =+/Ab")),
    st.binary(),
    st.floats(allow_nan=True),
)
@example("a", "1", "v1,", b"", float("nan"))
def test_no_input_raises(webhook_id, timestamp, signature, body, now_s):
    result = verify(WebhookHeaders(webhook_id, timestamp, signature), body, [SECRET], now_s)
    assert isinstance(result, Verdict)


def variations(signature):
    return st.sampled_from([
        signature, signature.lower(), signature + " ", f"{signature} {signature}",
        "v1," + "A" * 43 + "=", signature.replace("=", ""), signature.replace("v1", "v2"),
        f"v1a,x {signature}", signature[:-1], signature[:5] + " " + signature[5:], signature + "\n",
    ])  # fmt: skip


@settings(max_examples=500, deadline=None)
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
    if verify(given_headers, body, [secret], now_s) is not Verdict.VALID:
        return
    if abs(shift_s) > 295:
        return  # theirs reads its own clock, a little later
    reference = standardwebhooks.Webhook(format_secret(secret))
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    reference.verify(body.decode(), dict(zip(names, given_headers, strict=True)))


def test_the_same_body_is_accepted_by_the_reference_library_and_by_us():
    reference = standardwebhooks.Webhook(SECRET_TEXT)
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    now_s = int(now.timestamp())
    assert reference.sign(ID, now, BODY.decode()) == sign(SECRET, ID, now_s, BODY)
    given_headers = WebhookHeaders(ID, str(now_s), sign(SECRET, ID, now_s, BODY))
    assert verify(given_headers, BODY, [SECRET], now_s) is Verdict.VALID


def test_hmac_vectors_of_wycheproof():
    if not VECTORS.exists():
        if os.environ.get("REQUIRE_VECTORS") == "1":
            pytest.fail(f"{VECTORS} is missing")
        pytest.skip(f"Wycheproof vectors are not at {VECTORS}")
    checked = 0
    for group in json.loads(VECTORS.read_text())["testGroups"]:
        for case in group["tests"]:
            key, message, tag = (bytes.fromhex(case[name]) for name in ("key", "msg", "tag"))
            computed = hmac.digest(key, message, "sha256")[: group["tagSize"] // 8]
            assert (computed == tag) == (case["result"] == "valid"), case["tcId"]
            checked += 1
    assert checked > 100
