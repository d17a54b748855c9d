"""Element-wise functions and functions over axes, lowered to steps in a stable form.

No step overflows, divides by 0 or yields NaN where the function itself has a value: softmax and
its relatives subtract the maximum, `sigmoid` and `softplus` take exp of what is not positive.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from eingrad.core.expr import Number, exact
from eingrad.core.functions import FUNCTIONS, keeps_axes
from eingrad.engine import values
from eingrad.engine.program import BOOLEAN, FLOAT, INTEGER, Builder, Register, indices_text
from eingrad.engine.values import Value, constant, dense, elementwise, plain


def lower_map(b: Builder, function: str, operands: Sequence[Value]) -> Value:
    """Return the value of an element-wise function."""
    if function == "add":
        return _add(b, operands)
    if function not in FUNCTIONS:
        return _bound(b, function, operands)
    if function == "pow" and (number := _exact_power(*operands)) is not None:
        return constant(number, operands[0].shape)
    if FUNCTIONS[function].commutative:  # NumPy is faster where a number stands behind an array
        operands = sorted(operands, key=lambda x: x.is_scalar)
    if all(x.register is None for x in operands):
        operands = [_solid(b, operands[0]), *operands[1:]]
    if FUNCTIONS[function].sign:
        return elementwise(b, function, _numbers(b, operands), kind=BOOLEAN)
    if function == "where":
        return _where(b, *operands)
    if function == "pow":
        return _pow(b, *_numbers(b, operands))
    return elementwise(b, function, _numbers(b, operands))


def _numbers(b: Builder, operands: Sequence[Value]) -> list[Value]:
    return [plain(b, x, FLOAT) for x in operands]


def _exact_power(base: Value, exponent: Value) -> Number | None:
    """Return a power of numbers where it is a fraction: ``1 / size(b)`` is known in the plan."""
    if base.register is not None or base.scalars or exponent.register is not None:
        return None
    x, n = base.number, exponent.number
    if isinstance(x, int | Fraction) and isinstance(n, int) and abs(n) <= 64 and x != 0:
        return exact(Fraction(x) ** n)
    return None


def computed(b: Builder, value: Value) -> Value:
    """Return a value whose entries are those of a register."""
    return plain(b, value, FLOAT) if value.register is not None else _solid(b, value)


def _solid(b: Builder, value: Value) -> Value:
    """Return a constant as a register, for functions of constants alone."""
    if value.register is not None:
        return value
    register = values.factor_of(b, value)
    if not isinstance(register, Register):
        register = b.step("fill", [register], (), flops=0)
    return Value(register, (None,) * len(value.shape), value.shape)


# --- sums ---------------------------------------------------------------------------------------


def _add(b: Builder, terms: Sequence[Value]) -> Value:
    """Add terms; a negative one is subtracted, a repeated one is added before a full one."""
    ordered = sorted(terms, key=lambda t: (_entries(t), _is_negative(t)))
    total = ordered[0]
    if _is_negative(total) and not total.is_scalar:
        positive = next((t for t in ordered if not _is_negative(t) and not t.is_scalar), None)
        if positive is not None:
            ordered.remove(positive)
            ordered.insert(0, positive)
            total = positive
    for term in ordered[1:]:
        total = _plus(b, total, term)
    return total


def _entries(value: Value) -> int:
    return 0 if value.register is None else value.register.size


def _is_negative(value: Value) -> bool:
    return not isinstance(value.number, complex) and value.number < 0


def _plus(b: Builder, left: Value, right: Value) -> Value:
    if _is_negative(left) and not _is_negative(right):
        left, right = right, left
    left = plain(b, left, FLOAT)
    op = "add"
    if _is_negative(right) and right.register is not None:
        op, right = "subtract", values.scaled(right, -1)
    right = plain(b, right, FLOAT)
    if left.register is None and right.register is None and not (left.scalars or right.scalars):
        return constant(left.number + right.number, left.shape)
    return elementwise(b, op, [left, right], kind=_kind(left, right))


def _kind(*operands: Value) -> str:
    """Sums of integers are integers."""
    for x in operands:
        if x.register is None:
            if not isinstance(x.number, int) or x.scalars:
                return FLOAT
        elif x.register.kind != INTEGER:
            return FLOAT
    return INTEGER


# --- element-wise -------------------------------------------------------------------------------


def _where(b: Builder, condition: Value, above: Value, below: Value) -> Value:
    """Select; ``where(c, 1, 0)`` stays a boolean, by which a product selects, too."""
    if condition.register is None or condition.register.kind != BOOLEAN or condition.inverse:
        condition = _solid(b, plain(b, condition))
        condition = elementwise(b, "ne", [condition, constant(0)], kind=BOOLEAN)
    condition = values.unscaled(condition)
    numbers = [x.number if x.register is None and not x.scalars else None for x in (above, below)]
    if numbers == [1, 0]:
        return condition
    if numbers == [0, 1]:
        return elementwise(b, "logical_not", [condition], kind=BOOLEAN)
    bits = elementwise(b, "bits", [condition], kind=BOOLEAN)
    above, below = (_real(b, x) for x in (above, below))
    return elementwise(b, "where", [bits, above, below])


def _real(b: Builder, value: Value) -> Value:
    """Return a value whose entries are numbers of the program's dtype."""
    value = plain(b, value, FLOAT)
    if value.register is None or value.register.kind == FLOAT:
        return value
    register = b.step("copy", [value.register], value.register.shape, flops=0)
    return replace(value, register=register)


