"""Names of partners as metric labels: known ones only, and not without end.

One bound for all metrics of partners, so that those of the API and of the catalogue can be joined.
A label costs some 13 series in each histogram of each process, and one per field in a counter of
refusals: for 100 partners that is a few thousand series of a process.
"""

LABELS_MAX = 100
UNKNOWN = "unknown"
OTHERS = "others"


class PartnerLabels:
    """Gives each known partner its name as label, up to ``LABELS_MAX`` of them in one process."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def of(self, partner: str | None) -> str:
        """Return the label of a partner that has a row; None is ``UNKNOWN``."""
        if partner is None:
            return UNKNOWN
        if partner not in self._names:
            if len(self._names) >= LABELS_MAX:
                return OTHERS
            self._names.add(partner)
        return partner
