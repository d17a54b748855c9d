"""Recurrences of a model: definitions that refer to themselves at another position of one label.

Which these are is read off the definitions (`recurrences`), so that what a derivative adds, the
adjoint that runs back, is one like any other. To compute one, its formula over all positions is
cut at a single position: what does not depend on the recurrence stays outside, over all positions
at once, and is read entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from eingrad.core.algebra import einsum, is_zero, zeros
from eingrad.core.cuts import Cut, RecurrenceError
from eingrad.core.expr import Expr, Var, variables
from eingrad.core.positions import Bound, Loop, Scan
from eingrad.core.rewrite import rewrite, substitute

EXAMPLE = (
    "a recurrence refers to earlier positions of one label, or to later ones: "
    "h[t,i] = tanh(U_ij h[t-1,j] + x[t,i])"
)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Tensors that refer to each other, in the order of one step; ``axes`` is where each has the
    label that moves, ``back`` whether later positions come first."""

    axes: Mapping[str, int]
    back: bool


Exprs = Mapping[str, Expr]
EXAMPLE = (
    "a recurrence refers to earlier positions of one label, or to later ones: "
    "h[t,i] = tanh(U_ij h[t-1,j] + x[t,i])"
)


def recurrences(exprs: Exprs) -> list[Recurrence]:
    """Return the recurrences among definitions.

    Raises RecurrenceError for definitions that refer to each other otherwise.

    >>> from eingrad.core.algebra import add
    >>> from eingrad.core.positions import shift
    >>> h, x = Var("h", ("t",)), Var("x", ("t",))
    >>> recurrences({"h": add(x, shift(h, 0, -1))})
    [Recurrence(axes={'h': 0}, back=False)]
    """
    return [_along_some_axis(own, exprs) for own in cycles(exprs)]


def recurrent(exprs: Exprs) -> frozenset[str]:
    """Return the names of the tensors that are in a recurrence."""
    return frozenset(name for own in cycles(exprs) for name in own)


def vanishing(exprs: Exprs) -> frozenset[str]:
    """Return the tensors in recurrences that are 0 everywhere, since nothing begins them.

    >>> from eingrad.core.algebra import apply
    >>> from eingrad.core.positions import shift
    >>> h, x = Var("h", ("t",)), Var("x", ("t",))
    >>> sorted(vanishing({"h": apply("tanh", shift(h, 0, -1))}))
    ['h']
    """
    found: set[str] = set()
    for own in cycles(exprs):
        none: dict[Expr, Expr] = {Var(n, exprs[n].dims): zeros(exprs[n].dims) for n in own}
        if all(is_zero(substitute(exprs[n], none)) for n in own):
            found.update(own)
    return frozenset(found)


def cycles(exprs: Exprs) -> list[list[str]]:
    """Return the groups of definitions that refer to each other, each in the given order."""
    if not any(expr.has_shift or expr.has_places for expr in exprs.values()):
        return []
    needs = {
        name: [v.name for v in variables(expr) if v.name in exprs] for name, expr in exprs.items()
    }
    place = {name: k for k, name in enumerate(exprs)}
    return [
        sorted(own, key=place.__getitem__) for own in components(needs)
        if len(own) > 1 or own[0] in needs[own[0]]
    ]  # fmt: skip


