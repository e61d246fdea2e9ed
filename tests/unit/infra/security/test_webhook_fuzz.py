"""100,000 damaged deliveries: every one is judged, and none but an undamaged one is accepted.

Method: a fixed seed takes a delivery signed in all three schemes and damages one to four of its
parts, by characters that parsers trip over or by cutting, doubling and swapping. Whatever is left
of the signed content decides: a verdict of valid needs one signature over exactly what is judged.
"""

import random

from infra.security.webhook_keys import Keyring, Scheme
from infra.security.webhooks import (
    TOLERANCE_S,
    Verdict,
    WebhookHeaders,
    sign,
    sign_body,
    verify,
)
from tests.support.signing import PUBLIC_KEY, sign_v1a

CASES = 100_000
SECRET = b"0123456789abcdef0123456789abcdef"
ID, AT_S, BODY = "msg_1", 1_767_225_600, b'{"event_type":"content_added"}'
V1, V1A, OLDER = sign(SECRET, ID, AT_S, BODY), sign_v1a(ID, AT_S, BODY), sign_body(SECRET, BODY)
PIECES = [
    " ", "  ", ",", ".", "=", "v1,", "v1a,", "v2,", "sha256=", "\t", "\n", "\r\n", "\0", "ü", "٣",
    "\ud800", "\U0001f600", "-1", "+1", "1e9", "NaN", "0x10", "9" * 13, "A" * 44, "A" * 5000, "/+",
]  # fmt: skip


def damaged_text(dice, text):
    kind = dice.randrange(7)
    at = dice.randrange(len(text) + 1)
    if kind == 0:
        return None
    if kind == 1:
        return text[:at] + dice.choice(PIECES) + text[at:]
    if kind == 2:
        return text[:at]
    if kind == 3:
        return f"{text} {text}"
    if kind == 4:
        return text.swapcase()
    if kind == 5:
        return "".join(dice.choice(PIECES) for _ in range(dice.randrange(4)))
    return text[:at] + chr(dice.randrange(256)) + text[at + 1 :]


def a_case(dice):
    """Return headers, body and clock, of which some are as they were signed."""
    parts = [ID, str(AT_S), dice.choice([V1, V1A, f"{V1} {V1A}", f"{V1A} {V1}"]), OLDER]
    body, now_s = BODY, AT_S + dice.choice([0, 0, 0, 300, -300, 301, -301, 10**15])
    for _ in range(dice.randrange(4)):
        which = dice.randrange(5)
        if which == 4:
            body = dice.choice([b"", BODY + b" ", BODY[:-1], dice.randbytes(30)])
        elif parts[which] is not None:
            parts[which] = damaged_text(dice, parts[which])
    return WebhookHeaders(*parts), body, now_s


def may_be_valid(headers, body, schemes, now_s):
    """Whether any signature of an allowed scheme is over exactly this content, by plain search."""
    if body != BODY or headers.webhook_id is None:
        return False
    older = headers.body_signature or ""
    if Scheme.SHA256 in schemes and older.lower() == OLDER:
        return True
    timed = headers.webhook_id == ID and headers.timestamp == str(AT_S)
    near = abs(now_s - AT_S) <= TOLERANCE_S
    given = (headers.signature or "").split(" ")
    wanted = {Scheme.V1: V1, Scheme.V1A: V1A}
    return timed and near and any(wanted.get(scheme) in given for scheme in schemes)


def test_no_header_raises_and_only_what_was_signed_is_valid():
    dice = random.Random(20260101)
    seen = dict.fromkeys(Verdict, 0)
    choices = [frozenset({item}) for item in Scheme] + [frozenset(Scheme), frozenset()]
    for number in range(CASES):
        headers, body, now_s = a_case(dice)
        schemes = dice.choice(choices)
        verdict = verify(headers, body, Keyring(schemes, (SECRET,), (PUBLIC_KEY,)), now_s)
        seen[verdict] += 1
        if verdict is Verdict.VALID:
            assert may_be_valid(headers, body, schemes, now_s), (number, headers, body, schemes)
    assert min(seen.values()) > 500, seen  # every verdict was reached
