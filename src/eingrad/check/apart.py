"""A claim whose kept label also stands in a sum of its own: ``x_i / (x_i x_i)``."""

from __future__ import annotations

import string
from collections.abc import Iterator
from itertools import pairwise

from eingrad.check.compare import ExprClaim, agrees_everywhere
from eingrad.check.diagnose import Diagnosis
from eingrad.check.question import Question
from eingrad.check.tree import Site, labels_in, relabelled, sites
from eingrad.errors import NotationError
from eingrad.notation.summation import Summation
from eingrad.notation.syntax import Derivative, Formula, Product, Symbol, TensorAt
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
