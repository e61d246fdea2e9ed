"""Titles as partners write them -> forms that can be compared, and how alike two titles are.

A form is the title without what people write differently and mean alike: case, diacritics,
punctuation, an English article ("The Matrix", "Matrix, The"), "&", Roman numerals. A title has one
main form and may have others, in parentheses ("Amelie (Le fabuleux destin)"). Nothing else is taken
away, and no likeness is scaled: it is the normalised Levenshtein similarity of two forms.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

LIKENESS_MIN = 0.9
FORM_MAX = 80  # longer titles are compared by their first 80 characters
FORMS_MAX = 4
ALTERNATIVE_LETTERS_MIN = 3  # "(US)" is no title
_CACHED_TITLES = 4096

_PARENTHESES = re.compile(r"\(([^()]*)\)")
_ALSO_KNOWN = re.compile(r"^\s*a\.?\s?k\.?\s?a\.?:?\s+", re.IGNORECASE)
_NO_WORD = re.compile(r"[^\w]+|_")
_YEAR = re.compile(r"(?:18|19|20|21)[0-9]{2}")
_ARTICLES = (
    "the|a|an|"  # English
    "le|la|les|l|un|une|"  # French
    "der|die|das|ein|eine|"  # German
    "el|los|las|una|"  # Spanish
    "il|lo|gli|i|"  # Italian
    "o|os|as|um|uma|"  # Portuguese
    "de|het|een|"  # Dutch
    "den|det|en|et"  # Danish, Norwegian, Swedish
)
_TRAILING_ARTICLE = re.compile(rf"^(.+), ({_ARTICLES})'?$", re.IGNORECASE)
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "ł": "l", "þ": "th"})
_LEADING_ARTICLES = frozenset({"the", "a", "an"})
_PART_NUMBER = re.compile(
    r"\s*(?:part|pt|chapter|volume|vol|book|season)?\W*(?:[0-9]+|[ivx]+)\s*", re.I
)
_APOSTROPHES = str.maketrans("", "", "'`\u2018\u2019\u02bc\u00b4")
_ROMAN = {
    "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9",
    "x": "10", "xi": "11", "xii": "12", "xiii": "13",
}  # fmt: skip
_NUMBER_WORDS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "i": "1",
}  # fmt: skip
_COUNTED = frozenset({"part", "chapter", "volume", "vol", "episode", "season", "book"})


class Form(NamedTuple):
    """One comparable form: its text and the numbers in it, which must agree exactly."""

    text: str
    numbers: tuple[str, ...]
    is_main: bool


@lru_cache(maxsize=_CACHED_TITLES)
def forms_of(title: str) -> tuple[Form, ...]:
    """Return the forms of a title, the main one first; empty when it has no letter or digit.

    >>> [form.text for form in forms_of("City of Lost Children, The (Cité des enfants perdus, La)")]
    ['city of lost children', 'la cite des enfants perdus']
    """
    alternatives: list[str] = []
    main = _PARENTHESES.sub(lambda found: _set_aside(found[1], alternatives), title)
    texts = dict.fromkeys(filter(None, map(plain, (main, *alternatives))))
    if not texts:  # all in parentheses
        texts = dict.fromkeys(filter(None, [plain(title)]))
    return tuple(
        Form(text, _numbers(text), number == 0)
        for number, text in enumerate(list(texts)[:FORMS_MAX])
    )


def _set_aside(inside: str, alternatives: list[str]) -> str:
    """Take an alternative title out of the main one; a part number stays, a year goes."""
    if _YEAR.fullmatch(inside.strip()):
        return ""
    text = _ALSO_KNOWN.sub("", inside)
    is_name = text != inside or sum(map(str.isalpha, text)) >= ALTERNATIVE_LETTERS_MIN
    if not is_name or _PART_NUMBER.fullmatch(text):
        return f" {inside}"
    alternatives.append(text)
    return ""


def plain(text: str) -> str:
    """Return ``text`` as one form: words in lower case with single spaces between them.

    >>> plain("Matrix, The"), plain("Rocky IV"), plain("Pâté & Co.: Part Two")
    ('matrix', 'rocky 4', 'pate and co part 2')
    """
    moved = _TRAILING_ARTICLE.match(text.strip())
    if moved:
        text = f"{moved[2]} {moved[1]}"
    folded = text if text.isascii() else _without_marks(text)
    folded = folded.casefold().translate(_APOSTROPHES).replace("&", " and ")
    if not folded.isascii():
        folded = folded.translate(_LETTERS)
    words = _NO_WORD.sub(" ", folded).split()
    if len(words) > 1 and words[0] in _LEADING_ARTICLES:
        del words[0]
    return " ".join(_as_digits(words))[:FORM_MAX].rstrip()


def _without_marks(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(each for each in decomposed if not unicodedata.combining(each))


def _as_digits(words: list[str]) -> Iterator[str]:
    """Roman numerals after the first word, and number words after "part", become digits."""
    for place, word in enumerate(words):
        counted = place > 0 and words[place - 1] in _COUNTED
        if place > 0 and word in _ROMAN:
            yield _ROMAN[word]
        else:
            yield _NUMBER_WORDS.get(word, word) if counted else word


def _numbers(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split() if word.isdigit())


def likeness(left: tuple[Form, ...], right: tuple[Form, ...]) -> float:
    """Return how alike two titles are, ``LIKENESS_MIN`` to 1; 0 when they are not.

    The best pair of forms counts. One of the two must be a main form, and their numbers must be the
    same: a part 2 is not a part 3, however long the rest is.

    >>> likeness(forms_of("Matrix, The"), forms_of("The Matrix"))
    1.0
    """
    best = 0.0
    for one in left:
        for other in right:
            if not (one.is_main or other.is_main) or one.numbers != other.numbers:
                continue
            if one.text == other.text:
                return 1.0
            best = max(
                best,
                Levenshtein.normalized_similarity(one.text, other.text, score_cutoff=LIKENESS_MIN),
            )
    return best
