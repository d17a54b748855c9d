"""The decision: a claim against what eingrad derives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

from eingrad.calculus.naming import listed
from eingrad.calculus.reverse import needed_by
from eingrad.calculus.simplify import simplify
from eingrad.calculus.structure import cost
from eingrad.check.apart import counted, entries_apart, letter_of_its_own
from eingrad.check.assumptions import assumption_at_points
from eingrad.check.at_points import with_points
from eingrad.check.compare import Claim as Comparable
from eingrad.check.compare import (
    ExprClaim,
    agrees_everywhere,
    check_nothing_lost,
    check_told_apart,
    counterexample,
)
from eingrad.check.derived import Derived
from eingrad.check.diagnose import Diagnosis, condition_for, diagnose, diagnose_label
from eingrad.check.differential_claims import where_held, with_differentials
from eingrad.check.directions import Rewritten, in_differentials
from eingrad.check.function_claims import FunctionClaim, FunctionFailedError, target_for
from eingrad.check.generic_functions import as_variables, with_density
from eingrad.check.held_fixed import (
    by_the_parameter,
    by_the_variable,
    open_dependence,
    open_partial,
)
from eingrad.check.immediate import held_earlier
from eingrad.check.inline import Inlined, inlined
from eingrad.check.inside import holds_behind_the_first, holds_inside, nothing_inside
from eingrad.check.known_functions import right_of_a_known_one
from eingrad.check.lone_functions import with_arguments
from eingrad.check.lost_terms import is_lost
from eingrad.check.matrix_claims import Layouts, MatrixJudge
from eingrad.check.other_layout import in_other_layout
from eingrad.check.other_meanings import (
    REACHES,
    function_of_books,
    imaginary_unit,
    reaching_over_the_sum,
    summed_across_a_bar,
)
from eingrad.check.points import NoPointError
from eingrad.check.question import Question
from eingrad.check.rate_claims import rates_as_differentials
from eingrad.check.rounded import right_to_digits
from eingrad.check.tree import mapped, tidied
from eingrad.check.unmet_cases import unmet_case
from eingrad.check.unsaid_sums import with_sums_said
from eingrad.check.vanishing import where_free
from eingrad.check.verdict import OF_INPUTS, Depth, Outcome, Verdict
from eingrad.check.written_out import entry_claims
from eingrad.core.algebra import is_zero, subtract
from eingrad.core.expr import Const, Expr, Var, variables
from eingrad.core.later import letting_overflow
from eingrad.core.recurrences import recurrent
from eingrad.derivation.labels import to_formula
from eingrad.errors import EingradError, MemoryLimitError, NotationError
from eingrad.notation.lower import scalar_indices
from eingrad.notation.mistakes import NOT_KEPT
from eingrad.notation.notes import notes_on
from eingrad.notation.parse import parse_claims
from eingrad.notation.summation import labels_of, walk
from eingrad.notation.syntax import (
    Assignment,
    Claim,
    Derivative,
    Equation,
    Formula,
    Symbol,
    TensorAt,
)
from eingrad.notation.system import System
from eingrad.notation.tex.names import ACCENTS, is_latex
from eingrad.notation.tex.own_models import model_of_claims
from eingrad.notation.text import to_text

Restored = Callable[[Formula], Formula]
CLASH = "stand for two dimensions"
CONDITION = "holds at some points alone: a condition, which is not judged"
NOT_COMPARED = (NoPointError, MemoryLimitError)  # what leaves a claim without a verdict
PROVABLE = 400.0  # a difference longer than this is not simplified


@letting_overflow
def check(
    derived: Derived,
    claim: str | Claim | Callable[..., Any],
    of: str | None = None,
    wrt: str | Sequence[str] | None = None,
    latex: bool | None = None,
) -> Verdict:
    """Say whether a claim is right: equations, or a function with what it computes.

    ``derived`` is the model; it remembers what was derived for the claims before. Of several
    equations the first wrong one decides, then the first that was not judged. ``latex`` says
    whether a text is LaTeX; None leaves it to its commands. Raises EingradError where the claim has
    no meaning in this model.
    """
    if isinstance(claim, str | Assignment | Equation):
        if of is not None or wrt is not None:
            raise EingradError("a claim in notation says itself what it is about: no of, no wrt")
        verdicts = check_each(derived, claim, latex)
        return _decisive(verdicts)
    if not callable(claim):
        raise EingradError(
            f"a claim is an equation or a function, not {type(claim).__name__}",
            code="wrong-type",
            hint='write for instance model.check("dL/dx_i = 2 x_i")',
        )
    if of is None:
        raise EingradError(
            "what does the function compute?",
            code="meaningless-claim",
            hint='for the gradient dL/dW: of="L", wrt="W"',
        )
    names: list[str | None] = [None] if wrt is None else [*listed(wrt)]
    return _decisive([check_function(derived, claim, of, name) for name in names])


def _decisive(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the first verdict that a claim is wrong, else the first that it is not right."""
    others = sorted((v for v in verdicts if not v.ok), key=lambda v: v.outcome == "not judged")
    return others[0] if others else _all_right(verdicts)


