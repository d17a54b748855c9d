"""The rules that a derivation cites, derived themselves: the softmax Jacobian by the quotient rule.

A function's record says what it is on paper. That is a model of one statement, or of two where a
quotient's divisor gets a name; its Jacobian is derived without the function's own rule, which is
the last line. A test compares the values of all these lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from eingrad.calculus.forward import Tangent, forward
from eingrad.calculus.reverse import Adjoint, functions_in, recognise, tensor
from eingrad.core.expr import Einsum, Expr, Var, variables
from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS
from eingrad.core.functions.record import Record
from eingrad.derivation.author_letters import head_of
from eingrad.derivation.labels import to_formula
from eingrad.derivation.lines import Step
from eingrad.derivation.reasons import Reason, because, enumerated
from eingrad.derivation.rule_names import operations_to
from eingrad.derivation.steps import Deriver
from eingrad.notation.lower import lower
from eingrad.notation.parse import parse_formula, parse_statements
from eingrad.notation.summation import walk
from eingrad.notation.syntax import (
    Derivative,
    Formula,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
)
from eingrad.notation.text import symbol_text, to_text


@dataclass(frozen=True, slots=True)
class OpenedRule:
    """A rule by the name that steps cite, and the steps that derive it."""

    name: str
    steps: tuple[Step, ...]


def opened_rules(deriver: Deriver, steps: Iterable[Step]) -> tuple[OpenedRule, ...]:
    """Return the rules that steps cite, in that order, each derived."""
    said = " ".join(step.rule for step in steps)
    exprs = [definition.expr for definition in deriver.system.definitions.values()]
    cited: dict[str, OpenedRule] = {}
    for name in (*_in_order(exprs), *sorted(FUNCTIONS), *sorted(AXIS_FUNCTIONS)):
        record = FUNCTIONS.get(name) or AXIS_FUNCTIONS.get(name)
        if record is not None and record.on_paper and record.citation in said:
            rule = function_rule(name)
            if rule is not None and rule.name not in cited:
                cited[rule.name] = rule
    rules = tuple(cited.values())
    return (*rules, *einsum_rule(deriver)) if "einsum rule on" in said else rules


def _in_order(exprs: Sequence[Expr]) -> Iterator[str]:
    for expr in exprs:
        yield from sorted(functions_in(expr))


# --- functions ------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def function_rule(name: str) -> OpenedRule | None:
    """Derive a function's rule from what the function is on paper; None where no record says it.

    >>> for step in function_rule("sigmoid").steps:
    ...     print(f"{step.before} = {step.after}".ljust(52), step.rule)
    y = 1 / (1 + exp(-x))                                definition
    dy/dx = exp(-x) / (1 + exp(-x))^2                    power rule; exp derivative
    exp(-x) / (1 + exp(-x))^2 = y (1 - y)                by the definition of y
    """
    axes = name in AXIS_FUNCTIONS
    record: Record = AXIS_FUNCTIONS[name] if axes else FUNCTIONS[name]
    if not record.on_paper:
        return None
    target = "y_i" if axes and AXIS_FUNCTIONS[name].keeps_axes else "y"
    divided, texts = _statements(target, record.on_paper)
    written = lower(parse_statements(texts))
    dim = next(iter(written.inputs["x"].dims), "")
    call = f"y_{dim} = {name}_{dim}(x_{dim})" if target == "y_i" else f"y = {name}_{dim}(x_{dim})"
    stated = lower(parse_statements(call if axes else f"y = {name}(x)"))
    ruled = forward(recognise(stated, {"x", "y"}), "y", "x", {})["y"].expr
    found = forward(written, "y", "x", {})
    deriver = Deriver(written, written, {str(t.title): t for t in found.values()})
    steps = deriver.steps(str(found["y"].title), set())
    if divided is not None:
        steps = [*_by_quotient_rule(steps, divided)]
    return OpenedRule(record.citation, tuple(_ended(steps, deriver, found["y"], ruled)))


def _statements(target: str, on_paper: str) -> tuple[Formula | None, str]:
    """Return a definition; the divisor of a quotient gets a name, and what it divides is returned.

    ``1 / (1 + exp(-x))`` is a power, and stays one.
    """
    formula = parse_formula(on_paper)
    if isinstance(formula, Product) and formula.divides == (False, True):
        above, below = formula.factors
        if not isinstance(above, Number) and not isinstance(below, Number):
            return above, f"S = {to_text(below)}\n{target} = ({to_text(above)}) / S"
    return None, f"{target} = {on_paper}"


def _by_quotient_rule(steps: Sequence[Step], above: Formula) -> Iterator[Step]:
    """Yield the steps with the quotient rule before the line in which its derivatives are taken."""
    for step in steps:
        left = step.left
        if isinstance(left, Derivative) and getattr(left.of, "name", "") == "y":
            below, (x,) = Symbol("S"), left.wrt
            slopes = Derivative(above, (x,)), Derivative(below, (x,))
            terms = (
                Product(pair, (False, False)) for pair in zip((below, above), slopes, strict=True)
            )
            total = Sum(tuple(terms), (False, True))
            rule = Product((total, Power(below, Number(2))), (False, True))
            yield _line(left, rule, because("quotient rule"), to_text(left), True)
            words = [p for p in step.reason.phrases if p not in {("power rule",), ("chain rule",)}]
            reason = Reason((*words,)) if words else because("simplified")
            yield replace(step, rule=str(reason), reason=reason, left=None, before=to_text(rule))
        else:
            yield step


def _ended(steps: list[Step], deriver: Deriver, found: Tangent, ruled: Expr) -> Iterator[Step]:
    """Yield the steps up to where the function itself is recognised, then what the rule says."""
    last = to_formula(ruled, deriver.letters(str(found.title)), deriver.names)
    for step in steps:
        if step.left is None and "recognised" in step.rule:
            break
        yield step
        before = step
    if before.after != to_text(last):
        used = sorted(functions_in(ruled) - functions_in(found.definition.expr) - {"add", "pow"})
        parts: list[Symbol | str] = [name.replace("_", "-") for name in used]
        parts += [Symbol("y")] if any(v.name == "y" for v in variables(ruled)) else []
        reason = because("by the definition of ", *enumerated(parts or [Symbol("y")]))
        yield Step(str(reason), before.after, to_text(last), before.shapes, reason, None, last)


# --- einsum ---------------------------------------------------------------------------------------


def einsum_rule(deriver: Deriver) -> Iterator[OpenedRule]:
    """Derive the einsum rule for the first product that the derivation differentiates by it."""
    for key, record in deriver.records.items():
        if not isinstance(record, Adjoint) or len(record.contributions) != 1:
            continue
        consumer, x = record.contributions[0].consumer, tensor(deriver.system, record.name)
        operations = operations_to(consumer.expr, x)
        if len(operations) != 1 or not isinstance(operations[0], Einsum) or not consumer.expr.ndim:
            continue
        if x.ndim and all(isinstance(y, Var) for y in operations[0].operands):
            found = forward(deriver.system, consumer.name, record.name, {})
            titles = {str(t.title): t for t in found.values()}
            local = Deriver(deriver.system, deriver.original, titles)
            title = str(found[consumer.name].title)
            steps = local.steps(title, set())
            yield OpenedRule("einsum rule", (*steps, *_chained(deriver, local, key, title)))
            return


def _chained(deriver: Deriver, local: Deriver, key: str, title: str) -> Iterator[Step]:
    """Yield the chain rule with the local Jacobian put in, and what its deltas leave."""
    record = deriver.records[key]
    assert isinstance(record, Adjoint)
    part = record.contributions[0]
    jacobian = local.records[title]
    letters = local.letters(title)
    own, by = letters[: part.consumer.expr.ndim], letters[part.consumer.expr.ndim :]
    head = head_of(record.title, by)
    assert isinstance(head, Derivative)
    upstream = Derivative(head.of, (Symbol(part.consumer.name, own),))
    inner = head_of(jacobian.title, letters)
    chain = Product((upstream, inner), (False, False))
    names = replace(deriver.names, derivatives={**deriver.names.derivatives})
    final = to_formula(part.raw, by, names)
    put_in = _times(upstream, to_formula(jacobian.expr, letters, names))
    yield _line(head, chain, because("chain rule"), symbol_text(record.name, by), True)
    if put_in is not None:
        yield _line(head, put_in, because("the derivative put in"), to_text(chain), False)
    deltas = [s for s in walk(put_in or chain) if isinstance(s, Symbol) and s.name == "delta"]
    words = because("Kronecker delta") if deltas else because("einsum")
    if to_text(final) != to_text(put_in or chain):
        yield _line(head, final, words, to_text(put_in or chain), False)


def _times(upstream: Formula, other: Formula) -> Formula | None:
    if isinstance(other, Product) and not any(other.divides):
        return Product((upstream, *other.factors), (False, *other.divides))
    return Product((upstream, other), (False, False)) if isinstance(other, Symbol) else None


def _line(left: Formula, right: Formula, reason: Reason, before: str, first: bool) -> Step:
    return Step(str(reason), before, to_text(right), {}, reason, left if first else None, right)
