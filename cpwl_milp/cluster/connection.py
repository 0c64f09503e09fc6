"""A connection to a Dask scheduler: found by its address, or one of our own with local workers."""

from __future__ import annotations

import asyncio
import json
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from cpwl_milp.core.errors import InputError

LOCAL = "local"
"""The address that stands for worker processes on this machine."""

_ANSWER_SECONDS = 10.0
# A look at the workers takes a moment; a scheduler that is gone must not hold up more than that.
_LOOK_SECONDS = 5.0


class Cluster:
    """A scheduler and its workers. A context manager: leaving it lets them go.

    Build it with `at` or `local`.

    Parameters
    ----------
    client
        Of Dask, connected.
    address : str
        As the user gave it.
    stop : callable
        Ends what was started for it.
    """

    def __init__(self, client: Any, address: str, stop: Callable[[], None]) -> None:
        self.client = client
        self.address = address
        self._stop = stop

    @staticmethod
    def at(address: str) -> Cluster:
        """Connect to a scheduler.

        Parameters
        ----------
        address : str
            What ``dask scheduler`` prints (``tcp://host:8786``), or the file that its option
            ``--scheduler-file`` names.

        Raises
        ------
        InputError
            If Dask is not installed, or nobody answers.
        """
        distributed = _distributed()
        expected = "the address that `dask scheduler` prints, such as tcp://host:8786, or its file"
        try:
            place = address
            if Path(address).is_file():
                place = json.loads(Path(address).read_text(encoding="utf-8"))["address"]
            # First as a question: a client that cannot connect tries for long.
            kind = asyncio.run(_asked_who(distributed, place))
        except (OSError, ValueError, TypeError, KeyError, ImportError) as error:
            found = f"no scheduler answers at {address} ({type(error).__name__}: {error})"
            raise InputError("--cluster", found, expected) from None
        if kind != "Scheduler":
            raise InputError("--cluster", f"a {kind.lower()} answers at {address}", expected)
        with warnings.catch_warnings():
            # Of other versions of this and that: those of this package must agree, see `parcels`.
            warnings.simplefilter("ignore")
            client = distributed.Client(
                place, timeout=_ANSWER_SECONDS, set_as_default=False, name="cpwl-milp"
            )
        return Cluster(client, address, client.close)

    @staticmethod
    def local(n_workers: int) -> Cluster:
        """Start a scheduler and workers of one thread on this machine, for nobody else.

        What it listens on answers to certificates of its own only.

        Raises
        ------
        InputError
            If Dask is not installed.
        """
        distributed = _distributed()
        security = distributed.security.Security.temporary()
        cluster = distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            protocol="tls://",
            host="127.0.0.1",
            security=security,
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            preload=["cpwl_milp.cluster.patient"],
            silence_logs=logging.CRITICAL,
        )
        client = distributed.Client(cluster, security=security, set_as_default=False)

        def stop() -> None:
            client.close()
            cluster.close()

        return Cluster(client, LOCAL, stop)

    def threads(self) -> int:
        """How many threads the workers have now; 0 if there is no worker, or no scheduler."""
        if self.client.status != "running":
            return 0
        try:
            return sum(self.client.nthreads(callback_timeout=_LOOK_SECONDS).values())
        except Exception:
            # Whatever it is, there is nobody to work for us.
            return 0

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()


async def _asked_who(distributed: Any, address: str) -> str:
    """What kind of server answers at an address."""
    connection = distributed.Security().get_connection_args("client")
    async with distributed.rpc(address, timeout=_ANSWER_SECONDS, connection_args=connection) as it:
        identity = await asyncio.wait_for(it.identity(), _ANSWER_SECONDS)
    return str(identity["type"])


def _distributed() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import distributed
    except ImportError:
        raise InputError(
            "--cluster",
            "Dask is not installed",
            "the extra `cluster`",
            "pip install 'cpwl-milp[cluster]'",
        ) from None
    # What goes wrong with workers is told by us, in one line.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    return distributed
