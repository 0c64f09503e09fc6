"""Estimators of information: ours, and what else computes the same numbers.

`dense_*` is how scripts of the literature on information planes do it in numpy (bins as bytes of
rows; all pairwise distances at once), written anew for this comparison. scikit-learn's estimators
take one variable at a time, so it is compared on one. Each pair is checked to agree before it is
timed. The name of a network is ``SAMPLESxUNITS``.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from benchmarks.measurement import Finding, Job
from benchmarks.networks import random_chain
from benchmarks.timing import repeated, timed
from cpwl_milp.information.activations.binning import BinRule, binned
from cpwl_milp.information.activations.kde import kde_bounds
from cpwl_milp.information.activations.neighbours import ksg, ross
from cpwl_milp.information.activations.propagation import noisy_output_information
from cpwl_milp.information.labels import Labels, as_labels
from cpwl_milp.information.mutual import Contingency, plugin_information

_MODELS = Path(__file__).resolve().parent.parent / "models" / "szt"
_SIGMA = 0.1
_WIDTH = 0.5
_CLASSES = 10

Values = NDArray[np.float64]


def activations(name: str) -> tuple[Values, Labels]:
    """Values like a tanh layer's, with labels that the first unit tells something of."""
    n, dim = (int(part) for part in name.split("x"))
    rng = np.random.default_rng(0)
    labels = rng.integers(0, _CLASSES, n)
    values = np.tanh(rng.normal(size=(n, dim)) + labels[:, None] / _CLASSES)
    return values, as_labels(labels, n)


def _compared(
    job: Job, ours: Callable[[], float], theirs: Callable[[], float], tolerance: float
) -> Finding:
    """Time one of two ways to a number, once both have been found to give it."""
    np.testing.assert_allclose(theirs(), ours(), atol=tolerance)
    chosen = theirs if job.tool.endswith(("-numpy", "-sklearn")) else ours
    seconds, value = repeated(lambda _: chosen(), prepare=lambda: None)
    return Finding(seconds, details={"bits": value})


def bins(job: Job) -> Finding:
    """I(Bin(T); Y), bins of one width."""
    values, labels = activations(job.network)

    def ours() -> float:
        ids = binned(values, BinRule(width=_WIDTH)).ids
        return plugin_information(Contingency.of(ids, labels.ids, _CLASSES))

    def dense_bins() -> float:
        places = np.ascontiguousarray(np.floor(values / _WIDTH))
        whole = _row_entropy(places)
        given = 0.0
        for k in range(_CLASSES):
            rows = labels.ids == k
            given += rows.mean() * _row_entropy(places[rows])
        return whole - given

    return _compared(job, ours, dense_bins, 1e-9)


def _row_entropy(rows: Values) -> float:
    keys = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * 8)))
    counts = np.unique(keys, return_counts=True)[1]
    p = counts / counts.sum()
    return float(-(p * np.log2(p)).sum())


def kde(job: Job) -> Finding:
    """The upper bound of Kolchinsky and Tracey."""
    values, _ = activations(job.network)

    def dense_distances() -> float:
        squares = (values**2).sum(axis=1)
        distances = squares[:, None] + squares[None] - 2 * values @ values.T
        exponents = -np.maximum(distances, 0) / (2 * _SIGMA**2)
        mean = (logsumexp(exponents, axis=1) - np.log(len(values))).mean()
        return float(-mean / np.log(2))

    return _compared(job, lambda: kde_bounds(values, _SIGMA).upper, dense_distances, 1e-6)


def neighbours(job: Job) -> Finding:
    """Ross's I(T; Y), and Kraskov's I(T; T') of two units, on one variable each."""
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    values, labels = activations(job.network)
    if values.shape[1] == 1:
        return _compared(
            job,
            lambda: ross(values, labels).bits or 0.0,
            lambda: float(mutual_info_classif(values, labels.ids, random_state=0)[0] / np.log(2)),
            0.02,
        )
    x, y = values[:, :1], values[:, 1:2]
    return _compared(
        job,
        lambda: ksg(x, y).bits or 0.0,
        lambda: float(mutual_info_regression(x, y.ravel(), random_state=0)[0] / np.log(2)),
        0.02,
    )


