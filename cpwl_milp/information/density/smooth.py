"""Kernel density and Gaussian mixtures by scikit-learn, tuned on the samples they are fitted to.

scikit-learn is an extra and imported when it is needed.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.errors import InputError

_LN2 = float(np.log(2.0))
_FOLDS = 5
_BANDWIDTHS = np.geomspace(0.02, 1.5, 16)
_MOST_COMPONENTS = 10


@dataclass(frozen=True, eq=False)
class SmoothDensity:
    """A density on all of space, of points scaled by the samples' standard deviations.

    Attributes
    ----------
    scale : ndarray, shape (dim,)
    model : object
        scikit-learn's, with ``score_samples``.
    parameters : dict of str to float
        What was chosen.
    """

    scale: Vector
    model: Any
    parameters: dict[str, float]

    def log2_density(self, points: Dense) -> Vector:
        """Bits of the density at points, shape (n, dim)."""
        nats = self.model.score_samples(points / self.scale) - np.log(self.scale).sum()
        return np.asarray(nats / _LN2)


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
            "--density",
            "scikit-learn is not installed",
            "it, for kde and gmm",
            "pip install 'cpwl-milp[density]', or --density regions,histogram",
        ) from None


def kernel_density(points: Dense, seed: int = 0) -> SmoothDensity:
    """Gaussian kernels, the bandwidth chosen by five-fold cross-validated likelihood.

    Raises
    ------
    InputError
        If scikit-learn is not installed.
    """
    require_scikit_learn()
    from sklearn.neighbors import KernelDensity

    scale = _scale(points)
    chosen = _chosen(KernelDensity(), {"bandwidth": _BANDWIDTHS}, points / scale, seed)
    return SmoothDensity(scale, chosen, {"bandwidth": float(chosen.bandwidth)})


def gaussian_mixture(points: Dense, seed: int = 0) -> SmoothDensity:
    """Full covariances, up to ten components by five-fold cross-validated likelihood.

    Raises
    ------
    InputError
        If scikit-learn is not installed.
    """
    require_scikit_learn()
    from sklearn.mixture import GaussianMixture

    scale = _scale(points)
    most = min(_MOST_COMPONENTS, len(points) - len(points) // _FOLDS - 1)
    grid = {"n_components": np.arange(1, max(most, 1) + 1)}
    model = GaussianMixture(random_state=seed, reg_covar=1e-6)
    chosen = _chosen(model, grid, points / scale, seed)
    return SmoothDensity(scale, chosen, {"components": float(chosen.n_components)})


def _chosen(model: Any, grid: dict[str, Any], points: Dense, seed: int) -> Any:
    from sklearn.model_selection import GridSearchCV, KFold
    from threadpoolctl import threadpool_limits

    folds = KFold(_FOLDS, shuffle=True, random_state=seed)
    # Threads wait for each other far longer than such small products take.
    with warnings.catch_warnings(), threadpool_limits(1):
        # Too many components need not converge; they are not chosen then.
        warnings.simplefilter("ignore")
        return GridSearchCV(model, grid, cv=folds).fit(points).best_estimator_


def _scale(points: Dense) -> Vector:
    spread = points.std(axis=0)
    return np.where(spread > 0, spread, 1.0)
