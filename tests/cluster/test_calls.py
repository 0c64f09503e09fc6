"""Calls by workers: sent once, answered once, whatever dies; and who is let in."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from benchmarks.loopback import Loopback
from cpwl_milp.cluster import parcels
from cpwl_milp.cluster.calls import Calls
from cpwl_milp.cluster.connection import Cluster
from cpwl_milp.cluster.parcels import Failed, Parcel, Unpacked
from cpwl_milp.core.errors import InputError
from tests.cluster.away import Counting, Deadly, Refusing, times_unpacked


def at_home(*arguments: Any) -> Any:
    raise AssertionError("done at home")


def answers(
    cluster: Cluster, function: Callable[..., Any], arguments: list[Any], home: Any = at_home
) -> list[Any]:
    calls = Calls(cluster, function, home)
    try:
        return [future.result(60) for future in [calls.submit(a) for a in arguments]]
    finally:
        calls.close()


def test_a_function_is_sent_to_each_worker_once(cluster: Cluster) -> None:
    numbers = list(range(60))
    assert answers(cluster, Counting(), numbers) == [k + 1 for k in numbers]
    counted = cluster.client.run(times_unpacked).values()
    assert len(counted) == 3
    # The same content again: nothing is unpacked anew.
    assert answers(cluster, Counting(), numbers) == [k + 1 for k in numbers]
    assert sum(counted) <= sum(cluster.client.run(times_unpacked).values()) <= 3


def test_errors_come_back_as_they_are_where_they_are_ours(cluster: Cluster) -> None:
    calls = Calls(cluster, Refusing(), at_home)
    for error, kind, text in (
        (InputError("a", "b", "c"), InputError, "a: b; expected c"),
        (MemoryError("much"), MemoryError, "much"),
        (KeyError("k"), RuntimeError, "KeyError: 'k'"),
    ):
        with pytest.raises(kind) as raised:
            calls.submit(error).result(60)
        assert str(raised.value) == text
    calls.close()


def test_what_workers_die_of_is_done_at_home(loopback: Loopback, cluster: Cluster) -> None:
    # Two deaths, as the scheduler is set; both workers are replaced.
    assert answers(cluster, Deadly(), [7], Deadly()) == [-7]
    dead = [worker for worker in loopback.workers if worker.poll() is not None]
    assert len(dead) == 2
    for worker in dead:
        loopback.workers.remove(worker)
        loopback.add_worker()
    loopback.wait(3)


def test_without_workers_calls_are_done_at_home_and_with_new_ones_there(own: Loopback) -> None:
    with Cluster.at(str(own.file)) as cluster:
        calls = Calls(cluster, Counting(), lambda number: -number, patience=0.5)
        assert calls.submit(1).result(60) == 2
        own.kill_worker()
        assert calls.submit(5).result(60) == -5
        own.add_worker()
        own.wait(1)
        end = time.monotonic() + 20
        while not calls.threads:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert calls.submit(5).result(60) == 6
        # The scheduler itself.
        own.scheduler.kill()
        own.scheduler.wait()
        begin = time.monotonic()
        assert calls.submit(7).result(60) == -7
        assert time.monotonic() - begin < 20
        calls.close()


def test_what_is_dropped_is_cancelled(cluster: Cluster) -> None:
    calls = Calls(cluster, time.sleep, at_home)
    futures: list[Future[Any]] = [calls.submit(0.3) for _ in range(9)]
    time.sleep(0.1)
    begin = time.monotonic()
    calls.close()
    assert time.monotonic() - begin < 2
    assert all(future.cancelled() for future in futures)


def test_other_versions_are_refused() -> None:
    parcel = Parcel.of(Counting())
    assert parcels.call(parcel, 1) == 2
    refused = parcels.call(Parcel(parcel.key, parcel.content, "0.0.0"), 1)
    assert isinstance(refused, Failed)
    assert isinstance(refused.error, InputError)
    assert "expected 0.0.0, as here" in str(refused.error)


def test_a_worker_keeps_the_latest_few_functions() -> None:
    kept = Unpacked(most=2)
    first, second, third = (Parcel.of(Refusing()), Parcel.of(Counting()), Parcel.of(abs))
    one, two = kept.of(first), kept.of(second)
    assert kept.of(first) is one
    kept.of(third)
    assert kept.of(first) is one
    assert kept.of(second) is not two


@pytest.mark.parametrize("address", ["nowhere", "abc://x:1", "tcp://"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(InputError, match=f"^--cluster: no scheduler answers at {address} "):
        Cluster.at(address)


def test_a_worker_is_no_scheduler(cluster: Cluster) -> None:
    worker = next(iter(cluster.client.nthreads()))
    with pytest.raises(InputError, match="a worker answers at"):
        Cluster.at(worker)


def test_without_dask_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    for connect in (lambda: Cluster.at("tcp://127.0.0.1:8786"), lambda: Cluster.local(2)):
        with pytest.raises(InputError) as raised:
            connect()
        assert str(raised.value).count("\n") == 0
        assert "pip install 'cpwl-milp[cluster]'" in str(raised.value)
