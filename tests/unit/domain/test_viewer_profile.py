"""Viewer profiles: a lattice, so order and repetition of interactions do not matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.viewer_profile import (
    TITLES_MAX,
    TitleState,
    ViewerProfile,
    decode_profile,
    encode_profile,
    seen_titles,
    unpack,
)
from schemas.interaction import Interaction

KINDS = [
    "started", "progressed", "completed", "abandoned", "rewatched", "dismissed", "restored",
    "rated", "hidden", "unhidden",
]  # fmt: skip


def interaction(offset: int = 0, **fields) -> Interaction:
    return Interaction.model_validate(
        {
            "interaction_id": f"i{offset}", "user_id": "u", "content_id": "c", "kind": "started",
            "epoch": 0, "progress": 0.0, "occurred_at_ms": 1000 + offset, "event_id": f"e{offset}",
            "source_offset": offset,
        }
        | fields
    )  # fmt: skip


def of(*interactions: Interaction) -> ViewerProfile:
    profile = ViewerProfile()
    for each in interactions:
        profile.merge(each)
        profile = decode_profile(encode_profile(profile))
    return profile


@st.composite
def interactions(draw):
    return [
        interaction(
            offset,
            kind=draw(st.sampled_from(KINDS)),
            progress=draw(st.sampled_from([0.0, 0.1, 0.333333, 1.0])),
            rating=draw(st.sampled_from([None, 1.0, 4.5])),
            epoch=draw(st.integers(0, 2)),
            occurred_at_ms=draw(st.integers(0, 4)),
        )
        for offset in range(draw(st.integers(0, 9)))
    ]


@given(interactions(), st.randoms(use_true_random=False), st.integers(0, 9))
def test_title_state_does_not_depend_on_order_or_repetition(given_ones, random, repeated) -> None:
    shuffled = given_ones + given_ones[:repeated]
    random.shuffle(shuffled)
    one, other = TitleState(), TitleState()
    for each in given_ones:
        one.merge(each)
    for each in shuffled:
        other.merge(each)
        other = unpack(other.pack())
    assert one == other
    assert one.pack() == other.pack()


def test_what_was_taken_in_before_is_skipped() -> None:
    profile = of(interaction(1), interaction(2, ordinal=1, kind="completed", progress=1.0))
    before = encode_profile(profile)
    assert not profile.merge(interaction(2, ordinal=0, content_id="other"))
    assert not profile.merge(interaction(2, ordinal=1, kind="completed"))
    assert encode_profile(profile) == before
    assert profile.merge(interaction(2, ordinal=2, content_id="other"))


def test_freshness_fields() -> None:
    profile = of(
        interaction(1, occurred_at_ms=900, region="DE"), interaction(2, occurred_at_ms=500)
    )
    assert (profile.position, profile.as_of_ms) == ((2, 0), 900)
    assert (profile.newest_event_id, profile.region) == ("e2", (900, "DE"))


@pytest.mark.parametrize(
    ("given_ones", "evidence", "engaged", "excluded"),
    [
        ([{"kind": "started"}], 0.0, True, True),
        ([{"kind": "progressed", "progress": 0.29}], 0.0, True, True),
        ([{"kind": "progressed", "progress": 0.5}], 0.5, True, True),
        ([{"kind": "completed", "progress": 0.95}], 1.0, True, True),
        ([{"kind": "rated", "rating": 4.0}], 1.0, True, True),
        ([{"kind": "rated", "rating": 3.0}], 0.0, True, True),
        ([{"kind": "completed", "progress": 1.0}, {"kind": "rated", "rating": 2.5}], 0, True, True),
        ([{"kind": "rated", "rating": 4.0}, {"kind": "rated", "rating": None}], 0.0, False, False),
        ([{"kind": "completed", "progress": 1.0}, {"kind": "hidden"}], 0.0, True, True),
        ([{"kind": "hidden"}], 0.0, False, True),
        ([{"kind": "hidden"}, {"kind": "unhidden"}], 0.0, False, False),
        ([{"kind": "dismissed"}], 0.0, False, True),
        ([{"kind": "dismissed"}, {"kind": "restored"}], 0.0, False, False),
        ([{"kind": "progressed", "progress": 0.8}, {"kind": "restored"}], 0.8, True, True),
    ],
)
def test_what_a_title_says(given_ones, evidence, engaged, excluded) -> None:
    profile = of(*(interaction(n, **fields) for n, fields in enumerate(given_ones, 1)))
    seen, not_again = seen_titles(profile)
    assert (seen["c"].evidence, seen["c"].engaged) == (evidence, engaged)
    assert seen["c"].at_ms == 1000 + len(given_ones)
    assert not_again == (["c"] if excluded else [])


@given(interactions())
def test_the_short_way_for_titles_without_decisions_says_the_same(given_ones) -> None:
    seen, not_again = seen_titles(of(*given_ones))
    state = TitleState()
    for each in given_ones:
        state.merge(each)
    for found in seen.values():
        wanted = (state.last_at_ms, state.evidence, state.engaged, state.watched)
        assert found == wanted
    assert not_again == (["c"] if given_ones and state.excluded else [])


def test_only_the_titles_touched_last_are_kept() -> None:
    profile = ViewerProfile()
    for number in range(1, TITLES_MAX + 3):
        profile.merge(interaction(number, content_id=f"c{number}"))
    assert len(profile.titles) == TITLES_MAX
    assert set(profile.titles) == {f"c{number}" for number in range(3, TITLES_MAX + 3)}
