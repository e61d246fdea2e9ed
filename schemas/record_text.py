"""What the record of one partner says its title is about, to be encoded; and the vector of it."""

from pydantic import Field

from schemas.codec import WireModel
from schemas.embedding import EncoderVersion, PackedVector, TextHash
from schemas.ids import PartnerId


class RecordText(WireModel):
    """The text of a record that a vector could join with another one; a tombstone: no longer."""

    partner: PartnerId
    partner_id: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=8000)


class RecordVector(WireModel):
    """The unit-length vector of a record's text. Those of two encoders cannot be compared."""

    partner: PartnerId
    partner_id: str = Field(min_length=1, max_length=200)
    encoder: EncoderVersion
    text_hash: TextHash
    vector: PackedVector
