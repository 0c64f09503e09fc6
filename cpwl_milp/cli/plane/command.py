"""``plane``: regions and layers' values along training."""

from __future__ import annotations

from pathlib import Path

import click

from cpwl_milp.cli.arguments.options import SEED, json_option, several_models_options
from cpwl_milp.cli.arguments.requests import ModelRequest
from cpwl_milp.cli.information.activations import ActivationRequest, activation_options
from cpwl_milp.cli.output import print_json


@click.command(name="plane")
@several_models_options
@click.option(
    "--data", required=True, metavar="FILE", help="Samples, a row each (.npy, .npz or .csv)."
)
@click.option("--labels", required=True, metavar="FILE", help="Their classes (.npy, .npz or .csv).")
@click.option(
    "--label-bins",
    type=click.IntRange(min=2),
    metavar="K",
    help="Cut real-valued labels into K classes of equal counts.",
)
@click.option(
    "--atoms",
    is_flag=True,
    help="The samples are all inputs there are, equally probable: exact, nothing is corrected.",
)
@click.option(
    "--epochs",
    type=click.Path(path_type=Path),
    metavar="FILE.csv",
    help="Rows of file name and epoch (default: the number in the name).",
)
@activation_options
@click.option(
    "--permutations",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Shuffles of the labels for the null.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of everything random.")
@click.option(
    "--jobs",
    type=click.IntRange(min=0, max=1024),
    default=1,
    show_default=True,
    metavar="N",
    help="Checkpoints at a time, each in a process; 0 for one a core.",
)
@click.option(
    "-o",
    "--output-folder",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write plane.csv and figures there; what is in it already is not measured again.",
)
@json_option
def command(
    models: tuple[ModelRequest, ...],
    data: str,
    labels: str,
    label_bins: int | None,
    atoms: bool,
    epochs: Path | None,
    activations: ActivationRequest | None,
    permutations: int,
    seed: int,
    jobs: int,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Measure checkpoints along a training: the information plane.

    Each MODEL is a checkpoint or a folder of them; they are put in the natural order of their
    names. For every layer: H and I of own and prefix patterns with the null, and with
    --activations what others estimate, which smooth networks have, too. With -o a stopped run
    goes on where it was.

    \b
    Examples:
      cpwl-milp plane checkpoints/ --data X.npy --labels y.npy -o plane
      cpwl-milp plane szt_*.onnx --data X.npy --labels y.npy --atoms \\
          --activations binning,kde --jobs 2 -o plane
    """
    from cpwl_milp.cli.information.answer import Asked
    from cpwl_milp.cli.plane.answer import PlaneQuestion, answered, show, write

    asked = Asked(data, labels, label_bins, atoms, False, activations, permutations, seed)
    question = PlaneQuestion.of(models, asked, epochs, jobs, folder)
    answer = answered(question)
    answer["files"] = [] if folder is None else write(answer, folder)
    if as_json:
        print_json(answer)
    else:
        show(answer)
