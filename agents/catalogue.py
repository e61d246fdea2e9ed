"""webhooks -> [one state per title, merged by event time] -> contents."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agents.decoding import decoded
from agents.spec import BaseStep, Emit, Outcome, Record, Reject, StreamAgent, TableView
from domain.catalogue.identity import external_content_ids, partner_content_id
from domain.catalogue.mapped import Mapped, MappingError, refusal
from domain.catalogue.mappers import mapper_of
from domain.catalogue.merge import EXTERNAL, Change, ContentState, check, decode_state, encode_state
from infra.metrics import CATALOGUE_UNKNOWN_GENRES
from infra.settings import Settings
from schemas.codec import encode
from schemas.content import Content
from schemas.ids import KEY_SEPARATOR
from schemas.webhook import WebhookReceived
from topics.catalog import CONTENTS, WEBHOOKS

# Table keys: one state per title, and what leads to it.
STATE = "content|"
BY_PARTNER_ID = "partner|"  # + partner | its own id -> content id
BY_EXTERNAL_ID = "external|"  # + imdb:tt... -> content id


class CatalogueStep(BaseStep):
    """Maps payloads, finds the title, merges, emits titles whose canonical content changed."""

    def on_batch(
        self, partition: int, records: Sequence[Record], table: TableView, now_ms: int
    ) -> Outcome:
        """Process webhooks in order; each changed title is emitted once per batch."""
        outcome = Outcome()
        before: dict[str, Content | None] = {}
        states: dict[str, ContentState] = {}
        for record, webhook in decoded(WebhookReceived, records, outcome):
            try:
                changed = self._apply(webhook, table, before, states)
            except MappingError as error:
                read_as = f"{webhook.event_type} read as {webhook.mapper}"
                detail = f"partner {webhook.partner}, {read_as}: {error}"
                outcome.rejects.append(Reject(record, "rule", detail))
                continue
            if changed:
                outcome.applied += 1
            else:
                outcome.deduplicated += 1
        for content_id, state in states.items():
            after = state.content()
            if after != before[content_id]:
                value = None if after is None else encode(after)
                outcome.emits.append(Emit(CONTENTS, content_id.encode(), value, None))
        return outcome

    def _apply(
        self,
        webhook: WebhookReceived,
        table: TableView,
        before: dict[str, Content | None],
        states: dict[str, ContentState],
    ) -> bool:
        """Merge one webhook; return whether the state of its title changed.

        A webhook that was merged before, or that newer ones have wholly overruled, changes nothing.
        """
        mapped = _mapped(webhook)
        removed = webhook.event_type == "content_removed"
        fields = {} if removed else _fields(webhook, mapped)
        check(fields, mapped.availability, mapped.names)
        partner_key = f"{webhook.partner}{KEY_SEPARATOR}{mapped.partner_id}"
        content_id = _resolve(table, webhook.partner, mapped)
        for name, own_id in {} if removed else mapped.links.items():
            fields[name] = _resolve(table, webhook.partner, Mapped(partner_id=own_id))
        if content_id not in states:
            held = table.get(STATE + content_id)
            states[content_id] = ContentState(content_id) if held is None else decode_state(held)
            before[content_id] = states[content_id].content()
        state = states[content_id]
        change = Change(fields, None if removed else mapped.availability, removed)
        state.apply((webhook.occurred_at_ms, webhook.event_id), partner_key, change)
        value = encode_state(state)
        if value == table.get(STATE + content_id):
            return False
        table.put(STATE + content_id, value)
        return True


def _mapped(webhook: WebhookReceived) -> Mapped:
    """Read the payload and check that it holds what its event type needs."""
    mapped = mapper_of(webhook.mapper)(webhook.payload)
    if webhook.event_type == "content_added":
        for name in ("type", "title"):
            if mapped.fields.get(name) is None:
                own = mapped.names.get(name, name)
                raise refusal(own, "a value", None, "content_added needs it")
    if webhook.event_type == "availability_changed":
        if mapped.availability is None:
            advice = "availability_changed needs it; [] says that nobody may see the title"
            raise refusal("availability", "a list of windows", None, advice)
        return replace(mapped, fields={}, external_ids={}, links={})
    if mapped.unknown_genres:
        CATALOGUE_UNKNOWN_GENRES.labels(webhook.mapper).inc(len(mapped.unknown_genres))
    return mapped


def _fields(webhook: WebhookReceived, mapped: Mapped) -> dict[str, Any]:
    external = {f"{EXTERNAL}{kind}": value for kind, value in mapped.external_ids.items()}
    return {**mapped.fields, **external}


def _resolve(table: TableView, partner: str, mapped: Mapped) -> str:
    """Return the content id of a partner's title and remember what leads to it.

    What was decided once stays: first the partner's own id, then any external id that is known.
    This is the one thing that depends on the order of webhooks: a title that was first sent without
    an external id keeps the id of its partner. The single partition gives a replay the same order.
    """
    partner_key = f"{BY_PARTNER_ID}{partner}{KEY_SEPARATOR}{mapped.partner_id}"
    external = external_content_ids(mapped.external_ids)
    known = [table.get(partner_key), *(table.get(BY_EXTERNAL_ID + each) for each in external)]
    found = next((value for value in known if value is not None), None)
    if found is None:
        own = external[0] if external else partner_content_id(partner, mapped.partner_id)
        found = own.encode()
    if known[0] is None:
        table.put(partner_key, found)
    for each, value in zip(external, known[1:], strict=True):
        if value is None:
            table.put(BY_EXTERNAL_ID + each, found)
    return found.decode()


def _create_step(settings: Settings) -> CatalogueStep:
    return CatalogueStep()


SPEC = StreamAgent(
    name="catalogue",
    source=WEBHOOKS,
    table="contents",
    emits=(CONTENTS,),
    create_step=_create_step,
)
