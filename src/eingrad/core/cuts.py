"""A formula at one position of a label: what a recurrence computes there.

What does not depend on the recurrence stays outside, over all positions at once, and is read entry
by entry. Of the recurrence itself a formula reads the entries at positions that are given numbers
away, ``h[t-1]``, or many: those ``sum_k(a_k h[t-k-1])`` away, or all of which a condition says
that they come before, ``sum_{s<t}(W_ts h[s])``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from eingrad.core.algebra import (
    add,
    apply,
    broadcast_scalar,
    einsum,
    full,
    reduce,
)
from eingrad.core.arrays import Gather, Matrix, Scatter
from eingrad.core.bands import Band
from eingrad.core.expr import (
    Delta,
    Dim,
    Einsum,
    Expr,
    Labels,
    Map,
    Reduce,
    Var,
    postorder,
)
from eingrad.core.guards import (
    Guard,
    Guards,
    case_guards,
    kept_guards,
    label_guards,
    operand_guards,
    shifted_guards,
)
from eingrad.core.labelling import Factor
from eingrad.core.masks import pair_mask
from eingrad.core.positions import Bound, Past, Shift, shift
from eingrad.core.rewrite import rebuild
from eingrad.core.spans import span
from eingrad.errors import EingradError

T = TypeVar("T")


class RecurrenceError(EingradError):
    """Definitions refer to each other in a way that no loop over one label can compute."""

    code = "recurrence"


class Cut:
    """Writes formulas at one position of a label; see `Loop` for what it leaves open.

    ``members`` are the tensors of the recurrence, ``axes`` says which of their axes has the label,
    as far as that is known. A member's own entry at the position is the `Bound` tensor with its
    number. ``found`` are the (tensor, axis, offset) that are read, ``doubts`` the axes that a
    tensor may be read along whose own one is not known.
    """

    def __init__(self, members: Iterable[str], axes: Mapping[str, int]) -> None:
        self.members = dict.fromkeys(members)
        self.axes = axes
        self.number = {name: k for k, name in enumerate(self.members)}
        self.free: dict[Expr, bool] = {}
        self.found: dict[tuple[Var, int, int], None] = {}
        self.doubts: dict[str, tuple[int, ...]] = {}
        self.reads: dict[tuple[int, int], Var] = {}
        self.pasts: dict[Past, Var] = {}
        self.starts: dict[int, Expr | None] = {}
        self.entries: dict[Expr, Var] = {}
        self.whole: dict[Expr, Var] = {}
        self.known: dict[tuple[Expr, int, int, Guards], Expr] = {}

    def is_free(self, node: Expr) -> bool:
        """Whether a node depends on no member."""
        if node not in self.free:
            for x in postorder([node]):
                own = not isinstance(x, Var) or x.name not in self.members
                self.free[x] = own and all(self.free[y] for y in x.operands)
        return self.free[node]

    def at(self, node: Expr, axis: int, by: int, guards: Guards = ()) -> Expr:
        """Return a node's entry ``by`` positions after the one at hand, without the axis."""
        key = node, axis, by, guards
        if key not in self.known:
            self.known[key] = self._at(node, axis, by, guards)
        return self.known[key]

    def _at(self, node: Expr, axis: int, by: int, guards: Guards) -> Expr:
        if self.is_free(node):
            return self._outside(node, axis, by)
        match node:
            case Var():
                return self._tensor(node, axis, by, guards)
            case Shift() if node.axis == axis:
                return self._moved(node, by, guards)
            case Shift(operands=(x,)):
                inner = self.at(x, axis, by, shifted_guards(guards, node))
                return shift(inner, node.axis - (axis < node.axis), node.by)
            case Einsum():
                return self._product(node, axis, by, guards)
            case Map(function="add"):
                return self._sum(node, axis, by, guards)
            case Map(function=function):
                more = case_guards(node, axis, by)
                args = [self._argument(x, axis, by, (*guards, *own))
                        for x, own in zip(node.operands, more, strict=True)]  # fmt: skip
                return broadcast_scalar(apply(function, *args), _without(node.dims, axis))
            case Reduce(operands=(x,)):
                return self._reduced(node, x, axis, by, guards)
            case Matrix(function=function, operands=(x,)) if axis < x.ndim - 2:
                return Matrix(
                    function, self.at(x, axis, by, kept_guards(guards, range(x.ndim - 2)))
                )
            case Gather() | Scatter():
                return self._read(node, axis, by)
        raise _uncuttable(node)

    def _argument(self, x: Expr, axis: int, by: int, guards: Guards) -> Expr:
        if x.ndim:
            return self.at(x, axis, by, guards)
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

    # --- tensors of the recurrence ---

    def _tensor(self, var: Var, axis: int, by: int, guards: Guards) -> Expr:
        own = self.axes.get(var.name)
        if own is None and guards:
            self.doubts[var.name] = (axis, *(g.axis for g in guards))
        elif own is None or own == axis:
            return self._member(var, axis, by, None)
        if own is None or by:
            return Bound("s", self.number[var.name], _without(var.dims, axis), 1)
        return self._column(var, axis, self._guard(var, own, guards))

    def _guard(self, var: Var, own: int, guards: Guards) -> Guard:
        """Return the condition under which a tensor is read at many positions."""
        guard = next((g for g in guards if g.axis == own), None)
        if guard is None:
            raise _unguarded(var)
        sign = 1 if guard.back else -1
        self.found[var, own, sign * guard.gap] = None
        self.found[var, own, sign * max(1, guard.gap)] = None
        return guard

    def _member(self, var: Var, axis: int, by: int, outside: Expr | None) -> Expr:
        self.found[var, axis, by] = None
        dims = _without(var.dims, axis)
        if not by:
            return Bound("s", self.number[var.name], dims)
        number = self.number[var.name]
        if self.starts.setdefault(number, outside) is not outside:
            raise RecurrenceError(f"two values stand before the first entry of {var.name}")
        return self.reads.setdefault((number, abs(by)), Bound("s", number, dims, abs(by)))

    def _past(self, past: Past, dims: tuple[Dim, ...]) -> Var:
        if past not in self.pasts:
            self.pasts[past] = Bound("p", len(self.pasts), dims)
        return self.pasts[past]

    def _whole(self, var: Var, guards: Guards) -> Expr:
        """Return all entries that are there at the position, 0 in the place of the others."""
        own = self.axes.get(var.name)
        if own is None:
            if not guards:
                raise _unguarded(var)
            if len(guards) > 1:
                self.doubts[var.name] = tuple(g.axis for g in guards)
                return var
            own = guards[0].axis
        guard = self._guard(var, own, guards)
        rest = tuple(k for k in range(var.ndim) if k != own)
        every = self._past(Past(self.number[var.name], "all"), _at_front(var.dims, own))
        return self._with_own(var, own, every, rest, guard, tuple(range(var.ndim)))

    def _column(self, var: Var, axis: int, guard: Guard) -> Expr:
        """Return those entries at the position along another axis than the recurrence's."""
        own = guard.axis
        rest = tuple(k for k in range(var.ndim) if k not in (own, axis))
        place = axis - (own < axis)
        dims = tuple(var.dims[k] for k in (own, *rest))
        column = self._past(Past(self.number[var.name], "column", place), dims)
        output = tuple(k for k in range(var.ndim) if k != axis)
        return self._with_own(var, own, column, rest, guard, output)

    def _with_own(
        self, var: Var, own: int, past: Expr, rest: Labels, guard: Guard, output: Labels
    ) -> Expr:
        """Return entries of the past, and the one at the position itself where that counts."""
        if guard.gap:
            return einsum([(past, (own, *rest))], output)
        pair = var.dims[own], var.dims[own]
        strict = self._outside(pair_mask(4 if guard.back else 1, pair), 1, 0)
        here = [(self._outside(Delta(var.dims[own]), 0, 0), (k,)) for k in range(var.ndim)
                if k not in rest]  # fmt: skip
        entry = Bound("s", self.number[var.name], _without(var.dims, own))
        labels = tuple(k for k in range(var.ndim) if k != own)
        return add(
            einsum([(strict, (own,)), (past, (own, *rest))], output),
            einsum([*here, (entry, labels)], output),
        )

    # --- what is inside ---

    def _moved(self, node: Shift, by: int, guards: Guards) -> Expr:
        x, outside = node.operands[0], node.outside
        if outside is not None and not self.is_free(outside):
            raise _uncuttable(node)
        there = by + node.by
        if isinstance(x, Var) and not by and self.axes.get(x.name, node.axis) == node.axis:
            return self._member(x, node.axis, there, outside)
        entry = self.at(x, node.axis, there, guards)
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

    def _product(self, node: Einsum, axis: int, by: int, guards: Guards) -> Expr:
        label = node.output[axis]
        pairs = list(zip(node.operands, node.inputs, strict=True))
        extents = dict(enumerate(node.extents))
        same = {label}
        pairs = self._with_shifts_inside(pairs)
        for x, labels in pairs:  # what a delta sets equal is the same position
            if isinstance(x, Delta) and same & set(labels):
                same |= set(labels)
        terms = self._multiplied_out(node, pairs, same)
        if terms is not None:
            return self.at(terms, axis, by, guards)
        opened = self._with_shifts_inside(self._opened(pairs, node.output, same, extents))
        if opened != pairs and any(_is_sum(x) and not self.is_free(x) for x, _ in opened):
            return self.at(einsum(opened, node.output, extents), axis, by, guards)
        pairs = opened
        bounds = label_guards(node, pairs, same, by, guards)
        done, pairs = self._lagged(pairs, node.output, same, by, extents)
        pairs = self._with_entries(pairs, node.output, same, extents)
        factors: list[Factor] = [*done]
        for x, labels in pairs:
            if self.is_free(x):
                if label in labels:
                    kept = tuple(dict.fromkeys(labels))
                    view = einsum([(x, labels)], kept, extents)
                    own = kept.index(label)
                    factors.append((self.at(view, own, by), _without(kept, own)))
                else:
                    factors.append((self._constant(x), labels))
                continue
            places = [k for k, own in enumerate(labels) if own in same]
            if len(places) > 1:
                labels, met = self._with_one_place(x, labels, places, by, extents)
                places = [k for k, own in enumerate(labels) if own in same]
                factors += met
            inner = tuple(
                bounds[own]._replace(axis=k) for k, own in enumerate(labels) if own in bounds
            )
            if len(places) == 1:
                own = places[0]
                factors.append((self.at(x, own, by, inner), _without(labels, own)))
            elif not places:
                plain = _is_polynomial(x)  # else 1 / h_s of what is not there counts as 0
                earlier = self._earlier(x, inner, not plain)
                if not plain:
                    earlier = self._chosen(earlier, inner, node.dims[axis], 0)
                factors.append((earlier, labels))
        output = tuple(k for k in node.output if k != label)
        return einsum(factors, output, extents)

    def _with_one_place(
        self, x: Expr, labels: Labels, places: list[int], by: int, extents: dict[int, Dim]
    ) -> tuple[Labels, list[Factor]]:
        """Return labels of a diagonal, ``h[l-1,l]``, of which one is the position, and the factors
        that say where the others are."""
        known = self._place_of(x)
        own = known if known in places else places[0]
        names, met = [*labels], list[Factor]()
        for k in places:
            if k != own:
                names[k] = max(extents) + 1
                extents[names[k]] = x.dims[k]
                met.append((self._outside(Delta(x.dims[k]), 0, by), (names[k],)))
        return tuple(names), met

    def _place_of(self, node: Expr) -> int | None:
        """Return the axis of a node along which the members in it move, None if it is not seen."""
        if isinstance(node, Var):
            return self.axes.get(node.name)
        for x, labels in zip(node.operands, getattr(node, "inputs", ()), strict=False):
            own = None if self.is_free(x) else self._place_of(x)
            if own is not None and labels[own] in node.output:  # type: ignore[attr-defined]
                return node.output.index(labels[own])  # type: ignore[attr-defined, no-any-return]
        if isinstance(node, Map | Shift):
            return next((self._place_of(x) for x in node.operands if not self.is_free(x)), None)
        return None

    def _with_entries(
        self, pairs: list[Factor], output: Labels, same: set[int], extents: Mapping[int, Dim]
    ) -> list[Factor]:
        """Return factors of which what is read at an entry, ``x[-1,i]``, is one: outside."""
        for x, labels in [p for p in pairs if isinstance(p[0], Band) and len(p[1]) == 1]:
            holding = [p for p in pairs if labels[0] in p[1] and p != (x, labels)]
            if {*labels} & {*output, *same} or not all(self.is_free(y) for y, _ in holding):
                continue
            kept = tuple(dict.fromkeys(k for _, ls in holding for k in ls if k != labels[0]))
            pairs = [p for p in pairs if p not in holding and p != (x, labels)]
            pairs.append((einsum([*holding, (x, labels)], kept, extents), kept))
        return pairs

    def _with_shifts_inside(self, pairs: Iterable[Factor]) -> list[Factor]:
        return [(x if self.is_free(x) else _shift_inside(x), ls) for x, ls in pairs]

    def _opened(
        self, pairs: list[Factor], output: Labels, same: set[int], extents: dict[int, Dim]
    ) -> list[Factor]:
        """Return factors, those of a product that is read at lags in the place of the product."""
        result: list[Factor] = []
        lagged = self._read_at_lags(pairs, output, same)
        for x, labels in pairs:
            if not isinstance(x, Einsum) or not lagged(x, labels):
                result.append((x, labels))
                continue
            names = dict(zip(x.output, labels, strict=True))
            for k in x.summed:
                names[k] = max(extents) + 1
                extents[names[k]] = x.extents[k]
            result += [(y, tuple(names[k] for k in ls))
                       for y, ls in zip(x.operands, x.inputs, strict=True)]  # fmt: skip
            held = {k for ls in x.inputs for k in ls}
            result += [(full(1, (x.extents[k],)), (names[k],)) for k in x.output if k not in held]
        return result

    def _multiplied_out(self, node: Einsum, pairs: list[Factor], same: set[int]) -> Expr | None:
        """Return the sum of products with each term of a factor that is a sum and is read at lags;
        None where no factor is one."""
        lagged = self._read_at_lags(pairs, node.output, same)
        for k, (x, labels) in enumerate(pairs):
            if not _is_sum(x) or not lagged(x, labels):
                continue
            extents = dict(enumerate(node.extents))
            rest = pairs[:k] + pairs[k + 1 :]
            products = [
                einsum([*rest, (term, labels if term.ndim else ())], node.output, extents)
                for term in x.operands
            ]
            return broadcast_scalar(add(*products), node.dims)
        return None

    def _read_at_lags(
        self, pairs: Sequence[Factor], output: Labels, same: set[int]
    ) -> Callable[[Expr, Labels], bool]:
        """Return which factors hold members that are read at lags that labels say: by a band
        beside them, or by one inside, of whose labels the product sums."""
        moving = {own for x, ls in pairs if isinstance(x, Band) and same & {*ls} for own in ls}

        def lagged(x: Expr, labels: Labels) -> bool:
            if self.is_free(x):
                return False
            summed = {*labels} - same - {*output}
            own = [k for k, label in enumerate(labels) if label in same]
            return not moving.isdisjoint({*labels} - same) or (
                bool(summed) and any(self._is_banded(x, k) for k in own)
            )

        return lagged

    def _is_banded(self, node: Expr, axis: int) -> bool:
        """Whether a band says what is read of members, by a position along an axis."""
        if self.is_free(node):
            return False
        if _is_sum(node):
            return any(x.ndim and self._is_banded(x, axis) for x in node.operands)
        if not isinstance(node, Einsum):
            return False
        label = node.output[axis]
        return any(isinstance(x, Band) or self._is_banded(x, ls.index(label))
                   for x, ls in zip(node.operands, node.inputs, strict=True)
                   if label in ls)  # fmt: skip

    def _chosen(self, value: Expr, guards: Guards, dim: Dim, other: int) -> Expr:
        """Return entries that count, and another number in the place of those that do not."""
        for guard in guards:
            bits = (4 if guard.gap else 6) if guard.back else (1 if guard.gap else 3)
            row = self._outside(pair_mask(bits, (value.dims[guard.axis], dim)), 1, 0)
            every = tuple(range(value.ndim))
            view = einsum([(row, (guard.axis,))], every, dict(enumerate(value.dims)))
            counts = apply("ne", view, full(0, value.dims))
            value = apply("where", counts, value, full(other, value.dims))
        return value

    def _earlier(self, node: Expr, guards: Guards, fill: bool) -> Expr:
        """Return a node that has not the label, over what is there at the position.

        With ``fill`` what is not there is 1, which functions have a value at.
        """
        if self.is_free(node):
            return self._constant(node)
        match node:
            case Var():
                whole = self._whole(node, guards)
                used = tuple(g for g in guards if g.axis == self.axes.get(node.name))
                return (
                    self._chosen(whole, used, node.dims[used[0].axis], 1)
                    if fill and used
                    else (whole)
                )
            case Shift(operands=(x, *outside)) if all(map(self.is_free, outside)):
                moved = self._earlier(x, shifted_guards(guards, node), fill)
                return shift(moved, node.axis, node.by, *map(self._constant, outside))
            case Einsum(operands=operands, inputs=inputs, output=output):
                bounds = {output[g.axis]: g for g in guards}
                inner = [
                    tuple(bounds[own]._replace(axis=k) for k, own in enumerate(ls) if own in bounds)
                    for ls in inputs
                ]
                pairs = zip(operands, inner, strict=True)
                return rebuild(node, [self._earlier(x, own, fill) for x, own in pairs])
            case Map(operands=operands):
                return rebuild(node, [self._earlier(x, guards if x.ndim else (), fill)
                                      for x in operands])  # fmt: skip
            case Reduce(operands=(x,)):
                return rebuild(node, [self._earlier(x, operand_guards(guards, node), fill)])
        raise _uncuttable(node)

    def _lagged(
        self, pairs: list[Factor], output: Labels, same: set[int], by: int, extents: dict[int, Dim]
    ) -> tuple[list[Factor], list[Factor]]:
        """Read members at lags that labels say: return the factors at the position, and the rest.

        Of ``sum_mk(a_k h_m [m = t - k - 1])`` h is read at the lags d = k.
        """
        done: list[Factor] = []
        for x, labels in [p for p in pairs if isinstance(p[0], Band)]:
            assert isinstance(x, Band)
            moving = [k for k, own in enumerate(labels) if own in same]
            for k, label in enumerate(labels):
                holding = [p for p in pairs if label in p[1] and p != (x, labels)]
                lagged = [p for p in holding if not self.is_free(p[0])]
                if not lagged or label in output or len(moving) != 1 or label in same:
                    continue
                if any(same & {*ls} for _, ls in lagged):
                    raise _uncuttable(x)
                found, fixed = self._lags(x, labels, k, moving[0], by, lagged, extents)
                done += found
                known = [p for p in holding if self.is_free(p[0])]
                pairs = [p for p in pairs if p not in holding and p != (x, labels)]
                if known:  # read at the same positions, all at once
                    kept = tuple(dict.fromkeys(
                        own for _, ls in (*known, (x, labels)) for own in ls if own != label
                    ))  # fmt: skip
                    pairs.append((einsum([*known, (x, labels)], kept, extents), kept))
                extents.update(fixed)
                break
        return done, pairs

    def _lags(
        self, band: Band, labels: Labels, axis: int, position: int, by: int,
        lagged: Sequence[Factor], extents: Mapping[int, Dim],
    ) -> tuple[list[Factor], dict[int, Dim]]:  # fmt: skip
        """Return members at their lags, with the band that says which lags these are."""
        sign = band.weights[axis]
        if abs(sign) != 1 or band.weights[position] != -sign or any(band.ends):
            raise _uncuttable(band)
        # the member is read at t + by + sum(weights labels) + constant
        rest = [k for k in range(len(labels)) if k not in (axis, position)]
        weights = [-sign * band.weights[k] for k in rest]
        constant = by - sign * band.constant
        back = constant > 0
        turn = 1 if back else -1
        if constant == 0 or any(turn * n < 0 for n in weights):
            raise RecurrenceError(
                "not all positions that are read come before the one at hand, or behind it",
                hint="labels count from 0: write h[t-k-1] for what comes before h[t]",
            )
        least = turn * constant
        length = span([(turn * n, band.dims[k]) for n, k in zip(weights, rest, strict=True)],
                      least - turn * sum(weights))  # fmt: skip
        found: list[Factor] = []
        if least == 1 and weights == [turn] and length == band.dims[rest[0]]:
            new = labels[rest[0]]  # the lag is the label itself
        else:
            new = max(extents) + 1
            dims = length, *(band.dims[k] for k in rest)
            lag = Band(dims, (1, *(-turn * n for n in weights)), 1 - least)
            found.append((lag, (new, *(labels[k] for k in rest))))
        found += [self._last(x, ls, labels[axis], new, length, turn * least) for x, ls in lagged]
        return found, {new: length}

    def _last(
        self, x: Expr, labels: Labels, label: int, lag: int, length: Dim, least: int
    ) -> Factor:
        """Return the last entries of a member along a label, the latest first."""
        own = labels.index(label)
        if isinstance(x, Shift) and x.axis != own and x.outside is None:  # h[t-k-1,i+1]
            past, kept = self._last(x.operands[0], labels, label, lag, length, least)
            return shift(past, x.axis + (x.axis < own), x.by), kept
        if not isinstance(x, Var):
            raise RecurrenceError(
                "lags that labels say are those of a tensor, not of a formula",
                hint="give what is read a name of its own: v[t] = tanh(h[t])",
            )
        self.found[x, own, least] = None
        dims = length, *_without(x.dims, own)
        past = self._past(Past(self.number[x.name], "lags", length), dims)
        return past, (lag, *_without(labels, own))

    def _sum(self, node: Map, axis: int, by: int, guards: Guards) -> Expr:
        """Add all terms that stay outside there."""
        free = [x for x in node.operands if self.is_free(x)]
        rest = [x for x in node.operands if x not in free]
        repeated = [x for x in free if not x.ndim or not _has_axis(x, axis)]
        moving = [x for x in free if x not in repeated]
        terms = [broadcast_scalar(add(*free), node.dims)] if moving else repeated
        total = add(*(self._argument(x, axis, by, guards) for x in [*rest, *terms]))
        return broadcast_scalar(total, _without(node.dims, axis))

    def _reduced(self, node: Reduce, x: Expr, axis: int, by: int, guards: Guards) -> Expr:
        axes, own = node.axes, axis
        if not node.keeps_axes:
            own = [k for k in range(x.ndim) if k not in axes][axis]
        if own in axes:
            raise _uncuttable(node)
        inner = self.at(x, own, by, operand_guards(guards, node))
        return reduce(node.function, inner, [k - (own < k) for k in axes])

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


