"""What is said about formulas that can be read but have no meaning, all in one place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from eingrad.core.expr import Dim
from eingrad.core.functions import declared_base
from eingrad.errors import NotationError, Position
from eingrad.notation import recipes, tries
from eingrad.notation.lexeme import (
    is_function,
    keeps_labels,
    known_functions,
    over_axes,
    over_matrices,
)
from eingrad.notation.summation import Summation, children, walk
from eingrad.notation.syntax import (
    Assignment,
    Call,
    Derivative,
    Formula,
    Ordinal,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.text import call_head, label_text, symbol_text, to_text

NOT_KEPT = "and does not stand on the left side"  # where a label ought to be summed, but is not
SOME = ("sum", "mean", "max", "min", "prod", "logsumexp", "norm", "softmax")  # take conditions
_SCALAR = re.compile(r"\s*([^\W\d_]\w*)\s*=")  # what a line defines, where it has no labels
SHORT = 40  # a hint repeats a formula only up to this many characters


def count(number: int, noun: str) -> str:
    """Return ``1 label``, ``2 labels``."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _line(symbol: Symbol) -> str:
    return f" in line {symbol.position.line}" if symbol.position else ""


# --- labels -----------------------------------------------------------------------------------


def not_summed(label: str, where: Formula, whole: Formula, kept: Sequence[str]) -> NotationError:
    """A label that nothing sums, in a statement's right side, which keeps the labels ``kept``."""
    shown = label_text(label)
    places: dict[str, list[int]] = {}
    for name, part in Summation().dangling(whole, kept):
        places.setdefault(name, []).append(id(part))
    own = places.get(label, [id(where)])
    term = _smallest_term(whole, own)
    inner = {id(part) for part in walk(term)}
    axes = tuple(name for name, found in places.items() if inner.issuperset(found))
    inside = to_text(term)
    inside = inside if len(inside) <= SHORT else "..."
    side = f"among {', '.join(map(label_text, kept))} on the left" if kept else "on the left"
    scalar = _SCALAR.match(where.position.line_text) if where.position and not kept else None
    side += f", {symbol_text(scalar[1], (label,))} = ..." if scalar else ""
    occurs = "occurs once" if len(own) == 1 else "is summed by no product"
    return NotationError(
        f"the label {shown} {occurs} {NOT_KEPT}",
        code="not-summed",
        label=label,
        operand=where.name if isinstance(where, Symbol) else None,
        position=where.position,
        hint=f"to sum over it, write {call_head('sum', axes or (label,))}({inside}); "
        f"to keep it, write it {side}",
    )


def _smallest_term(whole: Formula, places: Sequence[int]) -> Formula:
    """Return the smallest term of a formula in which parts stand, which ids name."""
    term = here = whole
    while True:
        inner = (x for x in children(here) if {id(y) for y in walk(x)}.issuperset(places))
        found = next(inner, None)
        if found is None:
            return term
        term = found if isinstance(here, Sum) else term
        here = found


def wrong_rank(symbol: Symbol, first: Symbol) -> NotationError:
    """A tensor with another number of labels than before."""
    before = "" if "" in first.labels else f": {symbol_text(first.name, first.labels)}"
    return NotationError(
        f"{symbol.name} has {count(len(symbol.labels), 'label')} here, "
        f"but {count(len(first.labels), 'label')}{_line(first)}{before}",
        code="wrong-rank",
        operand=symbol.name,
        position=symbol.position,
        hint=f"write {symbol.name} with {count(len(first.labels), 'label')}, "
        "or give one of the two another name",
    )


def repeated_on_left(label: str, target: Symbol | Derivative) -> NotationError:
    """The same label twice on the left side."""
    fresh = next(c for c in "ijklmnopqrstuvwxyzabcdefgh" if c != label)
    return NotationError(
        f"the label {label_text(label)} stands twice on the left side",
        code="repeated-on-left",
        label=label,
        operand=target.name if isinstance(target, Symbol) else None,
        position=target.position,
        hint=f"for a diagonal tensor, use another letter and "
        f"delta_{label_text(label)}{fresh}" if len(label_text(label)) == 1
        else f"for a diagonal tensor, use another label and delta[{label},other]",
    )  # fmt: skip


