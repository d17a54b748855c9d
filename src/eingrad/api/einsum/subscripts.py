"""Subscripts of an einsum: text or lists -> `EinsumSpec` -> (with shapes) `LabelledProduct`.

* `parse_equation(text)` and `interleaved(arguments)` read NumPy's two forms.
* `fit(equation, shapes)` gives every axis a label and every label a size.
* `LabelledProduct.of(operands)` is the `Expr` of the product, over any expressions.
"""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eingrad.core.algebra import einsum
from eingrad.core.expr import Expr, Labels
from eingrad.errors import NotationError, Position, ShapeError

ELLIPSIS = "..."
MAX_LENGTH = 50_000  # characters of an equation
MAX_AXES = 64 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 32  # of an array
SHOWN = 120  # characters of a line that a message shows

Subscripts = tuple[str, ...]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EinsumSpec:
    """Subscripts as they were written: the labels of each operand's axes and of the output's.

    ``"..."`` stands for any number of axes. An output that was left out is filled in: the axes of
    the ellipses, then the labels that occur once, sorted by code point (so ``A`` before ``a``
    before ``α``) or, in the form with lists, by number.
    """

    text: str
    inputs: tuple[Subscripts, ...]
    output: Subscripts

    def __str__(self) -> str:
        text = self.text or "''"
        return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


@dataclass(frozen=True, slots=True)
class LabelledProduct:
    """An equation that was fitted to shapes; labels are numbers.

    An axis of size 1 that broadcasts has a label of its own, so it is summed, and its gradient
    needs no rule of its own. ``names[label]`` is the letter that the label had.
    """

    equation: EinsumSpec
    inputs: tuple[Labels, ...]
    output: Labels
    sizes: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def shape(self) -> Shape:
        """The shape of the result."""
        return tuple(self.sizes[k] for k in self.output)

    @property
    def sums(self) -> bool:
        """Whether the equation, whatever the sizes, sums over a label."""
        kept = {self.names[k] for k in self.output}
        return any(self.names[k] not in kept for labels in self.inputs for k in labels)

    def of(self, operands: Sequence[Expr]) -> Expr:
        """Return the product of expressions, the axes of which have the sizes fitted.

        >>> from eingrad.core.expr import Var
        >>> product = fit(parse_equation("ij,jk"), [(2, 3), (3, 4)])
        >>> product.of([Var("A", (2, 3)), Var("B", (3, 4))]).dims
        (2, 4)
        """
        pairs = list(zip(operands, self.inputs, strict=True))
        return einsum(pairs, self.output, dict(enumerate(self.sizes)))


# --- text -> EinsumSpec -----------------------------------------------------------------------


@functools.lru_cache(1024)
def parse_equation(text: str) -> EinsumSpec:
    """Read an equation as NumPy writes it; any alphabetic character is a label.

    >>> parse_equation("b...i, i j")
    EinsumSpec(text='b...i, i j', inputs=(('b', '...', 'i'), ('i', 'j')), output=('...', 'b', 'j'))

    Raises NotationError, with the position, where it is malformed.
    """
    if len(text) > MAX_LENGTH:
        raise NotationError(
            f"the equation has {len(text):,} characters, more than {MAX_LENGTH:,}",
            hint="pass lists of numbers: einsum(A, [0, 1], B, [1, 2], [0, 2])",
        )
    inputs, output = _terms(text)
    if output is None:
        return EinsumSpec(text, inputs, _implicit(inputs))
    known = {label for term in inputs for label in term}
    for label in output:
        if label not in known and label != ELLIPSIS:
            raise NotationError(
                f"the output label {label} is in no operand",
                label=label,
                position=_position(text, text.index(label, text.index("->"))),
                hint=f"the operands have {', '.join(sorted(known)) or 'no labels'}",
            )
    return EinsumSpec(text, inputs, output)


def _terms(text: str) -> tuple[tuple[Subscripts, ...], Subscripts | None]:
    """Split an equation into the labels of each operand and, if there is an arrow, the output."""
    terms: list[list[str]] = [[]]
    arrow = False
    place = 0
    while place < len(text):
        c = text[place]
        width = 1
        if _is_label(c):
            terms[-1].append(c)
        elif text.startswith(ELLIPSIS, place):
            width = 3
            if ELLIPSIS in terms[-1]:
                raise _mistake(text, place, "a second ellipsis in one term", width)
            terms[-1].append(ELLIPSIS)
        elif text.startswith("->", place):
            width = 2
            if arrow:
                raise _mistake(text, place, "a second arrow", width)
            arrow = True
            terms.append([])
        elif c == "," and not arrow:
            terms.append([])
        elif not c.isspace():
            raise _mistake(text, place, _reason(c))
        place += width
    output = tuple(terms.pop()) if arrow else None
    return tuple(map(tuple, terms)), output


