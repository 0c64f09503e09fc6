"""What is measured: groups of jobs that are compared with each other, and the growth curves."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks import brackets, jacobians, relucent_walk, verification
from benchmarks.measurement import Job

ACAS = "small/acasxu/ACASXU_run2a_1_1_batch_2000.onnx@small/acasxu/vnnlib/prop_3.vnnlib"
GCAS = "small/reach/gcas.onnx@small/reach/vnnlib/gcas_3.vnnlib"
VDP = "small/reach/vdp.onnx@small/reach/vnnlib/vdp_0.vnnlib"
CARTPOLE = "small/rl/cartpole.onnx"
MNIST = "medium/mnist_fc/mnist-net_256x4.onnx"
MEGABYTE = (
    "medium/mnist_fc/mnist-net_256x2.onnx",
    "medium/tll/tllBench_n=2_N=M=16_m=1_instance_1_0.onnx",
)

# Network -> how many times PyTorch's Jacobians per point linear terms are to be as fast.
TERMS = {
    "medium/mnist_fc/mnist-net_256x2.onnx": 3,
    "medium/mnist_fc/mnist-net_256x4.onnx": 3,
    "conv/maxpool/Convnet_maxpool.onnx": 1,
    "conv/maxpool/qonnx_mnist-conv.onnx": 1,
    "conv/verivital/Convnet_avgpool.onnx": 1,
    "conv/oval21/cifar_base_kw.onnx": 1,
    "residual/cifar10_resnet/resnet_2b.onnx": 1,
}
TORCH = ("torch-point", "torch-vectorized", "torch-mapped")

# What is estimated, by which of our tools, on how many samples x units or regions, beside what.
ESTIMATORS = (
    ("H and I of bins of width 0.5", "bins", "4096x10", "bins-numpy"),
    ("bounds by pairwise distances", "kde", "4096x10", "kde-numpy"),
    ("Ross's I(T; Y)", "neighbours", "4096x1", "neighbours-sklearn"),
    ("Kraskov's I(T; T')", "neighbours", "4096x2", "neighbours-sklearn"),
    ("plug-in I of two discrete variables", "table", "1000000x1000", "table-sklearn"),
)
# The same alone, with the seconds that it may take.
ESTIMATIONS = (
    ("sample propagation, 10 noise vectors a sample", "propagation", "4096x10", 10),
    ("all region estimates, 784-256-256", "region-estimates", "1000000x784", 60),
    ("`plane`, 50 checkpoints of the 12-bit ReLU network", "plane", "relu", 60),
    ("`plane`, 50 checkpoints of the 12-bit tanh network", "plane", "tanh", 60),
)

# Where relucent ends within the time.
SMALL = ("2-8-8", "3-8-8", "2-16-16")
# Where the issue asks for a ratio over the textbook loop.
TEXTBOOK = ("2-16-16", "4-16-16")
# Inputs up to which the cells engine is shown beside the tree.
_CELLS_INPUTS = 5
_TEN_MILLION = "10-16-16"
THREADED = ("16-12-12", "3-100-100")
# Spread over workers: some 20 s of compiled search, and one that settles much in whole numbers.
SPREAD = ("10-15-15", "3-64-64-64")
OWN_PATTERNS = ("4-10-6", "6-16-8", "3-20-10")
FIRST_ANSWERS = ("cells:2-4-4", "cells:3-4-4", "tree:4-4-4")
# About 10^8 regions.
LARGE = "10-18-18"


@dataclass(frozen=True)
class Target:
    """A row of the target table that the project set itself.

    Attributes
    ----------
    network : str
    peer : float or None
        Regions a second of the fastest peer, on the machine that the targets were set on.
    times : float
        How many times that; the regions a second themselves where no peer ends.
    """

    network: str
    peer: float | None
    times: float

    @property
    def rate(self) -> float:
        """Regions a second."""
        return self.times if self.peer is None else self.times * self.peer


TARGETS = (
    Target("2-16-16", 790_000, 4),
    Target("2-32-32-32", 410_000, 4.5),
    Target("2-64-64-64", 220_000, 5),
    Target("2-100-100-100-100", 111_000, 4),
    Target("3-16-16-16", 150_000, 6),
    Target("3-32-32", 92_000, 8),
    Target("4-16-16", 129_000, 6),
    Target("5-12-12", 110_000, 6),
    Target("8-10-10", 12_000, 50),
    Target("16-12-12", None, 250_000),
    Target(_TEN_MILLION, None, 200_000),
)


@dataclass(frozen=True)
class Group:
    """Jobs that are compared: measured in turn, round after round.

    Attributes
    ----------
    jobs : tuple of Job
    rounds : int
    once : tuple of Job
        In the first round only.
    together : bool
        In one process a round, which saves its start; not for peaks of memory.
    """

    jobs: tuple[Job, ...]
    rounds: int = 1
    once: tuple[Job, ...] = ()
    together: bool = False

    def in_turn(self) -> list[tuple[int, tuple[Job, ...]]]:
        """Round numbers and the jobs of a process."""
        turns = []
        for number in range(self.rounds):
            jobs = (*self.jobs, *(self.once if number == 0 else ()))
            turns += [(number, each) for each in ([jobs] if self.together else zip(jobs))]
        return turns


@dataclass(frozen=True)
class Curve:
    """How the time of a region grows.

    Attributes
    ----------
    quantity : str
        What grows: "units", "dimension" or "depth".
    label : str
    tool : str
    points : tuple of (int, str)
        The quantity and the network.
    """

    quantity: str
    label: str
    tool: str
    points: tuple[tuple[int, str], ...]

    @property
    def jobs(self) -> tuple[Job, ...]:
        """One for each point."""
        return tuple(Job(self.tool, network) for _, network in self.points)


def _widths(tool: str, n_inputs: int, widths: tuple[int, ...]) -> Curve:
    points = tuple((2 * n, f"{n_inputs}-{n}-{n}") for n in widths)
    return Curve("units", f"{tool}, {n_inputs}-n-n", tool, points)


def _dimensions(tool: str, dimensions: tuple[int, ...]) -> Curve:
    return Curve(
        "dimension", f"{tool}, d-10-10", tool, tuple((d, f"{d}-10-10") for d in dimensions)
    )


def _depths(tool: str, n_inputs: int, width: int, depths: tuple[int, ...]) -> Curve:
    points = tuple((k, "-".join(map(str, [n_inputs, *[width] * k]))) for k in depths)
    return Curve("depth", f"{tool}, {n_inputs} inputs, {width} units a layer", tool, points)


CURVES = (
    _widths("cells", 2, (16, 32, 64, 128, 256, 512)),
    _widths("cells", 3, (12, 16, 24, 32, 48, 64, 100)),
    _widths("tree", 4, (8, 12, 16, 24, 32, 48)),
    _widths("tree", 8, (6, 8, 10, 12, 14)),
    _dimensions("cells", (2, 3, 4, 5)),
    _dimensions("tree", (2, 3, 4, 6, 8, 12, 16, 24, 32, 64)),
    _depths("cells", 2, 20, (1, 2, 3, 4, 6, 8, 12)),
    _depths("cells", 3, 12, (1, 2, 3, 4, 6, 8)),
    _depths("tree", 5, 8, (1, 2, 3, 4, 6, 8)),
)


def table(rounds: int) -> list[Group]:
    """Our engines, the textbook loop and the peers, side by side."""
    small = [_row(network, rounds) for network in ("2-8-8", "3-8-8")]
    public = [_row(network, rounds) for network in (VDP, CARTPOLE, ACAS)]
    limited = Group((Job("tree", GCAS, limit=2_000_000),), once=_peers(GCAS))
    return [*small, *(_row(target.network, rounds) for target in TARGETS), *public, limited]


def _row(network: str, rounds: int) -> Group:
    if network == _TEN_MILLION:
        return Group((Job("tree", network, max_seconds=300),), once=_peers(network))
    cells = _n_inputs(network) <= _CELLS_INPUTS
    ours = (*((Job("cells", network),) if cells else ()), Job("tree", network))
    if network in (*SMALL, *TEXTBOOK):
        return Group((*ours, *_peers(network)), rounds)
    return Group(ours, rounds, once=_peers(network))


def _n_inputs(network: str) -> int:
    if network == VDP:
        return 3
    return {ACAS: 5, CARTPOLE: 4}.get(network) or int(network.split("-")[0])


def _peers(network: str) -> tuple[Job, ...]:
    loop = Job("textbook", network, max_seconds=20 if network in TEXTBOOK else 3)
    walk = Job("relucent", network, max_seconds=20 if network in SMALL else 3)
    return (loop, walk) if relucent_walk.installed() else (loop,)


def growth() -> list[Group]:
    """Seconds a region against units, dimension and depth."""
    return [Group(curve.jobs, together=True) for curve in CURVES]


def threads(rounds: int) -> list[Group]:
    """One thread and two, alternating."""
    return [
        Group(tuple(Job("count", network, jobs=n) for n in (1, 2)), rounds) for network in THREADED
    ]


def cluster(rounds: int) -> list[Group]:
    """One thread and two, one worker and two of a cluster: each with two cores for all it needs."""
    return [
        Group(
            tuple(
                Job(tool, network, max_seconds=300, jobs=n, cores=2)
                for tool in ("threads", "workers")
                for n in (1, 2)
            ),
            rounds,
        )
        for network in SPREAD
    ]


def everyday() -> list[Group]:
    """Bounds, import, own patterns and the first answer on a machine."""
    first = [
        Group((Job("first-answer", name, fresh_cache=True), Job("first-answer", name)))
        for name in FIRST_ANSWERS
    ]
    jobs = [Job("bounds", MNIST), *(Job("import", path) for path in MEGABYTE)]
    own = [Job("own-patterns", network, max_seconds=300) for network in OWN_PATTERNS]
    return [*first, *(Group((job,)) for job in (*jobs, *own))]


def terms(rounds: int) -> list[Group]:
    """Linear terms of a batch of points, and PyTorch's Jacobians."""
    tools = ("terms", *(TORCH if jacobians.installed() else ()))
    return [Group(tuple(Job(tool, network) for tool in tools), rounds) for network in TERMS]


