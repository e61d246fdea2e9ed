"""Availability to the millisecond: both ends, regions, windows that touch, zones of the partner."""

from hypothesis import given
from hypothesis import strategies as st

from domain.availability import FOREVER_MS, Offer, is_open, unchanged_span
from domain.catalogue.read import availability

MINUTE_MS = 60_000
NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z


def window(start: str | None, end: str | None, region: str | None = "DE") -> Offer:
    """The offer of a partner's window, times as the partner writes them."""
    payload = {"availability": [{"region": region, "from": start, "until": end}]}
    (found,) = availability(payload) or ()
    return Offer(found.get("region"), found.get("from_at_ms"), found.get("until_at_ms"))


def test_the_first_millisecond_is_in_and_the_last_is_out() -> None:
    offer = window("2026-01-01T12:00:00Z", "2026-01-01T12:01:00Z")
    times = (NOON_MS - 1, NOON_MS, NOON_MS + MINUTE_MS - 1, NOON_MS + MINUTE_MS)
    assert [is_open([offer], "DE", at_ms) for at_ms in times] == [False, True, True, False]


def test_a_window_that_ends_when_another_begins_leaves_no_gap() -> None:
    offers = [window(None, "2026-01-01T12:00:00Z"), window("2026-01-01T12:00:00Z", None)]
    times = range(NOON_MS - 2, NOON_MS + 3)
    assert all(is_open(offers, "DE", at_ms) for at_ms in times)


def test_the_zone_of_the_partner_and_its_summer_time_are_in_the_offset() -> None:
    same = ("2026-01-01T12:00:00Z", "2026-01-01T13:00:00+01:00", "2026-01-01T06:30:00-05:30")
    assert {window(text, None).from_at_ms for text in same} == {NOON_MS}
    # Berlin, the night the clocks go back: 02:30 comes twice, an hour apart.
    night = [window(f"2026-10-25T02:30:00+0{hours}:00", None).from_at_ms for hours in (2, 1)]
    assert night[1] - night[0] == 60 * MINUTE_MS


def test_regions() -> None:
    german, everywhere = window(None, None), window(None, None, None)
    assert is_open([german], "DE", 0)
    assert not is_open([german], "FR", 0)
    assert is_open([german], None, 0)
    assert is_open([everywhere], "FR", 0)
    assert is_open([], "FR", 0)


offers = st.builds(
    Offer, st.sampled_from([None, "DE", "FR"]), st.none() | st.integers(0, 9),
    st.none() | st.integers(0, 9),
)  # fmt: skip


@given(st.lists(offers, max_size=4), st.sampled_from([None, "DE", "FR"]), st.integers(-1, 10))
def test_nothing_opens_or_closes_within_the_unchanged_span(found, region, now_ms) -> None:
    since_ms, next_ms = unchanged_span(found, now_ms)
    assert since_ms <= now_ms < next_ms
    span = range(max(since_ms, -2), min(next_ms, 12))
    assert {is_open(found, region, at_ms) for at_ms in span} == {is_open(found, region, now_ms)}
    assert next_ms == FOREVER_MS or any(next_ms in each[1:] for each in found)
