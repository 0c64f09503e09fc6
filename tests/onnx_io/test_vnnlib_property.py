"""Whole VNN-LIB properties: what violates, as cases; bad files in one line."""

from __future__ import annotations

import gzip
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.property import Property
from cpwl_milp.onnx_io import read_vnnlib_property

HEAD = "".join(f"(declare-const {name} Real)\n" for name in ("X_0", "X_1", "Y_0", "Y_1"))
UNIT = "(assert (>= X_0 0))(assert (<= X_0 1))(assert (>= X_1 0))(assert (<= X_1 1))\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "p.vnnlib"
    path.write_text(text)
    return path


def read(folder: Path, body: str) -> Property:
    return read_vnnlib_property(write(folder, HEAD + UNIT + body), 2, 2)


def rows(prop: Property, case: int = 0) -> list[tuple[list[float], list[float], float, bool]]:
    found = prop.cases[case].rows
    return [
        (found.on_outputs[k].tolist(), found.on_inputs[k].tolist(), found.limit[k], strict)
        for k, strict in enumerate(found.strict.tolist())
    ]


@pytest.mark.parametrize(
    ("atom", "expected"),
    [
        ("(<= Y_0 Y_1)", ([1, -1], [0, 0], 0, False)),
        ("(>= Y_0 Y_1)", ([-1, 1], [0, 0], 0, False)),
        ("(>= Y_0 3.5)", ([-1, 0], [0, 0], -3.5, False)),
        ("(< Y_0 2)", ([1, 0], [0, 0], 2, True)),
        ("(> 2 Y_1)", ([0, 1], [0, 0], 2, True)),
        ("(<= (+ Y_0 Y_1 (- 1)) 0.5)", ([1, 1], [0, 0], 1.5, False)),
        ("(<= (- (* 1.5 Y_1) (* Y_0 2) 4) (- X_0))", ([-2, 1.5], [1, 0], 4, False)),
        ("(<= (* -1 (- Y_0 Y_1)) X_1)", ([-1, 1], [0, -1], 0, False)),
        ("(<= (+ Y_0 Y_0) (* 3 X_1))", ([2, 0], [0, -3], 0, False)),
    ],
)
def test_rows(atom: str, expected: tuple[object, ...], tmp_path: Path) -> None:
    prop = read(tmp_path, f"(assert {atom})")
    assert rows(prop) == [expected]
    assert prop.boxes[0].lower.tolist() == [0, 0]
    assert prop.boxes[0].upper.tolist() == [1, 1]


def test_asserts_hold_together(tmp_path: Path) -> None:
    prop = read(tmp_path, "(assert (<= Y_0 1))(assert (and (>= Y_0 0) (= Y_1 2)))")
    assert [row[:1] + row[2:] for row in rows(prop)] == [
        ([1, 0], 1, False),
        ([-1, 0], 0, False),
        ([0, 1], 2, False),
        ([0, -1], -2, False),
    ]


def test_disjunctions_multiply(tmp_path: Path) -> None:
    """Inputs inside one `or`, outputs in another; equal boxes are one."""
    body = (
        "(assert (or (and (<= X_0 0.25)) (and (>= X_0 0.75) (<= X_1 0.5))))"
        "(assert (or (and (<= Y_0 0)) (and (>= Y_1 3) (<= Y_0 1))))"
    )
    prop = read(tmp_path, body)
    assert prop.describe()["boxes"] == 2
    assert [len(case.rows) for case in prop.cases] == [1, 2, 1, 2]
    assert [case.box.upper.tolist() for case in prop.cases[::2]] == [[0.25, 1], [1, 0.5]]
    assert prop.cases[0].box is prop.cases[1].box


def test_inputs_and_outputs_in_one_part(tmp_path: Path) -> None:
    body = "(assert (or (and (<= X_0 0.5) (>= Y_0 1)) (and (>= X_0 0.5) (>= (+ X_1 Y_0) 2))))"
    prop = read(tmp_path, body)
    assert [case.box.lower.tolist() for case in prop.cases] == [[0, 0], [0.5, 0]]
    assert rows(prop, 1) == [([-1, 0], [0, -1], -2, False)]
    assert np.array_equal(prop.hull.upper, [1, 1])


def test_parts_that_contradict_the_bounds_fall_away(tmp_path: Path) -> None:
    body = "(assert (or (and (>= X_0 2) (<= Y_0 0)) (and (<= 1 0) (<= Y_0 0)) (<= Y_1 0)))"
    assert rows(read(tmp_path, body)) == [([0, 1], [0, 0], 0, False)]


