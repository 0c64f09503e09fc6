"""Which questions make no sense for a model, told before a process is spent on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cpwl_milp.audit.jobs import Input, Job


def why_no_picture(job: Job, inspected: Mapping[str, Any]) -> str | None:
    """Why no region picture can be drawn; None if it can, or only `plot` itself can tell.

    Slices have dimensions of their own, and a box in a file may fix inputs.
    """
    from_file = any(
        isinstance(a, Input) and a.before in ("--box=", "--vnnlib=") for a in job.arguments
    )
    n_inputs = inspected["model"]["n_inputs"]
    if job.sliced or from_file or n_inputs == 2:
        return None
    return f"a picture shows two dimensions, the domain has {n_inputs}"