@letting_overflow
def check_each(
    derived: Derived,
    claim: str | Claim | Sequence[str],
    latex: bool | None = None,
    depth: Depth = "mistake",
) -> list[Verdict]:
    """Say of each equation of a claim, or of several, whether it is right.

    A chain of equations, in LaTeX, is one equation for each right side. Of a wrong one the
    ``depth`` says what is looked for: the mistake, only a condition under which it is right, or
    nothing.
    """
    layouts = Layouts()  # which the first claims fix for those after them
    if isinstance(claim, Sequence) and not isinstance(claim, str):
        found = (_check_text(derived, one, latex, layouts, depth) for one in claim)
        return [verdict for verdicts in found for verdict in verdicts]
    return _check_text(derived, claim, latex, layouts, depth)


def _check_text(
    derived: Derived, claim: str | Claim, latex: bool | None, layouts: Layouts, depth: Depth
) -> list[Verdict]:
    """Judge the equations of one text."""
    if not isinstance(claim, str | Assignment | Equation):
        raise EingradError(
            f"a claim is a text, not {type(claim).__name__}",
            code="wrong-type",
            hint='write for instance model.check("dL/dx_i = 2 x_i")',
        )
    claims: Sequence[Claim]
    if isinstance(claim, str) and (is_latex(claim) if latex is None else latex):
        entries = entry_claims(claim, derived.system)
        if entries is not None:
            each = (_check_text(derived, x, latex, layouts, depth) for x in entries)
            return [verdict for verdicts in each for verdict in verdicts]
    books = isinstance(claim, str) and (is_latex(claim) if latex is None else latex)
    if isinstance(claim, str):
        derived = _with_own_model(derived, claim)
        own = in_differentials(derived, claim) if books else Rewritten(derived, claim)
        if own.formula:
            verdicts = _check_text(own.derived, own.claim, latex, layouts, depth)
            return [own.told(verdict) for verdict in verdicts]
        claim, derived = own.claim, _with_arguments(derived, own.claim)
        rates = rates_as_differentials(derived.system, claim)
        extended, held = with_differentials(derived, rates, latex)
        claim, derived = (claim, derived) if extended is derived else (rates, extended)
        if held and not own.along:
            verdicts = _check_text(derived, claim, latex, layouts, depth)
            return [where_held(verdict, held) for verdict in verdicts]
    system = derived.system
    short = {_target_name(s): labels_of(s.target) for s in system.shorthands}
    names = {**dict.fromkeys(system.sizes, ()), **short, **system.labels}
    claims = (
        parse_claims(claim, names, latex, system.applied, system.counts)
        if isinstance(claim, str)
        else [claim]
    )
    claims = [with_arguments(c, system) for c in claims]
    derived, claims, normal = with_density(derived, claims)
    derived, claims = as_variables(derived, claims)
    derived, claims, points = with_points(derived, claims)
    claims, aliases = by_the_variable(claims, derived)
    aliases = [*filter(None, [normal]), *points.notes, *aliases]
    claims, quotients = by_the_parameter(claims, derived)
    aliases += quotients
    named = _used(system.shorthands, claims)
    judge = partial(_check_last, derived, depth, books)
    found = MatrixJudge(derived, judge, layouts, depth).verdicts([*named, *claims])
    if found is None:
        found = _check_claims(derived, depth, books, [*named, *claims], told=books)
    if reason := open_partial(claims, derived) or open_dependence(claims, derived):
        found = [Verdict("not judged", v.claim, reason, "") for v in found]
    found = [replace(v, notes=(*v.notes, *aliases)) for v in found] if aliases else found
    return [points.told(v) for v in _without_conditions(found, books)]


