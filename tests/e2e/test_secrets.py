"""No secret is in any output: logs, answers, metrics, command lines, topics.

Planted secrets are given in mounted files and used rightly and wrongly, while everything that a
process prints or shows is kept. Who is told a secret on purpose is not searched: the mounted files,
and the output of the command that makes it.
"""

import asyncio
import base64
import json
import os
import secrets
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import psutil
import psycopg
import pytest
from psycopg import sql

from infra.data_dir import DataDir
from infra.postgres.pool import create_pool
from infra.settings import Settings
from tests.e2e.test_gateway import Client, added, command
from tests.support.operators import PASSWORD, SECRET, add_operator, current_code
from tests.support.secure_kafka import PASSWORD as KAFKA_PASSWORD
from tests.support.secure_kafka import secure_kafka
from tests.support.up_process import ROOT, running
from tests.support.waiting import wait_until


@dataclass
class Watched:
    """Everything that was said so far, and who said it."""

    texts: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, where, content):
        self.texts.append((where, content if isinstance(content, bytes) else content.encode()))

    def leaks(self, canaries):
        return [
            f"{name} in {where}"
            for where, text in self.texts
            for name, value in canaries.items()
            if value.encode() in text
        ]


class CommandLines:
    """Keeps the command line of every process below ``up``, also of those that end at once."""

    def __init__(self, up):
        self._up = up
        self._stop = threading.Event()
        self.lines = set()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _watch(self):
        while not self._stop.wait(0.2):
            for process in [psutil.Process(), *self._up.descendants()]:
                try:
                    self.lines.add(" ".join(process.cmdline()))
                except psutil.NoSuchProcess:
                    continue


def with_password(url, password):
    """Make a database user with this password and return the URL that uses it."""
    user = f"canary_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        statement = sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(user), sql.Literal(password)))
    parts = urlsplit(url)
    return f"postgresql://{user}:{password}@{parts.hostname}:{parts.port}{parts.path}", user


@pytest.fixture
def password_url(fresh_database_url):
    password = f"canary-{secrets.token_hex(12)}"
    url, user = with_password(fresh_database_url, password)
    yield url, password
    with psycopg.connect(fresh_database_url, autocommit=True) as connection:
        name = sql.Identifier(user)
        connection.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(name))
        connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
        connection.execute(sql.SQL("DROP ROLE {}").format(name))


def raw_call(watched, url, headers, body=None):
    """Send a request with secrets where they do not belong, and keep the answer."""
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            watched.add(url.split("?")[0], str(answer.headers).encode() + answer.read())
    except urllib.error.HTTPError as refused:
        watched.add(url.split("?")[0], str(refused.headers).encode() + refused.read())


def misuse(watched, up, canaries):
    """Send every secret to where it is not expected: paths, queries, headers, bodies."""
    base = f"http://127.0.0.1:{up.port}"
    for value in canaries.values():
        wrong = {"Authorization": f"Bearer {value}x", "Content-Type": "application/json"}
        raw_call(watched, f"{base}/api/v1/users/user-1/history", wrong)
        raw_call(watched, f"{base}/api/v1/trending?genre={quote(value, safe='')}", wrong)
        raw_call(watched, f"{base}/api/v1/content/{quote(value, safe='')}", wrong)
        signed = {**wrong, "webhook-id": "msg_1", "webhook-timestamp": "1",
                  "webhook-signature": f"v1,{value}"}  # fmt: skip
        raw_call(watched, f"{base}/api/v1/webhooks/acme", signed, json.dumps(value).encode())
        raw_call(watched, f"{base}/api/v1/progress", wrong, json.dumps([{value: value}]).encode())


def operators_secrets(up, client, url, sealing_key):
    """Let an operator log in and a device get a token; return what neither may find elsewhere."""

    async def add():
        async with create_pool(Settings(database_url=url)) as pool:
            await add_operator(pool, "ada", key=sealing_key)

    asyncio.run(add())
    body = {"name": "ada", "password": PASSWORD, "code": current_code()}
    assert client.call("/auth/login", json.dumps({**body, "code": "000000"}).encode())[0] == 401
    status, opened = client.call("/auth/login", json.dumps(body).encode())
    assert status == 200
    session = {"Authorization": f"Bearer {opened['token']}"}
    assert client.call("/auth/me", headers=session)[1]["name"] == "ada"
    command(up, "signing-key", "rotate")

    def token():
        wanted = {"user_id": "user-1", "scopes": ["recommendations:read"]}
        status, answer = client.call("/auth/tokens", json.dumps(wanted).encode())
        return answer["access_token"] if status < 300 else None

    return {
        "password": PASSWORD,
        "app of the operator": base64.b32encode(SECRET).decode(),
        "session": opened["token"],
        "device token": wait_until(token, 60, "a device token"),
    }


