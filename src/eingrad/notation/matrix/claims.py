"""Claims in matrix notation -> claims in index notation about a model whose shapes are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from itertools import product as combined

from eingrad.core.expr import Dim, Map, postorder
from eingrad.errors import NotationError
from eingrad.notation.matrix.elaborate import Elaboration
from eingrad.notation.matrix.infer import Inference
from eingrad.notation.matrix.kinds import VECTOR, C, M, R, S
from eingrad.notation.matrix.letters import Letters, OpenExtent, StackedError
from eingrad.notation.matrix.series import SERIES, check_series, may_be_series
from eingrad.notation.matrix.shapes import DENOMINATOR, NUMERATOR, Shapes
from eingrad.notation.matrix.statements import Misfits, labels_inside, misfit, shows_matrices
from eingrad.notation.matrix.typed import (
    ALONG,
    COMMUTATIONS,
    TRANSPOSES,
    KnownShapes,
    TreeBuilder,
    Typed,
    stacks,
)
from eingrad.notation.summation import (
    Summation,
    children,
    derivative_parts,
    labels_of,
    rebuilt,
    walk,
)
from eingrad.notation.syntax import (
    BY_ROW,
    DOT,
    ODOT,
    ONES_NAME,
    SLICE,
    TRANSPOSED,
    Assignment,
    Call,
    Claim,
    Derivative,
    Equation,
    Formula,
    Power,
    Product,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.system import System
from eingrad.notation.tensors import PI, RESERVED
from eingrad.notation.text import to_text

LAYOUTS = NUMERATOR, DENOMINATOR


@dataclass(frozen=True)
class IndexClaim:
    """A claim in index notation; ``layout`` is how a Jacobian lies, "" where there is none.

    ``loose`` says that ``A ⊙ B C`` is read as ``(A ⊙ B) C``, though ``A ⊙ (B C)`` fits, too, and
    ``rows`` that vectors are rows, of which the model says nothing, since columns do not fit.
    ``dotted`` says that a dot between vectors is no product of matrices.
    """

    claim: Claim
    layout: str = ""
    loose: bool = False
    rows: bool = False
    dotted: bool = False


class ClaimElaboration:
    """Elaborates claims about one model; what they define is known to those that follow."""

    def __init__(self, system: System) -> None:
        self.system = system
        nodes = postorder(system.exprs.values())
        self.entrywise = any(isinstance(x, Map) and x.function in SERIES for x in nodes)
        self.series = ""  # an exp(A) of the last claim that may be a function of the whole matrix
        self.extents: dict[Dim, OpenExtent] = {}
        tensors = [*system.inputs.values(), *(d.var for d in system.definitions.values())]
        self.facts = KnownShapes(
            axes={x.name: [self._extent(dim) for dim in x.dims] for x in tensors},
            sizes={name: self._extent(dim) for name, dim in system.sizes.items()},
            functions=system.functions,
            stacks={a: b for a, b in system.stacks.items() if b in system.labels},
            moving=system.counts.labels,
            claimed=True,
        )
        words = {"column": C, "row": R}
        for key, kind in system.kinds.items():
            name = key.rstrip("_")
            self.facts.carried[name, len(key) - len(name)] = words[kind]
        self.known = {*self.facts.carried}
        self.facts.kinds |= {x.name: S for x in tensors if not x.dims}

    def _extent(self, dim: Dim) -> OpenExtent:
        if dim not in self.extents:
            new = OpenExtent(dim)
            new.letters.extend(self.system.letters.get(dim, ()))
            self.extents[dim] = new
        return self.extents[dim]

    # --- which claims these are ---

    def is_matrix(self, claim: Claim) -> bool:
        """Whether a claim is matrix notation, and its names are known."""
        sides = sides_of(claim)
        speaks = any(map(shows_matrices, sides)) or any(
            isinstance(x, Symbol) and len(x.labels) < self.rank(x.name)
            for s in sides
            for x in walk(s)
        )
        odd = speaks and self._is_odd(claim)
        sliced = next((x for s in sides for x in walk(s) if isinstance(x, Symbol)
                       and (SLICE in x.labels or x.stacked)), None)  # fmt: skip
        if odd and sliced is not None:
            raise NotationError(
                f"{to_text(sliced)} beside a name or a label that nothing explains",
                position=sliced.position,
                hint="sum the labels that the left side lacks, or write letters for whole axes",
            )
        return speaks and not odd

    def rank(self, name: str) -> int:
        """Return how many axes a tensor has, 0 where it is not known."""
        return len(self.facts.axes.get(self.facts.stacks.get(name, name), ()))

    def is_oblong(self, name: str) -> bool:
        """Whether a matrix has two extents that the text calls by different names."""
        axes = self.facts.axes.get(self.facts.stacks.get(name, name), ())
        known = [x.known for x in axes]
        told = {*self.system.sizes.values()}
        return len({*known}) == 2 and all(isinstance(x, int) or x in told for x in known)

    def _is_odd(self, claim: Claim) -> bool:
        """Whether a claim has names that nobody knows, or labels that nothing sums or keeps."""
        target = claim.target if isinstance(claim, Assignment) else None
        new = target.name if isinstance(target, Symbol) else ""
        for side in sides_of(claim):
            for part in walk(side):
                swaps = isinstance(part, Symbol) and part.name in COMMUTATIONS
                if swaps and self.is_stacking(claim):
                    continue
                if isinstance(part, Symbol | TensorAt) and not self._is_known(part, new):
                    return True
        kept = (SLICE, *labels_of(target)) if target is not None else ()
        if not isinstance(claim, Assignment):
            return False
        value = _without_entries(claim.value)
        return next(Summation().dangling(value, kept), None) is not None

    def is_stacking(self, claim: Claim) -> bool:
        """Whether a claim is about columns one below the other; ``dY/dX = K`` is, too."""
        parts = [x for side in sides_of(claim) for x in walk(side)]
        if any(map(stacks, parts)):
            return True
        swaps = any(isinstance(x, Symbol) and x.name in COMMUTATIONS for x in parts)
        of = next((x for x in parts if isinstance(x, Derivative)), None)
        whole = (of.of, *of.wrt) if swaps and of is not None else ()
        return sum(self.rank(x.name) for x in whole if isinstance(x, Symbol)) > 2

    def _is_known(self, tensor: Symbol | TensorAt, new: str) -> bool:
        name = self.facts.stacks.get(tensor.name, tensor.name)
        own = {RESERVED, ONES_NAME, TRANSPOSED.name, BY_ROW.name, "I", "T", PI.name, new}
        if name[0] == "I" and len(name) == 2:  # the identity I_d
            return True
        of, *by = derivative_parts(name)
        wrt = by[0] if len(by) == 1 else ""
        if wrt and not self.rank(of) and wrt in self.facts.axes:  # dL/dh at an entry
            self.facts.axes[name] = self.facts.axes[wrt]
        return name in self.facts.axes or name in self.facts.sizes or name in own

    # --- elaboration ---

    def define(self, claim: Claim) -> Claim:
        """Return a claim that defines a tensor, which later claims may speak of."""
        assert isinstance(claim, Assignment)
        assert isinstance(claim.target, Symbol)
        self.facts.assigned = {*self.facts.assigned, claim.target.name}
        (found, *_), shapes, left = self._options(claim)
        name = claim.target.name
        self.facts.axes[name] = shapes.axes[name]
        if (kind := shapes.kind(left)) & VECTOR:
            self.facts.carried[name, 0] = kind
            self.known.add((name, 0))
        return found.claim

    def learn(self, claim: Claim) -> Claim:
        """Return a claim in index notation that defines a tensor, and remember its axes."""
        target = claim.target if isinstance(claim, Assignment) else None
        if isinstance(claim, Assignment) and isinstance(target, Symbol):
            extents: dict[str, OpenExtent] = {}
            for part in walk(claim.value):
                if isinstance(part, Symbol) and len(part.labels) == self.rank(part.name):
                    axes = self.facts.axes.get(self.facts.stacks.get(part.name, part.name), ())
                    extents |= dict(zip(part.labels, axes, strict=False))
            self.facts.axes[target.name] = [
                extents.get(x) or OpenExtent(letter=x) for x in target.labels
            ]
        return claim

    def options(self, claim: Claim) -> list[IndexClaim]:
        """Return a claim in index notation: one, or one for each layout of a Jacobian.

        Raises NotationError, with the code "misfit", where its factors do not fit together.
        """
        return self._options(claim)[0]

    def _options(self, claim: Claim) -> tuple[list[IndexClaim], Shapes, Typed]:
        failed: Exception | None = None
        layouts = self._layouts(claim)
        for value, upright in combined(self._entries(claim), (C, R)):
            self._stand(upright)
            found: dict[Formula, IndexClaim] = {}
            made: tuple[Shapes, Typed] | None = None
            for layout in layouts:
                jacobian = plain = False
                for dots, loose, ones in self._readings(value):
                    if dots and plain:
                        break
                    written = _entry_by_entry(value) if dots == ODOT else value
                    try:
                        new, shapes, left = self._read(written, layout, loose, ones, dots == DOT)
                    except Misfits as error:
                        failed = error if isinstance(error, StackedError) else failed or error
                        continue
                    jacobian = jacobian or shapes.has_jacobian
                    own = layout if shapes.has_jacobian and len(layouts) > 1 else ""
                    key = Sum(sides_of(new), (False, False))
                    found.setdefault(
                        key,
                        IndexClaim(
                            new, own, bool(loose and found), self._free_rows(value, upright),
                            bool(dots),
                        ),
                    )  # fmt: skip
                    made = made or (shapes, left)
                    plain = plain or not dots
                if found and not jacobian:
                    break
            if made:
                return list(found.values()), *made
        assert failed is not None
        raise misfit(failed)

    def _layouts(self, claim: Claim) -> Sequence[str]:
        r"""Return how Jacobians may lie: ``\partial y^T/\partial x`` says it, and so does
        ``\partial y/\partial x^T``, which is its transpose."""
        for part in (x for side in sides_of(claim) for x in walk(side)):
            turned = part.of if isinstance(part, Derivative) else None
            if isinstance(part, Power) and part.exponent == BY_ROW:
                return (DENOMINATOR,)
            if isinstance(turned, Power) and turned.exponent in TRANSPOSES:
                return (DENOMINATOR,)
        return LAYOUTS

    @staticmethod
    def _entries(claim: Claim) -> Iterator[Claim]:
        """Yield a claim, and one about its right side's entries if its left side has labels."""
        yield claim
        labels = labels_of(claim.target) if isinstance(claim, Assignment) else ()
        if isinstance(claim, Assignment) and 0 < len(labels) < 3 and SLICE not in labels:
            yield replace(claim, value=Call("entry", (claim.value,), labels))

    def _free_rows(self, claim: Claim, upright: int) -> bool:
        """Whether a claim has vectors that are taken to be rows though the model does not say so.

        Two of them, or one twice: ``b`` alone may be added to rows, or be the gradient ``1^T G``.
        """
        names = [x.name for side in sides_of(claim) for x in walk(side) if isinstance(x, Symbol)]
        free = [x for x in names if self.rank(x) == 1 and (x, 0) not in self.known]
        return upright == R and len(free) > 1

    def _stand(self, upright: int) -> None:
        """State that vectors of which the model says nothing are columns, or all of them rows."""
        for name, axes in self.facts.axes.items():
            for count in range(len(axes)):
                if len(axes) - count == 1 and (name, count) not in self.known:
                    self.facts.carried[name, count] = upright

    def _readings(self, claim: Claim) -> list[tuple[str, tuple[int, ...], bool]]:
        """Return what a dot between vectors is, an inner product or ⊙, which products to read from
        left to right, and whether a factor 1 is a vector."""
        builder = TreeBuilder(self.facts, stacking=self.is_stacking(claim))
        for side in sides_of(claim):
            builder.build(side)
        mixed = [id(x) for x in builder.mixed]
        choices = (c for n in range(min(len(mixed), 2) + 1) for c in combinations(mixed, n))
        ones = (False, True) if any(x.op == "number" for x in builder.nodes) else (False,)
        dotted = any(isinstance(x, Product) and DOT in x.signs for s in sides_of(claim)
                     for x in walk(s))  # fmt: skip
        return list(combined(("", DOT, ODOT) if dotted else ("",), choices, ones))

    def _read(
        self, claim: Claim, layout: str, loose: Sequence[int], ones: bool, dots: bool
    ) -> tuple[Claim, Shapes, Typed]:
        builder = TreeBuilder(self.facts, loose, dots, self.is_stacking(claim))
        left, right = (builder.side(side) for side in sides_of(claim))
        inference = Inference(builder, [(left, right)], ones)
        shapes = Shapes(self.facts, inference.solve(), layout)
        shapes.statement(left, right, {})
        shapes.finish()
        check_series(inference, shapes)
        if not self.entrywise:
            self.series = next((to_text(x.written) for x in may_be_series(inference, shapes)), "")
        taken = {x for own in self.system.letters.values() for x in own}
        taken |= {name for name, axes in self.facts.axes.items() if not axes}
        elaboration = Elaboration(shapes, Letters(taken), layout)
        scope = {x for side in sides_of(claim) for x in labels_inside(side)}
        labels = elaboration.labels_for(left, scope)
        sides = [elaboration.at(x, labels, scope) for x in (left, right)]
        shapes.has_jacobian = any(_is_jacobian(x, shapes) for x in builder.nodes)
        return with_sides(claim, sides[0], sides[1]), shapes, left


