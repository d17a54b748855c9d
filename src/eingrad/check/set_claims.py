"""Claims that leave out what a set leaves out: right where all entries are in the set."""

from __future__ import annotations

from eingrad.check.assumptions import assumption_for
from eingrad.check.compare import Claim, ExprClaim, agrees_everywhere
from eingrad.check.question import Question
from eingrad.core.expr import Const, Map, Var, postorder
from eingrad.core.functions import COMPARISONS
from eingrad.errors import EingradError
from eingrad.notation.summation import walk
from eingrad.notation.syntax import Call, Compare, Formula, Number, Symbol
from eingrad.notation.text import to_text


def sets_of(question: Question) -> list[str]:
    """Return the inputs that stand for sets: all that is asked of them is whether they are
    positive."""
    system = question.derived.system
    asked: set[Var] = set()
    others: set[Var] = set()
    for node in postorder([x.expr for x in system.definitions.values()]):
        compares = isinstance(node, Map) and node.function in COMPARISONS and (
            isinstance(node.operands[1], Const) and node.operands[1].value == 0)  # fmt: skip
        held = {x for x in node.operands if isinstance(x, Var)}
        (asked if compares else others).update(held)
    return [x.name for x in asked - others if x.name in system.inputs]


def set_for(question: Question, claim: Claim, value: Formula | None) -> str | None:
    """Return what would have to be in a set for a claim to be right: everything, if it speaks of
    no set, or the entries of which it speaks, if it does not say in which of them it holds."""
    known = sets_of(question)
    used = [x for x in walk(value or Number(0)) if isinstance(x, Symbol) and x.name in known]
    if known and not used:
        found = assumption_for(question, claim, known, ["set"])
        return None if found is None else found.text
    told = {x.name for x in used if {*x.labels} & {*question.labels}}
    for name in known:
        for label in question.labels if name not in told and value is not None else ():
            one = Symbol(name, (label,))
            where = Compare(">", one, Number(0))
            if value is not None and _holds_in(question, where, value):
                return f"{to_text(one)} > 0"
    return None


def _holds_in(question: Question, where: Compare, value: Formula) -> bool:
    """Whether a claim is right for the entries in a set."""
    try:
        inside = question.lowered(Call("where", (where, value, question.target)))
        return agrees_everywhere(ExprClaim(inside), question.right, question.points)
    except EingradError:
        return False


def turned_set(question: Question, value: Formula, meant: Formula) -> str | None:
    """Return ``N_ij = N_ji``, if a claim has neighbours the other way round."""
    known = sets_of(question)
    written, right = (
        {x for x in walk(formula) if isinstance(x, Symbol) and x.name in known}
        for formula in (value, meant)
    )
    for one in sorted(right - written, key=to_text):
        for other in written - right:
            if other.name == one.name and other.labels == one.labels[::-1]:
                return f"{to_text(other)} = {to_text(one)}"
    return None