def _is_label(c: str) -> bool:
    """Whether a character is alphabetic, or a symbol that `opt_einsum.get_symbol` numbers by."""
    return c.isalpha() or ("\u00c0" <= c < "\u2000" and not c.isspace())


def _reason(c: str) -> str:
    if c == ".":
        return "a dot that is not part of an ellipsis '...'"
    if c == ",":
        return "a comma in the output"
    if c in "->":
        return f"{c!r} is not part of an arrow '->'"
    return f"the character {c!r} is not a label"


def _mistake(text: str, place: int, reason: str, width: int = 1) -> NotationError:
    hints = {"a second arrow": "an equation has one output", "a comma in the output": "an equation "
             "has one output"}  # fmt: skip
    return NotationError(
        reason,
        position=_position(text, place, width),
        hint=hints.get(reason, "labels are letters; write 'ij,jk->ik' or 'b...,...c'"),
    )


def _position(text: str, place: int, width: int = 1) -> Position:
    """Return a place; of a long line the message shows what is around it."""
    before = text[:place]
    number = before.count("\n") + 1
    start = before.rfind("\n") + 1
    end = text.find("\n", place)
    line = text[start : len(text) if end < 0 else end]
    column = place - start
    if len(line) > SHOWN:
        cut = max(0, column - SHOWN // 2)
        line, column = line[cut : cut + SHOWN], column - cut
    return Position(number, column + 1, line, width)


def _implicit(inputs: Sequence[Subscripts]) -> Subscripts:
    count = Counter(label for term in inputs for label in term)
    lead = (ELLIPSIS,) if count.pop(ELLIPSIS, 0) else ()
    return (*lead, *sorted(label for label, n in count.items() if n == 1))


# --- lists -> EinsumSpec ----------------------------------------------------------------------


def interleaved(arguments: Sequence[Any]) -> tuple[EinsumSpec, tuple[Any, ...]]:
    """Read ``A, [0, 1], B, [1, 2], [0, 2]``; the output list may be left out.

    >>> interleaved(["A", [0, ...], "B", [0, 1], [..., 1]])[0].inputs
    (('0', '...'), ('0', '1'))
    """
    operands = tuple(arguments[: len(arguments) // 2 * 2 : 2])
    if not operands:
        raise NotationError(
            "there is no equation",
            hint="write einsum('ij,jk->ik', A, B) or einsum(A, [0, 1], B, [1, 2], [0, 2])",
        )
    terms = [_numbers(arguments[2 * k + 1], k) for k in range(len(operands))]
    inputs = tuple(tuple(map(str, term)) for term in terms)
    text = ", ".join(map(_list_text, inputs))
    if len(arguments) % 2 == 0:
        count = Counter(label for term in terms for label in term)
        lead = (ELLIPSIS,) if count.pop(ELLIPSIS, 0) else ()
        once = sorted(int(label) for label, n in count.items() if n == 1)
        return EinsumSpec(text, inputs, (*lead, *map(str, once))), operands
    output = tuple(map(str, _numbers(arguments[-1], None)))
    text += f" -> {_list_text(output)}"
    known = {label for term in inputs for label in term}
    for label in output:
        if label not in known and label != ELLIPSIS:
            raise NotationError(f"{text}: the output label {label} is in no operand", label=label)
    return EinsumSpec(text, inputs, output), operands


def _numbers(labels: Any, operand: int | None) -> list[int | str]:
    """Return the labels of a list: integers from 0, and "..." for Ellipsis."""
    where = "the output" if operand is None else f"operand {operand}"
    result: list[int | str] = []
    try:
        for label in labels:
            result.append(ELLIPSIS if label is Ellipsis else operator.index(label))
    except TypeError:
        raise NotationError(
            f"the labels of {where} are {labels!r:.60}, not a list of integers",
            operand=operand,
            hint="write einsum('ij,jk->ik', A, B) or einsum(A, [0, 1], B, [1, 2], [0, 2])",
        ) from None
    if any(isinstance(x, int) and x < 0 for x in result):
        raise NotationError(f"{where} has a negative label: {labels!r:.60}", operand=operand)
    if result.count(ELLIPSIS) > 1:
        raise NotationError(f"{where} has a second Ellipsis: {labels!r:.60}", operand=operand)
    return result


def _list_text(labels: Subscripts) -> str:
    return f"[{', '.join(labels)}]"


# --- EinsumSpec -> LabelledProduct ------------------------------------------------------------


def fit(equation: EinsumSpec, shapes: Sequence[Shape]) -> LabelledProduct:
    """Give every label of an equation its size.

    Ellipses are aligned at their last axes; an axis of size 1 fits any size.

    >>> fit(parse_equation("...i->..."), [(2, 5, 3)]).shape
    (2, 5)

    Raises ShapeError where number, ranks or sizes of the operands do not fit.
    """
    if len(shapes) != len(equation.inputs):
        wanted = len(equation.inputs)
        raise ShapeError(
            f"{equation}: the equation has {_count(wanted, 'operand')}, "
            f"{len(shapes)} {'was' if len(shapes) == 1 else 'were'} given",
            hint="operands are separated by commas" if wanted < len(shapes) else None,
        )
    terms = [_expand(equation, k, shape) for k, shape in enumerate(shapes)]
    sizes, origin = _sizes(equation, terms, shapes)
    number = {label: k for k, label in enumerate(sizes)}
    extents, names = list(sizes.values()), list(sizes)
    inputs: list[Labels] = []
    for term, shape in zip(terms, shapes, strict=True):
        own: list[int] = []
        for label, n in zip(term, shape, strict=True):
            if n == sizes[label]:
                own.append(number[label])
                continue
            own.append(len(extents))  # broadcasts: a label of its own, summed
            extents.append(1)
            names.append(label)
        inputs.append(tuple(own))
    rank = max((len(t) for t in origin), default=0)
    output = tuple(number[k] for k in _expanded(equation.output, rank))
    return LabelledProduct(equation, tuple(inputs), output, tuple(extents), tuple(names))


def fit_arrays(equation: EinsumSpec, shapes: Sequence[Shape]) -> LabelledProduct:
    """`fit` for a result that is to be an array: raises if it has more axes than one can have."""
    product = fit(equation, shapes)
    count = len(product.output)
    if count > MAX_AXES:
        raise ShapeError(
            f"{equation}: the result has {count} axes, and an array has at most {MAX_AXES}",
            hint="leave labels out of the output, or reshape operands so that labels share an axis",
        )
    return product


def _expand(equation: EinsumSpec, k: int, shape: Shape) -> Subscripts:
    """Name every axis of an operand; axes of an ellipsis count from the last: ``...1`` is it."""
    term = equation.inputs[k]
    rest = len(shape) - len(term) + (ELLIPSIS in term)
    if rest < 0 or (rest and ELLIPSIS not in term):
        wanted = len(term) - (ELLIPSIS in term)
        least = "at least " if ELLIPSIS in term else ""
        raise ShapeError(
            f"{equation}: operand {k} has {least}{_count(wanted, 'label')} "
            f"({_label_text(term)}), but its shape {shape} has {_count(len(shape), 'axis')}",
            operand=k,
            hint=f"write '...' for the {_count(rest, 'axis')} without a label"
            if rest > 0
            else None,
        )
    return _expanded(term, rest)


def _expanded(term: Subscripts, rank: int) -> Subscripts:
    if ELLIPSIS not in term:
        return term
    k = term.index(ELLIPSIS)
    return (*term[:k], *(f"...{n}" for n in range(rank, 0, -1)), *term[k + 1 :])


def _sizes(
    equation: EinsumSpec, terms: Sequence[Subscripts], shapes: Sequence[Shape]
) -> tuple[dict[str, int], list[tuple[str, ...]]]:
    """Return the size of each label, and the axes of each operand's ellipsis."""
    sizes: dict[str, int] = {}
    origin: dict[str, tuple[int, int]] = {}
    ellipses = []
    for k, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        ellipses.append(tuple(label for label in term if label.startswith(ELLIPSIS)))
        own: dict[str, int] = {}
        for axis, (label, n) in enumerate(zip(term, shape, strict=True)):
            if own.setdefault(label, n) != n:
                raise _repeated(equation, label, k, shape, own[label], n)
            known = sizes.get(label, 1)
            if known == 1 or label not in sizes:
                sizes[label], origin[label] = n, (k, axis)
            elif n not in (1, known):
                raise _mismatch(equation, label, origin[label], (k, axis), shapes)
    return sizes, ellipses


def _repeated(
    equation: EinsumSpec, label: str, k: int, shape: Shape, first: int, second: int
) -> ShapeError:
    return ShapeError(
        f"{equation}: label {label} has sizes {first} and {second} in operand {k}, shape {shape}",
        label=label,
        operand=k,
        hint=f"axes of one operand that share {label} must have one size",
    )


def _mismatch(
    equation: EinsumSpec,
    label: str,
    first: tuple[int, int],
    second: tuple[int, int],
    shapes: Sequence[Shape],
) -> ShapeError:
    (j, p), (k, q) = first, second
    name = label if not label.startswith(ELLIPSIS) else "'...'"
    return ShapeError(
        f"{equation}: label {name} has size {shapes[j][p]} in operand {j}, shape {shapes[j]}, "
        f"and size {shapes[k][q]} in operand {k}, shape {shapes[k]}",
        label=label.rstrip("0123456789") if label.startswith(ELLIPSIS) else label,
        operand=k,
        hint="sizes must be equal, or one of them 1",
    )


def _count(n: int, noun: str) -> str:
    plural = "axes" if noun == "axis" else noun + "s"
    return f"{n} {noun if n == 1 else plural}"


def _label_text(term: Subscripts) -> str:
    single = all(len(label) == 1 or label == ELLIPSIS for label in term)
    return ("" if single else ", ").join(term) or "none"
