"""Maturity ratings of several systems -> the youngest age that a title is meant for.

Ages of the MPA's and of the US TV ratings as their boards describe them; where a board names no age
("parental guidance"), 7, the age of TV-Y7 beside which services list these.
"""

import re

AGE_MAX = 99  # of a title without a rating that is known: it passes no limit but this one

_AGES = {
    "g": 0, "pg": 7, "pg-13": 13, "r": 17, "nc-17": 18,
    "tv-y": 0, "tv-y7": 7, "tv-y7-fv": 7, "tv-g": 0, "tv-pg": 7, "tv-14": 14, "tv-ma": 17,
    "u": 0,
}  # fmt: skip
# FSK 12, 16+, 12A, PEGI 18: a system that puts the age into the name.
_IN_THE_NAME = re.compile(r"(?:fsk|pegi|bbfc)?[ -]?([01]?\d)[a+]?", re.ASCII)


def age_of(rating: str | None) -> int:
    """Return the age (years, 0-18) that a rating names, ``AGE_MAX`` if it names none.

    >>> age_of("PG-13"), age_of("FSK 16"), age_of("12A"), age_of("Not Rated"), age_of(None)
    (13, 16, 12, 99, 99)
    """
    text = (rating or "").strip().lower()
    named = _IN_THE_NAME.fullmatch(text)
    age = int(named[1]) if named else _AGES.get(text, AGE_MAX)
    return age if age <= 18 else AGE_MAX
