"""Which inputs may be targets, and so one-hot: what weighs a logarithm, or stands beside a softmax.

``sum_k(y_k log(p_k))``, ``logsumexp_k(z_k) - y_k z_k``, ``(softmax_k(z_k) - y_k)^2``,
``log(y_k p_k)``: of no other input would anybody say that it is one-hot unless the
model does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from eingrad.calculus.structure import is_sum
from eingrad.core.expr import Einsum, Expr, Map, Reduce, Var, postorder

LOGARITHMS = {"log", "log2", "log10", "log1p", "logaddexp", "softplus", "logsumexp", "log_softmax"}
SHARES = {"softmax", "sigmoid", "exp"}  # probabilities, written out, too
TOTALS = {"sum", "mean"}


def may_be_targets(exprs: Mapping[str, Expr]) -> frozenset[str]:
    """Return the inputs of definitions that may be targets.

    >>> from eingrad import parse
    >>> model = parse("p_bk = softmax_k(X_bi W_ik)\\nL = -sum_bk(Y_bk log(p_bk))").system
    >>> sorted(may_be_targets(model.exprs))
    ['Y']
    """
    found: set[str] = set()
    for node in postorder(exprs.values()):
        if isinstance(node, Einsum):
            for k, x in enumerate(node.operands):
                others = (*node.operands[:k], *node.operands[k + 1 :])
                if any(_made_of(y, exprs, LOGARITHMS) for y in others):
                    found.update(_inputs([x], exprs))
        elif is_sum(node):
            for k, x in enumerate(node.operands):
                others = (*node.operands[:k], *node.operands[k + 1 :])
                if any(_made_of(y, exprs, LOGARITHMS | SHARES) for y in others):
                    found.update(_inputs([x], exprs))
        elif isinstance(node, Map | Reduce) and node.function in LOGARITHMS:
            for x in _linear(node.operands[0], exprs):
                weighs = isinstance(x, Einsum) and len(x.operands) > 1 and x.ndim < _width(x)
                if isinstance(x, Einsum) and (weighs or _made_of(x, exprs, SHARES)):
                    found.update(_inputs(x.operands, exprs))
    return frozenset(found)


def _width(product: Einsum) -> int:
    return len({label for labels in product.inputs for label in labels})


def _inputs(parts: Iterable[Expr], exprs: Mapping[str, Expr]) -> Iterator[str]:
    """Yield the inputs that are a part themselves, or a factor of one."""
    stack = [*parts]
    while stack:
        x = stack.pop()
        if isinstance(x, Var) and x.name not in exprs:
            yield x.name
        stack += x.operands if isinstance(x, Einsum) else ()


def _made_of(expr: Expr, exprs: Mapping[str, Expr], functions: set[str]) -> bool:
    """Whether a formula is one of some functions, or a sum or product of such."""
    return any(
        isinstance(x, Map | Reduce) and x.function in functions for x in _linear(expr, exprs)
    )


def _linear(expr: Expr, exprs: Mapping[str, Expr]) -> Iterator[Expr]:
    """Yield a formula, and the terms and factors that it is made of, of definitions too."""
    stack, seen = [expr], set[Expr]()
    while stack:
        x = stack.pop()
        if x in seen:
            continue
        seen.add(x)
        yield x
        if isinstance(x, Var) and x.name in exprs:
            stack.append(exprs[x.name])
        elif isinstance(x, Einsum) or is_sum(x) or (isinstance(x, Reduce) and x.function in TOTALS):
            stack += x.operands
