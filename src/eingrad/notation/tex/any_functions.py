r"""Functions that nothing defines, which stand for any: ``h_t = f(x_t, h_{t-1}, w)``, losses."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from eingrad.core.functions import MOST_ARGUMENTS
from eingrad.errors import NotationError
from eingrad.notation.matrix.statements import LOSSES, Bold, in_matrices
from eingrad.notation.summation import Summation, children, labels_of, rebuilt, walk
from eingrad.notation.syntax import (
    ANY_FUNCTION,
    Assignment,
    Call,
    Declaration,
    Formula,
    Shaped,
    Statement,
    Sum,
    Symbol,
)
from eingrad.notation.tex.names import GENERIC


def with_any_functions(
    statements: Sequence[Statement], functions: Collection[str], assigned: Collection[str],
    shapes: Sequence[Shaped], bold: Bold, moving: Collection[str], first: Mapping[str, str],
) -> tuple[list[Declaration], list[Statement]]:  # fmt: skip
    """Return declarations of functions that nothing defines, and statements that call them.

    ``functions`` are those that a text calls, ``assigned`` what it defines; for the others see
    `elaborated`.
    """
    losses = {x for s in statements if isinstance(s, Assignment) for x in _losses(s.value)}
    found = [_labelled_loss(s, assigned) for s in statements]
    called = {x.function for s in found if isinstance(s, Assignment) for x in walk(s.value)
              if isinstance(x, Call)}  # fmt: skip
    once = [Declaration(name, once=True) for name in sorted(losses & called)]
    matrix = in_matrices([*found, *shapes], bold, moving, first)
    of_numbers = [k for k, s in enumerate(found) if isinstance(s, Assignment) and k not in matrix]
    counts = _counts(found, of_numbers, functions)
    for k in of_numbers:
        found[k] = _called_by_name(found[k], counts)
    new = {*counts} - {*functions} - losses.intersection(called)
    plain = [Declaration(name, called=True, count=counts.get(name, 1)) for name in functions]
    return [*plain, *(Declaration(x, count=counts[x]) for x in sorted(new)), *once], found


def check_bold(statements: Sequence[Statement], functions: Collection[str]) -> None:
    r"""Raise for ``\mathbf f(\mathbf x)``: each of its entries may depend on all of those of x."""
    for s in statements:
        for call in _calls(s.value, functions) if isinstance(s, Assignment) else ():
            name = call.function
            if name in functions:
                raise NotationError(
                    f"{name} is in bold type, and called: a vector or a matrix of functions",
                    code="open-shape", operand=name, position=call.position,
                    hint=f"write {name} alone, without what it depends on, or its formula; "
                    f"in plain type {name}(...) is a function of each entry",
                )  # fmt: skip


def _counts(
    statements: Sequence[Statement], places: Collection[int], functions: Collection[str]
) -> dict[str, int]:
    """Return the functions of several numbers that statements call, with how many."""
    counts: dict[str, set[int]] = {}
    elsewhere: set[str] = set()
    for k, s in enumerate(statements):
        for call in _calls(s.value, functions) if isinstance(s, Assignment) else ():
            name, args = _parts(call)
            counts.setdefault(name, set()).add(len(args))
            if k not in places and name in functions and len(args) > 1:
                hint = "write its formula, or entries with labels: h_{t,i} = f(x_{t,i}, h_{t-1,i})"
                reason = f"{name} stands for any function of {len(args)} numbers, not of vectors"
                raise NotationError(reason, hint=hint, position=call.position, operand=name)
            if k not in places or not (name in functions or _is_named(name, args)):
                elsewhere.add(name)
    return {
        name: min(own) for name, own in counts.items()
        if len(own) == 1 and 1 < min(own) <= MOST_ARGUMENTS and name not in elsewhere
    }  # fmt: skip


def _is_named(name: str, args: Sequence[Formula]) -> bool:
    """Whether a name is that of any function: also of a loss, where its arguments have labels."""
    return name in GENERIC or (name in LOSSES and any(Summation().free(x) for x in args))


def _calls(value: Formula, functions: Collection[str]) -> Iterator[Call]:
    for x in walk(value):
        if isinstance(x, Call) and (x.function == ANY_FUNCTION or x.function in functions):
            yield x


def _parts(call: Call) -> tuple[str, tuple[Formula, ...]]:
    """Return the name of any function, and what it is taken of."""
    if call.function != ANY_FUNCTION:
        return call.function, call.args
    assert isinstance(call.args[0], Symbol)
    return call.args[0].name, call.args[1:]


def _called_by_name(statement: Statement, counts: Mapping[str, int]) -> Statement:
    """Return a statement whose functions of several numbers are called as known ones are."""
    if not counts or not isinstance(statement, Assignment):
        return statement
    value = _by_name(statement.value, counts, {*labels_of(statement.target)})
    return replace(statement, value=value)


def _by_name(formula: Formula, counts: Mapping[str, int], bound: set[str]) -> Formula:
    """``bound`` are the labels that stand on the left, or are those of a function around."""
    if isinstance(formula, Call):
        bound = bound | {*Summation().axes(formula)}
    parts = [_by_name(x, counts, bound) for x in children(formula)]
    formula = rebuilt(formula, parts) if parts else formula
    if not isinstance(formula, Call) or formula.function not in {ANY_FUNCTION, *counts}:
        return formula
    name, args = _parts(formula)
    if name not in counts:
        return formula
    open_labels = [x for argument in args for x in Summation().free(argument) if x not in bound]
    if open_labels:
        raise NotationError(
            f"whether {name} is a function of all entries along {open_labels[0]} is open",
            operand=name,
            position=formula.position,
            hint=f"write the formula of {name}; a function that stands for any is one of numbers",
        )
    return Call(name, args, (), formula.position)


# --- losses -----------------------------------------------------------------------------------


def _losses(value: Formula) -> set[str]:
    """Return the functions of several tensors that nothing defines: l of ``l(z_i, y_i)``."""
    calls = (x for x in walk(value) if isinstance(x, Call) and x.function == ANY_FUNCTION)
    return {x.name for call in calls for x in call.args[:1] if isinstance(x, Symbol)}


def _labelled_loss(statement: Statement, assigned: Collection[str]) -> Statement:
    """Return ``L = sum_i(l(z_i))`` for ``L = l(z_i, y_i)``: its gradient by z may be any.

    It depends on what the text defines; the labels of the left side stay.
    """
    match statement:
        case Assignment(value=Call(function=function, args=(Symbol(name=name), *args)) as call) \
                if function == ANY_FUNCTION:  # fmt: skip
            pass
        case _:
            return statement
    tensors = [x for x in args if isinstance(x, Symbol)]
    if len(tensors) < len(args) or not any(x.labels for x in tensors):
        return statement
    kept = labels_of(statement.target)
    if kept and _is_named(name, args) and all({*x.labels} <= {*kept} for x in tensors):
        return statement  # l_i = l(z_i, y_i) of numbers
    varied = [x for x in tensors if x.name in assigned] or tensors
    if len(varied) > 1 and (name not in LOSSES or len({x.name for x in varied}) < len(varied)):
        raise NotationError(
            f"{name} of {len(varied)} tensors is no sum of functions of each",
            operand=name, position=call.position, hint=f"write the formula of {name}",
        )  # fmt: skip
    terms: list[Formula] = []
    for x in varied:
        over = tuple(label for label in dict.fromkeys(x.labels) if label not in kept)
        own = Call(name, (x,), (), call.position)
        terms.append(Call("sum", (own,), over, call.position) if over else own)
    value = terms[0] if len(terms) == 1 else Sum(tuple(terms), (False,) * len(terms), call.position)
    note = f"{name} stands for any loss: a function of each entry, for first derivatives"
    return replace(statement, value=value, notes=(*statement.notes, note))
