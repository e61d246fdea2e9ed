"""Mappers by the name that a partner is created with: one line each."""

from collections.abc import Callable, Mapping
from typing import Any

from domain.catalogue.mapped import Mapped, refusal
from domain.catalogue.mappers.film_catalogue import film_catalogue
from domain.catalogue.mappers.generic import generic
from domain.catalogue.mappers.netflix_titles import netflix_titles
from domain.catalogue.mappers.series_catalogue import series_catalogue

Mapper = Callable[[Mapping[str, Any]], Mapped]

MAPPERS: dict[str, Mapper] = {
    "generic": generic,
    "film-catalogue": film_catalogue,
    "netflix-titles": netflix_titles,
    "series-catalogue": series_catalogue,
}


def mapper_of(name: str) -> Mapper:
    """Return the mapper called ``name``.

    Raises:
        MappingError: there is none.
    """
    if name not in MAPPERS:
        advice = "the operators choose it, nothing is wrong with the payload"
        raise refusal("mapper", f"one of {', '.join(MAPPERS)}", name, advice)
    return MAPPERS[name]
