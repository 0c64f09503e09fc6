"""Versions of what takes part in an answer."""

from __future__ import annotations

import platform
from importlib import metadata

from cpwl_milp import __version__

_LIBRARIES = ("highspy", "numba", "numpy", "onnx", "onnxruntime", "pyomo", "scipy")


def versions() -> dict[str, str]:
    """Versions of this package, Python and the libraries that compute."""
    found = {"cpwl-milp": __version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        found[library] = metadata.version(library)
    return found
