"""Runs the SQL on standard input in the database of the running stack, and takes it back."""

import os
import sys
from pathlib import Path

import psycopg

from infra.data_dir import DataDir


def main() -> None:
    """Run the statements in one transaction that is rolled back."""
    stack = DataDir(Path(os.environ["MEDIA_GATEWAY_DATA_DIR"])).running()
    assert stack is not None
    with psycopg.connect(stack.database_url) as connection:
        connection.execute(sys.stdin.read().encode())
        connection.rollback()


if __name__ == "__main__":
    main()
