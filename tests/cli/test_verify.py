"""``verify`` on the command line: answers, exit codes, and what bad files say."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import numpy as np
import pytest

from cpwl_milp import load_model, read_vnnlib_property
from tests.cli.command import MOONS, answer, invoke, parsed, process
from tests.models.manifest import MODELS
from tests.networks import mlp

ROBUST = MODELS / "moons" / "moons_robust.vnnlib"
BETWEEN = MODELS / "moons" / "moons_between.vnnlib"
ACAS = MODELS / "public" / "ACASXU_run2a_1_1_batch_2000.onnx"
PROPERTY_3 = MODELS / "public" / "acasxu_property_3.vnnlib"
DECLARED = "".join(f"(declare-const {name} Real)\n" for name in ("X_0", "X_1", "Y_0", "Y_1"))
BOX = "(assert (>= X_0 -2))(assert (<= X_0 3))(assert (>= X_1 -2))(assert (<= X_1 3))\n"


@pytest.mark.parametrize("method", ["auto", "boxes", "milp"])
def test_what_holds(method: str) -> None:
    found = answer("verify", MOONS, ROBUST, "--method", method)
    assert (found["status"], found["proof"], found["method"]) == (
        "holds",
        "rounding-safe",
        "bounds",
    )
    assert found["counterexample"] is None
    assert found["cases"] == {"all": 1, "excluded_by_first_bounds": 1, "open": 0}


def test_what_is_violated() -> None:
    found = answer("verify", MOONS, BETWEEN)
    assert (found["status"], found["proof"]) == ("violated", "exact")
    shown = found["counterexample"]
    imported = load_model(MOONS)
    x = np.array([shown["input"]])
    prop = read_vnnlib_property(BETWEEN, 2, 2)
    case = prop.cases[shown["case"]]
    assert case.box.contains(x)[0]
    assert np.all(case.rows.excess(x, imported.network(x)) <= 0)
    assert shown["rerun"] == {
        "by": "onnxruntime",
        "output": imported.run(x)[0].tolist(),
        "input_in_box": True,
        "violates": True,
    }


def test_a_limit_is_exit_code_3() -> None:
    found = answer("verify", ACAS, PROPERTY_3, "--max-seconds", 0.1, code=3)
    assert (found["status"], found["reason"]) == ("unknown", "max-seconds")
    assert found["cases"]["open"] == 1


def test_answers_for_people() -> None:
    holds = invoke("verify", MOONS, ROBUST)
    assert holds.exit_code == 0
    assert holds.stdout.startswith("holds (by bounds, proved: every rounding is charged)")
    violated = invoke("verify", MOONS, BETWEEN)
    assert violated.exit_code == 0
    assert violated.stdout.startswith("violated (found by ")
    assert "onnxruntime" in violated.stdout
    unknown = invoke("verify", ACAS, PROPERTY_3, "--max-seconds", 0.1)
    assert unknown.exit_code == 3
    assert unknown.stdout.startswith("unknown (max-seconds): 1 of 1 cases are open")


def test_ctrl_c_answers_unknown() -> None:
    with process("verify", ACAS, PROPERTY_3, "--method", "boxes", "--json") as run:
        time.sleep(3)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    if run.returncode == 0:
        pytest.skip("it was decided before the signal came")
    assert run.returncode == 3, err
    if out:  # else it was still importing
        assert parsed(out)["reason"] == "interrupted"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (DECLARED + BOX + "(assert (<= (* Y_0 Y_1) 1))", "line 6: a product of variables"),
        (DECLARED + BOX, "says nothing of the outputs"),
        (DECLARED + "(assert (<= X_0 1))(assert (<= Y_0 1))", "X_0 has no lower bound"),
        (BOX + "(assert (<= Y_0 1))", "declares 0 inputs"),
        (DECLARED + BOX + "(assert (<= Y_0", "a '(' that is never closed"),
        ("", "an empty file"),
    ],
)
def test_bad_properties_are_one_line(body: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "p.vnnlib"
    path.write_text(body)
    result = invoke("verify", MOONS, path)
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not result.stdout


def test_a_missing_property_and_a_missing_solver(tmp_path: Path) -> None:
    missing = invoke("verify", MOONS, tmp_path / "none.vnnlib")
    assert (missing.exit_code, missing.stderr.count("\n")) == (1, 1)
    solver = invoke("verify", MOONS, ROBUST, "--solver", "magic")
    assert solver.exit_code == 1
    assert "Pyomo knows no solver" in solver.stderr


def test_networks_by_hand_are_answered_alike() -> None:
    """The package's own API, on a network that never was a file."""
    from cpwl_milp import VerifySettings, verify

    network = mlp(([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]))
    prop = read_vnnlib_property(ROBUST, 2, 2)
    # Relu(x) on [1.5, 2] x [-0.25, 0.25]: the second output is never as large as the first.
    assert verify(network, prop, VerifySettings()).status == "violated"
