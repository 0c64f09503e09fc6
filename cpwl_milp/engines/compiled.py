"""How the kernels of all engines are compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from numba import njit

from cpwl_milp.engines.kernel_cache import forget_stale_once


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Compile a function when it is first called, cached on disk where there is a place for it.

    No signatures are given: they would compile all kernels at import, used or not. Each kernel is
    called with one set of types only (a test counts them).
    """
    try:
        dispatcher = njit(cache=True, **options)(function)
    except RuntimeError:
        # Nowhere to write to: each process compiles for itself.
        return njit(**options)(function)
    forget_stale_once(Path(dispatcher.stats.cache_path))
    return dispatcher


# Division by zero gives inf, as in C: a check for it would keep loops from being vectorised.
# "contract" lets a product and a sum be one rounding (less error, never more); "nnan" and "nsz"
# let least and largest values be found in vectors. No kernel makes a NaN or tells -0 from 0.
allocating_kernel = partial(
    _compiled,
    nogil=True,
    error_model="numpy",
    fastmath={"contract", "nnan", "nsz"},
    _nrt=True,
    no_cfunc_wrapper=True,
)

# A kernel that allocates nothing needs no reference counts: their atomic increments, one for
# each array taken out of a tuple, cost more than a pivot. (numba's own sorts are compiled so.)
entry_kernel = partial(allocating_kernel, _nrt=False)

# Called by kernels only: not wrapped for Python, which halves the time to compile.
kernel = partial(entry_kernel, no_cpython_wrapper=True)

# Called in one or two places of the search: a tuple of arrays handed over costs some 150 moves.
inlined_kernel = partial(kernel, forceinline=True)

# As that, but put into the caller's source by numba and never compiled alone. Machine code is made
# of every function by itself and once more in each that calls it, so this halves the time to
# compile what is called in one place. (The innermost kernels run slower so, by a tenth: measure.)
merged_kernel = partial(kernel, inline="always")
