"""A claim about entries at a moved label, ``dL/dx[i+1] = 4 x[i+1] u_i``: one about ``dL/dx_i``.

It says nothing of the entries that its left side leaves out.
"""

from __future__ import annotations

from dataclasses import replace
from string import ascii_letters

from eingrad.check.tree import relabelled
from eingrad.notation.lexeme import keeps_labels
from eingrad.notation.summation import Summation, children, rebuilt, walk
from eingrad.notation.syntax import (
    Assignment,
    Call,
    Claim,
    Compare,
    Derivative,
    Equation,
    Formula,
    MovedLabel,
    Number,
    Offset,
    Ordinal,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
    move_of,
    symbol_at,
)


def at_its_labels(claim: Claim) -> Claim:
    """Return a claim whose left side is at labels alone, its right side moved the other way."""
    moves = _moves(claim.target if isinstance(claim, Assignment) else claim.left)
    if not moves:
        return claim
    if isinstance(claim, Equation):  # beside an entry at a number
        left, right = _moved(claim.left, moves), _moved(claim.right, moves)
        return replace(claim, left=left, right=_where_said(right, moves, left))
    target, value = _moved(claim.target, moves), _moved(claim.value, moves)
    assert isinstance(target, Symbol | Derivative)
    return replace(claim, target=target, value=_where_said(value, moves, target))


def _moves(left: Formula) -> dict[str, int]:
    """Return the labels of a left side that are moved there, and how far back they go."""
    parts = (left.of, *left.wrt) if isinstance(left, Derivative) else (left,)
    found: dict[str, int] = {}
    for part in parts:
        if isinstance(part, Symbol):
            found |= {x: -by for x, by in zip(part.labels, part.moves, strict=False) if by}
        elif isinstance(part, TensorAt):
            found |= {x.terms[0][1]: -x.constant for x in part.offsets if _is_move(x)}
    return found


def _is_move(offset: Offset) -> bool:
    return [n for n, _ in offset.terms] == [1]


def _moved(formula: Formula, moves: dict[str, int]) -> Formula:
    """Move labels of a formula that nothing in it binds."""
    match formula:
        case Symbol():
            return _symbol(formula, moves)
        case TensorAt(entries=entries):
            return replace(formula, entries=tuple(_entry(x, moves) for x in entries))
        case Derivative(of=of, wrt=wrt):
            return replace(formula, of=_moved(of, moves), wrt=tuple(_symbol(x, moves) for x in wrt))
        case Ordinal(label=label) if label in moves:
            by = moves[label]
            return Sum((formula, Number(abs(by))), (False, by < 0))
        case Call(axes=axes) if keeps_labels(formula.function) and not moves.keys().isdisjoint(
            axes
        ):
            return _at_another(formula, moves)
        case Call():
            bound = {*Summation().axes(formula)}
            moves = {x: by for x, by in moves.items() if x not in bound}
            conditions = tuple(_compare(c, moves) for c in formula.conditions)
            args = tuple(_moved(x, moves) for x in formula.args)
            return replace(formula, args=args, conditions=conditions)
        case SizeOf():
            return formula
    return rebuilt(formula, [_moved(x, moves) for x in children(formula)])


def _at_another(call: Call, moves: dict[str, int]) -> Formula:
    """Write ``sum_{u == t - 1}(softmax_u(x_u))`` for ``softmax_t(x_t)`` at t - 1."""
    used = {x for part in walk(call) for x in getattr(part, "labels", ())} | {*moves, *call.axes}
    own = [x for x in call.axes if x in moves]
    letters = iter(x for x in ascii_letters if x not in used)
    fresh = {x: next(letters) for x in own}
    inner = relabelled(call, fresh)
    inner = _moved(inner, {x: by for x, by in moves.items() if x not in own})
    conditions = tuple(
        Compare("==", Ordinal(fresh[x]), _moved(Ordinal(x), moves)) for x in own
    )  # fmt: skip
    return Call("sum", (inner,), tuple(fresh.values()), None, conditions)


def _compare(condition: Compare, moves: dict[str, int]) -> Compare:
    left, right = _moved(condition.left, moves), _moved(condition.right, moves)
    return replace(condition, left=left, right=right)


def _symbol(symbol: Symbol, moves: dict[str, int]) -> Symbol:
    own = zip(symbol.labels, symbol.moves or (0,) * len(symbol.labels), strict=True)
    letters = [MovedLabel.of(x, by + moves.get(x, 0)) for x, by in own]
    return symbol_at(symbol.name, letters, symbol.position, symbol.brackets)


def _entry(
    entry: str | Symbol | TensorAt | Offset, moves: dict[str, int]
) -> str | Symbol | TensorAt | Offset:
    if isinstance(entry, Offset):
        by = sum(n * moves.get(x, 0) for n, x in entry.terms)
        moved = replace(entry, constant=entry.constant + by)
        return moved.terms[0][1] if _is_move(moved) and not moved.constant else moved
    if isinstance(entry, TensorAt):
        return replace(entry, entries=tuple(_entry(x, moves) for x in entry.entries))
    if isinstance(entry, Symbol):
        return _symbol(entry, moves)
    by = moves.get(entry, 0) + move_of(entry)
    return Offset(((1, str.__str__(entry)),), by) if by else entry


def _where_said(value: Formula, moves: dict[str, int], target: Formula) -> Formula:
    """Return a right side that is the target itself at entries of which the claim says nothing."""
    for label, by in moves.items():
        here: Formula = Ordinal(label)
        if by < 0:
            condition = Compare(">=", here, Number(-by))
        else:
            end = Sum((SizeOf(label), Number(by)), (False, True))
            condition = Compare("<", here, end)
        value = Call("where", (condition, value, target))
    return value


__all__ = ["at_its_labels"]
