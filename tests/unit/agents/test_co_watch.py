"""The co-watch agent: histories in, changed neighbour rows and tombstones out."""

import pickle
from dataclasses import replace
from typing import Any

import pytest

from agents.co_watch import SPEC, CoWatchFitter
from agents.rows import canonical_neighbours
from agents.spec import Emit, Record
from infra.settings import Settings
from schemas.codec import decode, encode
from schemas.neighbours import Neighbours
from schemas.watch_state import WatchState
from topics.catalog import NEIGHBOURS, TOGETHER, WATCH_STATES
from topics.spec import TopicSpec

SETTINGS = Settings(cowatch_lambda=0.5, cowatch_titles_max=50, neighbours_max=3)


def seen(user: str, content: str, offset: int, partition: int = 0, **fields: Any) -> Record:
    state = WatchState.model_validate(
        {
            "user_id": user, "content_id": content, "epoch": 0, "completions": 1,
            "completed": True, "watched_s": 90, "position_s": 0, "duration_s": 100,
            "progress": 1.0, "resumable": False, "started_at_ms": 0, "updated_at_ms": 0,
            "source_offset": offset,
        }
        | fields
    )  # fmt: skip
    key = WATCH_STATES.key_of(state)
    return Record(WATCH_STATES.name, partition, offset, 0, key, encode(state))


def erased(user: str, content: str, offset: int, partition: int = 0) -> Record:
    key = f"{user}|{content}".encode()
    return Record(WATCH_STATES.name, partition, offset, 0, key, None)


def run(fitter: CoWatchFitter) -> list[Emit]:
    """One fit as the runtime does it: everything crosses a process boundary."""
    function, arguments = pickle.loads(pickle.dumps(fitter.job()))
    return fitter.on_fitted(pickle.loads(pickle.dumps(function(*arguments))))


RECORDS = [
    seen("u1", "a", 0), seen("u1", "b", 1), seen("u2", "a", 2), seen("u2", "b", 3),
    seen("u3", "a", 0, 1), seen("u3", "c", 1, 1), seen("u4", "c", 2, 1), seen("u4", "d", 3, 1),
]  # fmt: skip


def values(emits: list[Emit], topic: TopicSpec) -> dict[str, bytes | None]:
    """The rows of one topic by title."""
    return {emit.key.decode(): emit.value for emit in emits if emit.topic == topic}


@pytest.mark.parametrize("topic", [NEIGHBOURS, TOGETHER])
def test_rows_are_valid_versioned_and_without_themselves(topic: TopicSpec) -> None:
    fitter = CoWatchFitter(SETTINGS)
    assert not fitter.changed()
    fitter.on_replica(WATCH_STATES, RECORDS)
    assert fitter.changed()
    emits = run(fitter)
    assert not fitter.changed()
    assert {emit.partition for emit in emits} == {None}
    rows = {}
    for content_id, value in values(emits, topic).items():
        row = rows[content_id] = decode(Neighbours, value)
        assert encode(row) == value
        assert content_id == row.content_id
    assert set(rows) == {"a", "b", "c", "d"}
    assert rows["b"].neighbours[0].content_id == "a"
    assert {row.model_version for row in rows.values()} == {8}
    assert all(name not in [n.content_id for n in row.neighbours] for name, row in rows.items())


def test_what_was_seen_of_a_title_without_liking_it_counts_together_only() -> None:
    fitter = CoWatchFitter(SETTINGS)
    fitter.on_replica(WATCH_STATES, [*RECORDS, seen("u4", "b", 4, 1, completed=False,
                                                    completions=0, progress=0.1)])  # fmt: skip
    emits = run(fitter)
    liked, chosen = (
        {n.content_id: n.weight for n in decode(Neighbours, values(emits, topic)["b"]).neighbours}
        for topic in (NEIGHBOURS, TOGETHER)
    )
    assert liked["d"] == pytest.approx(0.213333)  # only through a and c
    assert chosen["d"] == pytest.approx(0.35461)  # and one of the three who chose b chose d


def test_nothing_new_emits_nothing() -> None:
    fitter = CoWatchFitter(SETTINGS)
    fitter.on_replica(WATCH_STATES, RECORDS)
    run(fitter)
    fitter.on_replica(WATCH_STATES, RECORDS)
    assert fitter.changed()
    assert run(fitter) == []