def test_a_bound_that_floats_do_not_hold_stays_a_constraint(tmp_path: Path) -> None:
    """3 X_0 <= 1: the box may be a unit in the last place too large, but the row tells."""
    prop = read(tmp_path, "(assert (<= (* 3 X_0) 1))(assert (< X_1 0.5))(assert (<= Y_0 0))")
    box = prop.boxes[0]
    assert Fraction(box.upper[0]) >= Fraction(1, 3)
    assert box.upper[0] <= np.nextafter(1 / 3, 1)
    assert rows(prop)[:2] == [([0, 0], [3, 0], 1, False), ([0, 0], [0, 1], 0.5, True)]


def test_limits_are_rounded_outward(tmp_path: Path) -> None:
    found = read(tmp_path, "(assert (<= (+ Y_0 1e-17) 0.3))").cases[0].rows
    exact = Fraction(0.3) - Fraction(1e-17)
    assert Fraction(found.limit_below[0]) < exact < Fraction(found.limit[0])
    assert np.nextafter(found.limit_below[0], 1) == found.limit[0]


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "p.vnnlib.gz"
    path.write_bytes(gzip.compress((HEAD + UNIT + "(assert (<= Y_0 Y_1))").encode()))
    assert len(read_vnnlib_property(path, 2, 2).cases) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("(assert (<= (* Y_0 Y_1) 1))", r"line 6: a product of variables, '\(\* Y_0 Y_1\)'"),
        ("(assert (<= (* X_0 Y_1) 1))", "a product of variables"),
        ("(assert (<= (* X_0 X_0) Y_0))", "a product of variables"),
        ("(assert (<= (/ Y_0 2) 1))", r"'\(/ Y_0 2\)'; expected a linear term"),
        ("(assert (<= (max Y_0 Y_1) 1))", "a linear term"),
        ("(assert (not (<= Y_0 1)))", "'not'; expected comparisons, 'and' and 'or'"),
        ("(assert (xor (<= Y_0 1) (<= Y_1 1)))", "'xor'"),
        ("(assert (<= Y_0))", "'<=' of 1 terms; expected two"),
        ("(assert (<= Y_0 1) (<= Y_1 1))", "an assert of 2 formulas"),
        ("(assert (or))", "an 'or' of nothing"),
        ("(assert Y_0)", "'Y_0'; expected a comparison"),
        ("(assert (<= Y_2 1))", "Y_2 is not declared"),
        ("(assert (<= X_7 Y_0))", "X_7 is not declared"),
        ("(assert (<= Y_0 one))", "'one'; expected a number"),
        ("(assert (<= Y_0 1e999))", "one that float64 holds"),
        ("(assert (<= (+ (* 0.1 Y_0) (* 0.2 Y_0)) 1))", "that float64 does not hold"),
        ("(assert (<= X_0 0.5))", "says nothing of the outputs"),
        ("(assert (and (>= X_0 2) (<= Y_0 1)))", "says nothing of the outputs|an empty input set"),
        ("(declare-const Y_2 Real)(assert (<= Y_0 1))", "declares 3 outputs; expected Y_0 to Y_1"),
        ("(declare-const Y_1 Real)(assert (<= Y_0 1))", "Y_1 is declared twice"),
    ],
)
def test_bad_files_are_told_in_a_line(body: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=said) as raised:
        read(tmp_path, body)
    assert "\n" not in str(raised.value)


def test_an_input_without_bounds_is_refused(tmp_path: Path) -> None:
    text = HEAD + "(assert (>= X_0 0))(assert (<= X_0 1))(assert (<= X_1 1))(assert (<= Y_0 1))"
    with pytest.raises(DomainError, match="X_1 has no lower bound"):
        read_vnnlib_property(write(tmp_path, text), 2, 2)


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + UNIT + "(assert (<= Y_0 1))")
    with pytest.raises(DomainError, match="declares 2 outputs; expected Y_0 to Y_4"):
        read_vnnlib_property(path, 2, 5)
    with pytest.raises(DomainError, match="declares 2 inputs"):
        read_vnnlib_property(path, 3, 2)


def test_disjunctions_that_explode_are_refused(tmp_path: Path) -> None:
    either = "(assert (or (<= Y_0 1) (<= Y_1 1)))\n"
    with pytest.raises(DomainError, match="more than 100,000 cases"):
        read(tmp_path, 20 * either)