def _without_conditions(verdicts: Sequence[Verdict], books: bool) -> list[Verdict]:
    """Leave out that a gradient is 0 behind what it is: ``dL/dw = 2 w - 2 = 0`` asks where it is.

    In books so does ``dL/dw = 0`` alone, and what follows from it, ``w = 1``, holds there alone.
    """
    kept: list[Verdict] = []
    asked = False
    for verdict in verdicts:
        head, _, value = verdict.claim.rpartition(" = ")
        before = kept[-1] if kept else None
        unfounded = verdict.outcome == "wrong"
        if (
            unfounded and value == "0" and before is not None
            and before.claim.startswith(f"{head} = ")
        ):  # fmt: skip
            asked = True
            kept[-1] = replace(before, notes=(*before.notes, f"{head} = 0 {CONDITION}"))
        elif unfounded and books and (value == "0" if _is_derivative(head) else asked):
            asked = True
            kept.append(Verdict("not judged", verdict.claim, f"it {CONDITION}", verdict.correct))
        else:
            kept.append(verdict)
    return kept


def _is_derivative(head: str) -> bool:
    """Whether a left side is the derivative of a name: ``dL/dw_i``."""
    return head.startswith("d") and "/d" in head and "[" not in head


def _with_own_model(derived: Derived, claim: str) -> Derived:
    """Return the model of what a claim differentiates, for a model without a statement."""
    system = derived.system
    if system.opening is None:
        return derived
    own = model_of_claims(claim, system.opening, system.applied, system.functions)
    return derived if own is None else Derived(own)


def _with_arguments(derived: Derived, claim: str) -> Derived:
    """Return a model that has the z of ``g(z)`` if a claim may speak of it."""
    system = derived.system
    inner = {x.name for d in system.applied.values() if d.value is not None for x in d.arguments}
    new = sorted(name for name in inner - system.labels.keys() if name in claim)
    if not new:
        return derived
    inputs = {**system.inputs, **{name: Var(name, ()) for name in new}}
    labels = {**system.labels, **dict.fromkeys(new, ())}
    return Derived(replace(system, inputs=inputs, labels=labels))


def _check_last(derived: Derived, depth: Depth, books: bool, claims: Sequence[Claim]) -> Verdict:
    return _check_claims(derived, depth, books, claims)[-1]


def _check_claims(
    derived: Derived, depth: Depth, books: bool, claims: Sequence[Claim], told: bool = False
) -> list[Verdict]:
    """Judge equations in index notation; ``books``: what reads behind the last entry says nothing
    there, as in books. ``told``: they are as written, so that a sum may be missing."""
    system = derived.system
    found = inlined(derived, claims)
    integers = scalar_indices(system)
    shared = [n for c in claims if _defines(c, system) for n in notes_on(c, integers)]
    verdicts = []
    for own in found.claims:
        written = replace(own, value=found.restored(own.value))
        notes = dict.fromkeys(note.text for note in (*shared, *notes_on(written, integers)))
        verdict = check_formula(found.derived, own, found.restored, derived, depth, books)
        if verdict.outcome == "wrong":
            verdict = _in_columns(own, verdict, found, derived)
        if verdict.outcome == "wrong":
            verdict = _holding_earlier(own, verdict, found, books)
        if verdict.outcome == "wrong" and _is_condition(own, found):
            verdict = Verdict("not judged", verdict.claim, OF_INPUTS, "")
        if verdict.outcome == "wrong" and (unit := imaginary_unit(own, found.derived.system)):
            reason = f"{unit} may be the imaginary unit, whose square is -1"
            verdict = Verdict("not judged", verdict.claim, reason, verdict.correct)
        if books and not verdict.ok and (last := _unsaid_last(own, system)):
            reason = f"{last} may be the last entry of an axis, which the model does not say"
            verdict = Verdict("not judged", verdict.claim, reason, verdict.correct)
        verdict = with_sums_said(verdict, written, system) if told else verdict
        verdicts.append(replace(verdict, notes=tuple(dict.fromkeys((*notes, *verdict.notes)))))
    return _reaching(derived, books, claims, verdicts)


