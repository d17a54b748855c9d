"""What is wrong with a claim: the likeliest repair that makes it right."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice

from eingrad.check.array_claims import array_mistake, lacking, signed, terms_of_right
from eingrad.check.assumptions import (
    InputAssumption,
    Kinds,
    assumption_for,
    assumptions,
    one_variable_for,
)
from eingrad.check.candidates import Candidates
from eingrad.check.compare import (
    Claim,
    ExprClaim,
    agrees,
    agrees_everywhere,
    agrees_nearby,
    agrees_where_drawn,
    is_alike_far_out,
)
from eingrad.check.constant_factor import CLOSE, Scale, constant_ratio, scale_between
from eingrad.check.points import PLANS, Point
from eingrad.check.question import Question, Target
from eingrad.check.repairs import Repair, repairs
from eingrad.check.repairs.factor_repairs import wrong_terms
from eingrad.check.repairs.scale_repairs import sign
from eingrad.check.set_claims import set_for, turned_set
from eingrad.check.term_by_term import in_part
from eingrad.check.tree import mentions, negated, sites, times
from eingrad.check.wrong_derivations import Slip, Slips, listed
from eingrad.core.evaluate import Array
from eingrad.core.expr import Dim, named_dims, postorder
from eingrad.core.forks import once
from eingrad.core.later import np
from eingrad.errors import EingradError, MemoryLimitError
from eingrad.notation.summation import walk
from eingrad.notation.syntax import Derivative, Formula, Number, Power, SizeOf, Sum, Symbol
from eingrad.notation.text import to_text

MOST_EFFORT = 90_000  # nodes evaluated for one diagnosis: after this nothing more is tried
FIRST_SHARE = 0.4  # of it, before slips of a derivation are tried
MOST_PAIRS = 150  # of slips that are tried together
MOST_DROPPED = 5  # functions of which all derivatives may be missing
USUAL = ("sign", "transposed", "label", "order", "activation-derivative", "preactivation", "factor")
MOST_FIRST, MOST_SECOND = 8, 30  # repairs of which two are tried together
MOST_PARTS_AGAIN = 20_000  # of the second repairs together
CONDITIONS = ("symmetric", "unit", "orthogonal", "positive", "one-hot")
MOST_TERMS = 8  # of a right formula, multiplied out, of which a claim may lack one or two
DERIVING = 200  # a definition that is derived and simplified takes as long as so many nodes
READING = 7  # giving a part of a formula its meaning takes as long as evaluating so many nodes


@dataclass(frozen=True)
class Diagnosis:
    """A mistake in one word and in words, the right side without it, or what would have to hold."""

    mistake: str
    reason: str
    value: Formula | None = None
    assumption: str | None = None
    target: Target | None = None  # the left side, where that is what must change


def diagnose(
    question: Question, claim: Claim | None, value: Formula | None, inputs: Sequence[str]
) -> Diagnosis:
    """Return the likeliest mistake of a wrong claim, and what was not tried if the search was cut.

    ``claim`` is None where the shapes do not fit, ``value`` is None for a function of arrays.
    """
    search = _Search(question, value)
    found = _likeliest(search, claim, inputs)
    if found is None and claim is None:
        found = Diagnosis("shape", "shapes do not fit")
    elif found is None:
        found = Diagnosis("unknown", "the values differ")
    if found.mistake == "transposed" and value is not None and found.value is not None:
        turned = turned_set(question, value, found.value)
        found = found if turned is None else _assumed(turned)
    return replace(found, reason="; ".join([found.reason, *search.left_out]))


def _likeliest(search: _Search, claim: Claim | None, inputs: Sequence[str]) -> Diagnosis | None:
    question, value = search.question, search.value
    scale = None
    if claim is not None:
        scale = scale_between(claim, question.right, question.points)
    if claim is not None and agrees_nearby(claim, question.right, question.points):
        return search.dropped_far_out(claim) or Diagnosis("unknown", _far_out(question, claim))
    if scale is not None:
        literal = search.first(limit=0.94)
        return literal or search.scaled(value, scale)
    if claim is None:
        return search.first() or search.with_scale() or search.two()
    if value == Number(0) and search.slips is not None:
        return search.nothing(search.slips)

    def assumed(kinds: Sequence[str]) -> Diagnosis | None:
        found = assumption_for(question, claim, inputs, kinds)
        return None if found is None else _assumed(found.text)

    def one_variable() -> Diagnosis | None:
        found = one_variable_for(question, claim)
        return None if found is None else _assumed(found.text)

    def of_arrays() -> Diagnosis | None:
        found = None if value is not None else array_mistake(question, claim)
        return None if found is None else Diagnosis(*found)

    claimed, right = _first_values(question, claim)
    if value is None and claimed.shape != right.shape and of_arrays() is None:
        return Diagnosis("unknown", f"the shape is {claimed.shape}, not {right.shape}")
    if (in_sets := set_for(question, claim, value)) is not None:
        return _assumed(in_sets)
    return (
        (assumed(["definite", "positive"]) if _has_gaps(question, claim) else None)
        or search.one_term(claim)
        or assumed(["sum"])
        or of_arrays()
        or one_variable()
        or search.first(kinds=["transposed", "label", "order"])
        or assumed(["symmetric", "unit", "orthogonal"])
        or search.first(limit=1.42, share=FIRST_SHARE)
        or search.slipped(claim, 1)
        or assumed(["positive", "one-hot"])
        or search.first(limit=1.5)
        or search.with_scale()
        or search.other_derivative(claim)
        or search.first()
        or search.missing_terms(claim)
        or search.with_scale()
        or search.slipped(claim, 2)
        or search.two()
        or search.with_assumption(claim, inputs)
        or search.in_part()
    )


def _far_out(question: Question, claim: Claim) -> str:
    """Say where a claim is wrong that is right for numbers of the order of 1."""
    if agrees_where_drawn(claim, question.right, question.points):
        return "right at most points, not where the formulas have a threshold or a bend"
    is_function = not isinstance(claim, ExprClaim)
    if is_function and is_alike_far_out(claim, question.right, question.points):
        return "right for short axes only, not for longer ones"
    return "right near 0 only, not for greater numbers"


def condition_for(
    question: Question, claim: Claim, value: Formula | None, inputs: Sequence[str]
) -> Diagnosis:
    """Return the condition under which a claim is right, without a search for repairs."""
    right, points = question.right, question.points
    differs = Diagnosis("unknown", "the values differ")
    if agrees_nearby(claim, right, points) or scale_between(claim, right, points) is not None:
        return differs
    if (in_sets := set_for(question, claim, value)) is not None:
        return _assumed(in_sets)
    first = ("definite", "positive") if _has_gaps(question, claim) else ()
    found = (
        assumption_for(question, claim, inputs, (*first, "sum"))
        or one_variable_for(question, claim)
        or assumption_for(question, claim, inputs, CONDITIONS)
    )
    return differs if found is None else _assumed(found.text)


def _first_values(question: Question, claim: Claim) -> tuple[Array, Array]:
    """Return the claimed and the right value at one point."""
    point = question.points.standard(0)
    return claim.value(point), point.value(question.right)


def _has_gaps(question: Question, claim: Claim) -> bool:
    """Whether a claim has no value at some point where the right formula has one."""
    points = (question.points.standard(plan) for plan in range(PLANS))
    return not all(np.isfinite(claim.value(point)).all() for point in points)


def diagnose_label(question: Question, value: Formula) -> Diagnosis | None:
    """Return the likeliest mistake of a claim in which a label occurs once."""
    return _Search(question, value).first(kinds=("sum", "label", "transposed", "axis"))


def _assumed(text: str) -> Diagnosis:
    reason = f"right if {text}, which the model does not assume"
    return Diagnosis("assumption", reason, assumption=text)


class _Search:
    """Tries the repairs of a formula, and remembers what each of them is."""

    def __init__(self, question: Question, value: Formula | None) -> None:
        self.question, self.value = question, value
        self.limit = question.points.effort.done + MOST_EFFORT
        self.cut = False  # whether a search for one repair left any out
        self.too_large = 0  # repairs whose values take too much memory
        self.tried: list[tuple[Repair, ExprClaim]] = []
        self.done: set[int] = set()  # the places in the list of repairs that were tried

    @once
    def pools(self) -> Candidates | None:
        """What the claim may lack."""
        return None if self.value is None else Candidates(self.question, self.value)

    @once
    def found_repairs(self) -> tuple[list[Repair], int]:
        """The repairs, the likeliest first, and how many parts of the claim were not looked at."""
        value, pools = self.value, self.pools
        return ([], 0) if value is None or pools is None else repairs(value, pools)

    def first(
        self,
        limit: float = float("inf"),
        kinds: Collection[str] | None = None,
        share: float = 1.0,
    ) -> Diagnosis | None:
        """Return the first repair that makes the claim right, of those that cost no more."""
        effort = self.question.points.effort
        enough = effort.done + share * MOST_EFFORT
        found, unseen = self.found_repairs
        for k, repair in enumerate(found):
            if k in self.done or (kinds is not None and repair.mistake not in kinds):
                continue
            if repair.cost > limit:
                return None
            if self.is_tired:
                self.cut = True
                return None
            if effort.done > enough:
                return None
            self.done.add(k)
            claim = self.lowered(repair.value)
            if claim is None:
                continue
            try:
                is_right = self.is_right(claim)
            except MemoryLimitError:
                self.too_large += 1
                continue
            self.tried.append((repair, claim))
            if is_right:
                return self.found(repair)
        self.cut = self.cut or (kinds is None and unseen + self.too_large > 0)
        return None

    def one_term(self, claim: Claim) -> Diagnosis | None:
        """Return the one term of a sum that is too many, or has the wrong sign: the difference is
        that term, or twice it, which takes one value of each term to see."""
        value, points = self.value, self.question.points
        if not isinstance(value, Sum) or self.pools is None:
            return None
        site, point = next(sites(value)), points.standard(0)
        too_many = islice(wrong_terms(site, self.pools), len(value.terms))
        signs = (x for x in sign(site, self.pools) if len(value.terms) > 1 and x.cost == 1.0)
        difference = claim.value(point) - point.value(self.question.right)
        for term, minus, *found in zip(value.terms, value.negative, too_many, signs, strict=False):
            own = self.lowered(Sum((term,), (minus,)))
            ratio = None if own is None else constant_ratio(difference, own.value(point))
            for count, repair in enumerate(found, 1):
                if ratio is not None and abs(ratio - count) <= CLOSE:
                    repaired = self.lowered(repair.value)
                    if repaired is not None and self.is_right(repaired):
                        return self.found(repair)
        return None

    @property
    def is_tired(self) -> bool:
        """Whether as much was computed as one diagnosis may."""
        return self.question.points.effort.done > self.limit

    @property
    def left_out(self) -> list[str]:
        """Say what was not tried, where the search was cut."""
        if not self.cut:
            return []
        found, unseen = self.found_repairs
        rest = len(found) - len(self.done) + self.too_large
        verb = "repair was" if rest == 1 else "repairs were"
        return [
            *([f"{rest} further {verb} not tried"] if rest else []),
            *([f"no repair was sought in {unseen} parts of the claim"] if unseen else []),
        ]

    def found(self, repair: Repair) -> Diagnosis:
        """Return a repair as a diagnosis: where the left side changes, the right side stays."""
        value = repair.value if repair.target is None else self.value
        return Diagnosis(repair.mistake, repair.reason, value, target=repair.target)

    def lowered(self, value: Formula) -> ExprClaim | None:
        """Return a formula as an expression, None where it has no meaning."""
        question = self.question
        question.points.effort.done += READING * sum(1 for _ in walk(value))
        if mentions(value, question.target):  # "dL/dW = dL/dW" is right, and no repair
            return None
        try:
            question.derived.learn(value)
            expr = question.lowered(value)
        except EingradError:
            return None
        sizes = question.points.standard(0).sizes  # without those of an axis that no tensor has
        known = all(dim in sizes for node in postorder([expr]) for dim in named_dims(node))
        return ExprClaim(expr) if known else None

    def is_right(self, claim: ExprClaim) -> bool:
        right, points = self.question.right, self.question.points
        return agrees(claim, right, points.standard(0)) and agrees_everywhere(claim, right, points)

    def scaled(self, value: Formula | None, scale: Scale) -> Diagnosis:
        """Say that a factor is missing, or one too many."""
        letters = {dim: self.letter(dim) for dim in scale.sizes}
        mistake, reason = describe(scale, letters)
        if value is not None:
            value = with_factor(value, scale, letters)
        return Diagnosis(mistake, reason, value)

    def other_derivative(self, claim: Claim) -> Diagnosis | None:
        """Say that a claim is right about a derivative by another tensor."""
        question, derived = self.question, self.question.derived
        target = question.target
        if not isinstance(target, Derivative) or not isinstance(target.of, Symbol):
            return None
        *before, last = target.wrt
        for name in derived.system.labels:
            other = derived.tensor(name)
            if (
                name in (last.name, target.of.name)
                or other.integer
                or other.dims != derived.tensor(last.name).dims
            ):
                continue
            if self.is_tired:
                self.cut = True
                return None
            names, known = [*(x.name for x in before), name], len(derived.exprs)
            right = derived.tensor(derived.derivative(target.of.name, names))
            question.points.effort.done += DERIVING * (len(derived.exprs) - known)
            if agrees_everywhere(claim, right, question.points):
                is_meant = Derivative(target.of, (*before, Symbol(name, last.labels)))
                reason = f"this is {to_text(is_meant)}, not {to_text(target)}"
                return Diagnosis("wrong-gradient", reason, self.value, target=is_meant)
        return None

    def slipped(self, claim: Claim, count: int) -> Diagnosis | None:
        """Return one slip of a derivation, or two, that leads to the claim."""
        slips = self.slips
        if slips is None:
            return None
        rules = [(slip,) for slip in slips.rules()]
        singles = [*rules, *slips.paths()]
        if count == 1:
            return self._derived_so(slips, claim, singles)
        dropped = [slip for (slip,) in rules if slip.kind == "dropped"][:MOST_DROPPED]
        several = [x for n in range(2, len(dropped) + 1) for x in combinations(dropped, n)]
        pairs = [(*a, *b) for a, b in combinations(singles, 2) if a in rules][:MOST_PAIRS]
        return self._derived_so(slips, claim, singles, True) or self._derived_so(
            slips, claim, [*several, *pairs]
        )

    def nothing(self, slips: Slips) -> Diagnosis:
        """Say through what a tensor depends on another, of which a claim says that it does not."""
        through = [n for n in slips.after if n != slips.of]
        words = f", through {listed(through)}" if through else ""
        reason = f"{slips.of} depends on {slips.wrt}{words}"
        return Diagnosis("path", reason, self.question.formula)

    def dropped_far_out(self, claim: Claim) -> Diagnosis | None:
        """Return a derivative that a claim leaves out, of one that is right where that is 1."""
        if (slips := self.slips) is None:
            return None
        for slip in slips.rules():
            if agrees_everywhere(claim, slips.result((slip,)), self.question.points):
                value = None if self.value is None else self.question.formula
                return Diagnosis(slip.mistake, slip.reason, value)
        return None

    @once
    def slips(self) -> Slips | None:
        """The wrong derivations of the target, None if it is no first derivative."""
        target, derived = self.question.target, self.question.derived
        if not isinstance(target, Derivative) or not isinstance(target.of, Symbol):
            return None
        of, by = target.of.name, [x.name for x in target.wrt]
        if len(by) > 1 or of not in derived.system.definitions:
            return None
        return Slips(derived.system, of, by[0], derived.names)

    def _derived_so(
        self, slips: Slips, claim: Claim, choices: Sequence[tuple[Slip, ...]], scaled: bool = False
    ) -> Diagnosis | None:
        """Return the slips whose result the claim is, up to a constant factor if ``scaled``."""
        right, points = self.question.right, self.question.points
        point = points.standard(0)
        for chosen in choices:
            if self.is_tired:
                self.cut = True
                return None
            result = slips.result(chosen)
            points.effort.done += READING * len(slips.between)
            ratio = constant_ratio(point.value(result), claim.value(point))
            if ratio is None or (not scaled and abs(ratio - 1) > CLOSE):
                continue
            left = constant_ratio(point.value(right), point.value(result))
            if scaled and left is not None and abs(left * ratio - 1) <= CLOSE:
                continue  # the slip and the factor undo each other
            if agrees(ExprClaim(result), right, point):
                continue
            scale = scale_between(claim, result, points) if scaled else None
            if scaled and scale is None:
                continue
            if not scaled and not agrees_everywhere(claim, result, points):
                continue
            reasons = dict.fromkeys(slip.reason for slip in chosen)
            if scale is not None:
                letters = {dim: self.letter(dim) for dim in scale.sizes}
                reasons[describe(scale, letters)[1]] = None
            value = None if self.value is None else self.question.formula
            return Diagnosis(chosen[0].mistake, "; and ".join(reasons), value)
        return None

    def missing_terms(self, claim: Claim) -> Diagnosis | None:
        """Return one or two terms of the right formula, multiplied out, that a claim leaves out."""
        question = self.question
        point = question.points.standard(0)
        terms = terms_of_right(question)
        if self.value is None or len(terms) > MOST_TERMS:
            return None
        for count in range(1, min(3, len(terms))):
            for chosen in combinations(terms, count):
                whole = lacking(claim, [x for x, _ in chosen])
                if not agrees(whole, question.right, point) or not agrees_everywhere(
                    whole, question.right, question.points
                ):
                    continue
                texts = " and ".join(signed(formula) for _, formula in chosen)
                verb = "term {} is" if count == 1 else "terms {} are"
                reason = f"the {verb.format(texts)} missing"
                return Diagnosis("term", reason, question.formula)
        return None

    def with_scale(self) -> Diagnosis | None:
        """Return a repair after which the claim lacks a constant factor only: two mistakes."""
        right, points = self.question.right, self.question.points
        point = points.standard(0)
        own = None if self.value is None else self.lowered(self.value)
        for repair, claim in self.tried:
            ratio = constant_ratio(point.value(right), claim.value(point))
            if ratio is None or (own is not None and _undoes(ratio, claim, own, point)):
                continue
            scale = scale_between(claim, right, points)
            if scale is not None:
                second = self.scaled(repair.value, scale)
                reason = f"{repair.reason}; and {second.reason}"
                return replace(second, mistake=repair.mistake, reason=reason)
        return None

    def two(self) -> Diagnosis | None:
        """Return two repairs that make the claim right together."""
        for first in _usual(self.found_repairs[0], MOST_FIRST):
            if first.target is not None or self.pools is None:
                continue
            if self.is_tired:
                self.cut = True
                return None
            again, _ = repairs(
                first.value, Candidates(self.question, first.value), MOST_PARTS_AGAIN
            )
            for second in _usual(again, MOST_SECOND):
                if self.is_tired:
                    self.cut = True
                    return None
                claim = self.lowered(second.value)
                if claim is not None and self.is_right(claim):
                    reason = f"{first.reason}; and {second.reason}"
                    return replace(self.found(second), mistake=first.mistake, reason=reason)
        return None

    def with_assumption(self, claim: Claim, inputs: Sequence[str]) -> Diagnosis | None:
        """Return a repair, or a term that is missing, after which the claim is right under an
        assumption: wrong without it."""
        terms = [] if self.value is None else terms_of_right(self.question)
        terms = terms if 1 < len(terms) <= MOST_TERMS else []
        found = list(assumptions(self.question, inputs, ("sum", "symmetric")))
        kinds = Kinds(self.question, found)
        repaired = [(repair, x) for repair, x in self.tried if repair.mistake in USUAL]
        whole = [(formula, lacking(claim, [term])) for term, formula in terms]

        def is_right(x: Claim, assumption: InputAssumption) -> bool:
            return kinds.may_be_right(x, assumption) and assumption.holds(self.question, x)

        for assumption in found:
            for repair, x in repaired:
                if self.is_tired:
                    self.cut = True
                    return None
                if is_right(x, assumption):
                    reason = f"{repair.reason}, even if {assumption.text}"
                    return replace(self.found(repair), reason=reason)
            for formula, y in whole:
                if is_right(y, assumption):
                    reason = f"the term {signed(formula)} is missing, even if {assumption.text}"
                    return Diagnosis("term", reason, self.question.formula)
        return None

    def in_part(self) -> Diagnosis | None:
        """Say what differs, where part of the claim is right and every repair was tried."""
        if self.value is None or self.cut or self.is_tired:
            return None
        found = in_part(self.question, self.value, self.lowered)
        return None if found is None else Diagnosis(*found, self.question.formula)

    def letter(self, dim: Dim) -> str:
        """Return the claim's label for a dimension, else the model's."""
        own = self.pools.same_dim(dim) if self.pools else []
        letters = self.question.derived.system.letters
        return [*own, *letters.get(dim, ()), str(dim)][0]


def _undoes(ratio: float, repaired: Claim, own: Claim, point: Point) -> bool:
    """Whether a factor makes of a repaired claim what it was: one that is nearly right."""
    made = constant_ratio(repaired.value(point), own.value(point))
    return made is not None and abs(made * ratio - 1) <= CLOSE


def _usual(found: Sequence[Repair], most: int) -> list[Repair]:
    """Return the likeliest repairs of the mistakes that come two at once."""
    return [repair for repair in found if repair.mistake in USUAL and repair.cost <= 1.3][:most]


def describe(scale: Scale, letters: dict[Dim, str]) -> tuple[str, str]:
    """Name the factor by which a claim must be multiplied: (mistake, reason)."""
    number = abs(scale.number)
    above = [str(number.numerator)] if number.numerator != 1 else []
    below = [str(number.denominator)] if number.denominator != 1 else []
    for dim, exponent in scale.sizes.items():
        size = f"size({letters[dim]})" + (f"^{abs(exponent)}" if abs(exponent) > 1 else "")
        (above if exponent > 0 else below).append(size)
    if not above and not below:
        return "sign", "the sign is wrong"
    if scale.sizes and above and not below and number == 1:
        reason = f"factor {_fraction([], above)} too many"
    else:
        reason = f"factor {_fraction(above, below)} missing"
    return "factor", reason + ("; and the sign is wrong" if scale.number < 0 else "")


def _fraction(above: list[str], below: list[str]) -> str:
    if not below:
        return " ".join(above)
    divisor = " ".join(below)
    return f"{' '.join(above) or '1'}/{f'({divisor})' if len(below) > 1 else divisor}"


def with_factor(value: Formula, scale: Scale, letters: dict[Dim, str]) -> Formula:
    """Multiply a right side by a constant factor."""
    number = abs(scale.number)
    if number.numerator != 1:
        value = times(value, Number(number.numerator))
    if number.denominator != 1:
        value = times(value, Number(number.denominator), divides=True)
    for dim, exponent in scale.sizes.items():
        size: Formula = SizeOf(letters[dim])
        if abs(exponent) > 1:
            size = Power(size, Number(abs(exponent)))
        value = times(value, size, divides=exponent < 0)
    return negated(value) if scale.number < 0 else value