def _without_entries(formula: Formula) -> Formula:
    """Return a formula with a tensor of these labels in the place of each ``[y - t]_b``."""
    if isinstance(formula, Call) and formula.function == "entry":
        return Symbol("entry", formula.axes)
    if isinstance(formula, Call) and not ALONG.keys().isdisjoint(formula.axes):
        return Symbol("along")
    parts = children(formula)
    if not parts or isinstance(formula, Derivative):
        return formula
    return rebuilt(formula, [_without_entries(part) for part in parts])


def _entry_by_entry(claim: Claim) -> Claim:
    """Return a claim with ⊙ for every dot."""

    def signed(formula: Formula) -> Formula:
        parts = children(formula)
        if not parts or isinstance(formula, Derivative):
            return formula
        formula = rebuilt(formula, [signed(part) for part in parts])
        if isinstance(formula, Product):
            return replace(formula, signs=tuple(ODOT if s == DOT else s for s in formula.signs))
        return formula

    return with_sides(claim, *map(signed, sides_of(claim)))


def sides_of(claim: Claim) -> tuple[Formula, Formula]:
    """Return the left and right side of a claim."""
    if isinstance(claim, Equation):
        return claim.left, claim.right
    return claim.target, claim.value


def with_sides(claim: Claim, left: Formula, right: Formula) -> Claim:
    """Return a claim with other sides."""
    if isinstance(claim, Equation):
        return Equation(left, right, claim.position)
    assert isinstance(left, Symbol | Derivative)
    return Assignment(left, right, claim.position, claim.notes)


def _is_jacobian(node: Typed, shapes: Shapes) -> bool:
    """Whether a part is a derivative of a vector by a vector."""
    if node.op not in {"derivative", "chain"} or shapes.kind(node) != M:
        return False
    return bool(shapes.kind(node.parts[0]) & VECTOR)
