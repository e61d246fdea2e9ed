"""The value model: one linear blend of all sources, learned from the stream.

``score(i) = sum over sources s of weight_s(n) * f_s(i) / scale_s`` where f_s is a source's 0-1
score of title i and n the number of titles the viewer is known to have engaged with. Weights are
given for a viewer about whom nothing is known and for one with ``EVIDENCE_FULL`` titles or more;
between them they are blended linearly, so a cold start passes into a personal list without a step.

Learning: before an engagement that the viewer liked is taken in, the titles that could have been
recommended are scored; the loss is the softmax cross-entropy of the liked one among them. One
AdaGrad step (Duchi et al. 2011) each, so the weights follow the stream and need no learning rate
schedule. ``scale_s`` is the running mean of the source's largest score over those titles, where it
says anything: it puts all sources on one footing without depending on the viewer at hand. A source
that has said nothing in any lesson (its model was not fitted yet) has scale 0 and does not count;
its first word sets the scale.

Weights of personal sources stay non-negative: a title that speaks for another must never lower it,
or a reason would not be one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from domain.ranking.history import Floats, Indices

EVIDENCE_FULL = 5
LEARNING_RATE = 0.1
SQUARES_FIRST = 0.01  # start of the sums of squared gradients: bounds the first steps
SCALE_WINDOW = 500  # liked engagements over which a scale is averaged
SCALE_MIN = 1e-4  # a source whose scores are all below this says hardly anything
EXCESS_MAX = 10.0  # scales: one surprise must not freeze AdaGrad for good
NO_COLUMNS: Indices = np.empty(0, dtype=np.int64)


def blend_of(evidence: int) -> float:
    """Return the share (0-1) of the warm weights for a viewer with so many titles."""
    return min(evidence, EVIDENCE_FULL) / EVIDENCE_FULL


class Lesson(NamedTuple):
    """The gradient of one prediction, kept until it is known whether the title was liked.

    ``excess`` is the expected 0-1 score of each source under the prediction minus that of the
    title, ``largest`` the largest score of each source over the candidates, ``shares`` how
    much of the step the cold and the warm weights get, ``probability`` what the title was given.
    """

    shares: Floats
    excess: Floats
    largest: Floats
    probability: float


@dataclass(slots=True)
class ValueModel:
    """Weights and what learning needs to go on; rows: cold and warm, columns: sources.

    ``personal[s]`` says that source s looks at the viewer, so its weights stay non-negative.
    """

    names: tuple[str, ...]
    personal: tuple[bool, ...]
    weights: Floats
    squares: Floats
    scales: Floats
    learned: int = 0

    @classmethod
    def first(
        cls,
        names: Sequence[str],
        personal: Sequence[bool],
        weights: Sequence[float],
        scales: Sequence[float],
    ) -> "ValueModel":
        """Return the model before anything was learned, with the same cold and warm weights."""
        return cls(
            names=tuple(names),
            personal=tuple(personal),
            weights=np.array([weights, weights], dtype=np.float64),
            squares=np.full((2, len(names)), SQUARES_FIRST),
            scales=np.array(scales, dtype=np.float64),
        )

    def factors(self, evidence: int) -> Floats:
        """Return what each source's 0-1 score is multiplied by for a viewer."""
        blend = blend_of(evidence)
        weights = (1.0 - blend) * self.weights[0] + blend * self.weights[1]
        factors: Floats = weights / np.maximum(self.scales, SCALE_MIN)
        factors[self.scales == 0.0] = 0.0
        return factors

    def lesson(
        self, sources: Floats, liked: int, evidence: int, left_out: Indices = NO_COLUMNS
    ) -> Lesson:
        """Return what is to be learned if the title in column ``liked`` turns out to be liked.

        Args:
            sources: 0-1 scores, one row a source, one column a title that could be recommended.
            liked: the column of the title that the viewer engages with.
            evidence: titles known of the viewer before.
            left_out: columns of other titles, in which all scores are 0.
        """
        blend = blend_of(evidence)
        shares = np.array([1.0 - blend, blend])
        odds: Floats = self.factors(evidence) @ sources  # scores, until they are made odds
        odds[left_out] = -np.inf
        odds -= odds.max()
        np.exp(odds, out=odds)
        odds /= odds.sum()
        return Lesson(
            shares=shares,
            excess=sources @ odds - sources[:, liked],
            largest=sources.max(axis=1),
            probability=float(odds[liked]),
        )

    def take(self, lesson: Lesson) -> None:
        """Learn: move the weights one AdaGrad step, and the scales a little."""
        share = 1.0 / min(self.learned + 1, SCALE_WINDOW)
        steps = np.where(self.scales == 0.0, 1.0, share * (lesson.largest > 0.0))
        if self.learned == 0:  # what the scales are before is a guess
            steps[:] = 1.0
        self.scales += steps * (lesson.largest - self.scales)
        excess = lesson.excess / np.maximum(self.scales, SCALE_MIN)
        np.minimum(np.maximum(excess, -EXCESS_MAX), EXCESS_MAX, out=excess)
        gradient = lesson.shares[:, np.newaxis] * excess
        self.squares += gradient * gradient
        self.weights -= LEARNING_RATE * gradient / np.sqrt(self.squares)
        np.maximum(self.weights, 0.0, out=self.weights, where=self.personal)
        self.learned += 1
