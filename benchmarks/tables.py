"""The tables of docs/performance.md, each a function of measurements, in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from pathlib import Path

from benchmarks import plan
from benchmarks.fits import grown
from benchmarks.markdown import markdown
from benchmarks.measurement import Measurement
from benchmarks.results import Results

_OURS = ("cells", "tree")
_PEERS = ("textbook", "relucent")
# Fewer regions than this are no rate.
_RATIO_REGIONS = 10
_PICTURE = "![Microseconds a region against units, dimension and depth](images/growth.svg)"


def side_by_side(found: Results) -> str:
    """Regions a second of all tools on all networks, and how many times the peers."""
    rows = []
    for network in _networks(found):
        ours = {name: found.of(name, network) for name in _OURS}
        peers = {name: found.of(name, network) for name in _PEERS}
        best = _fastest(ours)
        rows.append(
            [
                _named(network),
                _count(best),
                *(_rate_cell(each) for each in ours.values()),
                _milliseconds(best, "count"),
                *(_peer_cell(each) for each in peers.values()),
                *(_ratio_cell(best, each) for each in peers.values()),
            ]
        )
    head = [
        "network",
        "regions",
        "cells, /s",
        "tree, /s",
        "whole count, ms",
        "textbook loop, /s",
        "relucent, /s",
        "over the loop",
        "over relucent",
    ]
    return markdown(head, rows)


def against_targets(found: Results) -> str:
    """The targets of the project beside what is reached."""
    rows = []
    for target in plan.TARGETS:
        ours = {name: found.of(name, target.network) for name in _OURS}
        best = _fastest(ours)
        rate = _median_rate(best)
        if rate is None:
            continue
        engine = next(name for name, each in ours.items() if each is best)
        again = _median(m.details.get("again") for m in best)
        peer = "none ends" if target.peer is None else f"{target.peer:,.0f} x {target.times:g}"
        rows.append(
            [
                target.network,
                _count(best),
                peer,
                f"{target.rate:,.0f}",
                f"{rate:,.0f} ({engine})",
                "-" if again is None else f"{best[0].regions / again:,.0f}",
                f"{rate / target.rate:.2f}",
                "-" if target.peer is None else f"{rate / target.peer:.1f}x",
            ]
        )
    head = [
        "network",
        "regions",
        "peer, /s (1) x factor",
        "target, /s",
        "ours, /s",
        "asked again, /s",
        "of the target",
        "over the peer (1)",
    ]
    return markdown(head, rows)


def over_the_loop(found: Results) -> str:
    """How many times the textbook loop, by the search and by the whole answer."""
    rows = []
    for network in plan.TEXTBOOK:
        best = _fastest({name: found.of(name, network) for name in _OURS})
        loop = found.of("textbook", network)
        rate, slow = _median_rate(best), _median_rate(loop)
        whole = _median(m.details.get("count") for m in best)
        if rate is None or slow is None or whole is None:
            continue
        rows.append(
            [
                network,
                f"{_middle(m.regions for m in loop):,} of {best[0].regions:,}",
                f"{_middle(m.cpu for m in loop):.1f}",
                f"{slow:.2f}",
                _ratio_cell(best, loop),
                f"{_two_digits(best[0].regions / whole / slow)}x",
                "10,000x",
            ]
        )
    head = [
        "network",
        "found by the loop",
        "in CPU s",
        "regions/s",
        "our search",
        "our whole count",
        "target",
    ]
    return markdown(head, rows)


def exponents(found: Results) -> str:
    """The growth curves and their exponents, below the picture that `figure` draws."""
    rows = [
        [
            growth.curve.label,
            growth.curve.quantity,
            f"{growth.x[0]} to {growth.x[-1]}",
            f"{1e6 * growth.seconds[0]:.2f} to {1e6 * growth.seconds[-1]:.2f}",
            f"{growth.exponent:.2f} ± {growth.error:.2f}",
        ]
        for growth in grown(found)
    ]
    table = markdown(["networks", "what grows", "from, to", "us a region", "exponent"], rows)
    return f"{_PICTURE}\n\n{table}" if rows else ""


def by_threads(found: Results) -> str:
    """Wall time of one thread and of two, pair by pair."""
    rows = []
    for network in plan.THREADED:
        one, two = (found.of("count", network, jobs) for jobs in (1, 2))
        pairs = [
            (a, b) for a, b in zip(one, two, strict=False) if not (a.error or b.error) and b.wall
        ]
        if not pairs:
            continue
        speeds = [a.wall / b.wall for a, b in pairs]
        rows.append(
            [
                network,
                f"{pairs[0][0].regions:,}",
                str(pairs[0][0].details["engine"]),
                f"{statistics.median(a.wall for a, _ in pairs):.2f}",
                f"{statistics.median(b.wall for _, b in pairs):.2f}",
                f"{statistics.median(speeds):.2f}",
                f"{min(speeds):.2f} to {max(speeds):.2f}",
            ]
        )
    head = ["network", "regions", "engine", "1 thread, s", "2 threads, s", "ratio", "pairs"]
    return markdown(head, rows)


def by_workers(found: Results) -> str:
    """Wall time in threads and with workers of a cluster, and what these cost beside one thread."""
    rows = []
    for network in plan.SPREAD:
        kinds = [(tool, n) for tool in ("threads", "workers") for n in (1, 2)]
        each = {kind: [m for m in found.of(kind[0], network, kind[1]) if m.wall] for kind in kinds}
        if not all(each.values()):
            continue
        rounds = list(zip(*each.values(), strict=False))
        threads = [a.wall / b.wall for a, b, _, _ in rounds]
        workers = [a.wall / b.wall for _, _, a, b in rounds]
        extra = [[m.cpu / one.cpu - 1 for m in more] for one, _, *more in rounds]
        speed = statistics.median(workers)
        rows.append(
            [
                network,
                _count(each["workers", 2]),
                *(f"{statistics.median(m.wall for m in each[kind]):.1f}" for kind in kinds),
                f"{statistics.median(threads):.2f}x",
                f"{speed:.2f}x ({min(workers):.2f} to {max(workers):.2f})",
                "1.7x",
                _met(speed >= 1.7),
                ", ".join(f"{100 * statistics.median(k):.0f} %" for k in zip(*extra, strict=True)),
            ]
        )
    head = [
        "network",
        "regions",
        "1 thread, s",
        "2 threads, s",
        "1 worker, s",
        "2 workers, s",
        "threads 1 to 2",
        "workers 1 to 2",
        "target",
        "met",
        "CPU more than 1 thread: 1, 2 workers",
    ]
    return markdown(head, rows)


def everyday(found: Results) -> str:
    """Bounds, import, own patterns and compiling, each beside its target."""
    rows = []
    for m in found.measurements:
        if m.error:
            rows.append([_what(m), "-", "-", m.error])
        elif m.job.tool == "bounds" or m.job.tool == "import":
            rows.append([_what(m), f"{m.cpu:.3f} s CPU", "1 s", _met(m.cpu < 1)])
        elif m.job.tool == "own-patterns":
            rows.append(_own_patterns_row(m))
        elif m.job.fresh_cache:
            rows.append([_what(m), f"{m.cpu:.1f} s CPU", "10 s in all", _met(m.cpu < 10)])
        else:
            rows.append([_what(m), f"{m.cpu:.2f} s CPU", "-", "-"])
    return markdown(["what", "measured", "target", "met"], rows)


def _own_patterns_row(m: Measurement) -> list[str]:
    seen, solves = m.details["seen"], m.details["decisions"]["solves"]
    most = m.regions - seen + 2
    told = f"{solves} solves, {m.cpu:.1f} s CPU: {seen} seen in samples, {m.regions} found"
    return [_what(m), told, f"{most} solves", _met(m.complete and solves <= most)]


def _what(m: Measurement) -> str:
    file = m.job.network.rpartition("/")[2]
    if m.job.tool == "first-answer":
        engine, _, network = m.job.network.partition(":")
        cache = "empty" if m.job.fresh_cache else "filled"
        return f"first answer of {engine} on {network}, cache of kernels {cache}"
    if m.job.tool == "import":
        return f"import of {file} ({m.details.get('megabytes', 0):.2f} MB) with its check"
    if m.job.tool == "own-patterns":
        return f"own patterns of the last layer of {file}"
    return f"CROWN bounds of {file}, inputs in [0, 1]"


def linear_terms(found: Results) -> str:
    """Points a second of ours and of PyTorch, and how many times its Jacobians per point."""
    rows = []
    for network, target in plan.TERMS.items():
        mine = found.of("terms", network)
        theirs = [found.of(tool, network) for tool in plan.TORCH]
        rate = _median_rate(mine)
        if rate is None:
            continue
        single = _ratio(mine, theirs[0])
        rows.append(
            [
                Path(network).stem,
                f"{rate:,.0f}",
                *(_rate_cell(each) for each in theirs),
                *("-" if (r := _ratio(mine, each)) is None else f"{r:.1f}x" for each in theirs),
                f"{target}x",
                "-" if single is None else _met(single >= target),
                f"{statistics.median(m.peak_mb for m in mine):.0f}",
            ]
        )
    head = [
        "network",
        "ours, points/s",
        "jacobian",
        "jacobian, vectorize",
        "vmap(jacrev)",
        "over jacobian",
        "over vectorize",
        "over vmap",
        "target",
        "met",
        "our peak, MB",
    ]
    return markdown(head, rows)


def estimators(found: Results) -> str:
    """Milliseconds of our estimators and of others', and what is estimated alone."""
    rows = []
    for what, tool, network, other in plan.ESTIMATORS:
        ours, theirs = found.of(tool, network), found.of(other, network)
        times = [_median(m.cpu for m in each if not m.error) for each in (ours, theirs)]
        if times[0] is None:
            continue
        name = "scikit-learn" if other.endswith("sklearn") else "numpy, as in scripts"
        theirs_told = "-" if times[1] is None else f"{1e3 * times[1]:.3g} ({name})"
        ratio = "-" if times[1] is None else f"{times[1] / times[0]:.1f}x"
        rows.append([what, network, f"{1e3 * times[0]:.3g}", theirs_told, ratio])
    head = ["what", "samples x units", "ours, ms", "other, ms", "ours is faster"]
    parts = [markdown(head, rows)] if rows else []
    rows = []
    for what, tool, network, most in plan.ESTIMATIONS:
        for m in found.of(tool, network):
            if m.error:
                continue
            own = m.details.get("own_memory_mb")
            memory = "-" if own is None else f"{own:.0f} MB"
            rows.append([what, network, f"{m.cpu:.3g}", f"{most}", _met(m.cpu < most), memory])
    head = ["what", "samples x units", "CPU s", "target, s", "met", "own memory"]
    parts += [markdown(head, rows)] if rows else []
    return "\n\n".join(parts)


