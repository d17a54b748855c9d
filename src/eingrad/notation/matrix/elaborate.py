"""Typed trees to index notation: rows and columns get letters, products sum what they join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from eingrad.errors import NotationError
from eingrad.notation.lexeme import keeps_labels
from eingrad.notation.matrix.kinds import C, M, R, S
from eingrad.notation.matrix.letters import Letters, OpenExtent
from eingrad.notation.matrix.shapes import DENOMINATOR, NUMERATOR, Factored, Shapes
from eingrad.notation.matrix.typed import OF_MATRIX, Typed
from eingrad.notation.summation import Summation
from eingrad.notation.syntax import (
    SLICE,
    Call,
    Compare,
    Derivative,
    Formula,
    Number,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)

Label = str | tuple["Label", "Label"] | None  # of stacked entries, one for each of their axes
Scope = set[str]  # the letters in use around, and beside
ONE, TWO = Number(1), Number(2)


class Elaboration:
    """Writes statements in index notation; ``layout`` says which axis of a Jacobian is its row."""

    def __init__(self, shapes: Shapes, letters: Letters, layout: str = NUMERATOR) -> None:
        self.shapes, self.letters, self.layout = shapes, letters, layout

    def labels_for(self, node: Typed, scope: Scope) -> tuple[Label, Label]:
        """Return letters for the rows and columns of a part."""
        rows, cols = self.shapes.of(node)
        return self._fresh(rows, scope), self._fresh(cols, scope)

    def _fresh(self, extent: OpenExtent | None, scope: Scope) -> Label:
        if extent is None:
            return None
        if extent.parts is not None:
            slow, fast = extent.parts
            return self._fresh(slow, scope), self._fresh(fast, scope)
        label = self.letters.label(extent, scope)
        scope.add(label)
        return label

    def at(self, node: Typed, labels: tuple[Label, Label], scope: Scope) -> Formula:
        """Write a part with letters for its rows and columns."""
        return self.emit(node, *labels, scope)

    def emit(self, node: Typed, row: Label, col: Label, scope: Scope) -> Formula:
        """Write a part whose rows and columns have these letters."""
        match node.op:
            case "name":
                return self._name(node.written, row, col)
            case "ones":
                return ONE
            case "identity":
                return self._multiplied(_deltas(row, col), None, ())
            case "commutation":
                assert isinstance(col, tuple)
                return self._multiplied(_deltas(row, col[::-1]), None, ())
            case "product" | "matmul":
                return self._product(node, row, col, scope)
            case "entrywise":
                return self._entrywise(node, row, col, scope)
            case "outer" | "kronecker":
                return self._outer(node, row, col, scope)
            case "sum":
                return self._sum(node, row, col, scope)
            case "times" if self.shapes.kind(node) == M:
                return self._product(node, row, col, scope)
            case "map" | "power" | "times":
                return self._map(node, row, col, scope)
            case "vec":
                assert isinstance(row, tuple)
                return self.emit(node.parts[0], *(row if self.shapes.by_rows else row[::-1]), scope)
            case "transpose":
                return self.emit(node.parts[0], col, row, scope)
            case "derivative":
                return self._derivative(node, row, col, scope)
            case "chain":
                return self._chain(node, row, col, scope)
            case "index":
                return self._extent(node.written)
            case "number" | "size":
                return node.written
        return self._function(node, row, col, scope)

    def _name(self, tensor: Formula, row: Label, col: Label) -> Formula:
        assert isinstance(tensor, Symbol | TensorAt)
        more = _present((row, col))
        name = self.shapes.name_of(tensor)
        if isinstance(tensor, TensorAt):
            return replace(tensor, name=name, entries=(*tensor.entries, *more))
        if SLICE in tensor.labels:
            letters = iter(more)
            labels = tuple(next(letters) if x == SLICE else x for x in tensor.labels)
            return replace(tensor, name=name, labels=labels)
        moves = (*tensor.moves, *(0 for _ in more)) if tensor.moves else ()
        return replace(tensor, name=name, labels=(*tensor.labels, *more), moves=moves)

    def _extent(self, written: Formula) -> Formula:
        """Write the m of ``X in R^{m x d}`` as the extent that it is; delta and pi stay."""
        extent = self.shapes.sizes.get(written.name) if isinstance(written, Symbol) else None
        if extent is None:
            return written
        return SizeOf(self.letters.label(extent, ()), position=written.position)

    # --- sums and what goes entry by entry ---

    def _parts(self, node: Typed, row: Label, col: Label, scope: Scope) -> list[Formula]:
        """Write the parts of what goes entry by entry; scalars are for every entry."""
        return [self.at(x, self._own(node, x, row, col), scope) for x in node.parts]

    def _own(self, node: Typed, part: Typed, row: Label, col: Label) -> tuple[Label, Label]:
        """Return which of the letters a part has: a vector added to a matrix has one of them."""
        kind, whole = self.shapes.kind(part), self.shapes.kind(node)
        if kind == S:
            return None, None
        if kind == whole:
            return row, col
        only = row if id(part) in self.shapes.downward else col
        return (only, None) if kind == C else (None, only)

    def _sum(self, node: Typed, row: Label, col: Label, scope: Scope) -> Formula:
        assert isinstance(node.written, Sum)
        terms: list[Formula] = []
        used: Scope = set()
        for part in node.parts:
            own = set(scope)
            terms.append(self.at(part, self._own(node, part, row, col), own))
            used |= own
        scope |= used
        return replace(node.written, terms=tuple(terms))

    def _map(self, node: Typed, row: Label, col: Label, scope: Scope) -> Formula:
        written = node.written
        if isinstance(written, Power):
            base = node.parts[0]
            if base.op == "norm" and written.exponent == TWO:
                return self._square_norm(base, scope)
            exponent = self.emit(node.parts[1], None, None, scope)
            return replace(written, base=self.emit(base, row, col, scope), exponent=exponent)
        parts = self._parts(node, row, col, scope)
        if isinstance(written, Compare):
            return replace(written, left=parts[0], right=parts[1])
        assert isinstance(written, Call)
        return replace(written, args=tuple(parts))

    def _entrywise(self, node: Typed, row: Label, col: Label, scope: Scope) -> Formula:
        parts = self._parts(node, row, col, scope)
        if all(node.divides):
            return self._multiplied([ONE, *parts], (False, *node.divides), ())
        return self._multiplied(parts, node.divides, ())

    def _outer(self, node: Typed, row: Label, col: Label, scope: Scope) -> Formula:
        """Write a product of all entries of two parts, each with what it has of the letters."""
        left, right = (self.shapes.of(x) for x in node.parts)
        if self.shapes.is_outer(node):
            column = self.shapes.kind(node.parts[0]) == C
            rows, cols = ((row, col), (None, None)) if column else ((None, None), (row, col))
        else:
            rows, cols = map(_shared, (row, col), left, right)
        places = zip(rows, cols, strict=True)
        parts = [self.at(x, at, scope) for x, at in zip(node.parts, places, strict=True)]
        return self._multiplied(parts, (False, False), ())

    # --- products ---

    def _product(
        self, node: Typed, row: Label, col: Label, scope: Scope, summed: tuple[str, ...] = ()
    ) -> Formula:
        """Write a product; ``summed`` are letters that are summed beside those of its chain."""
        found = Factored(core=node) if node.op == "matmul" else self.shapes.products[id(node)]
        scalars, core = found.scalars, found.core
        factors: list[Formula] = []
        below: list[Formula] = []
        for scalar, divisor in scalars:
            (below if divisor else factors).append(self.emit(scalar, None, None, scope))
        if core is not None:
            chain = core.parts if core.op == "matmul" else (core,)
            pieces, joined = self._joined(chain, row, col, scope)
            factors += pieces
            summed += joined
        divides = (*(False for _ in factors), *(True for _ in below))
        return self._multiplied([*factors, *below], divides, summed)

    def _joined(
        self, chain: Sequence[Typed], row: Label, col: Label, scope: Scope
    ) -> tuple[list[Formula], tuple[str, ...]]:
        """Return the factors of a matrix product, and the letters that they share.

        ``diag(v)`` and I join the letters on both their sides, if these are not the outer ones.
        """
        ends = [row, *(None for _ in chain[1:]), col]
        group = list(range(len(ends)))
        for k, factor in enumerate(chain):
            last = k + 1 == len(chain)
            if self._is_diagonal(factor) and not (last and group[k] == 0):
                old, new = (group[k], k + 1) if last else (k + 1, group[k])
                group = [new if x == old else x for x in group]
        labels: dict[int, Label] = {group[0]: row, group[-1]: col}
        summed: list[str] = []
        for k, factor in enumerate(chain[:-1]):
            extent = self.shapes.of(factor)[1]
            if group[k + 1] not in labels:
                labels[group[k + 1]] = label = self._fresh(extent, scope)
                summed += _present((label,))
        pieces: list[Formula] = []
        for k, factor in enumerate(chain):
            rows, cols = self.shapes.of(factor)
            left = labels[group[k]] if rows is not None else None
            right = labels[group[k + 1]] if cols is not None else None
            if self._is_diagonal(factor) and left == right:
                pieces += self._on_diagonal(factor, left, scope)
            else:
                pieces.append(self.emit(factor, left, right, scope))
        return pieces, tuple(summed)

    def _is_diagonal(self, node: Typed) -> bool:
        if node.op in {"inverse", "transpose"}:
            return self.shapes.kind(node) == M and self._is_diagonal(node.parts[0])
        return node.op == "identity" or (node.op == "diag" and self.shapes.kind(node) == M)

    def _on_diagonal(self, node: Typed, label: Label, scope: Scope) -> list[Formula]:
        if node.op == "identity":
            return []
        if node.op == "transpose":
            return self._on_diagonal(node.parts[0], label, scope)
        if node.op == "inverse":
            below = self._on_diagonal(node.parts[0], label, scope)
            return [self._multiplied([ONE, x], (False, True), ()) for x in below]
        vector = node.parts[0]
        own = (label, None) if self.shapes.kind(vector) == C else (None, label)
        return [self.at(vector, own, scope)]

    def _multiplied(
        self, factors: Sequence[Formula], divides: Sequence[bool] | None, summed: Sequence[str]
    ) -> Formula:
        """Return a product that sums these letters, in ``sum`` where the convention would not."""
        divides = (False,) * len(factors) if divides is None else divides
        summation = Summation()
        flat: list[Formula] = []
        below: list[bool] = []
        for factor, divisor in zip(factors, divides, strict=True):
            if isinstance(factor, Product) and not divisor and not any(factor.divides):
                flat += factor.factors
                below += factor.divides
            elif factor != ONE or divisor:
                flat.append(factor)
                below.append(divisor)
        held = {x for factor in flat for x in summation.free(factor)}
        absent = [x for x in summed if x not in held]
        flat += [SizeOf(x) for x in absent]
        below += [False] * len(absent)
        if not flat or all(below):
            flat, below = [ONE, *flat], [False, *below]
        summed = [x for x in summed if x in held]
        product: Formula = Product(tuple(flat), tuple(below))
        if len(flat) == 1:
            product = flat[0]
        elif isinstance(product, Product):
            inner = [x for x in held if x not in summed]
            found = summation.summed(product, inner)
            if set(found.whole) == set(summed) and not found.bare:
                return product
        return Call("sum", (product,), tuple(summed)) if summed else product

    # --- functions of matrices ---

    def _function(self, node: Typed, row: Label, col: Label, scope: Scope) -> Formula:
        part = node.parts[0]
        written = node.written
        match node.op:
            case "any":
                return self._any(node, scope)
            case "inverse":
                return self._inverse(node, row, col, scope)
            case "diag" if self.shapes.kind(node) == C:
                return self.emit(part, row, row, scope)
            case "diag":
                (vector,) = self._on_diagonal(node, row, scope)
                return self._multiplied([vector, *_deltas(row, col)], None, ())
            case "trace":
                return self._trace(part, scope)
            case "norm":
                labels = self.labels_for(part, scope)
                arg = self.at(part, labels, scope)
                return Call("norm", (arg,), _present(labels), written.position)
            case "inner":
                labels = self.labels_for(part, scope)
                parts = [self.at(x, labels, scope) for x in node.parts]
                return self._multiplied(parts, (False, False), _present(labels))
        assert isinstance(written, Call)
        if node.op in OF_MATRIX or node.op == "fold":
            labels = self.labels_for(part, scope)
            return replace(written, args=(self.at(part, labels, scope),), axes=_present(labels))
        if node.op == "entry":
            return self._entry(part, written.axes, scope)
        if node.op == "along":
            return self._along(node, written, row, col, scope)
        if node.op == "bind" and written.function == "prod" and self._has_matrix(part):
            raise NotationError(
                "a product of many matrices",
                position=written.position,
                hint="one of their entries is written with labels, \\prod_i A_{i,jk}",
            )
        arg = self.emit(part, row, col, scope)
        if node.op == "keep":
            axis = row if self.shapes.kind(node) == C else col
            return replace(written, args=(arg,), axes=_present((axis,)))
        return replace(written, args=(arg,))

    def _has_matrix(self, node: Typed) -> bool:
        """Whether a formula is a matrix, or a product with one."""
        factors = node.parts if node.op == "product" else ()
        return any(self.shapes.kind(x) == M for x in (node, *factors))

    def _any(self, node: Typed, scope: Scope) -> Formula:
        """Write any function of vectors as a sum over entries: its gradient may have any value."""
        assert isinstance(node.written, Call)
        name = node.written.args[0]
        assert isinstance(name, Symbol)
        terms = []
        for part in node.parts:
            if self.shapes.kind(part) != S:
                labels = self.labels_for(part, scope)
                entry = Call(name.name, (self.at(part, labels, scope),), (), node.written.position)
                terms.append(Call("sum", (entry,), _present(labels), node.written.position))
        return terms[0] if len(terms) == 1 else Sum(tuple(terms), (False,) * len(terms))

    def _inverse(self, node: Typed, row: Label, col: Label, scope: Scope) -> Formula:
        part = node.parts[0]
        if self._is_diagonal(node):
            factors = [*self._on_diagonal(node, row, scope), *_deltas(row, col)]
            return self._multiplied(factors, None, ())
        if self.shapes.kind(node) == S:
            exponent = Sum((ONE,), (True,))
            return Power(self.emit(part, None, None, scope), exponent, node.written.position)
        if row != col:
            axes = _present((row, col))
            return Call("inv", (self.emit(part, row, col, scope),), axes, node.written.position)
        other = self._fresh(self.shapes.of(part)[1], scope)
        inverse = Call("inv", (self.emit(part, row, other, scope),), _present((row, other)))
        return self._multiplied([inverse, *_deltas(other, col)], None, _present((other,)))

    def _trace(self, part: Typed, scope: Scope) -> Formula:
        """Write a trace: of a product as one, of a sum term by term."""
        if isinstance(part.written, Sum) and all(self.shapes.kind(x) == M for x in part.parts):
            terms = tuple(self._trace(x, set(scope)) for x in part.parts)
            return replace(part.written, terms=terms)
        label = self._fresh(self.shapes.of(part)[0], scope)
        if part.op == "product":
            return self._product(part, label, label, scope, _present((label,)))
        return self._multiplied([self.emit(part, label, label, scope)], None, _present((label,)))

    def _square_norm(self, node: Typed, scope: Scope) -> Formula:
        labels = self.labels_for(node.parts[0], scope)
        arg = self.at(node.parts[0], labels, scope)
        if isinstance(arg, Symbol):
            return Product((arg, arg), (False, False), node.written.position)
        return Call("sum", (Power(arg, TWO),), _present(labels), node.written.position)

    def _entry(self, part: Typed, labels: tuple[str, ...], scope: Scope) -> Formula:
        kind = self.shapes.kind(part)
        scope |= {*labels}
        if kind == M:
            return self.emit(part, labels[0], labels[1], scope)
        own = (labels[0], None) if kind == C else (None, labels[0])
        return self.at(part, own, scope)

    def _along(self, node: Typed, call: Call, row: Label, col: Label, scope: Scope) -> Formula:
        part = node.parts[0]
        by_rows = call.axes == ("rows",)
        if keeps_labels(call.function):
            arg = self.emit(part, row, col, scope)
            return replace(call, args=(arg,), axes=_present((col if by_rows else row,)))
        other = self._fresh(self.shapes.of(part)[1 if by_rows else 0], scope)
        places = (row, other) if by_rows else (other, row)
        return replace(call, args=(self.at(part, places, scope),), axes=_present((other,)))

    # --- derivatives ---

    def _derivative(self, node: Typed, row: Label, col: Label, scope: Scope) -> Formula:
        written = node.written
        assert isinstance(written, Derivative)
        of, *wrt = self._placed(node.parts, row, col, scope)
        symbols = tuple(x for x in wrt if isinstance(x, Symbol))
        return Derivative(of, symbols, written.position)

    def _placed(
        self, parts: Sequence[Typed], row: Label, col: Label, scope: Scope
    ) -> list[Formula]:
        """Write the tensors of a derivative with the letters of its rows and columns."""
        whole = [k for k, x in enumerate(parts) if self.shapes.kind(x) != S]
        labels: dict[int, tuple[Label, Label]] = {}
        if len(whole) == 1:
            labels[whole[0]] = row, col
        elif whole:
            swapped = self.layout == DENOMINATOR and whole[0] == 0
            for k, label in zip(whole, (col, row) if swapped else (row, col), strict=True):
                is_row = self.shapes.kind(parts[k]) == R
                labels[k] = (None, label) if is_row else (label, None)
        return [self.at(x, labels.get(k, (None, None)), scope) for k, x in enumerate(parts)]

    def _chain(self, node: Typed, row: Label, col: Label, scope: Scope) -> Formula:
        """Write ``dL/dy dy/dx`` in either order: what stands in two derivatives is summed."""
        first, *middle, last = node.parts
        ends = self._placed((first, last), row, col, scope)
        inner: list[Formula] = []
        summed: list[str] = []
        for part in middle:
            labels = self.labels_for(part, scope)
            inner.append(self.at(part, labels, scope))
            summed += _present(labels)
        tensors = [ends[0], *inner, ends[1]]
        factors = [
            Derivative(a, (b,)) for a, b in pairwise(tensors)
            if isinstance(b, Symbol)
        ]  # fmt: skip
        return self._multiplied(factors, (False,) * len(factors), summed)


def _present(labels: Sequence[Label]) -> tuple[str, ...]:
    found: list[str] = []
    for x in labels:
        found += _present(x) if isinstance(x, tuple) else () if x is None else (x,)
    return tuple(found)


def _shared(label: Label, left: OpenExtent | None, right: OpenExtent | None) -> tuple[Label, Label]:
    """Return what the two parts of ``A ⊗ B`` have of the letters of one of its axes."""
    if left is None or right is None:
        return (None, label) if left is None else (label, None)
    assert isinstance(label, tuple)
    return label


def _deltas(row: Label, col: Label) -> list[Formula]:
    pairs = zip(_present((row,)), _present((col,)), strict=True)
    return [Symbol("delta", pair) for pair in pairs]
