"""A softmax and the logarithm of its sum by one exponential, where both are computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from eingrad.calculus.exp_rules import FARTHEST
from eingrad.core.algebra import add, apply, divide, negate, reduce, repeat, subtract
from eingrad.core.arrays import Gather
from eingrad.core.expr import Expr, Reduce, Var, postorder
from eingrad.core.recurrences import recurrent
from eingrad.core.rewrite import substitute

Exprs = dict[str, Expr]


def softmax_beside_its_log(first: Exprs, second: Exprs, fused: bool) -> tuple[Exprs, Exprs]:
    """Let a softmax and its logarithm share their exponential, if some definition has the latter.

    ``first`` are definitions, ``second`` what is computed after them. Where a softmax is ``fused``,
    one operation of a library, it is computed by that, and the logarithm follows from it.
    """
    every = {**first, **second}
    nodes = postorder(every.values())
    found = [x for x in nodes if isinstance(x, Reduce) and x.function == "softmax"]
    loops = recurrent(every)
    for number, softmax in enumerate(found):
        pair = _Pair(softmax, number)
        if not any(pair.is_in(every[name]) for name in loops):
            entries = pair.entries({**first, **second}.values())
            first, second = _replaced(first, entries), _replaced(second, entries)
            given = any(softmax in postorder([e]) for e in first.values())
            parts, known = pair.shared(first, fused, fused and (given or bool(entries)))
            first = {**parts, **_replaced(first, known)}
            second = _replaced(second, known)
    return first, second


def _replaced(exprs: Exprs, known: Mapping[Expr, Expr]) -> Exprs:
    return {name: substitute(expr, known) for name, expr in exprs.items()}


class _Pair:
    """A softmax over some axes of a tensor, and what is computed of its logarithm."""

    def __init__(self, softmax: Reduce, number: int) -> None:
        self.number = number  # of those in a module, for the names of new definitions
        self.softmax, (self.x,), self.axes = softmax, softmax.operands, softmax.axes
        self.log = Reduce("log_softmax", self.x, self.axes, True)
        self.total = Reduce("logsumexp", self.x, self.axes, False)
        self.kept = tuple(k for k in range(self.x.ndim) if k not in self.axes)

    def is_in(self, expr: Expr) -> bool:
        return any(x is self.softmax for x in postorder([expr]))

    def entries(self, roots: Iterable[Expr]) -> dict[Expr, Expr]:
        """Return for each reading of the log-softmax at integers the entries less logsumexp.

        Nothing, where it is needed as a whole.
        """
        found: dict[Expr, Expr] = {}
        for node in postorder(roots):
            if self.log not in node.operands:
                continue
            if not isinstance(node, Gather) or self.log in node.operands[1:]:
                return {}
            sources = [node.sources[k] for k in self.kept]
            labels = tuple(x for x in sources if isinstance(x, int))
            if len(set(labels)) < len(sources) or not set(labels) <= set(node.output):
                return {}
            total = repeat(self.total, node.dims, tuple(map(node.output.index, labels)))
            read = Gather(self.x, node.operands[1:], node.sources, node.output)
            found[node] = subtract(read, total if node.ndim else self.total)
        return found

    def shared(self, first: Exprs, fused: bool, is_first: bool) -> tuple[Exprs, dict[Expr, Expr]]:
        """Return new definitions, and what stands for the softmax and its logarithm.

        ``is_first`` says that the softmax itself is computed among the definitions.
        """
        holding = {n: set(postorder([e])) for n, e in first.items()}
        name = next((n for n, nodes in holding.items() if self.total in nodes), None)
        if name is None:
            has_log = any(self.log in nodes for nodes in holding.values())
            return {}, {self.softmax: apply("exp", self.log)} if has_log else {}
        if is_first and self.softmax in first.values():
            return {}, {}
        if is_first:
            known = Var(f"{name} part softmax {self.number}", self.x.dims)
            return {known.name: self.softmax}, {self.softmax: known}
        if fused:
            return {}, {self.softmax: apply("exp", subtract(self.x, self._wide(self.total)))}
        top, exp, whole = (
            Var(f"{name} part {word} {self.number}", dims) for word, dims in
            (("top", self.total.dims), ("exp", self.x.dims), ("sum", self.total.dims))
        )  # fmt: skip
        greatest = apply("clip", reduce("max", self.x, self.axes), negate(FARTHEST), FARTHEST)
        above = apply("exp", subtract(self.x, self._wide(top)))
        parts = {top.name: greatest, exp.name: above, whole.name: reduce("sum", exp, self.axes)}
        return parts, {
            self.total: add(top, apply("log", whole)),
            self.softmax: divide(exp, self._wide(whole)),
        }

    def _wide(self, node: Expr) -> Expr:
        return repeat(node, self.x.dims, self.kept)
