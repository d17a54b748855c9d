"""One definition -> one Python expression, as a person would write it.

A value remembers along which axes it varies: what is constant along an axis is broadcast, and
only a whole definition is ever repeated to its full shape.
"""

from __future__ import annotations

import builtins
from collections.abc import Container, Mapping, Sequence

from eingrad.codegen.code import (
    Code,
    atom,
    attribute,
    binary,
    call,
    gathered,
    indexed,
    negative,
    tuple_text,
)
from eingrad.codegen.helpers import HELPERS
from eingrad.codegen.products import Factors
from eingrad.codegen.targets import Target
from eingrad.codegen.values import Value, is_negative, number, positive_power
from eingrad.core.algebra import base_and_exponent, constant_value, multiply, scale_of
from eingrad.core.arrays import Gather, Indices, Matrix, Scatter
from eingrad.core.expr import Const, Delta, Dim, Einsum, Expr, Map, Number, Reduce, Size, Var
from eingrad.core.functions import COMPARISONS, FUNCTIONS, MATRIX_FUNCTIONS, imported, spelling
from eingrad.core.partials import recipe_of
from eingrad.errors import EingradError


class Emitter:
    """Writes expressions for one target; it collects the helpers, modules and sizes they use."""

    def __init__(
        self,
        target: Target,
        names: Mapping[str, str],
        letters: Mapping[Dim, Sequence[str]],
        rank: Mapping[str, int],
        upstream: Container[str] = (),
        matmul: bool = False,
    ) -> None:
        self.target, self.names, self.letters, self.rank = target, names, letters, rank
        self.upstream, self.matmul = upstream, matmul
        self.helpers: set[str] = set()
        self.imports: dict[str, None] = {}
        self.sizes: dict[str, None] = {}
        self.like = ""
        self.uses_einsum = False

    # --- definitions ---

    def definition(self, expr: Expr) -> Code:
        """Return the code of an array with all the axes of ``expr``."""
        value = self.solid(self.emit(expr), expr)
        if len(value.axes) == expr.ndim and not value.is_number:
            return value.code
        return self.repeated(value, expr)

    def repeated(self, value: Value, expr: Expr) -> Code:
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

    def aligned(self, value: Value, axes: Sequence[int]) -> Code:
        """Return code that broadcasts against arrays that have ``axes``."""
        if not value.axes or value.is_number:
            return value.code
        entries = [":" if k in value.axes else "None" for k in axes]
        while entries[0] == "None":
            entries.pop(0)
        if "None" not in entries:
            return value.code
        return indexed(value.code, ", ".join(entries))

    def solid(self, value: Value, expr: Expr) -> Value:
        """Return truth values as numbers, 1 and 0."""
        if not value.is_bool:
            return value
        ones = self.full_like(1, expr)
        code = call(f"{self.target.module}.where", value.code, ones, atom("0"))
        return Value(code, value.axes)

    # --- nodes ---

    def emit(self, node: Expr) -> Value:
        """Return the value of one expression."""
        every = tuple(range(node.ndim))
        if isinstance(node, Var):
            return Value(atom(self.names[node.name]), every)
        if isinstance(node, Const):
            return Value(number(node.value), (), is_number=True)
        if isinstance(node, Size):
            return Value(self.size(node.dim), (), is_number=True)
        if isinstance(node, Delta):
            return Value(self._eye(node.dims[0]), every)
        if isinstance(node, Indices):
            return Value(self._arange(node.dims[0]), every)
        if isinstance(node, Einsum):
            return Factors(self, node).value()
        if isinstance(node, Reduce):
            return self._reduce(node)
        if isinstance(node, Matrix):
            return self._matrix(node, every)
        if isinstance(node, Map):
            return self._map(node)
        if isinstance(node, Gather):
            places = self._places(node, node.operands[0].dims)
            return Value(gathered(self.whole(node.operands[0]), places), every)
        if isinstance(node, Scatter):
            return self._scatter(node, every)
        raise EingradError(f"a standalone module has no spelling for {type(node).__name__}")

    def _places(self, node: Gather | Scatter, dims: Sequence[Dim]) -> list[Code]:
        """Return one array of places for each axis, which broadcast against each other."""
        axis_of = {label: axis for axis, label in enumerate(node.output)}
        codes = []
        for dim, source in zip(dims, node.sources, strict=True):
            if isinstance(source, int):
                code, axes = self._arange(dim), [axis_of[source]]
            else:
                code = self.whole(node.operands[1 + source[0]])
                axes = [axis_of[label] for label in source[1]]
            order = sorted(range(len(axes)), key=lambda k, axes=axes: axes[k])  # type: ignore[misc]
            value = Value(self.transposed(code, order), tuple(sorted(axes)))
            codes.append(self.aligned(value, range(len(node.output))))
        return codes

    def _scatter(self, node: Scatter, every: tuple[int, ...]) -> Value:
        self.helpers.add("scatter")
        shape = tuple_text([str(self.size(d)) for d in node.dims])
        places = Code("tuple", "", tuple(self._places(node, node.dims)))
        code = call("scatter", atom(shape), places, self.whole(node.operands[0]))
        return Value(code, every)

    def _arange(self, dim: Dim) -> Code:
        head = f"{self.target.module}.arange"
        if self.target.name == "torch":
            return call(head, self.size(dim), device=atom(f"{self.like}.device"))
        return call(head, self.size(dim))

    def operand(self, node: Expr) -> Value:
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

    def _reduce(self, node: Reduce) -> Value:
        operand = node.operands[0]
        code = self.whole(operand)
        result = self.target.reduction(node.function, code, node.axes, operand.ndim)
        if result is None and node.function not in HELPERS[self.target.name]:
            recipe = recipe_of(node)
            assert recipe is not None, node.function
            return self.emit(recipe)
        if result is None:
            self.helpers.add(node.function)
            axes = str(node.axes[0]) if len(node.axes) == 1 else str(node.axes)
            result = call(node.function, code, axis=atom(axes))
        if node.function == "argmax":  # integers, which would take part in no other type
            cast = "to" if self.target.name == "torch" else "astype"
            result = call(f"{result}.{cast}", atom(f"{self.like}.dtype"))
        return Value(result, tuple(range(node.ndim)))

    def _matrix(self, node: Matrix, every: tuple[int, ...]) -> Value:
        if node.function in HELPERS[self.target.name]:
            self.helpers.add(node.function)
            return Value(call(node.function, self.whole(node.operands[0])), every)
        text, lines = imported(spelling(MATRIX_FUNCTIONS[node.function], self.target.name))
        self.imports |= dict.fromkeys(lines)
        head, _, rest = text.partition("({0})")
        code = call(head, self.whole(node.operands[0]))
        return Value(indexed(code, rest[1:-1]) if rest else code, every)

    def _map(self, node: Map) -> Value:
        if node.function == "add":
            return self._sum(node)
        if node.function == "pow":
            return self._power(node)
        values = [self.emit(x) for x in node.operands]
        axes = tuple(sorted({k for v in values for k in v.axes}))
        if (row := COMPARISONS.get(node.function)) is not None:
            pair = sorted(node.operands, key=_is_constant) if row.commutative else node.operands
            left, right = (self._compared(x, axes) for x in pair)
            return Value(binary(row.sign, left, right), axes, is_bool=True)
        if node.function == "where":
            return self._where(node, values[0], axes)
        values = [self.solid(v, x) for v, x in zip(values, node.operands, strict=True)]
        if all(v.is_number for v in values):
            return self._of_numbers(node, values)
        if node.function in {"maximum", "minimum"}:
            values = sorted(values, key=lambda v: v.is_number)
            codes = [self.aligned(v, axes) for v in values]
            return Value(self._extremum(node, values, codes), axes)
        return self._function(node, values, axes)

    def _of_numbers(self, node: Map, values: Sequence[Value]) -> Value:
        word = FUNCTIONS[node.function].python
        if word:
            head = word if hasattr(builtins, word) else f"math.{word}"
            return Value(call(head, *(v.code for v in values)), (), is_number=True)
        *first, last = values
        return self._function(node, [*first, Value(self.repeated(last, Const(0)))], ())

    def _function(self, node: Map, values: Sequence[Value], axes: tuple[int, ...]) -> Value:
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
            return Value(code, axes)
        parts = () if recipe is None else recipe.operands
        plain = all(isinstance(x, Const) or x in node.operands for x in parts)
        if recipe is not None and (len(codes) > 1 or (plain and not text)):
            return self.emit(recipe)
        self.helpers.add(name)
        return Value(call(name, *codes), axes)

    def _compared(self, node: Expr, axes: Sequence[int]) -> Code:
        return self.aligned(self.operand(node), axes)

    def _extremum(self, node: Map, values: Sequence[Value], codes: Sequence[Code]) -> Code:
        """``maximum`` and ``minimum``; PyTorch's do not take numbers."""
        if self.target.name == "torch" and any(v.is_number for v in values):
            tensor, bound = codes
            side = "min" if node.function == "maximum" else "max"
            return call("torch.clamp", tensor, **{side: bound})
        return call(f"{self.target.module}.{node.function}", *codes)

    def _where(self, node: Map, condition: Value, axes: tuple[int, ...]) -> Value:
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
        aligned = self.aligned(Value(test, condition.axes), axes)
        return Value(call(f"{self.target.module}.where", aligned, *codes), axes)

    def full_like(self, value: Number, node: Expr) -> Code:
        """A number as an array of the right dtype: one like the first tensor below ``node``."""
        while not isinstance(node, Var):
            below = next((x for x in node.operands if x.ndim and x.dims == node.dims), None)
            if below is None:
                break
            node = below
        if not isinstance(node, Var):
            return self.repeated(Value(number(value), is_number=True), Const(0))
        like, module = atom(self.names[node.name]), self.target.module
        if value in (0, 1):
            return call(f"{module}.{'ones' if value == 1 else 'zeros'}_like", like)
        return call(f"{module}.full_like", like, number(value))

    # --- sums and powers ---

    def _sum(self, node: Map) -> Value:
        terms = sorted(node.operands, key=self._reading_order)
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
        return Value(total, axes, is_number=all(v.is_number for _, v in values))

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

    def _power(self, node: Map) -> Value:
        base, exponent = base_and_exponent(node)
        if base is node:  # x ** y
            left, right = (self.operand(x) for x in node.operands)
            axes = tuple(sorted({*left.axes, *right.axes}))
            code = binary("**", self.aligned(left, axes), self.aligned(right, axes))
            return Value(code, axes, left.is_number and right.is_number)
        divisor = positive_power(node)
        if divisor is not None:
            below = self.operand(divisor)
            return Value(binary("/", atom("1"), below.code), below.axes, below.is_number)
        value = self.operand(base)
        if exponent == 0.5:
            return self._root(value)
        return Value(binary("**", value.code, number(exponent)), value.axes, value.is_number)

    def _root(self, value: Value) -> Value:
        module = "math" if value.is_number else self.target.module
        return Value(call(f"{module}.sqrt", value.code), value.axes, value.is_number)

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
