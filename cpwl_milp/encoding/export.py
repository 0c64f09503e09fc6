"""Write an encoding as a file that any MIP solver reads."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from pyomo.common.log import LoggingIntercept
from pyomo.opt import ProblemFormat

from cpwl_milp.core.errors import InputError
from cpwl_milp.encoding.big_m import Encoding

FORMATS = {".mps": ProblemFormat.mps, ".lp": ProblemFormat.cpxlp}


def export_program(encoding: Encoding, path: Path) -> None:
    """Write the model to `path`, as free MPS or CPLEX LP by its suffix.

    Variables keep their names in a form that the formats allow: ``x[0]`` becomes ``x(0)``,
    ``on[2,7]`` becomes ``on(2_7)``. The file appears whole or not at all.

    Raises
    ------
    InputError
        If the suffix is neither .mps nor .lp, or the file cannot be written.
    """
    kind = require_format(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
            part = Path(folder) / f"model{path.suffix.lower()}"
            # Pyomo warns of the constant objective on standard output, where answers go.
            with LoggingIntercept(module="pyomo", level=logging.WARNING):
                encoding.model.write(
                    str(part), format=kind, io_options={"symbolic_solver_labels": True}
                )
            part.replace(path)
    except OSError as error:
        raise InputError(str(path), f"cannot be written: {error.strerror}") from error


def require_format(path: Path) -> ProblemFormat:
    """The format that the suffix of `path` stands for.

    Raises
    ------
    InputError
        If the suffix is neither .mps nor .lp.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InputError(str(path), f"suffix '{path.suffix}'", "a name that ends in .mps or .lp")
    return kind
