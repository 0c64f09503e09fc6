"""``estimate``, and how ``count`` closes a bracket with one."""

from __future__ import annotations

from tests.cli.command import MOONS, answer, invoke, parsed
from tests.models.manifest import MODELS

ACAS = MODELS / "public" / "ACASXU_run2a_1_1_batch_2000.onnx"


def test_a_network_small_enough_to_be_counted() -> None:
    found = answer("estimate", MOONS, "--box=-2,3", "--population", 5000)
    assert found["complete"] is True
    assert (found["estimate"]["value"], found["lower"], found["upper"]) == (333, 333, 333)
    assert [layer["prefix_regions"]["value"] for layer in found["layers"]] == [100, 333]
    assert found["samples"]["seen"] <= 333


def test_an_estimate_lies_between_what_is_proven() -> None:
    asked = ("estimate", MOONS, "--box=-2,3", "--population", 10, "--probes", 8)
    found = answer(*asked, "--seed", 3)
    low, high = found["estimate"]["log10_interval"]
    assert found["complete"] is False
    assert low < found["estimate"]["log10"] < high
    assert found["lower_bound"]["log10"] < high
    assert found["lower"] <= 333 <= found["upper"]
    again = answer(*asked, "--seed", 3)
    assert again["estimate"] == found["estimate"]
    assert answer(*asked, "--seed", 4)["estimate"] != found["estimate"]


def test_text() -> None:
    result = invoke("estimate", MOONS, "--box=-2,3", "--population", 10)
    assert result.exit_code == 0
    for words in ("about ", "95 % interval", "confidence (Markov)", "proven: ", "Chao1"):
        assert words in result.stdout
    whole = invoke("estimate", MOONS, "--box=-2,3", "--population", 5000, "--samples", 0)
    assert whole.stdout == "333 regions (all cells were kept: nothing is estimated)\n"


def test_bad_input_is_one_line() -> None:
    result = invoke("estimate", MOONS, "--box=-2,3", "--max-seconds", 1e-6)
    assert result.exit_code == 1
    said = [line for line in result.stderr.splitlines() if not line.startswith("note:")]
    assert len(said) == 1
    assert "raise --max-seconds" in said[0]
    assert invoke("estimate", MOONS, "--box=-2,3", "--probes", 1).exit_code == 2


def test_count_closes_a_bracket_with_an_estimate() -> None:
    result = invoke("count", ACAS, "--box=-1,1", "--max-seconds", 6, "--json")
    assert result.exit_code == 3
    found = parsed(result.stdout)
    assert found["complete"] is False
    if found["estimate"] is None:
        # On a machine that is busy otherwise.
        assert "note: no estimate" in result.stderr
    else:
        assert found["lower"] <= found["estimate"]["value"] <= found["upper"]
