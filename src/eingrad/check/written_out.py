r"""Claims with gradients and Hessians written out, ``\nabla f = \begin{bmatrix} 2x \\ 4y
\end{bmatrix}``: one claim for each entry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from eingrad.calculus.reverse import needed_by
from eingrad.errors import NotationError
from eingrad.notation.lexeme import GREEK_LETTERS
from eingrad.notation.system import System
from eingrad.notation.tex.entries_in_arrays import ArraySide, Entries, has_array, written_sides

ORDERS = ("x", "xy", "xyz", "uv", "uvw")  # of variables that nobody lists
ARGS = r"\s*(?:\((?P<args>[^()]*)\))?"
GRADIENT = re.compile(
    rf"(?:\\nabla|(?:\\operatorname|\\mathrm|\\text)\{{grad\}})\s*(?P<f>\w){ARGS}"
)
HESSIAN = re.compile(rf"(?:\\nabla|D)\s*\^\s*\{{?2\}}?\s*(?P<f>\w){ARGS}")
OF_HESSIAN = re.compile(
    rf"(?:H|\\mathbf\s*\{{?H\}}?|\\mathcal\s*\{{?H\}}?|\\operatorname\{{Hess\}})"
    rf"(?:_\{{?(?P<f>\w)\}}?)?{ARGS}"
)
AS_IN = r"write \frac{\partial f}{\partial x} = ... for each entry"


def entry_claims(text: str, system: System) -> list[str] | None:
    """Return the claims about the entries of a claim, None where none is written out.

    Raises NotationError where entries stand beside what has none.
    """
    if not has_array(text):
        return None
    sides = written_sides(text)
    arrays = [x for x in sides if x.entries is not None]
    if not arrays or len(sides) < 2:
        return None
    first = sides[0]
    if first.entries is None:
        known = _entries_of(first.text, system)
        if known is None and len(arrays) < 2:
            reason = f"entries beside {first.text}, which is no \\nabla f and no Hessian of one"
            raise NotationError(reason, hint=AS_IN)
        sides = [ArraySide(first.text, known), *sides[1:]] if known else sides[1:]
    if any(x.entries is None for x in sides):
        raise NotationError("an array of entries beside a formula", hint=AS_IN)
    return [x for right in sides[1:] for x in _paired(sides[0], right)]


def _paired(left: ArraySide, right: ArraySide) -> Iterator[str]:
    """Yield an equation for each pair of entries."""
    ours, others = left.entries, right.entries
    assert ours is not None
    assert others is not None
    if left.line and right.line:  # a gradient may be written as a row or as a column
        ours, others = (left.line,), (right.line,)
    if [len(x) for x in ours] != [len(x) for x in others]:
        shapes = (f"{len(x)} by {len(x[0])}" for x in (ours, others))
        raise NotationError(f"arrays of {' and '.join(shapes)} entries", hint=AS_IN)
    for row, other in zip(ours, others, strict=True):
        for a, b in zip(row, other, strict=True):
            yield f"{a} = {b}"


def _entries_of(left: str, system: System) -> Entries | None:
    """Return the derivatives that the entries of a gradient or of a Hessian are."""
    if (found := GRADIENT.fullmatch(left)) is not None:
        wrt = _variables(found["f"], found["args"], system)
        return (tuple(rf"\frac{{\partial {found['f']}}}{{\partial {x}}}" for x in wrt),)
    found = HESSIAN.fullmatch(left) or OF_HESSIAN.fullmatch(left)
    if found is None or "H" in system.labels:
        return None
    scalars = [n for n, d in system.definitions.items() if not d.expr.ndim]
    name, args = found["f"] or "", found["args"]
    if not name and args in scalars:  # H(f)
        name, args = args, None
    if not name and len(scalars) == 1:
        name = scalars[0]
    if not name:
        return None
    wrt = _variables(name, args, system)
    return tuple(tuple(_second(name, a, b) for b in wrt) for a in wrt)


def _second(name: str, first: str, second: str) -> str:
    below = rf"{first}^2" if first == second else rf"{first} \partial {second}"
    return rf"\frac{{\partial^2 {name}}}{{\partial {below}}}"


def _variables(name: str, written: str | None, system: System) -> list[str]:
    """Return by what a gradient is, in order, as LaTeX writes it."""
    own = system.definitions.get(name)
    if own is None:
        raise NotationError(f"the model has no tensor {name!r}", hint=AS_IN)
    told = system.applied.get(name)
    listed = [x.name for x in told.arguments] if told is not None else []
    scalars = [x for x in listed if x in system.inputs and not system.inputs[x].dims]
    if listed and scalars != listed:
        scalars = []
    names = scalars or _in_order(name, system)
    spelled = [_spelled(x) for x in names]
    if written is not None and len(names) > 1 and "," in written:
        given = [re.sub(r"[{}\s]", "", x) for x in written.split(",")]
        if given != [re.sub(r"[{}\s]", "", x) for x in spelled]:
            hint = "a formula holds for all values; write the letters of the definition"
            raise NotationError(f"{name} of ({written})", hint=hint)
    return spelled


def _in_order(name: str, system: System) -> Sequence[str]:
    """Return the inputs of a formula if their order is plain: x, y, z or x1, x2."""
    below = needed_by([name], {n: d.expr for n, d in system.definitions.items()})
    found = sorted(below & system.inputs.keys(), key=lambda x: (len(x), x))
    letters = "".join(found)
    bases = {x.rstrip("0123456789") for x in found}
    counted = [x[len(x.rstrip("0123456789")) :] for x in found]
    numbered = len(bases) == 1 and counted == [str(k + 1) for k in range(len(found))]
    if any(system.inputs[x].dims for x in found) or not (letters in ORDERS or numbered):
        hint = f"list them where {name} is defined, {name}(x, y) = ..., or {AS_IN}"
        raise NotationError(f"by what, and in which order, the gradient of {name} is", hint=hint)
    return found


def _spelled(name: str) -> str:
    """Return how LaTeX writes a name: x1 is x_{1}."""
    base = name.rstrip("0123456789")
    number = name[len(base) :]
    spelled = f"\\{base}" if base in GREEK_LETTERS else base
    if len(base) > 1 and base not in GREEK_LETTERS:
        raise NotationError(f"a gradient by {name}, in entries", hint=AS_IN)
    return spelled + (f"_{{{number}}}" if number else "")
