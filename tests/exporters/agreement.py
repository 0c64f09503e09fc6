"""What every exporter test asks: does the file import, and do all three evaluators agree?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from cpwl_milp.onnx_io import ImportedModel, check_agreement, load_model

# Single precision, summed over some hundred terms.
RELATIVE = 1e-5


def samples(n_inputs: int, n_samples: int = 40) -> np.ndarray:
    """Random inputs that single precision holds exactly."""
    rng = np.random.default_rng(7)
    return rng.normal(size=(n_samples, n_inputs)).astype(np.float32).astype(np.float64)


def assert_same(found: np.ndarray, expected: np.ndarray, relative: float = RELATIVE) -> None:
    """Equal up to rounding of values as large as the largest."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=relative * np.abs(expected).max())


def imported_and_agreeing(
    path: Path,
    framework: Callable[[np.ndarray], np.ndarray],
    *,
    strip_output: bool = False,
    outputs: Sequence[str] = (),
    relative: float = RELATIVE,
) -> ImportedModel:
    """Import the file; compare the network, onnxruntime and the framework on the same inputs.

    `framework` maps rows of flattened inputs to rows of flattened outputs.
    """
    model = load_model(path, strip_output=strip_output, outputs=tuple(outputs))
    check_agreement(model, None)
    x = samples(model.network.n_inputs)
    expected = framework(x)
    # A comparison of constants, or of nearly affine maps, would prove little.
    assert (expected.std(axis=0) > 1e-4).any()
    assert_same(model.network(x), expected, relative)
    assert_same(model.run(x), expected, relative)
    return model
