"""Certificates in memory, for tests: made by the prover, read by the checker."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from cpwl_milp.checking import check
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits, pack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.proof import Proof, prove
from cpwl_milp.enumeration.certifying import statement_of

Pattern = tuple[int, ...]


class Memory:
    """A sink that keeps the certificate."""

    def __init__(self) -> None:
        self.data = b""

    def restart(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


@dataclass(frozen=True)
class Certified:
    """A proof with its certificate."""

    problem: Problem
    proof: Proof
    data: bytes

    def checked(self) -> set[Pattern]:
        """The regions that the certificate proves; CertificateError if it proves none."""
        return leaves(self.data, self.problem)


def certified(network: Network, domain: Domain, listed: set[Pattern] | Bits) -> Certified:
    """Prove a list of patterns, right or wrong."""
    problem = Problem.of(network, domain)
    rows = np.array(sorted(listed) if isinstance(listed, set) else listed, dtype=np.bool_)
    memory = Memory()
    proof = prove(problem, [pack(rows.reshape(len(rows), network.n_units))], memory)
    return Certified(problem, proof, memory.data)


def leaves(data: bytes, problem: Problem) -> set[Pattern]:
    """The regions that a certificate proves."""
    found: list[Pattern] = []
    n = problem.network.n_units
    checked = check(
        io.BytesIO(data),
        statement_of(problem),
        lambda pattern: found.append(tuple(pattern >> k & 1 for k in range(n))),
    )
    assert checked.regions == len(found) == len(set(found))
    return set(found)
