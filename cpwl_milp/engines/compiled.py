"""How the kernels of all engines are compiled."""

from __future__ import annotations

from functools import partial

from numba import njit

# Division by zero gives inf, as in C: a check for it would keep loops from being vectorised.
# "contract" lets a product and a sum be one rounding (less error, never more); "nnan" and "nsz"
# let least and largest values be found in vectors. No kernel makes a NaN or tells -0 from 0.
allocating_kernel = partial(
    njit,
    cache=True,
    nogil=True,
    error_model="numpy",
    fastmath={"contract", "nnan", "nsz"},
    _nrt=True,
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
