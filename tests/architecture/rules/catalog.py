"""Policy of the topic catalogue, and its agreement with the registry of agents."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from agents.spec import AgentSpec, FitAgent, FollowAgent, SinkAgent, StreamAgent
from topics.spec import TopicSpec

NAME = re.compile(r"[a-z]+\.[a-z]+(-[a-z]+)*s\.v[1-9][0-9]*")  # <area>.<plural-noun>.v<n>
API = "api"
# The components that are not agents. Two take outside input: the API answers before anybody can
# judge it, so what turns out bad goes to a dead letter; the command checks what a person gives it
# and refuses it on the spot, so its topics hold nothing bad. The outbox sends rows of its own.
COMPONENTS = frozenset({API, "cli", "audit-outbox", "rule-outbox"})


def reads(agent: AgentSpec) -> tuple[TopicSpec, ...]:
    """Return the topics an agent consumes."""
    match agent:
        case StreamAgent():
            return (agent.source, *agent.replicas)
        case SinkAgent():
            return (agent.source,)
        case FitAgent() | FollowAgent():
            return agent.sources


def writes(agent: AgentSpec) -> tuple[TopicSpec, ...]:
    """Return the topics an agent produces to."""
    return () if isinstance(agent, SinkAgent) else agent.emits


def policy_problems(catalog: Sequence[TopicSpec]) -> list[str]:
    """Return what is wrong with the declarations themselves."""
    problems = [
        f"{name}: declared {count} times"
        for name, count in Counter(topic.name for topic in catalog).items()
        if count > 1
    ]
    for topic in catalog:
        problems += [f"{topic.name}: {problem}" for problem in _topic_problems(topic)]
    by_user = {topic.partitions for topic in catalog if topic.key[:1] == ("user_id",)}
    if len(by_user) > 1:
        problems.append(f"topics keyed by user have different partitions: {sorted(by_user)}")
    return problems


def _topic_problems(topic: TopicSpec) -> Iterable[str]:
    if not NAME.fullmatch(topic.name):
        yield "the name is not <area>.<plural-noun>.v<n>"
    if not topic.key:
        yield "has no key"
    for field in topic.key:
        declared = topic.schema.model_fields.get(field)
        if declared is None or not declared.is_required():
            yield f"key field {field} is not a required field of {topic.schema.__name__}"
    yield from _retention_problems(topic)
    yield from _reader_problems(topic)
    if topic.dead_letter != (topic.writer == API):
        yield "has a dead letter if and only if the API writes it"
    if topic.dead_letter_name != topic.name + ".dlq":
        yield "the dead letter's name is not derived from the topic"
    if len(topic.description) < 20 or not topic.description.endswith("."):
        yield "the description is not a sentence"


def _retention_problems(topic: TopicSpec) -> Iterable[str]:
    if (topic.retention_ms == -1) != (topic.cleanup == "compact"):
        yield "retention is unlimited if and only if the topic is compacted"
    if topic.retention_ms < -1 or topic.retention_ms == 0:
        yield f"retention_ms {topic.retention_ms} is no time"
    if topic.partitions < 1 or topic.message_bytes_max < 1:
        yield "partitions and message_bytes_max are positive"


def _reader_problems(topic: TopicSpec) -> Iterable[str]:
    if not topic.readers:
        yield "nobody reads it"
    if len(set(topic.readers)) != len(topic.readers):
        yield "a reader is listed twice"


def registry_problems(catalog: Sequence[TopicSpec], registry: Sequence[AgentSpec]) -> list[str]:
    """Return where catalogue and registry disagree on writers and readers."""
    agents = {agent.name: agent for agent in registry}
    problems = [
        f"{name}: {count} agents have this name"
        for name, count in Counter(agent.name for agent in registry).items()
        if count > 1
    ]
    for topic in catalog:
        for name in {topic.writer, *topic.readers} - set(agents) - COMPONENTS:
            problems.append(f"{topic.name}: {name} is not an agent")
        if topic.writer in agents and topic not in writes(agents[topic.writer]):
            problems.append(f"{topic.name}: {topic.writer} does not declare that it writes it")
        problems += [
            f"{topic.name}: {name} does not declare that it reads it"
            for name in topic.readers
            if name in agents and topic not in reads(agents[name])
        ]
    letters = [topic.dead_letters for topic in catalog if topic.dead_letter]
    for topic in letters:
        for name in set(topic.readers) - set(agents):
            problems.append(f"{topic.name}: {name} is not an agent")
    for agent in registry:
        problems += _agent_problems(agent, [*catalog, *letters])
    return problems


def _agent_problems(agent: AgentSpec, catalog: Sequence[TopicSpec]) -> Iterable[str]:
    for topic in (*reads(agent), *writes(agent)):
        if topic not in catalog:
            yield f"{agent.name}: {topic.name} is not in the catalogue"
    for topic in reads(agent):
        if agent.name not in topic.readers:
            yield f"{agent.name}: reads {topic.name}, which does not list it as a reader"
    for topic in writes(agent):
        if topic.writer != agent.name:
            yield f"{agent.name}: writes {topic.name}, whose writer is {topic.writer}"
