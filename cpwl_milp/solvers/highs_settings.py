"""How HiGHS works on a program, and how else it may when that failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Options: TypeAlias = "dict[str, bool | int | float | str]"

SMALLEST_COEFFICIENT = 1e-12
"""HiGHS accepts nothing smaller; entries below it are dropped."""


@dataclass(frozen=True)
class HighsSettings:
    """How HiGHS works on a program.

    Attributes
    ----------
    feasibility_tolerance : float
        By how much a row, bound or integrality may be broken; at least 1e-10.
    dual_tolerance : float
        By how much a reduced cost may have the wrong sign.
    presolve : bool
    mip_rel_gap : float
        Relative gap at which a mixed-integer program counts as optimal.
    seed : int
    first_solution : bool
        Stop at the first integer solution: for questions of feasibility.
    symmetry : bool
        Look for symmetries of the binaries.
    heuristic_effort : float
        Share of the work spent on primal heuristics, 0 to 1.
    """

    feasibility_tolerance: float = 1e-9
    dual_tolerance: float = 1e-9
    presolve: bool = True
    mip_rel_gap: float = 0.0
    seed: int = 0
    first_solution: bool = False
    symmetry: bool = False
    heuristic_effort: float = 0.05

    def options(self) -> Options:
        """The settings by their HiGHS names."""
        return {
            "output_flag": False,
            "threads": 1,
            "small_matrix_value": SMALLEST_COEFFICIENT,
            "primal_feasibility_tolerance": self.feasibility_tolerance,
            "dual_feasibility_tolerance": self.dual_tolerance,
            "mip_feasibility_tolerance": self.feasibility_tolerance,
            "presolve": "choose" if self.presolve else "off",
            "mip_rel_gap": self.mip_rel_gap,
            "mip_abs_gap": 0.0,
            "random_seed": self.seed % 2**31,
            "mip_max_improving_sols": 1 if self.first_solution else 2147483647,
            "mip_detect_symmetry": self.symmetry,
            "mip_heuristic_effort": self.heuristic_effort,
        }

    def rescues(self) -> tuple[Options, ...]:
        """Other ways to the same answer, by their HiGHS names, tried in order after a failure.

        Tolerances stay as they are, and presolve is only ever left out: what a rescue proves is
        what was asked. Other seeds, no scaling and the primal simplex take other pivots, and so
        mostly miss the numerical trouble that ended the first attempt. (Never name a `solver`:
        with one, HiGHS ignores integrality.)
        """
        others: tuple[Options, ...] = (
            {"random_seed": (self.seed + 101) % 2**31},
            {"random_seed": (self.seed + 202) % 2**31, "simplex_scale_strategy": 0},
            {
                "random_seed": (self.seed + 303) % 2**31,
                "simplex_strategy": 4,
                "mip_heuristic_effort": 0.0,
            },
        )
        plain = self.options()
        return tuple({**plain, "presolve": "off", **other} for other in others)


DEFAULT = HighsSettings()
