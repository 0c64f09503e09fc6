"""How the kernels of proofs are compiled: as the engines' are, but with IEEE comparisons.

A NaN or an infinity makes a comparison false here, and nothing is concluded from it. A product and
a sum may still be one rounding: error bounds hold all the more.
"""

from __future__ import annotations

from functools import partial

from cpwl_milp.engines.compiled import entry_kernel

strict_entry = partial(entry_kernel, fastmath={"contract"})
strict_kernel = partial(strict_entry, no_cpython_wrapper=True)

# A tuple of arrays handed over costs some 150 moves: put into the caller where that is often.
strict_inline = partial(strict_kernel, forceinline=True)

# As that, but put into the caller's source by numba and never compiled alone: what is called in
# one place takes half as long to compile.
strict_merged = partial(strict_kernel, inline="always")
