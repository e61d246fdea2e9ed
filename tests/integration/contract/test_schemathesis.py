"""schemathesis against the live API: thousands of valid and invalid requests, and chains of them.

All checks of the tool, deterministic, at every endpoint. Four callers: an app and a partner with
their credentials, an operator, a device with the token of one user, and nobody. The operator
changes what was made for the fuzzer alone; the stack behind must live through all of it.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from api.contract.security import (
    APP_KEY,
    APP_TOKEN,
    OPERATOR_SESSION,
    PARTNER_BODY_SIGNATURE,
    PARTNER_KEY,
    PARTNER_SIGNATURE,
    SCHEMES_OF,
)
from api.identity.access import CallerKind as Kind
from api.routes import ENDPOINTS
from infra.data_dir import DataDir
from infra.security.keys import USER_SCOPES
from tests.support.fuzzed_administration import PARTNER as FUZZED_PARTNER
from tests.support.fuzzed_administration import add_administered
from tests.support.fuzzed_operators import ADMIN, add_operators
from tests.support.shared_stack import (
    VIEWER,
    added,
    key_headers,
    post,
    post_webhook,
    read,
    watched,
)
from tests.support.up_process import ROOT
from tests.support.venv_commands import venv_command
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(1800)  # the first test waits for all requests

CASES_MIN = 6000
TIMEOUT_S = 1200  # of a machine that does much else; alone it takes about a minute
LONG_AGO_MS = 20 * 24 * 3600 * 1000
CONFIGURATION = ROOT / "tests/integration/contract/schemathesis.toml"
EVERYTHING = frozenset(endpoint.name for endpoint in ENDPOINTS)
# Logging in is the same for all who try, and slow on purpose: one caller does it.
LOGINS = frozenset({"post_login", "post_recover"})
OPERATORS = LOGINS | {each.name for each in ENDPOINTS if each.access.caller is Kind.OPERATOR}
LEFT_OUT = """
[[operations]]
include-operation-id = {}
enabled = false
"""
APP, OPERATOR, USER, NOBODY = "app-and-partner", "operator", "user", "nobody"
OPERATIONS = {
    APP: EVERYTHING - OPERATORS,
    OPERATOR: OPERATORS,
    USER: EVERYTHING - OPERATORS,
    NOBODY: EVERYTHING - LOGINS,
}
CHANGES = {
    "partner.create", "partner.update", "partner.rotate-secret", "key.create", "key.revoke",
    "dead-letter.replay", "dead-letter.discard", "user.erase", "operator.renew-recovery-codes",
    "operator.login", "operator.use-recovery-code", "operator.step-up", "operator.logout",
    "operator.logout-everywhere",
}  # fmt: skip


@dataclass(frozen=True)
class Caller:
    """Who calls, and how many requests for each operation are drawn for it.

    ``database_url`` is where sessions of operators can be opened, ``made`` what they administer.
    """

    name: str
    tokens: dict[str, str]
    examples: int
    database_url: str = ""
    made: str = ""


@dataclass(frozen=True)
class Outcome:
    """What schemathesis said, and its answers: (operation, kind of request, status) -> number."""

    caller: Caller
    status: int
    text: str
    answers: Counter[tuple[str, str, int]]

    def positive(self, operation: str) -> dict[int, int]:
        return {
            status: number
            for (name, kind, status), number in self.answers.items()
            if name == operation and kind == "positive"
        }


def run(stack, caller: Caller, folder: Path) -> Outcome:
    """Run schemathesis as a process of its own."""
    counts = folder / f"{caller.name}.json"
    environment = {
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.integration.contract.schemathesis_hooks",
        "MEDIA_GATEWAY_FUZZ_TOKENS": json.dumps(caller.tokens),
        "MEDIA_GATEWAY_FUZZ_SECRET": stack.secret,
        "MEDIA_GATEWAY_FUZZ_DATABASE_URL": caller.database_url,
        "MEDIA_GATEWAY_FUZZ_ADMINISTERED": caller.made,
        "MEDIA_GATEWAY_FUZZ_COUNTS": str(counts),
    }
    configuration = folder / f"{caller.name}.toml"
    drawn = f"\n[generation]\nmax-examples = {caller.examples}\n"
    left_out = LEFT_OUT.format(json.dumps(sorted(EVERYTHING - OPERATIONS[caller.name])))
    configuration.write_text(CONFIGURATION.read_text() + left_out + drawn)
    done = subprocess.run(
        [
            venv_command("schemathesis"), "--config-file", str(configuration),
            "run", "openapi.json", "--url", stack.url, "--checks", "all",
            "--no-color", "--warnings", "off",
        ],
        cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True,
        timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    answers = Counter()
    for key, number in json.loads(counts.read_text()).items():
        operation, kind, status = key.split()
        answers[operation, kind, int(status)] = number
    return Outcome(caller, done.returncode, done.stdout + done.stderr, answers)


def tokens_of(stack) -> dict[str, str]:
    """Return a token for every security scheme of bearers; of operators each call gets its own."""
    return {
        APP_KEY: stack.key, APP_TOKEN: device_token(stack), PARTNER_KEY: stack.partner_key,
        OPERATOR_SESSION: "",
    }  # fmt: skip


def device_token(stack) -> str:
    """Return a token of one viewer, from the stack itself."""
    wanted = {"user_id": VIEWER, "scopes": [*USER_SCOPES], "ttl_s": 3600}
    request = urllib.request.Request(
        f"{stack.url}/api/v1/auth/tokens",
        data=json.dumps(wanted).encode(),
        headers={"Content-Type": "application/json", **key_headers(stack)},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["access_token"]


def test_there_are_credentials_for_every_security_scheme(shared_stack):
    asked = {name for endpoint in ENDPOINTS for name in SCHEMES_OF[endpoint.access.caller]}
    # The older signature is another proof of the same partner: component tests have it.
    assert asked == {*tokens_of(shared_stack), PARTNER_SIGNATURE, PARTNER_BODY_SIGNATURE}


@pytest.fixture(scope="module")
def database_url(shared_stack):
    return DataDir(shared_stack.up.data_dir).running().database_url


@pytest.fixture
def rows(database_url):
    """Return a function: statement, parameters -> the rows of the stack's database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield lambda statement, *given: connection.execute(statement, given).fetchall()


