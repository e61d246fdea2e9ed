"""The 18 canonical genres and what partners call them."""

from collections.abc import Iterable

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
    "horror movies": ("Horror",),
    "tv horror": ("Horror",),
    "musical": ("Music",),
    "musicals": ("Music",),
    "music & musicals": ("Music",),
    "mysteries": ("Mystery",),
    "tv mysteries": ("Mystery",),
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


def canonical_genres(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (canonical genres in the partner's order, names that are not known).

    The unknown ones are dropped from the content; callers count them.
    """
    known: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for name in names:
        found = _BY_NAME.get(" ".join(name.lower().split()))
        if found is None:
            unknown[name] = None
        else:
            known.update(dict.fromkeys(found))
    return tuple(known), tuple(unknown)
