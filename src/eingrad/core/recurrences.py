"""Recurrences of a model: definitions that refer to themselves at another position of one label.

Which these are is read off the definitions (`recurrences`), so that what a derivative adds, the
adjoint that runs back, is one like any other. To compute one, its formula over all positions is
cut at a single position: what does not depend on the recurrence stays outside, over all positions
at once, and is read entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from eingrad.core.algebra import (
    add,
    apply,
    broadcast_scalar,
    einsum,
    full,
    is_zero,
    reduce,
    zeros,
)
from eingrad.core.arrays import Gather, Matrix, Scatter
from eingrad.core.expr import (
    Delta,
    Einsum,
    Expr,
    Labels,
    Map,
    Reduce,
    Var,
    postorder,
    variables,
)
from eingrad.core.positions import Bound, Loop, Scan, Shift, shift
from eingrad.core.rewrite import rewrite, substitute
from eingrad.errors import EingradError


class RecurrenceError(EingradError):
    """Definitions refer to each other in a way that no loop over one label can compute."""

    code = "recurrence"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Tensors that refer to each other, in the order of one step; ``axes`` is where each has the
    label that moves, ``back`` whether later positions come first."""

    axes: Mapping[str, int]
    back: bool


Exprs = Mapping[str, Expr]
T = TypeVar("T")


