"""What schemathesis cannot know of this API: how to sign, which titles there are, what time it is.

Loaded by schemathesis itself (``SCHEMATHESIS_HOOKS``), in its own process. Only requests that shall
be accepted are touched, in ways a JSON schema cannot say; what shall be refused is sent as it is.
Every call is counted by operation, kind and status into ``MEDIA_GATEWAY_FUZZ_COUNTS``.
"""

import atexit
import hashlib
import json
import os
from base64 import urlsafe_b64encode
from collections import Counter
from pathlib import Path

import requests
import schemathesis

from api.contract.security import OPERATOR_SESSION
from api.parsing import INTEGER_MAX
from tests.support import fuzzed_operators as operators
from tests.support.operators import PASSWORD, current_code
from tests.support.shared_stack import PARTNER, TITLES, VIEWER, signed

SECRET = os.environ["MEDIA_GATEWAY_FUZZ_SECRET"]
# Security scheme -> bearer token; empty: a caller without credentials.
TOKENS = json.loads(os.environ["MEDIA_GATEWAY_FUZZ_TOKENS"])
# Where sessions of operators can be opened; empty: this caller has none.
DATABASE_URL = os.environ["MEDIA_GATEWAY_FUZZ_DATABASE_URL"]
WEBHOOKS = "/api/v1/webhooks/{partner}"
COUNTS = Path(os.environ["MEDIA_GATEWAY_FUZZ_COUNTS"])
OWNED = {"user": [VIEWER], "content_id": [f"{PARTNER}:{each}" for each in TITLES]}
# Of the documented form; the signer puts the real ones in their place.
TO_BE_SIGNED = {
    "webhook-id": "to-be-signed",
    "webhook-timestamp": "1767225600",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}

PAST_MS = 1_767_225_600_000  # 2026-01-01; all times become earlier ones

counts: Counter[str] = Counter()
turn = 0
sessions = operators.Sessions(DATABASE_URL) if DATABASE_URL else None
logins = operators.one_each(operators.LOGINS)
recoveries = operators.one_each(operators.RECOVERIES)
steps = operators.one_each(operators.STEPS)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Make a request that shall be accepted one that can be: known names, times of the past."""
    global turn
    turn += 1
    if case.operation.path in PUBLIC_LOGINS:
        # Logins are limited by address; the gateway of the tests trusts who says another one.
        case.headers["X-Forwarded-For"] = f"10.{turn >> 16 & 255}.{turn >> 8 & 255}.{turn & 255}"
    if not is_positive(case):
        return
    for name, known in OWNED.items():
        # Two of three are about what there is; the others find nothing, which is an answer too.
        if name in (case.path_parameters or {}) and turn % 3:
            case.path_parameters[name] = known[turn % len(known)]
    known = {name: value for name, value in QUERIES.items() if name in (case.query or {})}
    for name, make in known.items():
        case.query[name] = make(case.operation.path, turn)
    if isinstance(case.body, (dict, list)):
        case.body = with_past_times(parseable(case.body))
    if sessions is not None and case.operation.path in PUBLIC_LOGINS:
        case.body = PUBLIC_LOGINS[case.operation.path]()
    if case.operation.path == WEBHOOKS:
        case.path_parameters["partner"] = PARTNER
        case.headers.update(TO_BE_SIGNED)


def is_positive(case):
    """Whether a request shall be accepted."""
    return case.meta is not None and case.meta.generation.mode.is_positive


PUBLIC_LOGINS = {
    "/api/v1/auth/login": lambda: {
        "name": next(logins), "password": PASSWORD, "code": current_code()
    },
    "/api/v1/auth/recover": lambda: {
        "name": next(recoveries), "password": PASSWORD, "recovery_code": operators.RECOVERY
    },
}  # fmt: skip


def a_cursor(path, number):
    """Return a cursor as the API hands them out."""
    last = f"film-{number}" if path.startswith("/api/v1/users") else str(number)
    return urlsafe_b64encode(f"{number}|{last}".encode()).decode()


# Parameter -> a value that was, or could have been, in an answer.
QUERIES = {
    "cursor": a_cursor,
    "refusals_cursor": lambda path, number: urlsafe_b64encode(str(number).encode()).decode(),
    "since": lambda path, number: f"2026-01-{number % 28 + 1:02}T00:00:00Z",
}


def parseable(value):
    """Return a JSON value without NUL and without integers beyond 2^53.

    The parser refuses both anywhere; a schema cannot say that of fields that it does not name.
    """
    if isinstance(value, list):
        return [parseable(each) for each in value]
    if isinstance(value, dict):
        return {parseable(name): parseable(each) for name, each in value.items()}
    if isinstance(value, str):
        return value.replace("\0", "")
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
    # To JSON schema 5.0 is an integer; the API takes integers without a fraction.
    if changed.get("occurred_at_ms") is not None:
        changed["occurred_at_ms"] = int(changed["occurred_at_ms"] % PAST_MS)
    if "ttl_s" in changed:
        changed["ttl_s"] = int(changed["ttl_s"])
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
    return sessions.open(operators.READER)


if TOKENS:
    schemathesis.auth.set_from_requests(Signer()).apply_to(path=WEBHOOKS)
    schemathesis.auth().skip_for(path=WEBHOOKS)(Bearer)


@schemathesis.hook
def after_call(context, case, response):
    """Count the answer."""
    mode = "none" if case.meta is None else case.meta.generation.mode.name.lower()
    name = case.operation.definition.raw.get("operationId", case.operation.label)
    counts[f"{name} {mode} {response.status_code}"] += 1


@atexit.register
def write_counts():
    """Leave the counts to whoever runs this."""
    COUNTS.write_text(json.dumps(counts))
