"""Content -> the text that is encoded; vectors of titles -> wire form, and the taste of a viewer.

The encoder itself (``infra.encoder``) sees only text, so what a vector means is decided here.
"""

import base64
import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from schemas.content import Content
from schemas.embedding import DIMENSIONS

TEXT_RECIPE = 1  # raise it when ``text_of`` changes: every title is encoded again
NAMES_MAX = 3  # a name takes as many tokens as a genre list and says less: see docs/models
LIST_ITEMS_MAX = 8
OVERVIEW_CHARACTERS_MAX = 1200  # about 256 tokens of English
TEXT_CHARACTERS_MAX = 2400

Vectors = NDArray[np.float32]
WIRE_TYPE = np.dtype("<f2")  # little-endian float16


def text_of(content: Content) -> str:
    """Return the text that stands for a title, at most ``TEXT_CHARACTERS_MAX`` characters.

    The most telling first, because the encoder reads only the beginning of a long text. Empty when
    nothing but blanks, a year and a type is known: such a title is like no other.

    >>> text_of(Content(content_id="m", type="movie", title="Metropolis", release_year=1927,
    ...                 genres=("Drama",), directors=("Fritz Lang",), updated_at_ms=0))
    'Metropolis (1927). movie. Genres: Drama. Directed by Fritz Lang.'
    """
    title = _flat(content.title)
    described = [
        _list("Genres: ", content.genres, LIST_ITEMS_MAX),
        _list("Directed by ", content.directors, NAMES_MAX),
        _list("With ", content.cast, NAMES_MAX),
        _list("Themes: ", content.themes, LIST_ITEMS_MAX),
        _list("Moods: ", content.moods, LIST_ITEMS_MAX),
        _flat(content.overview or "")[:OVERVIEW_CHARACTERS_MAX],
    ]
    if not title and not any(described):
        return ""
    year = "" if content.release_year is None else f"({content.release_year})"
    head = " ".join(part for part in (title, year) if part)
    sentences = [head, content.type, *described]
    text = " ".join(_sentence(part) for part in sentences if part)
    return text[:TEXT_CHARACTERS_MAX].rstrip()


def _flat(text: str) -> str:
    """Return ``text`` with every run of blanks and line ends as one space."""
    return " ".join(text.split())


def _list(label: str, names: Iterable[str], names_max: int) -> str:
    known = [name for name in map(_flat, names) if name][:names_max]
    return label + ", ".join(known) if known else ""


def _sentence(part: str) -> str:
    return part if part.endswith((".", "!", "?")) else part + "."


def text_hash(text: str) -> str:
    """Return 32 hex digits that are the same if and only if the text is."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def pack(vector: Vectors) -> str:
    """Return a vector of shape (384,) as base64 of little-endian float16.

    Elements of a unit vector are at most 1, so rounding moves each by at most 2^-12 (2.5e-4).

    Raises:
        ValueError: another shape, or an element that is not finite.
    """
    if vector.shape != (DIMENSIONS,) or not np.isfinite(vector).all():
        raise ValueError(f"not {DIMENSIONS} finite numbers: shape {vector.shape}")
    return base64.b64encode(vector.astype(WIRE_TYPE).tobytes()).decode()


def unpack(packed: str) -> Vectors:
    """Return the vector that ``pack`` was given, float32 of shape (384,), rounded.

    Raises:
        ValueError: not base64, or not of 384 numbers.
    """
    vector = np.frombuffer(base64.b64decode(packed, validate=True), WIRE_TYPE)
    if vector.shape != (DIMENSIONS,):
        raise ValueError(f"{vector.size} numbers instead of {DIMENSIONS}")
    return vector.astype(np.float32)


def taste_vector(
    vectors: Vectors,
    evidence: NDArray[np.float64],
    watched_at_ms: NDArray[np.int64],
    half_life_ms: float,
) -> Vectors | None:
    """Return the mean of title vectors, weighted by evidence and recency, L2-normalised.

    A title weighs evidence * 2^(-age / half_life), age counted from the newest title that counts:
    only ratios of weights matter, so no clock is needed and an old profile does not underflow.
    Titles without evidence do not count.

    Args:
        vectors: one row a title, shape (n, d), unit length.
        evidence: how much each title speaks for the viewer's taste (``domain.evidence``), shape
            (n,), 0 to 1.
        watched_at_ms: when each was watched last, shape (n,), Unix milliseconds.
        half_life_ms: after this time a title weighs half as much; above 0.

    Returns: shape (d,), unit length; None when no title counts, or they cancel each other out.

    Raises:
        ValueError: ``half_life_ms`` is not above 0.
    """
    if not half_life_ms > 0:
        raise ValueError(f"a half-life of {half_life_ms} ms")
    counts = evidence > 0
    if not counts.any():
        return None
    at_ms = watched_at_ms[counts]
    weights = evidence[counts] * np.exp2((at_ms - at_ms.max()) / half_life_ms)
    total = weights @ vectors[counts].astype(np.float64)
    length = float(np.linalg.norm(total))
    # Rounding leaves about 1e-7 of vectors that cancel out; that has no direction.
    if length <= 1e-6 * weights.sum():
        return None
    taste: Vectors = (total / length).astype(np.float32)
    return taste
