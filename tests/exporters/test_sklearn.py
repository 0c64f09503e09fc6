"""Files of skl2onnx for scikit-learn's networks and the pipelines around them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skl2onnx import to_onnx
from sklearn.base import BaseEstimator
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from cpwl_milp.core.errors import UnsupportedOperatorError
from cpwl_milp.onnx_io import load_model
from tests.exporters.agreement import imported_and_agreeing

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_INPUTS = 5


def data(n_outputs: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(200, N_INPUTS))
    return x, np.abs(x @ rng.normal(size=(N_INPUTS, n_outputs))) - 1


def regressor(**options: object) -> MLPRegressor:
    return MLPRegressor(hidden_layer_sizes=(8, 6), max_iter=20, random_state=0, **options)


def written(estimator: BaseEstimator, path: Path, dtype: type, **options: object) -> Path:
    """Export with inputs of the given type."""
    example = np.zeros((1, N_INPUTS), dtype=dtype)
    if options:
        model = to_onnx(estimator, example, options={id(estimator): options})
    else:
        model = to_onnx(estimator, example)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(("dtype", "relative"), [(np.float32, 1e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_regressor(n_outputs: int, dtype: type, relative: float, tmp_path: Path) -> None:
    x, y = data(n_outputs)
    estimator = regressor().fit(x, y.squeeze())
    path = written(estimator, tmp_path / "m.onnx", dtype)
    model = imported_and_agreeing(
        path, lambda rows: estimator.predict(rows).reshape(len(rows), -1), relative=relative
    )
    assert model.network.widths == (8, 6)


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), MaxAbsScaler()], ids=str)
def test_scaled_regressor(scaler: BaseEstimator, tmp_path: Path) -> None:
    x, y = data(2)
    estimator = make_pipeline(scaler, regressor()).fit(3 * x + 1, y)
    path = written(estimator, tmp_path / "m.onnx", np.float32)
    model = imported_and_agreeing(path, estimator.predict)
    assert model.network.n_units == 14


def scores(classifier: MLPClassifier, rows: np.ndarray) -> np.ndarray:
    """What the classifier squashes: recomputed from its weights."""
    a = rows
    for weight, bias in zip(classifier.coefs_[:-1], classifier.intercepts_[:-1], strict=True):
        a = np.maximum(a @ weight + bias, 0)
    return a @ classifier.coefs_[-1] + classifier.intercepts_[-1]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("zipmap", [True, False])
def test_classifier_up_to_its_scores(classes: int, zipmap: bool, tmp_path: Path) -> None:
    x, y = data(1)
    labels = np.digitize(y[:, 0], np.quantile(y, np.arange(1, classes) / classes))
    classifier = MLPClassifier(hidden_layer_sizes=(8, 6), max_iter=20, random_state=0)
    classifier.fit(x, labels)
    path = written(classifier, tmp_path / "m.onnx", np.float32, zipmap=zipmap)

    # A sigmoid or softmax, then the label: ArgMax, a table of class names, perhaps a ZipMap.
    with pytest.raises(UnsupportedOperatorError, match="--strip-output"):
        load_model(path)
    for options in ({"strip_output": True}, {"outputs": ("add_result2",)}):
        model = imported_and_agreeing(path, lambda rows: scores(classifier, rows), **options)
        assert model.network.widths == (8, 6)


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_smooth_activations_are_refused(activation: str, tmp_path: Path) -> None:
    x, y = data(1)
    estimator = regressor(activation=activation).fit(x, y.ravel())
    path = written(estimator, tmp_path / "m.onnx", np.float32)
    with pytest.raises(UnsupportedOperatorError, match=r"Tanh|Sigmoid"):
        load_model(path)
