"""The counts in the manifest, which two engines agreed on, still hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from cpwl_milp.cli.count.command import command
from tests.models.manifest import MODELS, piecewise_linear_models

COUNTS = [
    (entry["file"], known)
    for entry in piecewise_linear_models()
    for known in entry.get("count", ())
]


@pytest.mark.parametrize(("file", "known"), COUNTS, ids=lambda value: str(value))
def test_known_counts(file: str, known: dict[str, Any]) -> None:
    low, high = known["box"]
    box = f"{low},{high}"
    options = [str(MODELS / file), "--box", box, "--engine", "tree", "--json"]
    result = CliRunner().invoke(command, options, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["complete"]
    layers = found["layers"]
    if "regions" in known:
        assert found["regions"] == known["regions"]
        assert [layer["prefix_regions"] for layer in layers] == known["prefix_regions"]
    for layer, patterns in known["own_patterns"].items():
        assert layers[int(layer) - 1]["own_patterns"] == patterns


def test_there_are_known_counts() -> None:
    assert len(COUNTS) >= 12
