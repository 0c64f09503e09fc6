"""Every way to name a domain on the command line, and every way to get it wrong."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import MOONS, MOONS_X, answer, invoke, parsed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that describe domains of two inputs."""
    path = tmp_path_factory.mktemp("domains")
    square = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    np.savez(path / "square.npz", A=square, b=np.ones(4))
    np.savez(path / "diamond.npz", A=np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]), b=np.ones(4))
    np.savez(path / "open.npz", A=square[:3], b=np.ones(3))
    np.savez(path / "words.npz", A=np.array([["a", "b"]]), b=np.ones(1))
    np.savez(path / "wide.npz", A=np.ones((1, 3)), b=np.ones(1))
    np.savez(path / "line.npz", origin=np.zeros(2), basis=np.array([[1.0, 1.0]]))
    np.savez(path / "long.npz", origin=np.zeros(3), basis=np.ones((1, 3)))
    return path


def regions(*domain: object) -> int:
    return int(answer("count", MOONS, *domain)["regions"])


def test_one_set_by_several_names_has_one_count(folder: Path) -> None:
    by_box = regions("--box", "-1,1")
    assert by_box == regions("--polytope", folder / "square.npz")
    assert by_box == regions("--ball", "0,0", "--radius", 1, "--norm", "inf")
    assert by_box == regions("--ball", "0", "--radius", 1, "--norm", "inf", "--engine", "tree")
    diamond = regions("--polytope", folder / "diamond.npz")
    assert diamond == regions("--ball", "0,0", "--radius", 1, "--norm", "1")
    assert diamond < by_box < regions("--whole-space")


def test_a_property_with_linear_constraints_is_a_polytope(folder: Path, tmp_path: Path) -> None:
    diamond = "".join(
        f"(assert (<= ({sign} (* {scale} X_0) X_1) 1.0))" for sign in "+-" for scale in (-1.0, 1.0)
    )
    words = "".join(f"(declare-const {name} Real)\n" for name in ("X_0", "X_1", "Y_0"))
    path = tmp_path / "diamond.vnnlib"
    path.write_text(words + diamond + "(assert (<= (- Y_0 X_0) 0.0))", encoding="utf-8")
    result = invoke("count", MOONS, "--vnnlib", path, "--json")
    assert result.exit_code == 0
    assert "does not restrict the domain" in result.stderr
    found = parsed(result.stdout)
    assert found["domain"]["kind"] == "polytope"
    assert found["regions"] == regions("--polytope", folder / "diamond.npz")
    bounded = "".join(f"(assert (>= X_{k} -1))(assert (<= X_{k} 1))" for k in range(2))
    path.write_text(words + bounded + diamond, encoding="utf-8")
    assert regions("--vnnlib", path) == found["regions"]
    for text, message in (
        ("(assert (<= (+ X_0 X_1) 1))", "input 0 has no lower limit"),
        (bounded + "(assert (>= (+ X_0 X_1) 3))", "empty"),
        (bounded + "(assert (= (+ X_0 X_1) 1))", "flat.*--slice or --plane"),
    ):
        path.write_text(words + text, encoding="utf-8")
        result = invoke("count", MOONS, "--vnnlib", path)
        assert result.exit_code == 1
        assert len(result.output.splitlines()) == 1
        assert re.search(message, result.output)


def test_the_centre_may_be_a_row_of_a_file() -> None:
    x = np.load(MOONS_X)[17]
    spoken = ",".join(repr(float(value)) for value in x)
    near = ("--radius", 0.3, "--norm", "inf")
    assert regions("--ball", f"{MOONS_X}:17", *near) == regions("--ball", spoken, *near)


def test_a_line_through_the_domain(folder: Path) -> None:
    found = answer("count", MOONS, "--box", "-1,1", "--slice", folder / "line.npz")
    assert found["domain"]["kind"] == "slice"
    assert found["complete"]
    dense = np.linspace(-1, 1, 200_001)
    from cpwl_milp import load_model

    bits = load_model(MOONS).network.bits(np.column_stack([dense, dense]))
    assert found["regions"] == len(np.unique(bits, axis=0))


