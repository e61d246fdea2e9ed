"""The stores that an erasure has to reach, from the declarations of topics and agents."""

from typing import NamedTuple

from agents.registry import REGISTRY
from agents.spec import SinkAgent, StreamAgent
from infra.privacy.catalogue import personal_topics
from infra.settings import Settings
from topics.catalog import CATALOG
from topics.spec import application_id


class Reader(NamedTuple):
    """A consumer group that follows one personal topic."""

    agent: str
    group: str
    topic: str


def state_topics() -> list[str]:
    """Return the compacted topics keyed by user."""
    return [topic.name for topic in personal_topics() if topic.cleanup == "compact"]


def fact_topics() -> list[str]:
    """Return the topics of events of users, with their dead letters."""
    names = []
    for topic in personal_topics():
        if topic.cleanup == "delete":
            names += [topic.name] + ([topic.dead_letter_name] if topic.dead_letter else [])
    return names


def changelogs(settings: Settings) -> list[str]:
    """Return the changelogs of tables keyed by user, or with rows by user."""
    personal = personal_topics()
    return [
        settings.namespace + spec.changelog
        for spec in REGISTRY
        if isinstance(spec, StreamAgent) and spec.table is not None and spec.source in personal
    ]


def of_others(settings: Settings) -> list[str]:
    """Return the topics and changelogs that are not about users: an id in one is a coincidence."""
    personal = personal_topics()
    topics = [topic.name for topic in CATALOG if topic not in personal]
    return topics + [
        settings.namespace + spec.changelog
        for spec in REGISTRY
        if isinstance(spec, StreamAgent) and spec.table is not None and spec.source not in personal
    ]


def stream_readers(settings: Settings, topic: str) -> list[Reader]:
    """Return the stream agents that read a personal topic."""
    return [
        _reader(settings, spec)
        for spec in REGISTRY
        if isinstance(spec, StreamAgent) and spec.source.name == topic
    ]


def sinks(settings: Settings, topic: str) -> list[Reader]:
    """Return the sinks that write the rows of a personal topic."""
    return [
        _reader(settings, spec)
        for spec in REGISTRY
        if isinstance(spec, SinkAgent) and spec.source.name == topic
    ]


def _reader(settings: Settings, spec: StreamAgent | SinkAgent) -> Reader:
    version = spec.table_version if isinstance(spec, StreamAgent) else 1  # a sink has no table
    group = settings.namespace + application_id(spec.name, version)
    return Reader(spec.name, group, spec.source.name)
