"""One definition -> one Python expression, as a person would write it.

A value remembers along which axes it varies: what is constant along an axis is broadcast, and
only a whole definition is ever repeated to its full shape.
"""

from __future__ import annotations

import builtins
import string
from collections.abc import Callable, Container, Mapping, Sequence
from fractions import Fraction
from functools import reduce

from eingrad.calculus.convolution_roles import STEPS
from eingrad.calculus.structure import is_sum, open_product, sum_of
from eingrad.codegen.code import (
    Code,
    atom,
    attribute,
    binary,
    call,
    gathered,
    indexed,
    negative,
    tuple_code,
    tuple_text,
)
from eingrad.codegen.convolution_calls import ConvolutionWriter
from eingrad.codegen.entries_in_place import times_entries
from eingrad.codegen.matmul import Operand, as_matmul
from eingrad.codegen.pieces import Piece, is_negative, linear, number, positive_power
from eingrad.codegen.product_order import cheap_order
from eingrad.codegen.targets import Target
from eingrad.codegen.templates import HELPERS
from eingrad.codegen.usual_sizes import USUAL_SIZE
from eingrad.core.algebra import base_and_exponent, constant_value, multiply, scale_of, transpose
from eingrad.core.arrays import AxisSource, Gather, Matrix, Scatter
from eingrad.core.bands import Band, Reach, Window
from eingrad.core.digits import is_decimal
from eingrad.core.expr import (
    Const,
    Delta,
    Dim,
    Einsum,
    Expr,
    Indices,
    Labels,
    Map,
    Number,
    Reduce,
    Size,
    Var,
)
from eingrad.core.functions import COMPARISONS, FUNCTIONS, MATRIX_FUNCTIONS, imported, spelling
from eingrad.core.partials import recipe_of
from eingrad.core.positions import Shift
from eingrad.errors import EingradError


