"""The open-loop load generator: due times do not depend on answers, probes wait for inclusion."""

import asyncio
import time
from itertools import pairwise

import orjson
import pytest

from cli.bench.load import LoadGenerator, LoadOptions, as_report, requests_of
from cli.demo.http_client import Response
from schemas.api import ProgressReport
from schemas.progress import PROGRESS_BATCH_MAX


def options(**changes):
    values = {
        "base_url": "http://127.0.0.1:1", "api_key": "k", "rate": 400.0, "batch": 10,
        "warmup_s": 0.1, "seconds": 0.4, "probes": 20.0, "probe_poll_ms": 1.0, "viewers": 400,
        "watching": 200, "titles": 50, **changes,
    }  # fmt: skip
    return LoadOptions(**values)


def test_requests_are_due_at_fixed_distances():
    requests = list(requests_of(options(), begin_s=100.0))
    assert len(requests) == 20
    assert [request.due_s for request in requests] == pytest.approx(
        [100.0 + number * 0.025 for number in range(20)]
    )
    assert [request.measured for request in requests[:6]] == [False] * 4 + [True] * 2
    assert all(len(request.events) == 10 for request in requests)


def test_probes_are_events_that_begin_a_title_and_keep_their_rate():
    requests = list(requests_of(options(seconds=2.0), begin_s=0.0))
    probed = [request for request in requests if request.probe]
    assert probed
    assert all(request.probe.played_from_s == 0.0 for request in probed)
    gaps = [after.due_s - before.due_s for before, after in pairwise(probed)]
    assert min(gaps) >= 1 / 20.0 - 1e-9


def test_a_title_that_a_viewer_begins_again_is_no_probe():
    small = options(seconds=8.0, viewers=12, watching=6, titles=4)
    begun, again, probed = set(), 0, 0
    for request in requests_of(small, begin_s=0.0):
        if request.probe is not None:
            assert (request.probe.user_id, request.probe.content_id) not in begun
            probed += 1
        for event in request.events:
            again += event.played_from_s == 0.0 and (event.user_id, event.content_id) in begun
            begun.add((event.user_id, event.content_id))
    assert probed > 5
    assert again > 5


def test_a_report_is_what_the_api_takes():
    for request in requests_of(options(), begin_s=0.0):
        for event in request.events:
            body = orjson.dumps(as_report(event))
            ProgressReport.model_validate_json(body)
    assert options().batch <= PROGRESS_BATCH_MAX


class StubGateway:
    """Answers 202 at once, and includes an event ``delay_s`` after it was posted."""

    def __init__(self, delay_s, stall_s=0.0):
        self.delay_s = delay_s
        self.stall_s = stall_s
        self.posted = {}
        self.started = []

    async def request(self, method, path, *, headers, body=b""):
        assert headers["Authorization"] == "Bearer k"
        now = time.perf_counter()
        if method == "POST":
            self.started.append(now)
            if self.stall_s:
                await asyncio.sleep(self.stall_s)
            events = orjson.loads(body)
            self.posted |= {event["event_id"]: time.perf_counter() for event in events}
            results = [{"event_id": each["event_id"], "status": "accepted"} for each in events]
            return Response(202, {}, orjson.dumps({"results": results}))
        _, _, event_id = path.partition("after_event=")
        included = event_id in self.posted and now - self.posted[event_id] >= self.delay_s
        answer = {
            "after_event": {"event_id": event_id, "included": included}, "cold_start": not included,
            "generated_at_ms": 2 if included else 1, "as_of": "x",
        }  # fmt: skip
        return Response(200, {}, orjson.dumps(answer))


async def test_freshness_is_measured_from_the_answer_to_the_changed_slate():
    gateway = StubGateway(delay_s=0.05)
    result = await LoadGenerator(options(), gateway).run()
    assert result.sent == result.accepted == 200
    assert result.fresh_ms
    assert min(result.fresh_ms) >= 49
    assert result.probes_timed_out == 0
    assert result.failed == result.refused == 0


async def test_a_stalled_gateway_does_not_slow_the_generator_down():
    gateway = StubGateway(delay_s=0.0, stall_s=0.2)
    result = await LoadGenerator(options(probes=0.0), gateway).run()
    assert result.accepted == 200
    # 20 requests one after the other at 0.2 s each would take 4 s; they were due within 0.5 s.
    assert gateway.started[-1] - gateway.started[0] < 2.0
    assert min(result.answer_ms) >= 199
