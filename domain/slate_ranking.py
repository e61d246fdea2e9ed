"""How a slate came about, written down with it: terms of its entries, rules, and the pool.

It is written packed (``schemas.slate.PackedRanking``): slates are seldom explained.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson

from domain.packed_ranking import UNIT
from domain.ranking.curation import Lifted
from domain.ranking.history import Floats, History, Indices
from domain.ranking.reasons import Terms
from domain.ranking.selection import DECIMALS
from domain.slate_index import ContentSide
from domain.sources.registry import NAMES
from domain.sources.source import Region

Json = dict[str, Any]
_NAMES = np.array(NAMES, dtype=object)


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
    """Return an encoded slate with its ``packed_ranking``."""
    ids, pool = content.ids, made.pool
    shown = frozenset(made.titles)
    ranking: Json = {} if made.region is None else {"region": made.region}
    ranking |= {
        "age_max": made.age_max,
        "filters": made.filters,
        "candidates": pool.candidates,
        **_terms(made.terms),
        **_because(ids, history, made.terms),
        **_curated(ids, made),
        **_pool(ids, made, shown),
        "displaced": [ids[title] for title in pool.taken if title not in shown],
    }
    encoded = orjson.dumps(ranking, option=orjson.OPT_SERIALIZE_NUMPY)
    return value[:-1] + b',"packed_ranking":' + encoded + b"}"


def _terms(terms: Terms) -> Json:
    """Return the terms of each pick, of those sources that have any."""
    found = _units(np.concatenate([terms.personal, terms.common]))
    speaks = found.any(axis=1)
    return {"sources": _NAMES[speaks].tolist(), "terms": np.ascontiguousarray(found[speaks].T)}


def _because(ids: Sequence[str], history: History, terms: Terms) -> Json:
    """Return the entries of the history with the largest terms of each pick, and these terms."""
    values, suspects = _units(terms.suspected), terms.suspects
    count = len(history.titles)
    if not count:
        return {"causes": [], "because": [[] for _ in suspects]}
    named = np.zeros(count, dtype=np.int64)
    named[suspects[values != 0]] = 1  # of ``NOBODY`` the term is 0
    causes = np.flatnonzero(named)
    because = np.zeros((*values.shape, 2), dtype=np.int64)
    because[..., 0] = (named.cumsum() - 1)[suspects] * (values != 0)
    because[..., 1] = values
    return {
        "causes": [ids[title] for title in history.titles[causes].tolist()],
        "because": because.reshape(len(values), 2 * values.shape[1]),
    }


def _pool(ids: Sequence[str], made: Made, shown: frozenset[int]) -> Json:
    """Return the ranks of the picks, and the other titles of the pool with their scores."""
    titles = made.pool.titles.tolist()
    ranks = {title: rank for rank, title in enumerate(titles, 1) if title in shown}
    is_other = np.ones(len(titles), dtype=np.bool_)
    is_other[[rank - 1 for rank in ranks.values()]] = False
    drops = -_units(made.pool.scores[is_other])
    drops[1:] -= drops[:-1]
    return {
        "ranks": [ranks.get(title, 0) for title in made.titles],
        "pool": list(map(ids.__getitem__, made.pool.titles[is_other].tolist())),
        "drops": drops,
    }


def _units(values: Floats) -> Indices:
    return np.rint(values * UNIT).astype(np.int64)


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