def delta_labels(symbol: Symbol) -> NotationError:
    """Kronecker's delta with other than two labels."""
    return NotationError(
        f"delta is Kronecker's and has two labels, not {len(symbol.labels)}",
        code="delta-labels",
        operand="delta",
        position=symbol.position,
        hint="write delta_ij; call a tensor of your own something else, for instance Delta",
    )


def no_offset(tensor: TensorAt) -> NotationError:
    """An offset where none can stand."""
    return NotationError(
        f"{to_text(tensor)}: delta is no tensor with entries",
        operand=tensor.name,
        position=tensor.position,
        hint="give what is read at an integer tensor a statement of its own"
        if tensor.name != "delta"
        else "write where(m == i + k, 1, 0)",
    )


def open_range(tensor: Formula, labels: Sequence[str], why: str, ways: str) -> NotationError:
    """Nothing says how far a label goes that stands in offsets alone."""
    names = " and ".join(map(label_text, labels))
    return NotationError(
        f"{to_text(tensor)}: {why.format(names)}",
        code="open-range",
        label=labels[0],
        position=getattr(tensor, "position", None),
        hint=ways,
    )


def two_ranges(tensor: Formula, label: str) -> NotationError:
    """``d_i = x[i+1]`` beside ``d_i - x_i``: i of the one goes less far than i of the other."""
    name = label_text(label)
    return NotationError(
        f"{to_text(tensor)}: {name} goes as far as this has entries, and further where tensors are "
        "read at it elsewhere",
        code="open-range",
        label=label,
        position=getattr(tensor, "position", None),
        hint=f"for 0 in the place of what lies outside, give {name} another letter in this "
        f"statement, j, and say: assume size(j) = size({name}); or write both in one statement",
    )


def delta_as_index(index: Symbol | TensorAt) -> NotationError:
    """``Z[b,delta_bo]``."""
    return NotationError(
        "delta is Kronecker's delta and not an integer tensor to read at",
        code="delta-as-index",
        operand="delta",
        position=index.position,
        hint="write an integer tensor with its labels, as in Z[b,y[b]]",
    )


def assigned_delta(symbol: Symbol) -> NotationError:
    """A statement that defines delta."""
    return NotationError(
        "delta is Kronecker's delta and cannot be assigned",
        code="assigned-delta",
        operand="delta",
        position=symbol.position,
        hint="give this tensor another name, for instance Delta or d",
    )


def two_extents(label: str, first: Dim, second: Dim, symbol: Symbol) -> NotationError:
    """A label of a claim that would stand for two dimensions of the model."""
    return NotationError(
        f"the label {label_text(label)} would stand for two dimensions of the model, "
        f"{first} and {second}",
        code="two-extents",
        label=label,
        operand=symbol.name,
        position=symbol.position,
        hint=f"look at the order of the labels of {symbol.name}",
    )


def no_dimension(label: str, position: Position | None) -> NotationError:
    """``delta_kk`` in a claim, with a k that is an axis of no tensor."""
    shown = label_text(label)
    return NotationError(
        f"the label {shown} is an axis of no tensor: nothing says how long it is",
        code="no-dimension",
        label=label,
        position=position,
        hint=f"write {shown} on a tensor, too, or leave it out",
    )


def no_size(label: str, dims: Sequence[Dim], position: Position | None) -> NotationError:
    """``size(b)`` of a label that stands for no dimension, or for several."""
    shown = label_text(label)
    reason = f"the label {shown} stands for several dimensions" if dims else f"no label {shown}"
    return NotationError(
        f"size({shown}): {reason}",
        code="no-size",
        label=label,
        position=position,
        hint=f"use different letters for them, or name a tensor: size_{shown}(x_{shown})"
        if dims
        else "use a letter that a tensor has",
    )


def size_takes_one_label(position: Position | None) -> NotationError:
    """``size(2)``, ``size_i(X_bj)``."""
    return NotationError(
        "size takes one label, or one label of a tensor",
        code="size-takes-one-label",
        operand="size",
        position=position,
        hint="write size(b) for the extent of the label b, or size_b(X_bi)",
    )


def place_takes_one_label(position: Position | None) -> NotationError:
    """``place(2)``, ``place(x_i)``."""
    return NotationError(
        "place takes one label",
        code="place-takes-one-label",
        operand="place",
        position=position,
        hint="write place(t) for where the label t stands on its axis, counted from 0",
    )


