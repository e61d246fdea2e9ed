"""All methods side by side on the same predictions: what each ranked where, and what it showed."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cli.evaluate.metrics import CUT, top
from domain.ranking.learner import Prediction
from domain.sources.registry import NAMES, first_model

OURS = "media_gateway"
LISTS_EVERY = 10  # predictions: lists are kept for every tenth, ranks for all
Floats = NDArray[np.floating]


@dataclass(slots=True)
class MethodTally:
    """Ranks of the liked titles, the lists shown (dense indices), and the time it took."""

    ranks: list[int] = field(default_factory=list)
    lists: list[list[int]] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(slots=True)
class Tally:
    """Every method's tally; ``users`` has the user of each prediction, the same for all methods."""

    methods: dict[str, MethodTally] = field(default_factory=lambda: defaultdict(MethodTally))
    users: list[int] = field(default_factory=list)
    knowers: dict[int, float] = field(default_factory=dict)  # title -> share of users who know it

    @contextmanager
    def timing(self, method: str) -> Iterator[MethodTally]:
        """Add the time of the block to a method."""
        tally = self.methods[method]
        started = time.perf_counter()
        yield tally
        tally.seconds += time.perf_counter() - started


class Bench:
    """Ranks with every source alone, with the whole model, and with each source left out.

    A model without a source is learned beside the whole one, from the same predictions.
    """

    def __init__(self, *, ablations: bool) -> None:
        self.tally = Tally()
        self._without = {number: first_model() for number in range(len(NAMES) * ablations)}

    def ranked(self, method: str, user: int, scores: Floats, column: int) -> None:
        """Count one prediction of a method from its scores of the candidates."""
        with self.tally.timing(method) as tally:
            score = scores[column]
            ahead = int(np.count_nonzero(scores > score))
            tied = int(np.count_nonzero(scores[:column] == score))
            if len(tally.ranks) % LISTS_EVERY == 0:
                tally.lists.append(top(scores, CUT))
            tally.ranks.append(ahead + tied)

    def predicted(self, user: int, prediction: Prediction, *, counted: bool) -> None:
        """Count one prediction of ours and of our variants, and let the variants learn from it."""
        matrix, column = prediction.matrix, prediction.column
        if counted:
            self.tally.users.append(user)
            self.ranked(OURS, user, prediction.scores, column)
            for number, name in enumerate(NAMES):
                self.ranked(f"source_{name}", user, matrix[number], column)
        for number, model in self._without.items():
            kept = matrix.copy()
            kept[number] = 0.0
            if counted:
                factors = model.factors(prediction.evidence)
                self.ranked(f"without_{NAMES[number]}", user, factors @ kept, column)
            model.take(model.lesson(kept, column, prediction.evidence))
