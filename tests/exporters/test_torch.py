"""Files of both of PyTorch's exporters: torch.export (dynamo) and TorchScript (legacy)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from cpwl_milp.core.errors import ModelError, UnsupportedOperatorError
from cpwl_milp.onnx_io import load_model
from tests.exporters.agreement import imported_and_agreeing
from tests.exporters.torch_networks import CASES, Case, randomised, refused_cases

logging.getLogger("torch.onnx").setLevel(logging.ERROR)
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

EXPORTERS = ("dynamo", "legacy")


def export(
    module: nn.Module,
    shape: tuple[int, ...],
    path: Path,
    exporter: str,
    *,
    dynamic_batch: bool = True,
    external_data: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Path:
    """Write the module, for one input of `shape` or for any number of them."""
    example = torch.zeros(2 if dynamic_batch else 1, *shape, dtype=dtype)
    if exporter == "dynamo":
        batch = ({0: torch.export.Dim("batch")},) if dynamic_batch else None
        torch.onnx.export(
            module,
            (example,),
            path,
            dynamo=True,
            dynamic_shapes=batch,
            external_data=external_data,
            verbose=False,
        )
    else:
        torch.onnx.export(
            module,
            (example,),
            path,
            dynamo=False,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}} if dynamic_batch else None,
        )
    return path


def evaluator(
    module: nn.Module, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> Callable[[np.ndarray], np.ndarray]:
    """The module as a map of flattened rows."""

    @torch.no_grad()
    def evaluate(x: np.ndarray) -> np.ndarray:
        inputs = torch.from_numpy(x).to(dtype).reshape(len(x), *shape)
        return module(inputs).reshape(len(x), -1).double().numpy()

    return evaluate


def built(case: Case) -> nn.Module:
    torch.manual_seed(1)
    return randomised(case.build())


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("dynamic_batch", [True, False], ids=["any batch", "batch 1"])
@pytest.mark.parametrize("name", CASES)
def test_imports_and_agrees(name: str, exporter: str, dynamic_batch: bool, tmp_path: Path) -> None:
    case = CASES[name]
    module = built(case)
    path = export(module, case.shape, tmp_path / "m.onnx", exporter, dynamic_batch=dynamic_batch)
    model = imported_and_agreeing(path, evaluator(module, case.shape))
    if case.units is not None:
        assert model.network.n_units == case.units


# Small weights stay inside the file in any case: "mlp" would prove nothing here.
@pytest.mark.parametrize("name", ["wide mlp", "cnn", "resnet"])
def test_external_data_beside_the_model(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    module = built(case)
    path = export(module, case.shape, tmp_path / "m.onnx", "dynamo", external_data=True)
    weights = tmp_path / "m.onnx.data"
    assert weights.is_file()
    imported_and_agreeing(path, evaluator(module, case.shape))
    weights.unlink()
    with pytest.raises(ModelError, match=r"m\.onnx"):
        load_model(path)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_double_precision(exporter: str, tmp_path: Path) -> None:
    case = CASES["mlp"]
    module = built(case).double()
    path = export(module, case.shape, tmp_path / "m.onnx", exporter, dtype=torch.float64)
    imported_and_agreeing(path, evaluator(module, case.shape, torch.float64), relative=1e-12)


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize(
    ("head", "operator"),
    [
        (nn.Softmax(dim=1), "Softmax"),
        (nn.LogSoftmax(dim=1), "LogSoftmax"),
        (nn.Sigmoid(), "Sigmoid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_head_is_refused_or_cut_off(
    head: nn.Module, operator: str, exporter: str, tmp_path: Path
) -> None:
    case = CASES["mlp"]
    scores = built(case)
    path = export(nn.Sequential(scores, head).eval(), case.shape, tmp_path / "m.onnx", exporter)
    with pytest.raises(UnsupportedOperatorError, match=rf"{operator}.*--strip-output"):
        load_model(path)

    # onnxruntime runs the file to its cut-off end, so it is compared with the scores too.
    model = imported_and_agreeing(path, evaluator(scores, case.shape), strip_output=True)
    assert any(operator in notice for notice in model.notices)


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("name", refused_cases())
def test_what_is_not_piecewise_linear_is_refused(name: str, exporter: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    module = refused_cases()[name].eval()
    path = export(module, (4,), tmp_path / "m.onnx", exporter)
    with pytest.raises(UnsupportedOperatorError) as refusal:
        load_model(path)
    operators = {node.op_type for node in onnx.load(path).graph.node}
    functions = {function.name for function in onnx.load(path).functions}
    assert any(operator in str(refusal.value) for operator in operators | functions)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_two_inputs_are_joined_in_graph_order(exporter: str, tmp_path: Path) -> None:
    class TwoInputs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(2, 4), nn.Linear(3, 4)

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.left(a) - self.right(b)).sum(dim=1, keepdim=True)

    torch.manual_seed(1)
    module = TwoInputs().eval()
    path = tmp_path / "m.onnx"
    torch.onnx.export(
        module,
        (torch.zeros(1, 2), torch.zeros(1, 3)),
        path,
        dynamo=exporter == "dynamo",
        verbose=False,
        **({"external_data": False} if exporter == "dynamo" else {}),
    )

    @torch.no_grad()
    def evaluate(x: np.ndarray) -> np.ndarray:
        rows = torch.from_numpy(x).float()
        return module(rows[:, :2], rows[:, 2:]).double().numpy()

    assert imported_and_agreeing(path, evaluate).network.n_units == 4
