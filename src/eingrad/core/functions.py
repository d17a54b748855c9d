"""The function table: for each function its derivative, its LaTeX and its spelling per backend.

A partial derivative is stated once, as an expression of the result ``y`` and the arguments;
reverse mode, forward mode, printing and code generation all read it from here.

``cumsum`` sums all entries up to each, ``reverse_cumsum`` all from each on. ``ismax`` and ``ismin`` are 1 where an extremum is attained and 0 elsewhere, 1/n each at n ties.

Values at kinks: ``relu'(0) = 0``, ``abs'(0) = sign(0) = 0``, ``maximum`` and ``minimum`` share
the derivative equally at a tie, comparisons and ``sign`` have the derivative 0. Of ``a ** b`` at
a = 0, the derivative by b >= 0 is 0, and that by a is 0 at b = 0: see `AT_KINKS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from eingrad.core.algebra import (
    ONE,
    add,
    apply,
    constant_value,
    einsum,
    identity_labels,
    multiply,
    power,
    reduce,
    repeat,
)
from eingrad.core.expr import Const, Delta, Dim, Expr, Number, Reduce
from eingrad.core.infix import Infix

HALF = Fraction(1, 2)
Partial = Callable[..., Infix]


@dataclass(frozen=True, slots=True)
class Function:
    """An element-wise function.

    ``partials[k]`` maps (result, *arguments) to the derivative by argument k; None stands for a
    derivative that is 0 wherever it exists. ``latex`` and the spellings are format strings over
    the arguments.
    """

    name: str
    partials: tuple[Partial | None, ...]
    rule: str
    latex: str
    numpy: str
    torch: str
    jax: str

    @property
    def arity(self) -> int:
        """The number of arguments."""
        return len(self.partials)


def _row(
    name: str, partial: Partial | None, latex: str, numpy: str, torch: str = "", jax: str = ""
) -> Function:
    """A function of one argument, whose spelling is NumPy's unless another is given."""
    return Function(
        name, (partial,), f"{name} derivative", latex, numpy,
        torch or numpy.replace("np.", "torch."), jax or numpy.replace("np.", "jnp."),
    )  # fmt: skip


def _step(x: Infix, above: Infix | Number, below: Infix | Number) -> Infix:
    return x("gt", 0)("where", above, below)


def _gaussian(x: Infix) -> Infix:
    return (-(x * x) / 2)("exp") / math.sqrt(2 * math.pi)


SQRT_HALF = math.sqrt(0.5)


def slope_of_gelu(x: Infix) -> Infix:
    """Return ``gelu'(x)``, the normal distribution function plus x times the density."""
    return HALF * (1 + (x * SQRT_HALF)("erf")) + x * _gaussian(x)


