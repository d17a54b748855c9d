"""``eingrad derive``: print a model's gradients step by step."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from eingrad.cli.app import app, note
from eingrad.errors import EingradError
from eingrad.notation.files import read_text

if TYPE_CHECKING:
    from eingrad.api.models.model import Model


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
