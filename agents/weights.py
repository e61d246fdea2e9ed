"""The value model <-> the record in which it travels."""

from domain.ranking.value_model import ValueModel
from schemas.value_model import SourceWeight
from schemas.value_model import ValueModel as ValueModelRecord

MODEL_NAME = "default"


def record_of(model: ValueModel) -> ValueModelRecord:
    """Return the model as it is published."""
    columns = zip(
        model.names, model.weights.T.tolist(), model.squares.T.tolist(), model.scales.tolist(),
        strict=True,
    )  # fmt: skip
    return ValueModelRecord(
        name=MODEL_NAME,
        learned=model.learned,
        sources=tuple(
            SourceWeight(
                source=name, cold=weights[0], warm=weights[1],
                cold_squares=squares[0], warm_squares=squares[1], scale=scale,
            )
            for name, weights, squares, scale in columns
        ),
    )  # fmt: skip


def take_weights(model: ValueModel, record: ValueModelRecord) -> None:
    """Set the weights of a model; sources that the record does not know keep what they have."""
    places = {name: place for place, name in enumerate(model.names)}
    for each in record.sources:
        place = places.get(each.source)
        if place is not None:
            model.weights[:, place] = (each.cold, each.warm)
            model.squares[:, place] = (each.cold_squares, each.warm_squares)
            model.scales[place] = each.scale
    model.learned = record.learned
