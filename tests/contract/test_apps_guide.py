"""docs/apps.md says what is: its calls are calls of the API, its tables name all there is."""

import json
import re
from pathlib import Path

import pytest

from api.problems import KINDS
from api.routes import ENDPOINTS
from infra.security import tokens
from infra.security.keys import SCOPES

GUIDE = (Path(__file__).resolve().parents[2] / "docs/apps.md").read_text()
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)).replace("\\\n", " ")
CALL = re.compile(r"curl -sS (?:-X (?P<method>[A-Z]+) )?.*?\$API(?P<path>/[^\s\"?]+)")
BODY = re.compile(r"-d '(?P<body>\{.*?\})'", re.DOTALL)


def calls(text):
    """Yield method, path and body (None without one) of each curl of a shell text."""
    for part in re.split(r"(?=^curl )", text, flags=re.MULTILINE):
        found = CALL.search(part)
        if found:
            body = BODY.search(part)
            document = None if body is None else json.loads(body["body"])
            yield found["method"] or "GET", found["path"], document


def endpoint_of(method, path):
    for endpoint in ENDPOINTS:
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(endpoint.path))
        if endpoint.method == method and re.fullmatch(pattern, path):
            return endpoint
    return None


def test_every_call_of_the_guide_is_one_of_the_api():
    found = list(calls(SHELL))
    assert len(found) == 3
    for method, path, body in found:
        endpoint = endpoint_of(method, path)
        assert endpoint is not None, (method, path)
        if body is not None:
            endpoint.body.model.model_validate_json(json.dumps(body), strict=True, extra="forbid")


def test_a_call_that_is_none_would_be_found():
    text = "curl -sS -X POST $API/api/v1/nothing -d '{\"a\": 1}'\n"
    assert list(calls(text)) == [("POST", "/api/v1/nothing", {"a": 1})]
    assert endpoint_of("POST", "/api/v1/nothing") is None
    assert endpoint_of("GET", "/api/v1/users/u/recommendations") is not None


def test_every_status_is_explained():
    explained = set(map(int, re.findall(r"^\| (\d{3}) \|", GUIDE, re.MULTILINE)))
    answered = {answer.status for endpoint in ENDPOINTS for answer in endpoint.answers}
    missing = answered | {kind.status for kind in KINDS}
    assert missing - explained == set()


@pytest.mark.parametrize(
    "name", [*SCOPES, *sorted(tokens.REFUSED_MEMBERS), *tokens.TOKEN_TYPES], ids=str
)
def test_every_scope_member_and_type_is_named(name):
    assert f"`{name}`" in GUIDE


def test_the_numbers_of_the_guide_are_those_of_the_code():
    assert f"{tokens.TOKEN_BYTES_MAX:,} bytes" in GUIDE
    assert f"differ by {tokens.LEEWAY_S} s" in GUIDE
    assert f"up to {tokens.TEXT_LENGTH_MAX} characters" in GUIDE
    assert f"at most {tokens.AUDIENCES_MAX} |" in GUIDE
