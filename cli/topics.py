"""``media-gateway topics``: the catalogue's topics in a Kafka cluster."""

import asyncio
import json

import click

from cli.options import CommandError, with_settings
from infra.settings import Settings


@click.group()
def topics() -> None:
    """Create, list and describe the topics of the catalogue."""


@topics.command()
@with_settings(kafka=True)
def apply(settings: Settings) -> None:
    """Create every declared topic that is missing: catalogue, dead letters, changelogs.

    Never alters a topic. One that exists with other partitions or another cleanup policy is an
    error, and then nothing is created.

    \b
    Examples:
      media-gateway topics apply
      KAFKA_REPLICATION_FACTOR=3 KAFKA_BOOTSTRAP_SERVERS=kafka:9092 media-gateway topics apply
    """
    from cli.preparation import prepare_topics

    created = prepare_topics(settings)
    for name in created:
        click.echo(f"created {name}")
    if not created:
        click.echo("all there")


@topics.command("list")
@with_settings(kafka=True)
def list_(settings: Settings) -> None:
    """Print the names of the cluster's topics, one a line.

    \b
    Example:
      media-gateway topics list
    """
    from infra.kafka.admin import list_topics
    from infra.kafka.cluster import cluster_of

    for name in asyncio.run(list_topics(cluster_of(settings))):
        click.echo(name)


@topics.command()
@with_settings(kafka=True)
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def describe(settings: Settings, names: tuple[str, ...], as_json: bool) -> None:
    """Print partitions, replicas and configuration of topics (all when no NAMES are given).

    \b
    Examples:
      media-gateway topics describe playback.progress-events.v1
      media-gateway topics describe --json
    """
    from infra.kafka.admin import as_row, describe_topics, list_topics
    from infra.kafka.cluster import cluster_of

    cluster = cluster_of(settings)
    wanted = list(names) or asyncio.run(list_topics(cluster))
    rows = [as_row(topic) for topic in asyncio.run(describe_topics(cluster, wanted))]
    missing = sorted(set(names) - {row["name"] for row in rows})
    if missing:
        raise CommandError(f"no such topic: {', '.join(missing)}")
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['name']}  partitions={row['partitions']} replicas={row['replicas']}")
        for key, value in row["config"].items():
            click.echo(f"  {key}={value}")
