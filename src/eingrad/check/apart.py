"""A claim whose kept label also stands in a sum of its own: ``x_i / (x_i x_i)``."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations, pairwise, product

from eingrad.check.compare import Claim, ExprClaim, agrees, agrees_everywhere
from eingrad.check.diagnose import Diagnosis
from eingrad.check.question import Question
from eingrad.check.tree import Site, labels_in, relabelled, sites
from eingrad.core.evaluate import Array
from eingrad.core.expr import Map, Var, postorder, variables
from eingrad.core.later import np
from eingrad.errors import EingradError, NotationError
from eingrad.notation.summation import Summation, walk
from eingrad.notation.syntax import (
    Call,
    Compare,
    Derivative,
    Formula,
    Number,
    Ordinal,
    Product,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.text import label_text, to_text

MOST = 8  # places that are tried one by one


def letter_of_its_own(question: Question, value: Formula) -> Diagnosis | None:
    """Say where a kept label of a wrong claim must be another letter for it to be right."""
    used = {*labels_in(value), *question.labels}
    fresh = next((x for x in string.ascii_lowercase[8:] if x not in used), None)
    if fresh is None:
        return None
    for label, parts, new in _renamed(value, question.labels, fresh):
        try:
            claim = ExprClaim(question.lowered(new))
        except NotationError:
            continue
        if agrees_everywhere(claim, question.right, question.points):
            where = " and in ".join(
                dict.fromkeys(to_text(question.restored(part)) for part in parts)
            )
            text = f"the {label_text(label)} in {where} is a letter of its own"
            return Diagnosis("label", f"right if {text}", value=new, assumption=text)
    return None


def entries_apart(question: Question, value: Formula) -> Diagnosis | None:
    """Say that a wrong claim is right but where a label is the integer at which the model reads,
    or there alone: ``dL_i/dw_j`` of an SVM for ``j != y_i``; or but for a diagonal, ``i != j``, or
    on one side of it, ``k <= n`` of a sum up to n."""
    target = question.target
    if not isinstance(target, Derivative) or not isinstance(target.of, Symbol):
        return None
    if target in walk(value):  # a claim of some entries alone
        return None
    integers = product(_integers_at(question, target), ("!=", "=="))
    found = [Compare(op, Ordinal(label), integer) for (label, integer), op in integers]
    dims = zip(question.labels, question.right.dims, strict=True)
    pairs = [(a, b) for (a, n), (b, m) in combinations(dims, 2) if n == m and a != b]
    found += [Compare("!=", Ordinal(a), Ordinal(b)) for a, b in pairs]
    found += [Compare("<=", Ordinal(a), Ordinal(b)) for p in pairs for a, b in (p, p[::-1])]
    other = Sum((value, Number(1)), (False, False))
    for condition in found:
        if _right_where(question, condition, value) and not _right_where(
            question, condition, other
        ):
            text = to_text(condition)
            reason = f"right if {text}, for these entries alone"
            return Diagnosis("assumption", reason, assumption=text)
    return None


def counted(question: Question, claim: Claim) -> Diagnosis | None:
    """Say that a wrong claim is right if a number is the extent of an axis, as the N of a mean
    ``1/N sum_i(x_i)`` is: right for this number, and not for a greater one, too."""
    if not isinstance(claim, ExprClaim):
        return None
    points = question.points
    numbers = [name for name, x in question.derived.system.inputs.items()
               if len(name) == 1 and not x.ndim and name not in points.fixed
               and _may_count(question, x)]  # fmt: skip
    for name, dim in product(numbers, points.dims):
        if not isinstance(dim, str):
            continue
        agree = partial(_agree_at, question, claim, name, dim)
        if agree(0) and agree(1) and not agree(0, beside=2.5):
            text = f"{name} = size({dim})"
            return Diagnosis("assumption", f"right if {text}", assumption=text)
    return None


def _may_count(question: Question, number: Var) -> bool:
    """Whether a number only multiplies and divides what varies, as that of a mean does: the margin
    of ``max(0, m - d)`` is no extent."""
    for node in postorder([d.expr for d in question.derived.system.definitions.values()]):
        if not isinstance(node, Map) or node.function == "pow":
            continue
        terms = [x for x in node.operands if variables(x) == [number]]
        others = (x for x in node.operands if x not in terms)
        if terms and len(node.operands) > 1 and any(variables(x) for x in others):
            return False
    return True


def _agree_at(
    question: Question, claim: Claim, number: str, dim: str, plan: int, beside: float = 0
) -> bool:
    """Whether a claim is right at a point at which a number is the extent of an axis, or beside."""
    sizes = question.points.apart(plan)

    def condition(name: str, value: Array) -> Array:
        return np.full_like(value, sizes[dim] + beside) if name == number else value

    try:
        return agrees(claim, question.right, question.points.point(sizes, plan, condition))
    except EingradError:
        return False


def _right_where(question: Question, condition: Compare, value: Formula) -> bool:
    """Whether a claim is right at the entries at which a condition holds, or says nothing there."""
    limited = Call("where", (condition, value, question.target))
    try:
        claim = ExprClaim(question.lowered(limited))
        return agrees_everywhere(claim, question.right, question.points)
    except NotationError:
        return False


def _integers_at(question: Question, target: Derivative) -> Iterator[tuple[str, Symbol]]:
    """Yield labels of what a target is differentiated by, each with an integer that reads there."""
    definitions = question.derived.system.definitions
    of = target.of
    own = definitions.get(of.name) if isinstance(of, Symbol) else None
    letters = dict(zip(own.labels, getattr(of, "labels", ()), strict=False)) if own else {}
    written = [d.written.value for d in definitions.values() if d.written is not None]
    found: dict[tuple[str, Symbol], None] = {}
    parts = [x for value in written for x in walk(value) if isinstance(x, TensorAt)]
    for part, by in product(parts, target.wrt):
        if part.name == by.name:
            for label, entry in zip(by.labels, part.entries, strict=False):
                if isinstance(entry, Symbol):
                    labels = tuple(letters.get(x, x) for x in entry.labels)
                    found[label, replace(entry, labels=labels)] = None
    yield from found


def _renamed(
    value: Formula, kept: tuple[str, ...], fresh: str
) -> Iterator[tuple[str, list[Formula], Formula]]:
    """Yield a label, complete factors that hold it, and the claim with another letter there."""
    for label in dict.fromkeys(kept):
        found = list(_complete(value, label))[:MOST]
        if len(found) > 1:
            new = value
            for k in range(len(found)):  # a renamed factor holds the label no more
                site = next(_complete(new, label), None)
                if site is None or k >= MOST:
                    break
                new = site.put(relabelled(site.part, {label: fresh}))
            yield label, [site.part for site in found], new
        for site in found:
            yield label, [site.part], site.put(relabelled(site.part, {label: fresh}))


def _complete(value: Formula, label: str) -> Iterator[Site]:
    """Yield the factors of products that would sum a label, the outermost alone."""
    summation = Summation()

    def sums(parent: Formula, part: Formula) -> bool:
        holds = isinstance(parent, Product) and label in summation.free(part)
        return holds and summation.is_complete(part, label)

    for site in sites(value):
        if isinstance(site.part, Symbol | TensorAt) or not site.above:
            continue
        chain = (*site.above, site.part)
        if any(isinstance(x, Derivative) for x in chain):
            continue
        *outer, own = [sums(a, b) for a, b in pairwise(chain)]
        if own and not any(outer):
            yield site


__all__ = ["letter_of_its_own"]
