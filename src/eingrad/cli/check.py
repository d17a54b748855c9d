"""``eingrad check``: say whether a claimed formula is right, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eingrad.cli.app import UNUSABLE, app
from eingrad.cli.derive import Latex, ModelFile, read_model
from eingrad.errors import EingradError
from eingrad.notation.files import read_text

if TYPE_CHECKING:
    from eingrad.check import Verdict

WRONG = 1

ClaimText = Annotated[
    str,
    typer.Argument(
        metavar="CLAIM|-", help='What is claimed, "dL/dW_ih = ..."; - reads claims, one a line.'
    ),
]


@app.command()
def check(file: ModelFile, claim: ClaimText, latex: Latex = False) -> None:
    """Check claimed derivatives.

    Exit code 0 if all are right, 1 if one is wrong or right under a condition alone, 2 if one was
    not judged or the input is unusable.
    """
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