def _pow(b: Builder, base: Value, exponent: Value) -> Value:
    """A number as exponent takes the cheaper operation."""
    number = exponent.number if exponent.register is None and not exponent.scalars else None
    if number in (Fraction(1, 2), 0.5):
        return elementwise(b, "sqrt", [base])
    if isinstance(number, int | Fraction | float) and number < 0:
        positive = _pow(b, base, constant(-number, exponent.shape)) if number != -1 else base
        return elementwise(b, "divide", [constant(1), positive])
    if number == 1:
        return base
    if isinstance(number, int) and 1 < number <= 4:
        square = elementwise(b, "multiply", [base, base])
        if number == 2:
            return square
        return elementwise(b, "multiply", [square, square if number == 4 else base])
    return elementwise(b, "pow", [base, exponent])


def _bound(b: Builder, function: str, operands: Sequence[Value]) -> Value:
    """Call the caller's Python function on arrays."""
    (x,) = _numbers(b, operands)
    x = _solid(b, x)
    assert x.register is not None
    register = b.step("call", [x.register], x.register.shape, parameters=(function,))
    return Value(register, x.axes, x.shape)


# --- functions over axes ------------------------------------------------------------------------


def is_lowered(function: str) -> bool:
    """Whether there is a way of its own to lower a function over axes, rather than its recipe."""
    return function in _REDUCTIONS or function in ALONG_ONE


def lower_reduce(b: Builder, function: str, operand: Value, axes: tuple[int, ...]) -> Value:
    """Return the value of a function over axes of one operand."""
    operand = plain(b, operand, FLOAT)
    if any(operand.axes[k] is None for k in axes) or operand.register is None:
        operand = values.of_register(dense(b, operand))
    if function in ALONG_ONE:
        return _at_end(b, function, operand, axes)
    own = tuple(sorted(axis for k in axes if (axis := operand.axes[k]) is not None))
    register = operand.register
    assert register is not None
    keeps = keeps_axes(function)
    native = function in b.native and (len(own) == 1 or not keeps)
    result = (
        _fold_step(b, function, register, own, keeps=keeps) if native
        else _REDUCTIONS[function](b, register, own)
    )  # fmt: skip
    if keeps:
        return Value(result, operand.axes, operand.shape)
    return _dropped(b, result, operand, axes)


def _dropped(b: Builder, result: Register, operand: Value, axes: tuple[int, ...]) -> Value:
    """Return a fold, whose register has axes of size 1, without these axes."""
    kept = [k for k in range(len(operand.shape)) if k not in axes]
    rank = sorted(axis for k in kept if (axis := operand.axes[k]) is not None)
    shape = tuple(operand.register.shape[axis] for axis in rank)  # type: ignore[union-attr]
    register = b.reshape(result, shape)
    own = tuple(None if (axis := operand.axes[k]) is None else rank.index(axis) for k in kept)
    return Value(register, own, tuple(operand.shape[k] for k in kept))


def _fold_step(
    b: Builder, op: str, x: Register, axes: tuple[int, ...], start: str = "", *, keeps: bool = False
) -> Register:
    """Reduce axes to size 1, or keep them; ``start`` names the least value of the fold."""
    if keeps:
        return b.step(op, [x], x.shape, parameters=(axes, True), flops=5 * x.size)
    shape = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    whole = len(axes) == len(x.shape)  # then the result is a scalar, which broadcasts as it is
    parameters = (axes, not whole, start) if start else (axes, not whole)
    return b.step(op, [x], () if whole else shape, parameters=parameters, flops=x.size)


def _shifted(b: Builder, x: Register, axes: tuple[int, ...]) -> tuple[Register, Register, Register]:
    """Return (max x, x - max x, sum of exp of it): shared by softmax and its relatives.

    The maximum is finite also where every entry is -inf, so that the difference is no NaN.
    """
    top = _fold_step(b, "amax", x, axes, "min")
    difference = b.elementwise("subtract", [x, top])
    total = _fold_step(b, "sum", b.elementwise("exp", [difference]), axes)
    return top, difference, total


def _softmax(b: Builder, x: Register, axes: tuple[int, ...]) -> Register:
    _, difference, total = _shifted(b, x, axes)
    return b.elementwise("divide", [b.elementwise("exp", [difference]), total])


def _log_softmax(b: Builder, x: Register, axes: tuple[int, ...]) -> Register:
    _, difference, total = _shifted(b, x, axes)
    return b.elementwise("subtract", [difference, b.elementwise("log", [total])])


