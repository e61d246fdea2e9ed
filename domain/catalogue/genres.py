"""The 18 canonical genres and what partners call them.

A name is looked up among genres and synonyms, then taken for the genre or synonym that it is most
like, if it is like enough (a typing mistake, a plural). Any other is dropped and counted.
"""

from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

SIMILARITY_MIN = 0.8
_CACHED_NAMES = 4096

GENRES = (
    "Action", "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Family",
    "Fantasy", "History", "Horror", "Music", "Mystery", "Romance", "Science Fiction", "Thriller",
    "War", "Western",
)  # fmt: skip

# Partner's name in lower case -> canonical genres. A name that says nothing about genre
# ("International Movies", "TV Shows") is left out on purpose: it is dropped and counted.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "action & adventure": ("Action", "Adventure"),
    "action-adventure": ("Action", "Adventure"),
    "tv action & adventure": ("Action", "Adventure"),
    "anime": ("Animation",),
    "anime features": ("Animation",),
    "anime series": ("Animation",),
    "animated": ("Animation",),
    "cartoon": ("Animation",),
    "biography": ("History",),
    "biopic": ("History",),
    "historical": ("History",),
    "children": ("Family",),
    "children & family movies": ("Family",),
    "kids": ("Family",),
    "kids' tv": ("Family",),
    "comedies": ("Comedy",),
    "tv comedies": ("Comedy",),
    "sitcom": ("Comedy",),
    "stand-up comedy": ("Comedy",),
    "stand-up comedy & talk shows": ("Comedy",),
    "crime tv shows": ("Crime",),
    "documentaries": ("Documentary",),
    "docuseries": ("Documentary",),
    "science & nature tv": ("Documentary",),
    "dramas": ("Drama",),
    "tv dramas": ("Drama",),
    "espionage": ("Thriller",),
    "film-noir": ("Crime",),
    "horror movies": ("Horror",),
    "tv horror": ("Horror",),
    "musical": ("Music",),
    "musicals": ("Music",),
    "music & musicals": ("Music",),
    "mysteries": ("Mystery",),
    "tv mysteries": ("Mystery",),
    "nature": ("Documentary",),
    "romantic": ("Romance",),
    "romantic movies": ("Romance",),
    "romantic tv shows": ("Romance",),
    "sci-fi": ("Science Fiction",),
    "scifi": ("Science Fiction",),
    "sci-fi & fantasy": ("Science Fiction", "Fantasy"),
    "tv sci-fi & fantasy": ("Science Fiction", "Fantasy"),
    "suspense": ("Thriller",),
    "thrillers": ("Thriller",),
    "tv thrillers": ("Thriller",),
    "westerns": ("Western",),
}
_BY_NAME = {genre.lower(): (genre,) for genre in GENRES} | SYNONYMS
_NAMES = sorted(_BY_NAME)  # of two names equally alike the first counts


def canonical_genres(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (canonical genres in the partner's order, names that are not known).

    The unknown ones are dropped from the content; callers count them.

    >>> canonical_genres(["Sci-Fi", "Thriler", "TV Shows"])
    (('Science Fiction', 'Thriller'), ('TV Shows',))
    """
    known: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for name in names:
        found = _genres_of(" ".join(name.lower().split()))
        if found:
            known.update(dict.fromkeys(found))
        else:
            unknown[name] = None
    return tuple(known), tuple(unknown)


@lru_cache(maxsize=_CACHED_NAMES)
def _genres_of(name: str) -> tuple[str, ...]:
    if name in _BY_NAME:
        return _BY_NAME[name]
    best = process.extractOne(
        name, _NAMES, scorer=Levenshtein.normalized_similarity, score_cutoff=SIMILARITY_MIN
    )
    return () if best is None else _BY_NAME[best[0]]
