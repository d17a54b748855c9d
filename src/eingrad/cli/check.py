"""``eingrad check``: say whether a claimed formula is right, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eingrad.cli.app import app
from eingrad.cli.derive import ModelFile
from eingrad.notation.files import read_text

if TYPE_CHECKING:
    from eingrad.check import Verdict

WRONG = 1

ClaimText = Annotated[
    str, typer.Argument(metavar="CLAIM", help='What is claimed, "dL/dW_ih = ..."; - reads stdin.')
]


@app.command()
def check(file: ModelFile, claim: ClaimText) -> None:
    """Check a claimed derivative: exit code 0 if it is right, 1 if it is wrong, 2 if unusable."""
    from eingrad.api.model import parse  # noqa: PLC0415  # so that --help does not load NumPy

    verdict = parse(read_text(file)).check(read_text("-") if claim == "-" else claim)
    print(verdict)
    if verdict.counterexample is not None:
        print(_arrays(verdict))
    if not verdict.ok:
        raise typer.Exit(WRONG)


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
