"""Every endpoint x every kind of caller x own and other subject: who gets in, and what leaks."""

import copy
import datetime

import orjson
import pytest

from api.routes import ENDPOINTS
from infra.postgres.slates import ServedSlate
from infra.postgres.viewers import Viewer
from infra.postgres.webhook_deliveries import Delivery
from infra.postgres.webhook_refusals import Refusal, RefusalCount
from schemas.api import recommendations_of
from schemas.codec import encode
from schemas.slate import Slate, SlateEntry
from tests.component.api.fakes import NOW_MS, a_content, a_letter, a_partner, a_state
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
from tests.component.api.partner_fakes import SeenDelivery

SECRET = b"s" * 32
USER_MARKS = {OWN_USER: "canary-of-user-1", OTHER_USER: "canary-of-user-2"}
PARTNER_MARKS = {OWN_PARTNER: "canary-of-acme", OTHER_PARTNER: "canary-of-globex"}
CANARY = USER_MARKS | PARTNER_MARKS
NOW = datetime.datetime.fromtimestamp(NOW_MS / 1000, datetime.UTC)


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
    database.add_content(a_content("film-1"))
    for number, (partner, mark) in enumerate(PARTNER_MARKS.items()):
        database.partners[partner] = a_partner(SECRET, partner=partner)
        add_deliveries(database, partner, mark)
        letter = {"partner": partner, "webhook_id": mark, "event_id": mark, "detail": mark}
        value = orjson.dumps({"payload": {"title": mark}})
        database.dead_letters.append(a_letter(17 + number, value, **letter))
    for user_id, mark in USER_MARKS.items():
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


def add_deliveries(database, partner, mark):
    """Give a partner a delivery that was taken and one that was refused."""
    taken = Delivery(partner, mark, b"", mark, "content_added", NOW, NOW)
    database.deliveries[partner, mark] = SeenDelivery(taken, accepted=True)
    database.refusals.append(Refusal(partner, mark, "not-json", mark, NOW))
    database.refusal_counts.append(RefusalCount(partner, NOW, "not-json", 1, NOW, mark))


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
    if not (row.of_everybody and response.status_code == 200):
        own = {subject, caller.partner}
        others = [mark for owner, mark in CANARY.items() if owner not in own]
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
    for user_id, mark in USER_MARKS.items():
        for path in ("recommendations", "history", "continue-watching"):
            found = client.get(f"/api/v1/users/{user_id}/{path}", headers=app_headers)
            assert mark in found.text
    for partner, mark in PARTNER_MARKS.items():
        key = inhabited.database.add_key(partner=partner)
        headers = {"Authorization": f"Bearer {key}"}
        for path in ("deliveries", "dead-letters"):
            answer = client.get(f"/api/v1/partners/me/{path}", headers=headers).json()
            lists = [rows for rows in answer.values() if isinstance(rows, list)]
            assert lists
            for rows in lists:
                assert [mark in orjson.dumps(row).decode() for row in rows] == [True]


def test_a_leak_between_partners_would_be_found(inhabited, client, monkeypatch):
    from api.partners import dead_letters

    endpoint = next(each for each in ENDPOINTS if each.name == "get_own_dead_letters")
    caller = next(each for each in CALLERS if each.name == "partner")
    real = dead_letters.services_of

    class Leaky:
        def __init__(self, store):
            self.fetch_of_partner = lambda _, limit, after: store.fetch_of_partner(
                OTHER_PARTNER, limit, after
            )

    class Services:
        def __init__(self, request):
            self.dead_letters = Leaky(real(request).dead_letters)

    monkeypatch.setattr(dead_letters, "services_of", Services)
    with pytest.raises(AssertionError):
        test_only_who_may_gets_in_and_nothing_leaks(inhabited, client, endpoint, caller, None)
