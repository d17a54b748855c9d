"""Labels that move, ``h[t-1,j]``: whether a statement says how far they go.

A label goes as far as the tensors that are read at it unshifted, or as the tensor that the
statement defines by itself; what is read outside is 0, or what a line such as ``h[t<0]`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from eingrad.core.expr import Dim
from eingrad.errors import NotationError
from eingrad.notation.summation import children, rebuilt, tensor_parts, walk
from eingrad.notation.syntax import (
    Assignment,
    Derivative,
    Edge,
    Equation,
    Formula,
    Offset,
    Statement,
    Symbol,
    TensorAt,
)

S = TypeVar("S", bound=Statement | Equation)
NO_ENTRIES: Mapping[str, tuple[str, str]] = MappingProxyType({})


def with_offsets(
    statement: Assignment, recurrent: Collection[str], kept: Collection[str] = ()
) -> Assignment:
    """Return a statement with offsets in the place of labels that move and nowhere stand still.

    ``recurrent`` are the names that refer to each other in the statement, or of which a line says
    what stands outside; ``kept`` are labels whose extent something else says.
    """
    if not any(x.moves for part in _with_indices(statement.value) for x in _tensors(part)):
        return statement
    still = {*kept}
    for part in _with_indices(statement.value):
        still |= _still(part)
    return replace(statement, value=_as_offsets(statement.value, {*recurrent}, still))


def with_edges(statements: Sequence[S]) -> tuple[S, ...]:
    """Join lines such as ``h[t<0,i] = h0_i`` to the definitions that they belong to."""
    edges = [s.edges[0] for s in statements if isinstance(s, Assignment) and s.edges]
    if not edges:
        return tuple(statements)
    moved = _moved_names(statements)
    found: list[S] = []
    for statement in statements:
        if isinstance(statement, Assignment):
            name = statement.target.name if isinstance(statement.target, Symbol) else ""
            own = tuple(edge for edge in edges if edge.name == name)
            if statement.edges:
                continue
            edges = [edge for edge in edges if edge not in own]
            notes = _on_replaced(own, moved)
            statement = replace(statement, edges=own, notes=(*statement.notes, *notes))
        found.append(statement)
    if edges:
        name = edges[0].name
        raise NotationError(
            f"this says where {name} begins, and no statement defines it",
            operand=name,
            position=edges[0].position,
            hint=f"write for instance {name}[t,i] = ... {name}[t-1,i] ...",
        )
    return tuple(found)


def _on_replaced(edges: Sequence[Edge], moved: Collection[str]) -> Iterator[str]:
    """Speak of lines for one entry of what is nowhere read at another position: no recurrence."""
    for edge in edges:
        if edge.sign == "==" and edge.name not in moved:
            at = ",".join(
                str(edge.number) if k == edge.axis else x for k, x in enumerate(edge.labels)
            )
            yield f"{edge.name}[{at}] = ... stands in the place of the definition's entry there"


def _moved_names(statements: Iterable[Statement | Equation]) -> set[str]:
    """Return the tensors that are read at other positions of their labels."""
    parts = [part for s in statements if isinstance(s, Assignment)
             for part in _with_indices(s.value)]  # fmt: skip
    offsets = {x.name for x in parts if isinstance(x, TensorAt)}
    return offsets | {x.name for part in parts for x in _tensors(part) if any(x.moves)}


def with_first_entries(
    statements: Sequence[Statement],
    marked: Mapping[str, tuple[str, str]] = NO_ENTRIES,
    stacked: Collection[str] = (),
) -> tuple[Statement, ...]:
    r"""Return statements where ``h_0`` stands before the first entry of a recurrence ``h_t``.

    Papers count from 1, so that ``h_{t-1}`` is ``h_0`` at the first t. ``marked`` are other names
    of such entries, each with the recurrence and whether it stands before its first entry or in
    the place of that, ``<`` or ``==0``. Of ``stacked`` recurrences, ``a^{l-1}``, it is an input
    where nothing says what it is.
    """
    assigned = {
        s.target.name: s for s in statements
        if isinstance(s, Assignment) and isinstance(s.target, Symbol)
    }  # fmt: skip
    values = [part for s in assigned.values() for part in walk(s.value)]
    symbols = [x for x in values if isinstance(x, Symbol)]
    before = {x.name: _axis_back(x.name, symbols) for x in symbols if any(n < 0 for n in x.moves)}
    targets = [s.target for s in assigned.values() if isinstance(s.target, Symbol)]
    named = {x.name: x for x in (*symbols, *targets)}
    found: list[Statement] = []
    for statement in statements:
        plain = isinstance(statement, Assignment) and not statement.edges
        target = statement.target if isinstance(statement, Assignment) and plain else None
        if isinstance(target, Symbol) and target.name in before:
            assert isinstance(statement, Assignment)
            firsts = [(name, where) for name, (of, where) in marked.items() if of == target.name]
            for first, sign in firsts or [(f"{target.name}0", "<")]:
                own = named.get(first)
                if own is not None or target.name in stacked:
                    labels = None if own is None else own.labels
                    statement = _begun(statement, target, before[target.name], first, sign, labels)
        found.append(statement)
    return tuple(found)


def _axis_back(name: str, symbols: Sequence[Symbol]) -> int:
    """Return the axis along which a tensor is read before its label most often: n, no i, of
    ``u[n-1,i+1] - u[n-1,i-1]``."""
    moves = [x.moves for x in symbols if x.name == name and x.moves]
    counts = [sum(n < 0 for n in own) for own in zip(*moves, strict=True)]
    return counts.index(max(counts))


def _begun(
    statement: Assignment, target: Symbol, axis: int, first: str, sign: str,
    labels: Sequence[str] | None,
) -> Assignment:  # fmt: skip
    """Return a recurrence with a name for what stands before its first entry, or in the place of
    that; ``labels`` are those of the name where it stands elsewhere."""
    kept = (*target.labels[:axis], *target.labels[axis + 1 :])
    value = Symbol(first, kept if labels is None or labels else (), target.position)
    number = int(sign.removeprefix("==") or 0) if sign != "<" else 0
    sign = sign.rstrip("01")
    edge = Edge(target.name, target.labels, axis, sign, number, value, target.position)
    place = "before" if sign == "<" else "in the place of"
    note = f"{first} stands {place} the {('first', 'second')[number]} entry of {target.name}"
    note += ", an input" if labels is None else ""
    edges = (*statement.edges, edge)
    return replace(statement, edges=edges, notes=(*statement.notes, note))


def apart(claim: Assignment, dims: Mapping[str, Sequence[Dim]]) -> Assignment:
    """Return a claim with offsets in the place of labels that move along another dimension.

    ``dims`` are the axes of all tensors: in ``dL/dx_i = 4 x_i u[i-1]`` the i of u need not go as
    far as that of x, and outside u counts as 0.
    """
    still: dict[str, set[Dim]] = {}
    for part in (
        *_tensors(claim.target),
        *(x for f in _with_indices(claim.value) for x in _tensors(f)),
    ):
        own = dims.get(part.name, ())
        for label, by, dim in zip(part.labels, part.moves or [0] * len(own), own, strict=False):
            if not by:
                still.setdefault(label, set()).add(dim)
    return replace(claim, value=_apart(claim.value, still, dims))


def _apart(
    formula: Formula, still: Mapping[str, Collection[Dim]], dims: Mapping[str, Sequence[Dim]]
) -> Formula:
    def leaves(part: Symbol) -> bool:
        if part.name == "delta":
            return bool(part.moved)
        own = zip(part.labels, part.moves, dims.get(part.name, ()), strict=False)
        return any(by and x in still and dim not in still[x] for x, by, dim in own)

    if isinstance(formula, Symbol) and leaves(formula):
        return TensorAt(formula.name, formula.entries, formula.position)
    if isinstance(formula, Derivative):
        of, wrt = formula.of, formula.wrt
        if isinstance(of, Symbol) and len(wrt) == 1 and any(leaves(x) for x in (of, *wrt)):
            name = f"d{of.name}/d{wrt[0].name}"
            entries, own = of.entries, wrt[0].entries
            return TensorAt(name, (*entries, *own), formula.position, (len(entries), len(own)))
        return formula
    if isinstance(formula, TensorAt):
        return _with_entries(formula, lambda x: _apart(x, still, dims))
    return rebuilt(formula, [_apart(x, still, dims) for x in children(formula)])


def _as_offsets(formula: Formula, recurrent: Collection[str], still: Collection[str]) -> Formula:
    if isinstance(formula, Symbol) and formula.moved - {*still} and formula.name not in recurrent:
        return TensorAt(formula.name, formula.entries, formula.position)
    if isinstance(formula, Derivative):
        return formula
    if isinstance(formula, TensorAt):
        return _with_entries(formula, lambda x: _as_offsets(x, recurrent, still))
    return rebuilt(formula, [_as_offsets(x, recurrent, still) for x in children(formula)])


def _with_entries(formula: TensorAt, change: Callable[[Formula], Formula]) -> TensorAt:
    """Change the integers at which a tensor is read."""
    entries: list[str | Symbol | TensorAt | Offset] = []
    for entry in formula.entries:
        new = entry if isinstance(entry, str | Offset) else change(entry)
        assert isinstance(new, str | Symbol | TensorAt | Offset)
        entries.append(new)
    return replace(formula, entries=tuple(entries))


def _with_indices(formula: Formula) -> Iterator[Formula]:
    """Yield a formula and all below it, the integers at which tensors are read, too."""
    for part in walk(formula):
        yield part
        for index in part.indices if isinstance(part, TensorAt) else ():
            yield from _with_indices(index)


def _tensors(part: Formula) -> tuple[Symbol, ...]:
    if isinstance(part, Symbol):
        return (part,)
    return (
        tensor_parts(part) if isinstance(part, Derivative) and isinstance(part.of, Symbol) else ()
    )


def _still(part: Formula) -> set[str]:
    """Return the labels at which a tensor is read itself."""
    if isinstance(part, TensorAt):
        return {entry for entry in part.entries if isinstance(entry, str)}
    if not isinstance(part, Symbol | Derivative):
        return set()
    return {label for x in _tensors(part) for label in x.labels if label not in x.moved}
