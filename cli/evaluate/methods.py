"""All methods side by side on the same predictions: what each ranked where, and what it showed."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cli.evaluate.ablations import Ablations
from cli.evaluate.metrics import CUT, gain, ndcg, recall, top
from domain.ranking.history import Floats, Indices
from domain.ranking.learner import Prediction
from domain.sources.registry import NAMES

OURS = "media_gateway"
SHOWN = "media_gateway_as_shown"  # with diversity and exploration, as viewers see it
HIT_CUTS = (10, 20)


@dataclass(slots=True)
class MethodTally:
    """Per prediction: NDCG@10, hits or recall at each cut; some lists (dense titles); the time."""

    ndcg: list[float] = field(default_factory=list)
    hits: dict[int, list[float]] = field(default_factory=lambda: {cut: [] for cut in HIT_CUTS})
    lists: list[Indices] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(slots=True)
class Tally:
    """Every method's tally; ``users`` has the user of each prediction, the same for all methods."""

    methods: dict[str, MethodTally] = field(default_factory=lambda: defaultdict(MethodTally))
    users: list[int] = field(default_factory=list)
    shown_at: list[int] = field(default_factory=list)  # predictions for which slates were built

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
        self.keep_lists = False  # of the prediction at hand: lists cost more than ranks
        self._without = Ablations() if ablations else None

    def ranked(self, method: str, scores: NDArray[np.floating], prediction: Prediction) -> None:
        """Count one prediction of one title, from the method's scores of the candidates."""
        column = prediction.column
        with self.tally.timing(method) as tally:
            score = scores[column]
            ahead = int(np.count_nonzero(scores > score))
            rank = ahead + int(np.count_nonzero(scores[:column] == score))
            self._count(tally, rank)
            if self.keep_lists:
                tally.lists.append(prediction.candidates[top(scores, CUT)])

    def placed(self, method: str, shown: Sequence[int], target: int) -> None:
        """Count one prediction of one title, from a finished list of titles."""
        with self.tally.timing(method) as tally:
            self._count(tally, shown.index(target) if target in shown else len(shown) + CUT * 10)
            tally.lists.append(np.array(shown[:CUT], dtype=np.int64))

    def _count(self, tally: MethodTally, rank: int) -> None:
        tally.ndcg.append(gain(rank))
        for cut, hits in tally.hits.items():
            hits.append(float(rank < cut))

    def listed(
        self,
        method: str,
        scores: NDArray[np.floating],
        candidates: Indices,
        relevant: set[int],
    ) -> None:
        """Count one list against several relevant titles."""
        with self.tally.timing(method):
            best = candidates[top(scores, max(HIT_CUTS))]
        self.shown(method, best.tolist(), relevant)

    def shown(self, method: str, shown: Sequence[int], relevant: set[int]) -> None:
        """Count one finished list of titles against several relevant ones."""
        tally = self.tally.methods[method]
        tally.ndcg.append(ndcg(shown, relevant))
        for cut, hits in tally.hits.items():
            hits.append(recall(shown, relevant, cut))
        tally.lists.append(np.array(shown[:CUT], dtype=np.int64))

    def predicted(self, prediction: Prediction) -> None:
        """Count one prediction of ours and of our variants."""
        self.ranked(OURS, prediction.scores, prediction)
        for name, scores in self.variants(prediction.matrix, prediction.evidence):
            self.ranked(name, scores, prediction)

    def learn(self, prediction: Prediction) -> None:
        """Let the models that lack a source learn from a prediction of a liked title."""
        if self._without is not None:
            self._without.learn(prediction)

    def variants(self, matrix: Floats, evidence: int) -> Iterator[tuple[str, Floats]]:
        """Yield the scores of every source alone and of every model that lacks one."""
        for number, name in enumerate(NAMES):
            yield f"source_{name}", matrix[number]
        if self._without is not None:
            for name, scores in zip(NAMES, self._without.scores(matrix, evidence), strict=True):
                yield f"without_{name}", scores