def _reaching(
    derived: Derived, books: bool, claims: Sequence[Claim], verdicts: list[Verdict]
) -> list[Verdict]:
    r"""Return verdicts in which ``\frac{d}{dx} a + b`` may be the derivative of the sum."""
    for k, claim in enumerate(claims if len(claims) == len(verdicts) else ()):
        wrong = verdicts[k].outcome == "wrong"
        if wrong and (other := reaching_over_the_sum(claim)) is not None:
            meant = _check_claims(derived, "verdict", books, [other])[0]
            if meant.outcome == "right":
                reason = f"right if {REACHES}"
                verdicts[k] = replace(
                    verdicts[k], outcome="right if", reason=reason, mistake="assumption",
                    assumption=REACHES,
                )  # fmt: skip
    return verdicts


def _unsaid_last(own: Assignment, system: System) -> str:
    """Return a capital, or the name of an extent, that is a label of a left side alone: in books
    N of ``x_N`` is the last entry."""
    known = {x for letters in system.letters.values() for x in letters}
    new = (x for x in labels_of(own.target) if x not in known)
    return next((x for x in new if x.isupper() or x in system.sizes), "")


def _is_condition(own: Assignment, found: Inlined) -> bool:
    """Whether an equation is between formulas of inputs, of which not both have the same:
    ``X^T X w = X^T y``."""
    if not isinstance(own.target, Symbol) or own.target.name not in found.formulas:
        return False
    sides = found.formulas[own.target.name][1], found.restored(own.value)
    parts = [[*walk(side)] for side in sides]
    if any(isinstance(x, Derivative) for side in parts for x in side):
        return False
    names = [{x.name for x in side if isinstance(x, Symbol | TensorAt)} for side in parts]
    known = found.derived.system.inputs.keys()
    return names[0] != names[1] and names[0] | names[1] <= known


def _in_columns(own: Assignment, verdict: Verdict, found: Inlined, base: Derived) -> Verdict:
    """Return that a wrong claim is right if vectors are the columns of a matrix, if it is.

    The model has them as vectors ``w_k``, the claim as a matrix ``w_jk``.
    """
    parts = (x for side in (own.target, own.value) for x in walk(side))
    labelled = dict.fromkeys(x.name for x in parts if isinstance(x, Symbol) and len(x.labels) == 2)
    moving = recurrent(base.system.exprs)
    carriers = [n for n in labelled if f"{n}_" in base.system.kinds and n not in moving]
    for names in (c for n in range(len(carriers)) for c in combinations(carriers, n + 1)):
        try:
            turned = _turned(own, names)
            other = check_formula(found.derived, turned, found.restored, base, depth="verdict")
        except NotationError:
            continue
        if other.ok:
            text = f"the vectors {' and '.join(names)} are the columns of matrices"
            return replace(verdict, outcome="right if", reason=f"right if {text}",
                           mistake="assumption", assumption=text)  # fmt: skip
    return verdict


def _holding_earlier(own: Assignment, verdict: Verdict, found: Inlined, books: bool) -> Verdict:
    """Return that a wrong claim is right if derivatives hold earlier entries fixed, if it is."""
    held = held_earlier(found.derived, own, books)
    if held is None:
        return verdict
    derived, claim, text = held
    other = check_formula(derived, claim, depth="verdict")
    if not other.ok:
        return verdict
    return replace(verdict, outcome="right if", reason=f"right if {text}", mistake="assumption",
                   assumption=text)  # fmt: skip


def _turned(claim: Assignment, names: Sequence[str]) -> Assignment:
    """Return a claim with the labels of some matrices exchanged."""

    def turned(part: Formula) -> Formula:
        if isinstance(part, Derivative):
            of, *wrt = (turned(x) for x in (part.of, *part.wrt))
            return replace(part, of=of, wrt=tuple(x for x in wrt if isinstance(x, Symbol)))
        if isinstance(part, Symbol) and part.name in names:
            return replace(part, labels=part.labels[::-1])
        return part

    target = turned(claim.target)
    assert isinstance(target, Symbol | Derivative)
    return replace(claim, target=target, value=mapped(claim.value, turned))


