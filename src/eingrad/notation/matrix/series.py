"""``exp(A)`` of a square matrix: entry by entry here, or its power series, which is not known."""

from __future__ import annotations

from collections.abc import Iterator

from eingrad.errors import NotationError
from eingrad.notation.matrix.infer import WHOLE, Inference
from eingrad.notation.matrix.kinds import M
from eingrad.notation.matrix.letters import equal
from eingrad.notation.matrix.shapes import Shapes
from eingrad.notation.matrix.typed import Typed
from eingrad.notation.syntax import Call
from eingrad.notation.text import to_text

SERIES = frozenset({"exp", "log", "sin", "cos", "sinh", "cosh", "sqrt"})


def may_be_series(inference: Inference, shapes: Shapes) -> Iterator[Typed]:
    """Yield the parts that may be functions of a whole matrix, not of its entries."""
    for node in inference.nodes:
        written = node.written
        if node.op == "map" and isinstance(written, Call) and written.function in SERIES:
            rows, cols = shapes.of(node)
            if rows is not None and cols is not None and equal(rows, cols):
                yield node


def check_series(inference: Inference, shapes: Shapes) -> None:
    """Raise for ``tr(exp(A))`` and ``det(exp(A))``: in these a function of the matrix is meant."""
    for node in may_be_series(inference, shapes):
        outer: Typed | None = node
        while outer is not None and outer.op not in WHOLE:
            outer = inference.around.get(id(outer))
        if outer is not None and shapes.kind(outer.parts[0]) == M:
            text = to_text(node.written)
            raise NotationError(
                f"whether {text} is a function of the matrix or goes entry by entry is open",
                code="open-shape",
                position=node.written.position,
                hint=f"functions of a matrix are not known; {text} is taken entry by entry"
                " outside of tr, det and inverses",
            )
