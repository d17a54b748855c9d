"""The rows and columns of every part, when the kinds are known; equal ones are united."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eingrad.notation.lexeme import keeps_labels
from eingrad.notation.matrix.infer import KindError
from eingrad.notation.matrix.kinds import C, M, R, S, composed
from eingrad.notation.matrix.letters import MisfitError, OpenExtent, StackedError, equal
from eingrad.notation.matrix.typed import ALONG, OF_MATRIX, KnownShapes, Typed, times_in
from eingrad.notation.syntax import SLICE, Call, Symbol, TensorAt

NUMERATOR, DENOMINATOR = "numerator", "denominator"  # what a Jacobian has a row for
Shape = tuple[OpenExtent | None, OpenExtent | None]  # rows and columns, None where there is one
SCALAR: Shape = (None, None)


class OpenSumError(Exception):
    """A vector that may be added to every row of a matrix or to every column."""

    def __init__(self, vector: Typed) -> None:
        super().__init__(vector)
        self.vector = vector


class SizeError(Exception):
    """Two parts of a formula have kinds that fit, and sizes that do not."""

    def __init__(self, node: Typed, first: Typed, second: Typed) -> None:
        super().__init__(node, first, second)
        self.node, self.first, self.second = node, first, second


def _stacked(slow: OpenExtent | None, fast: OpenExtent | None) -> OpenExtent | None:
    """Return the axis of all pairs of entries, or the one that there is."""
    return slow or fast if slow is None or fast is None else OpenExtent(parts=(slow, fast))


def _is_stacked(extent: OpenExtent | None) -> bool:
    return extent is not None and extent.parts is not None


@dataclass
class Factored:
    """A product as scalars, which multiply or divide, and a matrix, None if it is a scalar."""

    scalars: list[tuple[Typed, bool]] = field(default_factory=list)
    core: Typed | None = None


class Shapes:
    """Finds shapes; ``domains`` are the kinds, ``axes`` the extents of each tensor's axes.

    In the "numerator" layout a Jacobian has a row for each entry of what is differentiated.
    """

    def __init__(self, facts: KnownShapes, domains: Sequence[int], layout: str = NUMERATOR) -> None:
        self.domains, self.layout = list(domains), layout
        self.has_jacobian = False
        self.axes: dict[str, list[OpenExtent]] = {n: list(own) for n, own in facts.axes.items()}
        self.stacks, self.sizes, self.rows = facts.stacks, facts.sizes, facts.rows
        self.by_rows = facts.by_rows
        self.labels: dict[str, OpenExtent] = {}  # of one statement
        self.shapes: dict[int, Shape] = {}
        self.products: dict[int, Factored] = {}
        self.vectors: list[tuple[Typed, Typed]] = []  # matrices, and vectors that are added to them
        self.powers: list[Typed] = []  # of matrices that are square if something else says so
        self.downward: set[int] = set()  # those that are added to every column
        self.alive: list[Typed] = []  # keeps the ids of nodes that are made here

    def kind(self, node: Typed) -> int:
        """Return a part's kind."""
        return self.domains[node.var]

    def name_of(self, tensor: Symbol | TensorAt) -> str:
        """Return the tensor that a name means."""
        return self.stacks.get(tensor.name, tensor.name)

    def statement(self, left: Typed, right: Typed, labels: Mapping[str, OpenExtent]) -> None:
        """Find the shapes of both sides, which are equal."""
        self.labels = dict(labels)
        self._unite(right, left, right, self.of(left), self.of(right))

    def finish(self) -> None:
        """Decide where vectors are added to matrices: to every row, if both do not fit.

        Raises StackedError where a tensor would have an axis of stacked entries.
        """
        if any(map(_is_stacked, (x for own in self.axes.values() for x in own))):
            raise StackedError
        for node in self.powers:
            rows, cols = self.of(node.parts[0])
            if rows is None or cols is None or not equal(rows, cols):
                raise KindError(node, [M])
            self._multiply(node)
        for matrix, vector in self.vectors:
            rows, cols = self.shapes[id(matrix)]
            shape = self.shapes[id(vector)]
            own = shape[0] or shape[1]
            assert rows is not None
            assert cols is not None
            assert own is not None
            if equal(own, cols) and not equal(own, rows):
                continue
            if equal(own, rows) and not equal(own, cols):
                self.downward.add(id(vector))
            elif self._is_declared_row(vector) and not equal(own, rows):
                own.unite(cols)
            else:
                raise OpenSumError(vector)

    def _is_declared_row(self, vector: Typed) -> bool:
        return getattr(vector.written, "name", "") in self.rows

    def of(self, node: Typed) -> Shape:
        """Return a part's shape."""
        if id(node) not in self.shapes:
            self.shapes[id(node)] = self._find(node)
        return self.shapes[id(node)]

    def _find(self, node: Typed) -> Shape:
        match node.op:
            case "name":
                return self._name(node)
            case "number" | "ones":
                return self._shaped(self.kind(node), [OpenExtent(), OpenExtent()])
            case "identity":
                extent = OpenExtent()
                return extent, extent
            case "commutation":
                slow, fast = OpenExtent(), OpenExtent()
                return _stacked(slow, fast), _stacked(fast, slow)
            case "product":
                return self._product(node)
            case "transpose":
                rows, cols = self.of(node.parts[0])
                return cols, rows
            case "inverse" if self.kind(node) == M:
                rows, cols = self._square(node)
                if _is_stacked(rows) or _is_stacked(cols):
                    raise StackedError
                return rows, cols
            case "times" if self.kind(node) == M:
                return self._repeated(node)
            case "diag":
                return self._diagonal(node)
            case "outer" | "kronecker":
                return self._outer(node)
            case "vec":
                rows, cols = self.of(node.parts[0])
                return _stacked(*((rows, cols) if self.by_rows else (cols, rows))), None
            case "derivative" | "chain":
                return self._derivative(node)
            case "along":
                return self._along(node)
            case "sum" | "map" | "entrywise":
                return self._alike(node)
            case "inverse" | "bind" | "keep" | "power" | "times":
                for part in node.parts[1:]:
                    self.of(part)
                shape = self.of(node.parts[0])
                self._bound(node)
                return shape
        return self._scalar(node)

    def _scalar(self, node: Typed) -> Shape:
        shapes = [self.of(part) for part in node.parts]
        if node.op in OF_MATRIX:
            rows, cols = self._square(node)
            if node.op != "trace" and (_is_stacked(rows) or _is_stacked(cols)):
                raise StackedError
        elif node.op == "inner":
            self._unite(node, node.parts[0], node.parts[1], shapes[0], shapes[1])
        elif node.op == "entry":
            assert isinstance(node.written, Call)
            own = [x for x in shapes[0] if x is not None]
            for label, extent in zip(node.written.axes, own, strict=True):
                self._label(node, label, extent)
        return SCALAR

    def _bound(self, node: Typed) -> None:
        if node.op == "bind":
            assert isinstance(node.written, Call)
            for axis in node.written.axes:
                self.labels.pop(axis, None)  # a label of its own elsewhere

    # --- names ---

    def _name(self, node: Typed) -> Shape:
        tensor = node.written
        assert isinstance(tensor, Symbol | TensorAt)
        entries = tensor.labels if isinstance(tensor, Symbol) else tensor.entries
        kind = self.kind(node)
        sliced = SLICE in entries
        rank = len(entries) + (0 if sliced else {S: 0, C: 1, R: 1, M: 2}[kind])
        axes = self.axes.setdefault(self.name_of(tensor), [OpenExtent() for _ in range(rank)])
        if len(axes) != rank:
            raise KindError(node, [kind])
        for entry, axis in zip(entries, axes, strict=False):
            if isinstance(entry, str) and entry != SLICE:
                self._label(node, entry, axis)
        own = [axis for x, axis in zip(entries, axes, strict=True) if x == SLICE] if sliced else (
            axes[len(entries) :])  # fmt: skip
        return self._shaped(kind, own)

    def _label(self, node: Typed, label: str, axis: OpenExtent) -> None:
        extent = self.labels.setdefault(label, OpenExtent(letter=label))
        try:
            extent.unite(axis)
        except MisfitError:
            raise SizeError(node, node, node) from None

    @staticmethod
    def _shaped(kind: int, axes: Sequence[OpenExtent]) -> Shape:
        if kind == M:
            return axes[0], axes[1]
        return (axes[0], None) if kind == C else (None, axes[0]) if kind == R else SCALAR

    # --- operations ---

    def _unite(self, node: Typed, first: Typed, second: Typed, a: Shape, b: Shape) -> None:
        try:
            for x, y in zip(a, b, strict=True):
                if x is not None and y is not None:
                    x.unite(y)
        except MisfitError:
            raise SizeError(node, first, second) from None

    def _alike(self, node: Typed) -> Shape:
        kind = self.kind(node)
        for part in node.parts:
            self.of(part)
        same = [part for part in node.parts if self.kind(part) == kind]
        if kind == S:
            return SCALAR
        for part in same[1:]:
            self._unite(node, same[0], part, self.of(same[0]), self.of(part))
        self.vectors += [(same[0], x) for x in node.parts if self.kind(x) not in (S, kind)]
        return self.of(same[0])

    def _square(self, node: Typed) -> Shape:
        part = node.parts[0]
        rows, cols = self.of(part)
        self._unite(node, part, part, (rows, None), (cols, None))
        return rows, cols

    def _repeated(self, node: Typed) -> Shape:
        """Return the shape of ``X^3``, which is X X X, or of ``X^{-2}``, of inverses."""
        if not node.surely:
            self.powers.append(node)
            return self.of(node.parts[0])
        self._multiply(node)
        return self.of(node.parts[0])

    def _multiply(self, node: Typed) -> None:
        shape = self._square(node)
        n = times_in(node.parts[1].written)
        factor = node.parts[0]
        if n < 0:
            factor = self._made("inverse", node, (factor,), M, shape)
        self.products[id(node)] = Factored(core=self._joined(node, [factor] * abs(n)))

    def _diagonal(self, node: Typed) -> Shape:
        rows, cols = self.of(node.parts[0])
        if self.kind(node) == C:
            self._square(node)
            return rows, None
        return rows or cols, rows or cols

    def _outer(self, node: Typed) -> Shape:
        """Return the shape of ``A ⊗ B``: of two columns, or rows, a matrix has both axes."""
        left, right = (self.of(x) for x in node.parts)
        if self.is_outer(node):
            return left[0] or left[1], right[0] or right[1]
        return _stacked(left[0], right[0]), _stacked(left[1], right[1])

    def is_outer(self, node: Typed) -> bool:
        """Whether ``a ⊗ b`` is the outer product of two vectors, ``a b^T``."""
        left, right = map(self.kind, node.parts)
        return left == right and self.kind(node) == M != left

    def _along(self, node: Typed) -> Shape:
        assert isinstance(node.written, Call)
        shape = self.of(node.parts[0])
        if keeps_labels(node.written.function):
            return shape
        return shape[ALONG[node.written.axes[0]]], None

    def _derivative(self, node: Typed) -> Shape:
        shapes = [self.of(part) for part in node.parts]
        if node.op == "chain":
            shapes = [shapes[0], shapes[-1]]
        own = [[x for x in shape if x is not None] for shape in shapes]
        if self.kind(node) == M:
            first, second = (x for axes in own for x in axes)
            swapped = self.layout == DENOMINATOR and bool(own[0]) and bool(own[-1])
            return (second, first) if swapped else (first, second)
        return next((shape for shape in shapes if shape != SCALAR), SCALAR)

    # --- products ---

    def _product(self, node: Typed) -> Shape:
        """Sort the factors into scalars and the chain of a matrix product."""
        found = self.products[id(node)] = Factored()
        main: list[Typed] = []  # a finished chain, to the left of a scalar product
        chain: list[Typed] = []
        here = S
        for factor, divisor in zip(node.parts, node.divides, strict=True):
            self.of(factor)
            kind = self.kind(factor)
            if kind == S:
                found.scalars.append((factor, divisor))
            elif divisor:
                chain = [self._divided(node, self._chained(node, chain), factor)]
                here = kind
            elif (joined := composed(here, kind)) and here != S:
                chain.append(factor)
                here = joined
                if here == S:
                    found.scalars.append((self._joined(node, chain), False))
                    chain = []
            else:
                if chain:
                    main = chain
                chain, here = [factor], kind
        assert not (main and chain)
        found.core = self._chained(node, main or chain)
        return self.of(found.core) if found.core else SCALAR

    def _chained(self, node: Typed, chain: list[Typed]) -> Typed | None:
        if len(chain) < 2:
            return chain[0] if chain else None
        return self._joined(node, chain)

    def _joined(self, node: Typed, chain: list[Typed]) -> Typed:
        """Return a matrix product of factors that are no scalars."""
        kind = S
        for k, factor in enumerate(chain):
            if k:
                self._unite(node, chain[k - 1], factor, (self.of(chain[k - 1])[1], None),
                            (self.of(factor)[0], None))  # fmt: skip
            kind = composed(kind, self.kind(factor))
        rows, cols = self.of(chain[0])[0], self.of(chain[-1])[1]
        return self._made("matmul", node, tuple(chain), kind, (rows, cols))

    def _divided(self, node: Typed, above: Typed | None, below: Typed) -> Typed:
        """Return a quotient entry by entry; of a scalar, one over all entries."""
        if above is not None:
            self._unite(node, above, below, self.of(above), self.of(below))
        parts = (above, below) if above is not None else (below,)
        made = self._made("entrywise", node, parts, self.kind(below), self.of(below))
        made.divides = (False, True)[-len(parts) :]
        return made

    def _made(
        self, op: str, node: Typed, parts: tuple[Typed, ...], kind: int, shape: Shape
    ) -> Typed:
        self.domains.append(kind)
        made = Typed(op, node.written, parts, len(self.domains) - 1)
        self.alive.append(made)
        self.shapes[id(made)] = shape
        return made
