"""Loops that run as machine code (Numba; docs/adr/0012).

A slate is made of many short loops over a few hundred numbers: as array operations each would cost
more to call than to run. Compiled functions take arrays and numbers, or named tuples of them, and
their types are written down: there is one compilation, before the first call.

Python calls the machine code itself, past Numba's dispatcher, which would look at the type of each
argument first: 2 us for three arrays, 10 us for tuples of thirty, where unpacking them takes 2 us.
So a wrong kind of number is found by mypy and by the tests, which set ``TYPES_CHECKED``; otherwise
only another size of number or another number of dimensions is an error.

Sums are in the order of the loops and nothing is reassociated: the same input gives the same bits,
in a batch or alone, in the agent or in the evaluator. Compiled code is kept in the package's
``__pycache__`` (or in ``NUMBA_CACHE_DIR``), so only the first process compiles.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit, types
from numba.extending import is_jitted

F = TypeVar("F", bound=Callable[..., Any])

# Types of arguments and results. Arrays are contiguous.
INT, FLOAT = types.int64, types.float64
INTS, INTS32, FLAGS = INT[::1], types.int32[::1], types.boolean[::1]
FLOATS, FLOATS32 = FLOAT[::1], types.float32[::1]
TABLE, FLAG_TABLE = FLOAT[:, ::1], types.boolean[:, ::1]
NOTHING = types.void
_OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "nogil": True}


def tuple_of(kind: type, *fields: Any) -> Any:
    """Return the type of a named tuple with fields of the given types."""
    return types.BaseTuple.from_types(fields, kind)


TYPES_CHECKED = False  # of modules that are imported from now on; set by tests
_kept: list[Any] = []  # dispatchers, whose machine code is called


def compiled(returns: Any, *arguments: Any) -> Callable[[F], F]:
    """Compile a function for one signature when its module is imported, unless that is cached.

    What it calls stands above it and is ``inlined``.
    """

    def compile_now(function: F) -> F:
        found = njit(returns(*arguments), **_OPTIONS)(function)
        if TYPES_CHECKED or not is_jitted(found):  # not so with NUMBA_DISABLE_JIT
            return cast(F, found)
        _kept.append(found)
        overload: Any = found.overloads[arguments]
        return cast(F, overload.entry_point)

    return compile_now


def inlined(function: F) -> F:
    """Compile a function as a part of the compiled functions that call it."""
    return cast(F, njit(**_OPTIONS)(function))
