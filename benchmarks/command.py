"""The command line itself, in one process: what counting and listing really take."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import onnx
from onnx import helper, numpy_helper

from benchmarks.measurement import Finding, Job
from benchmarks.networks import Chain, chain
from benchmarks.timing import timed
from cpwl_milp.cli import main


def count(job: Job) -> Finding:
    """``cpwl-milp count``."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return _finding(job, "count", _exported(chain(job.network), Path(folder)))


def enumerate_regions(job: Job) -> Finding:
    """``cpwl-milp enumerate``: patterns, interior points and inradii into a run folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        run = Path(folder, "run")
        model = _exported(chain(job.network), Path(folder))
        finding = _finding(job, "enumerate", model, "--output-folder", str(run))
        size = sum(file.stat().st_size for file in run.rglob("*.parquet"))
    return Finding(finding.seconds, finding.regions, finding.complete, {"disk_mb": size / 1e6})


def _finding(job: Job, command: str, model: Path, *more: str) -> Finding:
    arguments = [command, str(model), "--box", "-1,1", "--json", *more]
    arguments += ["--max-seconds", str(job.max_seconds)]
    if job.limit is not None:
        arguments += ["--max-regions", str(job.limit)]
    if job.jobs > 1:
        arguments += ["--jobs", str(job.jobs)]
    seconds, answer = timed(lambda: _answer(arguments))
    details = {"engine": answer["engine"], "decisions": answer["decisions"]}
    return Finding(seconds, answer["lower"], answer["complete"], details)


def _answer(arguments: list[str]) -> dict[str, Any]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main(arguments)
    answer: dict[str, Any] = json.loads(printed.getvalue())
    return answer


def _exported(pairs: Chain, folder: Path) -> Path:
    """The network as ONNX, in double precision."""
    nodes, constants = [], []
    before = "x"
    for k, (weight, bias) in enumerate(pairs):
        constants += [
            numpy_helper.from_array(weight, f"weight{k}"),
            numpy_helper.from_array(bias, f"bias{k}"),
        ]
        inputs = [before, f"weight{k}", f"bias{k}"]
        nodes.append(helper.make_node("Gemm", inputs, [f"z{k}"], transB=1))
        if k < len(pairs) - 1:
            nodes.append(helper.make_node("Relu", [f"z{k}"], [f"a{k}"]))
        before = f"a{k}"
    double = onnx.TensorProto.DOUBLE
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", double, [1, pairs[0][0].shape[1]])],
        [helper.make_tensor_value_info(f"z{len(pairs) - 1}", double, [1, len(pairs[-1][1])])],
        constants,
    )
    path = folder / "network.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path