def _logsumexp(b: Builder, x: Register, axes: tuple[int, ...]) -> Register:
    """The maximum is subtracted where it is finite; that of an infinite entry is infinite."""
    top = _chosen(b, _fold_step(b, "amax", x, axes, "min"), math.inf, 0.0)
    total = _fold_step(b, "sum", b.elementwise("exp", [b.elementwise("subtract", [x, top])]), axes)
    return b.elementwise("add", [b.elementwise("log_of_sum", [total]), top])


def _by_largest(
    b: Builder, x: Register, axes: tuple[int, ...]
) -> tuple[Register, Register, Register]:
    """Return (max |x|, x / max |x|, root of the sum of its squares), so that no square overflows.

    Instead of 0 the maximum is a tiny number, instead of infinity 1.
    """
    top = _fold_step(b, "amax", b.elementwise("abs", [x]), axes, "tiny")
    top = _chosen(b, top, math.inf, 1.0)
    ratio = b.elementwise("divide", [x, top])
    total = _fold_step(b, "sum", b.elementwise("multiply", [ratio, ratio]), axes)
    return top, ratio, b.elementwise("root", [total])


def _chosen(b: Builder, x: Register, number: float, instead: float) -> Register:
    """Put another number in the place of one."""
    found = b.elementwise("eq", [x, number], kind=BOOLEAN)
    return b.elementwise("where", [b.elementwise("bits", [found], kind=BOOLEAN), instead, x])


def _norm(b: Builder, x: Register, axes: tuple[int, ...]) -> Register:
    """The Euclidean norm."""
    top, _, root = _by_largest(b, x, axes)
    return b.elementwise("multiply", [root, top])


def _unit(b: Builder, x: Register, axes: tuple[int, ...]) -> Register:
    """The entries divided by their norm, 0 where it is 0."""
    _, ratio, root = _by_largest(b, x, axes)
    return b.elementwise("divide", [ratio, _chosen(b, root, 0.0, 1.0)])


def _attained(fold: str) -> Callable[[Builder, Register, tuple[int, ...]], Register]:
    """Where an extremum is attained; compared with itself, so that rounding cannot miss it."""

    def lower(b: Builder, x: Register, axes: tuple[int, ...]) -> Register:
        best = b.elementwise("eq", [x, _fold_step(b, fold, x, axes)], kind=BOOLEAN)
        entries = b.elementwise("multiply", [best, 1.0])
        return b.elementwise("divide", [entries, _fold_step(b, "sum", entries, axes)])

    return lower


def _cumsum(b: Builder, x: Register, axes: tuple[int, ...]) -> Register:
    """The sums of all entries up to each, along one axis after the other."""
    for axis in axes:
        x = b.step("cumsum", [x], x.shape, parameters=(axis,))
    return x


def _reverse_cumsum(b: Builder, x: Register, axes: tuple[int, ...]) -> Register:
    turned = _reversed(b, _cumsum(b, _reversed(b, x, axes), axes), axes)
    return b.step("copy", [turned], x.shape, kind=x.kind, flops=0)  # as what reshapes it expects


def _reversed(b: Builder, x: Register, axes: tuple[int, ...]) -> Register:
    ranges = [(n - 1, n, -1) if k in axes and n else (0, n, 1) for k, n in enumerate(x.shape)]
    return b.view(x, "index", indices_text(ranges), x.shape)


_REDUCTIONS: dict[str, Callable[[Builder, Register, tuple[int, ...]], Register]] = {
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "norm": _norm,
    "unit": _unit,
    "max": lambda b, x, axes: _fold_step(b, "amax", x, axes),
    "min": lambda b, x, axes: _fold_step(b, "amin", x, axes),
    "prod": lambda b, x, axes: _fold_step(b, "prod", x, axes),
    "ismax": _attained("amax"),
    "ismin": _attained("amin"),
    "cumsum": _cumsum,
    "reverse_cumsum": _reverse_cumsum,
}


ALONG_ONE = frozenset({"prod_others", "argmax", "argsort"})  # they go along one axis


def _at_end(b: Builder, function: str, operand: Value, axes: tuple[int, ...]) -> Value:
    """Bring the axes to the end, as one axis, for functions that go along one axis."""
    kept = [k for k in range(len(operand.shape)) if k not in axes]
    order = [*kept, *axes]
    register = dense(b, operand, order=order)
    n = math.prod(operand.shape[k] for k in axes)
    flat = b.reshape(register, (*(operand.shape[k] for k in kept), n))
    if function == "argmax":
        shape = flat.shape[:-1]
        found = b.step("argmax", [flat], shape, kind=INTEGER, flops=flat.size)
        return values.of_register(found)
    kind = INTEGER if function == "argsort" else register.kind
    found = b.step(function, [flat], flat.shape, kind=kind, flops=3 * flat.size)
    result = b.reshape(found, register.shape)
    return Value(result, tuple(order.index(k) for k in range(len(order))), operand.shape)
