"""What a worker does: unpack a function once, call it many times. Knows nothing of Dask."""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from cpwl_milp import __version__
from cpwl_milp.core.errors import CpwlError, InputError

Function: TypeAlias = Callable[..., Any]

# Functions that a worker keeps unpacked: a worker may serve several runs.
_KEPT = 3


@dataclass(frozen=True)
class Parcel:
    """A function with all its data, as it goes over the wire.

    Attributes
    ----------
    key : str
        Hash of the content: equal keys are equal functions.
    content : bytes
    version : str
        Of the package that packed it.
    """

    key: str
    content: bytes
    version: str

    @staticmethod
    def of(function: Function) -> Parcel:
        """Pack a function (an object that can be called and pickled)."""
        content = pickle.dumps(function, protocol=5)
        return Parcel(hashlib.sha256(content).hexdigest(), content, __version__)


@dataclass(frozen=True)
class Failed:
    """An exception of the function itself, in place of its answer."""

    error: Exception


class Unpacked:
    """The functions that a process has unpacked, the latest few.

    Several threads of a worker share a function, as they would at home.
    """

    def __init__(self, most: int = _KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._functions: OrderedDict[str, Function] = OrderedDict()

    def of(self, parcel: Parcel) -> Function:
        """The function of a parcel, unpacked at the first call."""
        with self._lock:
            if parcel.key not in self._functions:
                self._functions[parcel.key] = pickle.loads(parcel.content)
                while len(self._functions) > self._most:
                    self._functions.popitem(last=False)
            self._functions.move_to_end(parcel.key)
            return self._functions[parcel.key]


_unpacked = Unpacked()


def call(parcel: Parcel, *arguments: object) -> Any:
    """Call a parcel's function, in a worker; what it raises is returned as `Failed`."""
    if parcel.version != __version__:
        return Failed(
            InputError(
                "--cluster",
                f"a worker runs cpwl-milp {__version__}",
                f"{parcel.version}, as here",
                "answers of different versions are not mixed",
            )
        )
    try:
        return _unpacked.of(parcel)(*arguments)
    except (CpwlError, MemoryError) as error:
        return Failed(error)
    except Exception as error:
        # Its class, or what it holds, may be unknown at home.
        return Failed(RuntimeError(f"{type(error).__name__}: {error}"))
