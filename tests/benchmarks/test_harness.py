"""The benchmark measures what it says: real counts, in a process of its own, shown as found."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import plan, report, results, tables
from benchmarks.fits import fitted
from benchmarks.measurement import Job, Measurement, measured
from benchmarks.networks import SHARED_MODELS, chain, missing
from benchmarks.textbook import textbook_patterns
from cpwl_milp import EngineSettings, list_regions
from cpwl_milp.core.pattern import unpack
from tests.networks import random_network


def test_a_job_runs_in_a_process_of_its_own() -> None:
    (found,) = measured([Job("tree", "3-4-4")])
    assert not found.error
    assert found.complete
    assert found.regions == found.details["counted"] > 20
    assert 0 < found.cpu < 1
    assert found.peak_mb > 20
    assert Measurement.from_json(asdict(found)) == found


def test_what_goes_wrong_in_a_process_is_told() -> None:
    good, bad = measured([Job("textbook", "1-1"), Job("textbook", "no network")])
    assert (good.regions, good.complete, good.error) == (2, True, "")
    assert "invalid literal" in bad.error


def test_networks_are_those_of_the_tests() -> None:
    ours, theirs = chain("3-5-4"), random_network(np.random.default_rng(1), 3, [5, 4])
    affines = [*(layer.affine for layer in theirs.layers), theirs.output]
    for (weight, bias), affine in zip(ours, affines, strict=True):
        np.testing.assert_array_equal(weight, affine.weight)
        np.testing.assert_array_equal(bias, affine.bias)


def test_a_box_of_inputs_is_scaled_to_the_unit_box(shared_models: Path) -> None:
    if shared_models.resolve() != SHARED_MODELS.resolve():
        pytest.skip("CPWL_SHARED_MODELS names another folder")
    pairs = chain(plan.ACAS)
    assert pairs[0][0].shape == (50, 5)
    assert missing(plan.ACAS) == ""
    assert missing("small/none.onnx@small/none.vnnlib") == "small/none.onnx"


def test_the_textbook_loop_ends_with_the_regions_of_the_tree() -> None:
    from benchmarks.ours import problem_of

    pairs = chain("2-3-3")
    patterns, complete = textbook_patterns(pairs)
    problem = problem_of(pairs)
    regions, _ = list_regions(problem, EngineSettings("tree"))
    bits = unpack(regions.patterns, problem.network.n_units)
    assert complete
    assert sorted(patterns) == sorted(tuple(map(int, row)) for row in bits)


def _measurement(tool: str, network: str, rate: float, **more: object) -> Measurement:
    job = Job(tool, network)
    return replace(
        Measurement(job, wall=1.0, cpu=1.0, regions=round(rate), complete=True),
        **more,  # type: ignore[arg-type]
    )


def test_ratios_are_medians_within_rounds() -> None:
    rates = [(1000, 10), (3000, 10), (2000, 40)]
    found = [
        _measurement(tool, "9-9", rate, round=number)
        for number, pair in enumerate(rates)
        for tool, rate in zip(("tree", "relucent"), pair, strict=True)
    ]
    (row,) = tables.side_by_side(results.Results({}, tuple(found))).splitlines()[2:]
    assert "| 2,000 |" in row
    assert row.endswith("| 100x |")


def test_an_exponent_is_recovered() -> None:
    curve = plan.CURVES[0]
    found = [
        replace(Measurement(job), regions=10**6, cpu=0.01 * x**0.75, complete=True)
        for (x, _), job in zip(curve.points, curve.jobs, strict=True)
    ]
    growth = fitted(curve, results.Results({}, tuple(found)))
    assert growth is not None
    assert growth.exponent == pytest.approx(0.75)
    assert growth.error == pytest.approx(0, abs=1e-9)


def test_text_outside_the_marks_is_kept(tmp_path: Path) -> None:
    found = results.Results({"processor": "P"}, (_measurement("tree", "9-9", 5),))
    results.write(tmp_path / "table.json", found)
    page = "a\n<!-- bench:table -->\nold\n<!-- /bench:table -->\nb\n<!-- bench:growth -->\nold\n"
    new = report.updated(page + "<!-- /bench:growth -->\n", tmp_path)
    assert new.startswith("a\n<!-- bench:table -->\n")
    assert "| 9-9 | 5 |" in new
    # Nothing was measured of the growth.
    assert new.endswith("\nb\n<!-- bench:growth -->\nold\n<!-- /bench:growth -->\n")
    assert report.updated(new, tmp_path) == new


def test_the_page_shows_the_results_in_the_repository() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "performance.md").read_text("utf-8")
    # When this fails: python -m benchmarks.report
    assert report.updated(page, results.FOLDER) == page