def information(rounds: int) -> list[Group]:
    """Estimators beside others' and alone."""
    pairs = [Group((Job(a, n), Job(b, n)), rounds) for _, a, n, b in ESTIMATORS]
    return [*pairs, *(Group((Job(tool, n),)) for _, tool, n, _ in ESTIMATIONS)]


def every_network() -> list[Group]:
    """A minute for each public network."""
    return [Group((job,)) for job in brackets.jobs()]


def every_property() -> list[Group]:
    """A minute at most for each public property."""
    return [Group(jobs, together=True) for jobs in verification.jobs()]


def large() -> list[Group]:
    """About 10^8 regions, counted and listed; and the textbook loop to its end."""
    return [
        Group((Job("count-command", LARGE, max_seconds=3600),)),
        Group((Job("enumerate-command", LARGE, max_seconds=7200),)),
        Group((Job("textbook", "2-16-16", max_seconds=3600),)),
    ]


def quick() -> list[Group]:
    """A look at the machinery: some seconds each."""
    network = "2-8-8"
    walk = (Job("relucent", network, max_seconds=5),) if relucent_walk.installed() else ()
    loop = Job("textbook", network, max_seconds=3)
    return [
        Group((Job("cells", network), Job("tree", network), loop, *walk)),
        Group((Job("tree", "8-8-8"),)),
        Group((Job("own-patterns", OWN_PATTERNS[0]),)),
    ]
