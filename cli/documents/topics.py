"""Catalogue and registry -> the topic table and the picture of the flow."""

from collections.abc import Iterable, Sequence

from agents.registry import REGISTRY
from agents.spec import AgentSpec, FitAgent, FollowAgent, SinkAgent, StreamAgent
from cli.documents.markdown import code, page, table
from schemas.times import DAY_MS
from topics.catalog import CATALOG
from topics.spec import TopicSpec

KEY_JOIN = " | "


KINDS = {StreamAgent: "stream", SinkAgent: "sink", FitAgent: "fit", FollowAgent: "follow"}


def topics_page() -> str:
    """Return ``docs/generated/topics.md``."""
    return page(
        "Topics",
        "One row a topic, in the order of the flow; declared in `topics/catalog.py`.",
        table(
            ("Topic", "Holds", "Key", "Partitions", "Kept", "Largest record", "Writer", "Readers"),
            (_topic_row(topic) for topic in CATALOG),
        ),
        "## Dead letters\n\nA record that cannot be processed goes here with its bytes intact, "
        "before its offset is committed; [dead-letters.md](../dead-letters.md) says how to work "
        "with them.\n\n"
        + table(
            ("Dead letter", "Of", "Kept", "Largest record", "Writer", "Reader"),
            (_dead_letter_row(topic) for topic in CATALOG if topic.dead_letter),
        ),
        "## Agents\n\nOne Faust application each; only the agent itself reads its changelog.\n\n"
        + table(
            ("Agent", "Kind", "Reads", "Holds whole", "Writes", "Table changelog"),
            (_agent_row(agent) for agent in REGISTRY),
        ),
        "## Flow\n\nRectangles are topics, rounded boxes the components that write and read them; "
        "a dotted line means that every worker holds the topic whole.\n\n"
        f"```mermaid\n{flow(CATALOG, REGISTRY)}\n```",
    )


def flow(catalog: Sequence[TopicSpec], registry: Iterable[AgentSpec]) -> str:
    """Return the Mermaid flow chart of writers, topics and readers."""
    whole = {(agent.name, t.name) for agent in registry for t in _replicas(agent)}
    components = dict.fromkeys(name for topic in catalog for name in (topic.writer, *topic.readers))
    lines = ["flowchart LR"]
    lines += [f"  {_node(name)}([{name}])" for name in components]
    for topic in catalog:
        lines.append(f'  {_node(topic.name)}["{topic.name}"]')
        lines.append(f"  {_node(topic.writer)} --> {_node(topic.name)}")
        for reader in topic.readers:
            arrow = "-.->" if (reader, topic.name) in whole else "-->"
            lines.append(f"  {_node(topic.name)} {arrow} {_node(reader)}")
    return "\n".join(lines)


def _dead_letter_row(topic: TopicSpec) -> list[str]:
    letters = topic.dead_letters
    return [
        code(letters.name),
        code(topic.name),
        _kept(letters),
        f"{letters.message_bytes_max} B",
        letters.writer,
        ", ".join(letters.readers),
    ]


def _kept(topic: TopicSpec) -> str:
    return "latest per key" if topic.cleanup == "compact" else f"{topic.retention_ms // DAY_MS} d"


def _topic_row(topic: TopicSpec) -> list[str]:
    return [
        code(topic.name),
        f"{topic.description} Schema `{topic.schema.__name__}`.",
        code(KEY_JOIN.join(topic.key)),
        str(topic.partitions),
        _kept(topic),
        f"{topic.message_bytes_max} B",
        topic.writer,
        ", ".join(topic.readers),
    ]


def _agent_row(agent: AgentSpec) -> list[str]:
    sources = agent.sources if isinstance(agent, FitAgent | FollowAgent) else (agent.source,)
    emits = () if isinstance(agent, SinkAgent) else agent.emits
    changelog = ""
    if isinstance(agent, StreamAgent) and agent.table:
        changelog = code(agent.changelog)
    return [
        agent.name,
        KINDS[type(agent)],
        _names(sources),
        _names(_replicas(agent)),
        _names(emits) or "Postgres",
        changelog,
    ]


def _replicas(agent: AgentSpec) -> tuple[TopicSpec, ...]:
    if isinstance(agent, FitAgent | FollowAgent):
        return agent.sources
    return agent.replicas if isinstance(agent, StreamAgent) else ()


def _names(topics: Iterable[TopicSpec]) -> str:
    return ", ".join(code(topic.name) for topic in topics)


def _node(name: str) -> str:
    """Mermaid identifiers take letters, digits and underscores."""
    return name.replace(".", "_").replace("-", "_")
