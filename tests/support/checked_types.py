"""Compiled functions look at the types of their arguments in tests: import this first."""

from domain import compiled

compiled.TYPES_CHECKED = True
