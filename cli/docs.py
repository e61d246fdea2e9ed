"""Declarations -> committed documents: ``media-gateway docs write`` and ``docs check``."""

from pathlib import Path

import click

GENERATED = Path("docs/generated")


def documents() -> dict[Path, str]:
    """Return every generated document: path below the repository root -> text.

    The builders are imported here: they read agents, routes and commands, for which the help of
    ``media-gateway`` should not wait.
    """
    from cli.documents.asyncapi import asyncapi_text
    from cli.documents.json_schemas import schema_paths, schema_text
    from cli.documents.mappers import mappers_page
    from cli.documents.openapi import openapi_text
    from cli.documents.problems import problems_page
    from cli.documents.reference import commands_page, metrics_page, settings_page
    from cli.documents.topics import topics_page

    pages = {
        "asyncapi.json": asyncapi_text,
        "cli.md": commands_page,
        "mappers.md": mappers_page,
        "metrics.md": metrics_page,
        "openapi.json": openapi_text,
        "problems.md": problems_page,
        "settings.md": settings_page,
        "topics.md": topics_page,
    }
    texts = {GENERATED / name: build() for name, build in pages.items()}
    texts.update({path: schema_text(topic) for path, topic in schema_paths().items()})
    return texts


def stale(root: Path, texts: dict[Path, str]) -> list[Path]:
    """Return the documents below ``root`` that differ from ``texts``, are missing or unknown."""
    wrong = {path for path, text in texts.items() if _read(root / path) != text}
    for folder in (GENERATED, Path("schemas/json")):
        present = {path.relative_to(root) for path in (root / folder).rglob("*") if path.is_file()}
        wrong |= present - set(texts)
    return sorted(wrong)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def repository_root() -> Path:
    """Return the folder of the checkout.

    Raises:
        click.ClickException: this is an installation without the repository around it.
    """
    root = Path(__file__).resolve().parents[1]
    if not (root / "pyproject.toml").exists():
        raise click.ClickException("docs needs a checkout of the repository, not an installation")
    return root


@click.group()
def docs() -> None:
    """Write or check the documents made from the code.

    \b
    Example:
      media-gateway docs check
    """


@docs.command()
def write() -> None:
    """Write docs/generated and schemas/json.

    Refuses when a model is incompatible with its committed schema: records written before would no
    longer be readable. Such a change is a new version of the topic. Refuses as well when the API
    would break a client of its last release (docs/contract): such a change is a new major version.
    """
    root = repository_root()
    _refuse_incompatible(root)
    texts = documents()
    changed = stale(root, texts)
    for path in changed:
        if path not in texts:
            raise click.ClickException(f"{path} belongs to nothing in the code: delete it")
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(texts[path], encoding="utf-8")
        click.echo(f"wrote {path}")
    click.echo(f"{len(texts)} documents, {len(changed)} changed")


@docs.command()
def release() -> None:
    """Keep the API's document of now as that of its version: it is a promise from then on.

    \b
    Example:
      media-gateway docs release
    """
    from cli.documents.openapi import openapi_text, release_path

    root = repository_root()
    _refuse_incompatible(root)
    path = release_path()
    if (root / path).exists():
        raise click.ClickException(f"{path} is released: raise API_VERSION in api/openapi.py")
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(openapi_text(), encoding="utf-8")
    click.echo(f"wrote {path}")


@docs.command()
def check() -> None:
    """Fail when a generated document is stale or a schema became incompatible."""
    root = repository_root()
    _refuse_incompatible(root)
    texts = documents()
    wrong = stale(root, texts)
    if wrong:
        names = ", ".join(str(path) for path in wrong)
        raise click.ClickException(f"stale: {names} (run `make docs`)")
    click.echo(f"{len(texts)} documents are up to date")


def _refuse_incompatible(root: Path) -> None:
    from cli.documents.json_schemas import incompatible
    from cli.documents.openapi import broken_promises

    problems = incompatible(root)
    if problems:
        raise click.ClickException("incompatible schemas:\n  " + "\n  ".join(problems))
    broken = broken_promises(root)
    if broken:
        raise click.ClickException("the API breaks its last release:\n  " + "\n  ".join(broken))
