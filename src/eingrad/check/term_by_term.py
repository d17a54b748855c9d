"""What a claim and the right formula have in common, where no repair makes one of the other.

Several mistakes at once leave most of a formula as it is: terms that are right stand beside one
that is not, and a product lacks two factors. Said is what differs, never why.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from eingrad.check.array_claims import terms_of_right
from eingrad.check.compare import ExprClaim, agrees, agrees_everywhere
from eingrad.check.question import Question
from eingrad.notation.syntax import Call, Formula, Number, Product, Sum
from eingrad.notation.text import to_text

MOST_TERMS = 8  # of each side
LABELS = re.compile(r"_(\{[^}]*\}|\w+)|\[[^]]*\]")

Signed = tuple[bool, Formula]
Lowered = Callable[[Formula], ExprClaim | None]


def in_part(question: Question, value: Formula, lowered: Lowered) -> tuple[str, str] | None:
    """Return a kind of mistake and what differs, None where nothing agrees."""
    return _terms(question, value, lowered) or _factors(question.formula, value)


def _terms(question: Question, value: Formula, lowered: Lowered) -> tuple[str, str] | None:
    """Compare the terms of sums by their values."""
    own = _summands(value)
    multiplied_out = [(False, formula) for _, formula in terms_of_right(question)]
    for right in (_summands(question.formula), multiplied_out):
        if not 1 < max(len(own), len(right)) <= MOST_TERMS or not right:
            continue
        left = list(right)
        wrong = []
        for term in own:
            same = next((x for x in left if _equal(question, term, x, lowered)), None)
            if same is None:
                wrong.append(term)
            else:
                left.remove(same)
        if wrong and left and len(left) < len(right):
            what, verb = ("term", "is") if len(wrong) == 1 else ("terms", "are")
            meant = f"{_written(left)} {'is' if len(left) == 1 else 'are'} meant"
            return "term", f"the {what} {_written(wrong)} {verb} wrong: {meant}"
    return None


def _summands(value: Formula) -> list[Signed]:
    if not isinstance(value, Sum):
        return [(False, value)]
    return list(zip(value.negative, value.terms, strict=True))


def _equal(question: Question, a: Signed, b: Signed, lowered: Lowered) -> bool:
    first, second = (lowered(Sum((x,), (negative,))) for negative, x in (a, b))
    if first is None or second is None or first.expr.dims != second.expr.dims:
        return False
    near = agrees(first, second.expr, question.points.standard(0))
    return near and agrees_everywhere(first, second.expr, question.points)


def _written(terms: Sequence[Signed]) -> str:
    texts = [f"-{to_text(x)}" if negative else to_text(x) for negative, x in terms]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _factors(right: Formula, value: Formula) -> tuple[str, str] | None:
    """Compare the factors of products by their names: which of them only one side has."""
    ours, theirs = list(_opened(value)), list(_opened(right))
    common = Counter(map(_name, ours)) & Counter(map(_name, theirs))
    alike = sum(n for (name, _), n in common.items() if name[0].isalpha() or name[0] == "(")
    if not alike:
        return None
    extra, missing = _rest(ours, common), _rest(theirs, common)
    if missing and not extra:
        return "missing-factor", f"the factors {_quotient(missing)} are missing"
    if extra and not missing:
        return "extra-factor", f"the factors {_quotient(extra)} do not belong here"
    if extra and missing and alike > 1:
        return "wrong-tensor", f"{_quotient(missing)} is meant, not {_quotient(extra)}"
    return None


def _opened(value: Formula, divides: bool = False) -> Iterator[tuple[Formula, bool]]:
    """Yield factors, of products in it too; signs and sums around them are left out."""
    if isinstance(value, Sum) and len(value.terms) == 1:
        yield from _opened(value.terms[0], divides)
    elif isinstance(value, Call) and value.function == "sum" and not divides:
        yield from _opened(value.args[0])
    elif isinstance(value, Product):
        for factor, below in zip(value.factors, value.divides, strict=True):
            yield from _opened(factor, divides != below)
    else:
        yield value, divides


def _name(factor: tuple[Formula, bool]) -> tuple[str, bool]:
    """Return a factor without its labels, and whether it divides."""
    text = to_text(factor[0])
    return LABELS.sub("", f"({text})" if isinstance(factor[0], Sum) else text), factor[1]


def _rest(
    factors: Sequence[tuple[Formula, bool]], common: Counter[tuple[str, bool]]
) -> list[tuple[Formula, bool]]:
    left = Counter(common)
    rest = []
    for factor in factors:
        name = _name(factor)
        if left[name]:
            left[name] -= 1
        elif factor != (Number(1), False):
            rest.append(factor)
    return rest


def _quotient(factors: Sequence[tuple[Formula, bool]]) -> str:
    above = [x for x, divides in factors if not divides] or [Number(1)]
    below = [x for x, divides in factors if divides]
    return to_text(
        Product((*above, *below), (*(False for _ in above), *(True for _ in below)))
        if len(above) + len(below) > 1
        else above[0]
    )
