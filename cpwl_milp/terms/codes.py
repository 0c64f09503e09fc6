"""Activation patterns as codes of data: how few, and how much of the classes they hold.

After He, Lei, Ji and Tao (Neural networks behave as hash encoders: an empirical study, 2021,
arXiv:2101.05490): the redundancy ``(N - distinct codes) / N`` is 0 where every point has a code of
its own, and categorisation is the accuracy that simple methods reach on codes alone.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from cpwl_milp.core.errors import InputError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits, Packed, pack, unique, unpack


@dataclass(frozen=True)
class CodeRow:
    """The codes of one layer, or of all units.

    Attributes
    ----------
    layer : int or None
        From 1; None for all units.
    bits : int
    distinct : int
        Codes of the training points.
    redundancy : float
        Share of training points that are one too many.
    seen : float
        Share of test points whose code some training point has.
    neighbours, logistic, clusters : float
        Accuracy on test points of the nearest training codes (Hamming distance, 5 of them), of
        logistic regression, and of k-means, one cluster a class, clusters named on training points.
    """

    layer: int | None
    bits: int
    distinct: int
    redundancy: float
    seen: float
    neighbours: float
    logistic: float
    clusters: float


def code_rows(
    network: Network,
    training: Packed,
    classes: NDArray[np.int64],
    test: Packed,
    test_classes: NDArray[np.int64],
    *,
    seed: int = 0,
) -> list[CodeRow]:
    """Weigh the codes of each layer with units and of all units together.

    Parameters
    ----------
    network : Network
    training, test : ndarray of uint8, shape (n, packed_size(n_units))
    classes, test_classes : ndarray of int64, shape (n,)
        True labels.
    seed : int
        Of k-means.

    Raises
    ------
    InputError
        Without scikit-learn, or with training points of one class only.
    """
    require_scikit_learn()
    if len(np.unique(classes)) < 2:
        raise InputError("--codes", "training points of one class", "at least two classes")
    bits, test_bits = unpack(training, network.n_units), unpack(test, network.n_units)
    scopes: list[tuple[int | None, slice]] = [
        (k + 1, network.layer_bits(k)) for k, width in enumerate(network.widths) if width
    ]
    if len(scopes) != 1:
        scopes.append((None, slice(None)))
    return [
        _row(layer, bits[:, scope], classes, test_bits[:, scope], test_classes, seed)
        for layer, scope in scopes
        if network.n_units
    ]


def require_scikit_learn() -> None:
    """Stop if scikit-learn is not there.

    Raises
    ------
    InputError
    """
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise InputError(
            "--codes", "scikit-learn is not installed", "it", "pip install 'cpwl-milp[codes]'"
        ) from None


def _row(
    layer: int | None,
    bits: Bits,
    classes: NDArray[np.int64],
    test_bits: Bits,
    test_classes: NDArray[np.int64],
    seed: int,
) -> CodeRow:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    x, y = bits.astype(np.float64), test_bits.astype(np.float64)
    distinct = unique(pack(bits))[0]
    known = {code.tobytes() for code in distinct}
    seen = np.mean([code.tobytes() in known for code in pack(test_bits)])
    # Between codes the squared Euclidean distance is the Hamming distance.
    near = KNeighborsClassifier(min(5, len(x))).fit(x, classes)
    with warnings.catch_warnings():
        # Whether the last digit has settled does not matter here.
        warnings.simplefilter("ignore")
        logistic = LogisticRegression(max_iter=300).fit(x, classes)
    return CodeRow(
        layer,
        bits.shape[1],
        len(distinct),
        (len(x) - len(distinct)) / len(x),
        float(seen),
        float(near.score(y, test_classes)),
        float(logistic.score(y, test_classes)),
        _cluster_accuracy(x, classes, y, test_classes, seed),
    )


def _cluster_accuracy(x: Any, classes: Any, y: Any, test_classes: Any, seed: int) -> float:
    from sklearn.cluster import KMeans

    names, ids = np.unique(classes, return_inverse=True)
    with warnings.catch_warnings():
        # Fewer distinct codes than classes leave clusters empty.
        warnings.simplefilter("ignore")
        clusters = KMeans(min(len(names), len(x)), n_init=5, random_state=seed).fit(x)
    table = np.zeros((len(names), len(names)))
    np.add.at(table, (clusters.labels_, ids), 1)
    rows, columns = scipy.optimize.linear_sum_assignment(-table)
    named = np.empty(len(names), dtype=names.dtype)
    named[rows] = names[columns]
    return float((named[clusters.predict(y)] == test_classes).mean())
