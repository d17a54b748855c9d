"""``eingrad plan``: its options; the work is in a module that loads then."""

from __future__ import annotations

from typing import Annotated

import typer

from eingrad.cli.app import app

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