def give_features(stack):
    """Let somebody have finished a title long before the newest event, and wait until that counts.

    Its features would else exist by chance alone.
    """
    watched_ms = int(time.time() * 1000) - LONG_AGO_MS
    event = watched("event-long-ago") | {
        "user_id": "user-long-ago", "position_s": 6000, "played_from_s": 0, "played_to_s": 6000,
        "occurred_at_ms": watched_ms,
    }  # fmt: skip
    assert post(stack, "/api/v1/progress", [event], key_headers(stack)) == 202
    path = f"/api/v1/content/{event['content_id']}/features"
    wait_until(lambda: read(stack, path), 120, "features of a title")


@pytest.fixture(scope="module")
def outcomes(shared_stack, database_url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemathesis")
    asyncio.run(add_operators(database_url))
    give_features(shared_stack)
    made = asyncio.run(add_administered(shared_stack, database_url)).to_json()
    tokens = tokens_of(shared_stack)
    device = {APP_TOKEN: tokens.pop(APP_TOKEN)}
    session = {OPERATOR_SESSION: tokens.pop(OPERATOR_SESSION)}
    # From a file: it leaves out the operation that it reads the document from.
    (folder / "openapi.json").write_text(json.dumps(read(shared_stack, "/openapi.json")))
    callers = (
        Caller(APP, tokens, 20),
        Caller(OPERATOR, session, 10, database_url, made),
        Caller(USER, device, 2),
        Caller(NOBODY, {}, 1),
    )
    with ThreadPoolExecutor() as pool:  # most of the time is waiting for answers
        found = pool.map(lambda caller: run(shared_stack, caller, folder), callers)
    return {caller.name: outcome for caller, outcome in zip(callers, found, strict=True)}


@pytest.mark.parametrize("caller", OPERATIONS)
def test_no_check_fails(outcomes, caller):
    outcome = outcomes[caller]
    assert outcome.status == 0, outcome.text
    assert {name for name, _, _ in outcome.answers} == OPERATIONS[caller]
    assert not [status for _, _, status in outcome.answers if status >= 500]


def test_every_endpoint_is_called_by_somebody_who_may():
    assert OPERATIONS[APP] | OPERATIONS[OPERATOR] == EVERYTHING


def test_enough_is_sent_and_valid_requests_get_through(outcomes):
    total = sum(sum(outcome.answers.values()) for outcome in outcomes.values())
    rows = {
        name: outcomes[caller].positive(name)
        for caller in (APP, OPERATOR)
        for name in sorted(OPERATIONS[caller])
    }
    sys.stdout.write(f"\n{total} requests; those meant to be accepted, with credentials:\n")
    for name, by_status in rows.items():
        all_of_it = sum(by_status.values())
        sys.stdout.write(f"  {name:24} {succeeded(by_status):5} of {all_of_it:5}  {by_status}\n")
    assert [name for name, by_status in rows.items() if succeeded(by_status) == 0] == []
    accepted = sum(map(succeeded, rows.values()))
    assert accepted >= 0.75 * sum(sum(by_status.values()) for by_status in rows.values())
    assert total >= CASES_MIN


def succeeded(by_status):
    return sum(number for status, number in by_status.items() if status < 300)


def test_nobody_gets_nothing(outcomes):
    protected = {
        endpoint.name for endpoint in ENDPOINTS if endpoint.access.scope or endpoint.access.role
    }
    got = defaultdict(int)
    for (name, _, status), number in outcomes["nobody"].answers.items():
        if status < 300:
            got[name] += number
    assert not protected & set(got), got
    assert "receive_webhook" not in got


def test_every_change_is_in_the_audit_trail_and_the_trail_is_whole(shared_stack, outcomes):
    entered = shared_stack.command("audit", "list", "--limit", "10000").split()
    assert set(entered) >= CHANGES
    assert "entries hold" in shared_stack.command("audit", "verify")


def test_what_was_redriven_came_back(outcomes, rows):
    again = "SELECT count(*) FROM dead_letters WHERE partner = %s AND first_offset IS NOT NULL"
    wait_until(lambda: rows(again, FUZZED_PARTNER)[0][0] > 0, 60, "a letter that failed again")


def test_nobody_else_is_hurt(shared_stack, outcomes, rows):
    assert post_webhook(shared_stack, "after-the-fuzzer", added("m1", "Heat")) == 202
    history = read(shared_stack, f"/api/v1/users/{VIEWER}/history")
    assert history is not None
    assert history["entries"]
    changed = "SELECT DISTINCT partner FROM dead_letters WHERE changed_by = %s"
    assert rows(changed, ADMIN) == [(FUZZED_PARTNER,)]


def test_the_stack_lives(shared_stack, outcomes):
    assert all(psutil.pid_exists(pid) for pid in shared_stack.up.pids().values())
    assert "died" not in shared_stack.up.text
