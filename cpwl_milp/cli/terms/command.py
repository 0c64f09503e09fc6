"""``terms``: the linear terms of data points."""

from __future__ import annotations

from pathlib import Path

import click

from cpwl_milp.cli.arguments.options import SEED, json_option, model_options
from cpwl_milp.cli.arguments.requests import ModelRequest
from cpwl_milp.cli.output import print_json

_KINDS = (".npz", ".parquet")


def _array_file(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    if value is not None and value.suffix.lower() not in _KINDS:
        raise click.BadParameter(f"{value.name!r} does not end in {' or '.join(_KINDS)}")
    return value


def _image(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[int, int, int] | None:
    if value is None:
        return None
    try:
        sizes = [int(part) for part in value.split(",")]
    except ValueError:
        sizes = []
    if len(sizes) not in (2, 3) or min(sizes) < 1:
        raise click.BadParameter(f"{value!r} is not H,W or C,H,W")
    return sizes[0] if len(sizes) == 3 else 1, sizes[-2], sizes[-1]


def _pixels(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        pixels = tuple(int(part) for part in value.split(","))
    except ValueError:
        pixels = ()
    if not pixels or min(pixels) < 1:
        raise click.BadParameter(f"{value!r} is not one or more whole numbers above 0: 1,2")
    return pixels


@click.command(name="terms")
@model_options
@click.option(
    "--data", required=True, metavar="FILE", help="Points, a row each (.npy, .npz or .csv)."
)
@click.option("--labels", metavar="FILE", help="Their classes, for accuracies.")
@click.option("--tropical", is_flag=True, help="Also the terms of F and G, f = F - G.")
@click.option("--test", metavar="FILE", help="Points that the extracted classifier is tried on.")
@click.option("--test-labels", metavar="FILE", help="Their classes.")
@click.option(
    "--shares",
    type=click.IntRange(min=1, max=100),
    default=10,
    show_default=True,
    help="Steps in which the training terms grow to all of them.",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1, max=100),
    default=5,
    show_default=True,
    help="Random orders in which they do.",
)
@click.option(
    "--statistics", is_flag=True, help="Compare terms: winners, patterns, rays ...; needs --test."
)
@click.option(
    "--against",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="MODEL",
    help="Compare the same points' terms in another network; with --statistics.",
)
@click.option(
    "--image",
    callback=_image,
    metavar="[C,]H,W",
    help="How a point is an image, for --statistics to shift it.",
)
@click.option(
    "--shifts",
    default="1",
    show_default=True,
    callback=_pixels,
    metavar="P[,P...]",
    help="By how many pixels.",
)
@click.option(
    "--rays",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Random rays to follow, one from a test point.",
)
@click.option(
    "--ray-cells",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Give a ray up after so many boundaries.",
)
@click.option(
    "--codes",
    is_flag=True,
    help="Patterns as codes; needs labels, --test, and scikit-learn.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write tables and figures of --statistics there.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of everything random.")
@click.option(
    "-o",
    "--output-file",
    "file",
    type=click.Path(path_type=Path),
    callback=_array_file,
    metavar="FILE",
    help="Write all arrays there (.npz or .parquet).",
)
@json_option
def command(
    model: ModelRequest,
    data: str,
    labels: str | None,
    tropical: bool,
    test: str | None,
    test_labels: str | None,
    shares: int,
    repeats: int,
    statistics: bool,
    against: tuple[Path, ...],
    image: tuple[int, int, int] | None,
    shifts: tuple[int, ...],
    rays: int,
    ray_cells: int,
    codes: bool,
    folder: Path | None,
    seed: int,
    file: Path | None,
    as_json: bool,
) -> None:
    """Give the affine map that the network is around each point.

    In the region of a point every output is `coefficients . x + bias`, exactly. A point on a
    boundary takes the side where the unit is off (bit = 1 iff z > 0); among equal outputs the
    first is the class.

    \b
    Examples:
      cpwl-milp terms network.onnx --data X.npy -o terms.npz
      cpwl-milp terms network.onnx --data X.npy:0,7 --json
      cpwl-milp terms network.onnx --data X.npy --tropical --test X2.npy --test-labels y2.npy
      cpwl-milp terms network.onnx --data X.npy --statistics --test X2.npy --image 28,28 \\
          --against earlier.onnx --folder statistics
    """
    from cpwl_milp.cli.terms import answer, work

    if (statistics or codes) and test is None:
        raise click.UsageError("--statistics and --codes need --test")
    if codes and (labels is None or test_labels is None):
        raise click.UsageError("--codes needs --labels and --test-labels")
    if test is None and test_labels is not None:
        raise click.UsageError("--test-labels needs --test")
    if not statistics and (against or image is not None or folder is not None):
        raise click.UsageError("--against, --image and --folder need --statistics")
    if test is not None and not (tropical or statistics or codes):
        raise click.UsageError("--test needs --tropical, --statistics or --codes")
    found = work.answered(
        work.TermsRequest(
            model=model,
            data=data,
            labels=labels,
            test=test,
            test_labels=test_labels,
            tropical=tropical or statistics or codes,
            shares=shares,
            repeats=repeats,
            statistics=statistics,
            against=against,
            image=image,
            shifts=shifts,
            rays=rays,
            ray_cells=ray_cells,
            codes=codes,
            folder=folder,
            seed=seed,
            file=file,
            listed=as_json,
        )
    )
    if as_json:
        print_json(answer.as_json(found))
    else:
        answer.show(found)
