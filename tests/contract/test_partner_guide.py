"""The partners' guide is true: its programs are run as printed, against the real application."""

import os
import re
import shutil
import subprocess
import threading
import time

import pytest
import uvicorn

from api.app import create_app
from api.partners.reasons import REASONS
from infra.embedded.process import free_port
from infra.security.webhook_keys import Scheme, create_secret, format_secret, parse_public_key
from tests.architecture.rules.files import ROOT
from tests.component.api.fakes import FakeWorld, a_partner
from tests.support.services import skip_or_fail
from tests.support.waiting import wait_until

GUIDE = (ROOT / "docs/partners.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```\n", re.DOTALL)
EXAMPLES = dict(EXAMPLE.findall(GUIDE))
SECRET = create_secret()
# Name of the example -> what has to be installed, the file it is saved as, the command.
PROGRAMS = {
    "curl": (("bash", "openssl", "curl"), "post.sh", ["bash", "post.sh"]),
    "python": (("python3",), "post.py", ["python3", "post.py"]),
    "node": (("node",), "post.mjs", ["node", "post.mjs"]),
    "node-v1a": (("node", "openssl"), "post.mjs", ["node", "post.mjs"]),
    "java": (("java",), "Post.java", ["java", "Post.java"]),
    "go": (("go",), "post.go", ["go", "run", "post.go"]),
    "ruby": (("ruby",), "post.rb", ["ruby", "post.rb"]),
    "php": (("php",), "post.php", ["php", "post.php"]),
}
# Programs that are in a package of another name.
PACKAGES = {
    "go": "golang-go",
    "java": "default-jdk-headless",
    "node": "nodejs",
    "php": "php-cli",
}


@pytest.fixture(scope="module")
def gateway():
    """The real application on a real port, with everything behind it in memory."""
    world = FakeWorld()
    world.ahead_s = 0
    world.now_ms = int(time.time() * 1000)
    port = free_port()
    config = uvicorn.Config(
        create_app(world.settings, world.open_services), host="127.0.0.1", port=port,
        http="httptools", ws="none", lifespan="on", log_config=None,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, 30, "the server listens")
    world.url = f"http://127.0.0.1:{port}/api/v1/webhooks/acme"
    yield world
    server.should_exit = True
    thread.join(30)


def forget_partner(gateway):
    """Let ten seconds go by: what is cached of the partner ends."""
    gateway.ahead_s += 10
    gateway.now_ms = int((time.time() + gateway.ahead_s) * 1000)


def run(command, folder, **environment):
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip


def test_every_program_of_the_page_is_run():
    assert set(EXAMPLES) == {*PROGRAMS, "title.json", "keypair"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_posts_a_webhook_that_is_accepted(gateway, tmp_path, name):
    needed, file_name, command = PROGRAMS[name]
    for program in needed:
        if shutil.which(program) is None:
            remedy = f"apt-get install {PACKAGES.get(program, program)}"
            skip_or_fail(f"the example {name!r} of docs/partners.md needs {program}\n{remedy}")
    (tmp_path / "title.json").write_text(EXAMPLES["title.json"])
    (tmp_path / file_name).write_text(EXAMPLES[name])
    public_keys, schemes = (), (Scheme.V1,)
    if name.endswith("v1a"):
        made = run(["bash", "-c", EXAMPLES["keypair"]], tmp_path)
        public_keys, schemes = (parse_public_key(made.stdout.strip()),), (Scheme.V1A,)
    gateway.database.partners["acme"] = a_partner(SECRET, public_keys=public_keys, schemes=schemes)
    forget_partner(gateway)
    before = len(gateway.producer.sent)
    done = run(command, tmp_path, WEBHOOK_URL=gateway.url, WEBHOOK_SECRET=format_secret(SECRET))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().splitlines()[-1] == "202", done.stdout + done.stderr
    assert len(gateway.producer.sent) == before + 1
    assert gateway.producer.sent[-1][1].payload["title"] == "Metropolis"


def test_a_program_that_signs_wrongly_would_be_noticed(gateway, tmp_path):
    gateway.database.partners["acme"] = a_partner(SECRET)
    forget_partner(gateway)
    (tmp_path / "title.json").write_text(EXAMPLES["title.json"])
    (tmp_path / "post.py").write_text(
        EXAMPLES["python"].replace('.".encode() + body', '".encode()')
    )
    done = run(
        ["python3", "post.py"], tmp_path, WEBHOOK_URL=gateway.url,
        WEBHOOK_SECRET=format_secret(SECRET),
    )  # fmt: skip
    assert done.returncode != 0
    assert "401" in done.stderr


def test_every_status_of_a_webhook_is_explained():
    table = GUIDE.partition("## What every status means")[2].partition("## Retries")[0]
    explained = {int(number) for number in re.findall(r"^\| (\d{3}) \|", table, re.MULTILINE)}
    assert {reason.kind.status for reason in REASONS} | {202, 405, 500} <= explained
