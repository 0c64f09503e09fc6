"""Proving a list of patterns to be the list of all regions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Polytope
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.exact import ExactEngine
from cpwl_milp.engines.exact.dictionary import EffortExceededError
from cpwl_milp.engines.proof.answer import Proof, Sink
from cpwl_milp.engines.proof.attempt import Attempt
from cpwl_milp.engines.proof.exact import NoCellError, OtherSideError
from cpwl_milp.engines.proof.patterns import Words, as_words, ordered, prefix_counts

# Cubes of a wrong list that are searched anew before it is given up.
_MOST_CORRECTIONS = 1000


def prove(
    problem: Problem,
    patterns: Iterable[Packed],
    sink: Sink | None = None,
    *,
    deadline: float = float("inf"),
    advanced: Callable[[int], None] | None = None,
) -> Proof:
    """Prove that some patterns are the proper activation regions of a problem, all of them.

    What the list has wrong is put right: cubes that it misses are searched in whole numbers, rows
    that are no region are dropped, and the proof begins anew.

    *Assumes* nothing of the list or of what found it.
    *Cost* : about that of the tree engine; 0.1 to 1 ms for each decision in whole numbers.

    Parameters
    ----------
    problem : Problem
        Over a box or a polytope (L2 balls have curved faces).
    patterns : iterable of ndarray of uint8
        Packed, in any order.
    sink : Sink, optional
        Gets the certificate, as `checking` reads it.
    deadline : float
        `time.monotonic()` at which to give up.
    advanced : callable, optional
        Called now and then with the number of regions proved so far.

    Raises
    ------
    DomainError
        For an L2 ball.
    InputError
        If the network is too large.
    """
    require_provable(problem)
    began = time.monotonic()
    listed = as_words(patterns, problem.network.widths)
    words = ordered(listed)
    missed, phantom = 0, len(listed) - len(words)
    for _ in range(_MOST_CORRECTIONS):
        if not len(words):
            words = _searched(problem, Cube(), deadline)
            missed += len(words)
        attempt = Attempt(problem, words, sink)
        try:
            reason = attempt.run(deadline, advanced)
        except NoCellError:
            first, end = attempt.run_at_hand
            phantom += end - first
            words = np.delete(words, slice(first, end), axis=0)
            continue
        except OtherSideError:
            try:
                found = _searched(problem, attempt.missing, deadline)
            except TimeoutError:
                reason = "max-seconds"
            else:
                before = len(words)
                words = ordered(np.concatenate([words, found]))
                missed += len(words) - before
                continue
        except EffortExceededError:
            reason = "unresolved: a decision takes too much work in whole numbers"
        break
    else:
        reason = "unresolved: the list is wrong in too many places"
    floats, rationals = attempt.settled
    return Proof(
        reason=reason,
        regions=attempt.leaves,
        prefix_regions=() if reason else prefix_counts(words, problem.network.widths),
        floats=floats,
        rationals=rationals,
        missed=missed,
        phantom=phantom,
        seconds=time.monotonic() - began,
    )


def require_provable(problem: Problem) -> None:
    """Refuse what `prove` does not cover.

    Raises
    ------
    DomainError
    """
    if not isinstance(problem.domain, Box | Polytope):
        raise DomainError(
            "--rigorous",
            "an L2 ball, which has a round face",
            "a domain with linear faces",
            "use --norm 1 or inf, or a box",
        )


def _searched(problem: Problem, cube: Cube, deadline: float) -> Words:
    """All regions of a cube, by the exact engine."""
    engine = ExactEngine(problem)
    found = []
    todo = [cube]
    while todo:
        if time.monotonic() > deadline:
            raise TimeoutError
        step = engine.advance(todo.pop(), Budget(10_000, min(deadline, time.monotonic() + 10)))
        if step.unresolved:
            raise EffortExceededError
        found.append(step.regions.patterns)
        todo += step.open
    return ordered(as_words(found, problem.network.widths))
