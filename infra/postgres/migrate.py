"""migrations/*.sql -> database: numbered files, a transaction each, recorded with checksums.

Errors: ``MigrationError`` for a gap in the numbers, a file that changed after it was applied, or a
database that is newer than this code.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

import psycopg

# One fixed number for all processes of this product; the value itself means nothing.
ADVISORY_LOCK = 0x6D67_6D69_6772
FILE_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
HISTORY = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name       text PRIMARY KEY,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


class MigrationError(RuntimeError):
    """The migration files and the database do not fit together; the message says how."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Hex digest of the file."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrate(database_url: str) -> list[str]:
    """Bring the database up to date and return the names applied now, in order.

    Safe to call from several processes at once: an advisory lock lets one work and the others wait.

    Raises:
        MigrationError: see the module.
        psycopg.Error: the database is away or refuses a statement; that file is rolled back.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK,))
        return apply(connection, load())


def load() -> list[Migration]:
    """Read the migration files that come with this package, in order of number."""
    folder = files("infra.postgres").joinpath("migrations")
    found = [item for item in folder.iterdir() if item.name.endswith(".sql")]
    return [Migration(item.name, item.read_text("utf-8")) for item in sorted(found, key=str)]


def apply(connection: psycopg.Connection, migrations: list[Migration]) -> list[str]:
    """Apply what is missing; each file and its record are one transaction."""
    check_numbers(migrations)
    connection.execute(HISTORY)
    rows = connection.execute("SELECT name, sha256 FROM schema_migrations ORDER BY name").fetchall()
    check_history(migrations, {str(name): str(digest) for name, digest in rows})
    pending = migrations[len(rows) :]
    for migration in pending:
        with connection.transaction():
            connection.execute(migration.sql.encode())
            connection.execute(
                "INSERT INTO schema_migrations (name, sha256) VALUES (%s, %s)",
                (migration.name, migration.sha256),
            )
    return [migration.name for migration in pending]


def check_numbers(migrations: list[Migration]) -> None:
    """Refuse names out of form and gaps: numbers are 0001, 0002, and so on."""
    for expected, migration in enumerate(migrations, start=1):
        match = FILE_NAME.match(migration.name)
        if match is None or int(match.group(1)) != expected:
            raise MigrationError(f"{migration.name}: expected a file {expected:04d}_<words>.sql")


def check_history(migrations: list[Migration], applied: dict[str, str]) -> None:
    """Refuse a database whose history is not the beginning of ``migrations``."""
    known = {migration.name: migration.sha256 for migration in migrations}
    for name, digest in applied.items():
        if name not in known:
            raise MigrationError(f"the database has {name}, which this version does not know")
        if known[name] != digest:
            raise MigrationError(f"{name} was changed after it was applied; add a new file instead")
    expected = [migration.name for migration in migrations[: len(applied)]]
    if list(applied) != expected:
        raise MigrationError(f"applied {list(applied)}, but the files begin with {expected}")
