"""schemathesis against the live API: thousands of valid and invalid requests, and chains of them.

All checks of the tool, deterministic. Three callers: an app, a partner and an operator with their
credentials, a device with the token of one user, and nobody. The stack behind must live through it.
"""

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
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
from api.routes import ENDPOINTS
from infra.data_dir import DataDir
from infra.security.keys import USER_SCOPES
from tests.support.fuzzed_operators import add_operators
from tests.support.shared_stack import VIEWER, key_headers
from tests.support.up_process import ROOT
from tests.support.venv_commands import venv_command

pytestmark = pytest.mark.timeout(1800)  # the first test waits for all requests

CASES_MIN = 5000
TIMEOUT_S = 1200  # of a machine that does much else; alone it takes about a minute
CONFIGURATION = ROOT / "tests/integration/contract/schemathesis.toml"
# schemathesis leaves the operation out that it read the document from.
# Administration would rotate the partner's secret, revoke keys in use and erase the viewer while
# others call: its component tests compare every answer with the document instead.
ADMINISTRATION = {
    endpoint.name
    for endpoint in ENDPOINTS
    if endpoint.path.startswith("/api/v1/admin/") and endpoint.name != "get_audit"
}
FUZZED = {endpoint.name for endpoint in ENDPOINTS} - ADMINISTRATION - {"get_openapi"}
LOGINS = {"post_login", "post_recover"}
LEFT_OUT = """
[[operations]]
include-operation-id = {}
enabled = false
"""


@dataclass(frozen=True)
class Caller:
    """Who calls, and how many requests for each operation are drawn for it."""

    name: str
    tokens: dict[str, str]
    examples: int
    database_url: str = ""

    @property
    def logs_in(self) -> bool:
        """Whether it tries to log in: that is the same for all who try, and slow on purpose."""
        return self.database_url != ""

    @property
    def operations(self) -> set[str]:
        return FUZZED if self.logs_in else FUZZED - LOGINS


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
        "MEDIA_GATEWAY_FUZZ_COUNTS": str(counts),
    }
    configuration = folder / f"{caller.name}.toml"
    drawn = f"\n[generation]\nmax-examples = {caller.examples}\n"
    left_out = LEFT_OUT.format(json.dumps(sorted(ADMINISTRATION)))
    left_out += "" if caller.logs_in else LEFT_OUT.format(json.dumps(sorted(LOGINS)))
    configuration.write_text(CONFIGURATION.read_text() + left_out + drawn)
    done = subprocess.run(
        [
            venv_command("schemathesis"), "--config-file", str(configuration),
            "run", f"{stack.url}/openapi.json", "--url", stack.url, "--checks", "all",
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
def outcomes(shared_stack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemathesis")
    running = DataDir(shared_stack.up.data_dir).running()
    asyncio.run(add_operators(running.database_url))
    tokens = tokens_of(shared_stack)
    device = {APP_TOKEN: tokens.pop(APP_TOKEN)}
    callers = (
        Caller("app-and-partner", tokens, 20, running.database_url),
        Caller("user", device, 2),
        Caller("nobody", {}, 1),
    )
    with ThreadPoolExecutor() as pool:  # most of the time is waiting for answers
        found = pool.map(lambda caller: run(shared_stack, caller, folder), callers)
    return {caller.name: outcome for caller, outcome in zip(callers, found, strict=True)}


@pytest.mark.parametrize("caller", ["app-and-partner", "user", "nobody"])
def test_no_check_fails(outcomes, caller):
    outcome = outcomes[caller]
    assert outcome.status == 0, outcome.text
    assert {name for name, _, _ in outcome.answers} == outcome.caller.operations
    assert not [status for _, _, status in outcome.answers if status >= 500]


def test_enough_is_sent_and_valid_requests_get_through(outcomes):
    total = sum(sum(outcome.answers.values()) for outcome in outcomes.values())
    rows = {name: outcomes["app-and-partner"].positive(name) for name in sorted(FUZZED)}
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


def test_the_stack_lives(shared_stack, outcomes):
    assert all(psutil.pid_exists(pid) for pid in shared_stack.up.pids().values())
    assert "died" not in shared_stack.up.text
