"""Metrics, settings and commands -> one reference page each."""

from collections.abc import Iterator
from dataclasses import fields
from types import ModuleType
from typing import get_type_hints

import click
from prometheus_client.metrics import MetricWrapperBase

from cli.documents.markdown import code, page, table
from infra import metrics
from infra.settings import Settings

HELP_WIDTH = 100  # characters; a fixed one, so that the page does not depend on the terminal


def declared_metrics(module: ModuleType = metrics) -> list[MetricWrapperBase]:
    """Return every metric that ``module`` declares, in the order of the file."""
    return [value for value in vars(module).values() if isinstance(value, MetricWrapperBase)]


def metrics_page() -> str:
    """Return ``docs/generated/metrics.md``."""
    rows = []
    for metric in declared_metrics():
        family = next(iter(metric.describe()))
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = ", ".join(code(label) for label in metric._labelnames)
        rows.append([code(name), family.type, labels, family.documentation])
    return page(
        "Metrics",
        "Everything `/metrics` exports about Media Gateway itself; declared in `infra/metrics.py`.",
        table(("Metric", "Type", "Labels", "Meaning"), rows),
    )


def settings_page() -> str:
    """Return ``docs/generated/settings.md``."""
    hints = get_type_hints(Settings)
    rows = [
        [
            code(item.metadata["env"]),
            hints[item.name].__name__,
            code(item.default),
            item.metadata["meaning"] + (" (secret)" if item.metadata["secret"] else ""),
        ]
        for item in fields(Settings)
    ]
    return page(
        "Settings",
        "Every environment variable that Media Gateway reads; declared in `infra/settings.py`. "
        "An empty value means the default. A secret can be in a mounted file instead: its path in "
        "the variable of the same name with `_FILE` added.",
        table(("Variable", "Type", "Default", "Meaning"), rows),
    )


def commands_page() -> str:
    """Return ``docs/generated/cli.md``: the help of every command."""
    from cli.main import main  # the command tree contains this module's caller

    parts = [f"## {path}\n\n```text\n{text}\n```" for path, text in _helps(main)]
    return page("Commands", "What `media-gateway COMMAND --help` says.", *parts)


def _helps(root: click.Command) -> Iterator[tuple[str, str]]:
    """Yield (command path, help text), depth first, commands in the order the help lists them."""
    yield from _walk(root, _context(root, "media-gateway", None))


def _walk(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    yield context.command_path, command.get_help(context).rstrip()
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        if child is not None and not child.hidden:
            yield from _walk(child, _context(child, name, context))


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    """Make the context that a call would have, without parsing or running anything."""
    return command.make_context(
        name, [], parent=parent, resilient_parsing=True,
        terminal_width=HELP_WIDTH, max_content_width=HELP_WIDTH,
    )  # fmt: skip
