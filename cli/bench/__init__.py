"""``media-gateway bench``: every figure that the project promises, measured by one command each."""

import click

from cli.bench.commands import (
    api,
    attributes,
    cowatch,
    freshness,
    fuzz,
    growth,
    pipeline,
    slates,
    webhooks,
)

SHORT: tuple[tuple[click.Command, tuple[str, ...]], ...] = (
    (pipeline, ("--events", "50000", "--rounds", "1")),
    (growth, ("--users", "10000", "--users", "50000", "--events", "30000")),
    (freshness, ("--seconds", "10", "--warmup", "5")),
    (api, ("--seconds", "3", "--slates", "2000")),
    (webhooks, ("--rounds", "2", "--seconds", "2")),
    (fuzz, ("--requests", "5000", "--seconds", "60")),
    (attributes, ("--titles", "50")),
    (slates, ("--titles", "2000", "--viewers", "200")),
    (cowatch, ("--titles", "2000", "--viewers", "2000")),
)


@click.group(invoke_without_command=True)
@click.pass_context
def bench(context: click.Context) -> None:
    """Measure speed, growth, freshness and reads; a table for people, --json for machines.

    Each bench starts brokers and stacks of its own on scratch directories and removes them. Without
    a name all run in a short version (about five minutes); their figures are a smoke test.

    \b
    Examples:
      media-gateway bench
      media-gateway bench pipeline
      media-gateway bench growth --users 10000 --users 1000000
      media-gateway bench freshness --rate 1000 --seconds 60 --json
      media-gateway bench api --seconds 10
      media-gateway bench webhooks
      media-gateway bench fuzz --requests 1000000
      media-gateway bench slates
      media-gateway bench cowatch
      media-gateway bench attributes
    """  # click wants the backspace itself
    if context.invoked_subcommand is None:
        for command, arguments in SHORT:
            command.main(list(arguments), prog_name=command.name, standalone_mode=False)


for command, _ in SHORT:
    bench.add_command(command)
