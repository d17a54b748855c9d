"""`eingrad derive`: which derivatives, in which format, and where they go."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from eingrad.api.models.model import Model
from eingrad.api.models.model_derivatives import Derivatives
from eingrad.derivation.formats.as_text import lines
from eingrad.errors import EingradError

STYLES = {
    "head": "bold", "name": "cyan", "formula": "", "reason": "dim", "result": "bold green",
}  # fmt: skip
ENDINGS = {
    ".tex": "latex", ".md": "markdown", ".html": "html", ".htm": "html", ".json": "json",
}  # fmt: skip


def derived(model: Model, of: str, wrt: list[str] | None, order: int) -> Derivatives:
    """Return the gradient of a scalar, the Jacobian of a tensor, or the Hessian of a scalar."""
    if order not in (1, 2):
        raise EingradError(
            f"--order {order}: derivatives are of order 1 or 2", hint="leave --order out, or 2"
        )
    if order == 2:
        return model.hessian(of, wrt)
    return model.jacobian(of, wrt) if model.labels.get(of) else model.grad(of, wrt)


def format_of(asked: str | None, output: Path | None) -> str:
    """Return the format: the one asked for, or that of the file's ending, else text."""
    return asked or ENDINGS.get(output.suffix.lower() if output else "", "text")


def rendered(derivatives: Derivatives, form: str, explain: bool, width: int | None) -> str:
    """Return a derivation in a format; without ``explain`` a page hides the rules."""
    if form == "text":
        return derivatives.text(width=width or 100, explain=explain)
    shown = getattr(derivatives, form)
    return str(shown() if form == "html" else shown(explain=explain)).rstrip("\n")


def show(derivatives: Derivatives, form: str, explain: bool) -> None:
    """Print a derivation: coloured and folded on a terminal, plain in a pipe."""
    if form != "text" or not sys.stdout.isatty():
        columns = os.environ.get("COLUMNS", "")
        width = int(columns) if columns.isdigit() and int(columns) else None
        print(rendered(derivatives, form, explain, width))
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    width = shutil.get_terminal_size().columns
    console = Console(highlight=False)
    for line in lines(derivatives.presentation(), width, explain):
        text = Text.assemble(*((span.text, STYLES.get(span.role, "")) for span in line))
        console.print(text, soft_wrap=True)