def no_bound(found: str, position: Position | None) -> NotationError:
    """``assume x_i y_i > 0``, ``assume d != 0``."""
    return NotationError(
        f"{found} states no bound: a bound is one tensor, a sign and a number",
        position=position,
        hint="write for instance: assume x_i >= 0; a fact has =, and signs are < <= > >=",
    )


# --- names ------------------------------------------------------------------------------------


def transposed(base: Formula, exponent: Symbol) -> NotationError:
    """``A^T_ij``, ``x_i^T``: a power by an input that is called T."""
    name = base.name if isinstance(base, Symbol) else None
    if isinstance(base, Symbol) and len(labels := base.labels or exponent.labels) > 1:
        hint = f"a transpose exchanges labels: write {symbol_text(base.name, labels[::-1])}"
    elif isinstance(base, Symbol) and labels:
        hint = (
            f"a vector has no transpose in index notation: write {symbol_text(base.name, labels)}"
        )
    else:
        hint = "a transpose exchanges labels: write x_i A_ij x_j, and A_ji for that of A_ij"
    return NotationError(
        f"{to_text(base)}^{symbol_text('T', exponent.labels)} would be a power, by an input T",
        code="transposed",
        operand=name,
        position=exponent.position,
        hint=f"{hint}; for a power, call the exponent something else",
    )


def power_of_e(base: Symbol, exponent: Formula) -> NotationError:
    """``e^x``, with an e that nothing assigns."""
    inside = to_text(exponent)
    inside = inside if len(inside) <= SHORT else "..."
    return NotationError(
        f"e would be an input here, and e^{inside} its power",
        code="power-of-e",
        operand="e",
        position=base.position,
        hint=f"write exp({inside}); for a power of an input, call it something else",
    )


def zeroth_power(base: Symbol) -> NotationError:
    """``(x - x^0)^2``: a name above which a 0 stands."""
    name = to_text(base)
    return NotationError(
        f"{name}^0 would be 1, and nobody writes a name to the power 0",
        code="power-of-zero",
        operand=base.name,
        position=base.position,
        hint=f"write 1; for a first or a standard value a name of its own, {base.name}_0",
    )


def word_of_programs(symbol: Symbol) -> NotationError:
    """``if x > 0 then ...``, ``x_i and y_i``: names that nobody gives an input."""
    number = symbol.name in {"inf", "nan", "infinity"}
    said = tries.said(symbol.position) or "write a condition as where(x_i > 0, a, b)"
    return NotationError(
        f"{symbol.name} is a word of programs and would be an input here",
        code="word-of-programs",
        operand=symbol.name,
        position=symbol.position,
        hint="write a large number, as in -1e9" if number else said,
    )


def differential(symbol: Symbol) -> NotationError:
    """``d/dx (x^2)``: a quotient of inputs d and dx."""
    return NotationError(
        "d would be an input here, and not the sign of a derivative",
        code="differential",
        operand="d",
        position=symbol.position,
        hint='give what is differentiated a name, y = x^2, and ask for Model.grad("y", "x")',
    )


def no_sum_sign(word: str, position: Position) -> NotationError:
    """``Σ_i x_i``: a tensor with the name Sigma, or a sum."""
    head = ("sum" if word[0] == "Σ" else "prod") + word[1:]
    return NotationError(
        f"{word} would be a tensor here, and not a sum sign",
        code="no-sum-sign",
        operand=word,
        position=position,
        hint=tries.said(position) or f"write {head}(...); a vector of this name needs another",
    )


def label_alone(symbol: Symbol) -> NotationError:
    """``y_i = i x_i``: a name that is a label of the same statement."""
    name = label_text(symbol.name)
    return NotationError(
        f"{name} is a label of this statement and cannot be a number in it",
        code="label-alone",
        label=symbol.name,
        operand=symbol.name,
        position=symbol.position,
        hint=tries.said(symbol.position)
        or f"where it stands, counted from 0, is place({name}), its extent size({name}); for a "
        "scalar, give it or the label another name",
    )