# fmt: off
_UNARY = [
    # name         derivative by x, with y the result             LaTeX                          NumPy                              PyTorch                            JAX
    _row("exp",        lambda y, x: y,                                r"\exp({0})",                  "np.exp({0})"),
    _row("expm1",      lambda y, x: y + 1,                            r"\operatorname{{expm1}}({0})", "np.expm1({0})"),
    _row("log",        lambda y, x: 1 / x,                            r"\log({0})",                  "np.log({0})"),
    _row("log1p",      lambda y, x: 1 / (1 + x),                      r"\operatorname{{log1p}}({0})", "np.log1p({0})"),
    _row("sqrt",       lambda y, x: 1 / (2 * y),                      r"\sqrt{{{0}}}",               "np.sqrt({0})"),
    _row("abs",        lambda y, x: x("sign"),                        r"\left|{0}\right|",           "np.abs({0})"),
    _row("sign",       None,                                          r"\operatorname{{sign}}({0})", "np.sign({0})"),
    _row("sin",        lambda y, x: x("cos"),                         r"\sin({0})",                  "np.sin({0})"),
    _row("cos",        lambda y, x: -x("sin"),                        r"\cos({0})",                  "np.cos({0})"),
    _row("tan",        lambda y, x: 1 + y ** 2,                       r"\tan({0})",                  "np.tan({0})"),
    _row("asin",       lambda y, x: 1 / (1 - x ** 2)("sqrt"),         r"\arcsin({0})",               "np.arcsin({0})"),
    _row("acos",       lambda y, x: -1 / (1 - x ** 2)("sqrt"),        r"\arccos({0})",               "np.arccos({0})"),
    _row("atan",       lambda y, x: 1 / (1 + x ** 2),                 r"\arctan({0})",               "np.arctan({0})"),
    _row("sinh",       lambda y, x: x("cosh"),                        r"\sinh({0})",                 "np.sinh({0})"),
    _row("cosh",       lambda y, x: x("sinh"),                        r"\cosh({0})",                 "np.cosh({0})"),
    _row("tanh",       lambda y, x: 1 - y ** 2,                       r"\tanh({0})",                 "np.tanh({0})"),
    _row("sigmoid",    lambda y, x: y * (1 - y),                      r"\sigma({0})",                "expit({0})",                      "torch.sigmoid({0})",              "jax.nn.sigmoid({0})"),
    _row("softplus",   lambda y, x: x("sigmoid"),                     r"\operatorname{{softplus}}({0})", "np.logaddexp(0, {0})",        "torch.nn.functional.softplus({0}, threshold=1e4)", "jax.nn.softplus({0})"),
    _row("relu",       lambda y, x: _step(x, 1, 0),                   r"\operatorname{{relu}}({0})", "np.maximum({0}, 0)",              "torch.relu({0})",                 "jax.nn.relu({0})"),
    _row("leaky_relu", lambda y, x: _step(x, 1, 0.01),                r"\operatorname{{leaky\_relu}}({0})", "np.where({0} > 0, {0}, 0.01 * {0})", "torch.nn.functional.leaky_relu({0})", "jax.nn.leaky_relu({0})"),
    _row("elu",        lambda y, x: _step(x, 1, y + 1),               r"\operatorname{{elu}}({0})",  "np.where({0} > 0, {0}, np.expm1(np.minimum({0}, 0)))", "torch.nn.functional.elu({0})", "jax.nn.elu({0})"),
    _row("gelu",       lambda y, x: x("gelu'"),                       r"\operatorname{{gelu}}({0})", "{0} * ndtr({0})",                "torch.nn.functional.gelu({0})",   "jax.nn.gelu({0}, approximate=False)"),
    _row("gelu'",      lambda y, x: (2 - x * x) * _gaussian(x),       r"\operatorname{{gelu}}'({0})", "ndtr({0}) + {0} * np.exp(-{0} * {0} / 2) / np.sqrt(2 * np.pi)"),
    _row("silu",       lambda y, x: x("sigmoid") * (1 + x - y),       r"\operatorname{{silu}}({0})", "{0} * expit({0})",                "torch.nn.functional.silu({0})",   "jax.nn.silu({0})"),
    _row("erf",        lambda y, x: 2 / math.sqrt(math.pi) * (-(x ** 2))("exp"), r"\operatorname{{erf}}({0})", "erf({0})",            "torch.erf({0})",                  "jax.scipy.special.erf({0})"),
]

_OTHER = [
    Function("add",     (lambda y, *x: Infix(Const(1)),) * 2, "sum rule", "{0} + {1}", "{0} + {1}", "{0} + {1}", "{0} + {1}"),
    Function("pow",     (lambda y, a, b: b * a("pow", b - 1), lambda y, a, b: y * a("log")), "power rule", "{{{0}}}^{{{1}}}", "np.power({0}, {1})", "torch.pow({0}, {1})", "jnp.power({0}, {1})"),
    Function("maximum", (lambda y, a, b: _tie(a, b), lambda y, a, b: _tie(b, a)), "maximum derivative", r"\max({0}, {1})", "np.maximum({0}, {1})", "torch.maximum({0}, {1})", "jnp.maximum({0}, {1})"),
    Function("minimum", (lambda y, a, b: _tie(b, a), lambda y, a, b: _tie(a, b)), "minimum derivative", r"\min({0}, {1})", "np.minimum({0}, {1})", "torch.minimum({0}, {1})", "jnp.minimum({0}, {1})"),
    Function("where",   (None, lambda y, c, a, b: c("where", 1, 0), lambda y, c, a, b: c("where", 0, 1)), "derivative of a case distinction", r"\operatorname{{where}}({0}, {1}, {2})", "np.where({0}, {1}, {2})", "torch.where({0}, {1}, {2})", "jnp.where({0}, {1}, {2})"),
    *(Function(name, (None, None), "comparison", f"{{0}} {latex} {{1}}", *(f"{{0}} {op} {{1}}",) * 3) for name, op, latex in [
        ("lt", "<", "<"), ("le", "<=", r"\le"), ("gt", ">", ">"), ("ge", ">=", r"\ge"), ("eq", "==", "="), ("ne", "!=", r"\ne"),
    ]),
]
# fmt: on


