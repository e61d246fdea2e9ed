"""The topic catalogue follows its policy and agrees with the agents; each rule can fail."""

from dataclasses import replace

import pytest

from agents.registry import REGISTRY
from agents.spec import AgentSpec, SinkAgent, StreamAgent
from tests.architecture.rules.catalog import policy_problems, registry_problems
from tests.architecture.rules.files import source as parsed
from tests.architecture.rules.files import sources, texts
from tests.architecture.rules.names import typed_topics, unknown_topics, unknown_topics_in_code
from topics.catalog import (
    CATALOG,
    CONTENTS,
    INTERACTIONS,
    PROGRESS,
    RANKING_RULES,
    SLATES,
    WEBHOOKS,
)
from topics.spec import DEAD_LETTER_READER, TopicSpec

KNOWN = {topic.name for topic in CATALOG} | {
    topic.dead_letter_name for topic in CATALOG if topic.dead_letter
}
TEXTS_THAT_NAME_TOPICS = (".md", ".yml", ".yaml", ".json", ".toml", "")


def test_catalogue_follows_its_policy() -> None:
    assert policy_problems(CATALOG) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": "playback.progress_events.v1"}, "the name is not"),
        ({"name": "playback.activity.v1"}, "the name is not"),
        ({"name": "progress-events.v1"}, "the name is not"),
        ({"name": "playback.progress-events"}, "the name is not"),
        ({"key": ()}, "has no key"),
        ({"key": ("viewer_id",)}, "key field viewer_id"),
        ({"key": ("region",)}, "key field region"),  # exists, but a record may lack it
        ({"retention_ms": -1}, "unlimited if and only if"),
        ({"cleanup": "compact"}, "unlimited if and only if"),
        ({"retention_ms": 0}, "is no time"),
        ({"dead_letter": False}, "dead letter if and only if"),
        ({"partitions": 0}, "are positive"),
        ({"partitions": 4}, "different partitions"),
        ({"readers": ()}, "nobody reads it"),
        ({"readers": ("watch-states", "watch-states")}, "listed twice"),
        ({"description": "Progress"}, "not a sentence"),
    ],
)
def test_policy_refuses(change: dict[str, object], problem: str) -> None:
    broken = replace(PROGRESS, **change)  # type: ignore[arg-type]
    found = policy_problems([*(t for t in CATALOG if t is not PROGRESS), broken])
    assert any(problem in line for line in found), found


def test_policy_refuses_a_name_declared_twice() -> None:
    assert any("declared 2 times" in line for line in policy_problems([*CATALOG, SLATES]))


@pytest.mark.parametrize("topic", [SLATES, RANKING_RULES])
def test_policy_refuses_a_dead_letter_on_a_topic_that_the_api_does_not_write(
    topic: TopicSpec,
) -> None:
    assert policy_problems([replace(topic, dead_letter=True)]) == [
        f"{topic.name}: has a dead letter if and only if the API writes it"
    ]


def test_registry_agrees_with_the_catalogue() -> None:
    assert registry_problems(CATALOG, REGISTRY) == []


def test_topics_and_agents_have_one_writer_each_and_known_readers() -> None:
    found = registry_problems([replace(SLATES, writer="nobody", readers=("ghost",))], [])
    assert sorted(found) == [
        f"{SLATES.name}: ghost is not an agent",
        f"{SLATES.name}: nobody is not an agent",
    ]


def test_agreement_refuses_an_agent_that_writes_what_another_owns() -> None:
    agents = [_with_emits(agent, WEBHOOKS) for agent in REGISTRY]
    found = registry_problems(CATALOG, agents)
    assert any(f"writes {WEBHOOKS.name}, whose writer is api" in line for line in found)


def test_agreement_refuses_an_agent_that_reads_without_being_listed() -> None:
    agents = [_with_replica(agent, PROGRESS) for agent in REGISTRY]
    found = registry_problems(CATALOG, agents)
    assert any(f"reads {PROGRESS.name}, which does not list it" in line for line in found)


def test_agreement_refuses_a_writer_or_reader_that_does_not_know() -> None:
    agents = [agent for agent in REGISTRY if not isinstance(agent, SinkAgent)]
    idle = next(agent for agent in agents if isinstance(agent, StreamAgent))
    agents[agents.index(idle)] = replace(idle, emits=())
    found = registry_problems(CATALOG, agents)
    assert any(f"{idle.name} does not declare that it writes it" in line for line in found)
    serving = next(name for name in CONTENTS.readers if name.startswith("serving"))
    assert f"{CONTENTS.name}: {serving} is not an agent" in found


def test_agreement_refuses_dead_letters_that_nobody_reads() -> None:
    agents = [agent for agent in REGISTRY if not agent.name.startswith(DEAD_LETTER_READER)]
    found = registry_problems(CATALOG, agents)
    reader = PROGRESS.dead_letters.readers[0]
    assert f"{PROGRESS.dead_letter_name}: {reader} is not an agent" in found


def test_agreement_refuses_a_topic_outside_the_catalogue() -> None:
    catalog = [topic for topic in CATALOG if topic is not INTERACTIONS]
    found = registry_problems(catalog, REGISTRY)
    assert any(f"{INTERACTIONS.name} is not in the catalogue" in line for line in found)


def _with_emits(agent: AgentSpec, topic: TopicSpec) -> AgentSpec:
    if isinstance(agent, StreamAgent):
        return replace(agent, emits=(*agent.emits, topic))
    return agent


def _with_replica(agent: AgentSpec, topic: TopicSpec) -> AgentSpec:
    if isinstance(agent, StreamAgent) and agent.source is not topic:
        return replace(agent, replicas=(*agent.replicas, topic))
    return agent


def test_no_module_names_a_topic_that_the_catalogue_lacks() -> None:
    found = [line for module in sources() for line in unknown_topics_in_code(module, KNOWN)]
    assert found == []


def test_no_module_outside_topics_types_a_topic_name() -> None:
    found = [
        line for module in sources(("agents", "api", "cli", "domain", "infra", "schemas"))
        for line in typed_topics(module, KNOWN)
    ]  # fmt: skip
    assert found == []


def test_no_document_or_operations_file_names_a_topic_that_the_catalogue_lacks() -> None:
    found = [
        f"{path}: {name}"
        for path, text in texts(suffixes=TEXTS_THAT_NAME_TOPICS)
        if path.parts[0] not in {"tests", "CHANGELOG.md"}
        for name in unknown_topics(text, KNOWN)
    ]
    assert found == []


def test_scan_for_topic_names_finds_them() -> None:
    module = parsed('A = "playback.plays.v1"\nB = f"{x}-playback.interactions.v1.dlq"\n')
    assert unknown_topics_in_code(module, KNOWN) == ["sample.py: playback.plays.v1"]
    assert unknown_topics("reads `playback.interactions.v2`.", KNOWN) == [
        "playback.interactions.v2"
    ]
    assert unknown_topics("version 1.2.v3, hooks.v1, a.b.com/v1", KNOWN) == []
    assert typed_topics(parsed(f"T = {SLATES.name!r}"), KNOWN) == [f"sample.py: {SLATES.name}"]