def _used(shorthands: Sequence[Assignment], claims: Sequence[Claim]) -> list[Assignment]:
    """Return the shorthands that claims speak of."""
    used, found = 0, list(claims)
    while len(found) > used:
        used = len(found)
        sides = [
            (c.target, c.value) if isinstance(c, Assignment) else (c.left, c.right) for c in found
        ]
        names = {
            x.name for pair in sides for side in pair for x in walk(side) if isinstance(x, Symbol)
        }
        named = [s for s in shorthands if _target_name(s) in names]
        found = [*named, *claims]
    return [c for c in found if isinstance(c, Assignment) and c in shorthands]


def _target_name(claim: Assignment) -> str:
    return claim.target.name if isinstance(claim.target, Symbol) else ""


def _defines(claim: Claim, system: System) -> bool:
    """Whether a claim may define what the model lacks."""
    target = claim.target if isinstance(claim, Assignment) else None
    return isinstance(target, Symbol) and target.name not in system.labels


def _all_right(verdicts: Sequence[Verdict]) -> Verdict:
    """Return one verdict on several right equations: as sure as the least sure one."""
    least = next((v for v in verdicts if v.proof != "algebra"), verdicts[0])
    head = verdicts[0].claim.partition(" = ")[0]
    if all(v.claim.startswith(f"{head} = ") for v in verdicts):
        text = head + "".join(v.claim.removeprefix(head) for v in verdicts)
    else:
        text = "; ".join(v.claim for v in verdicts)
    notes = dict.fromkeys(note for verdict in verdicts for note in verdict.notes)
    return replace(least, claim=text, notes=tuple(notes))


def check_formula(
    derived: Derived,
    claim: Assignment,
    restored: Restored = lambda formula: formula,
    base: Derived | None = None,
    depth: Depth = "mistake",
    books: bool = False,
) -> Verdict:
    """Say whether a formula is right; see `Question.about` for ``restored`` and ``base``, and
    `_check_claims` for ``books``."""
    question = Question.about(derived, claim.target, restored, base)
    derived.learn(claim.value)
    text = question.text(claim.target, claim.value)
    try:
        expr = question.lowered(claim.value)
    except NotationError as error:
        if (unsaid := _undefined_middle(derived.system, claim)) is not None:
            return Verdict("not judged", text, unsaid, question.correct)
        if depth != "mistake":
            raise
        return _meaningless(question, claim, error)
    own, question = ExprClaim(expr), replace(question, claimed=(expr,))
    if (idle := derived.idle(expr, question.right)) is not None:
        reason = (
            f"{idle} is 0 everywhere, since nothing begins it (write what stands before the first "
            "entry, as in h[t<0] = h0)"
        )
        return Verdict("not judged", text, reason, question.correct)
    try:
        if agrees_everywhere(own, question.right, question.points):
            rest = difference_of(question, expr)
            if not (proved := rest is not None and is_zero(rest)):
                if rest is not None and is_lost(question, rest, claim.value):
                    return _lost(question, text, rest)
                check_nothing_lost(own, question.right, question.points)
            unmet = unmet_case(question, claim.value) or nothing_inside(question, claim.value)
            if unmet is not None:
                return Verdict("not judged", text, unmet, question.correct)
            beside = _beside(question, claim, depth)
            return _right(question, text, proved) if beside is None else beside
        check_told_apart(own, question.right, question.points)
        if (inside := holds_inside(question, claim.value)) is not None:
            return _right_inside(question, text, inside, books)
        if (inside := holds_behind_the_first(question, claim.value)) is not None:
            return _right_inside(question, text, inside, books=False)
        if (known := right_of_a_known_one(question, claim.value)) is not None:
            return replace(_right(question, text, proved=False), outcome="right if",
                           reason=f"right if {known}", mistake="assumption", assumption=known,
                           proof=None)  # fmt: skip
        if digits := right_to_digits(claim.value, question):
            reason = f"right to the digits given, {digits} behind the point"
            return Verdict("right", text, reason, question.correct, proof="evaluation")
        unsaid = _apart_but_for_accent(derived.system, claim.target) or _undefined_middle(
            derived.system, claim)  # fmt: skip
        if books:
            unsaid = unsaid or function_of_books(derived.system)
            unsaid = unsaid or summed_across_a_bar(derived.system)
        if unsaid is not None:
            return Verdict("not judged", text, unsaid, question.correct)
        if depth == "verdict":
            return Verdict("wrong", text, "the values differ", question.correct, None, "unknown")
        shown = question.inputs_below(expr, question.right)
        return _wrong(question, own, text, shown, claim.value, depth)
    except NOT_COMPARED as error:
        return _not_judged(question, text, error)


