"""Run folders and their certificates: made by the prover, checked by the independent checker."""

from __future__ import annotations

import time
from collections.abc import Callable

from cpwl_milp.checking import Checked, StatedLayer, Statement, check
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.proof import Proof, prove
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.refuted import require_right
from cpwl_milp.storage.certificates import CertificateWriter, opened_certificate
from cpwl_milp.storage.run_folder import RunFolder


def prove_run(
    run: RunFolder,
    problem: Problem,
    limits: Limits | None = None,
    advanced: Callable[[int], None] | None = None,
) -> Proof:
    """Prove the list of a complete run, and put the certificate into its folder.

    Raises
    ------
    CheckFailedError
        If the list is wrong. No certificate is left then.
    """
    seconds = limits.max_seconds if limits is not None else None
    deadline = float("inf") if seconds is None else time.monotonic() + seconds
    with CertificateWriter(run.path) as writer:
        proof = prove(problem, run.patterns(), writer, deadline=deadline, advanced=advanced)
        require_right(proof, str(run.path))
        if proof.complete:
            writer.finish()
    return proof


def check_run(run: RunFolder, problem: Problem) -> Checked:
    """Check a run's certificate, and that it is about the regions listed.

    Parameters
    ----------
    run : RunFolder
    problem : Problem
        Made anew of the model and domain of the run.

    Raises
    ------
    RunFolderError
        If there is no certificate.
    CheckFailedError
        If it proves nothing, or another list.
    """
    size = packed_size(problem.network.n_units)
    listed: set[bytes] = set()
    rows = 0
    for batch in run.patterns():
        rows += len(batch)
        listed.update(row.tobytes() for row in batch)
    if rows != len(listed):
        raise CheckFailedError(str(run.path), f"{rows - len(listed)} patterns are listed twice")

    def strike(pattern: int) -> None:
        name = pattern.to_bytes(size, "little")
        if name not in listed:
            raise CheckFailedError(
                str(run.path), f"the list lacks the region of pattern {name.hex()}"
            )
        listed.remove(name)

    with opened_certificate(run.path) as file:
        checked = check(file, statement_of(problem), strike)
    if listed:
        raise CheckFailedError(
            str(run.path), f"{len(listed)} patterns are listed that the certificate does not prove"
        )
    return checked


def statement_of(problem: Problem) -> Statement:
    """The network and domain of a problem as plain numbers."""
    box = problem.domain.box
    matrix, limits = problem.domain.inequalities()
    return Statement(
        tuple(
            StatedLayer(
                layer.affine.dense().tolist(), layer.affine.bias.tolist(), layer.slope.tolist()
            )
            for layer in problem.network.layers
        ),
        box.lower.tolist(),
        box.upper.tolist(),
        matrix.tolist(),
        limits.tolist(),
    )