def _power_by_base(y: Infix, a: Infix, b: Infix) -> Infix:
    """``b a^(b-1)``, and 0 at a = b = 0, where it would be 0 times infinity."""
    del y
    if _is_never_0(a) or _is_never_0(b):
        return b * a("pow", b - 1)
    corner = (a("eq", 0), b("eq", 0))
    exponent = choose(corner, Const(0), (b - 1).expr)
    return Infix(choose(corner, Const(0), (b * a("pow", Infix(exponent))).expr))


def _power_by_exponent(y: Infix, a: Infix, b: Infix) -> Infix:
    """``a^b log(a)``, and 0 at a = 0 for b >= 0, where it would be 0 times infinity."""
    if _is_never_0(a):
        return y * a("log")
    base = choose((a("eq", 0), b("ge", 0)), Const(1), a.expr)
    return y * Infix(apply("log", base))


def _is_never_0(x: Infix) -> bool:
    return constant_value(x.expr) not in (None, 0)


def choose(conditions: tuple[Infix, Infix], inside: Expr, outside: Expr) -> Expr:
    """Return one value where both conditions hold, another elsewhere."""
    first, second = (x.expr for x in conditions)
    return apply("where", first, apply("where", second, inside, outside), outside)


AT_KINKS: dict[str, tuple[Partial, ...]] = {"pow": (_power_by_base, _power_by_exponent)}
"""Partials that have a value where the formula on paper is 0 times infinity: what numbers are
computed with. They are the same elsewhere."""


def _tie(a: Infix, b: Infix) -> Infix:
    """The derivative of max(a, b) by a: 1 where a is greater, 1/2 at a tie."""
    return Infix(apply("where", a("gt", b).expr, Const(1), a("eq", b)("where", HALF, 0).expr))


FUNCTIONS: dict[str, Function] = {row.name: row for row in [*_UNARY, *_OTHER]}
COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})


def partial_derivative(
    node: Expr, argument: int, function: str, numbers: bool = False
) -> Expr | None:
    """Return the derivative of a `Map` by one argument, None if it is 0 everywhere.

    With ``numbers`` it has a value at kinks; without, it is the formula on paper. A function that
    the table lacks is a declared one: ``phi`` derives to ``phi'``.
    """
    row = FUNCTIONS.get(function)
    if row is None:
        return apply(function + "'", *node.operands)
    if function == "add":
        return Const(1)
    partials = AT_KINKS.get(function, row.partials) if numbers else row.partials
    partial = partials[argument]
    if partial is None:
        return None
    return partial(Infix(node), *map(Infix, node.operands)).expr


# --- functions over axes ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AxisFunction:
    """A function over axes; ``jacobian(node)`` is the derivative of the result by the operand.

    A Jacobian has the labels (batch axes and, for a function that keeps its axes, the result's
    reduced axes) and then the operand's reduced axes again: see `local_jacobian`. A linear function
    names its ``transpose`` in its place: the function that a cotangent goes through.
    """

    name: str
    jacobian: Callable[[Reduce], Expr] | None
    rule: str
    transpose: str | None = None


def _axes(node: Reduce) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Label an operand's axes: as they are in the batch, and the reduced ones a second time."""
    n = node.operands[0].ndim
    second = tuple(n + node.axes.index(k) if k in node.axes else k for k in range(n))
    return tuple(range(n)), second


def _jacobian_labels(node: Reduce) -> tuple[int, ...]:
    first, second = _axes(node)
    kept = first if node.keeps_axes else tuple(k for k in first if k not in node.axes)
    return (*kept, *(second[k] for k in node.axes))


def _identity(node: Reduce) -> list[tuple[Expr, tuple[int, ...]]]:
    first, second = _axes(node)
    return [(Delta(node.operands[0].dims[k]), (first[k], second[k])) for k in node.axes]


def _softmax_jacobian(node: Reduce) -> Expr:
    """``dy_o/dx_p = y_o (delta_op - y_p)``."""
    first, second = _axes(node)
    out = _jacobian_labels(node)
    extents = _extents(node)
    bracket = add(
        einsum(_identity(node), out, extents),
        einsum([(Const(-1), ()), (node, second)], out, extents),
    )
    return einsum([(node, first), (bracket, out)], out)


def _log_softmax_jacobian(node: Reduce) -> Expr:
    """``dy_o/dx_p = delta_op - softmax(x)_p``."""
    _, second = _axes(node)
    out = _jacobian_labels(node)
    softmax = reduce("softmax", node.operands[0], node.axes)
    extents = _extents(node)
    return add(
        einsum(_identity(node), out, extents),
        einsum([(Const(-1), ()), (softmax, second)], out, extents),
    )


def _extents(node: Reduce) -> dict[int, Dim]:
    first, second = _axes(node)
    dims = node.operands[0].dims
    return {**dict(zip(first, dims, strict=True)), **dict(zip(second, dims, strict=True))}


