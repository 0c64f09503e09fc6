"""How far to go to find out what units do, as typed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.arguments.options import SEED

if TYPE_CHECKING:
    from cpwl_milp.simplification import StateSettings


@dataclass(frozen=True)
class StateRequest:
    """What was typed."""

    max_seconds: float
    solver: bool
    seed: int

    def settings(self) -> StateSettings:
        """As the search takes it."""
        from cpwl_milp.simplification import StateSettings

        return StateSettings(self.max_seconds, self.solver, seed=self.seed)


def state_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --max-seconds, --no-solver and --seed; the command gets `states`."""

    @click.option(
        "--max-seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=60.0,
        show_default=True,
        help="Time for what the cheapest bounds leave open.",
    )
    @click.option(
        "--no-solver",
        is_flag=True,
        help="Only bounds and samples: no mixed-integer programs, no lists of regions.",
    )
    @click.option("--seed", type=SEED, default=0, show_default=True, help="Random seed.")
    @functools.wraps(command)
    def gathered(max_seconds: float, no_solver: bool, seed: int, **rest: Any) -> Any:
        return command(states=StateRequest(max_seconds, not no_solver, seed), **rest)

    return gathered
