"""Registers the fixtures, hooks and settings of tests.support; defines none itself."""

from tests.support import (
    checked_types,  # first: before anything that is compiled
    properties,  # before any test module makes settings of its own
)
from tests.support.grouping import pytest_collection_modifyitems, pytest_xdist_make_scheduler
from tests.support.services import (
    database_url,
    fresh_database_url,
    kafka_bootstrap,
    postgres_server_url,
    redis_server,
    services_dir,
    unique,
)
from tests.support.shared_stack import shared_stack

__all__ = [
    "checked_types",
    "database_url",
    "fresh_database_url",
    "kafka_bootstrap",
    "postgres_server_url",
    "properties",
    "pytest_collection_modifyitems",
    "pytest_xdist_make_scheduler",
    "redis_server",
    "services_dir",
    "shared_stack",
    "unique",
]
