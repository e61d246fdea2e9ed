"""Builders, waiting and services shared by tests; fixtures are registered in conftest.py."""
