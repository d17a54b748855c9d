"""The commands and their options; what takes long to load is imported as one runs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eingrad.cli.app import UNUSABLE, app, note
from eingrad.errors import DataError, EingradError
from eingrad.learn.atomic import write_text
from eingrad.notation.files import read_text

if TYPE_CHECKING:
    from eingrad.api.models.model import Model
    from eingrad.api.models.model_derivatives import Derivatives
    from eingrad.calculus.optim import Optimizer
    from eingrad.check import Verdict


# --- derive: print a model's gradients step by step ---


class Format(StrEnum):
    """How a derivation is printed."""

    text = "text"
    latex = "latex"
    markdown = "markdown"
    html = "html"
    json = "json"


ModelFile = Annotated[str, typer.Argument(metavar="FILE|-", help="A model; - reads it from stdin.")]
Latex = Annotated[
    bool, typer.Option("--latex", help="All is LaTeX; without it, what has LaTeX's commands.")
]
Of = Annotated[str, typer.Option("--of", help="The scalar to differentiate.")]
Wrt = Annotated[
    str | None,
    typer.Option("--wrt", help="Tensors, separated by commas; without it, every input."),
]


@app.command()
def derive(
    file: ModelFile,
    of: Of = "L",
    wrt: Wrt = None,
    format: Annotated[Format, typer.Option("--format", help="The output's format.")] = Format.text,
    latex: Latex = False,
) -> None:
    """Derive gradients on paper: every step with its rule."""
    derivatives = read_model(file, latex).grad(of, names_in(wrt))
    print(getattr(derivatives, format.value)())


def read_model(file: str, latex: bool) -> Model:
    """Read a model from a file, or from standard input for ``-``; its notes go to stderr."""
    from eingrad.api.models import model as models  # noqa: PLC0415  # --help loads no NumPy

    model = models.read_model(read_text(file), latex or None)
    print_notes(model)
    return model


def print_notes(model: Model) -> None:
    """Write a model's notes to standard error."""
    for text in model.notes:
        note(f"note: {text}")


def names_in(text: str | None) -> list[str] | None:
    """Split ``W1,b1``. Raises `EingradError` where it names nothing."""
    if text is None:
        return None
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise EingradError(
            "--wrt names no tensor",
            operand="wrt",
            hint="for example --wrt W1,b1; without --wrt, it is every input",
        )
    return names


# --- check: is a claimed formula right, and what is wrong with it ---

WRONG = 1

Claims = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CLAIM|-]",
        help='What is claimed, "dL/dW_ih = ..."; - reads claims, one a line. '
        "Without it the file is a paper, whose formulas are all judged; more papers may follow.",
    ),
]
Checked = Annotated[
    str, typer.Argument(metavar="FILE|-", help="A model, or a paper: .tex, .md or .ipynb.")
]


class ReportFormat(StrEnum):
    """How the report on a paper is printed."""

    text = "text"
    json = "json"
    html = "html"
    github = "github"


ReportIn = Annotated[
    ReportFormat | None, typer.Option("--format", help="The format of the report on a paper.")
]


@app.command()
def check(
    file: Checked, claim: Claims = None, latex: Latex = False, format: ReportIn = None
) -> None:
    """Check claimed derivatives, or every formula of a paper.

    Exit code 0 if all are right, 1 if one is wrong or right under a condition alone, 2 if one was
    not judged or the input is unusable. Of a paper: 0 nothing is wrong, 1 something is, 2 unusable.
    """
    if not claim or all(Path(name).is_file() for name in claim):  # pre-commit gives many papers
        from eingrad.cli.paper_checking import run_check_papers  # noqa: PLC0415

        run_check_papers([file, *(claim or ())], (format or ReportFormat.text).value)
    elif format is not None:
        raise EingradError("--format is for the report on a paper", hint="leave it out")
    elif len(claim) > 1:
        raise EingradError("one claim at a time", hint="several stand in one text, one a line")
    else:
        _check_claim(file, claim[0], latex)


def _check_claim(file: str, claim: str, latex: bool) -> None:
    """Print the verdicts on a claim about a model."""
    if file == claim == "-":
        raise EingradError("standard input is the model or the claim", hint="give one as a file")
    text = read_text("-") if claim == "-" else claim
    verdicts = read_model(file, latex).check_each(text, latex=latex or None)
    for verdict in verdicts:
        print(verdict)
        if verdict.counterexample is not None:
            print(_arrays(verdict))
    outcomes = {verdict.outcome for verdict in verdicts}
    if outcomes & {"wrong", "right if"}:
        raise typer.Exit(WRONG)
    if "not judged" in outcomes:
        raise typer.Exit(UNUSABLE)


