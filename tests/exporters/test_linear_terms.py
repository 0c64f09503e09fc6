"""Linear terms of exported networks against the Jacobians of PyTorch's autograd."""

from __future__ import annotations

import copy
import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from cpwl_milp.onnx_io import load_model
from cpwl_milp.terms.gathered import gathered
from cpwl_milp.terms.linear import linear_terms
from tests.exporters.agreement import RELATIVE, assert_same, samples
from tests.exporters.test_torch import EXPORTERS, built, export
from tests.exporters.torch_networks import CASES

logging.getLogger("torch.onnx").setLevel(logging.ERROR)
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("name", CASES)
def test_terms_are_the_jacobians_of_autograd(name: str, exporter: str, tmp_path: Path) -> None:
    case = CASES[name]
    module = built(case)
    # What exporters fold, they round to float32; so weights agree to that. (One of them changes
    # the module that it is given.)
    double = copy.deepcopy(module).double()
    path = export(module, case.shape, tmp_path / "m.onnx", exporter)
    network = load_model(path).network
    x = samples(network.n_inputs, 12)
    terms = linear_terms(network, x)
    rows = torch.from_numpy(x).reshape(len(x), *case.shape)
    jacobians = [
        torch.autograd.functional.jacobian(double, row[None]).reshape(-1, network.n_inputs)
        for row in rows
    ]
    assert_same(terms.coefficients, torch.stack(jacobians).numpy(), 10 * RELATIVE)
    with torch.no_grad():
        outputs = double(rows).reshape(len(x), -1).numpy()
    biases = outputs - np.einsum("nki,ni->nk", terms.coefficients, x)
    scale = max(np.abs(outputs).max(), np.abs(biases).max())
    np.testing.assert_allclose(terms.bias, biases, atol=10 * RELATIVE * scale)
    # And the tropical form passes its checks, negative batch norms and all.
    gathered(network, x)
