"""Functions that people know by other names, or that are short formulas here.

Each row is what a hint proposes where such a name is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from eingrad.notation.summation import Summation
from eingrad.notation.syntax import Call, Formula, Number, Symbol, TensorAt
from eingrad.notation.text import to_text

# fmt: off
MEANT = {  # another name of a function, without signs and capitals
    "sigma": "sigmoid", "logistic": "sigmoid", "expit": "sigmoid", "sigm": "sigmoid", "avg": "mean",
    "average": "mean", "expectation": "mean", "summation": "sum", "total": "sum", "product": "prod",
    "root": "sqrt", "pos": "relu", "rectifier": "relu", "lrelu": "leaky_relu", "sgn": "sign",
    "stddev": "std", "variance": "var", "l2norm": "norm", "absolute": "abs", "fabs": "abs",
    "lse": "logsumexp", "detach": "stop_gradient", "stopgrad": "stop_gradient",
    "loggamma": "lgamma", "gammaln": "lgamma", "minimum": "minimum", "clamp": "clip",
    "tracelog": "logdet", "slogdet": "logdet", "inverse": "inv", "ifelse": "where",
}
RECIPES = {  # {a}, {b}: the arguments with labels, {i}: all their labels
    "mse": "mean_{i}(({a} - {b})^2)",         "meansquarederror": "mean_{i}(({a} - {b})^2)",
    "sse": "sum_{i}(({a} - {b})^2)",          "rmse": "sqrt(mean_{i}(({a} - {b})^2))",
    "mae": "mean_{i}(abs({a} - {b}))",        "l1loss": "mean_{i}(abs({a} - {b}))",
    "ce": "-sum_{i}({b} log({a}))",           "crossentropy": "-sum_{i}({b} log({a}))",
    "nll": "-sum_{i}({b} log({a}))",          "nllloss": "-sum_{i}({b} log({a}))",
    "bce": "-mean_{i}({b} log({a}) + (1 - {b}) log(1 - {a}))",
    "binarycrossentropy": "-mean_{i}({b} log({a}) + (1 - {b}) log(1 - {a}))",
    "kl": "sum_{i}({a} log({a} / {b}))",      "kldiv": "sum_{i}({a} log({a} / {b}))",
    "entropy": "-sum_{i}({a} log({a}))",      "hinge": "sum_{i}(relu(1 - {a} {b}))",
    "dot": "{a} {b}",                         "inner": "{a} {b}",      "vdot": "{a} {b}",
    "outer": "{a} {c}",                       "matmul": "{a} {b}",     "mm": "{a} {b}",
    "mul": "{a} {b}",                         "multiply": "{a} {b}",   "add": "{a} + {b}",
    "kron": "A_ij B_kl",                      "hadamard": "{a} {b}",   "cosine": "{a} {b}"
    " / (norm_{i}({a}) norm_{i}({b}))",       "cross": "eps_ijk a_j b_k, with eps an input",
    "distance": "norm_{i}({a} - {b})",        "dist": "norm_{i}({a} - {b})",
    "mish": "{a} tanh(softplus({a}))",        "logsigmoid": "log(sigmoid({a}))",
    "hardtanh": "clip({a}, -1, 1)",           "relu6": "clip({a}, 0, 6)",
    "softsign": "{a} / (1 + abs({a}))",       "selu": "1.0507 elu({a}, 1.67326)",
    "tanhshrink": "{a} - tanh({a})",          "heaviside": "where({a} > 0, 1, 0)",
    "step": "where({a} > 0, 1, 0)",           "factorial": "exp(lgamma({a} + 1))",
    "gamma": "exp(lgamma({a}))",              "beta": "exp(lgamma({a}) + lgamma({b}) - "
    "lgamma({a} + {b}))",                     "log2": "log({a}) / log(2)",
    "log10": "log({a}) / log(10)",            "exp2": "2^{a}",         "cbrt": "{a}^(1/3)",
    "power": "{a}^{b}",                       "reciprocal": "1 / {a}",
    "logit": "log({a} / (1 - {a}))",
    "sinc": "sin({a}) / {a}",                 "hypot": "sqrt({a}^2 + {b}^2)",
    "rsqrt": "1 / sqrt({a})",                 "argmin": "argmax_{i}(-{a})",
    "softmin": "softmax_{i}(-{a})",           "rmsnorm": "{a} / sqrt(mean_{i}({a}^2) + eps)",
}
UNABLE = {  # what has no form here
    "int": "there is no integral: write what it is, or a sum over samples",
    "integral": "there is no integral: write what it is, or a sum over samples",
    "dropout": "there is no chance here: multiply by an input mask_i, drawn outside",
    "lim": "there is no limit: write what it is",
    "conv": "write the sum over moved entries with a 0/1 tensor: y_p = S_pkq w_k x_q",
    "batchnorm": "write it out: m_i = mean_b(x_bi), v_i = var_b(x_bi), "
    "y_bi = (x_bi - m_i) / sqrt(v_i + eps)",
    "layernorm": "write it out: m_b = mean_i(x_bi), v_b = var_i(x_bi), "
    "y_bi = (x_bi - m_b) / sqrt(v_b + eps)",
    "print": "print(model) is Python; a text has statements only",
    "range": "a label runs over its whole axis: sum_i(x_i)",
}
# fmt: on


def plain(name: str) -> str:
    """Return a name without capitals and signs: ``ReLU`` and ``re_lu`` are ``relu``."""
    return re.sub(r"[\W_]", "", name.lower())


def function_meant(name: str, known: Iterable[str]) -> str | None:
    """Return the function that a name means in another spelling, or under another name.

    >>> function_meant("ReLU", ["relu"]), function_meant("logistic", []), function_meant("q", [])
    ('relu', 'sigmoid', None)
    """
    spelled = {plain(other): other for other in known}
    return spelled.get(plain(name)) or MEANT.get(plain(name))


def told(call: Call) -> str | None:
    """Return what to say of a call, None where no row knows its function."""
    joined = call.function + "".join(call.axes)  # cross_entropy has no axes e, n, t, ...
    written = recipe(joined, call.args, ()) or recipe(call.function, call.args, call.axes)
    return f"write {written}" if written else UNABLE.get(plain(call.function))


def recipe(name: str, args: Sequence[Formula], axes: Sequence[str]) -> str | None:
    """Return how a function is written out, None if no row knows it.

    >>> recipe("MSE", [Symbol("y"), Symbol("t")], ())
    'mean_i((y_i - t_i)^2)'
    """
    template = RECIPES.get(plain(name))
    if template is None or len(args) < 1 + ("{b}" in template or "{c}" in template):
        return None
    labels = list(dict.fromkeys(x for arg in args for x in Summation().free(arg)))
    over = "{i}" in template or "{c}" in template or template == "{a} {b}"
    written = [_written(arg, "i" if over and not labels else "") for arg in args]
    held = "".join(axes) or ("".join(labels) if all(len(x) == 1 for x in labels) else "") or "i"
    other = _written(args[-1], "j" if not labels else "")
    return template.format(a=written[0], b=written[-1], c=other, i=held)


def _written(arg: Formula, label: str) -> str:
    if isinstance(arg, Symbol) and not arg.labels and label:
        arg = replace(arg, labels=(label,))
    text = to_text(arg)
    return text if isinstance(arg, Symbol | Call | Number | TensorAt) else f"({text})"
