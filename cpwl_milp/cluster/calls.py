"""Calls of one function by the workers of a cluster, each of which is answered once."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cpwl_milp import __version__
from cpwl_milp.cluster import parcels
from cpwl_milp.cluster.connection import Cluster
from cpwl_milp.cluster.parcels import Failed, Function, Parcel
from cpwl_milp.core.errors import InputError

_LOOK_EVERY = 1.0
# So often a call is sent again after Dask itself has given it up (its `allowed-failures`, each).
_MOST_TRIES = 3

_logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Call:
    """A call, from its order to its answer."""

    arguments: tuple[Any, ...]
    answer: Future[Any] = field(default_factory=Future)
    tries: int = 0
    # What the cluster, or home, will say; what comes from elsewhere is too late.
    asked: Future[Any] | None = None
    parcel: Any = None


class Calls:
    """Has the workers call a function, which they are sent once.

    A worker that dies loses nothing: Dask gives what it had to others, and calls that Dask gives up
    are sent again. What cannot be had from the cluster (no worker is left, the scheduler is gone,
    workers die of it) is done at home. Each call is answered once, whoever did it.

    Parameters
    ----------
    cluster : Cluster
    function : callable
        With all its data, to be pickled. Calls may be made twice.
    at_home : callable
        The same here.
    patience : float
        Seconds without any worker after which calls are done at home.
    """

    def __init__(
        self, cluster: Cluster, function: Function, at_home: Function, *, patience: float = 15.0
    ) -> None:
        self._cluster = cluster
        self._executor = cluster.client.get_executor(pure=False)
        self._content = Parcel.of(function)
        self._parcel: Any = None
        self._at_home = at_home
        self._patience = patience
        self._home = ThreadPoolExecutor(1, thread_name_prefix="cpwl-milp at home")
        # All that changes calls happens in one thread, in the order in which it is heard.
        self._mail: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._calls: set[_Call] = set()
        self._closed = False
        self._threads = cluster.threads()
        self._seen = self._looked = time.monotonic()
        self._told = False
        self._clerk = threading.Thread(target=self._work, name="cpwl-milp calls", daemon=True)
        self._clerk.start()

    @property
    def threads(self) -> int:
        """How many threads the workers had when last looked at."""
        return self._threads

    def submit(self, *arguments: Any) -> Future[Any]:
        """Order a call; its answer, or what it raised."""
        call = _Call(arguments)
        self._mail.put(partial(self._begin, call))
        return call.answer

    def close(self, *, wait: bool = True) -> None:
        """Drop what is not answered. Calls at work may go on for a while, unheard."""
        self._closed = True
        self._mail.put(None)
        if wait:
            self._clerk.join()
        self._home.shutdown(wait=wait, cancel_futures=True)

    # -- the clerk's thread ---------------------------------------------------------------

    def _work(self) -> None:
        while True:
            try:
                step = self._mail.get(timeout=_LOOK_EVERY)
            except queue.Empty:
                step = self._look
            if step is None or self._closed:
                break
            step()
            if time.monotonic() - self._looked > _LOOK_EVERY:
                self._look()
        for call in self._calls:
            if call.asked is not None:
                call.asked.cancel()
            call.answer.cancel()
        self._parcel = None

    def _begin(self, call: _Call) -> None:
        self._calls.add(call)
        self._send(call)

    def _send(self, call: _Call) -> None:
        if call.tries >= _MOST_TRIES:
            self._do_at_home(call)
            return
        if not self._threads:
            # Somebody may come soon; `_look` sees to it.
            return
        try:
            if self._parcel is None:
                self._parcel = self._cluster.client.scatter(
                    [self._content], broadcast=True, hash=False
                )[0]
            call.parcel = self._parcel
            asked = self._executor.submit(parcels.call, self._parcel, *call.arguments)
        except Exception as error:
            self._lost(call, error)
            return
        self._await(call, asked)

    def _do_at_home(self, call: _Call) -> None:
        self._await(call, self._home.submit(self._at_home, *call.arguments))

    def _await(self, call: _Call, asked: Future[Any]) -> None:
        call.asked = asked
        # Called back in Dask's own thread, which is needed elsewhere.
        asked.add_done_callback(lambda heard: self._mail.put(partial(self._heard, call, heard)))

    def _heard(self, call: _Call, heard: Future[Any]) -> None:
        if call.asked is not heard or call not in self._calls:
            return
        if heard.cancelled():
            self._lost(call, None)
            return
        error = heard.exception()
        if error is None:
            answer = heard.result()
            failure = answer.error if isinstance(answer, Failed) else None
            self._answer(call, answer, failure)
        elif call.parcel is None:
            # At home: its own.
            self._answer(call, None, error)
        elif _of_the_cluster(error):
            self._lost(call, error)
        else:
            self._answer(call, None, _cannot_take_part(error))

    def _answer(self, call: _Call, answer: Any, failure: BaseException | None) -> None:
        self._calls.discard(call)
        call.asked = call.parcel = None
        if failure is not None:
            call.answer.set_exception(failure)
        else:
            call.answer.set_result(answer)

    def _lost(self, call: _Call, error: BaseException | None) -> None:
        """The cluster will not answer: send it again, or do it here."""
        given_up = type(error).__name__ == "KilledWorker"
        if not given_up and self._parcel is call.parcel:
            # The function itself may have been lost, with the only worker that had it.
            self._parcel = None
        call.tries = _MOST_TRIES if given_up else call.tries + 1
        call.asked = call.parcel = None
        if call.tries == _MOST_TRIES:
            _logger.info("%s lost some work again and again: it is done here", self._place)
        self._look()
        if call.asked is None:
            self._send(call)

    def _look(self) -> None:
        """See who is there; send what waits for workers, or do it here where none come."""
        self._threads = self._cluster.threads()
        self._looked = time.monotonic()
        if self._threads:
            self._seen, self._told = self._looked, False
            for call in [call for call in self._calls if call.asked is None]:
                self._send(call)
        elif self._looked - self._seen > self._patience:
            away = [call for call in self._calls if call.asked is None or call.parcel is not None]
            if away and not self._told:
                self._told = True
                _logger.info("%s has no worker left: going on here until one comes", self._place)
            for call in away:
                asked, call.asked, call.parcel = call.asked, None, None
                if asked is not None:
                    asked.cancel()
                self._do_at_home(call)

    @property
    def _place(self) -> str:
        return f"the cluster at {self._cluster.address}"


def _of_the_cluster(error: BaseException) -> bool:
    """Whether an error is of workers and connections, not of what was called."""
    # Dask's classes, by name: KilledWorker, NoWorker, CommClosedError, FutureCancelledError.
    known = ("KilledWorker", "NoWorker", "NoValidWorkerError", "FutureCancelledError")
    return isinstance(error, OSError | TimeoutError) or type(error).__name__ in known


def _cannot_take_part(error: BaseException) -> InputError:
    return InputError(
        "--cluster",
        f"a worker or the scheduler cannot take part: {type(error).__name__}: {error}",
        f"cpwl-milp {__version__} wherever they run, as here",
    )
