"""The benchmark of linear terms: what is timed is the same thing, and shown as found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import plan, results, tables
from benchmarks.jacobians import BATCH, installed
from benchmarks.measurement import Job, Measurement, measured
from benchmarks.networks import SHARED_MODELS

NETWORK = "medium/mnist_fc/mnist-net_256x2.onnx"


def test_linear_terms_of_a_batch_are_timed(shared_models: Path) -> None:
    if shared_models.resolve() != SHARED_MODELS.resolve():
        pytest.skip("CPWL_SHARED_MODELS names another folder")
    (found,) = measured([Job("terms", NETWORK)])
    assert not found.error
    assert found.regions == BATCH
    assert found.complete


def test_pytorch_computes_the_same(shared_models: Path) -> None:
    if not installed() or shared_models.resolve() != SHARED_MODELS.resolve():
        pytest.skip("needs PyTorch, the requirements of `make bench`")
    # The tools compare before they time.
    found = measured([Job(tool, name) for name in plan.TERMS for tool in plan.TORCH[1:]])
    assert [each.error for each in found] == [""] * len(found)


def test_the_table_compares_round_by_round() -> None:
    rates = {"terms": (900, 1100), "torch-point": (100, 200), "torch-mapped": (1000, 1000)}
    found = [
        replace(
            Measurement(Job(tool, NETWORK)), cpu=1.0, wall=1.0, regions=n, complete=True, round=k
        )
        for tool, each in rates.items()
        for k, n in enumerate(each)
    ]
    (row,) = tables.linear_terms(results.Results({}, tuple(found))).splitlines()[2:]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:5] == ["mnist-net_256x2", "1,000", "150", "-", "1,000"]
    assert cells[5:10] == ["7.2x", "-", "1.0x", "3x", "yes"]
