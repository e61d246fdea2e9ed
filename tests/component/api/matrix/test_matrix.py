"""Every endpoint x every kind of caller x own and other subject: who gets in, and what leaks."""

import copy

import orjson
import pytest

from api.routes import ENDPOINTS
from infra.postgres.slates import ServedSlate
from infra.postgres.viewers import Viewer
from schemas.api import recommendations_of
from schemas.codec import encode
from schemas.slate import Slate, SlateEntry
from tests.component.api.fakes import NOW_MS, a_content, a_partner, a_state
from tests.component.api.matrix.callers import (
    CALLERS,
    OTHER_PARTNER,
    OTHER_USER,
    OWN_PARTNER,
    OWN_USER,
)
from tests.component.api.matrix.rows import (
    BY_BODY,
    EVERYBODY,
    NO_SUBJECT,
    OF_USER,
    OPERATORS,
    ROWS,
)

SECRET = b"s" * 32
CANARY = {OWN_USER: "canary-of-user-1", OTHER_USER: "canary-of-user-2"}


def subjects_of(endpoint):
    row = ROWS.get(endpoint.name)
    if row is None or row.subject == NO_SUBJECT:
        return (None,)
    return (OWN_USER, OTHER_USER) if row.subject == OF_USER else (OWN_PARTNER, OTHER_PARTNER)


CASES = [
    pytest.param(endpoint, caller, subject, id=f"{endpoint.name}-{caller.name}-{subject}")
    for endpoint in ENDPOINTS
    for caller in CALLERS
    for subject in subjects_of(endpoint)
]


@pytest.fixture
def inhabited(world):
    """A world in which everybody has data, each with a mark of its own."""
    database = world.database
    world.tokens.add_signing_key()
    for partner in (OWN_PARTNER, OTHER_PARTNER):
        database.partners[partner] = a_partner(SECRET, partner=partner)
    database.add_content(a_content("film-1"))
    for user_id, mark in CANARY.items():
        database.add_content(a_content(mark, title=mark))
        database.add_state(a_state(mark, user_id=user_id))
        slate = Slate(
            user_id=user_id, as_of_ms=NOW_MS, source_offset=7, generated_at_ms=NOW_MS,
            model_version="m", entries=(an_entry(mark),),
        )  # fmt: skip
        body = encode(recommendations_of(slate))
        database.slates[user_id] = ServedSlate(body, 7, (), 7, (), NOW_MS)
        database.viewers[user_id] = Viewer(user_id, 7, 7, (), NOW_MS)
    return world


def an_entry(content_id):
    return SlateEntry(
        content_id=content_id, score=0.5, recommendation_type="collaborative", based_on=(),
        explanation="Because", generated_at_ms=1, ttl_s=60, model_version="m",
    )  # fmt: skip


def call(client, endpoint, subject, headers):
    """Send what the documented examples of an endpoint make, about ``subject``."""
    examples = {item.name: item.example for item in endpoint.parameters if item.where == "path"}
    if subject is not None:
        examples |= {name: subject for name in ("user", "partner") if name in examples}
    url = endpoint.path.format(**examples)
    given = {
        item.name: str(item.example)
        for item in endpoint.parameters
        if item.where == "header" and item.example is not None
    }
    content = None
    if endpoint.body is not None:
        content = orjson.dumps(about(endpoint.body.example, subject))
        given["content-type"] = "application/json"
    return client.request(endpoint.method, url, content=content, headers={**given, **headers})


def about(body, subject):
    """Return the example body with its user replaced."""
    found = copy.deepcopy(body)
    for each in found if isinstance(found, list) else [found]:
        if subject is not None and "user_id" in each:
            each["user_id"] = subject
    return found


def expected(row, caller, subject):
    """Return "in", 401 or 403, from the hand-written row alone."""
    if row.allowed == EVERYBODY:
        return "in"
    if not caller.valid or (caller.kind in OPERATORS) is not row.allowed.issubset(OPERATORS):
        return 401  # a key is no session, and a session is no key
    if caller.kind not in row.allowed or not caller.scoped:
        return 403
    bound = caller.user if row.subject == OF_USER else caller.partner
    return "in" if subject is None or bound is None or bound == subject else 403


def slug_of(response):
    """Return the kind of problem that an answer is, None if it is none."""
    if response.headers.get("content-type") != "application/problem+json":
        return None
    return response.json()["type"].rpartition(":")[2]


def test_every_endpoint_has_a_row_and_every_row_an_endpoint():
    assert sorted(ROWS) == sorted(endpoint.name for endpoint in ENDPOINTS)


@pytest.mark.parametrize(("endpoint", "caller", "subject"), CASES)
def test_only_who_may_gets_in_and_nothing_leaks(inhabited, client, endpoint, caller, subject):
    row = ROWS[endpoint.name]
    response = call(client, endpoint, subject, caller.headers(inhabited))
    assert response.status_code < 500
    if endpoint.name in BY_BODY:
        assert response.status_code == 401
    elif expected(row, caller, subject) == "in":
        refusals = {"unauthenticated", "forbidden", "recent-code-required", "bad-signature"}
        assert slug_of(response) not in refusals, response.text
    else:
        assert response.status_code == expected(row, caller, subject), response.text
        assert inhabited.producer.sent == []
    others = [mark for owner, mark in CANARY.items() if owner != subject]
    assert not any(mark in response.text for mark in others)
    if response.status_code in (401, 403):
        assert not any(mark in response.text for mark in CANARY.values())


def test_a_refusal_is_the_same_whether_the_subject_exists_or_not(inhabited, client):
    bound = {"Authorization": f"Bearer {inhabited.database.add_key(user_id=OWN_USER)}"}
    for endpoint in ENDPOINTS:
        if ROWS[endpoint.name].subject == OF_USER:
            known, unknown = (
                call(client, endpoint, user, bound) for user in (OTHER_USER, "user-nobody")
            )
            texts = [
                {key: value for key, value in answer.json().items() if key != "instance"}
                for answer in (known, unknown)
            ]
            assert (known.status_code, texts[0]) == (unknown.status_code, texts[1])


def test_the_marks_are_really_there_to_leak(inhabited, client, app_headers):
    for user_id, mark in CANARY.items():
        for path in ("recommendations", "history", "continue-watching"):
            found = client.get(f"/api/v1/users/{user_id}/{path}", headers=app_headers)
            assert mark in found.text
