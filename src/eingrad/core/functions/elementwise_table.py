"""The element-wise functions, a record each.

Values at kinks: ``relu'(0) = 0``, ``abs'(0) = sign(0) = 0``, ``maximum`` and ``minimum`` share
the derivative equally at a tie, comparisons and ``sign`` have the derivative 0. At the ends of
``clip`` the derivative is x's. Of ``a ** b`` at a = 0, the derivative by b >= 0 is 0, and that by a
is 0 at b = 0: see ``at_kinks``.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from eingrad.core.functions.record import Function, Table
from eingrad.errors import DifferentiationError

HALF = Fraction(1, 2)
SQRT_HALF = math.sqrt(0.5)
HALF_LINE, FROM_MINUS_1, BETWEEN = (0, math.inf), (-1, math.inf), (-1, 1)


def _in_all(word: str, python: str = "") -> dict[str, Any]:
    """The spelling of what has the same name in NumPy, PyTorch and JAX."""
    own = {"python": python} if python else {}
    return own | {"numpy": f"np.{word}", "torch": f"torch.{word}", "jax": f"jnp.{word}"}


def _step(x: Any, above: Any, below: Any) -> Any:
    return x("gt", 0)("where", above, below)


def _gaussian(x: Any) -> Any:
    return (-(x * x) / 2)("exp") / math.sqrt(2 * math.pi)


def _slope_of_asec(x: Any) -> Any:
    return 1 / (x("abs") * (x**2 - 1)("sqrt"))


def slope_of_gelu(x: Any) -> Any:
    """Return ``gelu'(x)``, the normal distribution function and x times the density."""
    return HALF * (1 + (x * SQRT_HALF)("erf")) + x * _gaussian(x)


def _tie(a: Any, b: Any) -> Any:
    """The derivative of max(a, b) by a: 1 where a is greater, 1/2 at a tie."""
    return a("gt", b)("where", 1, a("eq", b)("where", HALF, 0))


def both(p: Any, q: Any, inside: Any, outside: Any) -> Any:
    """Return one value where two conditions hold, another elsewhere."""
    return p("where", q("where", inside, outside), outside)


def nonzero(y: Any) -> Any:
    """Return y, and infinity in the place of 0: what is divided by it is then 0."""
    return y("eq", 0)("where", math.inf, y)


def _power_by_base(y: Any, a: Any, b: Any) -> Any:
    """``b a^(b-1)``, and 0 at a = b = 0, where it would be 0 times infinity."""
    del y
    if a.number or b.number:
        return b * a("pow", b - 1)
    corner = (a("eq", 0), b("eq", 0))
    return both(*corner, 0, b * a("pow", both(*corner, 0, b - 1)))


def _power_by_exponent(y: Any, a: Any, b: Any) -> Any:
    """``a^b log(a)``, and 0 at a = 0 for b >= 0, where it would be 0 times infinity."""
    return y * (a if a.number else both(a("eq", 0), b("ge", 0), 1, a))("log")


def _sigmoid(x: Any) -> Any:
    small = (-x("abs"))("exp")
    return x("ge", 0)("where", 1, small) / (1 + small)


def _leaky_relu(x: Any, slope: Any = None) -> Any:
    return x("maximum", 0.01 * x) if slope is None else _step(x, x, slope * x)


def _by_order(y: Any, n: Any, x: Any) -> Any:
    raise DifferentiationError("polygamma has no derivative by its order")


