"""How a slate came about, written down with it: terms of its entries, rules, and the pool.

Numbers are rounded: the terms and the lift of an entry add up to its score within 1e-5.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson

from domain.ranking.curation import Lifted
from domain.ranking.history import Floats, History, Indices
from domain.ranking.reasons import Terms
from domain.ranking.selection import DECIMALS
from domain.slate_index import ContentSide
from domain.sources.registry import NAMES
from domain.sources.source import Region

Json = dict[str, Any]


class Pool(NamedTuple):
    """The best of the candidates by score and their rounded scores, best first.

    ``taken`` are those that relevance and variety chose, ``candidates`` how many there were.
    """

    titles: Indices
    scores: Floats
    taken: list[int]
    candidates: int


class Made(NamedTuple):
    """What a slate was made of: its titles with their terms, and what decided about them.

    ``pins`` are the rules that pin titles, by title; ``filters`` the rules that kept titles out.
    """

    titles: list[int]
    terms: Terms
    lifted: Lifted
    pins: dict[int, str]
    pool: Pool
    region: Region
    age_max: int
    filters: tuple[str, ...]


def with_ranking(value: bytes, content: ContentSide, history: History, made: Made) -> bytes:
    """Return an encoded slate with its ``ranking`` (``schemas.slate.SlateRanking``)."""
    ids, pool = content.ids, made.pool
    shown = frozenset(made.titles)
    terms = np.concatenate([made.terms.personal, made.terms.common]).round(DECIMALS)
    ranking: Json = {} if made.region is None else {"region": made.region}
    ranking |= {
        "age_max": made.age_max,
        "filters": made.filters,
        "candidates": pool.candidates,
        "sources": NAMES,
        "terms": np.ascontiguousarray(terms.T) + 0.0,  # and no -0.0
        "because": _because(ids, history, made.terms),
        **_curated(ids, made),
        "pool": dict(
            zip([ids[title] for title in pool.titles.tolist()], pool.scores.tolist(), strict=True)
        ),
        "displaced": [ids[title] for title in pool.taken if title not in shown],
    }
    encoded = orjson.dumps(ranking, option=orjson.OPT_SERIALIZE_NUMPY)
    return value[:-1] + b',"ranking":' + encoded + b"}"


def _because(ids: Sequence[str], history: History, terms: Terms) -> list[dict[str, float]]:
    """Return the entries of the history with the largest terms of each pick, and these terms."""
    if not len(history.titles):
        return [{} for _ in terms.suspects]
    titles = history.titles[terms.suspects].tolist()  # of ``NOBODY`` any, with a term of 0
    values = terms.suspected.round(DECIMALS).tolist()
    return [
        {ids[title]: value for title, value in zip(of, by, strict=True) if value}
        for of, by in zip(titles, values, strict=True)
    ]


def _curated(ids: Sequence[str], made: Made) -> Json:
    """Return what ranking rules add to the titles, and which rules act on each; only where any."""
    lifted = made.lifted
    rules: dict[str, list[str]] = {ids[title]: [rule] for title, rule in made.pins.items()}
    lifts: dict[str, float] = {}
    if lifted.lifts is not None:
        others = [title for title in made.pool.titles.tolist() if title not in made.titles]
        titles = np.array([*made.titles, *others], dtype=np.int64)
        for each in (*lifted.boosts, *lifted.buries):
            for title in titles[each.matches[titles]].tolist():
                rules.setdefault(ids[title], []).append(each.rule_id)
        values = zip(titles.tolist(), lifted.lifts[titles].round(DECIMALS).tolist(), strict=True)
        lifts = {ids[title]: value for title, value in values if value}
    return {"lifts": lifts, "rules": rules}