def failing_commands(watched, up, url, password):
    """Run commands that cannot work, with the password in what they were given."""
    broken = [
        url.replace(f":{urlsplit(url).port}/", ":1/"),
        url.replace("postgresql://", "postgres//"),
        url.replace(password, password + "-wrong"),
        url + "-no-such-database",
    ]
    for database_url in broken:
        for arguments in (["partner", "list"], ["migrate"], ["key", "list", "--debug"]):
            failing(watched, up, arguments, DATABASE_URL=database_url)


def failing_kafka_commands(watched, up, broker):
    """Run commands that Kafka refuses, or that are told nonsense, with the password given."""
    right = broker.environment(KAFKA_SSL_KEY_PASSWORD="")
    broken = [
        {**right, "KAFKA_SASL_PASSWORD": KAFKA_PASSWORD + "-wrong"},
        {**right, "KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_SASL_USERNAME": "nobody"},
        {**right, "KAFKA_SASL_MECHANISM": ""},
        {**right, "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"},
        {**right, "KAFKA_BOOTSTRAP_SERVERS": ""},
    ]
    for environment in broken:
        failing(watched, up, ["topics", "list"], **environment)
    failing(watched, up, ["rule", "list", "--debug"], **broken[0])


def failing(watched, up, arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments, "--data-dir", str(up.data_dir)],
        cwd=ROOT, capture_output=True, timeout=120, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode != 0
    assert b"No such option" not in done.stderr
    watched.add(f"{arguments} that fails", done.stdout + done.stderr)


def keep_all(watched, up, broker):
    """Keep logs, metrics pages and the bytes of every topic."""
    stack = DataDir(up.data_dir).running()
    for url in (*stack.metrics_urls.values(), f"http://127.0.0.1:{up.port}/metrics"):
        raw_call(watched, url, {})
    watched.add("output of up", up.output.read_bytes())
    for path in sorted(DataDir(up.data_dir).logs.glob("*.log")):
        watched.add(path.name, path.read_bytes())
    for path in sorted((broker.folder / "kafka").rglob("*.log")):
        watched.add(f"kafka segment {path.parent.name}/{path.name}", path.read_bytes())


@pytest.fixture
def broker(tmp_path):
    with secure_kafka(tmp_path / "broker") as made:
        yield made


def test_no_planted_secret_is_in_any_output(tmp_path, password_url, broker):
    url, password = password_url
    sealing_key = base64.b64encode(secrets.token_bytes(32)).decode()
    given = broker.environment()
    files = {
        "DATABASE_URL": url, "MEDIA_GATEWAY_SECRETS_KEY": sealing_key,
        "KAFKA_SASL_PASSWORD": given.pop("KAFKA_SASL_PASSWORD"),
    }  # fmt: skip
    for name, value in files.items():
        (tmp_path / name).write_text(value + "\n")
        given[f"{name}_FILE"] = str(tmp_path / name)
    watched = Watched()
    with (
        running(tmp_path / "data", **given, MEDIA_GATEWAY_LOG_LEVEL="DEBUG") as up,
        CommandLines(up) as lines,
    ):
        secret = command(up, "partner", "create", "acme", "--mapper", "generic")
        scopes = "progress:write,recommendations:read,catalogue:read,tokens:issue"
        key = command(up, "key", "create", "app", "--scopes", scopes)
        client = Client(up, key)
        canaries = {
            "database password": password, "kafka password": KAFKA_PASSWORD,
            "sealing key": sealing_key, "app key": key,
            "webhook secret": secret.removeprefix("whsec_"),
        }  # fmt: skip
        assert client.webhook("acme", secret, 1, added("m1"))[0] == 202
        assert client.webhook("acme", secret, 1, added("m2"))[0] == 409
        client.watch("user-1", "m1", "event-1", 600)
        client.wait_included("/users/user-1/history", "event-1")
        canaries |= operators_secrets(up, client, url, sealing_key)
        misuse(watched, up, canaries)
        failing_commands(watched, up, url, password)
        failing_kafka_commands(watched, up, broker)
        keep_all(watched, up, broker)
    assert lines.lines
    watched.add("command lines", "\n".join(sorted(lines.lines)))
    assert len(watched.texts) > 40
    assert watched.leaks(canaries) == []
    with psycopg.connect(url) as connection:
        stored = connection.execute("SELECT sealed FROM partner_secrets").fetchall()
        assert stored
        assert all(secret.removeprefix("whsec_") not in text for (text,) in stored)


def test_a_leak_would_be_found():
    watched = Watched()
    watched.add("a log", b"connecting with hunter2 ...")
    watched.add("another", "nothing")
    assert watched.leaks({"password": "hunter2", "key": "other"}) == ["password in a log"]
