"""`eingrad train` and `eingrad predict`: their options; the work is in modules that load then."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eingrad.cli.app import app
from eingrad.cli.usage import examples

CONVENTIONS = """
A model of one's own (--model) is a text in index notation in which X_bi is the data (minibatch
by pixels, in [0, 1]), T_bo the one-hot targets (minibatch by classes) and the scalar L the loss.
The letters are free. The last tensor that has the axes of T and does not depend on T is the
prediction: probabilities, their logarithms, or logits. Every other input is a parameter: a matrix
starts Glorot-uniform, a vector or scalar at 0. An axis that is neither pixels, classes nor
minibatch has --hidden entries. Every declared function is the --activation.

--mesh splits a run on JAX over devices: the minibatch over the axis `data`, hidden units over the
axis `model`; --shard splits other labels. Several processes, perhaps on several hosts, are one run
where each is started with the same --coordinator, --processes and options, and with a --process-id
of its own: 0, 1, ... Process 0 prints and writes; to --resume, each reads the checkpoint. See
docs/scaling.md.

One's own data: of a CSV file --target names the column to learn. Numbers are standardised by the
training rows, texts are categories with a column of 0 and 1 each, and the checkpoint keeps both;
`eingrad predict CHECKPOINT FILE.csv` applies them. Texts, and few whole numbers, are classes; other
targets are a regression, standardised too, whose loss is half the squared error. An .npz holds x
and y, or x_train, y_train, x_test, y_test. Pictures are grey, fitted into one size.