def _apart_but_for_accent(system: System, target: Symbol | Derivative) -> str | None:
    r"""Return that a derivative is 0 only because a text writes one tensor in two ways, if it may.

    ``\hat{p} = \sigma(\hat{X} \hat{\beta})`` beside a loss of its entries ``p_i``.
    """
    if not isinstance(target, Derivative) or not isinstance(target.of, Symbol):
        return None
    exprs = {name: d.expr for name, d in system.definitions.items()}
    inside = {name: {x.name for x in variables(expr)} for name, expr in exprs.items()}
    below = needed_by([target.of.name], exprs)
    by = target.wrt[-1].name
    if by in below or by not in system.labels:
        return None
    above = {by}
    for name in system.definitions:  # each after those that it needs
        if not above.isdisjoint(inside[name]):
            above.add(name)
    for name in above - {by}:
        for other in below & system.inputs.keys():
            if name != other and _without_accent(name) == _without_accent(other):
                one = f"{other} and {name} are one"
                return f"{target.of.name} does not depend on {by}, unless {one}"
    return None


def _undefined_middle(system: System, claim: Assignment) -> str | None:
    """Return that a claim speaks of ``dy/dz`` though the model does not say what y is, if so."""
    for part in (x for side in (claim.target, claim.value) for x in walk(side)):
        if isinstance(part, Derivative) and isinstance(part.of, Symbol):
            name, others = part.of.name, {x.name for x in part.wrt}
            if name in system.inputs and name not in others:
                return f"the model does not say how {name} depends on {', '.join(sorted(others))}"
    return None


def _without_accent(name: str) -> str:
    return next((name.removesuffix(x) for x in ACCENTS.values() if x and name.endswith(x)), name)


def check_function(
    derived: Derived, fn: Callable[..., Any], of: str, wrt: str | None = None
) -> Verdict:
    """Say whether a function computes a tensor of the model, or a derivative of one."""
    system = derived.system
    target = target_for(system, of, [] if wrt is None else [wrt])
    question = Question.about(derived, target)
    claim = FunctionClaim(fn, target, system)
    text = f"{claim.title} computes {to_text(target)}"
    try:
        agrees = agrees_everywhere(claim, question.right, question.points)
    except FunctionFailedError as error:
        return _failed(question, claim, text, error)
    except NOT_COMPARED as error:
        return _not_judged(question, text, error)
    if agrees:
        return _right(question, text, proved=False)
    return _wrong(question, claim, text, list(system.inputs))


def _failed(
    question: Question, claim: FunctionClaim, text: str, error: FunctionFailedError
) -> Verdict:
    """Speak about a function that raised: one that needs equal sizes is wrong.

    Raises the error where the function fails at equal sizes, too.
    """
    try:
        claim.value(question.points.point(question.points.equal(3), 0))
    except FunctionFailedError:
        raise error from None
    sizes = ", ".join(f"{d} = {n}" for d, n in question.points.apart(0).items())
    reason = f"it works where all axes have one size, not with {sizes}: {error.reason}"
    return Verdict("wrong", text, reason, question.correct, None, "shape")


def _not_judged(question: Question, text: str, error: EingradError) -> Verdict:
    reason = error.reason if error.hint is None else f"{error.reason} ({error.hint})"
    return Verdict("not judged", text, reason, question.correct)


def _right(question: Question, text: str, proved: bool) -> Verdict:
    if proved:
        reason, proof = "equal by algebra", "algebra"
    else:
        reason, proof = "equal at random points of several sizes", "evaluation"
    return Verdict("right", text, reason, question.correct, proof=proof)


def _lost(question: Question, text: str, difference: Expr) -> Verdict:
    """Speak about a claim with a term that is too small beside the others to have a digit."""
    written = question.restored(to_formula(difference, question.labels, question.derived.names))
    reason = f"off by {to_text(written)}, which is lost beside the rest in numbers"
    return Verdict("wrong", text, reason, question.correct, None, "term")


