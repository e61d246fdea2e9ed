"""Baselines against their definitions, written out densely."""

import numpy as np
import pytest

from cli.evaluate.baselines import Ease, ItemKnn, Liked, Popularity, TooLargeError


def liked(users: int, titles: int) -> Liked:
    found = Liked(users, titles + 5)  # some titles are still to come
    dice = np.random.default_rng(users)
    for user, title in zip(*np.nonzero(dice.random((users, titles)) < 0.3), strict=True):
        found.put(int(user), int(title))
    found.size = titles
    return found


def test_popularity_counts_users() -> None:
    given = liked(9, 12)
    given.put(0, int(np.flatnonzero(given.matrix[0])[0]))  # liked again, which counts once
    assert Popularity().scores(given, 0).tolist() == given.matrix[:, :12].sum(axis=0).tolist()


def test_item_knn_adds_cosines_up() -> None:
    given = liked(9, 12)
    x = given.matrix[:, :12].astype(float)
    norms = np.linalg.norm(x, axis=0)
    cosines = (x.T @ x) / np.outer(norms, norms)
    assert ItemKnn().scores(given, 3) == pytest.approx(x[3] @ cosines, rel=1e-5)


@pytest.mark.parametrize("users", [7, 40])  # fewer users than titles, and more
def test_ease_is_the_closed_form_in_both_forms(users: int) -> None:
    given = liked(users, 15)
    model = Ease(3.0)
    model.refit(given)
    x = given.matrix[:, :15].astype(float)
    inverse = np.linalg.inv(x.T @ x + 3.0 * np.eye(15))
    b = -inverse / np.diag(inverse)
    np.fill_diagonal(b, 0.0)
    new = 15  # a title that came after the refit
    given.put(2, new)
    given.size = new + 1
    scores = model.scores(given, 2)
    unseen = np.flatnonzero(x[2] == 0)
    assert scores[unseen] == pytest.approx((x[2] @ b)[unseen], abs=1e-5)
    assert scores[new] == 0.0


@pytest.mark.parametrize("users", [7, 40])
def test_ease_adds_what_a_user_likes_in_one_sitting(users: int) -> None:
    given = liked(users, 15)
    model = Ease(3.0)
    model.refit(given)
    for title in np.flatnonzero(given.matrix[2, :15] == 0)[:2].tolist():
        model.scores(given, 2)  # and keep them
        given.put(2, title)
        afresh = Ease(3.0)
        afresh.__dict__.update(model.__dict__, _user=-1)
        for user in (2, 1, 2):
            assert model.scores(given, user) == pytest.approx(afresh.scores(given, user), abs=1e-5)


def test_what_does_not_fit_is_refused_with_the_sample_that_does() -> None:
    with pytest.raises(TooLargeError, match="use --sample 18,518 or less"):
        Liked(138_000, 27_000)
