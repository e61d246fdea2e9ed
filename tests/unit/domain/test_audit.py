"""The audit chain: every change, removal, insertion and swap is found, at its place."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.audit import (
    EMPTY,
    Break,
    Chain,
    Head,
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
    table = {each.sequence: each.entry_sha256 for each in entries[:left]}
    by_topic = compare(table, published(entries), len(entries))
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
    topic = published(entries[gone:sent] + entries[again:sent])
    table = {each.sequence: each.entry_sha256 for each in entries}
    assert compare(table, topic, sent) is None
    assert compare(table, topic, data.draw(st.integers(0, sent))) is None


def test_what_table_and_topic_tell_differently_is_found() -> None:
    entries = chained([a_fact(f"s{number}") for number in range(5)])
    table = {each.sequence: each.entry_sha256 for each in entries}
    rewritten = chained([a_fact("other"), *[a_fact(f"s{number}") for number in range(1, 5)]])
    assert verify(rewritten) is None
    found = compare({each.sequence: each.entry_sha256 for each in rewritten}, published(entries), 5)
    assert str(found) == "entry 1: the table's differs from the topic's"
    holed = published([*entries[:2], *entries[3:]])
    assert str(compare(table, holed, 5)).startswith("entry 3: it was published, but")
    forged = published([*entries, rewritten[2]])
    assert str(compare(table, forged, 5)) == "entry 3: the topic has it with other content"
    assert compare(table, Published({}), 5) is None


@given(chains, st.data())
def test_a_mark_above_the_last_entry_or_none_is_a_break(
    entries: list[AuditEntry], data: st.DataObject
) -> None:
    """Also where table and topic agree, because both were emptied or cut off alike."""
    left = data.draw(st.integers(0, len(entries)))
    table = {each.sequence: each.entry_sha256 for each in entries[:left]}
    topic = published(data.draw(st.sampled_from([[], entries[:left]])))
    above = data.draw(st.integers(left + 1, 2**40))
    assert compare(table, topic, above) == Break(
        left + 1, f"the table does not have it, but says that it was published up to {above}"
    )
    assert compare(table, topic, None) == Break(left + 1, "the mark of what was published is gone")


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
