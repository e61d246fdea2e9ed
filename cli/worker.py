"""``media-gateway worker``: one process of Faust agents."""

import sys

import click

from cli.options import CommandError, require, with_settings
from infra.settings import Settings


@click.command()
@with_settings(kafka=True)
@click.option(
    "--agents",
    default="",
    help="Names of agents, separated by commas.  [default: all]",
)
def worker(settings: Settings, agents: str) -> None:
    """Run agents until SIGTERM or Ctrl-C.

    Prints `ready` once every agent has its partitions and its state. Exits with 0 when it was
    asked to stop, with 1 when Kafka or Postgres stayed away: what was not committed is redelivered.

    Where several workers run, name their agents: co-watch, value-model, embeddings, record-vectors
    and regression read all partitions, and each of them must run in one process only.

    \b
    Examples:
      media-gateway worker
      media-gateway worker --agents watch-states,slates
    """
    from agents.app import run_worker
    from agents.registry import REGISTRY, by_name
    from agents.spec import SinkAgent

    names = [name.strip() for name in agents.split(",") if name.strip()]
    try:
        specs = [by_name(name) for name in names] or REGISTRY
    except KeyError as problem:
        raise CommandError(problem.args[0], exit_code=2) from problem
    require(settings, kafka=True, database=any(isinstance(spec, SinkAgent) for spec in specs))
    sys.exit(run_worker(settings, [spec.name for spec in specs]))
