"""Evidence: profiles and watch states say the same about the same facts."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.evidence import evidence, seen_of
from domain.viewer_profile import ViewerProfile, seen_titles
from schemas.watch_state import WatchState
from tests.support.ranking import interaction

AT_MS = 5000


class Facts(NamedTuple):
    """What a viewer did with one title."""

    started: bool
    permille: int
    completed: bool
    rating: float | None
    dismissed: bool
    hidden: bool


def facts() -> st.SearchStrategy[Facts]:
    return st.builds(
        Facts,
        started=st.booleans(),
        permille=st.sampled_from([0, 1, 299, 300, 301, 500, 999, 1000]),
        completed=st.booleans(),
        rating=st.sampled_from([None, 0.0, 2.5, 2.6, 3.9, 4.0, 5.0]),
        dismissed=st.booleans(),
        hidden=st.booleans(),
    ).filter(lambda found: found.started or not (found.permille or found.completed))


def state_of(found: Facts) -> WatchState:
    return WatchState(
        user_id="u", content_id="c", epoch=0, completions=int(found.completed),
        completed=found.completed, watched_s=0, position_s=0, duration_s=100, resumable=False,
        progress=found.permille / 1000, started_at_ms=AT_MS if found.started else None,
        updated_at_ms=AT_MS, dismissed=found.dismissed, hidden=found.hidden, rating=found.rating,
        source_offset=0,
    )  # fmt: skip


def profile_of(found: Facts, order: list[int]) -> ViewerProfile:
    """The profile after the interactions that the facts mean, in some order."""
    done = [
        {"kind": kind, "progress": found.permille / 1000, "rating": found.rating}
        for kind, happened in (
            ("started", found.started), ("progressed", found.permille > 0),
            ("completed", found.completed), ("rated", found.rating is not None),
            ("dismissed", found.dismissed), ("hidden", found.hidden),
        )
        if happened
    ]  # fmt: skip
    profile = ViewerProfile()
    for offset, place in enumerate(each for each in order if each < len(done)):
        profile.merge(interaction(offset, occurred_at_ms=AT_MS, **done[place]))
    return profile


@given(facts(), st.permutations(range(6)))
def test_profiles_and_watch_states_agree(found: Facts, order: list[int]) -> None:
    seen, excluded = seen_titles(profile_of(found, order))
    state = seen_of(state_of(found))
    if not seen:
        assert found == Facts(False, 0, False, None, False, False)
        assert (state.evidence, state.engaged, state.watched) == (0.0, False, False)
        return
    assert seen == {"c": state}
    assert excluded == (["c"] if state.engaged or found.dismissed or found.hidden else [])


@pytest.mark.parametrize(
    ("progress", "completed", "rating", "refused", "expected"),
    [
        (0.299, False, None, False, 0.0),
        (0.3, False, None, False, 0.3),
        (0.8, False, 3.9, False, 0.8),
        (0.1, True, None, False, 1.0),
        (0.0, False, 4.0, False, 1.0),
        (1.0, True, 2.5, False, 0.0),
        (1.0, True, 5.0, True, 0.0),
    ],
)
def test_evidence_by_hand(
    progress: float, completed: bool, rating: float | None, refused: bool, expected: float
) -> None:
    found = evidence(progress=progress, completed=completed, rating=rating, refused=refused)
    assert found == expected


@given(facts(), st.sampled_from([0.0, 0.4, 1.0]))
def test_more_progress_is_never_less_evidence(found: Facts, more: float) -> None:
    refused = found.dismissed or found.hidden
    progress = found.permille / 1000
    less, much = (
        evidence(progress=each, completed=found.completed, rating=found.rating, refused=refused)
        for each in (progress, max(progress, more))
    )
    assert 0.0 <= less <= much <= 1.0
