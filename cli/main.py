"""The ``media-gateway`` command: a table of subcommands, each imported only when it is used."""

from importlib import import_module
from typing import NamedTuple

import click


class Entry(NamedTuple):
    """One command: where it is, and its line in the group's help."""

    target: str  # module:attribute
    short_help: str  # the first sentence of the command's own help


# In the order of the help.
COMMANDS: dict[str, Entry] = {
    "demo": Entry(
        "cli.demo.command:demo",
        "Watch a recommendation change: real catalogues, real viewers, all of it over HTTP.",
    ),
    "up": Entry(
        "cli.up:up",
        "Start Kafka, Postgres, workers and the API on this machine, and keep them running.",
    ),
    "worker": Entry("cli.worker:worker", "Run agents until SIGTERM or Ctrl-C."),
    "api": Entry("cli.api:api", "Serve the HTTP API until SIGTERM or Ctrl-C."),
    "topics": Entry("cli.topics:topics", "Create, list and describe the topics of the catalogue."),
    "migrate": Entry(
        "cli.migrate:migrate", "Apply the migrations that the database lacks, in order."
    ),
    "partner": Entry(
        "cli.partner:partner", "Add, show and change content partners; rotate their secrets."
    ),
    "key": Entry("cli.key:key", "Create, list, rotate and revoke API keys."),
    "issuer": Entry(
        "cli.issuer:issuer", "Add, list and remove identity providers whose tokens are believed."
    ),
    "signing-key": Entry(
        "cli.signing_key:signing_key",
        "Rotate, list and retire the keys that sign tokens for devices.",
    ),
    "token": Entry("cli.token:token", "Revoke tokens of users and devices."),
    "operator": Entry(
        "cli.operators.command:operator",
        "Add and change the people who run the gateway; log in as one of them.",
    ),
    "audit": Entry("cli.audit:audit", "Read, check and export the audit trail."),
    "secrets": Entry("cli.secret:secrets", "Change the key that secrets are encrypted with."),
    "rule": Entry("cli.rule:rule", "Set, list, remove and check ranking rules."),
    "dlq": Entry("cli.dlq.command:dlq", "List, show, redrive and discard dead letters."),
    "replay": Entry(
        "cli.replay:replay",
        "Derive watch states, trending, neighbours and slates again from the topics.",
    ),
    "erase": Entry(
        "cli.erasing.command:erase", "Remove a user from every store and print a receipt."
    ),
    "evaluate": Entry(
        "cli.evaluate.command:evaluate",
        "Measure the recommendations on real ratings, against strong baselines.",
    ),
    "bench": Entry(
        "cli.bench:bench",
        "Measure speed, growth, freshness and reads; a table for people, --json for machines.",
    ),
    "docs": Entry("cli.docs:docs", "Write or check the documents made from the code."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, None if the table has no such name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.target} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table: one broken or slow module does not keep the help from being shown."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.short_help) for name, entry in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="media-gateway", prog_name="media-gateway")
def main() -> None:
    """Real-time recommendations for streaming-media catalogues, from exact watch state.

    \b
    Start everything on this machine and watch one recommendation change:
      media-gateway demo
    Start everything and keep it running:
      media-gateway up
    """


if __name__ == "__main__":
    main(prog_name="media-gateway")
