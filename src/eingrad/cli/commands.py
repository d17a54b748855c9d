"""The commands and their options; what takes long to load is imported as one runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eingrad.cli.app import UNUSABLE, app, note
from eingrad.cli.usage import examples
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
Of = Annotated[str, typer.Option("--of", help="The tensor to differentiate.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Where to write; - or none: standard output.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")]
Wrt = Annotated[
    str | None,
    typer.Option("--wrt", help="Tensors, separated by commas; without it, every input."),
]


Piped = Annotated[
    str | None,
    typer.Argument(metavar="FILE|-", help="A model; - or a pipe: from standard input."),
]
Order = Annotated[int, typer.Option("--order", help="1, or 2: the Hessian of a scalar.")]
Shown = Annotated[
    Format | None,
    typer.Option("--format", help="The format; else as OUT ends, else text."),
]
Explain = Annotated[bool, typer.Option("--explain", help="Derive the rules that are cited, too.")]
DERIVE_EXAMPLES = examples(
    "eingrad derive examples/mlp.ein --wrt W1",
    "eingrad derive examples/mlp.ein --of Z2 --wrt A2 --explain",
    "eingrad derive examples/mlp.ein --wrt W2,b2 -o gradients.html",
    "echo 'L = x_i A_ij x_j' | eingrad derive --wrt x --order 2",
)


@app.command(epilog=DERIVE_EXAMPLES)
def derive(
    file: Piped = None,
    of: Of = "L",
    wrt: Wrt = None,
    order: Order = 1,
    format: Shown = None,
    explain: Explain = False,
    output: Output = None,
    overwrite: Overwrite = False,
    latex: Latex = False,
) -> None:
    """Derive gradients, Jacobians and Hessians on paper: every step with its rule.

    Of a scalar it is the gradient, of any other tensor the Jacobian.
    """
    from eingrad.cli.deriving import derived, format_of, rendered, show  # noqa: PLC0415

    source = piped(file)
    model = read_model(source, latex)
    check_output(output, source, overwrite)
    derivatives = derived(model, of, names_in(wrt), order)
    form = format_of(format and format.value, output)
    if output is None or str(output) == "-":
        show(derivatives, form, explain)
    else:
        write_output(output, rendered(derivatives, form, explain, None) + "\n")


def piped(file: str | None) -> str:
    """Return where a text is read from: without a file, from a pipe."""
    if file is None and sys.stdin is not None and sys.stdin.isatty():
        raise EingradError(
            "FILE is missing", hint="name a model's file, or pipe a model into the command"
        )
    return "-" if file is None else file


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
    """Split ``W1,b1`` or ``"W1 b1"``. Raises `EingradError` where it names nothing."""
    if text is None:
        return None
    names = text.replace(",", " ").split()
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


Code = Annotated[
    str | None,
    typer.Option(
        "--code",
        metavar="FILE.py:NAME",
        help="A backward pass in Python, judged on arrays: a function, an autograd.Function or one "
        "with a custom_vjp. THE FILE IS RUN.",
    ),
]
CodeOf = Annotated[
    str | None, typer.Option("--of", help="With --code: the tensor of which it is the gradient.")
]
CodeWrt = Annotated[
    str | None, typer.Option("--wrt", help="With --code: the gradients that it returns, W1,b1.")
]


@app.command(
    epilog=examples(
        "eingrad check examples/mlp.ein 'dL/dW1_ih = X_bi dL/dA1_bh / size(b)'",
        "eingrad check paper.tex",
        "eingrad check notes.md --format html > report.html",
        "eingrad check layer.ein --code layers.py:linear_backward",
    ),
)
def check(
    file: Checked,
    claim: Claims = None,
    latex: Latex = False,
    format: ReportIn = None,
    code: Code = None,
    of: CodeOf = None,
    wrt: CodeWrt = None,
) -> None:
    """Check claimed derivatives, every formula of a paper, or a backward pass in Python.

    Exit code 0 if all are right, 1 if one is wrong or right under a condition alone, 2 if one was
    not judged or the input is unusable. Of a paper: 0 nothing is wrong, 1 something is, 2 unusable.
    """
    if code is not None:
        from eingrad.check.code_claims import check_code, load_code  # noqa: PLC0415

        if claim:
            raise EingradError("a claim, or --code", hint="leave one of them out")
        system = read_model(file, latex).system
        _print_verdicts(check_code(system, load_code(code), of, names_in(wrt)))
    elif not claim or all(Path(name).is_file() for name in claim):  # pre-commit gives many papers
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
    _print_verdicts(read_model(file, latex).check_each(text, latex=latex or None))


def _print_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Print verdicts with their counter-examples; exit as the worst of them says."""
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


