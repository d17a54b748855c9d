"""What `eingrad plan` does: read shapes, and show a plan as a table, as text or as JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eingrad.api.einsum.contract_path import SHOWN_STEPS, PathPlan, PathStep, contract_path
from eingrad.core.digits import LONGEST, count_text, shape_text
from eingrad.errors import ShapeError

SHAPE = re.compile(r"[0-9]{1,18}([xX×][0-9]{1,18})*")
SCALARS = ("", "()")


def run_plan(equation: str, shapes: Sequence[str], as_json: bool) -> None:
    """Print a plan: tables on a terminal, plain text in a pipe, or JSON."""
    plan = contract_path(equation, *(read_shape(k, text) for k, text in enumerate(shapes)))
    if as_json:
        print(json.dumps(in_json(plan), indent=2, ensure_ascii=False))
    elif sys.stdout.isatty():
        _show(plan, Console())
    else:
        print(plan)


def read_shape(operand: int, text: str) -> tuple[int, ...]:
    """Read ``10x20``. Raises `ShapeError`.

    >>> read_shape(0, "10x20"), read_shape(1, "()")
    ((10, 20), ())
    """
    text = text.strip()
    if text in SCALARS:
        return ()
    if not SHAPE.fullmatch(text):
        raise ShapeError(
            f"operand {operand}: {text!r:.60} is not a shape",
            operand=operand,
            hint="write the sizes of its axes with x between them, as in 10x20; () for a scalar",
        )
    return tuple(int(size) for size in re.split("[xX×]", text))


def in_json(plan: PathPlan) -> dict[str, Any]:
    """Return a plan as JSON has it; a number of more than 18 digits is text, and rounded."""

    def steps(given: Sequence[PathStep]) -> list[dict[str, Any]]:
        return [
            {"equation": s.equation, "flops": _number(s.flops), "entries": _number(s.size)}
            for s in given
        ]

    return {
        "equation": plan.equation,
        "shape": [_number(size) for size in plan.shape],
        "flops": _number(plan.flops),
        "gradient_flops": _number(plan.gradient_flops),
        "largest_intermediate": _number(plan.largest_intermediate),
        "largest_gradient_intermediate": _number(plan.largest_gradient_intermediate),
        "steps": steps(plan.steps),
        "gradient_steps": steps(plan.gradient_steps),
    }


def _number(n: int) -> int | str:
    return n if n < LONGEST else count_text(n)


def _show(plan: PathPlan, console: Console) -> None:
    """Print a table of the steps of both passes, each with its sum."""
    table = Table(title=Text(f"{plan.equation}: result of shape {shape_text(plan.shape)}"))
    table.add_column("pass")
    table.add_column("step", justify="right")
    table.add_column("einsum", overflow="fold")
    table.add_column("FLOPs", justify="right")
    table.add_column("entries of the result", justify="right")
    for name, steps, flops, largest in (
        ("forward", plan.steps, plan.flops, plan.largest_intermediate),
        ("gradients", plan.gradient_steps, plan.gradient_flops, plan.largest_gradient_intermediate),
    ):
        for k, step in enumerate(steps[:SHOWN_STEPS]):
            cells = str(k), Text(step.equation), count_text(step.flops), count_text(step.size)
            table.add_row("" if k else name, *cells)
        if len(steps) > SHOWN_STEPS:
            table.add_row("", "...", f"and {len(steps) - SHOWN_STEPS:,} more")
        table.add_row(
            "" if steps else name, "", "all", count_text(flops), f"at most {count_text(largest)}",
            style="bold", end_section=True,
        )  # fmt: skip
    console.print(table)
    if plan.flops:
        ratio = plan.gradient_flops / plan.flops
        console.print(f"all gradients: {ratio:.2f} times the FLOPs of the forward pass")
