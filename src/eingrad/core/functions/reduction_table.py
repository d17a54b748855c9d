"""The functions over axes, a record each.

``cumsum`` sums all entries up to each, ``reverse_cumsum`` all from each on. ``ismax`` and
``ismin`` are 1 where an extremum is attained and 0 elsewhere, 1/n each at n ties; so ``max`` and
``min`` share the derivative equally. ``var`` and ``std`` divide by n. Where ``norm`` or
``std`` is 0, so is its derivative in numbers; on paper it is 0 / 0.
"""

from __future__ import annotations

from typing import Any

from eingrad.core.functions.elementwise_table import nonzero
from eingrad.core.functions.record import AxisFunction, Table


def _powers(x: Any) -> Any:
    return (x - x.along("max"))("exp")


def _log_softmax(x: Any) -> Any:
    shifted = x - x.along("max")
    return shifted - shifted("exp").along("sum")("log")


def _attained(extremum: str) -> Any:
    """Where an extremum is attained; compared with itself, so that rounding cannot miss it."""

    def recipe(x: Any) -> Any:
        best = x("eq", x.along(extremum))("where", 1, 0)
        return best / best.along("sum")

    return recipe


def _prod_others_jacobian(y: Any, x: Any, same: Any) -> Any:
    """The product leaves out p, and has 1 in the place of o; where o is p, it is y_o.

    So it is right also where entries are 0, unlike ``(1 - delta_op) y_o / x_p``.
    """
    return (x.there * (1 - same) + same).along("prod_others") - same * y.here


