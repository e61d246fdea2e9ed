"""Loops that run as machine code (Numba; docs/adr/0012).

A slate is made of many short loops over a few hundred numbers: as array operations each would cost
more to call than to run. Compiled functions take arrays and numbers, or named tuples of them, and
their types are written down: a wrong one is an error at once, not another compilation in the hot
path.

Sums are in the order of the loops and nothing is reassociated: the same input gives the same bits,
in a batch or alone, in the agent or in the evaluator. Compiled code is kept in the package's
``__pycache__`` (or in ``NUMBA_CACHE_DIR``), so only the first process compiles.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit, types

F = TypeVar("F", bound=Callable[..., Any])

# Types of arguments and results. Arrays are contiguous.
INT, FLOAT = types.int64, types.float64
INTS, INTS32, FLAGS = INT[::1], types.int32[::1], types.boolean[::1]
FLOATS, FLOATS32 = FLOAT[::1], types.float32[::1]
TABLE = FLOAT[:, ::1]
NOTHING = types.void


def tuple_of(kind: type, *fields: Any) -> Any:
    """Return the type of a named tuple with fields of the given types."""
    return types.BaseTuple.from_types(fields, kind)


def compiled(returns: Any, *arguments: Any) -> Callable[[F], F]:
    """Compile a function for one signature when its module is imported, unless that is cached.

    What it calls stands above it.
    """
    return cast(
        Callable[[F], F], njit(returns(*arguments), cache=True, error_model="numpy", nogil=True)
    )


def inlined(function: F) -> F:
    """Compile a function as a part of the compiled functions that call it."""
    return cast(F, njit(cache=True, error_model="numpy", nogil=True)(function))