@pytest.mark.parametrize("topic", [NEIGHBOURS, TOGETHER])
def test_erasure_leaves_the_model_of_the_others(topic: TopicSpec) -> None:
    fitter = CoWatchFitter(SETTINGS)
    fitter.on_replica(WATCH_STATES, RECORDS)
    run(fitter)
    fitter.on_replica(WATCH_STATES, [erased("u4", "c", 4, 1), erased("u4", "d", 5, 1)])
    emits = values(run(fitter), topic)
    assert emits["d"] is None
    others = CoWatchFitter(SETTINGS)
    others.on_replica(WATCH_STATES, RECORDS[:6])
    fresh = values(run(others), topic)
    for content, value in emits.items():
        if value is not None:
            assert canonical_neighbours(value) == canonical_neighbours(fresh[content])


def test_above_the_dense_limit_every_title_has_rows_in_both_tables(caplog) -> None:
    caplog.set_level("INFO")
    fitter = CoWatchFitter(replace(SETTINGS, cowatch_titles_max=2))
    fitter.on_replica(WATCH_STATES, RECORDS)
    emits = run(fitter)
    for topic in (NEIGHBOURS, TOGETHER):
        rows = {title: decode(Neighbours, value) for title, value in values(emits, topic).items()}
        assert {title: {each.content_id for each in row.neighbours} for title, row in rows.items()}\
            == {"a": {"b", "c"}, "b": {"a"}, "c": {"a", "d"}, "d": {"c"}}  # fmt: skip
    assert "EASE of 0 titles out of 4 is solved" in caplog.text


def test_titles_whose_pairs_exceed_the_limit_are_named_in_the_log(caplog) -> None:
    pairs_max = 2  # c with itself and with a; the first titles, a and b, are held dense
    fitter = CoWatchFitter(replace(SETTINGS, cowatch_titles_max=2, cowatch_pairs_max=pairs_max))
    fitter.on_replica(WATCH_STATES, RECORDS)
    emits = run(fitter)
    assert set(values(emits, NEIGHBOURS)) == {"a", "b", "c"}
    assert set(values(emits, TOGETHER)) == {"a", "b", "c"}
    for table in ("liked", "chosen"):
        said = f"pairs of {table} titles exceed 2: EASE takes the 3 titles with most viewers of 4"
        assert said in caplog.text


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_jobs_renew_what_is_there_and_fit_all_from_time_to_time() -> None:
    clock = Clock()
    fitter = CoWatchFitter(replace(SETTINGS, cowatch_refit_s=300.0), clock)
    many = [seen(f"v{number}", f"c{number % 10}", 10 + number) for number in range(100)]
    fitter.on_replica(WATCH_STATES, [*RECORDS, *many])
    kinds = []
    for _ in range(8):
        kinds.append(fitter.job()[1][-1] is None)
        fitter.on_replica(WATCH_STATES, [RECORDS[0]])
        run(fitter)
        fitter.on_replica(WATCH_STATES, [RECORDS[0]])
        clock.now_s += 100.0
    assert kinds == [True, False, False, True, False, False, True, False]


def test_renewed_rows_hold_what_is_new_and_end_as_those_of_a_fit() -> None:
    many = [seen(f"v{number}", f"c{number % 10}", 10 + number) for number in range(100)]
    new = [seen(f"v{number}", "z", 200 + number) for number in range(0, 100, 10)]
    fitter, other = CoWatchFitter(SETTINGS), CoWatchFitter(SETTINGS)
    fitter.on_replica(WATCH_STATES, [*RECORDS, *many])
    run(fitter)
    fitter.on_replica(WATCH_STATES, new)
    renewed = values(run(fitter), NEIGHBOURS)
    assert set(renewed) == {"c0"}  # whose viewers all liked z; nobody's row but theirs changed
    assert decode(Neighbours, renewed["c0"]).neighbours[0].content_id == "z"
    assert fitter.changed()  # now that nothing arrives, all are fitted
    last = values(run(fitter), NEIGHBOURS)
    assert not fitter.changed()
    other.on_replica(WATCH_STATES, [*RECORDS, *many, *new])
    whole = values(run(other), NEIGHBOURS)
    for title, value in whole.items():
        assert canonical_neighbours(value) == canonical_neighbours(
            last.get(title) or renewed.get(title) or value
        )
    assert "z" in last


