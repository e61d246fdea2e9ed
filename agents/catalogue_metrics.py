"""What is measured of partners: how late, how complete, and why refused. Labels stay bounded."""

from collections.abc import Mapping

from domain.catalogue.facts import EXTERNAL
from domain.catalogue.quality import quality_of
from domain.catalogue.record import RecordState, partner_of
from infra.metrics import (
    CATALOGUE_LAG,
    CATALOGUE_QUALITY,
    CATALOGUE_REFUSED,
    CATALOGUE_UNKNOWN_GENRES,
)
from infra.partner_labels import PartnerLabels


class CatalogueMetrics:
    """Counts by partner. The average of quality is over the records that are offered now."""

    def __init__(self) -> None:
        self._labels = PartnerLabels()
        self._scores: dict[str, int] = {}  # thousandths: they add up exactly
        self._sums: dict[str, tuple[int, int]] = {}

    def received(self, partner: str, received_at_ms: int, now_ms: int) -> None:
        """Note how long a webhook waited since the gateway accepted it."""
        waited_s = max(0, now_ms - received_at_ms) / 1000
        CATALOGUE_LAG.labels(self._labels.of(partner)).observe(waited_s)

    def refused(self, partner: str, field_name: str) -> None:
        """Count a refusal by the field that was wrong; positions in lists are left out."""
        column = field_name.partition(".")[0].partition("[")[0]
        CATALOGUE_REFUSED.labels(self._labels.of(partner), column).inc()

    def dropped_genres(self, mapper: str, count: int) -> None:
        """Count names that are no genre."""
        if count:
            CATALOGUE_UNKNOWN_GENRES.labels(mapper).inc(count)

    def restart(self, states: Mapping[str, RecordState]) -> None:
        """Begin again with the records of the table."""
        self._scores, self._sums = {}, {}
        self.changed(states)

    def changed(self, states: Mapping[str, RecordState]) -> None:
        """Take in records that changed."""
        labels = {self._take(key, state) for key, state in states.items()}
        for label in labels:
            total, count = self._sums[label]
            CATALOGUE_QUALITY.labels(label).set(total / count / 1000 if count else 0)

    def _take(self, key: str, state: RecordState) -> str:
        label = self._labels.of(partner_of(key)[0])
        before = self._scores.pop(key, None)
        score = _score(state)
        total, count = self._sums.get(label, (0, 0))
        if before is not None:
            total, count = total - before, count - 1
        if score is not None:
            total, count = total + score, count + 1
            self._scores[key] = score
        self._sums[label] = (total, count)
        return label


def _score(state: RecordState) -> int | None:
    values = {name: value for name, (_, value) in state.fields.items()}
    if not state.present or not values.get("type"):
        return None
    external = any(name.startswith(EXTERNAL) for name in values)
    return round(quality_of(values["type"], {**values, "external_ids": external}).score * 1000)
