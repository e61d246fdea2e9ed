"""What is wrong with a model is said in words of JSON, each fault once."""

from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, Field, ValidationError

from schemas.codec import WireModel, describe


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("expected an even number")
    return value


class Sample(WireModel):
    numbers: tuple[Annotated[int, AfterValidator(_even)], ...] = Field(default=(2,), min_length=1)
    inner: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ([], "body: expected an object"),
        ({"inner": []}, "inner: expected an object"),
        ({"numbers": []}, "numbers: List should have at least 1 item after validation, not 0"),
        ({"numbers": [1]}, "numbers.0: expected an even number"),
        ({"numbers": [1, 3, 5, 7]}, "; ".join(
            f"numbers.{place}: expected an even number" for place in range(3)) + "; and 1 more"),
        ({"numbers": [1], "inner": 1}, "numbers.0: expected an even number; inner: expected an "
         "object"),
    ],
)  # fmt: skip
def test_problems_are_described(document: Any, line: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate(document)
    assert describe(caught.value) == line