def test_own_records_that_are_read_back_late_do_not_matter() -> None:
    many = [seen(f"v{number}", f"c{number % 10}", 10 + number) for number in range(100)]
    fitter = CoWatchFitter(SETTINGS)
    sent: list[Emit] = []
    fitter.on_replica(WATCH_STATES, [*RECORDS, *many])
    sent += run(fitter)
    fitter.on_replica(WATCH_STATES, [erased("u4", "d", 300, 1)])
    sent += run(fitter)
    fitter.on_replica(WATCH_STATES, [seen("u4", "d", 301, 1)])
    sent += run(fitter)
    assert [emit.value is None for emit in sent if emit.key == b"d"].count(True) == 2  # both tables
    for offset, emit in enumerate(sent):
        fitter.on_replica(emit.topic, [Record(emit.topic.name, 0, offset, 0, emit.key, emit.value)])
    fitter.on_replica(WATCH_STATES, [RECORDS[0]])
    sent += run(fitter)
    sent += run(fitter)  # a whole fit
    other = CoWatchFitter(SETTINGS)
    other.on_replica(WATCH_STATES, [*RECORDS, *many, seen("u4", "d", 301, 1)])
    fresh = run(other)
    for topic in (NEIGHBOURS, TOGETHER):
        left = {title: row for title, row in values(sent, topic).items() if row is not None}
        expected = values(fresh, topic)
        assert set(left) == set(expected)
        for title, row in left.items():
            assert canonical_neighbours(row) == canonical_neighbours(expected[title])


def test_a_row_that_somebody_else_took_back_is_published_again() -> None:
    many = [seen(f"v{number}", f"c{number % 10}", 10 + number) for number in range(100)]
    fitter = CoWatchFitter(SETTINGS)
    fitter.on_replica(WATCH_STATES, [*RECORDS, *many])
    for offset, emit in enumerate(run(fitter)):
        fitter.on_replica(emit.topic, [Record(emit.topic.name, 0, offset, 0, emit.key, emit.value)])
    fitter.on_replica(NEIGHBOURS, [Record(NEIGHBOURS.name, 0, 99, 0, b"a", None)])
    fitter.on_replica(WATCH_STATES, [seen("u9", "c1", 300)])
    assert not {"a", "b"} & set(values(run(fitter), NEIGHBOURS))  # they are as they were
    assert "a" in values(run(fitter), NEIGHBOURS)  # a whole fit, which encodes every row


def test_versions_grow_with_every_job() -> None:
    fitter, versions = CoWatchFitter(SETTINGS), []
    fitter.on_replica(WATCH_STATES, RECORDS)
    for _ in range(3):
        function, arguments = fitter.job()
        versions.append(arguments[0])
        fitter.on_fitted(function(*arguments))
    assert versions == [8, 9, 10]


def test_an_erasure_while_a_job_runs_makes_the_next_one_whole() -> None:
    fitter = CoWatchFitter(SETTINGS)
    fitter.on_replica(WATCH_STATES, RECORDS)
    run(fitter)
    fitter.on_replica(WATCH_STATES, [RECORDS[0]])
    function, arguments = fitter.job()
    assert arguments[-1] is not None
    fitter.on_replica(WATCH_STATES, [erased("u4", "c", 4, 1)])
    fitter.on_fitted(function(*arguments))
    assert fitter.job()[1][-1] is None


@pytest.mark.parametrize("topic", [NEIGHBOURS, TOGETHER])
def test_a_restart_publishes_nothing_twice_and_takes_back_what_is_gone(topic: TopicSpec) -> None:
    def restarted(*last: Record) -> CoWatchFitter:
        found = CoWatchFitter(SETTINGS)
        found.on_replica(NEIGHBOURS, published[NEIGHBOURS])
        found.on_replica(TOGETHER, published[TOGETHER])
        found.on_replica(topic, last)
        assert not found.changed()
        return found

    fitter = CoWatchFitter(SETTINGS)
    fitter.on_replica(WATCH_STATES, RECORDS)
    published = {NEIGHBOURS: [], TOGETHER: []}
    for offset, emit in enumerate(run(fitter)):
        record = Record(emit.topic.name, 0, offset, 0, emit.key, emit.value)
        published[emit.topic].append(record)
    again = restarted()
    again.on_replica(WATCH_STATES, RECORDS)
    assert run(again) == []
    later = restarted(published[topic][0]._replace(value=None))
    later.on_replica(WATCH_STATES, RECORDS[:6])
    emits = values(run(later), topic)
    assert emits["d"] is None
    assert emits["a"] is not None


def test_order_across_partitions_does_not_change_the_bytes() -> None:
    one, other = CoWatchFitter(SETTINGS), CoWatchFitter(SETTINGS)
    one.on_replica(WATCH_STATES, RECORDS)
    other.on_replica(WATCH_STATES, RECORDS[4:])
    other.on_replica(WATCH_STATES, RECORDS[:4])
    assert run(one) == run(other)


def test_the_agent_is_declared() -> None:
    assert SPEC.sources == (WATCH_STATES, NEIGHBOURS, TOGETHER)
    assert SPEC.emits == (NEIGHBOURS, TOGETHER)