def function_without_arguments(symbol: Symbol) -> NotationError:
    """``log x`` where ``log(x)`` is meant."""
    written = symbol_text(symbol.name, symbol.labels)
    hint = f"write {written}(...), with no space before the parenthesis"
    return NotationError(
        f"{written} is a function without its argument",
        code="function-without-arguments",
        operand=symbol.name,
        position=symbol.position,
        hint=tries.said(symbol.position) or hint,
    )


def unknown_tensor(symbol: Symbol, known: Iterable[str]) -> NotationError:
    """A claim about a tensor that the model lacks."""
    near = get_close_matches(symbol.name, list(known), 1)
    return NotationError(
        f"the model has no tensor {symbol.name}",
        code="unknown-tensor",
        operand=symbol.name,
        position=symbol.position,
        hint=f"did you mean {near[0]}?" if near else f"it has {', '.join(list(known)[:12])}",
    )


def assigned_twice(second: Assignment, first: Assignment) -> NotationError:
    """Two statements for one name."""
    assert isinstance(first.target, Symbol)
    name = first.target.name
    return NotationError(
        f"{name} is assigned a second time; the first is{_line(first.target)}",
        code="assigned-twice",
        operand=name,
        position=second.position,
        hint="a statement defines its name once and for all: give the second another name",
    )


def cycle(names: Sequence[str], position: Position | None) -> NotationError:
    """Definitions that need each other; ``names`` begins and ends with the same."""
    if len(names) == 2:
        reason = f"{names[0]} is defined by itself"
    else:
        reason = f"these definitions go in a circle: {' -> '.join(names)}"
    return NotationError(
        reason,
        code="cycle",
        operand=names[0],
        position=position,
        hint="give the new value a name of its own",
    )


def derivative_in_model(derivative: Derivative | TensorAt) -> NotationError:
    """``dL/dW`` on the right side of a statement."""
    text = to_text(derivative)
    spaced = text.replace("/", " / ")
    return NotationError(
        f"{text} is a derivative, and a model does not speak of its derivatives",
        code="derivative-in-model",
        operand=text,
        position=derivative.position,
        hint=f"for a division, write it with spaces: {spaced}; "
        "derivatives come from Model.grad, claims about them go to Model.check",
    )


# --- functions --------------------------------------------------------------------------------


def unknown_function(
    call: Call, declared: Iterable[str], tensors: Mapping[str, Symbol]
) -> NotationError:
    """A call of something that is no function."""
    written = call_head(call.function, call.axes)
    known = [*known_functions(), *declared]
    meant = recipes.function_meant(call.function, known)
    near = (
        [meant]
        if meant
        else get_close_matches(written, known, 1) or get_close_matches(call.function, known, 1)
    )
    told = recipes.told(call) or tries.said(call.position)
    if told and call.function not in tensors:
        hint = told
    elif call.function in tensors or (call.axes and not near):
        hint = f"for a product, write a space before the parenthesis: {written} (...)"
    elif near:
        axes = call.axes if over_axes(near[0]) else ()
        hint = f"did you mean {call_head(near[0], axes)}(...)?"
    else:
        hint = (
            f"declare it with 'function {call.function}' on a line of its own; "
            f"for a product, write a space: {written} (...)"
        )
    return NotationError(
        f"{written} is not a function",
        operand=call.function,
        position=call.position,
        hint=hint,
        code="unknown-function",
    )


def length_or_entries(text: str, position: Position | None) -> NotationError:
    """``|x - y|`` of vectors that are not in bold type."""
    return NotationError(
        f"whether |{text}| is a length or goes entry by entry is open",
        position=position,
        hint=rf"write \|{text}\| for the length",
    )


def undeclared_prime(call: Call) -> NotationError:
    """``sigmoid''(a)``, or ``phi'(a)`` without a declaration."""
    name = declared_base(call.function)
    known = is_function(name)
    return NotationError(
        f"{call.function}: a prime belongs to a declared function",
        code="undeclared-prime",
        operand=call.function,
        position=call.position,
        hint=f"write out what is more than the first derivative, {name}'(a)" if known else
        f"declare it with 'function {name}' on a line of its own",
    )  # fmt: skip


