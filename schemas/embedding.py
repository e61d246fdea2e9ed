"""Text embeddings: the vector of one title, and what it was made from."""

from typing import Annotated

from pydantic import Field

from schemas.codec import WireModel
from schemas.ids import ContentId

DIMENSIONS = 384
VECTOR_CHARACTERS = DIMENSIONS * 2 * 4 // 3  # base64 of two bytes each; 768 is a multiple of 3

EncoderVersion = Annotated[
    str,
    Field(min_length=1, max_length=64, description="version: model, tokenizer and text recipe"),
]
TextHash = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{32}$", description="of the encoded text: BLAKE2b, 128 bits, hex"),
]
PackedVector = Annotated[
    str,
    Field(
        min_length=VECTOR_CHARACTERS,
        max_length=VECTOR_CHARACTERS,
        pattern=r"^[A-Za-z0-9+/]*$",
        description="base64 of 384 little-endian float16, each within 2.5e-4 of the encoder's",
    ),
]


class Embedding(WireModel):
    """The unit-length vector of a title. Vectors of different encoders cannot be compared."""

    content_id: ContentId
    encoder: EncoderVersion
    text_hash: TextHash
    vector: PackedVector
