"""A fitted model as it is published: what it says, how good it is, when it was fitted."""

from pydantic import Field

from schemas.codec import WireModel

COEFFICIENTS_MAX = 100


class Coefficient(WireModel):
    """One coefficient on the scale of its regressor; the first of a model is ``intercept``."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)
    value: float
    standard_error: float | None = Field(
        default=None, ge=0, description="absent: the regressor was dropped, its value is 0"
    )


class ModelReport(WireModel):
    """The newest usable fit of one model, versioned.

    ``metrics`` holds ``ece`` (expected calibration error, 0-1) and ``log_loss`` (nats a row), both
    of rows that were not learned from unless ``note`` says otherwise, and ``log_likelihood`` and
    ``deviance`` of the fitted rows.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9\-]*$", max_length=64)
    version: int = Field(ge=0, description="sum of the source offsets that were fitted")
    fitted_at_ms: int = Field(ge=0, description="when the fit began, Unix milliseconds")
    fit_seconds: float = Field(ge=0)
    rows: int = Field(ge=0, description="starts whose outcome was known")
    converged: bool = Field(description="false: a later fit failed and this one is kept")
    equation: str = Field(max_length=8000)
    coefficients: tuple[Coefficient, ...] = Field(max_length=COEFFICIENTS_MAX)
    metrics: dict[str, float]
    note: str | None = Field(default=None, max_length=4000, description="what was done, and why")