def memory(found: Results) -> str:
    """Peak memory of counting and listing 10^8 regions."""
    rows = []
    for m in found.measurements:
        if m.error or m.job.tool == "textbook":
            continue
        command = m.job.tool.removesuffix("-command")
        most = 300 if command == "count" else 1000
        disk = m.details.get("disk_mb")
        rows.append(
            [
                f"`cpwl-milp {command}`, {m.job.network}",
                f"{m.regions:,}" + ("" if m.complete else " (not all)"),
                f"{m.peak_mb:.0f} MB",
                f"{most} MB",
                _met(m.peak_mb < most),
                f"{m.cpu:,.0f}",
                f"{m.rate or 0:,.0f}",
                "-" if disk is None else f"{disk / 1000:.1f} GB",
            ]
        )
    head = ["what", "regions", "peak memory", "target", "met", "CPU s", "regions/s", "on disk"]
    lines = [markdown(head, rows)]
    lines += [
        f"The textbook loop on {m.job.network}: {m.regions} regions"
        f"{', all of them,' if m.complete else ''} in {m.cpu:,.0f} s of CPU time,"
        f" {m.rate or 0:.2f} a second."
        for m in found.measurements
        if m.job.tool == "textbook" and not m.error
    ]
    return "\n\n".join(line for line in lines if line)