class ExpressionWriter:
    """Writes expressions for one target; it collects the helpers, modules and sizes they use."""

    def __init__(
        self,
        target: Target,
        names: Mapping[str, str],
        letters: Mapping[Dim, Sequence[str]],
        rank: Mapping[str, int],
        upstream: Container[str] = (),
        matmul: bool = False,
        taken: Container[str] = (),
        usual: Callable[[Dim], int] = lambda _: USUAL_SIZE,
    ) -> None:
        self.target, self.names, self.letters, self.rank = target, names, letters, rank
        self.upstream, self.matmul, self.taken, self.usual = upstream, matmul, taken, usual
        self.entries: dict[str, Code] = {}  # of tensors inside a loop: x[t]
        self.loops: dict[Expr, str] = {}  # what the loops that are written store
        self.softmaxes: dict[tuple[Expr, tuple[int, ...]], str] = {}  # that are computed by now
        self.helpers: dict[str, str] = {}
        self.imports: dict[str, None] = {}
        self.sizes: dict[str, None] = {}
        self.like = ""
        self.uses_einsum = False

    def helper(self, name: str) -> str:
        """Return what a function of the module's own is called: never as a tensor is."""
        if name not in self.helpers:
            own = name
            while own in self.taken:
                own += "_of"
            self.helpers[name] = own
        return self.helpers[name]

    # --- definitions ---

    def definition(self, expr: Expr) -> Code:
        """Return the code of an array with all the axes of ``expr``."""
        value = self.solid(self.emit(expr), expr)
        if len(value.axes) == expr.ndim and not value.is_number:
            return value.code
        return self.repeated(value, expr)

    def result(self, expr: Expr, inputs: Container[Expr]) -> Code:
        """Return the code of what a function returns: on PyTorch, never an input as it came."""
        code = self.definition(expr)
        if self.target.name == "torch" and expr in inputs:
            return call(f"{code}.view_as", code)
        return code

    def repeated(self, value: Piece, expr: Expr) -> Code:
        """Return a value repeated to all axes of ``expr``."""
        shape = atom(tuple_text([str(self.size(d)) for d in expr.dims]))
        module = self.target.module
        if not value.is_number:
            aligned = self.aligned(value, tuple(range(expr.ndim)))
            return call(f"{module}.broadcast_to", aligned, shape)
        if self.target.name == "torch":
            return call(f"{self.like}.new_full", shape, value.code)
        return call(f"{module}.full", shape, value.code, dtype=atom(f"{self.like}.dtype"))

    def size(self, dim: Dim) -> Code:
        """Return the code of an extent."""
        if isinstance(dim, int):
            return atom(str(dim))
        self.sizes[dim] = None
        return atom(self.names[f"size {dim}"])

    def aligned(self, value: Piece, axes: Sequence[int]) -> Code:
        """Return code that broadcasts against arrays that have ``axes``."""
        if not value.axes or value.is_number:
            return value.code
        entries = [":" if k in value.axes else "None" for k in axes]
        while entries[0] == "None":
            entries.pop(0)
        if "None" not in entries:
            return value.code
        return indexed(value.code, ", ".join(entries))

    def solid(self, value: Piece, expr: Expr) -> Piece:
        """Return truth values as numbers, 1 and 0."""
        if not value.is_bool:
            return value
        ones = self.full_like(1, expr)
        code = call(f"{self.target.module}.where", value.code, ones, atom("0"))
        return Piece(code, value.axes)

    # --- nodes ---

    def emit(self, node: Expr) -> Piece:
        """Return the value of one expression."""
        every = tuple(range(node.ndim))
        if isinstance(node, Var):
            return Piece(self.tensor(node), every)
        if node in self.loops:
            return Piece(atom(self.loops[node]), every)
        if isinstance(node, Const):
            return Piece(number(node.value), (), is_number=True)
        if isinstance(node, Size):
            return Piece(self.size(node.dim), (), is_number=True)
        if isinstance(node, Delta):
            return Piece(self._eye(node.dims[0]), every)
        if isinstance(node, Indices):
            return Piece(self._arange(node.dims[0]), every)
        if isinstance(node, Einsum):
            spread = times_entries(node)
            return Factors(self, node).value() if spread is None else self.emit(spread)
        if isinstance(node, Reduce):
            return self._reduce(node)
        if isinstance(node, Matrix):
            return self._matrix(node, every)
        if isinstance(node, Map):
            return self._map(node)
        if isinstance(node, Gather):
            return Piece(self._gather(node), every)
        if isinstance(node, Scatter):
            return self._scatter(node, every)
        if isinstance(node, Window):
            return Piece(self._windows(node.operands[0], node.reaches), every)
        if isinstance(node, Shift):
            return Piece(self._shifted(node), every)
        if isinstance(node, Band):
            return Piece(self._selector(node), every)
        raise EingradError(f"a standalone module has no spelling for {type(node).__name__}")

    # --- labels that move ---

    def _windows(self, node: Expr, reaches: Sequence[Reach]) -> Code:
        return call(self.helper("windows"), self.whole(node), *map(self._read, reaches))

    def _read(self, reach: Reach) -> Code:
        """Write where a window reads one axis, as ``windows`` takes it."""
        weights = [atom(str(n)) for n in reach.weights]
        return tuple_code(
            atom(str(reach.axis)), tuple_code(*map(self.size, reach.dims)), tuple_code(*weights),
            self._constant(reach.constant, reach.ends), atom(str(reach.step)),
        )  # fmt: skip

    def _selector(self, node: Band) -> Code:
        ends = [(n, dim) for n, dim in zip(node.ends, node.dims, strict=True) if n]
        weights = [atom(str(n)) for n in node.weights]
        return call(
            self.helper("selector"), tuple_code(*map(self.size, node.dims)), tuple_code(*weights),
            self._constant(node.constant, ends), atom(self.like),
        )  # fmt: skip

    def _constant(self, constant: int, ends: Sequence[tuple[int, Dim]]) -> Code:
        """Return the code of a whole number and multiples of extents."""
        return linear(constant, [(n, self.size(dim)) for n, dim in ends])

    def tensor(self, var: Var) -> Code:
        """Return a tensor's name; inside a loop, its entry."""
        return self.entries.get(var.name) or atom(self.names[var.name])

    def _shifted(self, node: Shift) -> Code:
        """Write a tensor read at another position: ``shifted(h, -1, 0, h0)``."""
        x, *outside = (self.whole(operand) for operand in node.operands)
        return call(self.helper("shifted"), x, number(node.by), atom(str(node.axis)), *outside)

    def _gather(self, node: Gather) -> Code:
        """Write an array read at integers: ``X[:, p]``."""
        places, order = self._places(node, node.operands[0].dims)
        code = gathered(self.whole(node.operands[0]), places or [atom("...")])
        return self.transposed(code, [order.index(label) for label in node.output])

    def _places(
        self, node: Gather | Scatter, dims: Sequence[Dim]
    ) -> tuple[list[Code], tuple[int, ...]]:
        """Return what stands between the brackets, and the labels of what is read there, in order.

        ``:`` for an axis that is read whole, where no index has its label; an array of places else.
        """
        known = {k for source in node.sources if not isinstance(source, int) for k in source[1]}
        labels = [x for x in node.sources if isinstance(x, int) and x not in known
                  and node.sources.count(x) == 1]  # fmt: skip
        at = [k for k, x in enumerate(node.sources) if x not in labels]
        joint = [k for k in node.output if k not in labels]
        first = at[0] if at and at[-1] - at[0] < len(at) else 0
        codes = [atom(":")] * len(dims)
        for k in at:
            codes[k] = self._place(node, dims[k], node.sources[k], joint)
        while codes and str(codes[-1]) == ":":
            codes.pop()
        return codes, (*labels[:first], *joint, *labels[first:])

    def _place(
        self, node: Gather | Scatter, dim: Dim, source: AxisSource, joint: Sequence[int]
    ) -> Code:
        """Return the places along one axis, which broadcast against those along the others."""
        if isinstance(source, int):
            code, axes = self._arange(dim), [joint.index(source)]
        else:
            code = self.whole(node.operands[1 + source[0]])
            axes = [joint.index(label) for label in source[1]]
        order = sorted(range(len(axes)), key=lambda k: axes[k])
        value = Piece(self.transposed(code, order), tuple(sorted(axes)))
        return self.aligned(value, range(len(joint)))

    def _scattered(self, node: Scatter, entries: Expr) -> tuple[Code, Code]:
        """Return the places of a scatter as a tuple, and its entries, laid out as they are."""
        places, order = self._places(node, node.dims)
        every = atom("None" if self.target.name == "torch" else "slice(None)")
        places = [every if str(place) == ":" else place for place in places]
        entries = transpose(entries, [node.output.index(k) for k in order])
        return tuple_code(*places), self.whole(entries)

    def _scatter(self, node: Scatter, every: tuple[int, ...]) -> Piece:
        shape = tuple_text([str(self.size(d)) for d in node.dims])
        places, entries = self._scattered(node, node.operands[0])
        return Piece(call(self.helper("scatter"), atom(shape), places, entries), every)

    def _arange(self, dim: Dim) -> Code:
        head = f"{self.target.module}.arange"
        if self.target.name == "torch":
            return call(head, self.size(dim), device=atom(f"{self.like}.device"))
        return call(head, self.size(dim))

    def operand(self, node: Expr) -> Piece:
        """Return the value of an operand, truth values as numbers."""
        return self.solid(self.emit(node), node)

    def whole(self, node: Expr) -> Code:
        """Return the code of an operand with all its axes."""
        return self.definition(node)

    def _eye(self, dim: Dim) -> Code:
        options = {"dtype": atom(f"{self.like}.dtype")}
        if self.target.name == "torch":
            options["device"] = atom(f"{self.like}.device")
        return call(f"{self.target.module}.eye", self.size(dim), **options)

    def _reduce(self, node: Reduce) -> Piece:
        operand = node.operands[0]
        code = self.whole(operand)
        beside = self.softmaxes.get((operand, node.axes)) if self.target.fused else None
        if node.function == "logsumexp" and beside is not None:
            inside = atom(str(node.axes[0]) if len(node.axes) == 1 else str(node.axes))
            code = call(self.helper("logsumexp_beside"), code, atom(beside), inside)
            return Piece(code, tuple(range(node.ndim)))
        result = self.target.reduction(node.function, code, node.axes, operand.ndim)
        if result is None and node.function not in HELPERS[self.target.name]:
            recipe = recipe_of(node)
            assert recipe is not None, node.function
            return self.emit(recipe)
        if result is None:
            axes = str(node.axes[0]) if len(node.axes) == 1 else str(node.axes)
            result = call(self.helper(node.function), code, axis=atom(axes))
        if node.function == "argmax":  # integers, which would take part in no other type
            cast = "to" if self.target.name == "torch" else "astype"
            result = call(f"{result}.{cast}", atom(f"{self.like}.dtype"))
        return Piece(result, tuple(range(node.ndim)))

    def _matrix(self, node: Matrix, every: tuple[int, ...]) -> Piece:
        if node.function in HELPERS[self.target.name]:
            return Piece(call(self.helper(node.function), self.whole(node.operands[0])), every)
        text, lines = imported(spelling(MATRIX_FUNCTIONS[node.function], self.target.name))
        self.imports |= dict.fromkeys(lines)
        head, _, rest = text.partition("({0})")
        code = call(head, self.whole(node.operands[0]))
        return Piece(indexed(code, rest[1:-1]) if rest else code, every)

    def _map(self, node: Map) -> Piece:
        if node.function == "add":
            return self._sum(node)
        if node.function == "pow":
            return self._power(node)
        values = [self.emit(x) for x in node.operands]
        axes = tuple(sorted({k for v in values for k in v.axes}))
        if (row := COMPARISONS.get(node.function)) is not None:
            pair = sorted(node.operands, key=_is_constant) if row.commutative else node.operands
            left, right = (self._compared(x, axes) for x in pair)
            return Piece(binary(row.sign, left, right), axes, is_bool=True)
        if node.function == "where":
            return self._where(node, values[0], axes)
        values = [self.solid(v, x) for v, x in zip(values, node.operands, strict=True)]
        if all(v.is_number for v in values):
            return self._of_numbers(node, values)
        if node.function in {"maximum", "minimum"}:
            values = sorted(values, key=lambda v: v.is_number)
            codes = [self.aligned(v, axes) for v in values]
            return Piece(self._extremum(node, values, codes), axes)
        return self._function(node, values, axes)

    def _of_numbers(self, node: Map, values: Sequence[Piece]) -> Piece:
        word = FUNCTIONS[node.function].python
        if word:
            head = word if hasattr(builtins, word) else f"math.{word}"
            return Piece(call(head, *(v.code for v in values)), (), is_number=True)
        *first, last = values
        return self._function(node, [*first, Piece(self.repeated(last, Const(0)))], ())

    def _function(self, node: Map, values: Sequence[Piece], axes: tuple[int, ...]) -> Piece:
        """Spell a function; else call the module's own, or write out the recipe."""
        name, recipe = node.function, recipe_of(node)
        codes = [self.aligned(v, axes) for v in values]
        text, lines = self.target.spelling(name, len(codes))
        tensors = self.target.name == "torch" and "{" not in FUNCTIONS[name].torch
        mixed = tensors and any(v.is_number for v in values)
        code = None if mixed and recipe is not None else self.target.function(name, codes)
        if code is not None:
            if mixed:
                codes = [self.repeated(v, Const(0)) if v.is_number else c
                         for v, c in zip(values, codes, strict=True)]  # fmt: skip
                code = self.target.function(name, codes)
                assert code is not None
            self.imports |= dict.fromkeys(lines)
            return Piece(code, axes)
        parts = () if recipe is None else recipe.operands
        plain = all(isinstance(x, Const) or x in node.operands for x in parts)
        if recipe is not None and (len(codes) > 1 or (plain and not text)):
            return self.emit(recipe)
        if self.target.name == "torch" and len(codes) > 1:
            codes = [self.repeated(v, Const(0)) if v.is_number else c
                     for v, c in zip(values, codes, strict=True)]  # fmt: skip
        return Piece(call(self.helper(name), *codes), axes)

    def _compared(self, node: Expr, axes: Sequence[int]) -> Code:
        return self.aligned(self.operand(node), axes)

    def _extremum(self, node: Map, values: Sequence[Piece], codes: Sequence[Code]) -> Code:
        """``maximum`` and ``minimum``; PyTorch's do not take numbers."""
        if self.target.name == "torch" and any(v.is_number for v in values):
            tensor, bound = codes
            side = "min" if node.function == "maximum" else "max"
            return call("torch.clamp", tensor, **{side: bound})
        return call(f"{self.target.module}.{node.function}", *codes)

    def _where(self, node: Map, condition: Piece, axes: tuple[int, ...]) -> Piece:
        """A case distinction; ``where(c, 1, 0)`` stays a condition until it must be numbers."""
        chosen = node.operands[1:]
        if [constant_value(x) for x in chosen] == [1, 0] and condition.is_bool:
            return condition
        test = condition.code
        if not condition.is_bool:
            test = binary("!=", test, atom("0"))
        values = [self.operand(x) for x in chosen]
        codes = [self.aligned(v, axes) for v in values]
        if all(v.is_number for v in values):
            codes[0] = self.full_like(_number_in(chosen[0]), node)
        aligned = self.aligned(Piece(test, condition.axes), axes)
        return Piece(call(f"{self.target.module}.where", aligned, *codes), axes)

    def full_like(self, value: Number, node: Expr) -> Code:
        """A number as an array of the right dtype: one like the first tensor below ``node``."""
        while not isinstance(node, Var):
            below = next((x for x in node.operands if x.ndim and x.dims == node.dims), None)
            if below is None:
                break
            node = below
        if not isinstance(node, Var):
            return self.repeated(Piece(number(value), is_number=True), Const(0))
        like, module = self.tensor(node), self.target.module
        if value in (0, 1):
            return call(f"{module}.{'ones' if value == 1 else 'zeros'}_like", like)
        return call(f"{module}.full_like", like, number(value))

    # --- sums and powers ---

    def _sum(self, node: Map) -> Piece:
        terms = sorted(node.operands, key=self._reading_order)
        scattered = {x: scale_of(x) for x in terms if isinstance(scale_of(x)[1], Scatter)}
        whole = [x for x in terms if x not in scattered]
        if scattered and whole:
            total = self._sum_of(whole)
            if len(total.axes) == node.ndim and not total.is_number:
                for factor, entries in scattered.values():
                    total = self._added_at(total, factor, entries)
                return total
        return self._sum_of(terms)

    def _added_at(self, total: Piece, factor: Number, node: Expr) -> Piece:
        """Add entries in their places, where a `Scatter` would be an array of mostly zeros."""
        assert isinstance(node, Scatter)
        places, entries = self._scattered(node, multiply(Const(factor), node.operands[0]))
        fresh = total.code.kind in {"binary", "unary"} and "add_onto" in HELPERS[self.target.name]
        name = self.helper("add_onto" if fresh else "add_at")
        return Piece(call(name, total.code, places, entries), total.axes)

    def _sum_of(self, terms: Sequence[Expr]) -> Piece:
        values = []
        for term in terms:
            coefficient, rest = scale_of(term)
            minus = is_negative(coefficient)
            shown = term
            if minus:
                shown = rest if coefficient == -1 else multiply(Const(-1), term)
            values.append((minus, self.operand(shown)))
        axes = tuple(sorted({k for _, v in values for k in v.axes}))
        total: Code | None = None
        for minus, value in values:
            code = self.aligned(value, axes)
            if total is None:
                total = negative(code) if minus else code
            else:
                total = binary("-" if minus else "+", total, code)
        assert total is not None
        return Piece(total, axes, is_number=all(v.is_number for _, v in values))

    def _reading_order(self, term: Expr) -> tuple[bool, bool, int, int]:
        """Positive terms first, numbers before them, then as the author introduced the tensors."""
        coefficient, _ = scale_of(term)
        minus = is_negative(coefficient)
        is_constant = constant_value(term) is not None
        return (minus, is_constant == minus, self.latest(term), term.digest)

    def latest(self, node: Expr) -> int:
        """The place, in the author's order, of the last tensor in an expression."""
        found, stack = -1, [node]
        while stack:
            x = stack.pop()
            if isinstance(x, Var):
                found = max(found, self.rank.get(x.name, len(self.rank)))
            stack.extend(x.operands)
        return found

    def _power(self, node: Map) -> Piece:
        base, exponent = base_and_exponent(node)
        if base is node:  # x ** y
            left, right = (self.operand(x) for x in node.operands)
            axes = tuple(sorted({*left.axes, *right.axes}))
            code = binary("**", self.aligned(left, axes), self.aligned(right, axes))
            return Piece(code, axes, left.is_number and right.is_number)
        divisor = positive_power(node)
        if divisor is not None:
            below = self.operand(divisor)
            return Piece(binary("/", atom("1"), below.code), below.axes, below.is_number)
        value = self.operand(base)
        if exponent == 0.5:
            return self._root(value)
        return Piece(binary("**", value.code, number(exponent)), value.axes, value.is_number)

    def _root(self, value: Piece) -> Piece:
        module = "math" if value.is_number else self.target.module
        return Piece(call(f"{module}.sqrt", value.code), value.axes, value.is_number)

    def transposed(self, code: Code, order: Sequence[int]) -> Code:
        """Return an array with its axes permuted."""
        if list(order) == sorted(order):
            return code
        if len(order) == 2:
            return attribute(code, "T")
        axes = atom(tuple_text([str(k) for k in order]))
        head = "torch.permute" if self.target.name == "torch" else f"{self.target.module}.transpose"
        return call(head, code, axes)


