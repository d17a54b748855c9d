"""``eingrad codegen``: write a standalone module for NumPy, PyTorch or JAX."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eingrad.cli.app import app
from eingrad.cli.derive import Latex, ModelFile, Of, Wrt, names_in, read_model
from eingrad.errors import DataError, EingradError
from eingrad.learn.atomic import write_text

if TYPE_CHECKING:
    from eingrad.calculus.optim import Optimizer

Target = Annotated[str, typer.Option("--target", help="numpy, torch or jax.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Where to write; - or none: standard output.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")]
Matmul = Annotated[bool, typer.Option("--matmul", help="Write matrix products as X.T @ G.")]
OptimizerName = Annotated[
    str | None, typer.Option("--optimizer", help="Add a training step: sgd, momentum or adam.")
]
Rate = Annotated[float | None, typer.Option("--lr", help="The optimizer's learning rate.")]
Bound = Annotated[
    list[str] | None, typer.Option("--function", help="What a declared function is: phi=relu.")
]


@app.command()
def codegen(
    file: ModelFile,
    of: Of = "L",
    wrt: Wrt = None,
    target: Target = "numpy",
    output: Output = None,
    overwrite: Overwrite = False,
    matmul: Matmul = False,
    optimizer: OptimizerName = None,
    lr: Rate = None,
    function: Bound = None,
    latex: Latex = False,
) -> None:
    """Write a model and its gradient as a Python file that needs no eingrad."""
    if lr is not None and optimizer is None:
        raise EingradError(
            "--lr has no effect without --optimizer",
            operand="lr",
            hint="for example --optimizer sgd --lr 0.1",
        )
    model = read_model(file, latex)
    _check_output(output, file, overwrite)
    derivatives = model.grad(of, names_in(wrt))
    chosen = None if optimizer is None else _optimizer(optimizer, lr)
    bound = dict(_binding(text) for text in function or [])
    text = derivatives.source(target, matmul=matmul, optimizer=chosen, functions=bound)
    if output is None or str(output) == "-":
        print(text, end="")
        return
    try:
        write_text(output, text)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"cannot write {output}: {reason}", operand=str(output)) from error


def _check_output(output: Path | None, model: str, overwrite: bool) -> None:
    """Raise `DataError` where the module would take the place of the model, or of another file."""
    if output is None or not output.is_file():
        return
    if model != "-" and output.samefile(model):
        raise DataError(
            f"{output} is the model itself, which would be lost",
            operand=str(output),
            hint="give the module another name",
        )
    if not overwrite:
        raise DataError(
            f"{output} exists already",
            operand=str(output),
            hint="give the module another name, or replace the file with --overwrite",
        )


def _optimizer(name: str, lr: float | None) -> Optimizer:
    from eingrad.calculus.optim import OPTIMIZERS, USUAL  # noqa: PLC0415

    if name not in OPTIMIZERS:
        raise EingradError(
            f"there is no optimizer {name!r}", operand=name, hint=f"known: {', '.join(OPTIMIZERS)}"
        )
    return OPTIMIZERS[name](lr=USUAL[name]["lr"] if lr is None else lr)


def _binding(text: str) -> tuple[str, str]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise EingradError(f"--function {text}: not a binding", hint="write it as phi=relu")
    return name, value