def wrong_partial(call: Call, count: int) -> NotationError:
    """``f'(x, y)``, which does not say by what."""
    name = declared_base(call.function)
    hint = f"{name}'1(...) is the derivative by the first of them, {name}'{count}(...) by the last"
    many = f"{count} argument{'s' * (count > 1)}"
    return NotationError(
        f"{name} has {many}, and {call.function} is no derivative of it",
        code="undeclared-prime",
        operand=call.function,
        position=call.position,
        hint=hint if count > 1 else f"write {name}'(...)",
    )


def needless_axes(call: Call) -> NotationError:
    """``exp_i(x_i)``."""
    return NotationError(
        f"{call.function} is element-wise and goes over no axis",
        code="needless-axes",
        label=call.axes[0],
        operand=call.function,
        position=call.position,
        hint=f"write {call.function}(...)",
    )


def missing_axes(call: Call, free: Sequence[str]) -> NotationError:
    """``softmax(A_bo)``."""
    only = call.args[0] if len(call.args) == 1 else None
    bare = only.name if isinstance(only, Symbol) and not only.labels else ""
    axes = tuple(dict.fromkeys(free)) or ("i", "j")[: 2 if bare[:1].isupper() else 1]
    summed = axes[-1:] if keeps_labels(call.function) else axes
    head = call_head(call.function, summed)
    inside = symbol_text(bare, axes) if bare else "..."
    if over_matrices(call.function):
        row, column = free[-2:] if len(free) > 1 else ("i", "j")
        head = call_head(call.function, (row, column))
        inside = symbol_text(bare, (row, column)) if bare else "..."
        which = f"the rows {label_text(row)} and columns {label_text(column)}"
        hint = f"write {head}({inside}) for {which}"
    else:
        which = "the axis" if len(summed) == 1 else "the axes"
        hint = f"write {head}({inside}) for {which} {', '.join(map(label_text, summed))}"
    axis = "two axes" if over_matrices(call.function) else "an axis"
    return NotationError(
        f"{call.function} goes over {axis}, which must stand after its name",
        code="missing-axes",
        operand=call.function,
        position=call.position,
        hint=hint,
    )


def absent_axis(call: Call, axis: str, free: Sequence[str]) -> NotationError:
    """``sum_b(x_i)``."""
    head = call_head(call.function, call.axes)
    has = f"has {', '.join(map(label_text, free))}" if free else "has no label"
    size = f"; a sum of equal terms is a product with size({label_text(axis)})"
    return NotationError(
        f"the argument of {head} has no label {label_text(axis)}",
        code="absent-axis",
        label=axis,
        operand=call.function,
        position=call.position,
        hint=f"the argument {has}{size if call.function == 'sum' else ''}",
    )


def no_label_here(ordinal: Ordinal) -> NotationError:
    """``where(i < j, x_i y_i, 0)``: i is summed inside, and j is nothing."""
    name = label_text(ordinal.label)
    return NotationError(
        f"{name} is no label where it is compared: it is neither kept nor summed around it",
        code="no-label-here",
        label=ordinal.label,
        position=ordinal.position,
        hint=f"sum over it around the comparison, as in sum_{name}(...), or keep it on the left",
    )


def compared_with_nothing(symbol: Symbol) -> NotationError:
    r"""``\sum_{j < i} x_j``, where i is nothing."""
    name = label_text(symbol.name)
    return NotationError(
        f"{name} is no label here, and a label is compared with it",
        code="no-label-here",
        label=symbol.name,
        position=symbol.position,
        hint=f"keep {name} on the left, or sum over it, too; an extent is |i|",
    )


def chain_of_unequal(position: Position) -> NotationError:
    """``sum_{i != j != k}(...)``, of which i and k may be equal, or not."""
    return NotationError(
        "of a chain with != it is open whether its ends may be equal",
        code="below-a-function",
        position=position,
        hint="write the pairs that differ: sum_{i != j, j != k, i != k}(...)",
    )


def below_a_function(position: Position) -> NotationError:
    """``sum_{i = 1}(x_i)``."""
    return NotationError(
        "below a function stand labels and conditions on them",
        code="below-a-function",
        position=position,
        hint="write sum_i(...) over a whole axis, sum_{j != i}(...) or sum_{i > 0}(...) over some "
        "of its entries; positions count from 0",
    )


