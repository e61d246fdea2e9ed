"""How often models are fitted while ratings go by."""

from typing import NamedTuple

# Prequential: EASE is refit as often, so it decides how hard the baseline is. Small sets are refit
# more often: at the end of the warm-up (a fifth) and three times after it.
REFIT_EVERY, REFITS_MIN = 20_000, 5
RENEWALS = 100  # by default, in all: of latest-small one every 1,008 ratings


class Cadence(NamedTuple):
    """How many ratings lie between two refits of everything, and between two renewals of ours."""

    refit_every: int
    renew_every: int

    def __str__(self) -> str:
        """Say it."""
        return f"refit every {self.refit_every:,} ratings, ours renewed every {self.renew_every:,}"


def cadence(
    ratings: int, refit_every: int | None = None, renew_every: int | None = None
) -> Cadence:
    """Return the cadence for so many ratings; what is None is chosen."""
    return Cadence(
        refit_every or max(1, min(REFIT_EVERY, ratings // REFITS_MIN)),
        renew_every or max(1, ratings // RENEWALS),
    )