def _networks(found: Results) -> list[str]:
    return list(dict.fromkeys(m.job.network for m in found.measurements))


def _named(network: str) -> str:
    model, _, inputs = network.partition("@")
    names = [Path(part).stem for part in (model, inputs) if part]
    short = names[0].removeprefix("ACASXU_run2a_").removesuffix("_batch_2000")
    if short != names[0]:
        short = f"ACAS Xu {short}"
    return ", ".join([short, *names[1:]]) if ".onnx" in network else network


def _fastest(ours: dict[str, list[Measurement]]) -> list[Measurement]:
    return max(ours.values(), key=lambda each: _median_rate(each) or 0.0)


def _median_rate(each: list[Measurement]) -> float | None:
    return _median(m.rate for m in each)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _count(each: list[Measurement]) -> str:
    if not each or each[0].error:
        return each[0].error if each else "-"
    return f"{each[0].regions:,}" + ("" if each[0].complete else " (first)")


def _rate_cell(each: list[Measurement]) -> str:
    rate = _median_rate(each)
    return "-" if rate is None else f"{rate:,.0f}"


def _peer_cell(each: list[Measurement]) -> str:
    rate = _median_rate(each)
    if rate is None and each and not each[0].error:
        return f"none in {each[0].cpu:.0f} s"
    if rate is None:
        return each[0].error if each else "-"
    ended = all(m.complete for m in each)
    return f"{rate:.3g} ({'all' if ended else 'first'} {_middle(m.regions for m in each):,})"


def _milliseconds(each: list[Measurement], key: str) -> str:
    seconds = _median(m.details.get(key) for m in each)
    return "-" if seconds is None else f"{1e3 * seconds:.3g}"


def _ratio_cell(ours: list[Measurement], theirs: list[Measurement]) -> str:
    ratio = _ratio(ours, theirs)
    return "-" if ratio is None else f"{_two_digits(ratio)}x"


def _ratio(ours: list[Measurement], theirs: list[Measurement]) -> float | None:
    """The median ratio of the rates of a round; none from a handful of regions."""
    by_round = {m.round: m.rate for m in theirs if m.regions >= _RATIO_REGIONS}
    return _median(
        m.rate / other for m in ours if m.rate is not None and (other := by_round.get(m.round))
    )


def _middle(values: Iterable[float]) -> float:
    return statistics.median_low(values)


def _two_digits(value: float) -> str:
    return f"{float(f'{value:.2g}'):,.0f}"


def _met(met: bool) -> str:
    return "yes" if met else "no"