def _beside(question: Question, claim: Assignment, depth: Depth) -> Verdict | None:
    """Speak about a claim that is right only since a definition makes it 0, or a part of it; None
    for another one. Of what it says as a whole nothing is right then."""
    if (found := where_free(question, claim)) is None:
        return None
    free, part, by = found
    verdict = check_formula(free, claim, question.restored, depth=depth)
    if verdict.outcome != "wrong":
        return None
    zero = f"{to_text(question.restored(part))} is 0 by the definition of {by}"
    if part == claim.value:
        return replace(verdict, reason=f"{verdict.reason} ({zero}, whatever stands before it)")
    text = question.text(claim.target, claim.value)
    note = f"{zero}, whatever stands before it; for a free {by}, {verdict.reason}"
    return replace(_right(question, text, proved=False), notes=(note,))


def _right_inside(question: Question, text: str, inside: str, books: bool) -> Verdict:
    """Speak about a claim that is right but where it reads behind the last entry."""
    verdict = _right(question, text, proved=False)
    if books:
        return replace(verdict, notes=(f"the claim is judged where {inside}",))
    return replace(
        verdict, outcome="right if", reason=f"right if {inside}", mistake="assumption",
        assumption=inside, proof=None,
    )  # fmt: skip


def _wrong(
    question: Question,
    claim: Comparable,
    text: str,
    shown: list[str],
    value: Formula | None = None,
    depth: Depth = "mistake",
) -> Verdict:
    example = None
    found = letter_of_its_own(question, value) if value is not None else None
    found = found or in_other_layout(question, claim, value) or counted(question, claim)
    if depth == "mistake":
        example = counterexample(claim, question.right, question.points, question.labels, shown)
        found = found or diagnose(question, claim, value, shown)
    found = found or condition_for(question, claim, value, shown)
    if found.mistake == "unknown" and value is not None:
        found = entries_apart(question, value) or found
    verdict = _explained(question, text, found, example)
    if verdict.outcome == "wrong" and (held := assumption_at_points(question, claim, shown)):
        note = f"the values agree where {held.text}, but a derivative is taken around such points"
        return replace(verdict, assumption=held.text, notes=(note,))
    return verdict


def _explained(
    question: Question, text: str, found: Diagnosis, example: dict[str, Any] | None = None
) -> Verdict:
    outcome: Outcome = "right if" if found.assumption else "wrong"
    return Verdict(
        outcome, text, found.reason, question.correct, example, found.mistake,
        _fixed(question, found), found.assumption,
    )  # fmt: skip


def _meaningless(question: Question, claim: Assignment, error: NotationError) -> Verdict:
    """Speak about a claim that has no value anywhere, because labels do not fit together.

    Raises the error where it is not known what was meant.
    """
    if CLASH in error.reason:
        layout = in_other_layout(question, None, claim.value)
        if layout is not None:
            return _explained(question, question.text(claim.target, claim.value), layout)
        found: Diagnosis | None = diagnose(question, None, claim.value, [])
        found = found or Diagnosis("shape", "shapes do not fit")
    elif NOT_KEPT in error.reason:
        found = diagnose_label(question, claim.value)
    else:
        found = None
    if found is None:
        raise error
    if found.assumption:
        return _explained(question, question.text(claim.target, claim.value), found)
    return Verdict(
        "wrong", question.text(claim.target, claim.value), f"{found.reason} ({error.reason})",
        question.correct, None, found.mistake, _fixed(question, found),
    )  # fmt: skip


def is_misfit(error: EingradError) -> bool:
    """Whether the labels of a claim do not fit together, which may be its mistake."""
    return CLASH in error.reason or NOT_KEPT in error.reason


def _fixed(question: Question, found: Diagnosis) -> str | None:
    target = found.target or question.target
    return None if found.value is None else question.text(target, tidied(found.value))


def difference_of(question: Question, claimed: Expr) -> Expr | None:
    """Return what a claim has more than the right formula, by the rules of algebra: 0 where these
    show that it is right, None where the difference is too long to simplify."""
    derived = question.derived
    a, b = derived.whole(claimed), derived.whole(question.right)
    if a is b:
        return Const(0)
    difference = subtract(a, b)
    return simplify(difference, derived.system.facts) if cost(difference) <= PROVABLE else None
