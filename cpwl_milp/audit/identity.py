"""Which content a job is about: hashes of models and files, and the key of a question.

Models are read in a process of their own (a hostile file may take the reader down with it):
``python -m cpwl_milp.audit.identity LIST`` prints a line of JSON for each path of a JSON list.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from cpwl_milp import __version__
from cpwl_milp.audit.jobs import Input, Job, Limits, Output
from cpwl_milp.audit.processes import Confined

_FORM = 1
"""Goes up when equal keys would no longer mean equal questions."""
_PIECE = 1 << 20
_READER = Limits(seconds=600.0, memory_mb=6000)


def identified(paths: Iterable[str]) -> dict[str, str]:
    """The sha256 of models, external data included; of the file alone where it is no sound model.

    Returns
    -------
    dict of str to str
        By path; "" for what cannot be read.
    """
    left = list(dict.fromkeys(paths))
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="cpwl-milp-") as folder:
        asked, told, said = (Path(folder) / name for name in ("asked.json", "told", "said"))
        while left:
            asked.write_text(json.dumps(left), encoding="utf-8")
            reader = Confined("cpwl_milp.audit.identity", [str(asked)], _READER, told, said)
            try:
                while reader.poll() is None:
                    time.sleep(0.02)
            except BaseException:
                reader.stop()
                raise
            lines = told.read_text(encoding="utf-8").splitlines(keepends=True)
            answers = [json.loads(line) for line in lines if line.endswith("\n")]
            found.update(zip(left, answers, strict=False))
            left = left[len(answers) :]
            if left:
                # The reader died of this one.
                found[left[0]] = file_hash(left[0])
                left = left[1:]
    return found


def file_hash(path: str) -> str:
    """The sha256 of a regular file; "" for what cannot be read."""
    file = Path(path)
    digest = hashlib.sha256()
    try:
        if not file.is_file():
            return ""
        with file.open("rb") as stream:
            while piece := stream.read(_PIECE):
                digest.update(piece)
    except OSError:
        return ""
    return digest.hexdigest()


class Keys:
    """Keys of jobs, by the content of what they read.

    Parameters
    ----------
    models : mapping of str to str
        Hashes of the models, from `identified`.
    """

    def __init__(self, models: dict[str, str]) -> None:
        self._models = models
        self._files: dict[str, str] = {}

    def of(self, job: Job) -> str:
        """The key of a job: equal for equal questions about equal bytes by equal versions.

        Limits are no part of it, nor are names. An unreadable file stands for itself by its path.
        """
        words = []
        for argument in (*job.reading, *job.arguments):
            if isinstance(argument, Input):
                words.append([argument.before, self._content(argument.path), argument.after])
            elif isinstance(argument, Output):
                words.append(["", "written", ""])
            else:
                words.append([argument])
        content = {
            "form": _FORM,
            "version": __version__,
            "model": self._models[job.model] or f"unreadable: {job.model}",
            "suffix": Path(job.model).suffix,
            "question": job.question,
            "words": words,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _content(self, path: str) -> str:
        if path not in self._files:
            self._files[path] = file_hash(path) or f"unreadable: {path}"
        return self._files[path]


def _main(asked: str) -> None:
    from cpwl_milp.core.errors import CpwlError
    from cpwl_milp.onnx_io.read import read_model

    for path in json.loads(Path(asked).read_text(encoding="utf-8")):
        try:
            found = read_model(path).sha256
        except (CpwlError, OSError):
            found = file_hash(path)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1])
