"""Every agent, in the order of the flow: the table of contents of the worker."""

from agents import (
    catalogue,
    co_watch,
    dead_letters,
    embeddings,
    record_vectors,
    regression,
    serving,
    slates,
    trending,
    value_model,
    watch_states,
)
from agents.spec import AgentSpec, StreamAgent

REGISTRY: tuple[AgentSpec, ...] = (
    catalogue.SPEC,
    watch_states.SPEC,
    trending.SPEC,
    co_watch.SPEC,
    value_model.SPEC,
    embeddings.SPEC,
    record_vectors.SPEC,
    regression.SPEC,
    slates.SPEC,
    *serving.SPECS,
    *dead_letters.SPECS,
)


def by_name(name: str) -> AgentSpec:
    """Return the agent called ``name``.

    Raises:
        KeyError: there is none; the message lists those that exist.
    """
    for spec in REGISTRY:
        if spec.name == name:
            return spec
    known = ", ".join(spec.name for spec in REGISTRY)
    raise KeyError(f"no agent {name!r}; there are: {known}")


def changelogs(namespace: str = "") -> list[tuple[str, int]]:
    """(topic, partitions) of every table changelog, for ``topics apply``."""
    return [
        (namespace + spec.changelog, spec.source.partitions)
        for spec in REGISTRY
        if isinstance(spec, StreamAgent) and spec.table is not None
    ]
