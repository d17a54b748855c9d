"""Write an expression as a formula, with the letters that its author uses.

Labels inside an `Expr` are numbers. Here each gets a letter: the free ones are given, a summed
one takes the author's letter for its dimension, or the next letter that is free. No letter is
both free and bound, and two sums inside one product never share one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import groupby

from eingrad.calculus.gather_rules import open_scatter
from eingrad.calculus.naming import DirectionName
from eingrad.calculus.structure import OpenProduct, is_sum, open_product
from eingrad.core.algebra import base_and_exponent, constant_value, repeated_axes
from eingrad.core.arrays import Gather, Matrix, Scatter
from eingrad.core.bands import Band
from eingrad.core.expr import (
    Const,
    Delta,
    Dim,
    Einsum,
    Expr,
    Indices,
    Labels,
    Map,
    Reduce,
    Size,
    Var,
    postorder,
)
from eingrad.core.functions import COMPARISONS, MATRIX_FUNCTIONS
from eingrad.core.labelling import Factor, connected
from eingrad.core.positions import Shift
from eingrad.core.rewrite import rewrite
from eingrad.core.spans import span_of
from eingrad.derivation.assemble import assemble, letters_in_order, number
from eingrad.derivation.author_letters import (
    Names,
    OffsetLetter,
    fresh_letter,
    head_of,
    letters_of,
    symbol_of,
)
from eingrad.derivation.author_order import as_written
from eingrad.derivation.implied_conditions import under
from eingrad.derivation.offsets import is_selecting, offsets_to_write, with_entries
from eingrad.derivation.some_entries import (
    bound_first,
    distinguished,
    in_alphabet,
    inside_axis,
    on_axis,
    over_some,
)
from eingrad.notation import syntax
from eingrad.notation.places import compared, ends_at
from eingrad.notation.summation import Summation, walk
from eingrad.notation.syntax import (
    Call,
    Formula,
    MovedLabel,
    SizeOf,
    Symbol,
    move_of,
    symbol_at,
)
from eingrad.notation.text import to_text


def to_formula(expr: Expr, labels: Sequence[str], names: Names) -> Formula:
    """Write ``expr``, whose axes have the letters ``labels``.

    >>> from eingrad.core.algebra import einsum
    >>> a, b = Var("A", ("i", "j")), Var("B", ("j", "k"))
    >>> product = einsum([(a, (0, 1)), (b, (1, 2))], (0, 2))
    >>> to_formula(product, ("i", "k"), Names({"j": ("j",)}, {"A": 0, "B": 1})).factors[1].labels
    ('j', 'k')
    """
    if any(isinstance(x, Scatter) for x in postorder([expr])):
        expr = rewrite([expr], open_scatter)[0]
    used = dict(zip(labels, expr.dims, strict=True))
    writer = _Writer(names, used, _sizes(expr, used, names))
    return as_written(writer.write(expr, tuple(labels)), names.author_order, writer.used)


def _sizes(expr: Expr, used: Mapping[str, Dim], names: Names) -> Mapping[Dim, SizeOf]:
    """Return how a formula speaks of each extent in it.

    By a free label, or by a letter of the author's that stands for this dimension alone, here
    and in the model. Where there is none, or a letter is bound where no tensor says how far it
    goes, as in ``sum_p(cumsum_p(1))``, a tensor says which dimension is meant.
    """
    nodes = [*postorder([expr])]
    loose = {
        x.dims[axis] for node in nodes if isinstance(node, Reduce) and node.keeps_axes
        for x in node.operands for axis in repeated_axes(x) & set(node.axes)
    }  # fmt: skip
    sizes: dict[Dim, SizeOf] = {}
    found = (names.pending.get(x.name) for x in nodes if isinstance(x, Var))
    pending = [derivative[0] for derivative in found if derivative]
    for node in postorder([expr, *pending]) if pending else nodes:
        ends = zip(node.ends, node.dims, strict=True) if isinstance(node, Band) else ()
        spoken_of = (
            [node.dim]
            if isinstance(node, Size)
            else [d for n, d in ends if n and isinstance(d, str)]
        )
        for dim in spoken_of:
            own = names.letters.get(dim, ()) or (dim,)
            free = [x for x, other in used.items() if other == dim]
            alone = [x for x in own if {*names.homes.get(x, ())} <= {dim}]
            bound = [x for x in alone if x not in used and dim not in loose]
            letters = free or bound
            named = names.holders.get(dim, SizeOf(own[0]))
            sizes[dim] = SizeOf(letters[0]) if letters else named
    return sizes


class _Writer:
    """Writes one term.

    ``used`` holds the letters that are taken in it, with the dimension that each stands for;
    ``sizes`` is how the formula speaks of extents.
    """

    def __init__(self, names: Names, used: dict[str, Dim], sizes: Mapping[Dim, SizeOf]) -> None:
        self.names = names
        self.used = used
        self.sizes = sizes
        self.bound: set[str] = set()
        self.within: dict[int, set[int]] = {}  # the labels in a combination in a label's place

    def write(self, expr: Expr, labels: tuple[str, ...]) -> Formula:
        if isinstance(expr, Var):
            return self._symbol(expr, labels)
        if isinstance(expr, Const):
            return number(expr.value)
        if isinstance(expr, Size):
            return self.sizes[expr.dim]
        if isinstance(expr, Indices):
            return _position(labels[0])
        if isinstance(expr, Delta):
            return symbol_at("delta", tuple(sorted(labels)))
        if isinstance(expr, Shift):
            return self._shift(expr, labels)
        if isinstance(expr, Band):
            axes = tuple(range(expr.ndim))
            extents = dict(enumerate(expr.dims))
            return self._product_of(OpenProduct(1, ((expr, axes),), axes, extents), labels)
        if isinstance(expr, Einsum):
            return self._product(expr, labels)
        if is_sum(expr):
            return self._sum(expr, labels)
        if isinstance(expr, Reduce):
            return self._reduce(expr, labels)
        if isinstance(expr, Matrix):
            return self._matrix(expr, labels)
        if isinstance(expr, Gather):
            return self._gather(expr, labels)
        if isinstance(expr, Scatter):
            return self._indicator(expr, labels)
        assert isinstance(expr, Map)
        args = [self.write(x, labels if x.ndim else ()) for x in expr.operands]
        if expr.function in COMPARISONS:
            compare = syntax.Compare(COMPARISONS[expr.function].sign, args[0], args[1])
            return in_alphabet(compare) if expr.has_places else compare
        if expr.function == "pow":
            return self._power(expr, args)
        return Call(expr.function, tuple(args))

    def _shift(self, expr: Shift, labels: tuple[str, ...]) -> Formula:
        """Write ``h[t-1]``, and what stands outside where its tensors do not say that."""
        operand, axis, letter = expr.operands[0], expr.axis, labels[expr.axis]
        if not _can_be_moved(operand, axis):
            return self._at_another(expr, labels)
        moved = MovedLabel.of(letter, expr.by)
        written = self.write(operand, (*labels[:axis], moved, *labels[axis + 1 :]))
        back = move_of(letter)
        if back * expr.by < 0:  # moving there and back loses entries at the end
            written = inside_axis(written, letter, back, number(0))
        if self._says_outside(expr):
            alone = isinstance(operand, Einsum) and self._has_end(operand, axis)
            return under(written, [on_axis(letter, expr.by)]) if alone and not back else written
        outside = number(0)
        if expr.outside is not None:
            rest = (*labels[:axis], *labels[axis + 1 :])
            outside = self.write(expr.outside, rest if expr.outside.ndim else ())
        return inside_axis(written, letter, expr.by + back, outside)

    def _at_another(self, expr: Shift, labels: tuple[str, ...]) -> Formula:
        """Write ``sum_{u == t - 1}(softmax_u(x_u))``, whose function names the label."""
        axis, letter = expr.axis, labels[expr.axis]
        other = self._bind(expr.dims[axis])
        written = self.write(expr.operands[0], (*labels[:axis], other, *labels[axis + 1 :]))
        here, by = _position(letter), number(abs(expr.by))
        there = _total([here], [by]) if expr.by < 0 else _total([here, by], [])
        condition = syntax.Compare("==", syntax.Ordinal(other), there)
        inside = Call("sum", (written,), (other,), None, (condition,))
        if expr.outside is None:
            return inside
        rest = (*labels[:axis], *labels[axis + 1 :])
        outside = self.write(expr.outside, rest if expr.outside.ndim else ())
        return inside_axis(inside, letter, expr.by + move_of(letter), outside)

    def _says_outside(self, expr: Shift) -> bool:
        """Whether a formula at moved labels is outside what the shift is there."""
        operand = expr.operands[0]
        if isinstance(operand, Var):
            edges = self.names.edges.get(operand.name, ())
            return (expr.outside is None) == ((expr.axis, expr.by < 0) not in edges)
        return expr.outside is None and self._vanishes(operand, expr.axis)

    def _has_end(self, product: Einsum, axis: int) -> bool:
        """Whether a tensor that is a factor, read outside an axis, is 0."""
        label = product.output[axis]
        pairs = zip(product.operands, product.inputs, strict=True)
        ends = [self._vanishes(x, ls.index(label)) for x, ls in pairs
                if label in ls and isinstance(x, Var)]  # fmt: skip
        return any(ends)

    def _vanishes(self, expr: Expr, axis: int) -> bool:
        """Whether a formula is 0 where its tensors are read outside an axis."""
        match expr:
            case Var():
                return expr.name not in self.names.edges and expr.name not in self.names.pending
            case Delta():
                return True
            case Gather():
                label = expr.output[axis]
                read = [source[1] for source in expr.sources if not isinstance(source, int)]
                alone = expr.sources.count(label) == 1 and all(label not in own for own in read)
                return alone and self._vanishes(expr.operands[0], expr.sources.index(label))
            case Shift():
                return expr.axis != axis and self._vanishes(expr.operands[0], axis)
            case Einsum():
                label = expr.output[axis]
                pairs = zip(expr.operands, expr.inputs, strict=True)
                return any(self._vanishes(x, ls.index(label)) for x, ls in pairs if label in ls)
            case Reduce(axes=axes) if not expr.keeps_axes and expr.function in {"sum", "mean"}:
                own = [k for k in range(expr.operands[0].ndim) if k not in axes][axis]
                return self._vanishes(expr.operands[0], own)
            case Map(function="add"):
                return all(x.ndim > 0 and self._vanishes(x, axis) for x in expr.operands)
            case Map(function="tanh" | "sin" | "abs" | "relu"):
                return self._vanishes(expr.operands[0], axis)
            case Map(function="pow"):
                base, exponent = expr.operands
                power = constant_value(exponent)
                positive = isinstance(power, int | float | Fraction) and power > 0
                return positive and self._vanishes(base, axis)
        return False

    def _symbol(self, var: Var, labels: tuple[str, ...]) -> Formula:
        if var.name in self.names.pending:
            expr, wrt, split = self.names.pending[var.name]
            own, by = (labels, labels) if split < 0 else (labels[:split], labels[split:])
            return syntax.Derivative(self.write(expr, own), (Symbol(wrt, by),))
        title = self.names.derivatives.get(var.name)
        if title is None or any(isinstance(x, OffsetLetter) for x in labels):
            return symbol_of(var.name if title is None else str(title), labels)
        return head_of(title, labels)

    def _bind(self, dim: Dim) -> str:
        """Return a letter for a label that is summed: the one by which its extent is called."""
        reserved = {size.label: own for own, size in self.sizes.items() if size.of is None}
        letter = next((x for x, own in reserved.items() if own == dim), "")
        if not letter or letter in self.used:
            letter = fresh_letter(dim, [*self.used, *reserved], self.names)
        self.used[letter] = dim
        return letter

    def _power(self, expr: Map, args: list[Formula]) -> Formula:
        _, exponent = base_and_exponent(expr)
        if exponent == Fraction(1, 2):
            return Call("sqrt", (args[0],))
        if isinstance(exponent, int | Fraction) and exponent < 0:
            divisor = args[0] if exponent == -1 else syntax.Power(args[0], number(-exponent))
            return syntax.Product((syntax.Number(1), divisor), (False, True))
        return syntax.Power(args[0], args[1])

    def _reduce(self, expr: Reduce, labels: tuple[str, ...]) -> Formula:
        operand = expr.operands[0]
        if expr.keeps_axes:
            own, deltas = self._apart(labels, expr.axes, expr.dims)
            axes = tuple(own[k] for k in expr.axes)
        else:
            deltas = []
            free = iter(labels)
            bound = {k: self._bind(operand.dims[k]) for k in expr.axes}
            own = tuple(bound[k] if k in bound else next(free) for k in range(operand.ndim))
            axes = tuple(bound.values())
        written = self.write(operand, own)
        if (some := over_some(expr.function, written, axes)) is not None:
            return assemble(1, [*deltas, some], [], ())
        arg = self._along(written, axes, operand.dims, expr.axes)
        return assemble(1, [*deltas, Call(expr.function, (arg,), axes)], [], ())

    def _along(
        self, arg: Formula, letters: Sequence[str], dims: Sequence[Dim], axes: Sequence[int]
    ) -> Formula:
        """Give an argument that only repeats along an axis its label: times ``sum_j(delta_ij)``."""
        free = Summation().free(arg)
        ones: list[Formula] = []
        for letter, axis in zip(letters, axes, strict=True):
            if letter not in free:
                other = self._bind(dims[axis])
                delta = Symbol("delta", tuple(sorted((letter, other))))
                ones.append(Call("sum", (delta,), (other,)))
        return assemble(1, [arg, *ones], [], ()) if ones else arg

    def _matrix(self, expr: Matrix, labels: tuple[str, ...]) -> Formula:
        """Write a matrix function over its two axes; of an inverse these are labels."""
        operand = expr.operands[0]
        n = operand.ndim
        if MATRIX_FUNCTIONS[expr.function].keeps_axes:
            own, deltas = self._apart(labels, (n - 2, n - 1), expr.dims)
        else:
            own, deltas = (*labels, *(self._bind(dim) for dim in operand.dims[-2:])), []
        call = Call(expr.function, (self.write(operand, own),), own[-2:])
        return assemble(1, [*deltas, call], [], ())

    def _gather(self, expr: Gather, labels: tuple[str, ...]) -> Formula:
        """Write entries of a tensor: ``Z[b,y[b]]``, of a formula ``sum_o(delta[y[b],o] ...)``."""
        tensor, *indices = expr.operands
        letters = dict(zip(expr.output, labels, strict=True))
        entries: list[str | Symbol | syntax.TensorAt] = []
        for source in expr.sources:
            if isinstance(source, int):
                entries.append(letters[source])
            else:
                at = self.write(indices[source[0]], tuple(letters[k] for k in source[1]))
                assert isinstance(at, Symbol | syntax.TensorAt)
                entries.append(at)
        if isinstance(tensor, Var) and tensor.name not in self.names.derivatives:
            return syntax.TensorAt(tensor.name, tuple(entries))
        own, deltas, bound = list[str](), list[Formula](), list[str]()
        for entry, dim in zip(entries, tensor.dims, strict=True):
            if isinstance(entry, str):
                own.append(entry)
            else:
                own.append(self._bind(dim))
                bound.append(own[-1])
                deltas.append(syntax.TensorAt("delta", (entry, own[-1])))
        return assemble(1, [*deltas, self.write(tensor, tuple(own))], [], bound)

    def _indicator(self, expr: Scatter, labels: tuple[str, ...]) -> Formula:
        """Write ``delta[y[b],o]``."""
        at = self.write(expr.operands[1], labels[:-1])
        assert isinstance(at, Symbol | syntax.TensorAt)
        return syntax.TensorAt("delta", (at, labels[-1]))

    def _apart(
        self, labels: tuple[str, ...], axes: Sequence[int], dims: Sequence[Dim]
    ) -> tuple[tuple[str, ...], list[Formula]]:
        """Give axes that a function names letters of their own, and deltas that set them equal.

        On its diagonal an inverse is ``delta_ij inv_ij(A_ij)``, since ``inv_ii`` names one axis.
        """
        result, deltas = list(labels), list[Formula]()
        for k in sorted(axes, reverse=True):
            if result.count(labels[k]) > 1:
                result[k] = self._bind(dims[k])
                deltas.append(Symbol("delta", tuple(sorted((labels[k], result[k])))))
        return tuple(result), deltas

    def _sum(self, expr: Expr, labels: tuple[str, ...]) -> Formula:
        """Write terms, positive ones first; they may use the same letters for their sums."""
        before = dict(self.used)
        parts = []
        for term in _flat_terms(expr):
            writer = _Writer(self.names, dict(before), self.sizes)
            negative, formula = writer.signed(term, labels if term.ndim else ())
            is_number = constant_value(term) is not None
            order = (*self._order(term), letters_in_order(formula), term.digest)
            key = (negative, is_number and negative, order)
            parts.append((key, negative, formula))
            self.used.update(writer.used)
        parts.sort(key=lambda part: part[0])
        return syntax.Sum(tuple(p[2] for p in parts), tuple(p[1] for p in parts))

    def signed(self, expr: Expr, labels: tuple[str, ...]) -> tuple[bool, Formula]:
        """Write an expression without its sign."""
        formula = self.write(expr, labels)
        if isinstance(formula, syntax.Sum) and len(formula.terms) == 1:
            return formula.negative[0], formula.terms[0]
        return False, formula

    def _order(self, expr: Expr) -> tuple[object, ...]:
        """Order terms and factors: numbers, then tensors as the author introduced them."""
        rank = self.names.rank
        found = [rank.get(v.name, len(rank)) for v in _leaves(expr)]
        is_number = constant_value(expr) is not None
        return (not is_number, not expr.has_delta, max(found, default=-1), len(found))

    def _product(self, expr: Einsum, labels: tuple[str, ...]) -> Formula:
        return self._product_of(open_product(expr), labels)

    def _product_of(self, product: OpenProduct, labels: tuple[str, ...]) -> Formula:
        product = with_entries(product)
        letters = dict(zip(product.output, labels, strict=True))
        self.bound = set()
        for k in self._in_reading_order(product):
            letters[k] = self._bind(product.extents[k])
            self.bound.add(letters[k])
        summed = product.summed()
        product = self._with_offsets(product, letters)
        masks = [f for f in product.factors if is_selecting(f[0])]
        if masks:
            return self._conditional(product, masks, letters, summed - product.summed())
        above, below = self._factors(product, letters)
        bound = letters_of(summed, letters)
        if ends := self._ends(bound, [*above, *below]):
            inner = assemble(1, above, below, [x for x in bound if x not in ends])
            total = Call("sum", (inner,), tuple(ends), None, tuple(ends.values()))
            return assemble(product.coefficient, [total], [], ())
        return assemble(product.coefficient, above, below, bound)

    def _ends(
        self,
        bound: Iterable[str],
        factors: Sequence[Formula],
        conditions: Sequence[syntax.Compare] = (),
    ) -> dict[str, syntax.Compare]:
        """Return how far labels go that are summed, where neither a tensor nor their letter says
        it: ``sum_{q < size(o)}(w[q-m] w[q-n])``; or a condition says another end."""
        letters, homes = self.names.letters, self.names.homes
        found: dict[str, syntax.Compare] = {}
        for x in bound:
            dim = self.used[x]
            its_own = homes.get(x) == [dim]
            ended = any(ends_at(c, x) not in (None, x) for c in conditions)
            if (its_own and not ended) or any(
                x in _still(part) for f in factors for part in walk(f)
            ):
                continue
            alone = [y for y in letters.get(dim, ()) if len(homes[y]) == 1]
            alone = [x] if its_own else alone
            end = SizeOf(alone[0]) if alone else self.names.holders.get(dim)
            if end is not None:
                found[x] = syntax.Compare("<", syntax.Ordinal(x), end)
        return found

    def _takes_offsets(self, tensor: Var, band: Band) -> bool:
        """Whether an axis of a tensor may be written as a combination: not of ``dy_i/dx_j``, nor
        where that is outside of one that says what stands there."""
        title = self.names.derivatives.get(tensor.name)
        plain = title is None or isinstance(title, DirectionName) or not title.of_ndim
        inside = len(band.weights) == 1 or tensor.name not in self.names.edges
        return plain and inside and tensor.name not in self.names.pending

    def _with_offsets(self, product: OpenProduct, letters: dict[int, str]) -> OpenProduct:
        """Take bands out: a letter that one selects becomes the combination of its others."""
        self.within = {}
        for band, labels, label in offsets_to_write(product, self._takes_offsets):
            self.within[label] = {k for k in labels if k != label}
            weights = dict(zip(labels, band.weights, strict=True))
            sign = -weights.pop(label)
            order = sorted(weights, key=lambda k: (
                sign * weights[k] < 0, abs(weights[k]) == 1, span_of(product.extents[k]) is None,
                str(letters[k]),
            ))  # fmt: skip
            terms = tuple((sign * weights[k], str(letters[k])) for k in order)
            moved = sum(sign * n * move_of(letters[k]) for k, n in weights.items())
            offset = syntax.Offset(terms, sign * band.constant + moved)
            self.bound.discard(letters[label])
            self.used.pop(letters[label], None)
            letters[label] = OffsetLetter.of(letters[label], offset)
            factors = list(product.factors)
            factors.remove((band, labels))
            product = replace(product, factors=tuple(factors))
        return product

    def _conditional(
        self, product: OpenProduct, masks: list[Factor], letters: Mapping[int, str],
        moved: set[int],
    ) -> Formula:  # fmt: skip
        """Write a product with masks: a sum over the entries for which conditions hold, or a case
        distinction where nothing that they compare is summed.

        The labels in ``moved`` stand in offsets alone.
        """
        rest = [f for f in product.factors if f not in masks]
        summed = product.summed() | moved
        held = [(f, self._held(f[1])) for f in (*rest, *masks)]
        groups = connected(summed, held)
        inside = [[f for f, _ in own] for _, own in groups if any(f in masks for f, _ in own)]
        free = [f for f in masks if summed.isdisjoint(f[1])]
        sums: list[Formula] = []
        for own in inside:
            own_masks = [f for f in own if f in masks]
            inner = replace(product, factors=tuple(f for f in own if f not in masks))
            sums.append(self._conditional_sum(inner, self._conditions(own_masks, letters), letters))
        used = [f for own in inside for f in own]
        outer = [f for f in rest if f not in used]
        bound = letters_of(summed - {k for f in used for k in self._held(f[1])}, letters)
        above, below = self._factors(replace(product, factors=tuple(outer)), letters)
        whole = assemble(product.coefficient, [*above, *sums], below, bound)
        return distinguished(whole, self._conditions(free, letters))

    def _held(self, labels: Iterable[int]) -> Labels:
        """Return the labels that a factor speaks of: those in a combination, too."""
        found = [k for label in labels for k in (label, *self.within.get(label, ()))]
        return tuple(dict.fromkeys(found))

    def _conditions(
        self, masks: Iterable[Factor], letters: Mapping[int, str]
    ) -> list[syntax.Compare]:
        """Write the conditions of masks, first those that compare the first letters."""
        found = []
        for x, own in masks:
            names = tuple(letters[k] for k in own)
            written = (
                self._band(x, names) if isinstance(x, Band) else self.write(x.operands[0], names)
            )
            assert isinstance(written, syntax.Compare)
            found.append(written)
        return sorted(found, key=to_text)

    def _band(self, band: Band, letters: tuple[str, ...]) -> syntax.Compare:
        """Write the condition of a band: ``m == 2 i + k``."""
        sides: tuple[list[Formula], list[Formula]] = [], []
        for n, letter in zip(band.weights, letters, strict=True):
            term = _position(letter)
            sides[n < 0].append(assemble(abs(n), [term], [], ()) if abs(n) > 1 else term)
        constant = band.constant
        for n, dim in zip(band.ends, band.dims, strict=True):
            if n and isinstance(dim, int):
                constant += n * dim
            elif n:
                sides[n < 0].append(self.sizes.get(dim, SizeOf(str(dim))))
        rest = [number(abs(constant))] if constant else []
        left = _total([*sides[0], *(rest if constant > 0 and not sides[1] else [])], [])
        minus = rest if constant > 0 and sides[1] else []
        right = _total([*sides[1], *(rest if constant < 0 else [])], minus)
        return syntax.Compare("==", left, right)

    def _conditional_sum(
        self,
        inner: OpenProduct,
        conditions: list[syntax.Compare],
        letters: Mapping[int, str],
    ) -> Formula:
        """Write ``sum_{i != j}(...)`` of the factors that a condition's labels connect."""
        call = Call("sum", (), (), None, tuple(conditions))
        held = {k for _, labels in inner.factors for k in self._held(labels)} | {
            k for k, letter in letters.items() if letter in compared(call)
        }
        own = [k for k in sorted(inner.summed() | held) if k not in inner.output and k in held]
        axes = tuple(letters[k] for k in own if letters[k] in compared(call))
        call = replace(call, conditions=tuple(bound_first(c, axes) for c in conditions))
        above, below = self._factors(inner, letters)
        ends = self._ends(letters_of(own, letters), [*above, *below], call.conditions)
        axes = tuple(dict.fromkeys((*axes, *ends)))
        others = [x for x in letters_of(own, letters) if x not in axes]
        call = replace(call, conditions=(*call.conditions, *ends.values()))
        inner_part = under(assemble(1, above, below, others), conditions)
        return replace(call, args=(inner_part,), axes=axes)

    def _in_reading_order(self, product: OpenProduct) -> list[int]:
        """Return the summed labels by where they are met first, those met alike along a chain."""
        if len(summed := product.summed()) < 2:
            return [*summed]
        before: dict[int, list[int]] = {}
        after: dict[int, list[int]] = {}
        for _, labels in product.factors:
            for axis, k in enumerate(labels):
                before.setdefault(k, []).extend(labels[:axis])
                after.setdefault(k, []).extend(labels[axis + 1 :])
        key = {k: self._first_use(product, k) for k in summed}
        order: list[int] = []
        for _, tie in groupby(sorted(key, key=lambda k: key[k]), key=lambda k: key[k]):
            left = dict.fromkeys(tie)
            known = [*product.output, *order][::-1]
            stack = [k for near in (before, after) for x in known for k in near.get(x, ())]
            while left:
                k = stack.pop() if stack else next(iter(left))
                if k in left:
                    del left[k]
                    order.append(k)
                    stack += before[k] + after[k]
        return order

    def _first_use(self, product: OpenProduct, label: int) -> tuple[object, ...]:
        """Say where a label is met first; of several, a chain's end comes before its middle."""
        uses = sorted(
            (self._order(x), x.digest, 0 if self._is_symmetric(x) else labels.index(label))
            for x, labels in product.factors
            if label in labels
        )
        return uses[0], sorted(axis for *_, axis in uses), uses

    def _is_symmetric(self, x: Expr) -> bool:
        return isinstance(x, Var) and x.name in self.names.author_order.symmetric

    def _factors(
        self, product: OpenProduct, letters: Mapping[int, str]
    ) -> tuple[list[Formula], list[Formula]]:
        """Write the factors above and below the fraction bar, in reading order."""
        counts = Counter((x, tuple(letters[k] for k in own)) for x, own in product.factors)
        near = {own for x, own in counts if self._is_upstream(x)}
        holders: dict[str, set[Expr]] = {}
        for x, own in counts:
            for letter in own:
                holders.setdefault(letter, set()).add(x)
        rows = sorted(counts, key=lambda f: self._place(f[0], f[1], holders, near))
        above: list[Formula] = []
        divisors: list[tuple[Expr, tuple[str, ...]]] = []
        for x, own in rows:
            base, exponent = base_and_exponent(x)
            if isinstance(exponent, int | Fraction) and exponent < 0:
                shown = base if exponent == -1 else Map("pow", [base, Const(-exponent)])
                divisors += [(shown, own)] * counts[x, own]
            else:
                above += [self.write(x, own)] * counts[x, own]
        return above, [self.write(x, own) for x, own in divisors]

    def _is_upstream(self, x: Expr) -> bool:
        return isinstance(x, Var) and (
            x.name in self.names.derivatives or x.name in self.names.pending
        )

    def _place(
        self,
        x: Expr,
        own: tuple[str, ...],
        holders: Mapping[str, set[Expr]],
        near: set[tuple[str, ...]],
    ) -> tuple[object, ...]:
        """Order factors: deltas, scalars, tensors, what has a label for itself alone, sums.

        An upstream derivative stands after what it is contracted with, before what it is
        multiplied with entry by entry: ``X_bi dL/dZ_bh Z_bh (1 - Z_bh)``.
        """
        private = any(k in self.bound and len(holders[k]) == 1 for k in own)
        pending = isinstance(x, Var) and x.name in self.names.pending
        return (
            not isinstance(x, Delta | Scatter), x.ndim > 0, pending, is_sum(x), own in near,
            private, not isinstance(x, Var), not self._is_upstream(x), self._order(x), own,
            x.digest,
        )  # fmt: skip


