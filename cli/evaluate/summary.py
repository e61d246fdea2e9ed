"""Tallies -> one result: a row of figures a method, the best EASE, and intervals against it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cli.evaluate.cadence import Cadence
from cli.evaluate.gateway import Gateway
from cli.evaluate.methods import OURS, SHOWN, MethodTally, Tally
from cli.evaluate.metrics import bootstrap
from cli.evaluate.ratings import RatingSet

EASE = "ease"
Row = dict[str, float]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Result:
    """What one evaluation found.

    ``methods`` has a row of figures for each method, ``ease_grid`` NDCG@10 of EASE by ridge, of
    which the best counts as ``ease``. Intervals are 95 %, by bootstrap over users.
    ``undiversified`` is our NDCG@10 without diversity and exploration on the predictions that
    slates were built for; None when there were none.
    """

    protocol: str
    data: str
    sizes: Mapping[str, int]
    when: Cadence
    methods: Mapping[str, Row]
    ease_grid: Mapping[str, float]
    ratio_to_ease: float
    ratio_interval: Interval
    difference_interval: Interval
    undiversified: float | None
    weights: Mapping[str, tuple[float, float]]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "protocol": self.protocol,
            "data": self.data,
            **self.sizes,
            **self.when._asdict(),
            "methods": {name: dict(row) for name, row in self.methods.items()},
            "ease_grid": dict(self.ease_grid),
            "ratio_to_ease": self.ratio_to_ease,
            "ratio_interval": list(self.ratio_interval),
            "difference_interval": list(self.difference_interval),
            "undiversified_ndcg10": self.undiversified,
            "weights": {name: list(pair) for name, pair in self.weights.items()},
            "seconds": self.seconds,
        }


NEEDED = {
    "prequential": "users with six ratings or more, one of 4 or more among the later ones, of a "
    "title that somebody rated before",
    "static": "users with a rating of 4 or more among their last fifth, of a title that somebody "
    "rated in the part before it",
}


class NothingToRankError(RuntimeError):
    """The ratings hold nothing that the protocol counts; the message says what is needed."""


def summarise(
    protocol: str, ratings: RatingSet, gateway: Gateway, tally: Tally, how: tuple[Cadence, float]
) -> Result:
    """Return the result of one run; ``how`` is (how often models were fitted, seconds).

    Raises:
        NothingToRankError: there was no prediction.
    """
    if not tally.users:
        raise NothingToRankError(f"nothing to rank: the protocol needs {NEEDED[protocol]}")
    when, seconds = how
    grid = {
        name: float(np.mean(each.ndcg))
        for name, each in tally.methods.items()
        if name.startswith(f"{EASE}_")
    }
    best = max(sorted(grid), key=lambda name: grid[name])
    rows = {}
    silent = _silent(gateway)
    for name, each in tally.methods.items():
        if name in silent:
            continue
        if name == best:
            rows[EASE] = _row(protocol, gateway, each)
        elif name not in grid:
            rows[name] = _row(protocol, gateway, each)
    ours, baseline = (np.array(tally.methods[name].ndcg) for name in (OURS, best))
    difference, ratio = bootstrap(ours, baseline, np.array(tally.users))
    model = gateway.learner.model
    return Result(
        protocol=protocol,
        data=ratings.name,
        sizes={
            "ratings": len(ratings.ratings),
            "users": len({item.user for item in ratings.ratings}),
            "titles": len({item.content_id for item in ratings.ratings}),
            "predictions": len(tally.users),
        },
        when=when,
        methods=_ordered(rows),
        ease_grid=grid,
        ratio_to_ease=float(ours.mean() / max(baseline.mean(), 1e-12)),
        ratio_interval=ratio,
        difference_interval=difference,
        undiversified=float(ours[tally.shown_at].mean()) if tally.shown_at else None,
        weights={
            name: (float(cold), float(warm))
            for name, cold, warm in zip(model.names, *model.weights, strict=True)
        },
        seconds=seconds,
    )


def _silent(gateway: Gateway) -> set[str]:
    """Return the methods about sources that never said anything: the data lack what they need."""
    model = gateway.learner.model
    names = [name for name, scale in zip(model.names, model.scales, strict=True) if scale <= 0.0]
    return {f"{kind}_{name}" for name in names for kind in ("source", "without")}


def _row(protocol: str, gateway: Gateway, tally: MethodTally) -> Row:
    cut = "hr" if protocol == "prequential" else "recall"
    hits = {f"{cut}{at}": float(np.mean(values)) for at, values in tally.hits.items()}
    return {
        "ndcg10": float(np.mean(tally.ndcg)),
        **hits,
        **_lists(gateway, tally.lists),
        "seconds": round(tally.seconds, 2),
    }


def _lists(gateway: Gateway, lists: Sequence[Any]) -> Row:
    """Return coverage, novelty and diversity of some lists of titles."""
    content = gateway.content
    size = len(content.ids)
    viewers = content.statistics.viewers_of(size)
    users = max(1, len(gateway.users))
    used = [each for each in lists if len(each)]
    if not used:
        return {"coverage": 0.0, "novelty": 0.0, "diversity": 0.0}
    shown = np.concatenate(used)
    alike = [content.alikeness(each) for each in used if len(each) > 1]
    pairs = [(m.sum() - np.trace(m)) / (len(m) * (len(m) - 1)) for m in alike]
    return {
        "coverage": len(np.unique(shown)) / size,
        "novelty": float(-np.log2(np.maximum(viewers[shown], 1.0) / users).mean()),
        "diversity": float(1.0 - np.mean(pairs)) if pairs else 0.0,
    }


def _ordered(rows: Mapping[str, Row]) -> dict[str, Row]:
    """Return ours first, then baselines, sources and ablations, each best first."""

    def place(name: str) -> tuple[int, float, str]:
        group = (OURS, SHOWN).index(name) if name in {OURS, SHOWN} else 2
        group = 3 if name.startswith("source_") else group
        group = 4 if name.startswith("without_") else group
        return group, -rows[name]["ndcg10"], name

    return {name: rows[name] for name in sorted(rows, key=place)}
