"""Input sets of VNN-LIB files."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.errors import DomainError
from cpwl_milp.onnx_io import read_vnnlib_boxes, read_vnnlib_inputs

HEAD = "(declare-const X_0 Real)\n(declare-const X_1 Real)\n(declare-const Y_0 Real)\n"
UNIT = "(assert (>= X_0 0))(assert (<= X_0 1))(assert (>= X_1 0))(assert (<= X_1 1))\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "p.vnnlib"
    path.write_text(text)
    return path


def boxes(folder: Path, body: str) -> list[tuple[list[float], list[float]]]:
    found = read_vnnlib_boxes(write(folder, HEAD + body), 2)
    return [(list(box.lower), list(box.upper)) for box in found]


def test_one_box(tmp_path: Path) -> None:
    text = "; a comment (with a paren\n" + UNIT + "(assert (<= X_0 0.5)) ; tighter\n"
    assert boxes(tmp_path, text) == [([0, 0], [0.5, 1])]


@pytest.mark.parametrize(
    ("atom", "expected"),
    [
        ("(<= (* -1.0 X_0) -0.25)", ([0.25, 0], [1, 1])),
        ("(>= 0.5 X_1)", ([0, 0], [1, 0.5])),
        ("(<= (+ X_0 0.5) (- 1 0.25))", ([0, 0], [0.25, 1])),
        ("(<= (- X_0) (- 0.25))", ([0.25, 0], [1, 1])),
        ("(= X_1 0.75)", ([0, 0.75], [1, 0.75])),
        ("(<= (- (* 2 X_0) X_0) 0.5)", ([0, 0], [0.5, 1])),
        ("(and (<= X_0 0.5) (>= X_1 0.5))", ([0, 0.5], [0.5, 1])),
        ("(< X_0 0.5)", ([0, 0], [0.5, 1])),
        ("(<= Y_0 (* 2 X_0))", ([0, 0], [1, 1])),
        ("(or (and (<= Y_0 0)) (and (>= Y_0 3)))", ([0, 0], [1, 1])),
        ("(<= (* Y_0 Y_0) 3)", ([0, 0], [1, 1])),
        ("(xor (<= Y_0 3) (<= Y_0 2))", ([0, 0], [1, 1])),
    ],
)
def test_bounds_in_other_words(
    atom: str, expected: tuple[list[float], list[float]], tmp_path: Path
) -> None:
    assert boxes(tmp_path, UNIT + f"(assert {atom})") == [expected]


def test_unions(tmp_path: Path) -> None:
    low, high = "(<= X_0 0.25)", "(>= X_0 0.75)"
    assert boxes(tmp_path, UNIT + f"(assert (or {low} (and {high} (<= Y_0 1))))") == [
        ([0, 0], [0.25, 1]),
        ([0.75, 0], [1, 1]),
    ]
    # The same box under two output conditions is one box.
    same = f"(assert (or (and {low} (<= Y_0 1)) (and {low} (>= Y_0 2))))"
    assert boxes(tmp_path, UNIT + same) == [([0, 0], [0.25, 1])]
    # Two unions multiply; empty combinations vanish.
    again = "(assert (or (<= X_0 0.1) (>= X_1 0.9)))"
    assert len(boxes(tmp_path, UNIT + f"(assert (or {low} {high}))" + again)) == 3
    # A disjunct about outputs only leaves the inputs free.
    assert ([0, 0], [1, 1]) in boxes(tmp_path, UNIT + f"(assert (or {low} (<= Y_0 1)))")
    nested = f"(assert (or (and (or {low} {high}) (>= X_1 0.5)) (<= X_1 0.1)))"
    assert len(boxes(tmp_path, UNIT + nested)) == 3


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "p.vnnlib.gz"
    path.write_bytes(gzip.compress((HEAD + UNIT).encode()))
    assert read_vnnlib_boxes(path, 2)[0].upper[1] == 1


def _grid(n: int) -> str:
    """A disjunction of n bounds."""
    return "(assert (or " + " ".join(f"(<= X_0 0.{k:04})" for k in range(n)) + "))"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty file"),
        ("; nothing", "empty file"),
        (HEAD, "X_0 has no lower bound"),
        (HEAD + "(assert (>= X_0 0))(assert (<= X_0 1))(assert (>= X_1 0))", "X_1 has no upper"),
        (HEAD + UNIT + "(assert (>= X_0 2))", "X_0 has lower bound 2 above upper bound 1"),
        (HEAD + UNIT + "(assert (or (>= X_0 2) (<= X_1 -1)))", "empty input set"),
        (HEAD + UNIT + "\n(assert (<= (+ X_0 X_1) 1))", "line 6: a linear constraint over 2"),
        (HEAD + UNIT + "\n(assert (<= (* X_0 X_0) 1))", "line 6: a product of variables"),
        (HEAD + UNIT + "(assert (<= X_2 1))", "line 5: X_2 is not declared"),
        (HEAD + UNIT + "(assert (<= X_0 one))", "line 5: 'one'.*a number"),
        (HEAD + UNIT + "(assert (<= X_0 inf))", "'inf'; expected a number"),
        (HEAD + UNIT + "(assert (<= X_0 1e999))", "the bound 1e999; expected a finite number"),
        (HEAD + UNIT + "(assert (<= X_0 1_0))", "'1_0'; expected a number"),
        (HEAD + UNIT + "(assert (<= (* 1e308 1e308 X_0) 1))", "line 5: a term that overflows"),
        (HEAD + UNIT + "(assert (<= X_0 (- (+ 1e308 1e308) (+ 1e308 1e308))))", "overflows"),
        (HEAD + UNIT + f"(assert (<= X_{'9' * 5000} 1))", "line 5: 'X_999999"),
        (f"(declare-const X_{'9' * 5000} Real)", "line 1: a declaration of another form"),
        ("(declare-const X_\u0660 Real)", "line 1: a declaration of another form"),
        (HEAD + UNIT + "(assert (or))", "line 5: an 'or' of nothing"),
        (HEAD + UNIT + "(assert (and (<= X_0 1) (and)))", "line 5: an 'and' of nothing"),
        (HEAD + UNIT + "\0", "line 5: .* outside of parentheses"),
        (HEAD + UNIT + _grid(1000) + _grid(1000).replace("X_0", "X_1") * 2, "too many boxes"),
        (HEAD + UNIT + "(assert (<= X_0))", "'<=' of 1 terms"),
        (HEAD + UNIT + "(assert)", "assert of 0 formulas"),
        (HEAD + UNIT + "(assert (not (<= X_0 1)))", "'not' over inputs"),
        (HEAD + UNIT + "(assert (<= X_0 1)", "line 5: a '\\(' that is never closed.*truncated"),
        (HEAD + UNIT + ")", "line 5: a '\\)' that closes nothing"),
        (HEAD + "hello", "line 4: 'hello' outside"),
        ("(vnnlib-version <2.0>)", "line 1: 'vnnlib-version'.*version 1"),
        (HEAD + "(declare-fun X_3 () Real)", "line 4: 'declare-fun'"),
        (HEAD + "(declare-const X_0 Real)", "declared twice"),
        (HEAD + "(declare-const Z_0 Real)", "another form"),
        ("(declare-const X_0 Real)" + UNIT, "declares 1 inputs.*X_0 to X_1"),
        (HEAD.replace("X_1", "X_2") + UNIT, "without X_1"),
        ("(" * 200, "nested"),
        ("()", "not read"),
    ],
)
def test_errors_name_the_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=message) as caught:
        read_vnnlib_boxes(write(tmp_path, text), 2)
    assert "\n" not in str(caught.value)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="cannot be read"):
        read_vnnlib_boxes(tmp_path / "none", 2)
    path = tmp_path / "binary"
    path.write_bytes(b"\x1f\x8bgarbage")
    with pytest.raises(DomainError):
        read_vnnlib_boxes(path, 2)
    path.write_bytes(bytes(range(256)))
    with pytest.raises(DomainError, match="not text"):
        read_vnnlib_boxes(path, 2)
    path.write_bytes(gzip.compress(b" " * (70 << 20), 1))
    with pytest.raises(DomainError, match="more than 64 MB of text"):
        read_vnnlib_boxes(path, 2)
    os.mkfifo(tmp_path / "pipe")
    for special in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(DomainError, match="not a regular file"):
            read_vnnlib_boxes(special, 2)


def test_disjunctions_that_repeat_or_exclude_each_other_do_not_multiply(tmp_path: Path) -> None:
    text = UNIT + "".join(f"(assert (or (<= X_0 0.5) (<= X_0 0.{k}5)))" for k in range(30))
    start = time.perf_counter()
    assert len(boxes(tmp_path, text)) <= 31
    nested = "".join(f"(or (<= X_0 0.5) (<= X_0 0.{k}5))" for k in range(30))
    assert len(boxes(tmp_path, UNIT + f"(assert (and {nested}))")) <= 31
    assert time.perf_counter() - start < 5


_PIECES = ["(", ")", "assert", "declare-const", "X_0", "X_1", "Y_0", "Real", "<=", ">=", "and",
           "or", "+", "-", "*", "1", "-2.5", "\n", ";", '"']  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(_PIECES), max_size=25))
def test_nonsense_is_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str]
) -> None:
    path = write(tmp_path_factory.getbasetemp(), HEAD + UNIT + " ".join(pieces))
    message = ""
    try:
        read_vnnlib_boxes(path, 2)
    except DomainError as error:
        message = str(error)
    assert "\n" not in message


def test_large_files_are_read_in_seconds(tmp_path: Path) -> None:
    n = 30_000
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, n)
    lines = [f"(declare-const X_{k} Real)" for k in range(n)]
    for k, v in enumerate(values.tolist()):
        lines += [f"(assert (>= X_{k} {v!r}))", f"(assert (<= X_{k} {v + 1!r}))"]
    path = write(tmp_path, "\n".join(lines))
    start = time.perf_counter()
    (box,) = read_vnnlib_boxes(path, n)
    assert time.perf_counter() - start < 5
    np.testing.assert_array_equal(box.lower, values)


@pytest.mark.parametrize(
    ("body", "rows", "limits"),
    [
        ("(assert (<= (+ X_0 X_1) 1))", [[1, 1]], [1]),
        # The forms of ACC and of other files: products, differences, constants on both sides.
        ("(assert (>= (- (* 1.5 X_1) X_0) (* -1.0 X_0)))(assert (< X_0 X_1))", [[1, -1]], [0]),
        (
            "(assert (and (<= (- (* 1.5 X_1) X_0) 0.5) (>= X_0 X_1)))",
            [[-1, 1.5], [-1, 1]],
            [0.5, 0],
        ),
        ("(assert (or (and (>= (+ X_0 X_1 2) 2.5) (<= Y_0 0))))", [[-1, -1]], [-0.5]),
        ("(assert (= (+ X_0 X_1) 1))", [[1, 1], [-1, -1]], [1, -1]),
    ],
)
def test_linear_constraints(
    tmp_path: Path, body: str, rows: list[list[float]], limits: list[float]
) -> None:
    path = write(tmp_path, HEAD + UNIT + body)
    inputs = read_vnnlib_inputs(path, 2)
    (piece,) = inputs.pieces
    assert piece.matrix.tolist() == rows
    assert piece.limit.tolist() == limits
    assert not inputs.notices
    with pytest.raises(DomainError, match="a linear constraint over 2 inputs"):
        read_vnnlib_boxes(path, 2)


def test_boxes_within_linear_constraints(tmp_path: Path) -> None:
    either = "(assert (or (<= X_0 0.25) (>= X_0 0.75)))"
    text = HEAD + UNIT + either + "(assert (<= (+ X_0 X_1) 1))"
    pieces = read_vnnlib_inputs(write(tmp_path, text), 2).pieces
    assert [(piece.lower[0], piece.upper[0]) for piece in pieces] == [(0, 0.25), (0.75, 1)]
    assert all(piece.limit.tolist() == [1] for piece in pieces)


def test_rows_may_bound_what_has_no_bound_of_its_own(tmp_path: Path) -> None:
    text = HEAD + "(assert (>= X_0 0))(assert (>= X_1 0))(assert (<= (+ X_0 X_1) 1))"
    (piece,) = read_vnnlib_inputs(write(tmp_path, text), 2).pieces
    assert np.isposinf(piece.upper).all()
    assert piece.lower.tolist() == [0, 0]


def test_linear_constraints_in_a_part_of_a_disjunction_are_refused(tmp_path: Path) -> None:
    text = HEAD + UNIT + "\n(assert (or (<= (+ X_0 X_1) 1) (<= Y_0 1)))"
    with pytest.raises(DomainError, match=r"line 6: .* in a part of an 'or'.*make a file of each"):
        read_vnnlib_inputs(write(tmp_path, text), 2)


def test_constraints_that_mix_inputs_and_outputs_are_told_of(tmp_path: Path) -> None:
    mixed = "\n(assert (<= (- Y_0 X_1) 1))\n(assert (or (and (>= X_0 Y_0) (<= X_0 0.5))))"
    inputs = read_vnnlib_inputs(write(tmp_path, HEAD + UNIT + mixed), 2)
    assert inputs.pieces[0].upper.tolist() == [0.5, 1]
    (notice,) = inputs.notices
    assert "line 6 and 1 more" in notice
    assert "does not restrict the domain" in notice
    # Outputs alone need no word.
    assert not read_vnnlib_inputs(write(tmp_path, HEAD + UNIT + "(assert (<= Y_0 1))"), 2).notices