def _can_be_moved(expr: Expr, axis: int) -> bool:
    """Whether a formula may be written at another position: no function names the label."""
    stack, seen = [(expr, axis)], set[tuple[Expr, int]]()
    while stack:
        x, k = pair = stack.pop()
        if pair in seen:
            continue
        seen.add(pair)
        match x:
            case Einsum():
                found = zip(x.operands, x.inputs, strict=True)
                stack += [(y, n) for y, ls in found for n, m in enumerate(ls) if m == x.output[k]]
            case Reduce() if x.keeps_axes:
                if k in x.axes:
                    return False
                stack.append((x.operands[0], k))
            case Reduce():
                own = [n for n in range(x.operands[0].ndim) if n not in x.axes]
                stack.append((x.operands[0], own[k]))
            case Matrix():
                if k >= x.operands[0].ndim - 2:
                    return False
                stack.append((x.operands[0], k))
            case Map() | Shift():
                stack += [(y, k) for y in x.operands[:1] if y.ndim]
                stack += [(y, k) for y in x.operands[1:] if y.ndim == x.ndim]
    return True


def _still(part: Formula) -> set[str]:
    """Return the labels at which a formula is a tensor itself."""
    if isinstance(part, syntax.TensorAt):
        plain = {x for x in part.entries if isinstance(x, str)}
        return plain.union(*map(_still, part.indices))
    if isinstance(part, syntax.Derivative):
        found = {x for inner in walk(part.of) for x in _still(inner)}
        return found.union(*map(_still, part.wrt))
    return {*part.labels} - part.moved if isinstance(part, Symbol) else set()


def _total(plus: Sequence[Formula], minus: Sequence[Formula]) -> Formula:
    terms = (*plus, *minus)
    if not terms:
        return number(0)
    if len(plus) == len(terms) == 1:
        return plus[0]
    return syntax.Sum(terms, (*(False,) * len(plus), *(True,) * len(minus)))


def _position(letter: str) -> Formula:
    by = move_of(letter)
    here = syntax.Ordinal(str.__str__(letter))
    return syntax.Sum((here, number(abs(by))), (False, by < 0)) if by else here


def _flat_terms(expr: Expr) -> Iterator[Expr]:
    """Yield the terms of a sum, those of sums inside it too."""
    for term in expr.operands:
        if is_sum(term):
            yield from _flat_terms(term)
        else:
            yield term


@lru_cache(maxsize=4096)
def _leaves(expr: Expr) -> Sequence[Var]:
    found: list[Var] = []
    stack = [expr]
    while stack and len(found) < 64:
        node = stack.pop()
        if isinstance(node, Var):
            found.append(node)
        stack.extend(node.operands)
    return found
