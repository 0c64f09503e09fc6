"""The engines: several ways to answer "which patterns exist in this cube?"."""

from pathlib import Path

from cpwl_milp.engines.kernel_cache import forget_stale_kernels

# Before any kernel is imported.
forget_stale_kernels(Path(__file__).parent)
