"""What schemathesis cannot know of this API: how to sign, which titles there are, what time it is.

Loaded by schemathesis itself (``SCHEMATHESIS_HOOKS``), in its own process. Only requests that shall
be accepted are touched, in ways a JSON schema cannot say; what shall be refused is sent as it is.
Every call is counted by operation, kind and status into ``MEDIA_GATEWAY_FUZZ_COUNTS``.
"""

import atexit
import hashlib
import json
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from pathlib import Path

import requests
import schemathesis

from api.contract.security import OPERATOR_SESSION
from api.parsing import INTEGER_MAX
from tests.support import fuzzed_operators as operators
from tests.support.fuzzed_requests import Administration
from tests.support.operators import PASSWORD, current_code
from tests.support.shared_stack import PARTNER, TITLES, VIEWER, signed

SECRET = os.environ["MEDIA_GATEWAY_FUZZ_SECRET"]
# Security scheme -> bearer token; empty: a caller without credentials.
TOKENS = json.loads(os.environ["MEDIA_GATEWAY_FUZZ_TOKENS"])
# Where sessions of operators can be opened; empty: this caller has none.
DATABASE_URL = os.environ["MEDIA_GATEWAY_FUZZ_DATABASE_URL"]
# What this caller administers; empty: it does not.
ADMINISTERED = os.environ["MEDIA_GATEWAY_FUZZ_ADMINISTERED"]
WEBHOOKS = "/api/v1/webhooks/{partner}"
COUNTS = Path(os.environ["MEDIA_GATEWAY_FUZZ_COUNTS"])
OWNED = {"user": [VIEWER], "content_id": [f"{PARTNER}:{each}" for each in TITLES]}
# Of the documented form; the signer puts the real ones in their place.
TO_BE_SIGNED = {
    "webhook-id": "to-be-signed",
    "webhook-timestamp": "1767225600",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}

POSITION = re.compile(rb"[0-9]+\|.+")
PAST_MS = 1_767_225_600_000  # 2026-01-01; all times become earlier ones
FUTURE_MS = 4_102_444_800_000  # 2100-01-01

counts: Counter[str] = Counter()
turn = 0
sessions = operators.Sessions(DATABASE_URL) if DATABASE_URL else None
logins = operators.one_each(operators.LOGINS)
recoveries = operators.one_each(operators.RECOVERIES)
steps = operators.one_each(operators.STEPS)
administration = Administration(ADMINISTERED) if ADMINISTERED else None


@schemathesis.hook
def before_call(context, case, kwargs):
    """Keep off what is not the fuzzer's; make what shall be accepted a request that can be."""
    global turn
    turn += 1
    if case.operation.path in PUBLIC_LOGINS:
        # Logins are limited by address; the gateway of the tests trusts who says another one.
        case.headers["X-Forwarded-For"] = f"10.{turn >> 16 & 255}.{turn >> 8 & 255}.{turn & 255}"
    if administration is not None:
        administration.keep_off(case)
    if is_positive(case):
        make_acceptable(case)


