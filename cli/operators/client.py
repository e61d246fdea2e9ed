"""Calls to the API in an operator's name, and the file that keeps the session's token."""

import json
import os
import stat
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import click
import requests

from cli.options import EXIT_USAGE, CommandError

TIMEOUT_S = (5.0, 20.0)  # to connect, and to answer: a login may wait in the queue
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
FILE = "session.json"


class Kept(NamedTuple):
    """A session as it is kept: where, whose, and its token."""

    url: str
    name: str
    token: str


def checked_url(url: str) -> str:
    """Return the address of an API to which a password may be sent.

    Raises:
        CommandError: it is none, or everybody on the way could read along.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CommandError(f"{url!r} is not the address of an API", EXIT_USAGE)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise CommandError("a password is sent over https only, or to this machine", EXIT_USAGE)
    return url.rstrip("/")


def call(
    url: str, name: str, *, token: str | None = None, body: dict[str, str] | None = None
) -> dict[str, Any]:
    """Post to ``/api/v1/auth/<name>`` and return the answer.

    Raises:
        CommandError: the API refused, or is not there; the message is the API's.
    """
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        answer = requests.post(
            f"{url}/api/v1/auth/{name}", json=body, headers=headers, timeout=TIMEOUT_S,
            allow_redirects=False,
        )  # fmt: skip
        document: dict[str, Any] = answer.json()
    except requests.JSONDecodeError as error:
        raise CommandError(f"{url} did not answer as the API does") from error
    except requests.RequestException as error:
        raise CommandError(f"no API answers at {url}: {type(error).__name__}") from error
    if answer.status_code != 200:
        raise CommandError(str(document.get("detail") or document.get("title")))
    return document


def path_of_session() -> Path:
    """Return where the session is kept: in the user's folder of configuration."""
    return Path(click.get_app_dir("media-gateway")) / FILE


def save(kept: Kept) -> Path:
    """Keep a session in a file that only its owner can read; return its path."""
    path = path_of_session()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        json.dump(kept._asdict(), file)
    fresh.replace(path)
    return path


def load() -> Kept:
    """Return the session that is kept.

    Raises:
        CommandError: there is none, or others can read it.
    """
    path = path_of_session()
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise CommandError(f"others can read {path}: log out everywhere, and log in again")
        return Kept(**json.loads(path.read_text()))
    except FileNotFoundError:
        raise CommandError("nobody is logged in: media-gateway operator login NAME") from None
    except (ValueError, TypeError) as error:
        raise CommandError(f"{path} holds no session: log in again") from error


def forget() -> None:
    """Remove the session that is kept."""
    path_of_session().unlink(missing_ok=True)