def test_an_enumeration_of_the_whole_space_resumes_and_gives_inputs(tmp_path: Path) -> None:
    run = tmp_path / "run"
    begun = answer(
        "enumerate", MOONS, "--whole-space", "-o", run, "--with-maps", "--max-regions", 50, code=3
    )
    assert begun["regions"] == 50
    done = answer("enumerate", "--resume", run)
    assert done["regions"] == regions("--whole-space")
    import pyarrow.parquet as pq

    from cpwl_milp import load_model

    rows = pq.read_table(run / "regions")
    # Two layers of 16 lines: every unbounded region is one of the first layer's, or a part of it.
    marks = rows["unbounded"].to_numpy(zero_copy_only=False)
    assert 0 < marks.sum() < len(marks)
    network = load_model(MOONS).network
    points = np.stack(rows["point"].to_numpy(zero_copy_only=False))
    weight = np.stack(rows["output_coefficients"].to_numpy(zero_copy_only=False)).reshape(
        len(points), -1, 2
    )
    bias = np.stack(rows["output_bias"].to_numpy(zero_copy_only=False))
    np.testing.assert_allclose(
        np.einsum("rij,rj->ri", weight, points) + bias, network(points), rtol=1e-6, atol=1e-6
    )


def test_bounds_are_of_the_slice_not_of_all_inputs(folder: Path) -> None:
    found = answer("bounds", MOONS, "--box", "-1,1", "--slice", folder / "line.npz")
    # On a line every layer of 16 units makes at most 17 times as many pieces.
    named = {bound["name"]: bound["value"] for bound in found["bounds"]}
    assert named["montufar2017"] == 17 * 17
    whole = answer("bounds", MOONS, "--whole-space")
    named = {bound["name"]: bound["value"] for bound in whole["bounds"]}
    assert named["montufar2017"] == 137 * 137


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ((), 2, "--whole-space"),
        (("--box", "-1,1", "--whole-space"), 2, "exclude each other"),
        (("--ball", "0,0"), 2, "--radius go together"),
        (("--radius", "1", "--box", "0,1"), 2, "--radius go together"),
        (("--norm", "1", "--box", "0,1"), 2, "--norm needs --ball"),
        (("--ball", "0,0", "--radius", "0"), 2, "--radius"),
        (("--ball", "0,0", "--radius", "nan"), 1, "radius nan"),
        (("--ball", "0,0", "--radius", "inf"), 1, "radius inf"),
        (("--ball", "0,0", "--radius", "1", "--norm", "3"), 2, "--norm"),
        (("--ball", "0,0,0", "--radius", "1"), 1, "3 coordinates"),
        (("--ball", "nan,0", "--radius", "1"), 1, "finite"),
        (("--ball", "1e30,0", "--radius", "1"), 1, "lost in rounding"),
        (("--ball", "none.npy:0", "--radius", "1"), 1, "no such file"),
        (("--ball", str(MOONS_X), "--radius", "1"), 1, "rows in"),
        (("--polytope", "none.npz"), 1, "no such file"),
        (("--polytope", "{}/line.npz"), 1, "line.npz"),
        (("--polytope", "{}/open.npz"), 1, "input 1 has no lower limit"),
        (("--polytope", "{}/words.npz"), 1, "real numbers"),
        (("--polytope", "{}/wide.npz"), 1, "3 columns"),
        (("--slice", "{}/line.npz"), 2, "no domain"),
        (("--slice", "{}/long.npz", "--box", "0,1"), 1, "3 coordinates"),
        (("--plane", f"{MOONS_X}:0,1,2", "--slice", "{}/line.npz", "--box", "0,1"), 2, "exclude"),
        (("--plane", f"{MOONS_X}:0", "--box", "-9,9"), 1, "three points"),
        (("--plane", f"{MOONS_X}:0,0,1", "--box", "-9,9"), 1, "length 0"),
        (("--plane", f"{MOONS_X}:0,1,2,3", "--box", "-9,9"), 1, "fewer than 3 dimensions"),
        (("--plane", f"{MOONS_X}:0,1", "--box", "7,9"), 1, "empty"),
    ],
)
def test_bad_domains_end_in_one_line(
    folder: Path, options: tuple[str, ...], code: int, words: str
) -> None:
    result = invoke("count", MOONS, *(option.format(folder) for option in options))
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert "Traceback" not in result.output
    if code == 1:
        assert result.stderr.strip().count("\n") == 0