def make_acceptable(case):
    """Put what a JSON schema cannot say into a request: known names, times of the past."""
    path, query = case.path_parameters or {}, case.query or {}
    known = OWNED if administration is None else administration.known()
    for name in known.keys() & path.keys():
        # Two of three are about what there is; the others find nothing, which is an answer too.
        if path[name] not in known[name] and turn % 3:
            path[name] = known[name][turn // 3 % len(known[name])]
    for name in QUERIES.keys() & query.keys():
        query[name] = QUERIES[name](case.operation.path, turn, query[name])
    if isinstance(case.body, (dict, list)):
        case.body = with_past_times(parseable(case.body))
    if administration is not None:
        administration.fit(case, turn)
    if sessions is not None and case.operation.path in PUBLIC_LOGINS:
        case.body = PUBLIC_LOGINS[case.operation.path]()
    if case.operation.path == WEBHOOKS:
        path["partner"] = PARTNER
        case.headers.update(TO_BE_SIGNED)


def is_positive(case):
    """Whether a request shall be accepted."""
    return case.meta is not None and case.meta.generation.mode.is_positive


PUBLIC_LOGINS = {
    "/api/v1/auth/login": lambda: {
        "name": next(logins), "password": PASSWORD, "code": current_code()
    },
    "/api/v1/auth/recover": lambda: {
        "password": PASSWORD, **dict(zip(("name", "recovery_code"), next(recoveries), strict=True))
    },
}  # fmt: skip


def is_cursor(text):
    """Whether a text came from an answer."""
    try:
        return POSITION.fullmatch(urlsafe_b64decode(text)) is not None
    except ValueError:
        return False


def a_cursor(path, number, drawn):
    """Return a cursor as the API hands them out."""
    if is_cursor(drawn):
        return drawn
    last = f"film-{number}" if path.startswith("/api/v1/users") else str(number)
    at_ms = number if number % 2 else FUTURE_MS  # lists begin with the newest: nothing, or all
    return urlsafe_b64encode(f"{at_ms}|{last}".encode()).decode()


# Parameter -> a value that was, or could have been, in an answer.
QUERIES = {
    "cursor": a_cursor,
    "refusals_cursor": lambda path, number, _: a_cursor(path, number, ""),
    "since": lambda path, number, _: f"2026-01-{number % 28 + 1:02}T00:00:00Z",
    "until": lambda path, number, _: f"2026-12-{number % 28 + 1:02}T00:00:00Z",
}


def parseable(value):
    """Return a JSON value without NUL, without integers beyond 2^53, and with integers as such.

    The parser refuses both anywhere; a schema cannot say that of fields that it does not name. To
    JSON schema 5.0 is an integer; the API takes integers without a fraction.
    """
    if isinstance(value, list):
        return [parseable(each) for each in value]
    if isinstance(value, dict):
        return {parseable(name): parseable(each) for name, each in value.items()}
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    beyond = isinstance(value, int) and abs(value) > INTEGER_MAX
    return value % INTEGER_MAX if beyond else value


def with_past_times(body):
    """Return a body whose times are between 1970 and 2026: others may lie ahead."""
    if isinstance(body, list):
        return [with_past_times(each) for each in body]
    if not isinstance(body, dict):
        return body
    changed = dict(body)
    for name in ("occurred_at", "timestamp"):
        if changed.get(name) is not None:
            changed[name] = "2026-01-01T00:00:00Z"
    if changed.get("occurred_at_ms") is not None:
        changed["occurred_at_ms"] %= PAST_MS
    return changed


class Signer(requests.auth.AuthBase):
    """Signs the bytes that are sent, where ``before_call`` asked for it."""

    def __call__(self, request):
        if request.headers.get("webhook-id") == TO_BE_SIGNED["webhook-id"]:
            body = request.body or b""
            body = body.encode() if isinstance(body, str) else body
            # The id is that of the body, so it never stands for other bytes.
            digest = hashlib.sha256(body).hexdigest()[:40]
            request.headers.update(signed(SECRET, digest, body))
        return request


class Bearer:
    """The token of a scheme that the operation asks for."""

    def get(self, case, context):
        return TOKENS  # the same for all operations: schemathesis asks once

    def set(self, case, data, context):
        ways = case.operation.definition.raw.get("security", [])
        for scheme in (name for way in ways for name in way):
            if scheme == OPERATOR_SESSION and sessions is not None:
                case.headers["Authorization"] = f"Bearer {a_session(case)}"
            elif scheme in data:
                case.headers["Authorization"] = f"Bearer {data[scheme]}"


def a_session(case):
    """Return the token of a new session: some operations end the one they are called with."""
    name = case.operation.definition.raw["operationId"]
    if name == "post_logout_everywhere":
        return sessions.open(operators.LEAVER)
    if name == "post_step_up" and is_positive(case):
        operator = next(steps)
        case.body = {"code": current_code()}
        return sessions.open(operator)
    return sessions.open(operators.ADMIN)


if TOKENS:
    schemathesis.auth.set_from_requests(Signer()).apply_to(path=WEBHOOKS)
    schemathesis.auth().skip_for(path=WEBHOOKS)(Bearer)


@schemathesis.hook
def after_call(context, case, response):
    """Count the answer."""
    mode = "none" if case.meta is None else case.meta.generation.mode.name.lower()
    name = case.operation.definition.raw.get("operationId", case.operation.label)
    if administration is not None:
        administration.note(case, response)
    counts[f"{name} {mode} {response.status_code}"] += 1


@atexit.register
def write_counts():
    """Leave the counts to whoever runs this."""
    COUNTS.write_text(json.dumps(counts))
