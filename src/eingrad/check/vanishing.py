"""Claims of what vanishes by a definition: ``dS/dm = -4 sum_i(x_i - m)`` where m is the mean of x.

Such a term is 0 whatever stands before it; whether it is right is seen where m is free.
"""

from __future__ import annotations

from dataclasses import replace

from eingrad.check.compare import all_cancels
from eingrad.check.derived import Derived
from eingrad.check.question import Question
from eingrad.core.recurrences import recurrent
from eingrad.errors import EingradError
from eingrad.notation.syntax import Assignment, Derivative, Formula, Number, Sum, Symbol


def where_free(question: Question, claim: Assignment) -> tuple[Derived, Formula, str] | None:
    """Return the model in which what a right claim differentiates by is free, what the claim has
    that vanishes by its definition alone, and what is defined; None where it has nothing such."""
    target, derived = question.target, question.derived
    if not isinstance(target, Derivative) or not isinstance(target.of, Symbol):
        return None
    defined = {x.name for x in target.wrt} & derived.system.definitions.keys()
    defined -= {target.of.name, *recurrent(derived.system.exprs)}
    if not defined:
        return None
    terms = claim.value.terms if isinstance(claim.value, Sum) else ()
    zeros = [x for x in (claim.value, *terms) if x != Number(0) and _is_zero(question, x)]
    if not zeros:
        return None
    free = _free(derived, defined)
    own = Question.about(free, target)
    for term in zeros:
        free.learn(term)
        if not _is_zero(own, term):
            return free, term, " and ".join(sorted(defined))
    return None


def _free(derived: Derived, names: set[str]) -> Derived:
    """Return a model without some definitions."""
    system = derived.system
    inputs = {**system.inputs, **{n: system.definitions[n].var for n in sorted(names)}}
    definitions = {n: d for n, d in system.definitions.items() if n not in names}
    facts = tuple(f for f in system.facts if f.written is not None)
    return Derived(replace(system, inputs=inputs, definitions=definitions, facts=facts))


def _is_zero(question: Question, term: Formula) -> bool:
    """Whether a term is 0 at a point, up to rounding."""
    try:
        return all_cancels(question.lowered(term), question.points.standard(0))
    except EingradError:  # a term may have fewer labels than the sum
        return False


__all__ = ["where_free"]
