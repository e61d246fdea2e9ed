"""How a slate came about, written down with it: terms of its entries, rules, and the pool.

It is written packed (``schemas.slate.PackedRanking``): slates are seldom explained.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
from numba import types

from domain.compiled import FLOATS, INT, INTS, TABLE, compiled, inlined
from domain.packed_ranking import UNIT
from domain.ranking.curation import Lifted
from domain.ranking.history import Floats, History, Indices
from domain.ranking.reasons import Terms
from domain.ranking.selection import DECIMALS
from domain.slate_index import ContentSide
from domain.sources.registry import NAMES
from domain.sources.source import Region

Json = dict[str, Any]
_TABLE_OF_INTS = INT[:, ::1]


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
        **_pool(ids, made),
        "displaced": [ids[title] for title in pool.taken if title not in shown],
    }
    encoded = orjson.dumps(ranking, option=orjson.OPT_SERIALIZE_NUMPY)
    return value[:-1] + b',"packed_ranking":' + encoded + b"}"


def _terms(terms: Terms) -> Json:
    """Return the terms of each pick, of those sources that have any."""
    sources, units = _spoken(terms.personal, terms.common)
    return {"sources": [NAMES[source] for source in sources.tolist()], "terms": units}


def _because(ids: Sequence[str], history: History, terms: Terms) -> Json:
    """Return the entries of the history with the largest terms of each pick, and these terms."""
    causes, because = _named(terms.suspects, terms.suspected, len(history.titles))
    titles = history.titles[causes].tolist()
    return {"causes": [ids[title] for title in titles], "because": because}


def _pool(ids: Sequence[str], made: Made) -> Json:
    """Return the ranks of the picks, and the other titles of the pool with their scores."""
    picks = np.array(made.titles, dtype=np.int64)
    ranks, others, drops = _ranked(made.pool.titles, made.pool.scores, picks)
    return {"ranks": ranks, "pool": [ids[title] for title in others.tolist()], "drops": drops}


@inlined
def _units(value: float) -> int:
    return int(np.rint(value * UNIT))


@compiled(types.Tuple((INTS, _TABLE_OF_INTS)), TABLE, TABLE)
def _spoken(personal: Floats, common: Floats) -> tuple[Indices, Indices]:
    """Return the sources that have a term, and their terms in units, shape (picks, sources)."""
    first, picks = len(personal), personal.shape[1]
    units = np.empty((first + len(common), picks), dtype=np.int64)
    speaks = np.zeros(len(units), dtype=np.bool_)
    for source in range(len(units)):
        for pick in range(picks):
            term = personal[source, pick] if source < first else common[source - first, pick]
            units[source, pick] = _units(term)
            speaks[source] |= units[source, pick] != 0
    sources = np.flatnonzero(speaks)
    found = np.empty((picks, len(sources)), dtype=np.int64)
    for place in range(len(sources)):
        found[:, place] = units[sources[place]]
    return sources, found


@compiled(types.Tuple((INTS, _TABLE_OF_INTS)), _TABLE_OF_INTS, TABLE, INT)
def _named(suspects: Indices, terms: Floats, entries: int) -> tuple[Indices, Indices]:
    """Return the entries of the history that have a term, and pairs of their place and term.

    The pairs of a pick are one row, zeros behind them. Of ``NOBODY`` the term is 0.
    """
    place_of = np.full(entries, -1)
    for pick in range(len(suspects)):
        for place in range(suspects.shape[1]):
            if _units(terms[pick, place]) != 0:
                place_of[suspects[pick, place]] = 0
    causes = np.flatnonzero(place_of == 0)
    for place in range(len(causes)):
        place_of[causes[place]] = place
    pairs = np.zeros((len(suspects), 2 * suspects.shape[1]), dtype=np.int64)
    for pick in range(len(suspects)):
        for place in range(suspects.shape[1]):
            term = _units(terms[pick, place])
            if term != 0:
                pairs[pick, 2 * place] = place_of[suspects[pick, place]]
                pairs[pick, 2 * place + 1] = term
    return causes, pairs


@compiled(types.Tuple((INTS, INTS, INTS)), INTS, FLOATS, INTS)
def _ranked(titles: Indices, scores: Floats, picks: Indices) -> tuple[Indices, Indices, Indices]:
    """Return the rank of each pick in a pool, its other titles, and how far each is below.

    A rank is 0 for a pick that is not in the pool. Distances are in units: of the first from 0, of
    another from the one before it.
    """
    ranks = np.zeros(len(picks), dtype=np.int64)
    others, drops = np.empty(len(titles), dtype=np.int64), np.empty(len(titles), dtype=np.int64)
    count = below = 0
    for place in range(len(titles)):
        shown = False
        for pick in range(len(picks)):
            if picks[pick] == titles[place]:
                ranks[pick] = place + 1
                shown = True
        if not shown:
            units = _units(scores[place])
            others[count], drops[count] = titles[place], below - units
            below = units
            count += 1
    return ranks, others[:count], drops[:count]


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