Without --checkpoint nothing is written. With it, the run is saved after each epoch, and, where
matplotlib is installed, NAME-curves.png and NAME-mistakes.png beside it at the end.
"""


# ruff: noqa: E501  # the options are a table, one to a line
# fmt: off
DatasetName = Annotated[str | None, typer.Argument(metavar="digits|mnist|FILE|FOLDER", help="What to learn: digits; FILE.csv, .npz or .npy; a folder with pictures of each class in one.")]
Data        = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of MNIST's files, IDX or .npy; else they are downloaded.")]
TargetName  = Annotated[str | None, typer.Option("--target", metavar="COLUMN", help="What is learned of a table: a column, a name in the .npz, another .npy.")]
TaskName    = Annotated[str | None, typer.Option("--task", metavar="classification|regression", help="What the target is; else its values say.")]
Validation  = Annotated[float | None, typer.Option(metavar="SHARE", help="The share of one's own data to test on; 0.2.")]
Ignore      = Annotated[str | None, typer.Option(metavar="COLUMNS", help="Columns to leave out, separated by commas.")]
Fill        = Annotated[bool, typer.Option("--fill", help="Put the mean, or no category, where a value is missing.")]
Log         = Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write a line for each epoch.")]
ReportPage  = Annotated[Path | None, typer.Option("--report", metavar="OUT.html", help="One page: curves, confusion, mistakes, weights, derivation.")]
Device      = Annotated[str | None, typer.Option(metavar="cpu|cuda|...", help="Where torch or jax computes; the best there is.")]
Hidden      = Annotated[int | None, typer.Option(help="Hidden units; 500, for one's own data 100.")]
Epochs      = Annotated[int | None, typer.Option(help="Epochs in all; 40 for digits, 10 for mnist, 100 for one's own data.")]
BatchSize   = Annotated[int | None, typer.Option(help="Minibatch; 16 for digits, 64 for mnist, 32 for one's own data.")]
Rate        = Annotated[float | None, typer.Option(help="Learning rate; sgd 0.1, momentum 0.05, adam 0.001.")]
OptimizerOf = Annotated[str | None, typer.Option(metavar="sgd|momentum|adam", help="Optimizer; momentum, for one's own data adam.")]
Activation  = Annotated[str | None, typer.Option(metavar="NAME", help="sigmoid, tanh, relu, gelu, ...; relu.")]
Backend     = Annotated[str | None, typer.Option(metavar="numpy|torch|jax", help="What computes; numpy.")]
Precision   = Annotated[str | None, typer.Option("--dtype", metavar="float32|float64", help="Precision; float32.")]
ModelFile   = Annotated[Path | None, typer.Option(metavar="FILE.ein", help="A model of one's own; see below.")]
SaveTo      = Annotated[Path | None, typer.Option(metavar="FILE", help="Save the run after each epoch.")]
Resume      = Annotated[bool, typer.Option("--resume", help="Go on from --checkpoint, bit for bit where no option differs.")]
OtherData   = Annotated[bool, typer.Option("--other-data", help="Resume, though the data is not that of the run.")]
Overwrite   = Annotated[bool, typer.Option("--overwrite", help="Replace a checkpoint and pictures that exist.")]
Plots       = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for curves and mistakes as PNG.")]
MeshSizes   = Annotated[str | None, typer.Option("--mesh", metavar="data=N,model=M", help="Devices of JAX to split the run over.")]
ShardLabels = Annotated[str | None, typer.Option("--shard", metavar="b=data,h=model", help="Which label each axis of the mesh splits.")]
Coordinator = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where several processes meet: process 0 listens there.")]
Processes   = Annotated[int | None, typer.Option(help="How many processes there are.")]
ProcessId   = Annotated[int | None, typer.Option(help="Which of them this is: 0, 1, ...")]
Seed        = Annotated[int | None, typer.Option(help="Settles every random choice; 0.")]
# fmt: on


@app.command(
    epilog=CONVENTIONS
    + examples(
        "eingrad train",
        "eingrad train digits --hidden 64 --epochs 5 --report run.html",
        "eingrad train mnist --backend torch --checkpoint run.safetensors",
        "eingrad train mnist --checkpoint run.safetensors --resume --epochs 20",
    )
)
def train(
    dataset: DatasetName = None,
    data: Data = None,
    target: TargetName = None,
    task: TaskName = None,
    validation: Validation = None,
    ignore: Ignore = None,
    fill: Fill = False,
    hidden: Hidden = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: Rate = None,
    optimizer: OptimizerOf = None,
    activation: Activation = None,
    backend: Backend = None,
    dtype: Precision = None,
    model: ModelFile = None,
    checkpoint: SaveTo = None,
    resume: Resume = False,
    other_data: OtherData = False,
    overwrite: Overwrite = False,
    plots: Plots = None,
    log: Log = None,
    report: ReportPage = None,
    device: Device = None,
    mesh: MeshSizes = None,
    shard: ShardLabels = None,
    coordinator: Coordinator = None,
    processes: Processes = None,
    process_id: ProcessId = None,
    seed: Seed = None,
) -> None:
    """Train on images or on a table; the last line says the accuracy on data kept for the test."""
    from eingrad.cli.outputs import Files  # noqa: PLC0415
    from eingrad.cli.processes import read_devices  # noqa: PLC0415
    from eingrad.cli.training import run_training  # noqa: PLC0415

    files = Files(data, model, checkpoint, plots, resume, overwrite, other_data, log, report)
    devices = read_devices(mesh, shard, coordinator, processes, process_id, device)
    run_training(
        files, devices, dataset=dataset, hidden=hidden, epochs=epochs, batch_size=batch_size, lr=lr,
        optimizer=optimizer, activation=activation, backend=backend, dtype=dtype, seed=seed,
        target=target, task=task, validation=validation, ignore=ignore, fill=fill or None,
    )  # fmt: skip


@app.command(epilog=examples("eingrad predict run.safetensors seven.png"))
def predict(
    checkpoint: Annotated[Path, typer.Argument(help="What `eingrad train --checkpoint` wrote.")],
    images: Annotated[
        list[Path],
        typer.Argument(
            help="Pictures (PNG, JPEG, ...), IDX files, .npy arrays; - reads one from stdin. "
            "CSV files or .npy arrays of rows, for what learned from a table."
        ),
    ],
) -> None:
    """Say which class each image or row is, and how probable. In a pipe: name, class, probability.

    Of a regression, a number.
    """
    from eingrad.cli.prediction import run_prediction  # noqa: PLC0415

    run_prediction(checkpoint, images)
