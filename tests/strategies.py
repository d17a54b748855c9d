"""A hypothesis strategy that writes random models in the notation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from random_models import (
    ANY,
    BOUNDED,
    DIM,
    FOLDS,
    LETTERS,
    POSITIVE,
    Apply,
    ByPlace,
    Condition,
    Leaf,
    Node,
    Number,
    Over,
    Power,
    Product,
    RandomModel,
    Size,
    Statement,
    Sum,
    Where,
    free,
    walk,
)

from eingrad.api.models.model import read_model

SMOOTH = ("tanh", "sin", "cos", "sigmoid", "softplus", "atan", "erf", "silu", "gelu", "elu")
KINKED = ("relu", "abs", "leaky_relu", "sign")
OF_BOUNDED = ("exp", "expm1", "sinh", "cosh", "tan", "square")
OF_POSITIVE = ("log", "sqrt", "log1p")
TO_BOUNDED = ("tanh", "sin", "cos", "sigmoid", "erf")
NAMES = "ABCDFGHMNPQRSTXYZ"
OPERATORS = ("<", "<=", ">", ">=")


# --- drawing one ------------------------------------------------------------------------------


class Author:
    """Draws the statements of one model; ``kinks`` allows functions that are not smooth."""

    def __init__(self, draw: Callable[..., Any], depth: int, kinks: bool) -> None:
        self.draw, self.depth, self.kinks = draw, depth, kinks
        self.inputs: dict[str, tuple[str, str]] = {}
        self.tensors: dict[str, tuple[str, str]] = {}  # inputs and statements so far
        self.statements: list[Statement] = []
        self.reserved: set[str] = set()  # labels of this statement that no product may sum
        self.anchors: list[Node] = []

    def pick(self, options: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(options))

    def chance(self, percent: int) -> bool:
        return bool(self.draw(st.integers(0, 99)) < percent)

    def model(self, statements: int) -> RandomModel:
        for number in range(1, statements + 1):
            self.statement(f"V{number}")
        self.reserved = set()
        others = [s.name for s in self.statements[:-1] if self.chance(40)]
        terms = [self.scalar(name) for name in [f"V{statements}", *others]] + self.anchors
        value = terms[0] if len(terms) == 1 else Sum(tuple(terms), (False,) * len(terms))
        self.statements.append(Statement("L", "", value))
        used = {n.name for s in self.statements for n in walk(s.value) if isinstance(n, Leaf)}
        inputs = {name: what for name, what in self.inputs.items() if name in used}
        return RandomModel(tuple(self.statements), inputs)

    def statement(self, name: str) -> None:
        labels = "".join(self.pick(LETTERS[dim][:2]) for dim in self.dims(2))
        labels = "".join(dict.fromkeys(labels))
        kind = self.pick((ANY, ANY, BOUNDED, POSITIVE))
        self.reserved = set(labels)
        value = self.expression(set(labels), self.depth, kind)
        missing = set(labels) - free(value)
        if missing:  # nothing else may say how long this axis is
            anchor = Product((Leaf(name, labels), self.new_input(labels, BOUNDED)), (False,) * 2)
            self.anchors.append(Over("sum", labels, anchor))
        self.statements.append(Statement(name, labels, value))
        self.tensors[name] = ("".join(DIM[k] for k in labels), kind)

    def dims(self, most: int) -> list[str]:
        return [self.pick("abc") for _ in range(self.draw(st.integers(0, most)))]

    def scalar(self, name: str) -> Node:
        """A scalar that is made of a statement and of more."""
        labels = self.letters(self.tensors[name][0])
        if not labels:
            return Product((Leaf(name, ""), self.expression(set(), 2, ANY)), (False, False))
        inner = Product((Leaf(name, labels), self.bound(labels, set(), 1, ANY)), (False,) * 2)
        return Over(self.pick(("sum", "mean", "logsumexp")), labels, inner)

    def letters(self, dims: str) -> str:
        """Different letters for dimensions."""
        result = ""
        for dim in dims:
            result += next(k for k in LETTERS[dim] if k not in result)
        return result

    # --- leaves ---

    def new_input(self, labels: str, kind: str) -> Leaf:
        number = len(self.inputs)
        name = NAMES[number % len(NAMES)] + (str(number) if number >= len(NAMES) else "")
        self.inputs[name] = self.tensors[name] = ("".join(DIM[k] for k in labels), kind)
        return Leaf(name, labels)

    def leaf(self, scope: set[str], kind: str, must: str = "") -> Node:
        """A tensor whose labels are in scope; ``must`` is a label that it has to have."""
        fitting = [
            name for name, what in self.tensors.items() if self.fits(what, scope, kind, must)
        ]
        if (len(self.inputs) >= 5 and fitting) or (fitting and self.chance(60)):
            name = self.pick(fitting)
            return Leaf(name, self.choose_letters(self.tensors[name][0], scope, must))
        labels = must
        for label in self.draw(st.permutations(sorted(scope)))[:2] if scope else ():
            if len(labels) < 2 or self.chance(20):
                labels += label
        return self.new_input(labels, BOUNDED if kind == ANY else kind)

    def fits(self, what: tuple[str, str], scope: set[str], kind: str, must: str) -> bool:
        dims, own = what
        reachable = {DIM[k] for k in scope}
        return kind in (ANY, own) and set(dims) <= reachable and (not must or DIM[must] in dims)

    def choose_letters(self, dims: str, scope: set[str], must: str) -> str:
        letters = [self.pick(sorted(k for k in scope if DIM[k] == dim)) for dim in dims]
        if must and must not in letters:
            letters[dims.index(DIM[must])] = must
        return "".join(letters)

    def trace(self, scope: set[str]) -> Node | None:
        square = [
            n for n, (dims, _) in self.tensors.items() if len(dims) == 2 and dims[0] == dims[1]
        ]
        if not square:
            return None
        name = self.pick(square)
        label = self.fresh(self.tensors[name][0][0], scope)
        return Leaf(name, 2 * label, label) if label else None

    def fresh(self, dim: str, scope: set[str]) -> str:
        """A label that no product of this statement sums yet."""
        free_letters = [k for k in LETTERS[dim] if k not in scope | self.reserved]
        if not free_letters:
            return ""
        label: str = self.pick(free_letters)
        self.reserved.add(label)
        return label

    # --- expressions ---

    def expression(self, scope: set[str], depth: int, kind: str) -> Node:
        """An expression whose labels are in scope."""
        if depth <= 0 or self.chance(10):
            return self.leaf(scope, kind)
        if kind == BOUNDED:
            return self.bounded(scope, depth - 1)
        if kind == POSITIVE:
            return self.positive(scope, depth - 1)
        forms = [self.sum, self.product, self.contraction, self.apply, self.fold, self.normalise]
        forms += [self.power, self.quotient, self.contraction, self.odd, self.by_place] + [
            self.kinked
        ] * self.kinks
        form: Callable[[set[str], int], Node] = self.pick(forms)
        return form(scope, depth - 1)

    def bounded(self, scope: set[str], depth: int) -> Node:
        if self.chance(70):
            return Apply(self.pick(TO_BOUNDED), (self.expression(scope, depth, ANY),))
        pair = (self.expression(scope, depth, BOUNDED), self.expression(scope, depth, BOUNDED))
        return Product(pair, (False, False))

    def positive(self, scope: set[str], depth: int) -> Node:
        one = Number(Fraction(1))
        match self.draw(st.integers(0, 4)):
            case 0:
                return Apply("exp", (self.expression(scope, depth, BOUNDED),))
            case 1:
                square = Power(self.expression(scope, depth, BOUNDED), Fraction(2))
                return Sum((one, square), (False, False))
            case 2:
                pair = (self.expression(scope, depth, POSITIVE) for _ in range(2))
                return Sum(tuple(pair), (False, False))
            case 3:
                return Apply(
                    self.pick(("sigmoid", "softplus", "cosh")),
                    (self.expression(scope, depth, BOUNDED),),
                )
        return self.over(self.pick(("sum", "mean")), scope, depth, POSITIVE)

    def sum(self, scope: set[str], depth: int) -> Node:
        count = self.draw(st.integers(2, 3))
        terms = [self.expression(self.part_of(scope), depth, ANY) for _ in range(count)]
        return Sum(tuple(terms), tuple(self.chance(30) for _ in terms))

    def part_of(self, scope: set[str]) -> set[str]:
        """A scope that some labels are left out of: addition broadcasts."""
        return {label for label in sorted(scope) if not self.chance(25)}

    def product(self, scope: set[str], depth: int) -> Node:
        factors = [self.expression(self.part_of(scope), depth, ANY) for _ in range(2)]
        if self.chance(30):
            factors.insert(0, Number(self.pick((Fraction(2), Fraction(1, 2), Fraction(3)))))
        return Product(tuple(factors), (False,) * len(factors))

    def contraction(self, scope: set[str], depth: int) -> Node:
        """A product that sums labels: each of them is in two factors or more."""
        summed = "".join(filter(None, (self.fresh(d, scope) for d in self.dims(2) or ["a"])))
        inner = scope | set(summed)
        factors: list[Node] = [self.expression(inner, depth, ANY)]
        divides = [False]
        for label in summed:
            for _ in range(2 - sum(label in free(x) for x in factors)):
                divides.append(self.chance(15))
                factors.append(self.leaf(inner, POSITIVE if divides[-1] else ANY, label))
        return Product(tuple(factors), tuple(divides), summed)

    def quotient(self, scope: set[str], depth: int) -> Node:
        above, below = (self.expression(scope, depth, kind) for kind in (ANY, POSITIVE))
        if self.chance(30):
            return Product((above, below, self.leaf(scope, ANY)), (False, True, False))
        return (
            Product((below,), (True,))
            if self.chance(20)
            else Product((above, below), (False, True))
        )

    def apply(self, scope: set[str], depth: int) -> Node:
        for functions, kind, percent in ((OF_BOUNDED, BOUNDED, 30), (OF_POSITIVE, POSITIVE, 40)):
            if self.chance(percent):
                return Apply(self.pick(functions), (self.expression(scope, depth, kind),))
        return Apply(self.pick(SMOOTH), (self.expression(scope, depth, ANY),))

    def kinked(self, scope: set[str], depth: int) -> Node:
        args = tuple(self.expression(scope, depth, ANY) for _ in range(2))
        if self.chance(40):
            return Apply(self.pick(KINKED), args[:1])
        if self.chance(50):
            return Apply(self.pick(("maximum", "minimum")), args)
        compared = tuple(self.leaf(scope, ANY) for _ in range(2))
        return Where(self.pick(OPERATORS), (*compared, *args))

    def power(self, scope: set[str], depth: int) -> Node:
        if self.chance(50):
            base = self.expression(scope, depth, ANY)
            return Power(base, self.pick((Fraction(2), Fraction(3))))
        exponents = (Fraction(-1), Fraction(-2), Fraction(1, 2), Fraction(3, 2))
        return Power(self.expression(scope, depth, POSITIVE), self.pick(exponents))

    def fold(self, scope: set[str], depth: int) -> Node:
        function = self.pick(FOLDS if self.kinks else [f for f in FOLDS if f not in ("max", "min")])
        kind = {"norm": POSITIVE, "prod": BOUNDED}.get(function, ANY)
        return self.over(function, scope, depth, kind)

    def over(self, function: str, scope: set[str], depth: int, kind: str) -> Node:
        """A fold over labels, which may shadow labels in scope."""
        labels = "".join(dict.fromkeys(self.pick(LETTERS[d][:3]) for d in [*self.dims(1), "b"]))
        arg = self.bound(labels, scope, depth, kind)
        for label in labels:
            if label not in free(arg):
                arg = Product((arg, self.leaf(scope | set(labels), kind, label)), (False, False))
        return Over(function, labels, arg)

    def bound(self, labels: str, scope: set[str], depth: int, kind: str) -> Node:
        """An expression in which labels are bound; outside, a product may sum the same ones."""
        new = set(labels) - self.reserved
        self.reserved |= new
        result = self.expression(scope | set(labels), depth, kind)
        self.reserved -= new
        return result

    def normalise(self, scope: set[str], depth: int) -> Node:
        if not scope:
            return self.fold(scope, depth)
        labels = self.pick(sorted(scope))
        arg = self.expression(scope, depth, ANY)
        if labels not in free(arg):
            arg = Sum((arg, self.leaf(scope, ANY, labels)), (False, False))
        return Over(self.pick(("softmax", "log_softmax", "cumsum")), labels, arg)

    def by_place(self, scope: set[str], depth: int) -> Node:
        """A case distinction by where labels stand, or a function over some entries."""
        if not scope:
            return self.fold(scope, depth)
        left = self.pick(sorted(scope))
        if self.chance(50):
            others = [k for k in sorted(scope) if k != left and DIM[k] == DIM[left]]
            operator = self.pick(("<", "<=", "==", "!=", ">"))
            condition = Condition(operator, left, self.pick([*others, "0", "1"]))
            args = tuple(self.expression(scope, depth, ANY) for _ in range(2))
            return ByPlace(condition, args)
        bound = self.fresh(DIM[left], scope)
        if not bound:
            return self.fold(scope, depth)
        condition = Condition(self.pick(("<=", "!=")), bound, left)
        arg = self.bound(bound, scope, depth, BOUNDED)
        if bound not in free(arg):
            arg = Product((arg, self.leaf(scope | {bound}, BOUNDED, bound)), (False, False))
        return Over(self.pick(("sum", "mean", "prod", "logsumexp")), bound, arg, condition)

    def odd(self, scope: set[str], depth: int) -> Node:
        """A trace, an extent, a number, or a delta that builds a diagonal."""
        if self.chance(40) and (trace := self.trace(scope)):
            return trace
        if scope and self.chance(40):
            return Product((Size(self.pick(sorted(scope))), self.leaf(scope, ANY)), (False, False))
        pairs = [a + b for a in sorted(scope) for b in sorted(scope) if a < b and DIM[a] == DIM[b]]
        if pairs and self.chance(80):
            delta = Leaf("delta", self.pick(pairs))
            other = self.leaf(scope, ANY, delta.labels[0])  # says how long its axes are
            return Product((delta, self.expression(scope, depth, ANY), other), (False,) * 3)
        return Number(self.pick((Fraction(1), Fraction(2), Fraction(3, 4))))


@st.composite
def models(
    draw: Callable[..., Any], statements: int = 4, depth: int = 4, kinks: bool = True
) -> RandomModel:
    """Draw a model of up to ``statements`` statements before its loss.

    Nothing in it has two readings. Without ``kinks`` it is smooth, so that it has second
    derivatives everywhere.
    """
    count = draw(st.integers(1, statements))
    model = Author(draw, draw(st.integers(min(2, depth), depth)), kinks).model(count)
    assume(not read_model(model.text).notes)  # about one in a thousand has two readings
    return model