def _arrays(verdict: Verdict) -> str:
    """Write a counter-example's arrays, one after another."""
    import numpy as np  # noqa: PLC0415

    assert verdict.counterexample is not None
    lines = ["", "counter-example:"]
    for name, array in verdict.counterexample["arrays"].items():
        head = f"  {name} = "
        body = np.array2string(array, precision=4, suppress_small=True, threshold=60)
        lines.append(head + body.replace("\n", "\n" + " " * len(head)))
    return "\n".join(lines)


# --- codegen: a standalone module for NumPy, PyTorch or JAX ---

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
OfLayer = Annotated[
    str, typer.Option("--of", help="A scalar; or the outputs of a layer, separated by commas.")
]
Save = Annotated[
    str | None,
    typer.Option("--save", help="What a layer keeps for backward: inputs, or names; without, all."),
]
Bound = Annotated[
    list[str] | None, typer.Option("--function", help="What a declared function is: phi=relu.")
]


@app.command()
def codegen(
    file: ModelFile,
    of: OfLayer = "L",
    wrt: Wrt = None,
    target: Target = "numpy",
    output: Output = None,
    overwrite: Overwrite = False,
    matmul: Matmul = False,
    optimizer: OptimizerName = None,
    lr: Rate = None,
    function: Bound = None,
    save: Save = None,
    latex: Latex = False,
) -> None:
    """Write a model and its gradient, or a layer, as a Python file that needs no eingrad."""
    if lr is not None and optimizer is None:
        raise EingradError(
            "--lr has no effect without --optimizer",
            operand="lr",
            hint="for example --optimizer sgd --lr 0.1",
        )
    model = read_model(file, latex)
    _check_output(output, file, overwrite)
    options: dict[str, Any] = {
        "optimizer": None if optimizer is None else _optimizer(optimizer, lr),
        "functions": dict(_binding(text) for text in function or []),
    }
    outputs = [name.strip() for name in of.split(",")]
    if outputs == [of] and not model.labels.get(of):
        text = _of_scalar(model.grad(of, names_in(wrt)), save).source(
            target, matmul=matmul, **options
        )
    else:
        kept = [x.strip() for x in save.split(",")] if save and save != "inputs" else save
        text = model.vjp(outputs, names_in(wrt)).source(target, save=kept, **options)
    if output is None or str(output) == "-":
        print(text, end="")
        return
    try:
        write_text(output, text)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"cannot write {output}: {reason}", operand=str(output)) from error


def _of_scalar(derivatives: Derivatives, save: str | None) -> Derivatives:
    """Raise EingradError for what only a layer has."""
    if save is not None:
        raise EingradError(
            "--save has no effect on the module of a scalar",
            operand="save",
            hint="it is for a layer: --of with an output that has labels",
        )
    return derivatives


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


# --- plan: the steps of an einsum; the work is in `planning` ---

Equation = Annotated[
    str, typer.Argument(metavar="EQUATION", help='As einsum takes it: "ij,jk,kl->il".')
]
Shapes = Annotated[
    list[str] | None,
    typer.Argument(metavar="SHAPE...", help="One for each operand: 10x20; () is a scalar's."),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]


# A size like -3 is to be refused as a shape, not as an option.
@app.command(context_settings={"ignore_unknown_options": True})
def plan(equation: Equation, shapes: Shapes = None, json: Json = False) -> None:
    """Show the steps, FLOPs and memory of an einsum and of all its gradients.

    A multiplication and an addition count as one FLOP. The gradients use the forward pass's
    intermediates and share each other's.
    """
    from eingrad.cli.planning import run_plan  # noqa: PLC0415  # so that --help loads no NumPy

    run_plan(equation, shapes or (), json)


# --- bench: times on this machine; the work is in `benching` ---

Rounds = Annotated[int, typer.Option(min=1, help="How often the contenders take turns.")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads of each contender; as many as it takes.")
]


@app.command()
def bench(rounds: Rounds = 3, threads: Threads = None, json: Json = False) -> None:
    """Time eingrad on this machine, beside PyTorch and JAX where they are installed.

    Times are medians in microseconds, of the training step of a two-layer classifier (784-500-10)
    and of einsums with all their gradients, in float32. A ratio above 1: eingrad is faster.
    """
    from eingrad.cli.benching import run_bench  # noqa: PLC0415  # so that --help loads no NumPy

    run_bench(rounds, threads, json)
