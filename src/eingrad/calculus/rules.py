"""Rewrite rules: each a function of one node in normal form that returns its replacement or None.

A rule's docstring is its algebra. Rule sets are tuples, joined with ``+``; `apply_rules` runs one
bottom-up until nothing changes and reports the names of the rules that fired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from eingrad.calculus.gather_rules import GATHER_CITATIONS, GATHER_RULES, GATHER_RUNS
from eingrad.calculus.kink_rules import KINK_RULES
from eingrad.calculus.matrix_rules import MATRIX_CITATIONS, MATRIX_RULES, adjugate_written_out
from eingrad.calculus.pointwise_rules import (
    POINTWISE_CITATIONS,
    POINTWISE_RULES,
    TIDY_RULES,
    argument_of,
    gelu_slope,
    is_map,
    log_of_cosh,
    sum_of_deviations,
)
from eingrad.core.algebra import (
    add,
    apply,
    base_and_exponent,
    constant_value,
    einsum,
    full,
    is_light,
    multiply,
    negate,
    power,
    reduce,
    scale_of,
)
from eingrad.core.expr import Const, Einsum, Expr, Labels, Reduce
from eingrad.core.rewrite import rewrite

Rule = Callable[[Expr], Expr | None]
MAX_ROUNDS = 8


def apply_rules(
    roots: Sequence[Expr], rules: Sequence[Rule], fired: list[str] | None = None
) -> list[Expr]:
    """Rewrite with the first rule that fits each node, until nothing changes.

    ``fired`` collects the names of the rules that fired, as a derivation cites them.
    """

    def step(node: Expr) -> Expr | None:
        for _ in range(MAX_ROUNDS):
            for rule in rules:
                changed = rule(node)
                if changed is not None and changed is not node:
                    citation = CITATIONS.get(rule, rule.__name__.replace("_", " "))
                    if fired is not None and citation:
                        fired.append(citation)
                    node = changed
                    break
            else:
                return node
        return node

    result = list(roots)
    for _ in range(MAX_ROUNDS):
        new = rewrite(result, step)
        if all(a is b for a, b in zip(new, result, strict=True)):
            break
        result = new
    return result


# --- patterns ---------------------------------------------------------------------------------


def _one_plus(node: Expr) -> Expr | None:
    """Read ``1 + x`` as x."""
    if not is_map(node, "add"):
        return None
    rest = [x for x in node.operands if constant_value(x) != 1]
    if len(rest) != len(node.operands) - 1:
        return None
    return rest[0] if len(rest) == 1 else add(*rest)


def _view(node: Expr) -> tuple[Expr, Labels] | None:
    """Read a plain view (transposed, repeated) as (tensor, its labels among the view's axes)."""
    if not isinstance(node, Einsum) or not is_light(node) or len(node.operands) != 1:
        return (node, tuple(range(node.ndim))) if not isinstance(node, Einsum | Const) else None
    if isinstance(node.operands[0], Const):
        return None
    return node.operands[0], node.inputs[0]


def _sum_of_exp(node: Expr) -> tuple[Expr, tuple[int, ...], Labels] | None:
    """Read ``sum exp(u)`` as (u, summed axes of u, for each axis of the result its axis of u)."""
    if not isinstance(node, Einsum) or len(node.operands) != 1 or not node.summed:
        return None
    u = argument_of(node.operands[0], "exp")
    labels = node.inputs[0]
    if u is None or len(set(labels)) != len(labels) or not set(node.output) <= set(labels):
        return None
    axes = tuple(k for k, label in enumerate(labels) if label in node.summed)
    return u, axes, tuple(labels.index(label) for label in node.output)


# --- exponentials, logarithms and their stable forms ------------------------------------------


def log_of_exp(node: Expr) -> Expr | None:
    """log(exp(x)) -> x"""
    inner = argument_of(node, "log")
    return None if inner is None else argument_of(inner, "exp")


def exp_of_log(node: Expr) -> Expr | None:
    """exp(log(x)) -> x"""
    inner = argument_of(node, "exp")
    return None if inner is None else argument_of(inner, "log")


def power_of_exp(node: Expr) -> Expr | None:
    """exp(x)^k -> exp(k x)"""
    base, exponent = base_and_exponent(node)
    if exponent == 1 or (x := argument_of(base, "exp")) is None:
        return None
    return apply("exp", multiply(Const(exponent), x))


def log_of_inverse(node: Expr) -> Expr | None:
    """log(1 / x) -> -log(x)"""
    inner = argument_of(node, "log")
    if inner is None:
        return None
    base, exponent = base_and_exponent(inner)
    return negate(apply("log", base)) if exponent == -1 else None


def log_of_softmax(node: Expr) -> Expr | None:
    """log(softmax(x)) -> log_softmax(x)"""
    inner = argument_of(node, "log")
    if inner is None or (seen := _view(inner)) is None:
        return None
    x, labels = seen
    if not isinstance(x, Reduce) or x.function != "softmax":
        return None
    return _as_view(reduce("log_softmax", x.operands[0], x.axes), labels, inner)


def _as_view(node: Expr, labels: Labels, like: Expr) -> Expr:
    return einsum([(node, labels)], tuple(range(like.ndim)), dict(enumerate(like.dims)))


def exp_of_log_softmax(node: Expr) -> Expr | None:
    """exp(log_softmax(x)) -> softmax(x)"""
    inner = argument_of(node, "exp")
    if isinstance(inner, Reduce) and inner.function == "log_softmax":
        return reduce("softmax", inner.operands[0], inner.axes)
    return None


def softmax_written_out(node: Expr) -> Expr | None:
    """exp(x_o) / sum_p(exp(x_p)) -> softmax_o(x_o)"""
    if not isinstance(node, Einsum):
        return None
    pairs = list(zip(node.operands, node.inputs, strict=True))
    for i, (numerator, labels) in enumerate(pairs):
        u = argument_of(numerator, "exp")
        if u is None:
            continue
        for j, (divisor, divisor_labels) in enumerate(pairs):
            base, exponent = base_and_exponent(divisor)
            found = _sum_of_exp(base) if exponent == -1 else None
            if found is None or found[0] is not u:
                continue
            _, axes, origin = found
            if divisor_labels == tuple(labels[k] for k in origin):
                rest = [pair for k, pair in enumerate(pairs) if k not in (i, j)]
                folded = (reduce("softmax", u, axes), labels)
                return einsum([*rest, folded], node.output, dict(enumerate(node.extents)))
    return None


def sum_of_softmax(node: Expr) -> Expr | None:
    """sum_o(softmax_o(x_o)) -> 1"""
    if not isinstance(node, Einsum):
        return None
    pairs = list(zip(node.operands, node.inputs, strict=True))
    for k, (x, labels) in enumerate(pairs):
        if not isinstance(x, Reduce) or x.function != "softmax" or len(set(labels)) < len(labels):
            continue
        own = {labels[axis] for axis in x.axes}
        rest = [pair for j, pair in enumerate(pairs) if j != k]
        elsewhere = {label for _, ls in rest for label in ls} | set(node.output)
        if own & elsewhere:
            continue
        kept = [axis for axis in range(x.ndim) if axis not in x.axes]
        ones = full(1, [x.dims[axis] for axis in kept])
        factors = [*rest, (ones, tuple(labels[axis] for axis in kept))]
        return einsum(factors, node.output, dict(enumerate(node.extents)))
    return None


def logsumexp_written_out(node: Expr) -> Expr | None:
    """log(sum_o(exp(x_o))) -> logsumexp_o(x_o)"""
    inner = argument_of(node, "log")
    found = None if inner is None else _sum_of_exp(inner)
    if found is None:
        return None
    u, axes, origin = found
    kept = [k for k in range(u.ndim) if k not in axes]
    order = tuple(kept.index(k) for k in origin)
    return einsum([(reduce("logsumexp", u, axes), tuple(range(len(kept))))], order)


def shift_of_softmax(node: Expr) -> Expr | None:
    """softmax_o(x_o + c) -> softmax_o(x_o); logsumexp_o(x_o + c) -> logsumexp_o(x_o) + c"""
    if not isinstance(node, Reduce) or not is_map(node.operands[0], "add"):
        return None
    if node.function not in {"softmax", "log_softmax", "logsumexp"}:
        return None
    argument = node.operands[0]
    constant = [x for x in argument.operands if _constant_along(x, node.axes)]
    varying = [x for x in argument.operands if x not in constant]
    if not constant or not any(x.ndim for x in varying):
        return None
    result = reduce(node.function, add(*varying), node.axes)
    if node.keeps_axes:
        return result
    return add(result, *(_drop_axes(x, node.axes) for x in constant))


def _constant_along(node: Expr, axes: Iterable[int]) -> bool:
    if not node.ndim:
        return True
    if not isinstance(node, Einsum) or not is_light(node):
        return False
    present = {label for labels in node.inputs for label in labels}
    return all(node.output[axis] not in present for axis in axes)


def _drop_axes(node: Expr, axes: Iterable[int]) -> Expr:
    if not node.ndim:
        return node
    assert isinstance(node, Einsum)
    output = tuple(label for axis, label in enumerate(node.output) if axis not in set(axes))
    pairs = list(zip(node.operands, node.inputs, strict=True))
    return einsum(pairs, output, dict(enumerate(node.extents)))


def log_softmax_written_out(node: Expr) -> Expr | None:
    """x_o - logsumexp_p(x_p) -> log_softmax_o(x_o)"""
    if not is_map(node, "add"):
        return None
    terms = [scale_of(x) for x in node.operands]
    for coefficient, rest in terms:
        seen = _view(rest)
        if seen is None or not isinstance(seen[0], Reduce) or seen[0].function != "logsumexp":
            continue
        x = seen[0].operands[0]
        kept = tuple(k for k in range(x.ndim) if k not in seen[0].axes)
        if x.dims != node.dims or seen[1] != kept:
            continue
        parts = [scale_of(y) for y in (x.operands if is_map(x, "add") else (x,))]
        wanted = [(-coefficient * c, y) for c, y in parts]
        if all(part in terms for part in wanted):
            used = [(coefficient, rest), *wanted]
            left = [multiply(Const(c), y) for c, y in terms if (c, y) not in used]
            folded = multiply(Const(-coefficient), reduce("log_softmax", x, seen[0].axes))
            return add(*left, folded)
    return None


# --- the logistic family ----------------------------------------------------------------------


def sigmoid_written_out(node: Expr) -> Expr | None:
    """1 / (1 + exp(-x)) -> sigmoid(x)"""
    base, exponent = base_and_exponent(node)
    if not isinstance(exponent, int) or exponent >= 0 or (rest := _one_plus(base)) is None:
        return None
    x = argument_of(rest, "exp")
    return None if x is None else power(apply("sigmoid", negate(x)), -exponent)


def sigmoid_as_ratio(node: Expr) -> Expr | None:
    """exp(x) / (1 + exp(x)) = exp(x) sigmoid(-x) -> sigmoid(x)"""
    if not isinstance(node, Einsum):
        return None
    pairs = list(zip(node.operands, node.inputs, strict=True))
    for i, (a, labels) in enumerate(pairs):
        x = argument_of(a, "exp")
        if x is None:
            continue
        partner = apply("sigmoid", negate(x))
        for j, (b, other) in enumerate(pairs):
            if b is partner and other == labels:
                rest = [pair for k, pair in enumerate(pairs) if k not in (i, j)]
                folded = (apply("sigmoid", x), labels)
                return einsum([*rest, folded], node.output, dict(enumerate(node.extents)))
    return None


def softplus_written_out(node: Expr) -> Expr | None:
    """log(1 + exp(x)) -> softplus(x)"""
    inner = argument_of(node, "log")
    rest = argument_of(node, "log1p") if inner is None else _one_plus(inner)
    x = None if rest is None else argument_of(rest, "exp")
    return None if x is None else apply("softplus", x)


def log_of_sigmoid(node: Expr) -> Expr | None:
    """log(sigmoid(x)) -> -softplus(-x)"""
    inner = argument_of(node, "log")
    x = None if inner is None else argument_of(inner, "sigmoid")
    return None if x is None else negate(apply("softplus", negate(x)))


def log_of_one_minus_sigmoid(node: Expr) -> Expr | None:
    """log(1 - sigmoid(x)) -> -softplus(x)"""
    inner = argument_of(node, "log")
    if inner is None:
        inner = argument_of(node, "log1p")
        rest = inner
    else:
        rest = _one_plus(inner)
    if rest is None:
        return None
    coefficient, core = scale_of(rest)
    x = argument_of(core, "sigmoid") if coefficient == -1 else None
    return None if x is None else negate(apply("softplus", x))


# --- for numbers only: equal on paper, better in floating point -------------------------------


def log_near_one(node: Expr) -> Expr | None:
    """log(1 + x) -> log1p(x)"""
    inner = argument_of(node, "log")
    rest = None if inner is None else _one_plus(inner)
    return None if rest is None else apply("log1p", rest)


def exp_minus_one(node: Expr) -> Expr | None:
    """exp(x) - 1 -> expm1(x)"""
    if not is_map(node, "add") or len(node.operands) != 2:
        return None
    rest = [x for x in node.operands if constant_value(x) != -1]
    x = argument_of(rest[0], "exp") if len(rest) == 1 else None
    return None if x is None else apply("expm1", x)


def _two_exp(node: Expr | None) -> list[Expr]:
    """Read ``exp(a) + exp(b)`` as [a, b]."""
    if node is None or not is_map(node, "add") or len(node.operands) != 2:
        return []
    pair = [argument_of(x, "exp") for x in node.operands]
    return [x for x in pair if x is not None] if None not in pair else []


def log_of_two_exp(node: Expr) -> Expr | None:
    """log(exp(a) + exp(b)) -> logaddexp(a, b)"""
    pair = _two_exp(argument_of(node, "log"))
    return apply("logaddexp", *pair) if pair else None


def share_of_two_exp(node: Expr) -> Expr | None:
    """exp(a) / (exp(a) + exp(b)) -> sigmoid(a - b)"""
    if not isinstance(node, Einsum):
        return None
    pairs = list(zip(node.operands, node.inputs, strict=True))
    for j, (divisor, labels) in enumerate(pairs):
        base, exponent = base_and_exponent(divisor)
        two = _two_exp(base) if exponent == -1 else []
        for a, b in (two, two[::-1]) if two else ():
            part = (apply("exp", a), labels)
            if part in pairs:
                pairs[j] = (apply("sigmoid", add(a, negate(b))), labels)
                pairs.remove(part)
                return einsum(pairs, node.output, dict(enumerate(node.extents)))
    return None


# fmt: off
FORMS: tuple[Rule, ...] = (
    log_of_exp, exp_of_log, power_of_exp, log_of_inverse,
    softmax_written_out, sum_of_softmax, shift_of_softmax, logsumexp_written_out,
    log_softmax_written_out, log_of_softmax, exp_of_log_softmax,
    sigmoid_written_out, sigmoid_as_ratio, softplus_written_out, log_of_sigmoid,
    log_of_one_minus_sigmoid, *POINTWISE_RULES, *MATRIX_RULES,
)
"""Forms written out in exp, log and sum, folded back."""

RECOGNISE: tuple[Rule, ...] = (*FORMS, sum_of_deviations, *GATHER_RULES)
"""What a formula is rewritten with: these forms, sums that vanish (in formulas, which are short:
a whole network is one product), and indicators that meet what they select."""

TIDY: tuple[Rule, ...] = TIDY_RULES
"""What a result is rewritten with in the end, since it reads better so."""

STABLE: tuple[Rule, ...] = (
    *FORMS, *GATHER_RUNS, *KINK_RULES, log_near_one, exp_minus_one, log_of_two_exp,
    share_of_two_exp, log_of_cosh, adjugate_written_out,
)
"""What runs: no overflow for large logits, no cancellation for small ones."""

STANDALONE: tuple[Rule, ...] = (*STABLE, gelu_slope)
"""What a standalone module is written with: the same, in functions that every library has."""

CITATIONS: dict[Rule, str] = {
    softmax_written_out: "softmax recognised",
    logsumexp_written_out: "logsumexp recognised",
    log_softmax_written_out: "log-softmax recognised",
    log_of_softmax: "log-softmax recognised",
    exp_of_log_softmax: "softmax recognised",
    shift_of_softmax: "softmax does not see a shift",
    sum_of_softmax: "a softmax sums to 1",
    sigmoid_written_out: "sigmoid recognised",
    sigmoid_as_ratio: "sigmoid recognised",
    softplus_written_out: "softplus recognised",
    log_of_sigmoid: "log(sigmoid(x)) = -softplus(-x)",
    log_of_one_minus_sigmoid: "log(1 - sigmoid(x)) = -softplus(x)",
    log_of_exp: "log(exp(x)) = x",
    exp_of_log: "exp(log(x)) = x",
    power_of_exp: "exp(x)^k = exp(k x)",
    log_of_inverse: "log(1/x) = -log(x)",
    **POINTWISE_CITATIONS,
    **MATRIX_CITATIONS,
    **GATHER_CITATIONS,
}
# fmt: on
__all__ = ["CITATIONS", "RECOGNISE", "STABLE", "STANDALONE", "TIDY", "Rule", "apply_rules"]
