"""One `media-gateway up` for all tests that need some running stack, with credentials and data.

What such tests write stays: a test that counts, restarts or breaks things starts its own stack.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from domain.partner_limits import DELIVERIES_PER_S_MAX
from infra.security.keys import APP_SCOPES
from tests.support.operators import KEY as SECRETS_KEY
from tests.support.up_process import ROOT, Up, running
from tests.support.waiting import wait_until

PARTNER = "globex"  # pages may create acme
TITLES = {"m1": "Heat", "m2": "Ronin", "m3": "Collateral"}
VIEWER = "user-1"
# A key for secrets at rest, which tokens and operators need; a proxy that may name addresses.
ENVIRONMENT = {
    "MEDIA_GATEWAY_SECRETS_KEY": SECRETS_KEY,
    "MEDIA_GATEWAY_TRUSTED_PROXIES": "127.0.0.1",
    "MEDIA_GATEWAY_REGRESSION_REFIT_S": "10",  # else tests wait a minute for features of titles
}


@dataclass(frozen=True, kw_only=True)
class SharedStack:
    """A running stack: its process, keys of an app and of a partner, and the partner's secret."""

    up: Up
    key: str
    secret: str
    partner_key: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.up.port}"

    def command(self, *arguments: str) -> str:
        """Run ``media-gateway`` against the stack; return what it printed."""
        return command(self.up, *arguments)


@pytest.fixture(scope="session")
def shared_stack(services_dir: Path) -> Iterator[SharedStack]:
    """A stack with a few titles and one viewer's history."""
    with (
        tempfile.TemporaryDirectory(dir=services_dir) as folder,
        running(Path(folder) / "data", **ENVIRONMENT) as up,
    ):
        yield furnished(up)


def furnished(up: Up) -> SharedStack:
    """Give a stack credentials and a little data."""
    command(up, "signing-key", "rotate")
    scopes = ("--scopes", ",".join(APP_SCOPES))
    key = command(up, "key", "create", "tests", *scopes).splitlines()[-1]
    plenty = ("--deliveries-per-s", str(DELIVERIES_PER_S_MAX))
    partner = command(up, "partner", "create", PARTNER, "--mapper", "generic", *plenty)
    partner_key = command(up, "key", "create", "engineers", "--partner", PARTNER).splitlines()[-1]
    secret = partner.splitlines()[-1]
    stack = SharedStack(up=up, key=key, secret=secret, partner_key=partner_key)
    fill(stack)
    return stack


def command(up: Up, *arguments: str) -> str:
    """Run a command against a stack and return its output."""
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments, "--data-dir", str(up.data_dir)],
        cwd=ROOT, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def fill(stack: SharedStack) -> None:
    """Announce titles, watch one, and wait until all of it can be read."""
    for number, (title, name) in enumerate(TITLES.items()):
        assert post_webhook(stack, f"fill_{number}", added(title, name)) == 202
    for title in TITLES:
        path = f"/api/v1/content/{PARTNER}:{title}"
        wait_until(lambda path=path: read(stack, path) is not None, 60, f"{path} readable")
    assert post(stack, "/api/v1/progress", [watched("event-1")], key_headers(stack)) == 202
    wanted = f"/api/v1/users/{VIEWER}/recommendations?after_event=event-1"
    wait_until(lambda: (read(stack, wanted) or {})["after_event"]["included"], 60, "a slate")


def added(title: str, name: str) -> dict[str, object]:
    return {
        "event_type": "content_added", "platform": PARTNER,
        "timestamp": datetime.now(tz=UTC).isoformat().replace("+00:00", "Z"),
        "payload": {"id": title, "type": "movie", "title": name, "runtime_s": 6000},
    }  # fmt: skip


def watched(event_id: str) -> dict[str, object]:
    return {
        "event_id": event_id, "user_id": VIEWER, "content_id": f"{PARTNER}:m1", "session_id": "s",
        "device_id": "tv", "state": "stopped", "position_s": 3000, "duration_s": 6000,
        "played_from_s": 0, "played_to_s": 3000, "occurred_at_ms": int(time.time() * 1000),
    }  # fmt: skip


def post_webhook(stack: SharedStack, webhook_id: str, event: dict[str, object]) -> int:
    """Post a webhook signed by the reference library; return the status."""
    return post(
        stack, f"/api/v1/webhooks/{PARTNER}", event,
        signed(stack.secret, webhook_id, json.dumps(event).encode()),
    )  # fmt: skip


def signed(secret: str, webhook_id: str, body: bytes) -> dict[str, str]:
    """Return the headers of a webhook, signed now."""
    now = datetime.now(tz=UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, now, body.decode()),
    }


def key_headers(stack: SharedStack) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.key}"}


def post(stack: SharedStack, path: str, body: object, headers: dict[str, str]) -> int:
    request = urllib.request.Request(
        stack.url + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **headers},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)


def read(stack: SharedStack, path: str) -> dict[str, dict[str, bool]] | None:
    """Return what an app reads, None for 404."""
    request = urllib.request.Request(stack.url + path, headers=key_headers(stack))
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as refused:
        if refused.code == 404:
            return None
        raise
