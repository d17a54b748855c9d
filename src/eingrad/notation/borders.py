"""Notes on what is infinite beyond an end: what is read there is 0, and something divides by it."""

from __future__ import annotations

from collections.abc import Iterator

from eingrad.core.algebra import is_zero, zeros
from eingrad.core.expr import Const, Einsum, Expr, Map, Var, postorder
from eingrad.core.masks import condition_of
from eingrad.core.positions import Shift
from eingrad.core.recurrences import recurrent
from eingrad.core.rewrite import substitute
from eingrad.notation.notes import Note
from eingrad.notation.system import Definition, System


def border_notes(system: System) -> Iterator[Note]:
    """Yield a note for each entry beyond an end, 0, by which a definition divides or whose
    logarithm it takes, but where a condition leaves that out.

    >>> from eingrad.notation.lower import lower
    >>> from eingrad.notation.parse import parse_statements
    >>> system = lower(parse_statements("h[t] = x_t + 1 / h[t-1]"))
    >>> [note.text.partition(" is 0")[0] for note in border_notes(system)]
    ['before the first entry h[t-1]']
    >>> [*border_notes(lower(parse_statements("h[t] = x_t + where(t > 0, 1 / h[t-1], 0)")))]
    []
    """
    for definition in system.definitions.values():
        if definition.expr.has_shift:
            found = dict(_infinite(definition.expr))
            texts = [_text(x, f, definition, system) for x, f in found.items()]
            yield from (Note(text, definition.position) for text in dict.fromkeys(texts))


def _infinite(root: Expr) -> Iterator[tuple[Shift, str]]:
    """Yield reads beyond an end, with what has no value there, outside of all conditions."""
    pending, seen = [root], {root}
    while pending:
        node = pending.pop()
        if isinstance(node, Map) and (node.function == "log" or _divides(node)):
            yield from ((x, node.function) for x in _zeros_in(node.operands[0]))
        chosen = isinstance(node, Map) and node.function == "where"
        masked = isinstance(node, Einsum) and any(map(condition_of, node.operands))
        new = () if chosen or masked else tuple(x for x in node.operands if x not in seen)
        seen.update(new)
        pending += new


def _divides(node: Map) -> bool:
    if node.function != "pow" or not isinstance(exponent := node.operands[1], Const):
        return False
    return isinstance(exponent.value, int | float) and exponent.value < 0


def _zeros_in(argument: Expr) -> Iterator[Shift]:
    """Yield what makes an argument 0 where there is no entry."""
    for x in postorder([argument]):
        if isinstance(x, Shift) and x.outside is None and isinstance(x.operands[0], Var):
            nothing: dict[Expr, Expr] = {x: zeros(x.dims)}
            if is_zero(substitute(argument, nothing)):
                yield x


def _text(read: Shift, function: str, definition: Definition, system: System) -> str:
    own, dim, by = read.operands[0], read.dims[read.axis], read.by
    assert isinstance(own, Var)
    letters = list(system.labels[own.name])
    if letters[read.axis] not in definition.labels:
        met = (x for x in system.letters.get(dim, ()) if x in definition.labels)
        letters[read.axis] = next(met, letters[read.axis])
    letter = letters[read.axis]

    def at(place: str) -> str:
        return f"{own.name}[{','.join((*letters[: read.axis], place, *letters[read.axis + 1 :]))}]"

    where = "before the first" if by < 0 else "after the last"
    what = "its logarithm" if function == "log" else "what divides by it"
    ways = ["say what stands there"] if own.name in recurrent(system.exprs) else []
    if not system.counting.labels:  # in text, which counts from 0
        beyond = f"{letter}<0" if by < 0 else f"{letter}>=size({letter})"
        inside = f"{letter} >= {-by}" if by < 0 else f"{letter} < size({letter}) - {by}"
        ways = [f"{way}, {at(beyond)} = ..." for way in ways]
        ways.append(f"leave it out, where({inside}, ..., 0)")
    said = f": {', or '.join(ways)}" if ways else ""
    return f"{where} entry {at(f'{letter}{by:+d}')} is 0, and {what} is infinite{said}"


__all__ = ["border_notes"]
