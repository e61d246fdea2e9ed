"""The ``media-gateway`` command: a table of subcommands, each imported only when it is used."""

from importlib import import_module

import click

# name -> module:attribute, in the order of the help.
COMMANDS = {
    "demo": "cli.demo.command:demo",
    "up": "cli.up:up",
    "worker": "cli.worker:worker",
    "api": "cli.api:api",
    "topics": "cli.topics:topics",
    "migrate": "cli.migrate:migrate",
    "partner": "cli.partner:partner",
    "key": "cli.key:key",
    "replay": "cli.replay:replay",
    "bench": "cli.bench:bench",
    "docs": "cli.docs:docs",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, None if the table has no such name."""
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{target} is not a command")
        return command


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
