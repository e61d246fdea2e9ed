import sys

from hypothesis import given
from hypothesis import strategies as st

from domain.watch import ledger as ledger_module
from domain.watch import outcomes, record
from domain.watch.ledger import TITLES_MAX, UserLedger
from domain.watch.reports import fingerprint
from tests.unit.domain.watch.builders import DAY_MS, an_event, histories, ledger_of, model


def in_batches(events, sizes):
    """Apply events, sealing after each batch; batch sizes are taken in turn."""
    ledger, place = UserLedger(None), 0
    while place < len(events):
        size = sizes[place % len(sizes)]
        for event in events[place : place + size]:
            outcomes.apply(ledger, model(event), 180)
        ledger = UserLedger(ledger.seal())
        place += size
    return ledger


@given(
    histories(40),
    st.randoms(use_true_random=False),
    st.lists(st.integers(1, 7), min_size=1, max_size=5),
)
def test_order_repetition_and_batches_give_the_same_body(events, random, sizes):
    expected = in_batches(events, [1]).body()
    shuffled = [*events, *random.sample(events, len(events) // 2)]
    random.shuffle(shuffled)
    assert in_batches(shuffled, sizes).body() == expected
    assert in_batches(events, [len(events)]).body() == expected


@given(st.lists(st.integers(0, 300), min_size=1, max_size=60))
def test_titles_are_found_whatever_their_neighbours(numbers):
    ledger = UserLedger(None)
    for number in numbers:
        event = model(an_event(content_id=f"m{number}", position_s=number + 1))
        outcomes.apply(ledger, event, 180)
        ledger = UserLedger(ledger.seal())
    assert ledger.content_ids() == sorted({f"m{number}" for number in numbers})
    for number in numbers:
        (session,) = ledger.peek(f"m{number}").sessions.values()
        assert session.first[1] == 1000 * (number + 1)
    assert ledger.peek("m").is_empty()
    assert ledger.peek("m301").is_empty()


def test_envelope_survives():
    ledger = UserLedger(None)
    outcomes.apply(ledger, model(an_event(position_s=60)), 180)
    ledger.applied_offset, ledger.interaction_offset = 10**12, 10**12 - 5
    again = UserLedger(ledger.seal())
    for name in ("applied_offset", "interaction_offset", "newest_at", "open_day", "recent"):
        assert getattr(again, name) == getattr(ledger, name)
    assert again.recent == fingerprint(an_event(position_s=60)["event_id"])
    assert UserLedger(None).applied_offset == UserLedger(None).interaction_offset == -1


def test_only_the_newest_arrivals_are_remembered():
    ledger = UserLedger(None)
    marks = [fingerprint(f"e{n}") for n in range(10)]
    assert all(ledger.remember(mark) for mark in marks)
    assert not ledger.remember(marks[9])
    assert ledger.recent == b"".join(marks[2:])
    assert ledger.remember(marks[0]), "left the ring"


def test_a_mark_is_only_found_whole():
    ledger = UserLedger(None)
    ledger.remember(b"abcdef")
    ledger.remember(b"ghijkl")
    assert ledger.remember(b"defghi")
    assert not ledger.remember(b"ghijkl")


def test_a_title_of_which_nothing_is_known_takes_no_room():
    ledger, _ = ledger_of(an_event(state="seeking"))
    assert ledger.body() == b""
    assert ledger.content_ids() == []


def test_titles_longest_untouched_leave_beyond_the_bound():
    ledger = UserLedger(None)
    for n in range(TITLES_MAX + 1):
        outcomes.apply(ledger, model(an_event(content_id=f"m{n}", at_s=n, position_s=60)), 180)
    ledger = UserLedger(ledger.seal())
    ids = ledger.content_ids()
    assert len(ids) == TITLES_MAX * 9 // 10
    assert f"m{TITLES_MAX}" in ids
    assert "m0" not in ids


def test_bytes_are_bounded():
    ledger = UserLedger(None)
    for n in range(400):
        title = ledger.title(f"m{n}")
        event = an_event(content_id=f"m{n}", at_s=n, position_s=60)
        outcomes.apply(ledger, model(event), 180)
        (session,) = title.sessions.values()
        session.intervals = list(range(500))
    value = ledger.seal()
    assert len(value) < ledger_module.LEDGER_BYTES_MAX
    assert "m399" in UserLedger(value).content_ids()


def bytes_per_user(titles: int, claims: bool) -> float:
    """Memory of one user in a table: value, key and dictionary entry, for a history of ``titles``.

    Each title was watched in one go and reported every minute, by range or by position only.
    """
    ledger = UserLedger(None)
    for n in range(titles):
        for minute in range(1, 91, 15):
            event = an_event(
                event_id=f"e{n}-{minute}", content_id=f"tt{n * 7919:07d}", session_id=f"s{n}",
                at_s=n * DAY_MS / 1000 + 60 * minute, position_s=60 * minute, duration_s=5400,
            )  # fmt: skip
            if claims:
                event |= {"played_from_s": 0, "played_to_s": 60 * minute}
            outcomes.apply(ledger, model(event), 180)
    entry_bytes = 100  # share of a dict's table at its usual fill
    return sys.getsizeof(ledger.seal()) + sys.getsizeof("user-0000001") + entry_bytes


def test_a_million_users_with_ten_titles_fit():
    assert bytes_per_user(10, claims=True) * 1_000_000 < 0.8 * 2**30


def test_record_of_a_typical_title_is_at_most_sixty_bytes_with_its_id():
    per_title = (bytes_per_user(30, claims=True) - bytes_per_user(10, claims=True)) / 20
    assert per_title <= 60
    assert record.WORD_BYTES == 4


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), min_size=1, max_size=30))
def test_replacing_one_record_is_rebuilding_all(plays):
    """Longer, shorter and equally long records, first, middle and last among their neighbours."""
    spliced = UserLedger(None)
    rebuilt = UserLedger(None)
    for at, (number, session) in enumerate(plays):
        event = model(
            an_event(
                content_id=f"m{number}", session_id=f"s{session}", at_s=60 * at, position_s=60 * at
            )
        )
        outcomes.apply(spliced, event, 180)
        spliced = UserLedger(spliced.seal())
        outcomes.apply(rebuilt, event, 180)
    assert spliced.body() == UserLedger(rebuilt.seal()).body()
