"""Every request has an answer in time; a handler that is too late is left behind."""

import asyncio
import time

import pytest
from starlette.requests import Request
from starlette.responses import Response

from api.deadline import POST_S, READ_S, answer_within, paused
from api.problems import ProblemError
from infra.postgres.pool import READY_S, is_ready
from tests.component.api.test_progress import a_report
from tests.component.api.test_webhooks import problem
from tests.support.waiting import wait_until_async

SLACK_S = 2.0


def a_request():
    return Request({"type": "http", "path": "/", "headers": []})


@pytest.mark.parametrize(
    ("method", "path", "seconds"),
    [
        ("GET", "/api/v1/users/user-1/recommendations", READ_S),
        ("GET", "/api/v1/users/user-1/history", READ_S),
        ("POST", "/api/v1/progress", POST_S),
    ],
)
def test_a_store_that_never_answers_is_503(world, client, app_headers, method, path, seconds):
    world.database.frozen = True
    began = time.monotonic()
    body = {"json": a_report()} if method == "POST" else {}
    response = client.request(method, path, headers=app_headers, **body)
    problem(response, 503, "unavailable")
    assert int(response.headers["retry-after"]) >= 1
    assert seconds <= time.monotonic() - began < seconds + SLACK_S


async def test_what_is_too_late_ends_by_itself_and_its_error_is_noted(caplog):
    release, ended = asyncio.Event(), asyncio.Event()

    async def late(_):
        try:
            await release.wait()
            raise LookupError("late")
        finally:
            ended.set()

    with pytest.raises(ProblemError) as caught:
        await answer_within(0.01, late, a_request())
    assert caught.value.kind.status == 503
    assert not ended.is_set()
    release.set()
    await wait_until_async(lambda: said(caplog, "failed: LookupError"), 5, "the error is noted")


async def said(caplog, text):
    return text in caplog.text


async def test_an_error_in_time_is_the_callers():
    async def broken(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await answer_within(5, broken, a_request())


async def test_a_cancelled_request_cancels_its_handler():
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(_):
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    outer = asyncio.ensure_future(answer_within(60, handler, a_request()))
    await asyncio.wait_for(begun.wait(), 5)
    outer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await outer
    await asyncio.wait_for(cancelled.wait(), 5)


async def test_the_time_in_which_the_body_arrives_is_not_counted():
    async def slow_body(request):
        with paused(request):
            await asyncio.sleep(0.3)
        return Response("in time")

    assert (await answer_within(0.2, slow_body, a_request())).body == b"in time"

    async def slow_afterwards(request):
        with paused(request):
            pass
        await asyncio.Event().wait()

    with pytest.raises(ProblemError):
        await answer_within(0.2, slow_afterwards, a_request())


async def test_a_frozen_database_is_not_ready():
    class FrozenPool:
        def connection(self):
            return self

        async def __aenter__(self):
            await asyncio.Event().wait()

        async def __aexit__(self, *_):
            pass

    began = time.monotonic()
    assert await is_ready(FrozenPool()) is False
    assert time.monotonic() - began < READY_S + SLACK_S
