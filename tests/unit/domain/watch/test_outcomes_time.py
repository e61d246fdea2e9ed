"""No interaction is dated after the newest event of its user."""

from hypothesis import given
from hypothesis import strategies as st

from domain.watch import outcomes
from domain.watch.ledger import UserLedger
from tests.unit.domain.watch.builders import an_event, model

DAY_MS = 86_400_000


@given(st.integers(0, DAY_MS - 1), st.integers(0, DAY_MS - 1))
def test_abandonment_is_not_dated_in_the_future(first_ms, second_ms):
    ledger = UserLedger(None)
    began = 20_000 * DAY_MS + first_ms
    newest = 20_180 * DAY_MS + second_ms
    for content, at in (("film-1", began), ("film-2", newest)):
        event = an_event(
            content_id=content, occurred_at_ms=at, position_s=600.0, duration_s=6000.0,
            event_id=content,
        )  # fmt: skip
        changes = outcomes.apply(ledger, model(event), 180) or []
    [abandoned] = [change for change in changes if change.kind == "abandoned"]
    assert abandoned.content_id == "film-1"
    assert abandoned.occurred_at_ms <= newest
