"""Every answer of the component tests is compared with the document; a wrong one is noticed."""

import ast
import copy

import pytest

from api import problems
from api.contract.answers import shared_name
from api.contract.headers import Case
from api.openapi import document
from api.problems import MALFORMED
from tests.architecture.rules.files import sources
from tests.component.api.test_reads import a_slate
from tests.support.described import Described, DescribedClient, undescribed

READ = "/api/v1/users/user-1/recommendations"


@pytest.fixture
def answer(client, world, get):
    world.database.slates["user-1"] = a_slate("film-1")
    return get(READ)


def found_with(answer, change, path=READ, method="GET"):
    """Return what is found when the document is changed."""
    changed = copy.deepcopy(document())
    change(changed)
    return undescribed(method, path, answer, Described(changed))


def test_the_client_of_component_tests_is_the_one_that_compares(client):
    assert isinstance(client, DescribedClient)


def test_a_documented_answer_passes(answer):
    assert found_with(answer, lambda changed: None) == []


def test_an_undocumented_status_is_found(answer):
    def change(changed):
        del changed["paths"]["/api/v1/users/{user}/recommendations"]["get"]["responses"]["200"]

    assert found_with(answer, change)[0].startswith("status 200")


def test_an_undocumented_field_is_found(answer):
    def change(changed):
        del changed["components"]["schemas"]["SlateEntry"]["properties"]["ttl_s"]

    assert "ttl_s" in found_with(answer, change)[0]


def test_a_value_out_of_its_limits_is_found(answer):
    def change(changed):
        entry = changed["components"]["schemas"]["SlateEntry"]["properties"]
        entry["ttl_s"]["maximum"] = 1

    assert "maximum of 1" in found_with(answer, change)[0]


def test_a_missing_and_a_wrong_header_are_found(answer):
    def headers(changed):
        operation = changed["paths"]["/api/v1/users/{user}/recommendations"]["get"]
        return operation["responses"]["200"]["headers"]

    def missing(changed):
        headers(changed)["X-Missing"] = {"required": True, "schema": {"type": "string"}}

    def wrong(changed):
        headers(changed)["X-Request-Id"]["schema"]["pattern"] = "^z"

    assert found_with(answer, missing) == ["header X-Missing is missing"]
    assert found_with(answer, wrong)[0].startswith("header X-Request-Id")


def test_another_media_type_is_found(answer):
    def change(changed):
        operation = changed["paths"]["/api/v1/users/{user}/recommendations"]["get"]
        content = operation["responses"]["200"]["content"]
        content["text/html"] = content.pop("application/json")

    assert found_with(answer, change) == ["media type 'application/json'"]


def test_a_problem_that_the_operation_does_not_declare_is_found(get):
    refused = get(READ, limit="no number")

    def change(changed):
        shared = changed["components"]["responses"][
            shared_name(Case(400, (problems.INVALID, MALFORMED), True))
        ]
        parts = shared["content"][problems.CONTENT_TYPE]["schema"]["allOf"]
        parts[1]["properties"]["type"]["enum"] = [MALFORMED.type]

    assert found_with(refused, lambda changed: None) == []
    assert "is not one of" in found_with(refused, change)[0]


def test_an_operation_that_is_not_documented_is_found(answer):
    def change(changed):
        del changed["paths"]["/api/v1/users/{user}/recommendations"]

    assert "status 200 without an operation" in found_with(answer, change)


def test_unknown_paths_and_methods_are_answered_as_documented(client):
    assert client.get("/nowhere").status_code == 404
    refused = client.request("PATCH", READ)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_no_component_test_goes_around_the_comparison():
    found = [source.path for source in sources(("tests/component/api",)) if bare_client(source)]
    assert found == []


def bare_client(source):
    """Whether a module makes a test client that compares nothing."""
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "TestClient"
        for node in ast.walk(source.tree)
    )