# fmt: off
FUNCTIONS: Table[Function] = Table([
    Function("exp", (lambda y, x: y,), latex=r"\exp({0})", returns="``e ** x``",
             exact={0: 1}, family="growth", **_in_all("exp", "exp")),
    Function("expm1", (lambda y, x: y + 1,), returns="``exp(x) - 1``, exact for small x",
             stable=True, exact={0: 0}, **_in_all("expm1", "expm1")),
    Function("log", (lambda y, x: 1 / x,), latex=r"\log({0})", names=("ln",),
             returns="the natural logarithm", exact={1: 0}, domain=HALF_LINE, singular=True,
             family="growth", **_in_all("log", "log")),
    Function("log1p", (lambda y, x: 1 / (1 + x),), returns="``log(1 + x)``, exact for small x",
             stable=True, exact={0: 0}, domain=FROM_MINUS_1, singular=True,
             **_in_all("log1p", "log1p")),
    Function("sqrt", (lambda y, x: 1 / (2 * y),), latex=r"\sqrt{{{0}}}",
             returns="the square root; its derivative at 0 is infinite", exact={0: 0, 1: 1},
             domain=HALF_LINE, singular=True, family="growth", **_in_all("sqrt", "sqrt")),
    Function("root", (lambda y, x: HALF / nonzero(y),), internal=True, latex=r"\sqrt{{{0}}}",
             returns="the square root of a sum of squares; its derivative at 0 is 0",
             exact={0: 0}, domain=HALF_LINE, numpy="np.sqrt",
             torch="torch.where({0} == 0, 0, torch.sqrt(torch.where({0} == 0, 1, {0})))",
             jax="jnp.where({0} == 0, 0, jnp.sqrt(jnp.where({0} == 0, 1, {0})))"),
    Function("abs", (lambda y, x: x("sign"),), latex=r"\left|{0}\right|",
             returns="the absolute value; its derivative at 0 is 0",
             exact={0: 0}, even=True, keeps_integers=True, **_in_all("abs")),
    Function("sign", (None,), names=("sgn",), returns="-1, 0 or 1; its derivative at 0 is 0",
             exact={0: 0}, keeps_integers=True, numpy="np.sign", jax="jnp.sign",
             torch="torch.sign({0}).where({0} == {0}, {0})"),
    Function("sin", (lambda y, x: x("cos"),), latex=r"\sin({0})", returns="the sine",
             exact={0: 0}, family="circular", **_in_all("sin", "sin")),
    Function("cos", (lambda y, x: -x("sin"),), latex=r"\cos({0})", returns="the cosine",
             exact={0: 1}, even=True, family="circular", **_in_all("cos", "cos")),
    Function("tan", (lambda y, x: 1 + y ** 2,), latex=r"\tan({0})", returns="the tangent",
             exact={0: 0}, domain=(-math.pi / 2, math.pi / 2), on_paper="sin(x) / cos(x)",
             **_in_all("tan", "tan")),
    Function("asin", (lambda y, x: 1 / (1 - x ** 2)("sqrt"),), latex=r"\arcsin({0})",
             names=("arcsin",), returns="the inverse sine", domain=BETWEEN, singular=True,
             **_in_all("arcsin", "asin")),
    Function("acos", (lambda y, x: -1 / (1 - x ** 2)("sqrt"),), latex=r"\arccos({0})",
             names=("arccos",), returns="the inverse cosine", domain=BETWEEN, singular=True,
             **_in_all("arccos", "acos")),
    Function("atan", (lambda y, x: 1 / (1 + x ** 2),), latex=r"\arctan({0})", names=("arctan",),
             returns="the inverse tangent", **_in_all("arctan", "atan")),
    Function("acot", (lambda y, x: -1 / (1 + x ** 2),), names=("arccot",),
             returns="the inverse cotangent, between 0 and pi", numpy="np.arctan2(1, {0})",
             latex=r"\operatorname{{arccot}}({0})", jax="jnp.arctan2(1, {0})",
             torch="torch.atan2(torch.ones_like({0}), {0})"),
    Function("sinh", (lambda y, x: x("cosh"),), latex=r"\sinh({0})", family="hyperbolic",
             returns="the hyperbolic sine", exact={0: 0}, on_paper="(exp(x) - exp(-x)) / 2",
             **_in_all("sinh", "sinh")),
    Function("cosh", (lambda y, x: x("sinh"),), latex=r"\cosh({0})", family="hyperbolic",
             returns="the hyperbolic cosine", exact={0: 1}, even=True,
             on_paper="(exp(x) + exp(-x)) / 2", **_in_all("cosh", "cosh")),
    Function("asinh", (lambda y, x: 1 / (x ** 2 + 1)("sqrt"),), names=("arsinh", "arcsinh"),
             returns="the inverse hyperbolic sine", exact={0: 0},
             latex=r"\operatorname{{arsinh}}({0})", **_in_all("arcsinh", "asinh")),
    Function("acosh", (lambda y, x: 1 / (x ** 2 - 1)("sqrt"),), names=("arcosh", "arccosh"),
             returns="the inverse hyperbolic cosine", domain=(1, math.inf), singular=True,
             latex=r"\operatorname{{arcosh}}({0})", **_in_all("arccosh", "acosh")),
    Function("atanh", (lambda y, x: 1 / (1 - x ** 2),), names=("artanh", "arctanh"),
             returns="the inverse hyperbolic tangent", domain=BETWEEN, singular=True,
             latex=r"\operatorname{{artanh}}({0})", **_in_all("arctanh", "atanh")),
    Function("tanh", (lambda y, x: 1 - y ** 2,), latex=r"\tanh({0})",
             family="hyperbolic activation", returns="the hyperbolic tangent",
             on_paper="(exp(x) - exp(-x)) / (exp(x) + exp(-x))",
             stable=True, exact={0: 0}, **_in_all("tanh", "tanh")),
    Function("sigmoid", (lambda y, x: y * (1 - y),), latex=r"\sigma({0})", recipe=_sigmoid,
             on_paper="1 / (1 + exp(-x))", stable=True, family="activation",
             returns="``1 / (1 + exp(-x))`` without overflow",
             numpy="scipy.special.expit", torch="torch.sigmoid", jax="jax.nn.sigmoid"),
    Function("softplus", (lambda y, x: x("sigmoid"),), family="activation",
             recipe=lambda x: x("maximum", 0) + (-x("abs"))("exp")("log1p"),
             on_paper="log(1 + exp(x))",
             stable=True, real=True, returns="``log(1 + exp(x))`` without overflow",
             torch="torch.logaddexp({0}, torch.zeros_like({0}))", jax="jax.nn.softplus"),
    Function("relu", (lambda y, x: _step(x, 1, 0),), recipe=lambda x: x("maximum", 0), real=True,
             returns="``max(x, 0)``; its derivative at 0 is 0", exact={0: 0}, keeps_integers=True,
             fills_zeros=True, family="activation", on_paper="where(x > 0, x, 0)",
             torch="torch.relu", jax="jax.nn.relu"),
    Function("leaky_relu", (lambda y, x, a=0.01: _step(x, 1, a), lambda y, x, a: _step(x, 0, x)),
             optional=1, recipe=_leaky_relu, names=("leakyrelu", "lrelu"), real=True,
             returns="x where it is positive, else ``0.01 x``, or x times another slope",
             torch="torch.nn.functional.leaky_relu({0})",
             jax="jnp.where({0} > 0, {0}, 0.01 * {0})"),
    Function("elu", (lambda y, x: _step(x, 1, y + 1),), torch="torch.nn.functional.elu",
             recipe=lambda x: x("maximum", 0) + x("minimum", 0)("expm1"), jax="jax.nn.elu",
             real=True, returns="x where it is positive, else ``exp(x) - 1``",
             on_paper="where(x > 0, x, exp(x) - 1)"),
    Function("gelu", (lambda y, x: x("gelu'"),), recipe=lambda x: x * x("ndtr"),
             real=True, returns="x times the normal distribution function of x",
             torch="torch.nn.functional.gelu", jax="jax.nn.gelu({0}, approximate=False)"),
    Function("gelu'", (lambda y, x: (2 - x * x) * _gaussian(x),), internal=True,
             latex=r"\operatorname{{gelu}}'({0})", recipe=lambda x: x("ndtr") + x * _gaussian(x),
             real=True, returns="the derivative of gelu"),
    Function("silu", (lambda y, x: x("sigmoid") * (1 + x - y),), names=("swish", "swich"),
             recipe=lambda x: x * x("sigmoid"), returns="``x sigmoid(x)``", on_paper="x sigmoid(x)",
             torch="torch.nn.functional.silu", jax="jax.nn.silu"),
    Function("erf", (lambda y, x: 2 / math.sqrt(math.pi) * (-(x ** 2))("exp"),),
             returns="the error function", exact={0: 0}, python="erf", numpy="scipy.special.erf",
             torch="torch.erf", jax="jax.scipy.special.erf"),
    Function("ndtr", (lambda y, x: _gaussian(x),), internal=True,
             recipe=lambda x: (1 + (x * SQRT_HALF)("erf")) / 2,
             returns="the probability that a standard normal number is below x",
             numpy="scipy.special.ndtr", jax="jax.scipy.special.ndtr",
             torch="torch.special.erfc({0} * -0.7071067811865476) / 2"),
    Function("lgamma", (lambda y, x: x("digamma"),), names=("loggamma", "gammaln"), real=True,
             returns="the logarithm of the absolute value of the gamma function", singular=True,
             domain=HALF_LINE, exact={1: 0, 2: 0}, python="lgamma",
             numpy="scipy.special.gammaln(np.where({0} == -np.inf, np.inf, {0}))",
             torch="torch.lgamma", jax="jax.scipy.special.gammaln"),
    Function("digamma", (lambda y, x: x.after("polygamma", 1),), domain=HALF_LINE, singular=True,
             returns="the derivative of lgamma", numpy="scipy.special.digamma",
             torch="torch.digamma", jax="jax.scipy.special.digamma"),
    Function("polygamma", (_by_order, lambda y, n, x: (n + 1)("polygamma", x)), orders=1, real=True,
             returns="the derivative of digamma of order n", domain=HALF_LINE, singular=True,
             numpy="scipy.special.polygamma({0}, {1})", torch="torch.special.polygamma({0}, {1})",
             jax="jax.scipy.special.polygamma({0}, {1})"),
    Function("stop_gradient", (None,), recipe=lambda x: x, keeps_integers=True,
             returns="x, as a constant", torch="{0}.detach()", jax="jax.lax.stop_gradient({0})"),
    Function("add", (lambda y, *x: 1,) * 2, latex="{0} + {1}", rule="sum rule", commutative=True,
             numpy="np.add", torch="{0} + {1}", jax="{0} + {1}"),
    Function("pow", (lambda y, a, b: b * a("pow", b - 1), lambda y, a, b: y * a("log")),
             at_kinks=(_power_by_base, _power_by_exponent), latex="{{{0}}}^{{{1}}}",
             rule="power rule", returns="``x ** y``", domain=HALF_LINE, singular=True,
             numpy="np.power", torch="torch.pow({0}, {1})", jax="jnp.power"),
    *(Function(name, (slope,), recipe=recipe, written_out=True, names=names, returns=returns)
      for name, names, recipe, slope, returns in (
        ("cot", (), lambda x: 1 / x("tan"), lambda y, x: -1 - y ** 2, "the cotangent"),
        ("sec", (), lambda x: 1 / x("cos"), lambda y, x: y * x("tan"), "the secant"),
        ("csc", ("cosec",), lambda x: 1 / x("sin"), lambda y, x: -y / x("tan"), "the cosecant"),
        ("coth", (), lambda x: 1 / x("tanh"), lambda y, x: 1 - y ** 2,
         "the hyperbolic cotangent"),
        ("sech", (), lambda x: 1 / x("cosh"), lambda y, x: -y * x("tanh"),
         "the hyperbolic secant"),
        ("csch", ("cosech",), lambda x: 1 / x("sinh"), lambda y, x: -y / x("tanh"),
         "the hyperbolic cosecant"),
        ("asec", ("arcsec",), lambda x: (1 / x)("acos"), lambda y, x: _slope_of_asec(x),
         "the inverse secant"),
        ("acsc", ("arccsc",), lambda x: (1 / x)("asin"), lambda y, x: -_slope_of_asec(x),
         "the inverse cosecant"),
        ("acoth", ("arcoth", "arccoth"), lambda x: (1 / x)("atanh"),
         lambda y, x: 1 / (1 - x ** 2), "the inverse hyperbolic cotangent"),
    )),
    Function("square", (lambda y, x: 2 * x,), recipe=lambda x: x ** 2, written_out=True,
             keeps_integers=True, returns="``x ** 2``"),
    Function("maximum", (lambda y, a, b: _tie(a, b), lambda y, a, b: _tie(b, a)),
             latex=r"\max({0}, {1})", commutative=True, fills_zeros=True,
             python="max", **_in_all("maximum"),
             returns="the greater of a and b; a tie shares the gradient equally"),
    Function("minimum", (lambda y, a, b: _tie(b, a), lambda y, a, b: _tie(a, b)),
             latex=r"\min({0}, {1})", commutative=True, fills_zeros=True,
             python="min", **_in_all("minimum"),
             returns="the lesser of a and b; a tie shares the gradient equally"),
    Function("logaddexp", (lambda y, a, b: (a - b)("sigmoid"), lambda y, a, b: (b - a)("sigmoid")),
             commutative=True, real=True, returns="``log(exp(a) + exp(b))`` without overflow",
             **_in_all("logaddexp")),
    Function("hypotenuse", (lambda y, a, b: a / nonzero(y), lambda y, a, b: b / nonzero(y)),
             internal=True, commutative=True, real=True,
             returns="``sqrt(a^2 + b^2)`` without overflow; its derivatives at 0 are 0",
             numpy="np.hypot",
             torch="torch.where(({0} == 0) & ({1} == 0), 0, torch.hypot({0}, "
             "torch.where(({0} == 0) & ({1} == 0), 1, {1})))",
             jax="jnp.where(({0} == 0) & ({1} == 0), 0, jnp.hypot({0}, "
             "jnp.where(({0} == 0) & ({1} == 0), 1, {1})))"),
    Function("over_root", (lambda y, a, b: 1 / b, lambda y, a, b: -y / b), internal=True,
             latex=r"\frac{{{0}}}{{{1}}}", returns="a divided by a root that it is a part of",
             **_in_all("divide")),
    Function("floor_divide", (None, None), keeps_integers=True, domain=HALF_LINE,
             real=True, returns="the quotient rounded down", **_in_all("floor_divide")),
    Function("remainder", (lambda y, a, b: 1, lambda y, a, b: -a("floor_divide", b)),
             keeps_integers=True, domain=HALF_LINE, names=("mod",), rule="remainder derivative",
             real=True, returns="``a - (a // b) b``, whose derivatives are 1 and ``-(a // b)``",
             **_in_all("remainder")),
    Function("floor", (None,), keeps_integers=True, exact={0: 0}, python="floor",
             real=True, returns="x rounded down", **_in_all("floor")),
    Function("ceil", (None,), keeps_integers=True, exact={0: 0}, python="ceil",
             real=True, returns="x rounded up", **_in_all("ceil")),
    Function("clip", (lambda y, x, a, b: x("lt", a)("where", 0, x("gt", b)("where", 0, 1)),
                      lambda y, x, a, b: both(x("lt", a), a("le", b), 1, 0),
                      lambda y, x, a, b: x("maximum", a)("gt", b)("where", 1, 0)),
             recipe=lambda x, a, b: x("maximum", a)("minimum", b), names=("clamp",),
             real=True, returns="x limited to an interval; at its ends the gradient is x's",
             fills_zeros=True, torch="torch.clamp", jax="jnp.where(({2} != {2}) | "
             "(jnp.maximum({0}, {1}) > {2}), {2}, "
             "jnp.where(({1} != {1}) | ({0} < {1}), {1}, {0}))"),
    Function("where", (None, lambda y, c, a, b: c("where", 1, 0),
                       lambda y, c, a, b: c("where", 0, 1)),
             rule="derivative of a case distinction", fills_zeros=True, **_in_all("where")),
    *(Function(name, (None, None), rule="comparison", latex=f"{{0}} {latex} {{1}}", internal=True,
               sign=sign, turned=turned, commutative=name == turned, numpy=f"np.{ufunc}")
      for name, sign, latex, turned, ufunc in [
          ("lt", "<", "<", "gt", "less"), ("le", "<=", r"\le", "ge", "less_equal"),
          ("gt", ">", ">", "lt", "greater"), ("ge", ">=", r"\ge", "le", "greater_equal"),
          ("eq", "==", "=", "eq", "equal"), ("ne", "!=", r"\ne", "ne", "not_equal"),
      ]),
])
# fmt: on
COMPARISONS: dict[str, Function] = {name: row for name, row in FUNCTIONS.items() if row.sign}
COMPARED: dict[str, str] = {row.sign: name for name, row in COMPARISONS.items()}
"""The names of comparisons by their signs."""

__all__ = ["COMPARED", "COMPARISONS", "FUNCTIONS", "HALF", "both", "nonzero", "slope_of_gelu"]