def _is_constant(node: Expr) -> bool:
    return constant_value(node) is not None


def _number_in(node: Expr) -> Number:
    value = constant_value(node)
    return 0 if value is None else value


def _less_of(node: Expr) -> Expr | None:
    """Return ``p - delta`` for ``delta - p``: a sign is taken to what is smaller than p."""
    terms = [(scale_of(x), x) for x in node.operands] if is_sum(node) else []
    rest = [n for (n, core), _ in terms if not isinstance(core, Scatter)]
    if not rest or len(rest) == len(terms) or not all(map(is_negative, rest)):
        return None
    return sum_of([multiply(Const(-1), x) for _, x in terms], node.dims)


# --- products: contractions as einsum or matmul, the rest with broadcasting ---


class Factors:
    """The factors of one product. Those without a summed label multiply what the others give."""

    def __init__(self, emitter: ExpressionWriter, node: Einsum) -> None:
        self.emitter, self.node = emitter, node
        product = open_product(node)
        self.coefficient, self.extents = product.coefficient, product.extents
        summed = product.summed()
        factors = sorted(product.factors, key=lambda f: (*self._place(f[0]), f[1]))
        self.inside = [f for f in factors if set(f[1]) & summed]
        outside = [(_less_of(x), x, ls) for x, ls in factors if not set(ls) & summed]
        self.outside = [(less or x, ls) for less, x, ls in outside]
        for less, _, _ in outside:
            self.coefficient = self.coefficient if less is None else -self.coefficient
        self.output = product.output

    def _place(self, x: Expr) -> tuple[bool, int, int]:
        """Order factors: named tensors first, as the author introduced them."""
        return not isinstance(x, Var), self.emitter.latest(x), x.digest

    def _upstream_first(self, x: Expr) -> bool:
        return not (isinstance(x, Var) and x.name in self.emitter.upstream)

    def value(self) -> Piece:
        """Return the product's value."""
        above, below = self._elementwise(self.outside)
        if self.inside:
            above.insert(0, self._contraction())
        return self._chain(self.coefficient, above, below)

    # --- entry by entry ---

    def _elementwise(
        self, factors: Sequence[tuple[Expr, Labels]]
    ) -> tuple[list[Piece], list[Piece]]:
        """Return the factors above and below the fraction bar."""
        above: list[Piece] = []
        below: list[Piece] = []
        for x, labels in sorted(factors, key=lambda f: self._upstream_first(f[0])):
            divisor = positive_power(x)
            if divisor is None:
                above.append(self._view(x, labels))
            else:
                below.append(self._view(divisor, labels))
        return above, below

    def _view(self, x: Expr, labels: Labels) -> Piece:
        """Return a factor with its axes in the product's order."""
        value = self.emitter.emit(x)
        own = tuple(labels[k] for k in value.axes)
        code = value.code
        if len(set(own)) < len(own):
            kept = tuple(sorted(set(own)))
            return Piece(self._einsum([(code, own)], kept), kept)
        order = sorted(range(len(own)), key=lambda k: own[k])
        code = self.emitter.transposed(code, order)
        return Piece(code, tuple(sorted(own)), value.is_number, value.is_bool)

    def _chain(self, coefficient: Number, above: list[Piece], below: list[Piece]) -> Piece:
        """Multiply and divide: numbers first, truth values after something that is not one."""
        axes = tuple(sorted({k for v in (*above, *below) for k in v.axes}))
        above = sorted(above, key=lambda v: (not v.is_number, v.is_bool, "eye(" in str(v.code)))
        solid = [v for v in above if not v.is_bool and not v.is_number]
        if not solid and above and above[-1].is_bool:
            first = next(k for k, v in enumerate(above) if v.is_bool)
            above[first] = self._as_numbers(above[first])
        codes = [self.emitter.aligned(v, axes) for v in above]
        divisors = [self.emitter.aligned(v, axes) for v in sorted(below, key=lambda v: v.axes)]
        minus = is_negative(coefficient)
        size = -coefficient if minus else coefficient
        if isinstance(size, Fraction) and not is_decimal(size):
            divisors.insert(0, atom(str(size.denominator)))
            size = size.numerator
        if size != 1 or not codes:
            codes.insert(0, number(size))
        code = reduce(lambda a, b: binary("*", a, b), codes)
        if divisors:
            code = binary("/", code, reduce(lambda a, b: binary("*", a, b), divisors))
        is_number = all(v.is_number for v in (*above, *below))
        only = len(codes) == 1 and not divisors and not minus and len(above) == 1
        is_bool = only and above[0].is_bool
        return Piece(negative(code) if minus else code, axes, is_number, is_bool)

    def _as_numbers(self, value: Piece) -> Piece:
        code = call(
            f"{self.emitter.target.module}.where", value.code,
            self.emitter.full_like(1, Const(1)), atom("0"),
        )  # fmt: skip
        return Piece(code, value.axes)

    # --- contractions ---

    def _contraction(self) -> Piece:
        convolved = self._convolution()
        if convolved is not None:
            return convolved
        operands = self._operands()
        present = {k for _, labels in operands for k in labels}
        output = tuple(k for k in self.output if k in present)
        if len(operands) == 1 and len(set(operands[0][1])) == len(operands[0][1]):
            return self._sum(operands[0], output)
        if self._is_summed_entry_by_entry(operands, output):
            return self._entries_summed(operands, output)
        if self.emitter.matmul:
            found = as_matmul(operands, output, self.emitter.target)
            if found is not None:
                return Piece(found, output)
        if self.emitter.target.name == "jax":
            order = cheap_order(operands, output)
            turned = self.emitter.transposed(
                self._einsum(operands, order), [order.index(k) for k in output]
            )
            return Piece(turned, output)
        return Piece(self._einsum(operands, output), output)

    def _convolution(self) -> Piece | None:
        """Write a product with a window as the target's convolution, where it is just that."""
        emitter = self.emitter
        if len(self.inside) != 2 or STEPS[0] not in HELPERS[emitter.target.name]:
            return None
        present = {k for _, labels in self.inside for k in labels}
        output = tuple(k for k in self.output if k in present)
        writer = ConvolutionWriter(
            emitter.target.module, emitter.whole, emitter.size, emitter.transposed,
            emitter.helper, emitter.usual,
        )  # fmt: skip
        found = writer.product(self.inside, output, dict(enumerate(self.node.extents)))
        return None if found is None else Piece(found, output)

    def _is_summed_entry_by_entry(self, operands: Sequence[Operand], output: Labels) -> bool:
        """Whether this is two operands of which one has all labels, and no call of BLAS is faster.

        XLA fuses such a product with what stands around it, as it does no call of a matrix product.
        PyTorch takes a row's inner product for a product of matrices of one row, which is slow.
        """
        if len(operands) != 2 or any(len(set(ls)) < len(ls) for _, ls in operands):
            return False
        own, labels = sorted((set(ls) for _, ls in operands), key=len)
        if self.emitter.target.name == "torch":
            return own == labels and bool(output)
        return self.emitter.target.name == "jax" and own <= labels

    def _entries_summed(self, operands: Sequence[Operand], output: Labels) -> Piece:
        """Return a product entry by entry, summed."""
        (small, own), (whole, labels) = sorted(operands, key=lambda x: len(x[1]))
        order = sorted(range(len(own)), key=lambda k: labels.index(own[k]))
        turned = self.emitter.transposed(small, order)
        factor = Piece(turned, tuple(sorted(labels.index(k) for k in own)))
        aligned = self.emitter.aligned(factor, range(len(labels)))
        return self._sum((binary("*", whole, aligned), labels), output)

    def _operands(self) -> list[Operand]:
        """Emit the operands; of more than two, those with the same labels are multiplied."""
        groups: dict[Labels, list[Expr]] = {}
        order: dict[frozenset[int], Labels] = {}
        merge = len(self.inside) > 2 or any(positive_power(x) is not None for x, _ in self.inside)
        if not merge:
            return [(self._whole(x), labels) for x, labels in self.inside]
        for x, labels in self.inside:
            lead = labels
            if len(set(labels)) == len(labels):
                lead = order.setdefault(frozenset(labels), labels)
            turned = x if lead == labels else transpose(x, [labels.index(k) for k in lead])
            groups.setdefault(lead, []).append(turned)
        return [(self._product_of(group), labels) for labels, group in groups.items()]

    def _whole(self, x: Expr) -> Code:
        if isinstance(x, Delta):
            return self.emitter.emit(x).code
        return self.emitter.definition(x)

    def _product_of(self, group: Sequence[Expr]) -> Code:
        """Multiply tensors with the same axes."""
        if len(group) == 1:
            return self._whole(group[0])
        above: list[Piece] = []
        below: list[Piece] = []
        for x in sorted(group, key=self._upstream_first):
            divisor = positive_power(x)
            (above if divisor is None else below).append(self.emitter.emit(divisor or x))
        below = [Piece(self.emitter.aligned(v, v.axes), v.axes) for v in below]
        value = self._chain(1, above, below)
        if len(value.axes) < group[0].ndim:
            return self.emitter.repeated(value, group[0])
        return value.code

    def _sum(self, operand: Operand, output: Labels) -> Piece:
        code, labels = operand
        axes = tuple(k for k, label in enumerate(labels) if label not in output)
        total = self.emitter.target.reduction("sum", code, axes, len(labels))
        assert total is not None
        kept = [label for label in labels if label in output]
        order = sorted(range(len(kept)), key=lambda k: kept[k])
        return Piece(self.emitter.transposed(total, order), output)

    def _einsum(self, operands: Sequence[Operand], output: Labels) -> Code:
        letters = self._letters([*output, *(k for _, labels in operands for k in labels)])
        inputs = ",".join("".join(letters[k] for k in labels) for _, labels in operands)
        spec = f'"{inputs}->{"".join(letters[k] for k in output)}"'
        self.emitter.uses_einsum = True
        return call(self.emitter.target.einsum, atom(spec), *(code for code, _ in operands))

    def _letters(self, labels: Sequence[int]) -> dict[int, str]:
        """Give each label the author's letter, or one that is free."""
        result: dict[int, str] = {}
        for label in dict.fromkeys(labels):
            own = self._wanted(self.extents[label])
            free = (x for x in [*own, *string.ascii_letters] if x not in result.values())
            result[label] = next(free)
        return result

    def _wanted(self, dim: Dim) -> list[str]:
        own = self.emitter.letters.get(dim, ())
        return [x for x in (*own, str(dim)) if len(x) == 1 and x in string.ascii_letters]
