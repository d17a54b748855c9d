"""A statement's work in pieces with names: what a forward pass keeps for the backward pass.

``Y_td = silu(N_te W_ef) (N_te V_ef) P_fd`` holds three matrix products. As one statement its
derivative by W is a product of six tensors; with names for them, two matrix products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from itertools import groupby

from eingrad.calculus.nested import fresh_names, letters_for
from eingrad.calculus.paths import pairs_of
from eingrad.calculus.structure import OpenProduct, is_sum, open_product
from eingrad.codegen.usual_sizes import extents_of
from eingrad.core.algebra import base_and_exponent, einsum, power, transpose
from eingrad.core.arrays import Gather, Matrix, Scatter
from eingrad.core.bands import Band
from eingrad.core.expr import Const, Delta, Dim, Einsum, Expr, Labels, Map, Reduce, Size, Var
from eingrad.core.functions import COMPARISONS
from eingrad.core.labelling import Factor
from eingrad.core.positions import Shift
from eingrad.core.rewrite import rebuild
from eingrad.notation.system import Definition, System

Group = tuple[tuple[Factor, ...], Labels]
"""Factors that stay together, and the labels that others see of them."""
PLAIN = frozenset({"add", "pow", *COMPARISONS})  # functions that are no work of their own


def name_work(system: System, rank: Mapping[str, int]) -> System:
    """Return the system with definitions for the contractions and functions over axes inside it.

    ``rank`` orders the tensors as their author introduced them.

    >>> from eingrad.notation.lower import lower
    >>> from eingrad.notation.parse import parse_statements
    >>> system = lower(parse_statements("Y_td = tanh(X_te W_ef) V_fd"))
    >>> list(name_work(system, {}).definitions)
    ['u1', 'u2', 'Y']
    """
    return _Cutter(system, rank).system()


class _Cutter:
    """Cuts definitions. It recurses into functions, which `name_nested` has kept shallow."""

    def __init__(self, whole: System, rank: Mapping[str, int]) -> None:
        self.whole, self.rank = whole, rank
        taken = {*whole.inputs, *whole.definitions, *whole.functions, *whole.sizes}
        self.fresh = fresh_names(taken)
        self.named: dict[Expr, Var] = {}
        self.labels = dict(whole.labels)
        self.definitions: dict[str, Definition] = {}
        exprs = (d.expr for d in whole.definitions.values())
        self.extent = extents_of((*whole.inputs.values(), *exprs))

    def system(self) -> System:
        for name, definition in self.whole.definitions.items():
            root = self.top(definition.expr)
            written = definition.written if root is definition.expr else None
            self.definitions[name] = replace(definition, expr=root, written=written)
            self.named.setdefault(root, definition.var)
        return replace(self.whole, definitions=self.definitions, labels=self.labels)

    def top(self, node: Expr) -> Expr:
        """Cut what stands inside; the node itself stays what it is."""
        if isinstance(node, Var | Const | Size | Delta) or not node.operands:
            return node
        if isinstance(node, Einsum):
            return self.product(open_product(node), node)
        part = self.top if is_sum(node) else self.inner
        return rebuild(node, [part(x) for x in node.operands])

    def inner(self, node: Expr) -> Expr:
        """Cut an operand of a function: what is work in it gets a name."""
        cut = self.named.get(node) or self.top(node)
        return self.name(cut) if _has_work(cut) else cut

    def name(self, expr: Expr) -> Var:
        if isinstance(expr, Var):
            return expr
        if expr not in self.named:
            var = Var(next(self.fresh), expr.dims)
            self.labels[var.name] = letters_for(var.dims, self.whole)
            self.definitions[var.name] = Definition(var.name, self.labels[var.name], expr)
            self.named[expr] = var
        return self.named[expr]

    # --- products ---

    def product(self, opened: OpenProduct, node: Expr) -> Expr:
        """Cut a product: its contraction is put in an order, with a name for each step."""
        summed = opened.summed()
        factors = [(self.factor(x), labels) for x, labels in opened.factors]
        inside = [f for f in factors if set(f[1]) & summed]
        groups = self.read_at_offsets(inside, opened)
        if not groups or any(isinstance(x, Delta | Scatter) for x, _ in factors):
            same = all(x is y for (x, _), (y, _) in zip(factors, opened.factors, strict=True))
            return node if same else replace(opened, factors=tuple(factors)).build()
        outside = [f for f in factors if not set(f[1]) & summed]
        present = {k for _, labels in inside for k in labels}
        output = tuple(k for k in opened.output if k in present)
        contraction = self.in_order(
            [self.group(factors, labels, summed) for factors, labels in groups], output,
            opened.extents,
        )  # fmt: skip
        if any(x.ndim for x, _ in outside):
            contraction = self.name(contraction)
        new = replace(opened, factors=(*outside, (contraction, output))).build()
        return node if new is node else new

    def _place(self, factor: Factor) -> tuple[int, int]:
        x = factor[0]
        last = self.rank.get(x.name, len(self.rank)) if isinstance(x, Var) else len(self.rank) + 1
        return last, x.digest

    def factor(self, x: Expr) -> Expr:
        """Cut a factor; the derivative by another one has a function of it, too: it gets a name."""
        cut = self.inner(x)
        function = isinstance(cut, Map) and cut.ndim and cut.function not in PLAIN
        inside = cut.operands if function else ()
        return self.name(cut) if any(x.ndim and not isinstance(x, Var) for x in inside) else cut

    def operand(self, x: Expr, labels: Labels, summed: set[int]) -> Factor:
        """Return a factor of a contraction: a function of tensors, or a sum, by its name.

        What is new is laid out with the axes last that are summed.
        """
        base, exponent = base_and_exponent(x)
        if exponent != 1:
            own, labels = self.operand(base, labels, summed)
            return power(own, exponent), labels
        if isinstance(x, Const | Size | Gather | Shift):
            return x, labels
        if isinstance(x, Map) and x not in self.named:
            order = sorted(range(x.ndim), key=lambda k: labels[k] in summed)
            x, labels = transpose(x, order), tuple(labels[k] for k in order)
        return self.name(x), labels

    def read_at_offsets(self, factors: Sequence[Factor], opened: OpenProduct) -> list[Group]:
        """Return what is contracted: tensors, and those that bands read with these and the labels
        at which they are read; none if a band selects in something else.
        """
        found: list[Group] = [((f,), f[1]) for f in factors if not isinstance(f[0], Band)]
        bands = [f for f in factors if isinstance(f[0], Band)]
        every = [k for _, labels in bands for k in labels]
        for band in bands:
            own = [k for k in band[1] if any(k in labels for _, labels in found)
                   and k in opened.summed() and every.count(k) == 1]  # fmt: skip
            if not own:
                return []
            inner = max(own, key=lambda k: self.extent(opened.extents[k]))
            read = [x for x in found if inner in x[1]]
            members = tuple(f for fs, _ in read for f in fs)
            labels = dict.fromkeys(k for ls in (*(ls for _, ls in read), band[1]) for k in ls)
            found = [x for x in found if x not in read]
            found.append(((*members, band), tuple(k for k in labels if k != inner)))
        return found

    def group(self, factors: Sequence[Factor], labels: Labels, summed: set[int]) -> Group:
        """Return a group with names for what is work in it."""
        operands = [f if isinstance(f[0], Band) else self.operand(*f, summed) for f in factors]
        return tuple(operands), operands[0][1] if len(operands) == 1 else labels

    def in_order(self, groups: list[Group], output: Labels, extents: Mapping[int, Dim]) -> Expr:
        """Contract two at a time, in an order that is cheap for usual lengths of the axes.

        The labels of the output have the least numbers.
        """
        sizes = {k: self.extent(d) for k, d in extents.items()}
        left = dict(enumerate(sorted(groups, key=lambda group: self._place(group[0][0]))))
        pairs = pairs_of([labels for _, labels in left.values()], output, sizes)
        for number, pair in enumerate(pairs[:-1], len(groups)):
            taken = [left.pop(k) for k in sorted(pair)]
            needed = {*output, *(k for _, labels in left.values() for k in labels)}
            later = next(pair for pair in pairs if number in pair)
            others = {*output, *(k for n, x in left.items() if n not in later for k in x[1])}
            beside = [left[n][1] for n in later if n in left]
            kept = laid_out([labels for _, labels in taken], needed, beside, others)
            part = self.name(einsum([f for fs, _ in taken for f in fs], kept, extents))
            left[number] = ((part, kept),), kept
        return einsum([f for fs, _ in left.values() for f in fs], output, extents)


def laid_out(
    factors: Sequence[Labels], needed: Set[int], beside: Sequence[Labels], others: Set[int]
) -> Labels:
    """Return the axes of a product, those of ``needed``, in the order in which they come: of both
    factors, of the first, of the second. Where the product with the one ``beside`` it would turn
    them, since it sums labels apart from each other, those come last that it sums.

    ``others`` are the labels that are needed after that.

    >>> laid_out([(0, 3), (2, 3, 1)], {0, 1, 2}, [(0, 2)], {0, 1})
    (0, 2, 1)
    >>> laid_out([(0, 2, 1, 4), (0, 2, 4, 3)], {0, 1, 2, 3}, [(2, 3, 5)], {0, 1, 5})
    (0, 1, 2, 3)
    """
    first, second = factors
    both = [k for k in first if k in second]
    order = tuple(dict.fromkeys(k for k in (*both, *first, *second) if k in needed))
    if not beside:
        return tuple(sorted(order))
    uses = [use for use, _ in groupby((k in beside[0], k in others) for k in order)]
    is_turned = len({*uses}) < len(uses) or (True, True) in uses[1:]
    return tuple(sorted(order)) if is_turned else order


def _has_work(node: Expr) -> bool:
    """Whether a sum, or a multiple of something, has a contraction or a function over axes."""
    stack = [node]
    while stack:
        x = stack.pop()
        if isinstance(x, Reduce | Matrix) or (isinstance(x, Einsum) and _sums(x)):
            return True
        if is_sum(x) or isinstance(x, Einsum):
            stack += x.operands
    return False


def _sums(node: Einsum) -> bool:
    """Whether a product is a contraction, and not a tensor that is read at offsets."""
    factors = [x for x in node.operands if not isinstance(x, Band)]
    return bool(node.summed) and (len(factors) == len(node.operands) or len(factors) > 1)
