"""Write docs/gallery.md by deriving every model of the gallery: python docs/make_gallery.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gallery_models import GALLERY, SECTIONS, Entry

import eingrad as eg
from eingrad.api.models.model_derivatives import Derivatives
from eingrad.core.expr import Expr
from eingrad.derivation.numpy_line import NoNumpyLineError, numpy_line
from eingrad.derivation.presentation import extents_of

PAGE = Path(__file__).with_name("gallery.md")
HEAD = """# Gallery

{results} derivatives of {models} models. Each is derived and printed by eingrad: this page is
written by `python docs/make_gallery.py`, and a test compares every result with JAX's.

The *index form* is what `print(derivatives[name])` shows. The *matrix form* is
`derivatives.matrix_form(name)`, a dash where there is none: vectors are columns, `1` is the column
of ones, `⊙` and `⊘` work entry by entry, a bare number in a sum is added to every entry, and
`1[x > 0]` is 1 where the comparison holds. `diag` makes a diagonal matrix of a vector and a vector
of a diagonal. A result with more than two axes is written with `vec`, which stacks columns: `⊗`
is the Kronecker product and `K` the commutation matrix. The *NumPy* line computes the same
(`expit`, `softmax`, `logsumexp` and `erf` are SciPy's); what eingrad runs is the source that
`derivatives.compile()` makes. What is read at offsets has no line.
"""


def derive(entry: Entry) -> Derivatives:
    """Derive what an entry asks for."""
    method = getattr(eg.parse(entry.model), entry.kind)
    found: Derivatives = method(entry.of, entry.wrt.split())
    return found


def section(entry: Entry) -> Iterator[str]:
    """Write one entry."""
    yield f"### {entry.title}\n"
    yield f"```\n{entry.model}\n```\n"
    derivatives = derive(entry)
    for name, gradient in derivatives.items():
        matrix = derivatives.matrix_form(name)
        yield f"`{gradient}`\n"
        if matrix is None:
            yield "- matrix form: -"
        else:
            yield f"- matrix form: `{matrix}`, ${derivatives.matrix_latex(name)}$"
        line = one_line(gradient.expr, derivatives)
        yield f"- NumPy: {'-' if line is None else f'`{line}`'}\n"


def one_line(expr: Expr, derivatives: Derivatives) -> str | None:
    """Return the line of NumPy for a result; what is read at offsets has none."""
    try:
        return numpy_line(expr, extents_of(derivatives.system))
    except NoNumpyLineError:
        return None


def page() -> str:
    """Return the whole page."""
    results = sum(len(derive(entry)) for entry in GALLERY)
    lines = [HEAD.format(results=results, models=len({entry.model for entry in GALLERY}))]
    for title, entries in SECTIONS.items():
        lines.append(f"## {title}\n")
        for entry in entries:
            lines += section(entry)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
