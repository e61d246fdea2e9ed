"""What the record of one partner says its title is about, to be encoded; and the vector of it."""

from typing import Annotated

from pydantic import Field

from schemas.codec import WireModel
from schemas.embedding import EncoderVersion, PackedVector, TextHash
from schemas.ids import PartnerId

# What a mapper makes of a partner's own id, which has at most 200 characters: "episode-82".
RecordId = Annotated[str, Field(min_length=1, max_length=256)]


class RecordText(WireModel):
    """The text of a record that a vector could join with another one; a tombstone: no longer."""

    partner: PartnerId
    partner_id: RecordId
    text: str = Field(min_length=1, max_length=8000)


class RecordVector(WireModel):
    """The unit-length vector of a record's text. Those of two encoders cannot be compared."""

    partner: PartnerId
    partner_id: RecordId
    encoder: EncoderVersion
    text_hash: TextHash
    vector: PackedVector
