"""The whole path through the command line and HTTP, and again after a restart.

A partner's signed webhook makes a title readable; a viewer's progress changes the watch state, the
slate and the row to continue; a viewer is erased; a restart on the same data directory keeps all
of it, also who was erased.
"""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from infra.security.pseudonyms import Pseudonyms
from tests.support.up_process import ROOT, running
from tests.support.waiting import wait_until

TITLES = {"m1": "Heat", "m2": "Ronin", "m3": "Collateral"}


def command(up, *arguments):
    """Run a CLI command against the running stack; return the last line of its output."""
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments, "--data-dir", str(up.data_dir)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


class Client:
    """Speaks HTTP to one running stack."""

    def __init__(self, up, key):
        self.base = f"http://127.0.0.1:{up.port}/api/v1"
        self.key = key

    def call(self, path, body=None, headers=None):
        """Return (status, decoded body)."""
        given = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            self.base + path, data=body, headers=given if headers is None else headers
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def webhook(self, partner, secret, number, event):
        """Post a webhook signed by the reference library."""
        body = json.dumps(event).encode()
        now = datetime.now(tz=UTC)
        signature = Webhook(secret).sign(f"msg_{number}", now, body.decode())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": f"msg_{number}",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        return self.call(f"/webhooks/{partner}", body, headers)

    def watch(self, user, title, event_id, position_s):
        """Report that a viewer played a title of 100 minutes up to a position, now."""
        status, answer = self.report(user, title, event_id, position_s, int(time.time() * 1000))
        assert (status, answer["results"][0]["status"]) == (202, "accepted")

    def report(self, user, title, event_id, position_s, occurred_at_ms):
        """Report an event of a title of 100 minutes; return (status, decoded body)."""
        event = {
            "event_id": event_id, "user_id": user, "content_id": title, "session_id": f"{user}-1",
            "device_id": "tv", "state": "stopped", "position_s": position_s, "duration_s": 6000,
            "played_from_s": 0, "played_to_s": position_s, "occurred_at_ms": occurred_at_ms,
        }  # fmt: skip
        return self.call("/progress", json.dumps(event).encode())

    def wait_included(self, path, event_id):
        """Return the answer at ``path`` once it includes an event."""

        def included():
            _, answer = self.call(f"{path}?after_event={event_id}")
            return answer if answer["after_event"]["included"] else None

        return wait_until(included, 60, f"{event_id} included in {path}")


def ids(answer):
    return [entry["content_id"] for entry in answer["entries"]]


def added(title):
    return {
        "event_type": "content_added", "platform": "acme",
        "timestamp": datetime.now(tz=UTC).isoformat().replace("+00:00", "Z"),
        "payload": {"id": title, "type": "movie", "title": TITLES[title], "runtime_s": 6000},
    }  # fmt: skip


def test_webhook_to_content_progress_to_slate_and_a_restart_keeps_everything(tmp_path):
    with running(tmp_path / "data") as up:
        secret = command(up, "partner", "create", "acme", "--mapper", "generic")
        key = command(up, "key", "create", "app")
        assert secret.startswith("whsec_")
        assert key.startswith("mg_live_")
        client = Client(up, key)
        post_catalogue(client, secret)
        near = near_in_meaning(client)
        erased_before_ms = one_viewer_is_erased(up, client, tmp_path / "dan.json")
        before = three_viewers_watch(client) | {"near": near}
        up.process.terminate()
        assert up.process.wait(30) == 0
    with running(tmp_path / "data") as again:
        client = Client(again, key)
        check_same_after_restart(client, secret, before)
        check_still_erased(again, client, tmp_path / "dan.json", erased_before_ms)


def post_catalogue(client, secret):
    for number, title in enumerate(TITLES):
        status, answer = client.webhook("acme", secret, number, added(title))
        assert status == 202
        assert answer["event_id"]
    assert client.webhook("acme", secret, 99, {"event_type": "nonsense"})[0] == 400
    wrong = "whsec_" + "A" * 43 + "="
    assert client.webhook("acme", wrong, 98, added("m1"))[0] == 401
    for title, name in TITLES.items():
        path = f"/content/acme:{title}"
        wait_until(lambda path=path: client.call(path)[0] == 200, 60, f"{path} readable")
        assert client.call(path)[1]["title"] == name


