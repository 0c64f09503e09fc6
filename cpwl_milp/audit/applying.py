"""Which questions make no sense for a model, told before a process is spent on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cpwl_milp.audit.jobs import Input, Job


def dimension_from_elsewhere(job: Job) -> bool:
    """Whether the dimension of a job's domain is not simply the number of inputs.

    Slices have dimensions of their own, and bounds in a file may fix inputs.
    """
    return job.sliced or any(
        isinstance(a, Input) and a.before in ("--box=", "--vnnlib=") for a in job.arguments
    )


def why_no_picture(
    job: Job, inspected: Mapping[str, Any], in_domain: Mapping[str, Any] | None
) -> str | None:
    """Why no region picture can be drawn; None if it can, or only `plot` itself can tell.

    Parameters
    ----------
    job : Job
    inspected : mapping
        What `inspect` answered.
    in_domain : mapping or None
        What another question about the same domain answered.
    """
    dimension = None if dimension_from_elsewhere(job) else inspected["model"]["n_inputs"]
    if in_domain is not None:
        dimension = _dimension(in_domain["domain"])
    if dimension in (None, 2):
        return None
    return f"a picture shows two dimensions, the domain has {dimension}"


def _dimension(domain: Mapping[str, Any]) -> int:
    """How many coordinates of a described domain vary."""
    if domain["kind"] == "slice":
        return len(domain["basis"])
    return int(domain["dim"]) - int(domain.get("fixed_inputs", 0))
