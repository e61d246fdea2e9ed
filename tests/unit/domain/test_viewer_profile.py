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
    taste,
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
    ("given_ones", "weight", "excluded"),
    [
        ([{"kind": "started"}], None, True),
        ([{"kind": "progressed", "progress": 0.29}], None, True),
        ([{"kind": "progressed", "progress": 0.5}], 0.5, True),
        ([{"kind": "completed", "progress": 0.95}], 1.0, True),
        ([{"kind": "rated", "rating": 4.0}], 1.0, True),
        ([{"kind": "rated", "rating": 3.0}], None, True),
        ([{"kind": "completed", "progress": 1.0}, {"kind": "rated", "rating": 2.0}], None, True),
        ([{"kind": "rated", "rating": 4.0}, {"kind": "rated", "rating": None}], None, False),
        ([{"kind": "completed", "progress": 1.0}, {"kind": "hidden"}], None, True),
        ([{"kind": "hidden"}], None, True),
        ([{"kind": "hidden"}, {"kind": "unhidden"}], None, False),
        ([{"kind": "dismissed"}], None, True),
        ([{"kind": "dismissed"}, {"kind": "restored"}], None, False),
        ([{"kind": "progressed", "progress": 0.8}, {"kind": "restored"}], 0.8, True),
    ],
)
def test_taste(given_ones, weight, excluded) -> None:
    profile = of(*(interaction(n, **fields) for n, fields in enumerate(given_ones, 1)))
    found = taste(profile)
    assert found.weights == ([] if weight is None else [weight])
    assert found.titles == ([] if weight is None else ["c"])
    assert found.excluded == (["c"] if excluded else [])


def test_only_the_titles_touched_last_are_kept() -> None:
    profile = ViewerProfile()
    for number in range(1, TITLES_MAX + 3):
        profile.merge(interaction(number, content_id=f"c{number}"))
    assert len(profile.titles) == TITLES_MAX
    assert set(profile.titles) == {f"c{number}" for number in range(3, TITLES_MAX + 3)}