def near_in_meaning(client):
    """Wait until every title was encoded; return the two that are near the first one."""

    def encoded():
        _, answer = client.call("/content/acme:m1/similar?by=embedding")
        return answer if len(answer["entries"]) == len(TITLES) - 1 else None

    answer = wait_until(encoded, 60, "similar by embedding")
    assert set(ids(answer)) == {"acme:m2", "acme:m3"}
    scores = [entry["score"] for entry in answer["entries"]]
    assert 1 > scores[0] >= scores[1] > 0
    return answer


def one_viewer_is_erased(up, client, receipt_file):
    """A viewer watches and is erased with the keys of the data directory; return when it watched.

    None of it may be seen afterwards: what the others get is compared across the restart.
    """
    occurred_at_ms = int(time.time() * 1000)
    client.report("dan", "acme:m1", "dan-m1", 6000, occurred_at_ms)
    client.wait_included("/users/dan/history", "dan-m1")
    command(up, "erase", "--user", "dan", "--receipt", str(receipt_file))
    document = json.loads(receipt_file.read_text())
    key = (up.data_dir / "erasure-key").read_text()
    assert document["receipt"]["keyed"] is True
    assert document["receipt"]["user"] == Pseudonyms(key).of("dan") != Pseudonyms("").of("dan")
    assert client.call("/users/dan/history")[1]["entries"] == []
    return occurred_at_ms


def check_still_erased(again, client, receipt_file, occurred_at_ms):
    """The restarted stack knows whom it erased, and its key proves the receipt."""
    status, answer = client.report("dan", "acme:m2", "dan-late", 6000, occurred_at_ms)
    assert status == 400
    assert "before the data of this user was erased" in json.dumps(answer)
    assert "public key" in command(again, "erase", "verify-receipt", str(receipt_file))
    command(again, "erase", "search", "--user", "dan")


def three_viewers_watch(client):
    """Two viewers finish m1 and m2; a third finishes m1 and begins m3. Return the third's view."""
    for viewer in ("ann", "bob"):
        for title in ("m1", "m2"):
            client.watch(viewer, f"acme:{title}", f"{viewer}-{title}", 6000)
            client.wait_included(f"/users/{viewer}/recommendations", f"{viewer}-{title}")
    _, cold = client.call("/users/cat/recommendations")
    assert cold["cold_start"] is True
    wait_until(
        lambda: {"acme:m1", "acme:m2"} <= set(ids(client.call("/trending")[1])), 60, "trending"
    )
    client.watch("cat", "acme:m1", "cat-m1", 6000)
    client.wait_included("/users/cat/recommendations", "cat-m1")
    client.watch("cat", "acme:m3", "cat-m3", 3000)
    slate = client.wait_included("/users/cat/recommendations", "cat-m3")
    assert ids(slate) == ["acme:m2"]  # m1 is completed, m3 is in progress
    history = client.wait_included("/users/cat/history", "cat-m3")
    assert set(ids(history)) == {"acme:m1", "acme:m3"}
    _, row = client.call("/users/cat/continue-watching")
    assert [(each["content_id"], each["position_s"]) for each in row["entries"]] == [
        ("acme:m3", 3000.0)
    ]
    return {"slate": ids(slate), "history": history["entries"], "row": timeless(row["entries"])}


def timeless(cards):
    """Cards without how probable it is by now that the viewer goes on."""
    return [{**card, "resume_probability": None} for card in cards]


def check_same_after_restart(client, secret, before):
    assert ids(client.call("/users/cat/recommendations")[1]) == before["slate"]
    assert client.call("/users/cat/history")[1]["entries"] == before["history"]
    cards = client.call("/users/cat/continue-watching")[1]["entries"]
    assert timeless(cards) == before["row"]
    assert client.call("/content/acme:m1/similar?by=embedding")[1] == before["near"]
    for title, name in TITLES.items():
        assert client.call(f"/content/acme:{title}")[1]["title"] == name
    # The ledger goes on from its state: the rest of m3 completes what was half watched.
    client.watch("cat", "acme:m3", "cat-m3-end", 6000)
    history = client.wait_included("/users/cat/history", "cat-m3-end")
    assert [each["completed"] for each in history["entries"]] == [True, True]
    assert client.call("/users/cat/continue-watching")[1]["entries"] == []
    assert client.webhook("acme", secret, 0, added("m1"))[0] == 409  # same id, another time inside
