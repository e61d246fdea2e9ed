"""Spectral with the OWASP rules finds nothing in the document that a live server answers."""

import json
import re
import urllib.request

import pytest

from api.openapi import document
from tests.support import spectral

RULESET = spectral.FOLDER / "ruleset.yaml"


@pytest.fixture(scope="module", autouse=True)
def installed():
    spectral.install()


def test_nothing_is_found_in_the_served_document(shared_stack, tmp_path):
    with urllib.request.urlopen(f"{shared_stack.url}/openapi.json", timeout=30) as answer:
        assert spectral.lint(json.load(answer), tmp_path) == []


def operation(described):
    return described["paths"]["/api/v1/progress"]["post"]


def test_operations_without_credentials_limits_and_errors_are_found(tmp_path):
    broken = document()
    operation(broken)["security"] = []
    operation(broken)["responses"].pop("401")
    broken["servers"][0]["url"] = "http://plain.localhost"
    report = broken["components"]["schemas"]["ProgressReport"]["properties"]
    del report["event_id"]["maxLength"]
    broken["components"]["schemas"]["Feed"]["properties"]["rows"].pop("maxItems")
    found = {line.partition(" ")[0] for line in spectral.lint(broken, tmp_path)}
    assert found >= {
        "owasp:api2:2023-write-restricted",
        "owasp:api4:2023-string-limit",
        "owasp:api4:2023-array-limit",
        "owasp:api8:2023-define-error-responses-401",
        "owasp:api8:2023-no-server-http",
    }


def test_every_rule_that_is_off_has_a_reason():
    assert unexplained(RULESET.read_text()) == []


def test_a_rule_that_is_off_without_a_reason_is_found():
    assert unexplained("rules:\n  # Because.\n  a: off\n  b: off\n\n  c: off\n") == ["c"]


def unexplained(text):
    """Return the rules switched off in a paragraph that has no comment."""
    return [
        rule
        for paragraph in text.split("\n\n")
        if "#" not in paragraph
        for rule in re.findall(r"^\s+([a-z0-9:-]+): off", paragraph, re.MULTILINE)
    ]
