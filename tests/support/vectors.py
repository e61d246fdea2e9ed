"""Vectors of record texts without the model: an angle in a plane stands for what a text says."""

import numpy as np

from domain.catalogue.texts import Vector
from domain.embedding import pack, text_hash, unpack
from schemas.embedding import DIMENSIONS

OVERVIEWS = (
    "A hacker learns that the world he lives in is simulated by machines that feed on people.",
    "A programmer finds out that what he takes for the world is a simulation made by machines.",
)


def packed_at(angle: float) -> str:
    """Return the unit vector at an angle in degrees, as it travels."""
    values = np.zeros(DIMENSIONS, np.float32)
    values[:2] = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return pack(values)


def vector_at(text: str, angle: float, encoder: str = "new") -> Vector:
    """Return the vector of a text, as the catalogue hears of it."""
    return Vector(encoder, text_hash(text), unpack(packed_at(angle)))