def _shift_inside(node: Expr) -> Expr:
    """Return the shift of a product or sum as that of what is shifted; other nodes as they are."""
    if not isinstance(node, Shift) or node.outside is not None:
        return node
    x = _shift_inside(node.operands[0])
    if _is_sum(x) and all(y.ndim for y in x.operands):
        return add(*(_shift_inside(shift(y, node.axis, node.by)) for y in x.operands))
    if not isinstance(x, Einsum):
        return node
    label = x.output[node.axis]
    factors = [(shift(y, ls.index(label), node.by) if label in ls else y, ls)
               for y, ls in zip(x.operands, x.inputs, strict=True)]  # fmt: skip
    counts = [ls.count(label) for _, ls in factors]
    if max(counts) != 1:
        return node
    return einsum(factors, x.output, dict(enumerate(x.extents)))


def _without(items: tuple[T, ...], axis: int) -> tuple[T, ...]:
    return items[:axis] + items[axis + 1 :]


def _has_axis(node: Expr, axis: int) -> bool:
    """Whether a node does more along an axis than to repeat."""
    if not isinstance(node, Einsum):
        return True
    return any(node.output[axis] in labels for labels in node.inputs)


def _is_sum(node: Expr) -> bool:
    return isinstance(node, Map) and node.function == "add"


def _is_polynomial(node: Expr) -> bool:
    """Whether a node has a value wherever its tensors are 0."""
    return all(
        not isinstance(x, Map) or x.function == "add" for x in postorder([node]) if x.operands
    )


def _uncuttable(node: Expr) -> RecurrenceError:
    what = getattr(node, "function", type(node).__name__.lower())
    return RecurrenceError(f"a recurrence cannot be cut at one position through {what}")


def _at_front(items: tuple[T, ...], axis: int) -> tuple[T, ...]:
    return (items[axis], *_without(items, axis))


def _unguarded(var: Var) -> RecurrenceError:
    return RecurrenceError(
        f"{var.name} is read at all positions, not only at earlier ones or only at later ones",
        hint="say which count, as in sum_{s < t}(W_ts h[s])",
    )


__all__ = ["Cut", "RecurrenceError"]
