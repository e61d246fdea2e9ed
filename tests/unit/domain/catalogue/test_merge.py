"""One title's state: any order of the same events gives the same bytes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.catalogue.merge import Change, ContentState, decode_state, encode_state

ADDED = Change({"type": "movie", "title": "A"})


def state_of(events: list[tuple[tuple[int, str], str, Change]]) -> ContentState:
    state = ContentState("imdb:tt0000001")
    for event in events:
        state.apply(*event)
        state = decode_state(encode_state(state))
    return state


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
def events(draw: Any) -> list[tuple[tuple[int, str], str, Change]]:
    clocks = draw(
        st.lists(
            st.tuples(st.integers(0, 5), st.sampled_from(["e1", "e2", "e3"])),
            unique=True,
            max_size=10,
        )
    )
    return [
        (clock, draw(st.sampled_from(["a|1", "a|2", "b|1"])), draw(changes())) for clock in clocks
    ]


@given(events(), st.randoms(use_true_random=False), st.integers(0, 10))
def test_order_and_repetition_do_not_matter(given_events, random, repeated) -> None:
    shuffled = given_events + given_events[:repeated]
    random.shuffle(shuffled)
    assert encode_state(state_of(shuffled)) == encode_state(state_of(given_events))


def test_updates_touch_only_the_fields_present_and_older_ones_lose() -> None:
    state = state_of(
        [
            ((10, "e1"), "a|1", Change({"type": "movie", "title": "Old", "overview": "first"})),
            ((30, "e3"), "a|1", Change({"title": "New"})),
            ((20, "e2"), "a|1", Change({"title": "Late", "runtime_s": 60})),
        ]
    )
    content = state.content()
    assert content is not None
    assert (content.title, content.overview, content.runtime_s) == ("New", "first", 60)
    assert content.updated_at_ms == 30


def test_removal_hides_until_something_newer_arrives() -> None:
    removed = [((10, "e1"), "a|1", ADDED), ((20, "e2"), "a|1", Change(removed=True))]
    assert state_of(removed).content() is None
    late = ((15, "e3"), "a|1", Change({"overview": "late"}))
    assert state_of([*removed, late]).content() is None
    newer = state_of([*removed, ((25, "e4"), "a|1", Change({"overview": "back"}))]).content()
    assert newer is not None
    assert newer.title == "A"


def test_two_partners_one_content() -> None:
    both = [
        ((10, "e1"), "a|1", Change(ADDED.fields, ({"region": "DE"}, {"region": "FR"}))),
        ((11, "e2"), "b|77", Change({"type": "movie", "title": "A."})),
    ]
    content = state_of(both).content()
    assert content is not None
    assert content.partner_ids == {"a": "1", "b": "77"}
    assert [(each.partner, each.region) for each in content.availability] == [
        ("a", "DE"), ("a", "FR"), ("b", None),
    ]  # fmt: skip
    one = state_of([*both, ((12, "e3"), "a|1", Change(removed=True))]).content()
    assert one is not None
    assert one.partner_ids == {"b": "77"}
    assert [each.partner for each in one.availability] == ["b"]


def test_windows_from_before_a_removal_do_not_come_back() -> None:
    state = state_of(
        [
            ((10, "e1"), "a|1", Change(ADDED.fields, ({"region": "DE"},))),
            ((20, "e2"), "a|1", Change(removed=True)),
            ((30, "e3"), "a|1", ADDED),
        ]
    )
    content = state.content()
    assert content is not None
    assert [each.region for each in content.availability] == [None]


def test_explicitly_nowhere() -> None:
    content = state_of([((10, "e1"), "a|1", Change(ADDED.fields, ()))]).content()
    assert content is not None
    assert content.availability == ()


def test_not_a_content_before_type_and_title_are_known() -> None:
    assert state_of([((10, "e1"), "a|1", Change({"title": "A"}))]).content() is None
