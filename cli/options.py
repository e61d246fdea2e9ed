"""What every command shares: ``--data-dir``, ``--debug``, settings, and errors as one sentence.

    @click.command()
    @with_settings(kafka=True, database=True)
    @click.argument("name")
    def mine(settings: Settings, name: str) -> None: ...

This is the only place that reads the environment.
"""

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import click

from infra.data_dir import DataDir, DataDirError, RunningStack
from infra.embedded.errors import EmbeddedError
from infra.kafka.security import refuse_security_alone
from infra.security.pseudonyms import joined
from infra.settings import FILE_SUFFIX, Settings, SettingsError

UNREACHED_PER_S = 1_000_000  # calls

EXIT_FAILED = 1
EXIT_USAGE = 2


class CommandError(click.ClickException):
    """One sentence on standard error and an exit code."""

    def __init__(self, message: str, exit_code: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def with_settings(
    *, kafka: bool = False, database: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command ``--data-dir`` and ``--debug``, and the settings as its first argument.

    Args:
        kafka: the command needs ``settings.kafka_bootstrap_servers``.
        database: the command needs ``settings.database_url``.

    A need is met by the environment, else by the stack that runs in the data directory; where it is
    not, the command ends with exit code 2 and says how to meet it.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(
            "--data-dir",
            type=click.Path(file_okay=False, path_type=Path),
            default=None,
            help="Where the embedded stack keeps its data.  [default: media-gateway-data]",
        )
        @click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
        @functools.wraps(command)
        def run(*args: Any, data_dir: Path | None, debug: bool, **options: Any) -> Any:
            with one_sentence_errors(debug=debug):
                settings = load_settings(os.environ, data_dir)
                require(settings, kafka=kafka, database=database)
                return command(settings, *args, **options)

        return run

    return decorate


def load_settings(environ: Mapping[str, str], data_dir: Path | None) -> Settings:
    """Read the settings; the stack that runs in the data directory fills what is not set.

    Raises:
        SettingsError: a value cannot be used.
    """
    settings = Settings.from_env(environ)
    if data_dir is not None:
        settings = replace(settings, data_dir=data_dir)
    running = DataDir(settings.data_dir).running()
    return settings if running is None else with_stack(settings, running)


def with_stack(settings: Settings, running: RunningStack) -> Settings:
    """Return settings in which a running stack fills what is not set.

    Raises:
        SettingsError: how to speak to Kafka is set, but not where it is.
    """
    if not settings.kafka_bootstrap_servers:
        refuse_security_alone(settings)
        settings = replace(
            settings,
            kafka_bootstrap_servers=running.kafka_bootstrap_servers,
            **cast("dict[str, Any]", running.kafka_security),
        )
    return replace(
        settings,
        database_url=settings.database_url or running.database_url,
        secrets_key=settings.secrets_key or running.secrets_key,
        erasure_key=joined(settings.erasure_key, running.erasure_key),
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment variables that make ``Settings.from_env`` give ``settings`` again.

    Names of files with secrets are emptied: the secrets are handed on themselves.
    """
    own = {
        item.metadata["env"]: str(getattr(settings, item.name))
        for item in fields(Settings)
        if str(getattr(settings, item.name))
    }
    files = {item.metadata["env"] + FILE_SUFFIX for item in fields(Settings)}
    return {**dict.fromkeys(files, ""), **own}


def without_limits(settings: Settings) -> Settings:
    """Return settings whose limits of callers a machine of its own does not reach."""
    return replace(
        settings,
        limits_anonymous_per_s=UNREACHED_PER_S,
        limits_free_per_s=UNREACHED_PER_S,
        limits_pro_per_s=UNREACHED_PER_S,
        limits_enterprise_per_s=UNREACHED_PER_S,
        limits_unverified_per_s=UNREACHED_PER_S,
    )


def api_url(settings: Settings) -> str:
    """Return the address of the API: of the stack running in the data directory, else as set."""
    running = DataDir(settings.data_dir).running()
    if running is not None and running.api_url:
        return running.api_url
    return f"http://{settings.host}:{settings.port}"


def require(settings: Settings, *, kafka: bool, database: bool) -> None:
    """Check that what a command needs is known.

    Raises:
        CommandError: it is not; exit code 2.
    """
    missing = []
    if kafka and not settings.kafka_bootstrap_servers:
        missing.append("KAFKA_BOOTSTRAP_SERVERS")
    if database and not settings.database_url:
        missing.append("DATABASE_URL")
    if missing:
        raise CommandError(
            f"no stack runs in {settings.data_dir}: start one with `media-gateway up --data-dir "
            f"{settings.data_dir}`, or set {' and '.join(missing)}",
            EXIT_USAGE,
        )
    if kafka:
        check_kafka(settings)
    if database:
        check_database_url(settings.database_url)


def check_kafka(settings: Settings) -> None:
    """Check that Kafka can be spoken to as it is set; nothing is connected to.

    Raises:
        SettingsError: see ``infra.kafka.security``.
    """
    from infra.kafka.cluster import cluster_of  # imported here, as in `expected_errors`

    cluster_of(settings)


def check_database_url(url: str) -> None:
    """Check the form of ``DATABASE_URL``; nothing of it is repeated, it may have a password.

    Raises:
        CommandError: libpq cannot read it; exit code 2.
    """
    # Imported here, as in `expected_errors`.
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        raise CommandError(
            "DATABASE_URL is not the address of a Postgres database: expected "
            "postgresql://USER:PASSWORD@HOST:PORT/NAME, special characters percent-encoded",
            EXIT_USAGE,
        ) from None


@contextmanager
def one_sentence_errors(*, debug: bool) -> Iterator[None]:
    """Turn the errors that a person can act on into one sentence; bugs keep their traceback."""
    try:
        yield
    except SettingsError as problem:
        if debug:
            raise
        raise CommandError(str(problem), EXIT_USAGE) from problem
    except expected_errors() as problem:
        if debug:
            raise
        raise CommandError(str(problem).strip() or type(problem).__name__) from problem


def expected_errors() -> tuple[type[Exception], ...]:
    """Return the errors that say what is wrong with the world rather than with this program.

    Imported here: the clients take half a second, which `--help` should not wait for.
    """
    import psycopg
    from aiokafka.errors import KafkaError

    from infra.kafka.admin import TopicsError
    from infra.postgres.migrate import MigrationError
    from infra.security.sealing import SealingError

    return (
        EmbeddedError, DataDirError, TopicsError, MigrationError, SealingError,
        psycopg.OperationalError, KafkaError,
    )  # fmt: skip
