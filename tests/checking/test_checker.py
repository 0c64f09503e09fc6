"""Forged, damaged and truncated certificates never pass."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest

from cpwl_milp.checking import CertificateError, StatedLayer, Statement, check
from cpwl_milp.checking.records import MAGIC
from cpwl_milp.core.domain import Box
from tests.certificates import Certified, certified, leaves
from tests.networks import mlp, one_layer, random_network
from tests.oracles_exact import exact_patterns

# One ReLU over [-1, 1], at x = 1/4: two regions.
ONE = Statement((StatedLayer([[1.0]], [-0.25], [0.0]),), [-1.0], [1.0])


def _split(unit: int) -> bytes:
    return struct.pack("<BH", 16, unit)


def _leaf(*point: float) -> bytes:
    return struct.pack(f"<B{len(point)}d", 32, *point)


def _close(unit: int, bit: int, *terms: tuple[int, float]) -> bytes:
    data = struct.pack("<BHB", 2 + bit, unit, len(terms))
    return data + b"".join(struct.pack("<Hd", *term) for term in terms)


def _end(regions: int) -> bytes:
    return struct.pack("<BQ", 48, regions)


def _checked(statement: Statement, *records: bytes) -> int:
    return check(io.BytesIO(MAGIC + b"".join(records)), statement).regions


def test_a_certificate_by_hand() -> None:
    assert _checked(ONE, _split(0), _leaf(0.0), _leaf(0.5), _end(2)) == 2


@pytest.mark.parametrize(
    ("records", "complaint"),
    [
        ((_split(0), _leaf(0.5), _leaf(0.5), _end(2)), "not inside the region in cube (-1)"),
        ((_split(0), _leaf(0.0), _leaf(0.25), _end(2)), "not inside the region in cube (+1)"),
        ((_split(0), _leaf(-1.0), _leaf(0.5), _end(2)), "not inside the domain in cube (-1)"),
        ((_split(0), _leaf(0.0), _leaf(float("nan")), _end(2)), "not finite"),
        ((_split(0), _leaf(0.0), _end(1)), "while cubes are open in cube (+1)"),
        ((_split(0), _leaf(0.0), _leaf(0.5), _end(3)), "says 3 regions, there were 2"),
        ((_split(0), _leaf(0.0), _leaf(0.5), _end(2), b"\0"), "bytes after the end"),
        ((_split(0), _leaf(0.0), _leaf(0.5), _leaf(0.5), _end(3)), "after the last cube"),
        ((_close(0, 0), _leaf(0.0), _end(1)), "no proof that unit 1 is nowhere positive"),
        ((_close(0, 1), _leaf(0.5), _end(1)), "no proof that unit 1 is nowhere negative"),
        ((_close(0, 1, (0, 1.0)), _leaf(0.5), _end(1)), "a multiplier of wall 0, of 0"),
        ((_split(1),), "a decision on unit 2, which is not open in cube (the root)"),
        ((_split(0), _split(0)), "where all units are decided in cube (-1)"),
        ((_leaf(0.0),), "a leaf with units of layer 1 undecided"),
        ((b"\x07",), "unknown kind 7"),
        ((), "ends too early in cube (the root)"),
    ],
)
def test_forgeries_by_hand(records: tuple[bytes, ...], complaint: str) -> None:
    with pytest.raises(CertificateError, match="certificate") as error:
        _checked(ONE, *records)
    assert complaint in str(error.value)
    assert error.value.exit_code == 4


def test_closed_sides_need_multipliers_that_are_right_and_not_negative() -> None:
    # x > 1/4 and x > 1/2: beyond the first there is a second, below it the second is off.
    two = Statement((StatedLayer([[1.0], [1.0]], [-0.25, -0.5], [0.0, 0.0]),), [-1.0], [1.0])
    upper = (_split(1), _leaf(0.375), _leaf(0.75), _end(3))
    proof = _close(1, 0, (0, 1.0))
    assert _checked(two, _split(0), proof, _leaf(0.0), *upper) == 3
    for wrong in (_close(1, 0), _close(1, 0, (0, -1.0)), _close(1, 0, (0, 0.25)), _close(1, 1)):
        with pytest.raises(CertificateError, match=r"in cube \(-1\)"):
            _checked(two, _split(0), wrong, _leaf(0.0), *upper)


def _sure(*units: int) -> bytes:
    mask = bytearray(1)
    for unit in units:
        mask[0] |= 128 >> unit
    return struct.pack("<BH", 6, 1) + mask


def _bound(upper: int, value: float, *terms: tuple[int, float]) -> bytes:
    data = struct.pack("<BHBf", 8 + upper, 0, len(terms), value)
    return data + b"".join(struct.pack("<Hf", *term) for term in terms)


def test_bounds_of_a_cell_close_units_there_and_not_elsewhere() -> None:
    # x > 1/4, x > 1/2, x > -1/2: where the first is off, so is the second; the third is open there.
    three = Statement((StatedLayer([[1.0]] * 3, [-0.25, -0.5, 0.5], [0.0] * 3),), [-1.0], [1.0])
    lower = (_bound(1, 0.25, (0, 1.0)), _sure(1), _split(2), _leaf(-0.75), _leaf(0.0))
    upper = (_bound(0, 0.25, (0, 1.0)), _sure(2), _split(1), _leaf(0.375), _leaf(0.75))
    assert _checked(three, _split(0), *lower, *upper, _end(4)) == 4
    forged = [
        (lower[1:], upper, "no proof that unit 2 has one sign in cube (-1)"),
        ((_bound(1, 0.2, (0, 1.0)), *lower[1:]), upper, "no proof of the bound 0.2"),
        ((_bound(1, 0.25, (0, -1.0)), *lower[1:]), upper, "a negative multiplier"),
        # The bounds of one side do not hold on the other.
        (lower, (_sure(1), *upper), "no proof that unit 2 has one sign in cube (+1)"),
    ]
    for below, above, complaint in forged:
        with pytest.raises(CertificateError) as error:
            _checked(three, _split(0), *below, *above, _end(4))
        assert complaint in str(error.value)


def test_a_zero_function_has_bit_zero_only() -> None:
    zero = Statement((StatedLayer([[0.0]], [0.0], [0.0]),), [-1.0], [1.0])
    assert _checked(zero, _close(0, 0), _leaf(0.5), _end(1)) == 1
    with pytest.raises(CertificateError, match="0 everywhere"):
        _checked(zero, _close(0, 1), _leaf(0.5), _end(1))


def test_the_certificate_of_another_network_proves_nothing() -> None:
    made = _some()
    network = random_network(np.random.default_rng(5), 2, [4, 4])
    other = certified(network, Box.uniform(-1, 1, 2), {(0,) * 8}).problem
    with pytest.raises(CertificateError):
        leaves(made.data, other)


def _some() -> Certified:
    """A certificate with float and exact multipliers, float and exact points."""
    network = mlp(
        ([[1.0, 0.5], [1.0, -1.0], [0.25, 1.0], [1.0, 0.5]], [0.0, 0.0, 0.0, -(2.0**-60)]),
        ([[1.0, -2.0, 1.0, 0.5], [0.5, 1.0, -1.0, -1.0], [-1.0, 1.0, 1.0, 1.0]], [0.1, -0.2, 0.3]),
        ([[1.0, 1.0, 1.0]], [0.0]),
    )
    box = Box.uniform(-1, 1, 2)
    made = certified(network, box, set(exact_patterns(network, box)))
    assert made.proof.complete
    assert made.proof.rationals
    assert made.proof.floats
    return made


def test_no_mutated_certificate_passes_with_another_count() -> None:
    """1000 mutations. A change that does no harm (a point or a multiplier's last bits) may pass."""
    made = _some()
    truth = made.checked()
    rng = np.random.default_rng(0)
    refused = 0
    for k in range(1000):
        data = bytearray(made.data)
        kind = k % 5
        i, j = sorted(rng.integers(len(MAGIC), len(data), 2).tolist())
        if kind == 0:
            data[i] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del data[i:j]
        elif kind == 2:
            del data[i:]
        elif kind == 3:
            # Two stretches of one length change places.
            n = min(16, j - i)
            data[i : i + n], data[j - n : j] = data[j - n : j], data[i : i + n]
        else:
            data[i:i] = data[i : i + int(rng.integers(1, 40))]
        if bytes(data) == made.data:
            continue
        try:
            assert leaves(bytes(data), made.problem) == truth
        except CertificateError:
            refused += 1
    assert refused > 700


def test_dropped_cubes_and_swapped_multipliers_are_found() -> None:
    """Every record dropped, and every two neighbours swapped: by hand, not by chance."""
    network = one_layer([[1.0, 0.25], [0.5, 1.0], [1.0, -1.0]], [0.125, -0.25, 0.5])
    box = Box.uniform(-1, 1, 2)
    made = certified(network, box, set(exact_patterns(network, box)))
    truth = made.checked()
    records = _records(made.data, dim=2)
    for k in range(len(records)):
        rest = records[:k] + records[k + 1 :]
        with pytest.raises(CertificateError):
            leaves(MAGIC + b"".join(rest), made.problem)
    for k in range(len(records) - 1):
        swapped = [*records[:k], records[k + 1], records[k], *records[k + 2 :]]
        try:
            # Two units closed in another order are the same proof.
            assert leaves(MAGIC + b"".join(swapped), made.problem) == truth
        except CertificateError:
            continue
        assert records[k] == records[k + 1] or records[k][0] <= 9 >= records[k + 1][0]


def _records(data: bytes, dim: int) -> list[bytes]:
    found = []
    at = len(MAGIC)
    while at < len(data):
        kind = data[at]
        if kind < 4:
            size = 4 + data[at + 3] * (6 if kind < 2 else 10)
        elif kind == 6:
            size = 3 + data[at + 1]
        elif kind in (8, 9):
            size = 8 + data[at + 3] * 6
        else:
            size = {16: 3, 32: 1 + 8 * dim, 48: 9}[kind]
        found.append(data[at : at + size])
        at += size
    return found
