"""From a run folder back to the state of its run."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.core.pattern import Packed, packed_size
from cpwl_milp.enumeration.outcome import Outcome, Tally

if TYPE_CHECKING:
    from cpwl_milp.storage.run_folder import RunFolder


@dataclass(frozen=True)
class Restart:
    """Where a run goes on.

    Attributes
    ----------
    roots : tuple of Cube
        Every cube that is not closed; what was parked or unresolved is tried again, for limits
        may have changed and an engine says so again at once.
    tally : Tally
        Counts so far.
    closed : Fraction
        Weight of the closed cubes.
    """

    roots: tuple[Cube, ...]
    tally: Tally
    closed: Fraction

    def untouched(self, reason: str) -> Outcome:
        """The outcome of a session that ended before any work, for some reason.

        Whether the cubes that are left hold any region is the engine's to say: not claimed here.
        """
        if not self.roots:
            reason = ""
        return Outcome(reason, self.tally, self.closed, self.roots, (), (), nonempty=False)


def restart(run: RunFolder) -> Restart:
    """Replay the journal of a run (a new one gives its roots).

    Raises
    ------
    RunFolderError
        If the journal does not fit together.
    """
    left = dict.fromkeys(run.question.roots, True)
    whole = sum((cube.weight for cube in left), Fraction(0))
    # Under a condition no cells of prefixes are counted.
    n_counted = 0 if run.question.condition else len(run.layout.widths)
    tally = Tally(prefix_counts=(0,) * n_counted)
    for number, step in enumerate(run.steps(), start=1):
        for cube in step.taken:
            if cube not in left:
                raise RunFolderError(
                    f"{run.path}: step {number} of the journal",
                    f"replaces the cube {list(cube.literals)}, which is not open",
                    hint="the folder is damaged",
                )
            del left[cube]
        left.update(dict.fromkeys(step.open, True))
        set_aside = [*step.parked, *(cube for _, cubes in step.unresolved for cube in cubes)]
        left.update(dict.fromkeys(set_aside, False))
        tally = tally.plus(
            Tally(step.n_regions, step.n_thin, step.prefix_counts, dict(step.decisions))
        )
    # What was set aside comes last: the loop takes up the end of the roots first.
    roots = [cube for cube, is_open in left.items() if not is_open]
    roots += [cube for cube, is_open in left.items() if is_open]
    closed = whole - sum((cube.weight for cube in roots), Fraction(0))
    if closed < 0:
        raise RunFolderError(
            str(run.path), "its cubes are more than the whole", hint="the folder is damaged"
        )
    counted = Tally(
        tally.n_regions, tally.n_thin, tally.prefix_counts, tally.decisions, run.seconds
    )
    return Restart(tuple(roots), counted, closed)


def listed_patterns(run: RunFolder) -> Packed:
    """All patterns listed so far, shape (n, bytes), for engines that must know them.

    Takes n times `packed_size(n_units)` bytes of memory.
    """
    nothing = np.zeros((0, packed_size(run.layout.n_units)), dtype=np.uint8)
    return np.concatenate([nothing, *run.patterns()])
