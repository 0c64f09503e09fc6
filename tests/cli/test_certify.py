"""`--rigorous` and `certify`: proofs that pass, and damage that does not."""

from __future__ import annotations

import gzip
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.pattern import Packed
from cpwl_milp.enumeration import certifying
from cpwl_milp.storage.tables import count_rows, read_batches, write_table
from cpwl_milp.storage.volumes import read_volumes
from tests.cli.command import MOONS, answer, invoke

REGIONS = 333


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("certify") / "run"
    found = answer("enumerate", MOONS, "--box", "-2,3", "-o", path, "--rigorous")
    assert found["regions"] == found["proof"]["regions"] == REGIONS
    assert found["proof"]["complete"]
    return path


def test_a_run_is_certified(run: Path) -> None:
    found = answer("certify", run)
    assert found["valid"]
    assert found["regions"] == REGIONS


@pytest.mark.parametrize("engine", ["cells", "tree"])
def test_counts_are_proved(engine: str) -> None:
    found = answer("count", MOONS, "--box", "-2,3", "--engine", engine, "--rigorous")
    proof = found["proof"]
    assert (found["regions"], proof["regions"]) == (REGIONS, REGIONS)
    assert proof["complete"]
    assert (proof["missed"], proof["phantom"]) == (0, 0)
    assert "proved:" in invoke("count", MOONS, "--box", "-2,3", "--rigorous").stdout


def test_milp_runs_are_certified(tmp_path: Path) -> None:
    path = tmp_path / "run"
    box = ("--box", "0,0.5")
    found = answer("enumerate", MOONS, *box, "-o", path, "--engine", "milp", "--rigorous")
    assert answer("certify", path)["regions"] == found["regions"]


def test_a_run_without_a_certificate_says_how_to_get_one(tmp_path: Path) -> None:
    path = tmp_path / "run"
    answer("enumerate", MOONS, "--box", "-2,3", "-o", path)
    result = invoke("certify", path)
    assert result.exit_code == 1
    assert "enumerate --resume" in result.stderr
    answer("enumerate", "--resume", path, "--rigorous")
    assert answer("certify", path)["regions"] == REGIONS


def _copied(run: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    return copy


def test_damaged_certificates_fail(run: Path, tmp_path: Path) -> None:
    copy = _copied(run, tmp_path)
    file = copy / "certificate.gz"
    whole = file.read_bytes()
    plain = gzip.decompress(whole)
    bits = bytearray(whole)
    bits[len(bits) // 2] ^= 16
    point = bytearray(plain)
    # The highest bits of the last leaf's last coordinate.
    point[-10] ^= 64
    damage = {
        "truncated": whole[: len(whole) // 2],
        "a bit of the file": bytes(bits),
        "no gzip": b"hello",
        "empty": b"",
        "a point": gzip.compress(bytes(point)),
        "records dropped": gzip.compress(plain[:200] + plain[240:]),
    }
    for name, data in damage.items():
        file.write_bytes(data)
        result = invoke("certify", copy)
        assert result.exit_code == 4, name
        assert "in cube (" in result.stderr, name
        assert "Traceback" not in result.stderr


def _rewritten(run: Path, keep: slice, extra: int = 0) -> None:
    """Change the list: keep some rows of its largest part, and take some twice."""
    part = max((run / "regions").glob("*.parquet"), key=count_rows)
    columns = next(iter(read_batches(part)))
    rows = np.arange(len(columns["pattern"]))[keep]
    rows = np.concatenate([rows, rows[:extra]])
    write_table(part, [{name: values[rows] for name, values in columns.items()}], {})


def test_a_list_that_is_not_the_proved_one_fails(run: Path, tmp_path: Path) -> None:
    copy = _copied(run, tmp_path)
    _rewritten(copy, slice(1, None))
    result = invoke("certify", copy)
    assert result.exit_code == 4
    assert "lacks the region" in result.stderr
    _rewritten(copy, slice(None), extra=2)
    result = invoke("certify", copy)
    assert result.exit_code == 4
    assert "listed twice" in result.stderr


def test_a_wrong_list_is_no_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An engine that loses regions and invents one: exit code 4, and no certificate."""
    prove = certifying.prove

    def of_a_wrong_list(problem, patterns, sink, **options):  # type: ignore[no-untyped-def]
        rows: Packed = np.concatenate(list(patterns))[2:]
        return prove(problem, [rows, rows[:1] ^ 255], sink, **options)

    monkeypatch.setattr(certifying, "prove", of_a_wrong_list)
    path = tmp_path / "run"
    result = invoke("enumerate", MOONS, "--box", "-2,3", "-o", path, "--rigorous")
    assert result.exit_code == CheckFailedError.exit_code
    assert f"lacks 2 regions and holds 1 that are none; expected {REGIONS}" in result.stderr
    assert not (path / "certificate.gz").exists()
    assert not list(path.glob(".*.tmp"))


def test_what_cannot_be_proved_is_refused_before_the_work(tmp_path: Path) -> None:
    ball = ("--ball", "0,0", "--radius", "1", "--norm", "2", "--rigorous")
    for command in (("count", MOONS), ("enumerate", MOONS, "-o", tmp_path / "run")):
        result = invoke(*command, *ball)
        assert result.exit_code == 1
        assert "round face" in result.stderr
    assert not (tmp_path / "run").exists()
    result = invoke("count", MOONS, "--box", "0,1", "--scope", "own:1", "--rigorous")
    assert result.exit_code == 2


def test_an_incomplete_list_is_not_proved(tmp_path: Path) -> None:
    limits = ("--max-regions", "5", "--rigorous")
    found = answer("count", MOONS, "--box", "-2,3", *limits, code=3)
    assert found["proof"] is None
    path = tmp_path / "run"
    found = answer("enumerate", MOONS, "--box", "-2,3", "-o", path, *limits, code=3)
    assert found["proof"] is None


def test_bounds_are_proved() -> None:
    plain = answer("bounds", MOONS, "--box", "-2,3")
    found = answer("bounds", MOONS, "--box", "-2,3", "--rigorous")
    assert plain["proof"] is None
    assert (found["lower"], found["upper"]) == (plain["lower"], plain["upper"])
    assert found["proof"]["complete"]
    assert found["proof"]["decisions_float"] > found["lower"]
    refused = invoke("bounds", MOONS, "--box", "-2,3", "--rigorous", "--bounds", "milp")
    assert refused.exit_code == 2
    assert "tolerance" in refused.stderr


def test_exact_volumes_stand_in_the_run(tmp_path: Path) -> None:
    path = tmp_path / "run"
    box = ("--box", "0,0.5")
    found = answer("enumerate", MOONS, *box, "-o", path, "--exact-volumes")
    volumes = read_volumes(path)
    assert len(volumes) == found["regions"]
    assert Fraction(found["volume"]) == sum(volumes.values()) == Fraction(1, 4)
    assert "add up to 1/4" in invoke("enumerate", "--resume", path, "--exact-volumes").stdout
    refused = invoke(
        "enumerate",
        MOONS,
        "--ball",
        "0,0",
        "--radius",
        "1",
        "-o",
        tmp_path / "ball",
        "--exact-volumes",
    )
    assert refused.exit_code != 0
    assert not (tmp_path / "ball").exists()
