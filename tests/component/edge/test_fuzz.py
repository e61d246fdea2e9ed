"""The fuzzer against a real server on fakes: a fixed seed, and that it finds what it looks for."""

import time

from cli.bench.fuzz.inputs import Inputs
from cli.bench.fuzz.run import described, judge, server_errors
from cli.bench.fuzz.sending import CLOSED, Failure, Fuzzer, Tally
from cli.bench.kafka import BenchError
from cli.demo.http_client import HttpClient
from tests.support.served_fakes import PLENTY, serving

REQUESTS = 20_000
SEED = 20_261_126
DOCUMENT = {
    "paths": {
        "/api/v1/progress": {
            "post": {
                "requestBody": {"content": {"application/json": {"example": {"event_id": "e"}}}}
            }
        },
        "/api/v1/content/{content_id}": {"get": {"parameters": [{"name": "limit", "in": "query"}]}},
    }
}
NOW_S = 1_767_300_000


async def counted(client):
    return server_errors((await client.request("GET", "/metrics")).body.decode())


async def test_input_of_every_kind_makes_no_500_and_is_answered(tmp_path):
    many = {**PLENTY, "MEDIA_GATEWAY_LOG_LEVEL": "ERROR"}
    with serving(tmp_path, **many) as served:
        async with HttpClient(served.url) as client:
            document = (await client.request("GET", "/openapi.json")).json()
            inputs = Inputs(document, SEED, int(time.time()), [served.authorization])
            fuzzer = Fuzzer(inputs, ("127.0.0.1", served.port))
            tally = await fuzzer.run(0, REQUESTS, 600, lambda count: None)
            assert [described(item, SEED) for item in tally.failures] == []
            assert await counted(client) == 0
        assert served.log.read_text() == ""  # neither an error nor a warning of Python
    assert tally.requests == REQUESTS
    assert {200, 202, 400, 401, 404, 405, 413, 415} <= set(tally.statuses)
    assert tally.statuses[CLOSED] < REQUESTS / 20
    assert tally.statuses[200] > REQUESTS / 20


def test_the_same_seed_makes_the_same_requests():
    first, second = (Inputs(DOCUMENT, 7, NOW_S) for _ in range(2))
    made = [first.make(number) for number in range(300)]
    assert [second.make(number) for number in reversed(range(300))] == made[::-1]
    assert Inputs(DOCUMENT, 8, NOW_S).make(0) != made[0]
    assert {item.whole for item in made} == {True, False}
    assert len({item.sent for item in made}) > 290


async def run_against(answer, requests=40):
    """Fuzz a server that gives one answer to everything."""
    import asyncio

    async def serve(reader, writer):
        while not reader.at_eof():
            try:
                await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                break
            if answer is not None:
                writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**22)
    async with server:
        address = server.sockets[0].getsockname()[:2]
        fuzzer = Fuzzer(Inputs(DOCUMENT, 1, NOW_S), address, hang_s=0.2)
        return await fuzzer.run(0, requests, 60, lambda count: None)


async def test_a_500_is_found_and_said_with_how_to_see_it_again():
    tally = await run_against(b"HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n")
    assert tally.failures
    text = described(tally.failures[0], 1)
    assert text.startswith("status 500: b")
    assert f"--seed 1 --first {tally.failures[0].number} --requests 1" in text


async def test_a_request_without_an_answer_is_found():
    tally = await run_against(None)
    assert {item.reason for item in tally.failures} == {"no answer"}


def test_an_error_that_only_the_server_saw_is_found():
    page = (
        'mg_api_requests_total{method="GET",route="/x",status="500"} 2.0\n'
        'mg_api_requests_total{method="GET",route="/x",status="503"} 9.0\n'
        'mg_api_requests_total{method="GET",route="/x",status="200"} 9.0\n'
    )
    assert server_errors(page) == 2
    for tally, errors in ((Tally(), 2.0), (Tally(failures=[Failure(1, b"x", "y")]), 0.0)):
        try:
            judge(tally, errors, 1)
        except BenchError:
            continue
        raise AssertionError("judged to be good")
    judge(Tally(), 0.0, 1)