def recurrences(exprs: Exprs) -> list[Recurrence]:
    """Return the recurrences among definitions.

    Raises RecurrenceError for definitions that refer to each other otherwise.

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
    if not any(expr.has_shift for expr in exprs.values()):
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
    first, reasons = names[0], list[str]()
    for axis in range(exprs[first].ndim):
        try:
            return _along(axis, names, exprs)
        except RecurrenceError as error:
            reasons.append(error.reason)
    moved = next((r for r in reasons if "cannot be cut" not in r), None)
    raise RecurrenceError(
        moved or (reasons[0] if reasons else f"{first} is defined by itself"),
        operand=first,
        hint="a recurrence refers to earlier positions of one label, or to later ones: "
        "h[t,i] = tanh(U_ij h[t-1,j] + x[t,i])",
    )


def _along(axis: int, names: list[str], exprs: Exprs) -> Recurrence:
    axes = {names[0]: axis}
    offsets: dict[str, list[tuple[str, int]]] = {}
    pending = [names[0]]
    while pending:
        name = pending.pop()
        reads = _reads(exprs[name], axes[name], names)
        offsets[name] = [(var.name, by) for var, _, by in reads]
        for var, place, _ in reads:
            if var.name not in axes:
                axes[var.name] = place
                pending.append(var.name)
            elif axes[var.name] != place:
                raise RecurrenceError(f"{var.name} is read along two of its labels")
    signs = {by > 0 for found in offsets.values() for _, by in found if by}
    if len(signs) != 1:
        which = "earlier and at later positions" if signs else "the same position"
        raise RecurrenceError(f"{names[0]} refers to itself at {which}")
    order = _order(names, {n: [o for o, by in offsets[n] if not by] for n in names})
    return Recurrence({name: axes[name] for name in order}, signs.pop())


def _order(names: Iterable[str], needs: Mapping[str, list[str]]) -> list[str]:
    """Order what one position needs of itself."""
    result = []
    for own in components({name: needs[name] for name in names}):
        if len(own) > 1 or own[0] in needs[own[0]]:
            raise RecurrenceError(f"{own[0]} refers to itself at the same position")
        result += own
    return result


def _reads(expr: Expr, axis: int, members: Iterable[str]) -> list[tuple[Var, int, int]]:
    """Return where members of a recurrence are read: (tensor, its axis of the label, offset)."""
    cut = _Cut(members)
    cut.at(expr, axis, 0)
    return list(cut.found)


# --- a formula at one position --------------------------------------------------------------------


class _Cut:
    """Writes formulas at one position of a label; see `Loop` for what it leaves open.

    A member's own entry at the position is the `Bound` tensor with its number.
    """

    def __init__(self, members: Iterable[str]) -> None:
        self.members = dict.fromkeys(members)
        self.number = {name: k for k, name in enumerate(self.members)}
        self.free: dict[Expr, bool] = {}
        self.found: dict[tuple[Var, int, int], None] = {}
        self.reads: dict[tuple[int, int], Var] = {}
        self.starts: dict[int, Expr | None] = {}
        self.entries: dict[Expr, Var] = {}
        self.whole: dict[Expr, Var] = {}
        self.known: dict[tuple[Expr, int | None, int], Expr] = {}

    def is_free(self, node: Expr) -> bool:
        """Whether a node depends on no member."""
        if node not in self.free:
            for x in postorder([node]):
                own = not isinstance(x, Var) or x.name not in self.members
                self.free[x] = own and all(self.free[y] for y in x.operands)
        return self.free[node]

    def at(self, node: Expr, axis: int, by: int) -> Expr:
        """Return a node's entry ``by`` positions after the one at hand, without the axis."""
        key = node, axis, by
        if key not in self.known:
            self.known[key] = self._at(node, axis, by)
        return self.known[key]

    def _at(self, node: Expr, axis: int, by: int) -> Expr:
        if self.is_free(node):
            return self._outside(node, axis, by)
        match node:
            case Var():
                return self._member(node, axis, by, None)
            case Shift() if node.axis == axis:
                return self._moved(node, by)
            case Shift(operands=(x,)):
                return shift(self.at(x, axis, by), node.axis - (axis < node.axis), node.by)
            case Einsum():
                return self._product(node, axis, by)
            case Map(function="add"):
                return self._sum(node, axis, by)
            case Map(function=function):
                args = [self._argument(x, axis, by) for x in node.operands]
                return broadcast_scalar(apply(function, *args), _without(node.dims, axis))
            case Reduce(function=function, axes=axes, operands=(x,)):
                return self._reduced(node, function, x, axes, axis, by)
            case Matrix(function=function, operands=(x,)) if axis < x.ndim - 2:
                return Matrix(function, self.at(x, axis, by))
            case Gather() | Scatter():
                return self._read(node, axis, by)
        raise _uncuttable(node)

    def _argument(self, x: Expr, axis: int, by: int) -> Expr:
        if x.ndim:
            return self.at(x, axis, by)
        if not self.is_free(x):
            raise _uncuttable(x)
        return self._constant(x)

    # --- what stays outside ---

    def _constant(self, node: Expr) -> Expr:
        """Return what has not the label: the loop has it whole."""
        if not node.operands and not isinstance(node, Var):
            return node
        if node not in self.whole:
            self.whole[node] = Bound("c", len(self.whole), node.dims)
        return self.whole[node]

    def _outside(self, node: Expr, axis: int, by: int) -> Expr:
        """Return the entry of what does not depend on the recurrence."""
        if isinstance(node, Einsum) and all(node.output[axis] not in ls for ls in node.inputs):
            kept = tuple(k for k in node.output if k != node.output[axis])
            pairs = list(zip(node.operands, node.inputs, strict=True))
            return self._constant(einsum(pairs, kept, dict(enumerate(node.extents))))
        rest = tuple(k for k in range(node.ndim) if k != axis)
        turned = einsum([(node, tuple(range(node.ndim)))], (axis, *rest))
        moved = shift(turned, 0, by)
        if moved not in self.entries:
            self.entries[moved] = Bound("x", len(self.entries), moved.dims[1:])
        return self.entries[moved]

    # --- what is inside ---

    def _member(self, var: Var, axis: int, by: int, outside: Expr | None) -> Expr:
        self.found[var, axis, by] = None
        dims = _without(var.dims, axis)
        if not by:
            return Bound("s", self.number[var.name], dims)
        number = self.number[var.name]
        if self.starts.setdefault(number, outside) is not outside:
            raise RecurrenceError(f"two values stand before the first entry of {var.name}")
        return self.reads.setdefault((number, abs(by)), Bound("s", number, dims, abs(by)))

    def _moved(self, node: Shift, by: int) -> Expr:
        x, outside = node.operands[0], node.outside
        if outside is not None and not self.is_free(outside):
            raise _uncuttable(node)
        there = by + node.by
        if isinstance(x, Var) and not by:
            return self._member(x, node.axis, there, outside)
        entry = self.at(x, node.axis, there)
        if outside is None and self._vanishes(x, node.axis):
            return entry
        inside = self._outside(shift(full(1, (node.dims[node.axis],)), 0, node.by), 0, by)
        if isinstance(inside, Bound):
            chosen = [entry, full(0, entry.dims) if outside is None else self._constant(outside)]
            return broadcast_scalar(
                apply("where", apply("ne", inside, full(0, ())), *chosen), entry.dims
            )
        return entry

    def _vanishes(self, node: Expr, axis: int) -> bool:
        """Whether a node is 0 where there are no entries, since these then count as 0."""
        if isinstance(node, Var):
            return node.name in self.members and self.starts.get(self.number[node.name]) is None
        if isinstance(node, Einsum):
            label = node.output[axis]
            pairs = [(x, ls) for x, ls in zip(node.operands, node.inputs, strict=True)
                     if label in ls and ls.count(label) == 1]  # fmt: skip
            bound = [(x, ls) for x, ls in pairs if not self.is_free(x)]
            return any(self._vanishes(x, ls.index(label)) for x, ls in bound) and all(
                _is_polynomial(x) for x, _ in bound
            )
        if isinstance(node, Map) and node.function == "add":
            return all(x.ndim and self._vanishes(x, axis) for x in node.operands)
        if isinstance(node, Shift) and node.axis == axis:
            return node.outside is None and _is_polynomial(node.operands[0])
        return False

    def _product(self, node: Einsum, axis: int, by: int) -> Expr:
        label = node.output[axis]
        pairs = list(zip(node.operands, node.inputs, strict=True))
        same = {label}
        for x, labels in pairs:  # what a delta sets equal is the same position
            if isinstance(x, Delta) and same & set(labels):
                same |= set(labels)
        factors: list[tuple[Expr, Labels]] = []
        for x, labels in pairs:
            if self.is_free(x):
                if label in labels and labels.count(label) == 1:
                    own = labels.index(label)
                    factors.append((self.at(x, own, by), _without(labels, own)))
                elif label in labels:
                    raise _uncuttable(node)
                else:
                    factors.append((self._constant(x), labels))
                continue
            places = [k for k, own in enumerate(labels) if own in same]
            if len(places) != 1:
                raise _uncuttable(node)
            factors.append((self.at(x, places[0], by), _without(labels, places[0])))
        output = tuple(k for k in node.output if k != label)
        return einsum(factors, output, dict(enumerate(node.extents)))

    def _sum(self, node: Map, axis: int, by: int) -> Expr:
        """Add all terms that stay outside there."""
        free = [x for x in node.operands if self.is_free(x)]
        rest = [x for x in node.operands if x not in free]
        repeated = [x for x in free if not x.ndim or not _has_axis(x, axis)]
        moving = [x for x in free if x not in repeated]
        terms = [broadcast_scalar(add(*free), node.dims)] if moving else repeated
        total = add(*(self._argument(x, axis, by) for x in [*rest, *terms]))
        return broadcast_scalar(total, _without(node.dims, axis))

    def _reduced(
        self, node: Reduce, function: str, x: Expr, axes: Labels, axis: int, by: int
    ) -> Expr:
        own = axis
        if not node.keeps_axes:
            own = [k for k in range(x.ndim) if k not in axes][axis]
        if own in axes:
            raise _uncuttable(node)
        return reduce(function, self.at(x, own, by), [k - (own < k) for k in axes])

    def _read(self, node: Gather | Scatter, axis: int, by: int) -> Expr:
        """Read at integers: the label is an axis of the tensor, and perhaps of the integers."""
        label = self._read_label(node, axis)
        x, *indices = node.operands
        place = node.sources.index(label)
        if not all(map(self.is_free, indices)) or node.sources.count(label) > 1:
            raise _uncuttable(node)
        used = [labels for source in node.sources if not isinstance(source, int)
                for labels in [source[1]]]  # fmt: skip
        cut = [
            self.at(i, labels.index(label), by) if label in labels else self._constant(i)
            for i, labels in zip(indices, used, strict=True)
        ]
        sources = [
            s if isinstance(s, int) else (s[0], tuple(k for k in s[1] if k != label))
            for k, s in enumerate(node.sources) if k != place
        ]  # fmt: skip
        output = tuple(k for k in node.output if k != label)
        if isinstance(node, Gather):
            return Gather(self.at(x, place, by), cut, sources, output)
        own = self.at(x, node.output.index(label), by)
        return Scatter(own, cut, sources, output, _without(node.dims, axis))

    def _read_label(self, node: Gather | Scatter, axis: int) -> int:
        if isinstance(node, Gather):
            label = node.output[axis]
            if label in node.sources:
                return label
        elif isinstance(source := node.sources[axis], int):
            return source
        raise _uncuttable(node)


def _without(items: tuple[T, ...], axis: int) -> tuple[T, ...]:
    return items[:axis] + items[axis + 1 :]


def _has_axis(node: Expr, axis: int) -> bool:
    """Whether a node does more along an axis than to repeat."""
    if not isinstance(node, Einsum):
        return True
    return any(node.output[axis] in labels for labels in node.inputs)


def _is_polynomial(node: Expr) -> bool:
    """Whether a node has a value wherever its tensors are 0."""
    return all(
        not isinstance(x, Map) or x.function == "add" for x in postorder([node]) if x.operands
    )


def _uncuttable(node: Expr) -> RecurrenceError:
    what = getattr(node, "function", type(node).__name__.lower())
    return RecurrenceError(f"a recurrence cannot be cut at one position through {what}")


# --- loops ----------------------------------------------------------------------------------------


def scans(exprs: Exprs, inline: bool = True) -> dict[str, Expr]:
    """Return for each tensor of a recurrence an expression that does not refer to it.

    What one state reads of another at the same position is that one's formula, or, unless it is
    ``inline``, a `Bound` tensor with the other's number, ``<s0>``.

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
    cut = _Cut(names)
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
