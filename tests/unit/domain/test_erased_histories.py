"""Stores of histories and starts after an erasure: as if the viewer had never been there."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.cowatch_histories import HistoryStore
from domain.regression.start_store import StartStore
from domain.regression.starts import SourceScores, Start

VIEWERS, TITLES = ["ann", "bob", "eve"], ["a", "b", "c", "d"]
PUTS = st.lists(
    st.tuples(st.sampled_from(VIEWERS), st.sampled_from(TITLES), st.integers(0, 3)), max_size=25
)
LOOKS = st.sets(st.integers(0, 25))  # after which puts the store is read, which merges


def start_of(value: int) -> Start:
    return Start(value, 9, 9, value, 60.0, 0.5, epoch=0)


@given(PUTS, PUTS, LOOKS)
def test_histories_without_the_viewer(puts, after, looks) -> None:
    store, never = HistoryStore(), HistoryStore()
    for number, put in enumerate(puts):
        store.put(*put)
        if number in looks:
            store.histories()
    for title in TITLES:
        store.put("eve", title, 0)
    store.histories()
    assert "'eve'" not in repr(vars(store))
    for put in after:  # the viewer may come back
        store.put(*put)
    for viewer, title, weight in puts:
        if viewer != "eve":
            never.put(viewer, title, weight)
    for put in after:
        never.put(*put)
    assert as_pairs(store) == as_pairs(never)


def as_pairs(store: HistoryStore) -> set:
    found = store.histories()
    titles = [found.title_ids[each] for each in found.titles.tolist()]
    numbers = {number: name for name, number in store._viewer_index.items()}
    viewers = [numbers[each] for each in found.viewers.tolist()]
    return set(zip(viewers, titles, found.weights.tolist(), strict=True))


@given(PUTS, PUTS, LOOKS)
def test_starts_without_the_viewer(puts, after, looks) -> None:
    store, never = StartStore(["one"]), StartStore(["one"])
    for number, (viewer, title, value) in enumerate(puts):
        put(store, viewer, title, value)
        if viewer != "eve":
            put(never, viewer, title, value)
        if number in looks:
            store.starts()
    for title in TITLES:
        store.put("eve", title, None)
        store.put_scores("eve", title, None)
    store.starts()
    assert "'eve'" not in repr(vars(store))
    for viewer, title, value in after:
        put(store, viewer, title, value)
        put(never, viewer, title, value)
    assert known(store) == known(never)


def put(store: StartStore, viewer: str, title: str, value: int) -> None:
    store.put(viewer, title, start_of(value) if value else None)
    store.put_scores(viewer, title, SourceScores(0, (value / 4,)) if value > 1 else None)


def known(store: StartStore) -> list:
    found = store.starts()
    titles = [found.content_ids[each] for each in found.contents.tolist()]
    scores = np.nan_to_num(found.scores, nan=-1.0).tolist()
    rows = zip(found.viewers.tolist(), titles, found.rows.tolist(), scores, strict=True)
    return sorted(rows)