def table(job: Job) -> Finding:
    """Plug-in I of two discrete variables: samples x regions."""
    from sklearn.metrics import mutual_info_score

    n, regions = (int(part) for part in job.network.split("x"))
    rng = np.random.default_rng(0)
    ids = rng.zipf(1.3, n) % regions
    ids = np.unique(ids, return_inverse=True)[1].ravel()
    labels = (ids + rng.integers(0, _CLASSES // 2, n)) % _CLASSES
    return _compared(
        job,
        lambda: plugin_information(Contingency.of(ids, labels, _CLASSES)),
        lambda: float(mutual_info_score(ids, labels) / np.log(2)),
        1e-9,
    )


def propagation(job: Job) -> Finding:
    """I(X; T + Z) with its error, ten noise vectors a sample."""
    values, _ = activations(job.network)
    seconds, found = timed(lambda: noisy_output_information(values, _SIGMA, n_draws=10))
    return Finding(seconds, details={"bits": found.inputs, "error": found.inputs_error})


def region_estimates(job: Job) -> Finding:
    """Patterns and every estimate of samples on disk, 784-256-256; the samples are random bytes."""
    from cpwl_milp import Affine, Layer, Network
    from cpwl_milp.information.layers import measure
    from cpwl_milp.partition.samples import sample_patterns

    n = int(job.network.split("x")[0])
    rng = np.random.default_rng(0)
    *hidden, last = (Affine(w, b) for w, b in random_chain(rng, 784, [256, 256]))
    network = Network(tuple(Layer(a, np.zeros(256)) for a in hidden), last)
    labels = as_labels(rng.integers(0, _CLASSES, n), n)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder, "x.npy")
        _write_images(file, n, rng)
        samples = np.load(file, mmap_mode="r")
        with _PeakOfOwnMemory() as memory:
            seconds, found = timed(lambda: measure(sample_patterns(network, samples), labels))
    seen = [layer.prefix.regions_seen for layer in found.layers]
    return Finding(seconds, n, True, {"seen": seen, "own_memory_mb": memory.peak_mb})


def _write_images(file: Path, n: int, rng: np.random.Generator) -> None:
    """Noisy copies of a hundred random images, as bytes."""
    images = rng.integers(0, 256, (100, 784))
    written = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=(n, 784))
    for start in range(0, n, 20_000):
        block = images[rng.integers(0, 100, min(20_000, n - start))]
        noisy = block + rng.normal(0, 20, block.shape)
        written[start : start + len(block)] = np.clip(noisy, 0, 255)
    written.flush()


class _PeakOfOwnMemory:
    """The largest anonymous memory while it lasts, looked at ten times a second.

    Pages of mapped files, which the system takes back at will, are left out.
    """

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _PeakOfOwnMemory:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        status = Path("/proc/self/status")
        while status.exists() and not self._over.wait(0.1):
            for line in status.read_text(encoding="utf-8").splitlines():
                if line.startswith("RssAnon"):
                    self.peak_mb = max(self.peak_mb, int(line.split()[1]) / 1024)


def plane(job: Job) -> Finding:
    """`cpwl-milp plane` over fifty checkpoints: the ten that are shipped, five times.

    With --atoms on all 4096 inputs, binning and KDE bounds; in one process.
    """
    from cpwl_milp.cli import main

    shipped = sorted(_MODELS.glob(f"szt_{job.network}_epoch_*.onnx"))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for k in range(50):
            shutil.copy(shipped[k // 5], Path(folder, f"epoch_{k:02d}.onnx"))
        arguments = ["plane", folder, "--data", str(_MODELS / "szt_x.npy")]
        arguments += ["--labels", str(_MODELS / "szt_y.npy"), "--atoms", "--json"]
        arguments += ["--activations", "binning,kde", "-o", str(Path(folder, "plane"))]
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():

            def call() -> None:
                with contextlib.suppress(SystemExit):
                    main(arguments)

            seconds, _ = timed(call)
        files = len(list(Path(folder, "plane", "checkpoints").glob("*.json")))
    return Finding(seconds, files, files == 50)
