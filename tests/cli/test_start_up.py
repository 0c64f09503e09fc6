"""Help of every command answers at once: nothing heavy is imported for it.

The time of `--help` itself is measured in tests/docs/test_package_root.py.
"""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {
    *("numpy", "scipy", "onnx", "onnxruntime", "pyomo", "highspy", "numba", "matplotlib"),
    *("pyarrow", "rich", "jinja2", "sqlite3", "dask", "distributed"),
}
SCRIPT = """
import json, sys
from cpwl_milp.cli import main
loaded = {}
for arguments in (["--help"], ["--version"], *([name, "-h"] for name in main.list_commands(None))):
    try:
        main(arguments)
    except SystemExit as end:
        assert end.code == 0, arguments
    loaded[" ".join(arguments)] = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps(loaded))
"""


def test_help_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert len(loaded) >= 9
    for arguments, modules in loaded.items():
        assert not HEAVY & set(modules), arguments
