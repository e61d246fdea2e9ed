"""The audit chain: every change, removal, insertion and swap is found, at its place."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.audit import (
    EMPTY,
    RETENTION_MARGIN_MS,
    UNPUBLISHED_MS_MAX,
    Break,
    Chain,
    Head,
    Kept,
    Published,
    canonical,
    compare,
    digest,
    follow,
    hash_of,
    head_of,
    published,
    verify,
)
from schemas.audit_entry import AuditEntry, AuditFact

DAY_MS = 86_400_000
RETENTION_MS = 30 * DAY_MS
LATER_MS = 2**40 + RETENTION_MS  # the topic may have lost every entry that is made here
texts = st.text(min_size=1, max_size=12)
facts = st.builds(
    AuditFact,
    actor_kind=st.sampled_from(["operator", "cli", "system"]),
    actor=texts,
    action=st.sampled_from(["operator.login", "partner.create", "key.revoke"]),
    subject=texts,
    at_ms=st.integers(0, 2**40),
    before_sha256=st.none() | st.just("a" * 64),
    after_sha256=st.none() | st.just("b" * 64),
    request_id=st.none() | texts,
    source=st.none() | texts,
)
chains = st.lists(facts, min_size=1, max_size=8).map(lambda given: chained(given))


def chained(given: list[AuditFact]) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    head = EMPTY
    for fact in given:
        entries.append(follow(head, fact))
        head = head_of(entries[-1])
    return entries


def kept(entries: list[AuditEntry]) -> dict[int, Kept]:
    return {each.sequence: Kept(each.entry_sha256, each.at_ms) for each in entries}


def in_topic(entries: list[AuditEntry]) -> Published:
    return published(entries, RETENTION_MS)


def changes() -> dict[str, object]:
    return {
        "actor_kind": "system", "actor": "mallory", "action": "rule.put", "subject": "other",
        "at_ms": 2**41, "before_sha256": "c" * 64, "after_sha256": "d" * 64,
        "request_id": "request", "source": "address", "prev_sha256": "e" * 64,
        "entry_sha256": "f" * 64, "sequence": 99,
    }  # fmt: skip


@given(chains)
def test_a_chain_that_nobody_touched_holds(entries: list[AuditEntry]) -> None:
    assert verify(entries) is None
    assert verify(entries, head_of(entries[-1])) is None
    assert (
        verify([AuditEntry.model_validate_json(each.model_dump_json()) for each in entries]) is None
    )


def test_every_field_is_among_those_that_are_changed_below() -> None:
    assert set(changes()) == set(AuditEntry.model_fields)


@given(chains, st.data(), st.sampled_from(sorted(changes())))
def test_any_change_is_found_at_its_place(
    entries: list[AuditEntry], data: st.DataObject, field: str
) -> None:
    place = data.draw(st.integers(0, len(entries) - 1))
    changed = entries[place].model_copy(update={field: changes()[field]})
    assume(changed != entries[place])
    found = verify([*entries[:place], changed, *entries[place + 1 :]])
    assert found is not None
    assert found.sequence == place + 1


@given(chains, st.data())
def test_a_change_with_a_new_hash_is_found_at_the_next_place_or_by_the_head(
    entries: list[AuditEntry], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(entries) - 1))
    forged = entries[place].model_copy(update={"actor": entries[place].actor + "x"})
    forged = forged.model_copy(update={"entry_sha256": hash_of(forged)})
    whole = [*entries[:place], forged, *entries[place + 1 :]]
    found = verify(whole, head_of(entries[-1]))
    assert found is not None
    assert found.sequence == min(place + 2, len(entries))


@given(chains, st.data())
def test_a_removed_entry_is_found(entries: list[AuditEntry], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(entries) - 1))
    found = verify(entries[:place] + entries[place + 1 :], head_of(entries[-1]))
    assert found is not None
    assert found.sequence == place + 1


@given(chains, facts, st.data())
def test_an_inserted_entry_is_found(
    entries: list[AuditEntry], fact: AuditFact, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(entries) - 1))
    head = EMPTY if place == 0 else head_of(entries[place - 1])
    found = verify([*entries[:place], follow(head, fact), *entries[place:]])
    assert found is not None
    assert found.sequence == place + 2


@given(chains.filter(lambda entries: len(entries) > 1), st.data())
def test_swapped_entries_are_found(entries: list[AuditEntry], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(entries) - 2))
    entries[place], entries[place + 1] = entries[place + 1], entries[place]
    found = verify(entries)
    assert found is not None
    assert found.sequence == place + 1


@given(chains, st.data())
def test_a_cut_end_is_found_by_the_topic_and_by_a_head(
    entries: list[AuditEntry], data: st.DataObject
) -> None:
    left = data.draw(st.integers(0, len(entries) - 1))
    assert verify(entries[:left]) is None
    by_topic = compare(kept(entries[:left]), in_topic(entries), len(entries), LATER_MS)
    by_head = verify(entries[:left], head_of(entries[-1]))
    assert by_topic is not None
    assert by_head is not None
    assert by_topic.sequence == by_head.sequence == left + 1


@given(chains, st.data())
def test_a_topic_that_repeats_itself_and_has_lost_its_oldest_is_no_break(
    entries: list[AuditEntry], data: st.DataObject
) -> None:
    gone, sent = sorted(data.draw(st.tuples(*[st.integers(0, len(entries))] * 2)))
    again = data.draw(st.integers(gone, sent))
    topic = in_topic(entries[gone:sent] + entries[again:sent])
    table = kept(entries[:sent])
    assert compare(table, topic, sent, LATER_MS) is None
    assert compare(table, topic, data.draw(st.integers(gone, sent)), LATER_MS) is None


def test_what_table_and_topic_tell_differently_is_found() -> None:
    entries = chained([a_fact(f"s{number}") for number in range(5)])
    table = kept(entries)
    rewritten = chained([a_fact("other"), *[a_fact(f"s{number}") for number in range(1, 5)]])
    assert verify(rewritten) is None
    found = compare(kept(rewritten), in_topic(entries), 5, LATER_MS)
    assert str(found) == "entry 1: the table's differs from the topic's"
    holed = in_topic([*entries[:2], *entries[3:]])
    assert str(compare(table, holed, 5, LATER_MS)) == (
        "entry 3: it was published, but the topic does not have it"
    )
    forged = in_topic([*entries, rewritten[2]])
    found = compare(table, forged, 5, LATER_MS)
    assert str(found) == "entry 3: the topic has it with other content"
    assert compare(table, in_topic([]), 5, LATER_MS) is None


def daily(count: int) -> list[AuditEntry]:
    """Return a chain of one entry a day; the first is of time 0."""
    facts = [a_fact(f"s{day}").model_copy(update={"at_ms": day * DAY_MS}) for day in range(count)]
    return chained(facts)


LACKS = "it was published, but the topic does not have it"


@pytest.mark.parametrize(
    ("in_table", "there", "marked", "found"),
    [
        (5, slice(0, 0), 5, Break(1, f"{LACKS}, nor 4 more up to entry 5")),  # emptied
        (3, slice(0, 0), 3, Break(1, f"{LACKS}, nor 2 more up to entry 3")),  # and the table cut
        (5, slice(2, 5), 5, Break(1, f"{LACKS}, nor 1 more up to entry 2")),  # its start cut off
        (5, slice(0, 4), 5, Break(5, LACKS)),  # its end
        (5, slice(0, 5), 5, None),
    ],
)
def test_a_topic_that_lost_entries_before_their_time_is_found(
    in_table: int, there: slice, marked: int, found: Break | None
) -> None:
    entries = daily(5)
    topic = in_topic(entries[there])
    assert compare(kept(entries[:in_table]), topic, marked, 5 * DAY_MS) == found


def test_the_topic_may_lose_what_is_older_than_its_retention_less_a_margin() -> None:
    entries = daily(3)
    table, of_second_ms = kept(entries), entries[1].at_ms
    at_ms = of_second_ms + RETENTION_MS - RETENTION_MARGIN_MS
    third_only = in_topic(entries[2:])
    assert compare(table, third_only, 3, at_ms + 1) is None
    assert compare(table, third_only, 3, at_ms) == Break(2, LACKS)
    shorter = published(entries[2:], RETENTION_MS - 1)
    assert compare(table, shorter, 3, at_ms) is None


def test_an_entry_waits_a_minute_for_the_topic_and_no_longer() -> None:
    entries = daily(3)
    table, last_ms = kept(entries), entries[-1].at_ms
    two = in_topic(entries[:2])
    assert compare(table, two, 2, last_ms - 5) is None  # written after the mark was read
    assert compare(table, two, 2, last_ms + UNPUBLISHED_MS_MAX) is None
    waits = compare(table, two, 2, last_ms + UNPUBLISHED_MS_MAX + 1000)
    assert str(waits) == (
        "entry 3: not published for 61 s: no worker with serving agents runs, or somebody holds "
        "the lock of audit_published"
    )
    sent = in_topic(entries)  # and the sender died before it moved the mark
    assert compare(table, sent, 2, last_ms + 2 * UNPUBLISHED_MS_MAX) is None
    assert compare(table, sent, 0, last_ms + 2 * UNPUBLISHED_MS_MAX) is None
    lowered = compare(table, in_topic([]), 0, last_ms)
    assert str(lowered).startswith("entry 1: not published for 172800 s")


@given(chains, st.data())
def test_a_mark_above_the_last_entry_or_none_is_a_break(
    entries: list[AuditEntry], data: st.DataObject
) -> None:
    """Also where table and topic agree, because both were emptied or cut off alike."""
    left = data.draw(st.integers(0, len(entries)))
    table = kept(entries[:left])
    topic = in_topic(data.draw(st.sampled_from([[], entries[:left]])))
    above = data.draw(st.integers(left + 1, 2**40))
    assert compare(table, topic, above, LATER_MS) == Break(
        left + 1, f"the table does not have it, but says that it was published up to {above}"
    )
    gone = compare(table, topic, None, LATER_MS)
    assert gone == Break(left + 1, "the mark of what was published is gone")


def a_fact(subject: str) -> AuditFact:
    return AuditFact(
        actor_kind="cli", actor="ada", action="partner.create", subject=subject, at_ms=1
    )


@settings(max_examples=300)
@given(facts, facts)
def test_different_facts_have_different_bytes(one: AuditFact, other: AuditFact) -> None:
    assert (canonical(one) == canonical(other)) is (one == other)


def test_a_chain_knows_the_hash_that_was_worked_out_by_hand() -> None:
    """So that no later version hashes old entries in another way."""
    [entry] = chained([a_fact("acme")])
    assert canonical(entry) == (
        b'media-gateway audit entry 1\n{"action":"partner.create","actor":"ada","actor_kind":"cli",'
        b'"at_ms":1,"sequence":1,"subject":"acme"}'
    )
    assert entry.entry_sha256 == (
        "a7d2c02cc5eb4b79a4690f9d16f9efc800d35bfa46a09c1726a41ff9db81989c"
    )


def test_an_empty_chain_holds_unless_a_head_is_known() -> None:
    assert verify([]) is None
    assert verify([], EMPTY) is None
    assert verify([], Head(3, "a" * 64)) is not None
    assert Chain().head == EMPTY


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], "text", 0, False, ""])
def test_a_digest_depends_on_the_value_alone(value: object) -> None:
    assert digest(value) == digest(value)
    assert digest(value) != digest({"v": value})
    assert digest(None) is None