def label_or_tensor(ordinal: Ordinal) -> NotationError:
    """A letter in a comparison that is a label of the statement and a tensor of the text."""
    name = label_text(ordinal.label)
    return NotationError(
        f"{name} is a label of this statement, and a tensor elsewhere",
        code="label-or-tensor",
        label=ordinal.label,
        operand=ordinal.label,
        position=ordinal.position,
        hint="give the label or the tensor another name",
    )


def no_conditions(call: Call) -> NotationError:
    """``softmax_{k <= q}(S_qk)``, ``sum_{1 < 2}(x_i)``."""
    name = call.function
    if not call.axes:
        return NotationError(
            f"{name} with a condition, but no label of its own",
            code="absent-axis",
            operand=name,
            position=call.position,
            hint=f"name it, too, as in {name}_{{j, j < i}}(...); a label that is kept, or used "
            "outside, is not bound by a condition",
        )
    return NotationError(
        f"{name} over some of the entries only",
        code="no-conditions",
        operand=name,
        position=call.position,
        hint=f"{', '.join(SOME)} take conditions; else write a case distinction in the argument",
    )


def not_square(call: Call, first: Dim, second: Dim) -> NotationError:
    """``inv_bi(X_bi)`` in a claim about a model whose X is not square."""
    return NotationError(
        f"{call_head(call.function, call.axes)} is of a square matrix, "
        f"and its axes are the dimensions {first} and {second} of the model",
        code="not-square",
        label=call.axes[-1],
        operand=call.function,
        position=call.position,
        hint="name the two axes of one square matrix, rows first",
    )


def axes_count(call: Call, reason: str) -> NotationError:
    """``argmax_ij(A_ij)``, ``sum_ii(A_ij)``."""
    return NotationError(
        f"{call_head(call.function, call.axes)}: {reason}",
        code="axes-count",
        label=call.axes[-1],
        operand=call.function,
        position=call.position,
        hint="write each axis once"
        if not over_matrices(call.function)
        else f"write {call.function}_ij(...) for the rows i and the columns j",
    )


def wrong_arguments(call: Call, least: int, most: int) -> NotationError:
    """A call with too many arguments, or too few."""
    names = "condition, a, b" if call.function == "where" else ", ".join("xabcdefgh"[:most])
    names = "a, b" if most == least == 2 else names
    takes = count(most, "argument") if least == most else f"{least} or {count(most, 'argument')}"
    head = call_head(call.function, call.axes)
    return NotationError(
        f"{head} takes {takes}, not {len(call.args)}",
        code="wrong-arguments",
        operand=call.function,
        position=call.position,
        hint=f"write {head}({names})",
    )


def two_edges(name: str, position: Position | None) -> NotationError:
    """Two lines for what stands before the first entry."""
    return NotationError(
        f"what stands there of {name} is said twice",
        code="assigned-twice",
        operand=name,
        position=position,
        hint="leave one of the two lines out",
    )


def ellipsis_in_recurrence(name: str, position: Position | None) -> NotationError:
    """``h[...,t] = ... h[...,t-1]``."""
    return NotationError(
        f"{name} is a recurrence, whose labels must all be named",
        code="recurrence",
        label="...",
        operand=name,
        position=position,
        hint="write a letter for each leading axis",
    )


def moved_on_left(symbol: Symbol, target: Symbol | Derivative) -> NotationError:
    """``h[t+1,i] = tanh(U_ij h[t,j])``: what is defined is an entry at its own label."""
    plain = to_text(replace(symbol, moves=()))
    return NotationError(
        f"{to_text(target)} on the left side is at another position than its label",
        operand=symbol.name,
        position=target.position,
        hint=f"write the line for {plain}, and what stands beside it at earlier or later "
        "positions; what stands before the first entry has a line of its own, as in h[t<0,i] = g_i",
    )


def edge_and_integers(gather: TensorAt) -> NotationError:
    return NotationError(
        f"{gather.name} is read at integers and at offsets, and a line says what stands outside",
        operand=gather.name,
        position=gather.position,
        hint=f"give what is read at the integers a name of its own first, as in v_t = {gather.name}"
        "[t,y[t]]",
    )


def moved_and_read(symbol: Symbol) -> NotationError:
    """``h[t-1,y]`` where y is an integer."""
    return NotationError(
        f"{to_text(symbol)} is read at an integer tensor and at another position of a label",
        operand=symbol.name,
        position=symbol.position,
        hint="give one of the two a statement of its own",
    )