@app.command(
    epilog=examples(
        "eingrad codegen examples/mlp.ein --wrt W1,b1 --target torch -o layer.py",
        "eingrad codegen examples/mlp.ein --wrt W1,b1 --optimizer adam --lr 0.001",
    ),
)
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
    check_output(output, file, overwrite)
    options: dict[str, Any] = {
        "target": target,
        "optimizer": None if optimizer is None else _optimizer(optimizer, lr),
        "functions": dict(_binding(text) for text in function or []),
    }
    outputs = [name.strip() for name in of.split(",")]
    if outputs == [of] and not model.labels.get(of):
        text = _of_scalar(model.grad(of, names_in(wrt)), save).source(matmul=matmul, **options)
    else:
        kept = [x.strip() for x in save.split(",")] if save and save != "inputs" else save
        text = model.vjp(outputs, names_in(wrt)).source(save=kept, **options)
    if output is None or str(output) == "-":
        print(text, end="")
    else:
        write_output(output, text)


def write_output(output: Path, text: str) -> None:
    """Write a file at once or not at all."""
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


def check_output(output: Path | None, model: str, overwrite: bool) -> None:
    """Raise `DataError` where an output would take the place of the model, or of another file."""
    if output is None or not output.is_file():
        return
    if model != "-" and output.samefile(model):
        raise DataError(
            f"{output} is the model itself, which would be lost",
            operand=str(output),
            hint="give the output another name",
        )
    if not overwrite:
        raise DataError(
            f"{output} exists already",
            operand=str(output),
            hint="give the output another name, or replace the file with --overwrite",
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
@app.command(
    epilog=examples(
        "eingrad plan 'ij,jk,kl->il' 10x20 20x30 30x5",
        "eingrad plan 'bhqd,bhkd->bhqk' 2x4x8x16 2x4x8x16 --json",
    ),
    context_settings={"ignore_unknown_options": True},
)
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


@app.command(
    epilog=examples(
        "eingrad bench",
        "eingrad bench --threads 1 --json",
    ),
)
def bench(rounds: Rounds = 3, threads: Threads = None, json: Json = False) -> None:
    """Time eingrad on this machine, beside PyTorch and JAX where they are installed.

    Times are medians and the least in microseconds, of the training step of a two-layer classifier
    (784-500-10) and of einsums with all their gradients, in float32. A ratio above 1: eingrad is
    faster. Before the table: threads, what is set for BLAS, whether others use the machine.
    """
    from eingrad.cli.benching import run_bench  # noqa: PLC0415  # so that --help loads no NumPy

    run_bench(rounds, threads, json)


# --- serve, page: the page in a browser; the work is in `paging` ---

Host = Annotated[str, typer.Option("--host", help="The address to listen at.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0: one that is free.")]
PageFolder = Annotated[Path, typer.Argument(metavar="OUT/", help="A folder, made if need be.")]
Pyodide = Annotated[
    Path | None,
    typer.Option("--pyodide", help="A folder with Pyodide, for a page that works offline."),
]


@app.command(epilog=examples("eingrad serve", "eingrad serve --port 0"))
def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Open eingrad's page to browsers of this machine: derive, check, copy code.

    With --host 0.0.0.0, to all that reach this machine; the page has no password.
    """
    from eingrad.cli.paging import run_serve  # noqa: PLC0415  # so that --help loads no server

    run_serve(host, port)


@app.command(
    epilog=examples(
        "eingrad page site/", "eingrad page site/ --pyodide node_modules/pyodide --overwrite"
    )
)
def page(out: PageFolder, pyodide: Pyodide = None, overwrite: Overwrite = False) -> None:
    """Write the page as files that run in the reader's browser, for any web server.

    npm install pyodide and --pyodide node_modules/pyodide give a page that loads nothing from
    outside; it judges formulas if the folder has NumPy's wheel, too (Pyodide's full release).
    With Node.js at hand, its modules are compiled, and it starts in half the time.
    """
    from eingrad.cli.paging import run_page  # noqa: PLC0415

    run_page(out, pyodide, overwrite)
