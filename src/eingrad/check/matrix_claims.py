"""Claims in matrix notation: judged in index notation, spoken of as they are written.

A product whose factors do not fit together is looked at again: transposed, in another order, entry
by entry. What is right then is what was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice, permutations
from itertools import product as combinations

from eingrad.check.chain_products import chained
from eingrad.check.compare import ExprClaim, agrees_everywhere
from eingrad.check.derived import Derived
from eingrad.check.inline import inlined
from eingrad.check.inside import holds_inside
from eingrad.check.ordered_products import by_steps
from eingrad.check.points import NoPointError
from eingrad.check.question import Question
from eingrad.check.tree import negated, sites
from eingrad.check.verdict import Depth, Verdict
from eingrad.core.expr import Map
from eingrad.derivation.matrix import form_text, layout_axes, matrix_form
from eingrad.errors import MemoryLimitError, NotationError
from eingrad.notation.matrix.claims import (
    ClaimElaboration,
    IndexClaim,
    sides_of,
)
from eingrad.notation.matrix.shapes import DENOMINATOR, NUMERATOR
from eingrad.notation.matrix.typed import MINUS_ONE, TRANSPOSES, times_in
from eingrad.notation.summation import children, labels_of, rebuilt, walk
from eingrad.notation.syntax import (
    ODOT,
    TRANSPOSED,
    Assignment,
    Call,
    Claim,
    Derivative,
    Equation,
    Formula,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.text import derivative_name, to_text

Judge = Callable[[Sequence[Claim]], Verdict]
CHAINED = "products of derivatives are taken as the chain rule has them"
BY_STEPS = "a product of matrices is judged by its last step"
RANKED = ["right", "right if", "not judged", "wrong"]
MOST = 120  # other orders and transposes that are tried
ROWS = {
    NUMERATOR: "the rows of a Jacobian are those of what is differentiated (numerator layout)",
    DENOMINATOR: "the rows of a Jacobian are those of the variable (denominator layout)",
}


@dataclass
class Layouts:
    """What the right claims of a text say of layouts: that of Jacobians, "" where none says it, and
    the claims that have gradients by matrices shaped like these."""

    jacobian: str = ""
    gradients: list[Claim] = field(default_factory=list)


@dataclass
class MatrixJudge:
    """Judges the claims of one text; ``layouts`` are what earlier ones have fixed."""

    derived: Derived
    judge: Judge
    layouts: Layouts = field(default_factory=Layouts)
    depth: Depth = "mistake"

    def verdicts(self, claims: Sequence[Claim]) -> list[Verdict] | None:
        """Return a verdict for each claim, None where none is in matrix notation."""
        reader = ClaimElaboration(self.derived.system)
        self.reader = reader
        own = self._definitions(claims) if len(claims) > 1 else []
        definitions: list[Claim] = []
        for claim in own:
            matrix = reader.is_matrix(claim)
            definitions.append(reader.define(claim) if matrix else reader.learn(claim))
        rest = [claim for claim in claims if not any(claim is x for x in own)]
        if not any(map(reader.is_matrix, [*rest, *own])):
            return None
        return [self._or_chained(claim, definitions) for claim in rest]

    def _definitions(self, claims: Sequence[Claim]) -> list[Claim]:
        """Return the claims that define what the model lacks, the first one of each name."""
        names = {*self.derived.system.labels}
        found: list[Claim] = []
        for claim in claims:
            target = claim.target if isinstance(claim, Assignment) else None
            if isinstance(target, Symbol) and target.name not in names:
                names.add(target.name)
                found.append(claim)
        return found

    def _or_chained(self, claim: Claim, definitions: Sequence[Claim]) -> Verdict:
        """Judge a claim; where its products fit together by the chain rule alone, as that."""
        try:
            verdict, error = self._verdict(claim, definitions), None
        except NotationError as caught:
            verdict, error = None, caught
        if verdict is not None and verdict.outcome != "wrong":
            return verdict
        labelled = chained(claim, self.derived.system)
        other = self.judge([*definitions, labelled]) if labelled is not None else None
        note = CHAINED
        if other is None and verdict is None and (steps := by_steps(claim)):
            found = [self._verdict(step, definitions) for step in steps]
            other, note = min(found, key=lambda x: RANKED.index(x.outcome)), BY_STEPS
        if other is None or (verdict is not None and other.outcome == "wrong"):
            if verdict is None:
                raise error or AssertionError
            self._check_letters(claim)
            return verdict
        return replace(other, claim=text_of(claim), notes=(*other.notes, note))

    def _check_letters(self, claim: Claim) -> None:
        r"""Raise where a label of a sum or product is a tensor, too: i of ``\prod_{i=k+1}^t f_i``
        beside a gate i, where no reading can be compared."""
        parts = [*walk(sides_of(claim)[1])]
        bound = {k for x in parts if isinstance(x, Call) for k in x.axes}
        for letter in sorted(bound & self.derived.system.labels.keys()):
            raise NotationError(
                f"{letter} is a label of this claim, and a tensor elsewhere",
                operand=letter,
                hint="give the label or the tensor another name",
            )

    def _verdict(self, claim: Claim, definitions: Sequence[Claim]) -> Verdict:
        if not self.reader.is_matrix(claim):
            return self.judge([*definitions, claim])
        self.reader.series = ""
        try:
            options = self.reader.options(claim)
        except NotationError as error:
            formulas = [sides_of(claim)[0], *walk(sides_of(claim)[1])]
            open_square = error.operand and self._brings_formula(claim)  # \det Y of any Y
            if error.code != "misfit" or open_square or not all(map(self._fits, formulas)):
                raise
            found = self._misfit(claim, definitions, error)
            if found.outcome == "wrong" and self._may_be_square(claim, str(error.operand or "")):
                raise
            return self._open_function(claim, found)
        series = self.reader.series
        right = [x for x in options if self._is_right(x.claim, definitions)]
        if right:
            return self._right(claim, right, definitions)
        other = None
        if self.depth != "verdict":
            dotted = any(x.dotted for x in options)
            relaxed = self._relaxed(claim) if dotted else self._reworded(claim)
            other = self._otherwise(claim, definitions, relaxed)
        if other is None:
            other = self._wrong(claim, options, definitions)
        if other.outcome == "wrong" and series:
            reason = f"whether {series} is a function of the matrix or goes entry by entry is open"
            return Verdict("not judged", other.claim, reason, other.correct)
        return self._open_function(claim, other)

    def _open_function(self, claim: Claim, verdict: Verdict) -> Verdict:
        """Return that a claim about ``g = f(A x + b)`` is not judged where it would be wrong.

        The f of which nothing is known is read entry by entry; it may be of the whole vector.
        """
        target = claim.target if isinstance(claim, Assignment) else None
        source = target.of if isinstance(target, Derivative) else None
        of = source.name if isinstance(source, Symbol) else ""
        definition = self.derived.system.definitions.get(of)
        expr = definition.expr if definition is not None else None
        if verdict.outcome != "wrong" or not isinstance(expr, Map) or not expr.ndim:
            return verdict
        if expr.function not in self.derived.system.functions:
            return verdict
        reason = f"whether {expr.function} goes entry by entry or takes a whole vector is open"
        return Verdict("not judged", verdict.claim, reason, verdict.correct)

    def _may_be_square(self, claim: Claim, name: str) -> bool:
        """Whether a derivative is wrong only if a matrix is not square, which nothing says."""
        target = claim.target if isinstance(claim, Assignment) else None
        return bool(name) and isinstance(target, Derivative) and not self.reader.is_oblong(name)

    @staticmethod
    def _brings_formula(claim: Claim) -> bool:
        """Whether a claim differentiates a formula of its own."""
        target = claim.target if isinstance(claim, Assignment) else None
        return isinstance(target, Derivative) and not isinstance(target.of, Symbol)

    def _fits(self, left: Formula) -> bool:
        """Whether what a derivative is of fits together, so that a claim is about something."""
        if not isinstance(left, Derivative) or isinstance(left.of, Symbol):
            return True
        try:
            self.reader.options(Equation(left, left))
        except NotationError:
            return False
        return True

    # --- right ---

    def _right(
        self, claim: Claim, right: list[IndexClaim], definitions: Sequence[Claim]
    ) -> Verdict:
        fixed = self.layouts.jacobian
        right = sorted(right, key=lambda x: (x.loose, x.rows))
        chosen = next((x for x in right if x.layout == fixed), right[0])
        verdict = self._worded(claim, self.judge([*definitions, chosen.claim]))
        if missing := _missing_labels(claim, chosen.claim):
            note = f"{missing} stands on the left alone: the right side is read at {missing}, too"
            verdict = replace(verdict, notes=(*verdict.notes, note))
        if chosen.loose or chosen.rows:
            text = "the product is read from left to right" if chosen.loose else "vectors are rows"
            return replace(verdict, outcome="right if", assumption=text, mistake="assumption",
                           reason=f"right if {text}")  # fmt: skip
        if self._ranks(claim) == [0, 2]:
            self.layouts.gradients.append(claim)
        if not chosen.layout or len({x.layout for x in right}) > 1:
            return verdict
        if fixed and fixed != chosen.layout:
            text = ROWS[chosen.layout]
            return replace(verdict, outcome="right if", assumption=text, mistake="assumption",
                           reason=f"right if {text}; before they were the other's")  # fmt: skip
        self.layouts.jacobian = chosen.layout
        return replace(verdict, reason=f"{verdict.reason}, in {chosen.layout} layout")

    def _is_right(self, claim: Claim, definitions: Sequence[Claim]) -> bool:
        """Whether a claim in index notation holds; without a word on why not."""
        try:
            found = inlined(self.derived, [*definitions, claim])
            own = found.claims[-1]
            question = Question.about(found.derived, own.target, found.restored, self.derived)
            found.derived.learn(own.value)
            value = ExprClaim(question.lowered(own.value))
            everywhere = agrees_everywhere(value, question.right, question.points)
            return everywhere or holds_inside(question, own.value) is not None
        except (NotationError, NoPointError, MemoryLimitError):
            return False

    # --- wrong ---

    def _wrong(
        self, claim: Claim, options: Sequence[IndexClaim], definitions: Sequence[Claim]
    ) -> Verdict:
        verdict = self._worded(claim, self.judge([*definitions, options[0].claim]))
        if verdict.outcome in {"right", "not judged"} or self.depth != "mistake":
            return verdict
        return self._repaired(claim, definitions, verdict, "")

    def _misfit(self, claim: Claim, definitions: Sequence[Claim], error: NotationError) -> Verdict:
        relaxed = self._relaxed(claim)
        other = None if self.depth == "verdict" else self._otherwise(claim, definitions, relaxed)
        if other is not None:
            return other
        bare = Verdict("wrong", text_of(claim), error.reason, self._correct(claim), mistake="shape")
        if self.depth != "mistake":
            return bare
        return self._repaired(claim, definitions, bare, f" ({error.reason})")

    def _otherwise(
        self, claim: Claim, definitions: Sequence[Claim], readings: Iterable[tuple[Formula, str]]
    ) -> Verdict | None:
        """Return that a claim is right if it is read otherwise, None where no reading is right."""
        others = ((condition, self._holds(_with_value(claim, value), definitions))
                  for value, condition in readings)  # fmt: skip
        rows = ("vec stacks the rows", self._holds_by_rows(claim, definitions))
        found = next((x for x, holds in chain([rows], others) if holds), None)
        if found is None:
            return None
        return Verdict(
            "right if", text_of(claim), f"right if {found}", self._correct(claim),
            mistake="assumption", assumption=found,
        )  # fmt: skip

    def _holds_by_rows(self, claim: Claim, definitions: Sequence[Claim]) -> bool:
        """Whether a claim with vec(X) holds if that has the rows of X one below the other."""
        if not self.reader.is_stacking(claim):
            return False
        self.reader.facts.by_rows = True
        holds = self._holds(claim, definitions)
        self.reader.facts.by_rows = False
        return holds

    def _relaxed(self, claim: Claim) -> Iterator[tuple[Formula, str]]:
        """Yield other readings of a right side, and what they take for granted."""
        value = sides_of(claim)[1]
        match value:
            case Call(function="where", args=(condition, own, other)) if (
                isinstance(claim, Assignment) and other == claim.target
            ):  # a claim about some of the entries
                for inner, words in self._relaxed(replace(claim, value=own)):
                    yield replace(value, args=(condition, inner, other)), words
                return
        ranks = self._ranks(claim)
        if ranks == [0, 1]:
            yield transposed(value), "the gradient is laid out as a row (numerator layout)"
        if ranks == [1, 0]:
            yield transposed(value), "the derivative is laid out as a row (denominator layout)"
        if ranks == [1, 1]:
            for side in (value, _with_signs(value, self._is_vector)):
                yield Call("diag", (side,)), "the derivative is taken entry by entry"
        yield from self._reworded(claim)
        yield from _entry_by_entry(value, self._is_vector)

    def _ranks(self, claim: Claim) -> list[int]:
        """Return how many axes what a claim differentiates has, and that by which it does."""
        target = claim.target if isinstance(claim, Assignment) else None
        if not isinstance(target, Derivative):
            return []
        source = target.of
        while isinstance(source, Power) and source.exponent in TRANSPOSES:
            source = source.base
        of = self._rank(source) if isinstance(source, Symbol) else 0
        return [of, *(self._rank(x) for x in target.wrt if isinstance(x, Symbol))]

    def _rank(self, symbol: Symbol) -> int:
        """Return how many axes a tensor has that are not written, of h_t none for t."""
        return max(self.reader.rank(symbol.name) - len(symbol.labels), 0)

    def _reworded(self, claim: Claim) -> Iterator[tuple[Formula, str]]:
        """Yield right sides that are written in short, whether or not they fit as they stand.

        A derivative by a matrix, but not one with a nabla, may be the transpose of the gradient
        where no other derivative is in a formula, and no claim before has it otherwise.
        """
        value = sides_of(claim)[1]
        chained = any(isinstance(x, Derivative) for x in walk(value))
        nabla = any(isinstance(x, Derivative) and x.nabla for x in sides_of(claim)[:1])
        if self._ranks(claim) == [0, 2] and not (chained or nabla):
            before = ((x, transposed(sides_of(x)[1])) for x in self.layouts.gradients)
            if all(self._holds(_with_value(x, turned), ()) for x, turned in before):
                told = "the gradient is laid out as its transpose (numerator layout)"
                yield transposed(value), told
        yield from self._with_identities(claim)
        yield from self._with_powers_of_entries(claim)

    def _with_powers_of_entries(self, claim: Claim) -> Iterator[tuple[Formula, str]]:
        """Yield a right side in which powers of matrices are those of their entries."""
        found: list[Formula] = []

        def by_entries(part: Formula) -> Formula:
            parts = () if isinstance(part, Derivative) else children(part)
            part = rebuilt(part, [by_entries(x) for x in parts]) if parts else part
            if not isinstance(part, Power) or not (n := times_in(part.exponent)):
                return part
            if self._is_scalar(part.base):
                return part
            found.append(part)
            factors, signs = (part.base,) * abs(n), ("", *[ODOT] * (abs(n) - 1))
            power = Product(factors, (False,) * abs(n), part.position, signs)
            return power if n > 0 else Product((Number(1), power), (False, True))

        changed = by_entries(sides_of(claim)[1])
        if found:
            yield changed, f"{shown(found[0])} goes entry by entry"

    def _with_identities(self, claim: Claim) -> Iterator[tuple[Formula, str]]:
        """Yield a right side in which numbers beside matrices are so many identities."""
        value = sides_of(claim)[1]
        numbers: list[Formula] = []

        def with_identity(part: Formula) -> Formula:
            parts = () if isinstance(part, Derivative) else children(part)
            part = rebuilt(part, [with_identity(x) for x in parts]) if parts else part
            alone = isinstance(part, Sum) and [self._is_scalar(x) for x in part.terms]
            if not isinstance(part, Sum) or not alone or len({*alone}) == 1:
                return part
            numbers.extend(x for x, is_number in zip(part.terms, alone, strict=True) if is_number)
            terms = (
                Product((x, Symbol("I")), (False, False)) if is_number else x
                for x, is_number in zip(part.terms, alone, strict=True)
            )
            return replace(part, terms=tuple(terms))

        changed = with_identity(value)
        if numbers:
            yield changed, f"{shown(numbers[0])} stands for {shown(numbers[0])} I"

    def _repaired(
        self, claim: Claim, definitions: Sequence[Claim], verdict: Verdict, why: str
    ) -> Verdict:
        """Return a verdict that names what is right in another order, or transposed, if that is."""
        for value, old, new, mistake in islice(_reordered(claim, self._is_scalar), MOST):
            changed = _with_value(claim, value)
            if self._holds(changed, definitions):
                reason = f"{shown(new)} is meant where {shown(old)} stands{why}"
                return replace(verdict, outcome="wrong", reason=reason, mistake=mistake,
                               fixed=text_of(changed), assumption=None)  # fmt: skip
        return verdict

    def _holds(self, claim: Claim, definitions: Sequence[Claim]) -> bool:
        try:
            options = self.reader.options(claim)
        except NotationError:
            return False
        return any(self._is_right(x.claim, definitions) for x in options)

    def _is_vector(self, formula: Formula) -> bool:
        """Whether a formula has vectors, and no matrices or transposes."""
        ranks = {self.reader.rank(x.name) for x in walk(formula) if isinstance(x, Symbol)}
        return ranks <= {0, 1} and 1 in ranks and TRANSPOSED not in walk(formula)

    def _is_scalar(self, formula: Formula) -> bool:
        """Whether no part of a formula is a vector or a matrix."""
        return not any(isinstance(x, Symbol) and self.reader.rank(x.name) for x in walk(formula))

    # --- words ---

    def _worded(self, claim: Claim, verdict: Verdict) -> Verdict:
        """Return a verdict that shows the claim as it is written."""
        return replace(verdict, claim=text_of(claim), correct=self._correct(claim, verdict.correct))

    def _correct(self, claim: Claim, otherwise: str = "") -> str:
        """Return the right formula, in matrix notation where it has a form."""
        target = claim.target if isinstance(claim, Assignment) else None
        if not isinstance(target, Derivative) or not isinstance(target.of, Symbol):
            return otherwise
        of, wrt = target.of.name, [x.name for x in target.wrt]
        name = self.derived.derivative(of, wrt)
        expr = self.derived.unfolded(name)
        before = sum(self.reader.rank(x) for x in (of, *wrt[:-1]))
        rows, cols = layout_axes(expr.ndim, before)
        form = matrix_form(expr, rows, cols, self.derived.names.rank)
        if form is None:
            return otherwise
        letters = self.derived.system.letters
        text = form_text(form, lambda dim: next(iter(letters.get(dim, ())), dim))
        return f"{derivative_name(target)} = {text}"


def shown(formula: Formula) -> str:
    """Write a formula as matrix notation."""
    return to_text(formula).replace(" * ", " ")


def text_of(claim: Claim) -> str:
    """Write a claim as matrix notation."""
    left, right = sides_of(claim)
    return f"{shown(left)} = {shown(right)}"


def _with_value(claim: Claim, value: Formula) -> Claim:
    return replace(claim, value=value) if isinstance(claim, Assignment) else replace(
        claim, right=value)  # fmt: skip


# --- what else may be meant ---------------------------------------------------------------------


def _entry_by_entry(
    value: Formula, is_vector: Callable[[Formula], bool]
) -> Iterator[tuple[Formula, str]]:
    """Yield a right side with products that go entry by entry: all of vectors, or one."""
    yield _with_signs(value, is_vector), "products of vectors are entry by entry, ⊙"
    for site in sites(value):
        if isinstance(site.part, Product) and not any(site.part.divides):
            count = len(site.part.factors)
            for k in range(1, count):
                signs = tuple(ODOT if j == k else "" for j in range(count))
                new = site.put(replace(site.part, signs=signs))
                yield (
                    new,
                    f"the product before {shown(site.part.factors[k])} is entry by entry, ⊙",
                )


def _with_signs(formula: Formula, is_vector: Callable[[Formula], bool]) -> Formula:
    """Return a formula with ⊙ between the vectors of each product that has nothing else."""
    parts = children(formula)
    if not parts or isinstance(formula, Derivative):
        return formula
    formula = rebuilt(formula, [_with_signs(x, is_vector) for x in parts])
    if isinstance(formula, Product) and not any(formula.divides):
        vectors = [k for k, x in enumerate(formula.factors) if is_vector(x)]
        if len(vectors) > 1 and vectors[-1] - vectors[0] == len(vectors) - 1:
            signs = tuple(ODOT if k in vectors[1:] else "" for k in range(len(formula.factors)))
            return replace(formula, signs=signs)
    return formula


def transposed(formula: Formula) -> Formula:
    """Return the transpose of a formula, without two in a row."""
    if isinstance(formula, Power):
        if formula.exponent in TRANSPOSES:
            return formula.base
        if formula.exponent == MINUS_ONE:
            return replace(formula, exponent=Sum((TRANSPOSED,), (True,)))
    if isinstance(formula, Sum) and len(formula.terms) == 1:
        return negated(transposed(formula.terms[0]))
    return Power(formula, TRANSPOSED)


Change = tuple[Formula, Formula, Formula, str]  # the whole, what stood there, what does, a mistake


def _reordered(claim: Claim, is_scalar: Callable[[Formula], bool]) -> Iterator[Change]:
    """Yield a right side with factors transposed and in another order, the fewest changes first."""
    value = sides_of(claim)[1]
    found: list[tuple[int, Change]] = []
    for site in sites(value):
        part = site.part
        if isinstance(part, Product) and not any(s == ODOT for s in part.signs):
            places = [k for k, x in enumerate(part.factors)
                      if not part.divides[k] and not is_scalar(x)]  # fmt: skip
            if 1 < len(places) < 5:
                found += [
                    (cost, (site.put(new), part, new, mistake))
                    for cost, new, mistake in _orders(part, places)
                ]
        elif isinstance(part, Symbol | Derivative) and not is_scalar(part):
            if not isinstance(site.parent, Product | Power | Derivative):
                new = transposed(part)
                found.append((1, (site.put(new), part, new, "transposed")))
        elif isinstance(part, Power) and part.exponent in TRANSPOSES and site.parent is None:
            found.append((1, (part.base, part, part.base, "transposed")))
    if not isinstance(value, Product):
        found.append((2, (transposed(value), value, transposed(value), "transposed")))
    yield from (change for _, change in sorted(found, key=lambda x: x[0]))


def _orders(product: Product, places: Sequence[int]) -> Iterator[tuple[int, Formula, str]]:
    turned = {k: (product.factors[k], transposed(product.factors[k])) for k in places}
    for order in permutations(places):
        moved = order != tuple(places)
        for mask in combinations((0, 1), repeat=len(places)):
            if not moved and not any(mask):
                continue
            cost = sum(mask) + 1.5 * moved
            if cost > 3.5:
                continue
            factors = list(product.factors)
            for place, k, turn in zip(places, order, mask, strict=True):
                factors[place] = turned[k][turn]
            new = replace(product, factors=tuple(factors))
            yield int(2 * cost), new, "order" if moved else "transposed"


def _missing_labels(claim: Claim, labelled: Claim) -> str:
    r"""Return the labels that a right side would have to have, but does not as it is written:
    the j of ``\frac{\partial J}{\partial \theta_j} = X^\top r``."""
    own = labels_of(claim.target) if isinstance(claim, Assignment) else ()
    written, meant = (_labels_in(sides_of(x)[1]) for x in (claim, labelled))
    return ", ".join(x for x in own if x in meant and x not in written)


def _labels_in(formula: Formula) -> set[str]:
    """Return the labels that tensors have in a formula, or functions bind."""
    parts = [*walk(formula)]
    found = {x for part in parts if isinstance(part, Symbol | TensorAt) for x in part.labels}
    return found | {x for part in parts if isinstance(part, Call) for x in part.axes}