def components(needs: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Yield the groups of names that need each other, each after those that it needs (Tarjan).

    >>> list(components({"a": ["b"], "b": ["c"], "c": ["b"]}))
    [['b', 'c'], ['a']]
    """
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    inside: set[str] = set()
    for root in needs:
        path = [] if root in number else [(root, iter(needs[root]))]
        while path:
            name, rest = path[-1]
            if name not in number:
                number[name] = low[name] = len(number)
                stack.append(name)
                inside.add(name)
            for other in rest:
                if other not in number:
                    path.append((other, iter(needs[other])))
                    break
                if other in inside:
                    low[name] = min(low[name], number[other])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[name])
                if low[name] == number[name]:
                    own = stack[stack.index(name) :]
                    del stack[-len(own) :]
                    inside.difference_update(own)
                    yield own


# --- which label moves ----------------------------------------------------------------------------


def _along_some_axis(names: list[str], exprs: Exprs) -> Recurrence:
    """Return the recurrence over the first label along which all that is needed comes before."""
    first = names[0]
    if not exprs[first].ndim:
        raise RecurrenceError(f"{first} is defined by itself", operand=first, hint=EXAMPLE)
    try:
        return _tried([{first: axis} for axis in range(exprs[first].ndim)], names, exprs)
    except RecurrenceError as error:
        hint = error.hint or EXAMPLE
        raise RecurrenceError(error.reason, operand=first, hint=hint) from None


def _tried(choices: Iterable[dict[str, int]], names: list[str], exprs: Exprs) -> Recurrence:
    """Return the first recurrence that there is; ``choices`` are axes along which it may be."""
    errors: list[RecurrenceError] = []
    for axes in choices:
        try:
            return _along(axes, names, exprs)
        except RecurrenceError as error:
            errors.append(error)
    if sum(error.operand is not None for error in errors) > 1:  # by what `_order` found
        raise RecurrenceError(
            f"{names[0]} refers to itself along two labels, and a loop goes over one",
            hint="at the earlier position of one label neighbours along another may be read: "
            "h[t,i] = a h[t-1,i] + b h[t-1,i-1] + x[t,i]",
        )
    raise next((e for e in errors if "cannot be cut" not in e.reason), errors[0])


def _along(axes: dict[str, int], names: list[str], exprs: Exprs) -> Recurrence:
    """Return the recurrence whose tensors have the label that moves as the given axes; they need
    not be all."""
    axes, cuts, doubts = {**axes}, dict[str, Cut](), dict[str, tuple[int, ...]]()
    while pending := [n for n in axes if n not in cuts]:
        name = pending[0]
        cuts[name] = cut = _cut(name, names, axes, exprs)
        doubts |= cut.doubts
        for var, place, _ in cut.found:
            if axes.setdefault(var.name, place) != place:
                raise RecurrenceError(f"{var.name} is read along two of its labels")
    unknown = [name for name in doubts if name not in axes]
    if unknown:
        return _tried([{**axes, unknown[0]: k} for k in doubts[unknown[0]]], names, exprs)
    if doubts:
        cuts = {name: _cut(name, names, axes, exprs) for name in axes}
    signs = {by > 0 for cut in cuts.values() for _, _, by in cut.found if by}
    if len(signs) != 1:
        which = "earlier and at later positions" if signs else "the same position"
        raise RecurrenceError(f"{names[0]} refers to itself at {which}")
    now = {n: [var.name for var, _, by in cut.found if not by] for n, cut in cuts.items()}
    order = _order(names, now)
    return Recurrence({name: axes[name] for name in order}, signs.pop())


def _cut(name: str, names: list[str], axes: Mapping[str, int], exprs: Exprs) -> Cut:
    cut = Cut(names, axes)
    cut.at(exprs[name], axes[name], 0)
    return cut


def _order(names: Iterable[str], needs: Mapping[str, list[str]]) -> list[str]:
    """Order what one position needs of itself."""
    result = []
    for own in components({name: needs[name] for name in names}):
        if len(own) > 1 or own[0] in needs[own[0]]:
            reason = f"{own[0]} refers to itself at the same position"
            hint = f"{EXAMPLE}; of layers over times each layer has a name of its own, h1, h2"
            raise RecurrenceError(reason, operand=own[0], hint=hint)
        result += own
    return result


# --- loops ----------------------------------------------------------------------------------------


def scans(exprs: Exprs, inline: bool = True) -> dict[str, Expr]:
    """Return for each tensor of a recurrence an expression that does not refer to it.

    What one state reads of another at the same position is that one's formula, or, unless it is
    ``inline``, a `Bound` tensor with the other's number, ``<s0>``.

    >>> from eingrad.core.algebra import add
    >>> from eingrad.core.positions import shift
    >>> h, x = Var("h", ("t",)), Var("x", ("t",))
    >>> scans({"h": add(x, shift(h, 0, -1))})["h"]
    Scan(Loop(t, 1 states), 0, x; ('t',))
    """
    return {
        name: expr for own in recurrences(exprs)
        for name, expr in _scans(own, exprs, inline).items()
    }  # fmt: skip


def _scans(recurrence: Recurrence, exprs: Exprs, inline: bool) -> dict[str, Expr]:
    names = list(recurrence.axes)
    cut = Cut(names, recurrence.axes)
    bodies = [cut.at(exprs[name], recurrence.axes[name], 0) for name in names]
    bodies = inlined(bodies) if inline else bodies
    before = {number: x for number, x in cut.starts.items() if x is not None}
    operands = list(dict.fromkeys([*cut.entries, *cut.whole, *before.values()]))
    place = {node: k for k, node in enumerate(operands)}
    dim = exprs[names[0]].dims[recurrence.axes[names[0]]]
    loop = Loop(
        dim, recurrence.back, bodies, cut.reads,
        {place[x]: var for x, var in cut.entries.items()},
        {place[x]: var for x, var in cut.whole.items()},
        {number: place[x] for number, x in before.items()},
        cut.pasts,
    )  # fmt: skip
    result: dict[str, Expr] = {}
    for k, name in enumerate(names):
        axis = recurrence.axes[name]
        scan = Scan(operands, loop, k)
        rest = [n for n in range(scan.ndim) if n != axis]
        result[name] = einsum([(scan, (axis, *rest))], tuple(range(scan.ndim)))
    return result


def inlined(bodies: Sequence[Expr]) -> list[Expr]:
    """Return the formulas of states, with the formula of each that another one reads."""
    known: dict[Expr, Expr] = {}
    for k, body in enumerate(bodies):
        known[Bound("s", k, body.dims)] = substitute(body, known)
    return [*known.values()]


def in_loops(
    roots: Sequence[Expr], change: Callable[[Sequence[Expr]], Sequence[Expr]]
) -> list[Expr]:
    """Change what loops compute at a position; ``change`` takes and returns several formulas."""
    known: dict[Loop, Loop] = {}

    def step(node: Expr) -> Expr | None:
        if not isinstance(node, Scan):
            return None
        if node.loop not in known:
            known[node.loop] = node.loop.over(change(node.loop.bodies))
        return Scan(node.operands, known[node.loop], node.state)

    return rewrite(roots, step) if any(root.has_loop for root in roots) else list(roots)


def computable(
    definitions: Iterable[tuple[Var, Expr]], inline: bool = True
) -> list[tuple[Var, Expr]]:
    """Return definitions, each after those that it needs, with loops in the place of recurrences.

    Those of no recurrence keep their order; for ``inline`` see `scans`.
    """
    given = list(definitions)
    exprs = {var.name: expr for var, expr in given}
    loops = scans(exprs, inline)
    if not loops:
        return given
    exprs |= loops
    order = components({
        name: [v.name for v in variables(expr) if v.name in exprs] for name, expr in exprs.items()
    })  # fmt: skip
    tensors = {var.name: var for var, _ in given}
    return [(tensors[name], exprs[name]) for (name,) in order]


__all__ = [
    "Recurrence", "RecurrenceError", "components", "computable", "in_loops", "inlined",
    "recurrences", "recurrent", "scans",
]  # fmt: skip