# fmt: off
AXIS_FUNCTIONS: Table[AxisFunction] = Table([
    AxisFunction("sum", latex=r"\sum", big=True, is_product=True,
                 numpy="np.sum", torch="torch.sum", jax="jnp.sum"),
    AxisFunction("mean", is_product=True),
    AxisFunction("max", latex=r"\max", slope=lambda y, x: x.along("ismax"), family="extremum",
                 pairwise="maximum",
                 of_one=lambda x: x, of_equal=lambda y, n: y,
                 numpy="np.max", torch="torch.amax", jax="jnp.max"),
    AxisFunction("min", latex=r"\min", slope=lambda y, x: x.along("ismin"), family="extremum",
                 pairwise="minimum",
                 of_one=lambda x: x, of_equal=lambda y, n: y,
                 numpy="np.min", torch="torch.amin", jax="jnp.min"),
    AxisFunction("ismax", keeps_axes=True, internal=True, recipe=_attained("max"),
                 rule="ismax is constant", of_one=lambda x: 1, of_equal=lambda y, n: y / n),
    AxisFunction("ismin", keeps_axes=True, internal=True, recipe=_attained("min"),
                 rule="ismin is constant", of_one=lambda x: 1, of_equal=lambda y, n: y / n),
    AxisFunction("prod", latex=r"\prod", big=True, slope=lambda y, x: x.along("prod_others"),
                 rule="product derivative", of_one=lambda x: x,
                 of_equal=lambda y, n: y("pow", n),
                 single="torch", numpy="np.prod", torch="torch.prod", jax="jnp.prod"),
    AxisFunction("prod_others", names=("prodothers",), keeps_axes=True, internal=True,
                 in_matrices=False,
                 jacobian=_prod_others_jacobian, rule="product derivative"),
    AxisFunction("logsumexp", names=("lse", "LSE"), slope=lambda y, x: x.along("softmax"),
                 recipe=lambda x: _powers(x).fold("sum")("log") + x.fold("max"),
                 on_paper="log(sum_i(exp(x_i)))",
                 of_one=lambda x: x, of_equal=lambda y, n: y + n("log"),
                 smooth=True, stable=True, torch="torch.logsumexp", jax="jax.nn.logsumexp"),
    AxisFunction("norm", slope=lambda y, x: x / y, is_root=True, on_paper="sqrt(sum_i(x_i^2))",
                 at_kinks=lambda y, x: x.along("unit"), of_one=lambda x: x("abs"),
                 recipe=lambda x: (x * x).fold("sum")("root"), of_equal=lambda y, n: y * n("sqrt")),
    AxisFunction("unit", keeps_axes=True, internal=True, in_matrices=False, is_root=True,
                 recipe=lambda x: x / nonzero(x.along("norm")), rule="norm derivative",
                 jacobian=lambda y, x, same: (same - y.here * y.there)
                 / nonzero(x.along("norm").there)),
    AxisFunction("var", slope=lambda y, x: 2 * (x - x.along("mean")) / x.count,
                 recipe=lambda x: ((x - x.along("mean")) ** 2).fold("mean"),
                 on_paper="mean_i((x_i - mean_j(x_j))^2)",
                 rule="variance derivative", of_one=lambda x: 0, of_equal=lambda y, n: y,
                 numpy="np.var", torch="torch.var({0}, dim={axis}, correction=0)", jax="jnp.var"),
    AxisFunction("std", slope=lambda y, x: (x - x.along("mean")) / (x.count * y),
                 recipe=lambda x: (x - x.along("mean")).fold("norm") / x.count("sqrt"),
                 rule="standard deviation derivative",
                 is_root=True, on_paper="sqrt(mean_i((x_i - mean_j(x_j))^2))",
                 at_kinks=lambda y, x: (x - x.along("mean")).along("unit") / x.count("sqrt"),
                 of_one=lambda x: 0, of_equal=lambda y, n: y),
    AxisFunction("softmax", keeps_axes=True, rule="softmax Jacobian", family="softmax",
                 jacobian=lambda y, x, same: y.here * (same - y.there),
                 recipe=lambda x: _powers(x) / _powers(x).along("sum"),
                 on_paper="exp(x_i) / sum_j(exp(x_j))",
                 of_one=lambda x: 1, of_equal=lambda y, n: y / n,
                 smooth=True, stable=True, single="torch",
                 torch="torch.softmax", jax="jax.nn.softmax"),
    AxisFunction("log_softmax", names=("logsoftmax",), latex=r"\operatorname{log\,softmax}",
                 keeps_axes=True, rule="log-softmax Jacobian", family="softmax",
                 jacobian=lambda y, x, same: same - x.along("softmax").there,
                 recipe=_log_softmax, of_one=lambda x: 0, of_equal=lambda y, n: y - n("log"),
                 on_paper="x_i - log(sum_j(exp(x_j)))",
                 smooth=True, stable=True, single="torch",
                 torch="torch.log_softmax", jax="jax.nn.log_softmax"),
    AxisFunction("argmax", latex=r"\operatorname*{arg\,max}", rule="argmax is constant",
                 one_axis=True, in_matrices=False,
                 numpy="np.argmax", torch="torch.argmax", jax="jnp.argmax"),
    AxisFunction("argsort", keeps_axes=True, internal=True, rule="argsort is constant",
                 one_axis=True, in_matrices=False, numpy="np.argsort({0}, {axis}, stable=True)",
                 torch="torch.argsort({0}, {axis}, stable=True)", jax="jnp.argsort"),
    AxisFunction("cumsum", keeps_axes=True, in_matrices=False, transpose="reverse_cumsum",
                 rule="cumsum derivative", single="numpy torch jax",
                 numpy="np.cumsum", torch="torch.cumsum", jax="jnp.cumsum"),
    AxisFunction("reverse_cumsum", names=("reversecumsum",), internal=True, keeps_axes=True,
                 in_matrices=False,
                 latex=r"\operatorname{reverse\,cumsum}", transpose="cumsum",
                 rule="cumsum derivative"),
])
# fmt: on
SUMS = frozenset(name for name, row in AXIS_FUNCTIONS.items() if row.is_product)
"""Functions over axes that are products: no node of their own."""


def keeps_axes(function: str) -> bool:
    """Whether the result of a function over axes has these axes."""
    record = AXIS_FUNCTIONS.get(function)
    return record is not None and record.keeps_axes


__all__ = ["AXIS_FUNCTIONS", "SUMS", "keeps_axes"]
