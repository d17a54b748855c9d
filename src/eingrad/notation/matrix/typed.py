"""Formulas as typed trees: what each part is in matrix notation, its kinds and its extents open."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from eingrad.core.functions import declared_base
from eingrad.errors import NotationError
from eingrad.notation.lexeme import keeps_labels, over_axes
from eingrad.notation.matrix.kinds import ANY, VECTOR, C, M, S
from eingrad.notation.matrix.letters import OpenExtent
from eingrad.notation.mistakes import wrong_arguments
from eingrad.notation.summation import labels_of
from eingrad.notation.syntax import (
    ANY_FUNCTION,
    BY_ROW,
    DOT,
    ODOT,
    ONES_NAME,
    OSLASH,
    OTIMES,
    SLICE,
    TRANSPOSED,
    Call,
    Compare,
    Derivative,
    Formula,
    Number,
    Ordinal,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.tensors import PI, RESERVED
from eingrad.notation.text import to_text

TRANSPOSES = frozenset({TRANSPOSED, Symbol("T"), BY_ROW})
MINUS_ONE = Sum((Number(1),), (True,))
ONE_ARGUMENT = frozenset({
    "norm", "diag", "inv", "transpose", "entry", "trace", "det", "logdet", "vec",
})  # fmt: skip
OF_MATRIX = frozenset({"trace", "det", "logdet"})
COMMUTATIONS = frozenset({"K", "Comm"})  # of which vec(X^T) = K vec(X)
ALONG = {"rows": 0, "cols": 1}  # which place of a matrix stays
MOST_TIMES = 12  # the highest power of a matrix


@dataclass(eq=False)
class Typed:
    """A part of a formula: ``op`` says how its kind comes from its parts', ``var`` whose set of
    kinds it has. ``written`` is the formula itself. ``surely`` says of a power that its base is
    square, whatever else is known of it."""

    op: str
    written: Formula
    parts: tuple[Typed, ...] = ()
    var: int = -1
    divides: tuple[bool, ...] = ()
    signs: tuple[str, ...] = ()
    surely: bool = False


@dataclass
class KnownShapes:
    """What is known of names: how many axes they have, their kinds, the extents of their axes.

    ``kinds`` are those of names without labels, ``carried`` of names with so many, ``axes`` those
    of tensors whose rank is known. ``rows`` are declared so, ``bold`` in bold type, ``assigned``
    on left sides, ``sizes`` names of extents; ``stacks`` says that X is the matrix with rows x_i;
    ``moving`` are labels of times and layers, which stand beside a type, ``first`` are names for
    what stands before the first entry, which have the type of the others. A formula that is
    ``claimed`` may have ``X^2`` for X X, since it is compared; ``by_rows`` says that vec(X) has the
    rows of X one below the other, not the columns.
    """

    kinds: dict[str, int] = field(default_factory=dict)
    carried: dict[tuple[str, int], int] = field(default_factory=dict)
    axes: dict[str, list[OpenExtent]] = field(default_factory=dict)
    bold: Collection[str] = ()
    assigned: Collection[str] = ()
    rows: set[str] = field(default_factory=set)
    sizes: Mapping[str, OpenExtent] = field(default_factory=dict)
    functions: Collection[str] = ()
    stacks: Mapping[str, str] = field(default_factory=dict)
    moving: Collection[str] = ()
    first: Mapping[str, str] = field(default_factory=dict)
    claimed: bool = False
    by_rows: bool = False


class TreeBuilder:
    """Builds typed trees; ``domains`` are the sets of kinds of all that has one.

    ``loose`` are the products that are read from left to right, ``A ⊙ B C`` as ``(A ⊙ B) C``;
    others bind what has no sign between it first. With ``dots`` a dot may be the inner product of
    two vectors, or go entry by entry, which inference decides. Where a text is ``stacking``, the
    derivative of a matrix is that of its columns one below the other, and so is one by a matrix.
    """

    def __init__(
        self, facts: KnownShapes, loose: Collection[int] = (), dots: bool = False,
        stacking: bool = False,
    ) -> None:  # fmt: skip
        self.facts, self.loose, self.stacking = facts, loose, stacking
        self.weak = {ODOT, OSLASH, OTIMES, DOT} if dots else {ODOT, OSLASH, OTIMES}
        self.domains: list[int] = []
        self.nodes: list[Typed] = []
        self.names: dict[tuple[str, int], int] = {}
        self.slices: dict[tuple[str, tuple[bool, ...]], int] = {}  # W_{i,:}, W_{:,j}
        self.mixed: list[Product] = []  # products that can be read in two ways

    def variable(self, kinds: int) -> int:
        """Return a new set of kinds."""
        self.domains.append(kinds)
        return len(self.domains) - 1

    def node(
        self, op: str, written: Formula, parts: tuple[Typed, ...] = (), kinds: int = ANY,
        divides: tuple[bool, ...] = (), signs: tuple[str, ...] = (),
    ) -> Typed:  # fmt: skip
        """Return a new node."""
        node = Typed(op, written, parts, self.variable(kinds), divides, signs)
        self.nodes.append(node)
        return node

    def side(self, formula: Formula) -> Typed:
        """Return the tree of a whole side; a number is that of every entry."""
        if isinstance(formula, Number):
            return self.node("number", formula)
        return self.build(formula)

    def build(self, formula: Formula) -> Typed:
        """Return the tree of a formula."""
        match formula:
            case Number():
                return self.node("number", formula, kinds=S)
            case SizeOf() | Ordinal():
                return self.node("size", formula, kinds=S)
            case Symbol(stacked=True):
                whole = replace(formula, stacked=False)
                return self.node("vec", formula, (self._name(whole),))
            case Symbol() | TensorAt():
                return self._name(formula)
            case Derivative(of=of, wrt=wrt):
                parts = tuple(self.build(x) for x in (of, *wrt))
                if self.stacking and self._axes(parts) > 2:
                    parts = tuple(
                        self.node("vec", x.written, (x,)) if self.domains[x.var] == M else x
                        for x in parts
                    )
                self._check_axes(formula, parts)
                return self.node("derivative", formula, parts)
            case Product():
                return self._product(formula)
            case Sum(terms=terms):
                return self.node("sum", formula, tuple(map(self.build, terms)))
            case Compare(left=left, right=right):
                return self.node("map", formula, (self.build(left), self.build(right)))
            case Power():
                return self._power(formula)
            case Call():
                return self._call(formula)

    def _name(self, tensor: Symbol | TensorAt) -> Typed:
        count = len(tensor.labels if isinstance(tensor, Symbol) else tensor.entries)
        name = self.facts.stacks.get(tensor.name, tensor.name)
        number = tensor == PI and not self.facts.axes.get(name) and name not in self.facts.bold
        if name == RESERVED or number or (not count and name in self.facts.sizes):
            return self.node("index", tensor, kinds=S)
        if name == ONES_NAME:
            return self.node("ones", tensor, kinds=VECTOR)
        if name[0] == "I" and len(name) < 3 and not count and self._is_identity(name):
            return self.node("identity", tensor, kinds=M)
        if self.stacking and name in COMMUTATIONS and not count and self._is_identity(name):
            return self.node("commutation", tensor, kinds=M)
        key = name, count
        slices = tuple(x == SLICE for x in tensor.labels) if isinstance(tensor, Symbol) else ()
        if any(slices):
            var = self.slices.setdefault((name, slices), len(self.domains))
            if var == len(self.domains):
                self.variable(self._kinds_of_slice(name, slices))
        else:
            if (whole := self.facts.first.get(name)) is not None and name not in self.facts.axes:
                key = whole, count + 1
            if key not in self.names:
                self.names[key] = self.variable(self.kinds_of(name, count))
            var = self.names[key]
        node = Typed("name", tensor, (), var)
        self.nodes.append(node)
        return node

    def _kinds_of_slice(self, name: str, whole: Sequence[bool]) -> int:
        """Return the kinds of ``W_{i,:}``, which shows all axes of W, in either orientation."""
        if len(self.facts.axes.get(name, whole)) != len(whole):
            return 0
        return {1: VECTOR, 2: M}.get(sum(whole), 0)

    def _check_axes(self, derivative: Formula, parts: tuple[Typed, ...]) -> None:
        """Raise for a derivative with more than two axes, which is no matrix."""
        axes = self._axes(parts)
        if axes > 2:
            raise NotationError(
                f"{to_text(derivative)} has {axes} axes, and is no matrix",
                code="open-shape",
                position=derivative.position,
                hint="write its labels, as in dY_ij/dX_kl",
            )

    def _axes(self, parts: Sequence[Typed]) -> int:
        """Return how many axes the parts of a derivative have together, at least."""
        rank = {M: 2, S: 0}
        kinds = (self.domains[part.var] for part in parts)
        return sum(rank.get(x, int(x & VECTOR == x)) for x in kinds)

    def _is_identity(self, name: str) -> bool:
        return name not in self.facts.axes and name not in self.facts.kinds

    def kinds_of(self, name: str, count: int) -> int:
        """Return the kinds that a name with so many labels may have."""
        if name in self.facts.axes:
            left = len(self.facts.axes[name]) - count
            own = {0: S, 1: VECTOR, 2: M}.get(left, 0)
        else:
            own = S | VECTOR
            if count or name in self.facts.assigned or name[:1].isupper():
                own = ANY
        if not count and name in self.facts.kinds:
            own &= self.facts.kinds[name]
        return own & self.facts.carried.get((name, count), ANY)

    # --- products ---

    def _factor(self, formula: Formula, sums: bool) -> Typed:
        """Return the tree of a factor: a 1 may be a vector of ones, and is one if it ``sums``."""
        if formula == Number(1):
            return self.node("number", formula, kinds=C if sums else S | C)
        return self.build(formula)

    def _product(self, product: Product) -> Typed:
        chain = links(product)
        if chain:
            return self.node("chain", product, tuple(map(self.build, chain)))
        factors = tuple(
            self._factor(x, _sums_entries(product, k)) for k, x in enumerate(product.factors)
        )
        told = product.signs if len(product.signs) == len(factors) else ("",) * len(factors)
        signs = ["" if d and sign == DOT else sign
                 for sign, d in zip(told, product.divides, strict=True)]  # fmt: skip
        weak = [k for k, sign in enumerate(signs) if sign in self.weak and k]
        if not weak:
            return self._matmul(product, factors, product.divides)
        if weak[-1] < len(signs) - 1 or len(weak) < len(signs) - 1:
            self.mixed.append(product)
        if id(product) in self.loose:
            return self._left_to_right(product, factors, signs)
        ends = [*weak, len(factors)]
        result = self._matmul(product, factors[: weak[0]], product.divides[: weak[0]])
        for start, end in zip(weak, ends[1:], strict=True):
            divides = (False, *product.divides[start + 1 : end])
            group = self._matmul(product, factors[start:end], divides)
            result = self._signed(product, signs[start], result, group)
        return result

    def _left_to_right(
        self, product: Product, factors: tuple[Typed, ...], signs: Sequence[str]
    ) -> Typed:
        group: list[Typed] = [factors[0]]
        divides = [product.divides[0]]
        for factor, sign, below in zip(factors[1:], signs[1:], product.divides[1:], strict=True):
            if sign in self.weak:
                left = self._matmul(product, tuple(group), tuple(divides))
                group, divides = [self._signed(product, sign, left, factor)], [False]
            else:
                group.append(factor)
                divides.append(below)
        return self._matmul(product, tuple(group), tuple(divides))

    def _matmul(
        self, product: Product, factors: tuple[Typed, ...], divides: tuple[bool, ...]
    ) -> Typed:
        if len(factors) == 1 and not divides[0]:
            return factors[0]
        written: Formula = product
        if len(factors) < len(product.factors):
            written = Product(
                tuple(x.written for x in factors), divides, factors[0].written.position
            )
        return self.node("product", written, factors, divides=divides)

    def _signed(self, product: Product, sign: str, left: Typed, right: Typed) -> Typed:
        signs = ("", sign)
        written = Product((left.written, right.written), (False, False), product.position, signs)
        outer = "kronecker" if self.facts.claimed else "outer"
        op = {OTIMES: outer, DOT: "dot"}.get(sign, "entrywise")
        return self.node(op, written, (left, right), divides=(False, sign == OSLASH), signs=signs)

    # --- functions ---

    def _power(self, power: Power) -> Typed:
        base, exponent = power.base, power.exponent
        if exponent in TRANSPOSES:
            if base == Number(1):
                return self.node("transpose", power, (self.node("number", base, kinds=C),))
            return self.node("transpose", power, (self.build(base),))
        if isinstance(exponent, Sum) and exponent.negative == (True,):
            if exponent.terms[0] in TRANSPOSES:
                inverse = Power(base, MINUS_ONE, power.position)
                return self.node("transpose", power, (self.build(inverse),))
            if exponent == MINUS_ONE and isinstance(base, Product) and _is_kronecker(base):
                inverses = tuple(Power(x, MINUS_ONE, power.position) for x in base.factors)
                return self.build(replace(base, factors=inverses))
            if exponent == MINUS_ONE:
                return self.node("inverse", power, (self.build(base),))
        return self.node("power", power, (self.build(base), self.build(exponent)))

    def _call(self, call: Call) -> Typed:
        if call.function == ANY_FUNCTION:
            return self.node("any", call, tuple(map(self.build, call.args[1:])), S)
        parts = tuple(map(self.build, call.args))
        function = call.function
        _check_count(call, self.facts.functions)
        if function == "trace" and self._is_number(call.args[0]):
            return parts[0]
        if function == "entry":
            return self.node("entry", call, parts, S)
        along = [axis for axis in call.axes if axis in ALONG]
        if call.axes and not along:
            return self.node("bind", call, parts)
        if function in {"norm", "inner", "diag", "inv", "transpose", "vec", *OF_MATRIX}:
            return self.node({"inv": "inverse"}.get(function, function), call, parts)
        if declared_base(function) in self.facts.functions or not over_axes(function):
            return self.node("map", call, parts)
        if keeps_labels(function):
            return self.node("keep", call, parts)
        return self.node("along" if along else "fold", call, parts)

    def _is_number(self, formula: Formula) -> bool:
        """Whether a product is a number for sure, ``w^T A w`` of a vector w: its own trace."""
        if not isinstance(formula, Product) or any(formula.divides):
            return False
        first, last = formula.factors[0], formula.factors[-1]
        turned = isinstance(first, Power) and first.exponent in TRANSPOSES
        ends = (first.base if isinstance(first, Power) else first, last)
        return turned and all(
            isinstance(x, Symbol) and not x.labels and len(self.facts.axes.get(x.name, ())) == 1
            for x in ends
        )


def _sums_entries(product: Product, k: int) -> bool:
    """Whether a factor stands behind a transpose, as the 1 of ``w^T 1``, which is no number."""
    before = product.factors[k - 1] if k else None
    turned = isinstance(before, Power) and before.exponent in TRANSPOSES
    return turned and not any(product.divides[k - 1 : k + 2])


def stacks(part: Formula) -> bool:
    """Whether a part of a formula is about columns one below the other: vec(X), ``A ⊗ B``."""
    match part:
        case Symbol():
            return part.stacked
        case Call(function=function):
            return function == "vec"
        case Product(signs=signs):
            return OTIMES in signs
    return False


def _is_kronecker(product: Product) -> bool:
    """Whether a product is ``A ⊗ B``, without any other sign."""
    return bool(product.signs[1:]) and {*product.signs[1:]} == {OTIMES}


def _check_count(call: Call, functions: Collection[str]) -> None:
    """Raise for a function of one matrix, or of two, with another number of arguments."""
    function = call.function
    of_one = function in ONE_ARGUMENT or (over_axes(function) and function not in functions)
    count = 2 if function == "inner" else 1
    if (of_one or function == "inner") and len(call.args) != count:
        raise wrong_arguments(call, count, count)


def times_in(exponent: Formula) -> int:
    """Return the n of ``X^n`` and of ``X^{-n}``, from 2 on; 0 for any other exponent.

    >>> times_in(Number(3)), times_in(Sum((Number(2),), (True,))), times_in(Symbol("k"))
    (3, -2, 0)
    """
    match exponent:
        case Number(value=int() as n) if 2 <= n <= MOST_TIMES:
            return n
        case Sum(terms=(Number(value=int() as n),), negative=(True,)) if 2 <= n <= MOST_TIMES:
            return -n
    return 0


def links(product: Product) -> tuple[Symbol, ...]:
    """Return the tensors of a chain of derivatives, ``dL/dy dy/dx``, from the first one that is
    differentiated to the last by which; () if a product is none."""
    found: list[tuple[Symbol, Symbol]] = []
    for x in product.factors:
        if not isinstance(x, Derivative) or len(x.wrt) != 1 or not isinstance(x.of, Symbol):
            return ()
        if labels_of(x):
            return ()
        found.append((x.of, x.wrt[0]))
    if len(found) < 2 or any(product.divides):
        return ()
    for chain in (found, found[::-1]):
        if all(a[1] == b[0] for a, b in pairwise(chain)):
            return chain[0][0], *(wrt for _, wrt in chain)
    return ()
