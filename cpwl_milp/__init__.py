"""Exact enumeration of the linear regions of ReLU-like networks, from ONNX.

The names below are what Python programs may rely on. Each is imported when it is first used, so
that ``import cpwl_milp`` (and the command line's ``--help``) loads no heavy library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cpwl_milp.bounding import pre_activation_bounds
    from cpwl_milp.census import CountSettings, count_regions
    from cpwl_milp.conditions import Condition, ConditionedProblem
    from cpwl_milp.core.affine import Affine
    from cpwl_milp.core.domain import Box
    from cpwl_milp.core.errors import CpwlError
    from cpwl_milp.core.network import Layer, Network
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.core.property import Property
    from cpwl_milp.counting import count_bounds
    from cpwl_milp.engines.choice import EngineSettings
    from cpwl_milp.enumeration.limits import Limits
    from cpwl_milp.enumeration.listing import list_regions
    from cpwl_milp.estimation import (
        EstimateSettings,
        ParitySettings,
        estimate_regions,
        parity_lower_bound,
    )
    from cpwl_milp.onnx_io import check_agreement, load_model, read_vnnlib_property
    from cpwl_milp.questions import (
        Objective,
        boundary_pieces,
        count_regions_where,
        lipschitz_constant,
        list_regions_where,
        maximum_by_program,
        maximum_over_regions,
    )
    from cpwl_milp.simplification import StateSettings, simplified, unit_states
    from cpwl_milp.terms.linear import linear_term_blocks, linear_terms
    from cpwl_milp.verification import Verification, VerifySettings, verify

__version__ = "0.1.0"

__all__ = [
    "Affine",
    "Box",
    "Condition",
    "ConditionedProblem",
    "CountSettings",
    "CpwlError",
    "EngineSettings",
    "EstimateSettings",
    "Layer",
    "Limits",
    "Network",
    "Objective",
    "ParitySettings",
    "Problem",
    "Property",
    "StateSettings",
    "Verification",
    "VerifySettings",
    "boundary_pieces",
    "check_agreement",
    "count_bounds",
    "count_regions",
    "count_regions_where",
    "estimate_regions",
    "linear_term_blocks",
    "linear_terms",
    "lipschitz_constant",
    "list_regions",
    "list_regions_where",
    "load_model",
    "maximum_by_program",
    "maximum_over_regions",
    "parity_lower_bound",
    "pre_activation_bounds",
    "read_vnnlib_property",
    "simplified",
    "unit_states",
    "verify",
]

# Public name -> the module that defines it.
_HOMES = {
    "Affine": "cpwl_milp.core.affine",
    "Box": "cpwl_milp.core.domain",
    "Condition": "cpwl_milp.conditions",
    "ConditionedProblem": "cpwl_milp.conditions",
    "CountSettings": "cpwl_milp.census",
    "CpwlError": "cpwl_milp.core.errors",
    "EngineSettings": "cpwl_milp.engines.choice",
    "EstimateSettings": "cpwl_milp.estimation",
    "Layer": "cpwl_milp.core.network",
    "Limits": "cpwl_milp.enumeration.limits",
    "Network": "cpwl_milp.core.network",
    "Objective": "cpwl_milp.questions",
    "ParitySettings": "cpwl_milp.estimation",
    "Problem": "cpwl_milp.core.problem",
    "Property": "cpwl_milp.core.property",
    "StateSettings": "cpwl_milp.simplification",
    "Verification": "cpwl_milp.verification",
    "VerifySettings": "cpwl_milp.verification",
    "boundary_pieces": "cpwl_milp.questions",
    "check_agreement": "cpwl_milp.onnx_io",
    "count_bounds": "cpwl_milp.counting",
    "count_regions": "cpwl_milp.census",
    "count_regions_where": "cpwl_milp.questions",
    "estimate_regions": "cpwl_milp.estimation",
    "linear_term_blocks": "cpwl_milp.terms.linear",
    "linear_terms": "cpwl_milp.terms.linear",
    "lipschitz_constant": "cpwl_milp.questions",
    "list_regions": "cpwl_milp.enumeration.listing",
    "list_regions_where": "cpwl_milp.questions",
    "load_model": "cpwl_milp.onnx_io",
    "maximum_by_program": "cpwl_milp.questions",
    "maximum_over_regions": "cpwl_milp.questions",
    "parity_lower_bound": "cpwl_milp.estimation",
    "pre_activation_bounds": "cpwl_milp.bounding",
    "read_vnnlib_property": "cpwl_milp.onnx_io",
    "simplified": "cpwl_milp.simplification",
    "unit_states": "cpwl_milp.simplification",
    "verify": "cpwl_milp.verification",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
