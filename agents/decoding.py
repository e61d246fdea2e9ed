"""Records -> models, for steps: what does not decode becomes a reject with its reason."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from agents.spec import Outcome, Record, Reject
from schemas.codec import DecodeError, WireModel, decode

M = TypeVar("M", bound=WireModel)


def decoded(
    schema: type[M], records: Sequence[Record], outcome: Outcome
) -> Iterator[tuple[Record, M]]:
    """Yield each record with its model; append a reject to ``outcome`` for the others."""
    for record in records:
        try:
            model = decode(schema, record.value)
        except DecodeError as error:
            outcome.rejects.append(Reject(record, "decode", str(error)))
        else:
            yield record, model
