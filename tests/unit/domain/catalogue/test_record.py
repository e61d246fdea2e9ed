"""One partner record's state: any order of the same events gives the same bytes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.availability import is_available
from domain.catalogue.canonical import content_of
from domain.catalogue.grouping import Group, Link
from domain.catalogue.record import Change, RecordState, decode_record, encode_record

ADDED = Change({"type": "movie", "title": "A"})
Event = tuple[tuple[int, str], Change]


def state_of(events: list[Event], name: str = "imdb:tt0000001") -> RecordState:
    state = RecordState(name, 0)
    for event in events:
        state.apply(*event)
        state = decode_record(encode_record(state))
    return state


def content(**records: RecordState):
    """The content of records of partners a, b, ..., the first one naming it."""
    states = {f"{partner}|1": state for partner, state in records.items()}
    keys = sorted(states)
    links = tuple(Link(keys[0], key, "imdb", 0.99) for key in keys[1:])
    return content_of(states[keys[0]].name, Group(tuple(keys), links), states, lambda key: key)


def changes() -> st.SearchStrategy[Change]:
    fields = st.dictionaries(
        st.sampled_from(["title", "overview", "runtime_s", "external:imdb"]),
        st.sampled_from([None, "v1", "v2"]),
    )
    windows = st.none() | st.lists(st.sampled_from([{"region": "DE"}, {"offer": "free"}])).map(
        tuple
    )
    return st.builds(Change, fields, windows) | st.just(Change(removed=True))


@st.composite
def events(draw: Any) -> list[Event]:
    clock = st.tuples(st.integers(0, 5), st.sampled_from(["e1", "e2", "e3"]))
    clocks = draw(st.lists(clock, unique=True, max_size=10))
    return [(clock, draw(changes())) for clock in clocks]


@given(events(), st.randoms(use_true_random=False), st.integers(0, 10))
def test_order_and_repetition_do_not_matter(given_events, random, repeated) -> None:
    shuffled = given_events + given_events[:repeated]
    random.shuffle(shuffled)
    assert encode_record(state_of(shuffled)) == encode_record(state_of(given_events))


def test_updates_touch_only_the_fields_present_and_older_ones_lose() -> None:
    found = content(
        a=state_of(
            [
                ((10, "e1"), Change({"type": "movie", "title": "Old", "overview": "first"})),
                ((30, "e3"), Change({"title": "New"})),
                ((20, "e2"), Change({"title": "Late", "runtime_s": 60})),
            ]
        )
    )
    assert (found.title, found.overview, found.runtime_s) == ("New", "first", 60)
    assert found.updated_at_ms == 30


def test_removal_hides_until_something_newer_arrives() -> None:
    removed = [((10, "e1"), ADDED), ((20, "e2"), Change(removed=True))]
    assert content(a=state_of(removed)) is None
    late = ((15, "e3"), Change({"overview": "late"}))
    assert content(a=state_of([*removed, late])) is None
    newer = content(a=state_of([*removed, ((25, "e4"), Change({"overview": "back"}))]))
    assert newer.title == "A"


def test_two_partners_one_content() -> None:
    ours = state_of([((10, "e1"), Change(ADDED.fields, ({"region": "DE"}, {"region": "FR"})))])
    theirs = state_of([((11, "e2"), Change({"type": "movie", "title": "A."}))], "b:1")
    both = content(a=ours, b=theirs)
    assert both.title == "A."
    assert both.partner_ids == {"a": "1", "b": "1"}
    assert [(each.partner, each.region) for each in both.availability] == [
        ("a", "DE"), ("a", "FR"), ("b", None),
    ]  # fmt: skip
    assert [(each.content_id, each.method, each.matched) for each in both.records] == [
        ("imdb:tt0000001", None, None), ("b:1", "imdb", "imdb:tt0000001"),
    ]  # fmt: skip


def test_a_removed_record_says_nothing_and_keeps_its_place() -> None:
    fields = {"type": "movie", "title": "A", "overview": "theirs"}
    gone = state_of([((10, "e1"), Change(fields)), ((12, "e3"), Change(removed=True))])
    left = content(a=gone, b=state_of([((9, "e2"), Change({**ADDED.fields, "title": "B"}))], "b:1"))
    assert left.content_id == "imdb:tt0000001"
    assert (left.title, left.overview) == ("B", None)
    assert left.partner_ids == {"b": "1"}
    assert [each.partner for each in left.availability] == ["b"]
    assert left.updated_at_ms == 12


def test_one_partner_clears_only_what_it_said_itself() -> None:
    said = state_of([((10, "e1"), Change({**ADDED.fields, "overview": "ours"}))])
    cleared = state_of([((20, "e2"), Change({**ADDED.fields, "overview": None}))], "b:1")
    assert content(a=said, b=cleared).overview == "ours"


def test_windows_from_before_a_removal_do_not_come_back() -> None:
    found = content(
        a=state_of(
            [
                ((10, "e1"), Change(ADDED.fields, ({"region": "DE"},))),
                ((20, "e2"), Change(removed=True)),
                ((30, "e3"), ADDED),
            ]
        )
    )
    assert [each.region for each in found.availability] == [None]


def test_explicitly_nowhere_is_an_offer_that_has_ended() -> None:
    found = content(a=state_of([((10, "e1"), ADDED), ((20, "e2"), Change(availability=()))]))
    assert [is_available(found, "DE", at_ms) for at_ms in (19, 20)] == [True, False]


def test_not_a_content_before_type_and_title_are_known() -> None:
    assert content(a=state_of([((10, "e1"), Change({"title": "A"}))])) is None