def _fold_jacobian(entries: Callable[[Reduce], Expr]) -> Callable[[Reduce], Expr]:
    """A fold whose derivative has the operand's axes: bring these into `local_jacobian`'s order."""

    def jacobian(node: Reduce) -> Expr:
        _, second = _axes(node)
        return einsum([(entries(node), second)], _jacobian_labels(node), _extents(node))

    return jacobian


def _repeated(node: Reduce) -> Expr:
    """The result of a fold, repeated along the axes that it dropped."""
    x = node.operands[0]
    return repeat(node, x.dims, [k for k in range(x.ndim) if k not in node.axes])


def _norm_entries(node: Reduce) -> Expr:
    return multiply(node.operands[0], power(_repeated(node), -1))


def _prod_others_jacobian(node: Reduce) -> Expr:
    """``dy_o/dx_p = prod_others_p(delta_op + x_p (1 - delta_op)) - delta_op y_o``.

    The product leaves out p, and has 1 in the place of o; where o is p, it is y_o. So it is right
    also where entries are 0, unlike ``(1 - delta_op) y_o / x_p``.
    """
    x = node.operands[0]
    first, second = _axes(node)
    out = _jacobian_labels(node)
    extents = _extents(node)
    minus, identity = (Const(-1), ()), _identity(node)
    differ = add(einsum([(ONE, ())], out, extents), einsum([minus, *identity], out, extents))
    without = add(einsum([(x, second), (differ, out)], out), einsum(identity, out, extents))
    others = reduce("prod_others", without, range(x.ndim, len(out)))
    return add(others, einsum([minus, (node, first), *identity], out, extents))


# fmt: off
AXIS_FUNCTIONS: dict[str, AxisFunction] = {row.name: row for row in [
    AxisFunction("max",         _fold_jacobian(lambda n: reduce("ismax", n.operands[0], n.axes)),             "max derivative"),
    AxisFunction("min",         _fold_jacobian(lambda n: reduce("ismin", n.operands[0], n.axes)),             "min derivative"),
    AxisFunction("ismax",       None,                                                                         "ismax is constant"),
    AxisFunction("ismin",       None,                                                                         "ismin is constant"),
    AxisFunction("prod",        _fold_jacobian(lambda n: reduce("prod_others", n.operands[0], n.axes)),       "product derivative"),
    AxisFunction("prod_others", _prod_others_jacobian,                                                        "product derivative"),
    AxisFunction("logsumexp",   _fold_jacobian(lambda n: reduce("softmax", n.operands[0], n.axes)),           "logsumexp derivative"),
    AxisFunction("norm",        _fold_jacobian(_norm_entries),                                                "norm derivative"),
    AxisFunction("softmax",     _softmax_jacobian,                                                            "softmax Jacobian"),
    AxisFunction("log_softmax", _log_softmax_jacobian,                                                        "log-softmax Jacobian"),
    AxisFunction("argmax",      None,                                                                         "argmax is constant"),
    AxisFunction("cumsum",         None, "cumsum derivative", transpose="reverse_cumsum"),
    AxisFunction("reverse_cumsum", None, "cumsum derivative", transpose="cumsum"),
]}
# fmt: on
SUMS = frozenset({"sum", "mean"})  # functions over axes that are products: no node of their own


def is_linear(node: Expr) -> bool:
    """Whether a node is a linear function over axes."""
    return isinstance(node, Reduce) and AXIS_FUNCTIONS[node.function].transpose is not None


def local_jacobian(node: Reduce) -> tuple[Expr, tuple[int, ...], tuple[int, ...]] | None:
    """Return (J, labels of J, labels of the operand) where axis k of the result has label k.

    The result's gradient ``g`` pulls back to ``einsum(g, J)`` with these labels; None: J is 0.
    """
    row = AXIS_FUNCTIONS[node.function]
    if row.jacobian is None:
        return None
    _, second = _axes(node)
    labels = _jacobian_labels(node)
    return row.jacobian(node), labels, second


def result_labels(node: Reduce) -> tuple[int, ...]:
    """Label the axes of a result the way `local_jacobian` does."""
    first, _ = _axes(node)
    return first if node.keeps_axes else tuple(k for k in first if k not in node.axes)


__all__ = [
    "AXIS_FUNCTIONS", "COMPARISONS", "FUNCTIONS", "SUMS", "AxisFunction", "Function",
    "choose", "identity_labels", "is_linear", "local_jacobian", "partial_derivative", "result_labels",
]  # fmt: skip
