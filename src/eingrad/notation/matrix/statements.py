"""A model's text with statements in matrix notation -> the same in index notation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise
from itertools import product as combined
from types import MappingProxyType

from eingrad.errors import NotationError
from eingrad.notation.lexeme import GREEK_LETTERS
from eingrad.notation.matrix import kinds
from eingrad.notation.matrix.called import check_called
from eingrad.notation.matrix.elaborate import Elaboration
from eingrad.notation.matrix.infer import Inference, KindError
from eingrad.notation.matrix.kinds import ANY, VECTOR, C, M, R
from eingrad.notation.matrix.labelled import (
    matrices_with_labels,
    names_one,
    with_carried,
    with_determinants,
)
from eingrad.notation.matrix.letters import Letters, MisfitError, OpenExtent, StackedError
from eingrad.notation.matrix.series import check_series
from eingrad.notation.matrix.shapes import OpenSumError, Shapes, SizeError
from eingrad.notation.matrix.typed import (
    MOST_TIMES,
    OF_MATRIX,
    TRANSPOSES,
    KnownShapes,
    TreeBuilder,
    Typed,
    times_in,
)
from eingrad.notation.mistakes import length_or_entries
from eingrad.notation.summation import Summation, children, walk
from eingrad.notation.syntax import (
    ANY_FUNCTION,
    DOT,
    ODOT,
    ONES_NAME,
    OSLASH,
    OTIMES,
    SLICE,
    TRANSPOSED,
    Assignment,
    Assumption,
    Call,
    Declaration,
    Derivative,
    Formula,
    Ordinal,
    Power,
    Product,
    Shaped,
    SizeOf,
    Statement,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.text import to_text
from eingrad.notation.told_extents import NO_COUNTS, with_told_extents

CAPITALS = frozenset({
    "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
})  # fmt: skip
LOSSES = frozenset({"L", "Lcal", "Lfrak", "l", "ell", "J", "loss", "Loss", "cost"})
SIGNS = frozenset({"⊙", "⊘", "⊗"})
FUNCTIONS = frozenset({"norm", "inner", "diag", "inv", "entry", "vec", *OF_MATRIX})
Misfits = (KindError, SizeError, OpenSumError, StackedError)
NO_ENTRIES: Mapping[str, str] = MappingProxyType({})
Bold = Collection[tuple[str, int]]  # names in bold type, with how many labels they carry


def _alike(
    facts: KnownShapes, declared: Collection[str]
) -> tuple[tuple[tuple[str, int], ...], ...]:
    """Return the axes of tensors of declared shapes that have one extent."""
    found: dict[int, list[tuple[str, int]]] = {}
    for name in sorted(declared & facts.axes.keys()):
        for k, extent in enumerate(facts.axes[name]):
            found.setdefault(id(extent.root), []).append((name, k))
    return tuple(tuple(own) for own in found.values() if len(own) > 1)


@dataclass
class Elaborated:
    """Statements in index notation; ``kinds`` are those of vectors, ``stacks`` says that X is
    the matrix whose rows are x_i, ``sizes`` are names of extents, each with a label and a
    statement that has it; ``alike`` are axes, (name, place), that are declared to be as long."""

    statements: tuple[Statement, ...]
    kinds: dict[str, str] = field(default_factory=dict)
    stacks: dict[str, str] = field(default_factory=dict)
    sizes: tuple[tuple[str, str, Statement], ...] = ()
    alike: tuple[tuple[tuple[str, int], ...], ...] = ()

    def with_extents(
        self, shapes: Sequence[Shaped], counts: Mapping[str, int], moving: Collection[str]
    ) -> Elaborated:
        """Return the same with what the text tells of extents."""
        statements, sizes = with_told_extents(self.statements, shapes, counts, moving)
        return replace(self, statements=statements, sizes=(*self.sizes, *sizes))


def elaborated(
    statements: Sequence[Statement],
    bold: Bold = (),
    latex: bool = False,
    moving: Collection[str] = (),
    first: Mapping[str, str] = NO_ENTRIES,
    counts: Mapping[str, int] = NO_COUNTS,
) -> Elaborated:
    """Return statements with those in matrix notation as index notation.

    ``counts`` says of labels how far sums over them go, where that is a number. ``moving`` are
    labels of layers and times, which stand beside the type of a matrix; ``first`` are names for
    what stands before the first entry of one, h0 of h, which is of one type with it.
    Raises NotationError where shapes do not fit together, or where one stays open.
    """
    statements = [_symmetry(s) for s in statements]
    statements = with_carried(statements, moving)
    rest = tuple(s for s in statements if not isinstance(s, Shaped))
    each = matrices_with_labels(statements, bold, moving)
    statements = [with_determinants(s, each) for s in statements]
    statements = _with_losses(statements, bold, moving)
    matrix = in_matrices(statements, bold, moving, first, each)
    scalars = {n for s in statements if isinstance(s, Shaped) and not s.extents for n in s.names}
    scalars |= _to_a_power(statements)
    wide = {n: sum(x != 1 for x in s.extents)
            for s in statements if isinstance(s, Shaped) and not s.carried
            for n in s.names}  # fmt: skip
    for k, s in enumerate(statements):
        if isinstance(s, Assignment) and k not in matrix:
            _check_functions(s.value)
            _check_labels(s.value, wide)
            if not _has_labels(s, moving):
                _check_capitals(s.value, scalars, latex, moving)
    shapes = [s for s in statements if isinstance(s, Shaped)]
    if not matrix:
        return Elaborated(rest).with_extents(shapes, counts, moving)
    if latex:
        _check_bars(statements)
    if bold:
        _check_unbold(statements, {name for name, _ in bold})
    found = _TextElaboration(statements, bold, matrix, moving, first, latex, each).run()
    return found.with_extents(shapes, counts, moving)


def _check_labels(value: Formula, wide: Mapping[str, int]) -> None:
    """Raise for the row X_i of what is declared as a matrix, which would be a vector here."""
    for x in walk(value):
        if isinstance(x, Symbol) and x.labels and len(x.labels) < wide.get(x.name, 0):
            free = ",".join((*x.labels, *":" * (wide[x.name] - len(x.labels))))
            raise NotationError(
                f"{to_text(x)} has fewer labels than {x.name} has extents",
                hint=f"write all labels, or {x.name}_{{{free}}} for a row",
                position=x.position,
                operand=x.name,
            )


def _to_a_power(statements: Sequence[Statement]) -> set[str]:
    r"""Return the capitals that are numbers, for their powers are no matrices': ``K^\alpha``.

    ``A^t`` and ``A^{1/2}`` may be powers of a matrix.
    """
    return {
        x.base.name
        for s in statements if isinstance(s, Assignment) for x in walk(s.value)
        if isinstance(x, Power) and isinstance(x.base, Symbol) and len(x.base.name) == 1
        and any(isinstance(e, Symbol) and e.name in GREEK_LETTERS for e in walk(x.exponent))
    }  # fmt: skip


def _with_losses(
    statements: Sequence[Statement], bold: Bold, moving: Collection[str]
) -> list[Statement]:
    """Return statements in which the f of ``L = f(Y)`` stands for any function of a whole tensor.

    L is called as losses are, and nothing else depends on it; Y is no scalar.
    """
    matrix = in_matrices(statements, bold, moving)
    generic = {s.name for s in statements if isinstance(s, Declaration)}
    used = {x.name for s in statements if isinstance(s, Assignment) for x in _outside(s.value)
            if isinstance(x, Symbol)}  # fmt: skip
    result = list(statements)
    for k in matrix:
        match result[k]:
            case Assignment(target=Symbol(name=name, labels=()), value=Call(
                function=f, args=(Symbol(labels=()) as x,)
            ) as call) as s if f in generic and name in LOSSES and name not in used:  # fmt: skip
                whole = Call(ANY_FUNCTION, (Symbol(f), x), (), call.position)
                note = f"{f} stands for any loss: a function of all of {x.name}"
                result[k] = replace(s, value=whole, notes=(*s.notes, note))
    return result


def _outside(formula: Formula) -> Iterator[Formula]:
    """Yield a formula and its parts, but not those of derivatives."""
    yield formula
    for part in () if isinstance(formula, Derivative) else children(formula):
        yield from _outside(part)


def _symmetry(statement: Statement) -> Statement:
    """Return ``assume A_ij = A_ji`` for ``A = A^T`` and ``A_ij = A_ji``, also where assume stands
    before it; any other statement as it is."""
    match statement:
        case Assumption(left=left, right=right, sign="="):
            pass
        case Assignment(target=left, value=right, edges=()):
            pass
        case _:
            return statement
    match left, right:
        case (Symbol(labels=()) as a, Power(base=b, exponent=exponent)) | (
            Power(base=b, exponent=exponent), Symbol(labels=()) as a
        ) if a == b and exponent in TRANSPOSES:  # fmt: skip
            left, right = replace(a, labels=("i", "j")), replace(a, labels=("j", "i"))
        case (Symbol(name=a, labels=(i, j)), Symbol(name=b, labels=turned)) if (
            a == b and i != j and turned == (j, i)
        ):  # fmt: skip
            pass
        case _:
            return statement
    return Assumption(left, right, statement.position)


# --- which statements are in matrix notation ------------------------------------------------------


def in_matrices(
    statements: Sequence[Statement],
    bold: Bold = (),
    moving: Collection[str] = (),
    first: Mapping[str, str] = NO_ENTRIES,
    each: Collection[str] = (),
) -> set[int]:
    """Return the places of the assignments that are matrix notation; see `elaborated`.

    Those that show a sign of it, and those without labels that may speak of what is no scalar.
    """
    assigned = {k: s for k, s in enumerate(statements) if isinstance(s, Assignment)}
    shown = {
        k for k, s in assigned.items()
        if any(shows_matrices(x, bold, moving) or names_one(x, each) for x in (s.target, s.value))
    }  # fmt: skip
    labelled = {
        part.name for s in assigned.values() for part in (*walk(s.target), *walk(s.value))
        if isinstance(part, Symbol | TensorAt) and {*part.labels} - {*moving}
    }  # fmt: skip
    vectors = {name for name, _ in bold} | labelled
    vectors |= {n for s in statements if isinstance(s, Shaped) and s.extents for n in s.names}
    bare = {
        k: {first.get(n, n) for n in _bare(s, moving)} for k, s in assigned.items()
        if k not in shown and not _has_labels(s, moving)
    }  # fmt: skip
    turned = {name for k in shown for name in _turned(assigned[k].value, moving)}
    found = shown | {k for k, names in bare.items() if names & vectors}
    found |= {k for k, s in assigned.items() if any(
        isinstance(x, Symbol) and x.name in turned and len(x.labels) == 1
        for x in (*walk(s.target), *walk(s.value))
    )}  # fmt: skip
    while found:
        names = {first.get(n, n) for k in found for n in _bare(assigned[k], moving)}
        more = {k for k in bare.keys() - found if bare[k] & names}
        if not more:
            break
        found |= more
    return found


def shows_matrices(formula: Formula, bold: Bold = (), moving: Collection[str] = ()) -> bool:
    """Whether a formula has a sign that only matrix notation has, or a bold name without labels."""
    return any(
        _is_sign(x, bold, moving)
        or (
            isinstance(x, Symbol)
            and not {*x.labels} - {*moving}
            and (x.name, len(x.labels)) in bold
        )
        for x in walk(formula)
    )


def _is_sign(part: Formula, bold: Bold, moving: Collection[str]) -> bool:
    match part:
        case Power(base=base, exponent=exponent) if exponent in TRANSPOSES and moving:
            return not _labelled(base, moving)
        case Power(base=Symbol(name=name, labels=(_,)), exponent=exponent):
            return exponent == TRANSPOSED and (name[:1].islower() or (name, 1) in bold)
        case Power(exponent=Sum(terms=(turned,))) if turned in TRANSPOSES:
            return True  # A^{-T}
        case Power(base=base, exponent=exponent):
            return exponent in TRANSPOSES and (not _labelled(base) or _is_vector(base))
        case Product(signs=signs):
            return not SIGNS.isdisjoint(signs) and (
                OTIMES in signs or not _labelled(part, moving))  # fmt: skip
        case Call(function=function, args=args, axes=axes):
            plain = not axes and not all(_labelled(x, moving) for x in args)
            return function == "entry" or (plain and function in FUNCTIONS) or (
                function == "norm" and not axes)  # fmt: skip
        case Symbol(name=name, labels=labels):
            return name == ONES_NAME or SLICE in labels or part.stacked
    return False


def _is_vector(formula: Formula) -> bool:
    """Whether a sum has names with one label and names without: ``x_i - mu``."""
    names = [x for x in walk(formula) if isinstance(x, Symbol)]
    counts = {len(x.labels) for x in names}
    return isinstance(formula, Sum) and (counts == {0, 1} or (
        counts == {1} and len({x.labels for x in names}) > 1))  # fmt: skip


def _turned(formula: Formula, moving: Collection[str]) -> Iterator[str]:
    r"""Yield the small letters with one label that are transposed: x of ``(x_i - \mu)^\top``, which
    is a column for each i wherever it stands."""
    for part in walk(formula):
        if isinstance(part, Power) and part.exponent in TRANSPOSES:
            terms = part.base.terms if isinstance(part.base, Sum) else (part.base,)
            yield from (
                x.name for x in terms
                if isinstance(x, Symbol) and x.name[:1].islower()
                and len(x.labels) == 1 and x.labels[0] not in moving
            )  # fmt: skip


def _labelled(formula: Formula, moving: Collection[str] = ()) -> bool:
    return bool(Summation().free(formula).keys() - {*moving})


def _bare(statement: Assignment, moving: Collection[str] = ()) -> Iterator[str]:
    """Yield the names without labels in a statement."""
    for part in (*walk(statement.target), *walk(statement.value)):
        if not isinstance(part, Symbol | TensorAt) or {*part.labels} - {*moving}:
            continue
        if isinstance(part, Symbol) or (moving and not part.indices):
            yield part.name


def _has_labels(statement: Assignment, moving: Collection[str] = ()) -> bool:
    parts = (*walk(statement.target), *walk(statement.value))
    return any(isinstance(x, Symbol | TensorAt) and {*x.labels} - {*moving} for x in parts)


def _check_functions(value: Formula) -> None:
    """Raise for any function of several scalars."""
    for part in walk(value):
        if isinstance(part, Call) and part.function == ANY_FUNCTION:
            name = to_text(part.args[0])
            raise NotationError(
                f"{name} with arguments",
                operand=name,
                position=part.position,
                hint=f"write {name} alone where it is defined, and a product without parentheses",
            )


def _check_capitals(
    value: Formula, scalars: Collection[str], latex: bool, moving: Collection[str]
) -> None:
    """Raise for capitals side by side, which may be matrices, where no sign says what they are.

    One beside a vector of a time or a layer, ``W h_{t-1}``, may be one, too.
    """
    for product in walk(value):
        if isinstance(product, Product):
            if moving:
                _check_beside_moving(product, scalars, moving)
            count = len(product.factors)
            signs = product.signs if len(product.signs) == count else ("",) * count
            places = [k for k, x in enumerate(product.factors)
                      if not product.divides[k] and _is_capital(x, scalars, latex)]  # fmt: skip
            names = list(dict.fromkeys(to_text(product.factors[k]) for k in places))
            beside = any(not any(signs[a + 1 : b + 1]) for a, b in pairwise(places))
            if beside and len(names) > 1:
                raise NotationError(
                    f"a product of matrices, or of scalars: {', '.join(names)}",
                    code="open-shape",
                    position=product.position,
                    hint=f"declare what they are: {names[0]} in R^{{m x n}} for a matrix, "
                    f"{', '.join(names)} in R for scalars",
                )


def _check_beside_moving(
    product: Product, scalars: Collection[str], moving: Collection[str]
) -> None:
    """Raise for a capital beside what has the label of a time or layer alone."""
    plain = [
        x for x, below in zip(product.factors, product.divides, strict=True)
        if isinstance(x, Symbol) and not below
    ]  # fmt: skip
    for first, second in pairwise(plain):
        name = first.name.rstrip("0123456789")
        capital = name[:1].isupper() and (not name[1:] or name[1:].islower() or name in CAPITALS)
        if capital and first.name not in scalars and {*second.labels} & {*moving}:
            raise NotationError(
                f"{first.name} may be a matrix here, or a number",
                code="open-shape",
                operand=first.name,
                position=first.position,
                hint=f"declare {_shape_of(first)}; or write vectors and matrices in bold type",
            )


def _shape_of(symbol: Symbol) -> str:
    if symbol.name[1:]:
        return r"its shape, ... \in \mathbb{R}^{n \times n}, or ... \in \mathbb{R}"
    name = symbol.name + "".join(f"^{{({x})}}" for x in symbol.labels)
    return rf"what it is: {name} \in \mathbb{{R}}^{{n \times n}}, or {name} \in \mathbb{{R}}"


def _check_unbold(statements: Sequence[Statement], bold: Collection[str]) -> None:
    r"""Raise for ``G m`` in plain type in a text that has vectors in bold type: numbers, or not.

    Neither is declared or defined, and m stands nowhere by itself in a sum.
    """
    told = {n for s in statements if isinstance(s, Shaped) for n in s.names} | {*bold}
    told |= {s.target.name for s in statements
             if isinstance(s, Assignment) and isinstance(s.target, Symbol)}  # fmt: skip
    values = [s.value for s in statements if isinstance(s, Assignment)]
    told |= {x.name for v in values for x in _terms(v) if isinstance(x, Symbol)}
    for product in (x for v in values for x in walk(v) if isinstance(x, Product)):
        count = len(product.factors)
        signs = product.signs if len(product.signs) == count else ("",) * count
        for k, (a, b) in enumerate(pairwise(product.factors)):
            pair = [x for x in (a, b) if isinstance(x, Symbol) and not x.labels
                    and x.name not in told and len(x.name.rstrip("0123456789")) == 1]  # fmt: skip
            cases = {x.name[0].isupper() for x in pair}
            below = any(product.divides[k : k + 2])
            if len(cases) == 2 and not below and signs[k + 1] not in {ODOT, OSLASH, OTIMES}:
                names = " ".join(x.name for x in pair)
                raise NotationError(
                    f"whether {names} are numbers, or one is a matrix, is open",
                    code="open-shape",
                    position=product.position,
                    hint=f"declare them: {', '.join(x.name for x in pair)} in R",
                )


def _check_bars(statements: Sequence[Statement]) -> None:
    r"""Raise for ``|x - y|`` of declared vectors, which may be a length."""
    vectors = {n for s in statements if isinstance(s, Shaped) and len(s.extents) == 1
               for n in s.names}  # fmt: skip
    values = [s.value for s in statements if isinstance(s, Assignment)]
    every = [x for v in values for x in walk(v) if isinstance(x, Call)]
    sums = {id(x) for call in every if call.function == "sum" for x in call.args}  # |x|_1
    for call in (x for x in every if id(x) not in sums):
        terms = [*_terms(call), *call.args]
        names = [x.name for x in terms if isinstance(x, Symbol) and not x.labels]
        if call.function == "abs" and not vectors.isdisjoint(names):
            raise length_or_entries(to_text(call.args[0]), call.position)


def _terms(formula: Formula) -> Iterator[Formula]:
    """Yield the terms of all sums in a formula."""
    yield from (t for x in walk(formula) if isinstance(x, Sum) for t in x.terms)


def _is_capital(formula: Formula, scalars: Collection[str], inside: bool) -> bool:
    """Whether a formula is a single capital without labels, or has one inside."""
    for x in walk(formula) if inside else (formula,):
        if isinstance(x, Symbol) and not x.labels and x.name not in scalars:
            name = x.name.rstrip("0123456789")
            if name[:1].isupper() and (len(name) == 1 or name in CAPITALS):
                return True
    return False


# --- a whole text ---------------------------------------------------------------------------------


class _TextElaboration:
    """Elaborates the statements of one text together."""

    def __init__(
        self, statements: Sequence[Statement], bold: Bold, matrix: set[int],
        moving: Collection[str], first: Mapping[str, str], latex: bool, each: Collection[str],
    ) -> None:  # fmt: skip
        self.statements, self.matrix, self.moving = statements, matrix, moving
        self.first, self.latex, self.each = first, latex, each
        self.bold = {*bold}
        self.upright, self.ones, self.dots = C, False, False
        self.vectors: Mapping[str, str] = {}  # bold capitals that are vectors, with a note
        self.assigned = [
            (k, s) for k, s in enumerate(statements) if isinstance(s, Assignment) and k in matrix
        ]
        self.functions = {s.name for s in statements if isinstance(s, Declaration)}
        self.called = {s.name for s in statements if isinstance(s, Declaration) and s.called}
        self.stacks = self._stacked()

    def run(self) -> Elaborated:
        """Try the readings of products one after another; the first error counts.

        Vectors in bold type are columns, or all of them rows.
        """
        failed: NotationError | None = None
        mixed = [id(x) for x in self._tree(())[1].mixed]
        choices = [c for n in range(min(len(mixed), 3) + 1) for c in combinations(mixed, n)]
        small = any(name[:1].islower() for name, _ in self.bold)
        dotted = self._dotted()
        products = (x for _, s in self.assigned for x in walk(s.value) if isinstance(x, Product))
        dots = (True, False) if any(DOT in x.signs for x in products) else (False,)
        for self.upright, self.vectors in combined(
            (C, R) if small else (C,), (dotted, {}) if dotted else ({},)
        ):
            for self.dots, loose, self.ones in combined(dots, choices, (False, True)):
                try:
                    return self._elaborate(loose)
                except Misfits as error:
                    failed = failed or misfit(error)
        assert failed is not None
        raise failed

    # --- what the text says of names ---

    def _dotted(self) -> dict[str, str]:
        r"""Return the bold capitals that are nothing but joined to vectors by a dot, in what has a
        plain name, ``P = \mathbf{F} \cdot \mathbf{v}``, each with a note: P is a number."""
        capitals = {n for n, count in self.bold if n[:1].isupper() and not count}
        bold, found = {n for n, _ in self.bold}, dict[str, str]()
        for _, s in self.assigned:
            joined: list[Formula] = []
            plain = isinstance(s.target, Symbol) and s.target.name not in bold
            for product in (x for x in walk(s.value) if isinstance(x, Product) and plain):
                for (a, b), sign in zip(pairwise(product.factors), product.signs[1:], strict=False):
                    names = [getattr(x, "name", "") for x in (a, b)]
                    if sign == DOT and bold.issuperset(names) and any(
                        n[:1].islower() for n in names
                    ):  # fmt: skip
                        joined += [a, b]
            own = [x for x in walk(s.value) if isinstance(x, Symbol) and x.name in capitals]
            for x in own:
                if not any(x is y for y in joined):
                    capitals.discard(x.name)
                note = f"{x.name} is a vector, and {to_text(s.target)} has its product with another"
                found.setdefault(x.name, note)
        declared = {n for s in self.statements if isinstance(s, Shaped) for n in s.names}
        return {n: note for n, note in found.items() if n in capitals - declared}

    def _stacked(self) -> dict[str, str]:
        """Return that X stands for x where the text has both and the latter are its rows."""
        rows = {name for name, count in self.bold if count == 1 and name[:1].islower()}
        names = {x for _, s in self.assigned for x in _bare(s)}
        pairs = ((n[:1].upper() + n[1:], n) for n in rows if n not in names)
        pairs = ((big, n) for big, n in pairs if not self._weighs(big, n))
        return dict((n, big) if big in names else (big, n) for big, n in pairs)

    def _weighs(self, big: str, name: str) -> bool:
        r"""Whether a capital weighs vectors with a time, ``\mathbf{U} \mathbf{u}_t``, and is no
        stack of them."""
        for _, s in self.assigned if self.moving else ():
            parts = [x for x in walk(s.value) if isinstance(x, Symbol)]
            timed = any(x.name == name and {*x.labels} & {*self.moving} for x in parts)
            if timed and any(x.name == big for x in parts):
                return True
        return False

    def _facts(self) -> KnownShapes:
        facts = KnownShapes(
            bold=[n for n, _ in self.bold], functions=self.functions, stacks=self.stacks,
            moving=self.moving, first=self.first,
        )  # fmt: skip
        facts.assigned = {s.target.name for _, s in self.assigned if isinstance(s.target, Symbol)}
        extents: dict[str, OpenExtent] = {}
        for s in self.statements:
            if isinstance(s, Shaped):
                square = len(s.extents) == 2 and len({*s.extents}) == 1
                if square and "I" in s.names and self._is_identity("I"):
                    s = replace(s, names=tuple(x for x in s.names if x != "I"))
                self._declare(s, facts, extents)
        facts.sizes = extents
        for k, s in enumerate(self.statements):
            self._learn(s, facts, k in self.matrix)
        for name, count in self.bold:
            kind = self.upright
            if name[:1].isupper() and name not in self.vectors:
                kind = M | self.upright if name in facts.assigned and not count else M
            if not count and name not in facts.kinds and not self._is_identity(name):
                facts.kinds[name] = kind
            elif count == 1:
                facts.carried[self.stacks.get(name, name), 1] = kind | self.upright
        facts.carried |= {(name, 1): M for name in self.each}
        return facts

    def _is_identity(self, name: str) -> bool:
        r"""Whether a bold I is added to something: ``\mathbf{I} - \mathbf{A}``.

        One that only multiplies may be anything: moments of inertia, say.
        """
        if name != "I" or any(s.target == Symbol(name) for _, s in self.assigned):
            return False
        parts = (x for _, s in self.assigned for x in walk(s.value))
        terms = (x for part in parts if isinstance(part, Sum) and len(part.terms) > 1
                 for x in part.terms)  # fmt: skip
        return any(
            x == Symbol(name) or (isinstance(x, Product) and x.factors[-1] == Symbol(name))
            for x in terms
        )

    @staticmethod
    def _declare(shaped: Shaped, facts: KnownShapes, extents: dict[str, OpenExtent]) -> None:
        axes: list[OpenExtent] = []
        for extent in shaped.extents:
            if extent == 1:
                continue
            if isinstance(extent, int):
                axes.append(OpenExtent(extent))
            else:
                lower = extent.lower()
                letter = lower if len(lower) == 1 and lower.isascii() else ""
                taken = any(letter in x.letters for x in extents.values())
                new = OpenExtent(extent, "" if taken else letter)
                axes.append(extents.setdefault(extent, new))
        for name in shaped.names:
            beside = [OpenExtent(letter=x) for x in shaped.carried]
            facts.axes[name] = [*beside, *axes]
            if beside:
                kind = VECTOR if len(axes) == 1 else ANY
                facts.carried[name, len(beside)] = kind
                continue
            if len(axes) == 1 and len(shaped.extents) == 2:
                facts.kinds[name] = R if shaped.extents[0] == 1 else C
                facts.rows |= {name} if shaped.extents[0] == 1 else set()
            elif len(axes) == 1:
                facts.kinds[name] = VECTOR

    def _learn(self, statement: Statement, facts: KnownShapes, matrix: bool) -> None:
        """Learn from a statement in index notation how many axes tensors have.

        In matrix notation ``W_{i,:}`` says so.
        """
        if isinstance(statement, Assignment):
            sides: tuple[Formula, ...] = statement.target, statement.value
        elif isinstance(statement, Assumption):
            sides = statement.left, statement.right
        else:
            return
        extents: dict[str, OpenExtent] = {}
        for part in (x for side in sides for x in walk(side)):
            if matrix and SLICE not in getattr(part, "labels", ()):
                continue
            if isinstance(part, Symbol | TensorAt) and (
                part.labels or isinstance(statement, Assignment)
            ):
                entries = part.labels if isinstance(part, Symbol) else part.entries
                axes = facts.axes.setdefault(part.name, [OpenExtent() for _ in entries])
                for entry, axis in zip(entries, axes, strict=False):
                    if isinstance(entry, str) and not matrix:
                        known = extents.setdefault(entry, OpenExtent(letter=entry))
                        _unite(entry, known, axis, part)

    # --- inference and elaboration ---

    def _tree(self, loose: Collection[int]) -> tuple[list[tuple[Typed, Typed]], TreeBuilder]:
        builder = TreeBuilder(self._facts(), loose, self.dots)
        sides = [(builder.build(s.target), builder.side(s.value)) for _, s in self.assigned]
        return sides, builder

    def _elaborate(self, loose: Collection[int]) -> Elaborated:
        sides, builder = self._tree(loose)
        inference = Inference(builder, sides, self.ones)
        domains = inference.solve()
        shapes = Shapes(builder.facts, domains)
        labels: list[dict[str, OpenExtent]] = []
        for left, right in sides:
            shapes.statement(left, right, {})
            labels.append(shapes.labels)
        shapes.finish()
        check_series(inference, shapes)
        check_called(inference, domains, self.called)
        if self.latex:
            self._check_entries(builder, domains)
        letters = Letters(self._letters())
        elaboration = Elaboration(shapes, letters)
        new = list(self.statements)
        for (k, s), (left, right) in zip(self.assigned, sides, strict=True):
            new[k] = self._written(s, left, right, elaboration, inference)
        statements = (
            *(Declaration(name, once=True) for name in sorted(self._losses() - self.functions)),
            *(s for s in new if not isinstance(s, Shaped)),
        )
        return Elaborated(
            statements,
            self._vectors(inference, domains),
            self.stacks,
            self._sizes(builder, statements),
            _alike(builder.facts, {n for s in new if isinstance(s, Shaped) for n in s.names}),
        )

    def _check_entries(self, builder: TreeBuilder, domains: Sequence[int]) -> None:
        """Raise for a number ``x_1`` beside a vector x, or ``A_{11}`` beside a matrix A, of which
        the text says nothing else: it is an entry in all books."""
        every = [s for s in self.statements if isinstance(s, Assignment)]
        told = {s.target.name for s in every if isinstance(s.target, Symbol)}
        told |= {n for s in self.statements if isinstance(s, Shaped) for n in s.names}
        known = {name: domains[var] for (name, count), var in builder.names.items() if not count}
        for part in (x for s in every for x in walk(s.value) if isinstance(x, Symbol)):
            base = part.name.rstrip("0123456789")
            number = part.name[len(base) :]
            if part.labels or part.name in told or number not in {*map(str, range(1, 100))}:
                continue
            entry = known.get(base) in (C, R) and known.get(part.name, kinds.S) == kinds.S
            if not entry and (known.get(base) != M or len(number) != 2):
                continue
            kind, how = "vector", f"all with labels, {base}_i"
            if not entry:
                kind, how = "matrix", f"{base}_{{{number[0]},{number[1]}}}"
            declared = rf"{base}_{{{number}}} \in \mathbb{{R}}"
            hint = f"for the entry write {how}; else declare it, {declared}"
            reason = f"{base}_{number} may be an entry of the {kind} {base}, or another tensor"
            raise NotationError(reason, code="open-shape", operand=part.name,
                                position=part.position, hint=hint)  # fmt: skip

    def _losses(self) -> set[str]:
        """Return the functions that stand for any."""
        calls = (x for _, s in self.assigned for x in walk(s.value) if isinstance(x, Call))
        return {to_text(x.args[0]) for x in calls if x.function == ANY_FUNCTION}

    def _letters(self) -> set[str]:
        """Return the letters that are labels somewhere in the text, names, or those of extents."""
        found: set[str] = set()
        for s in self.statements:
            if isinstance(s, Assignment):
                for part in (*walk(s.target), *walk(s.value)):
                    if isinstance(part, Symbol | TensorAt):
                        found.update(part.labels)
                        found.update({part.name} if not part.labels else ())
                    elif isinstance(part, Call):
                        found.update(part.axes)
                    elif isinstance(part, SizeOf):
                        found.add(part.label)
            elif isinstance(s, Shaped):
                found.update(x.lower() for x in s.extents if isinstance(x, str))
        return found

    def _written(
        self, statement: Assignment, left: Typed, right: Typed, elaboration: Elaboration,
        inference: Inference,
    ) -> Assignment:  # fmt: skip
        scope = {x for side in (statement.target, statement.value) for x in labels_inside(side)}
        labels = elaboration.labels_for(left, scope)
        target = elaboration.at(left, labels, scope)
        if not isinstance(target, Symbol | Derivative):  # d_k of R^{n x d_k}
            reason = f"{to_text(target)} is the extent of an axis, and no tensor"
            raise NotationError(reason, position=statement.position)
        value = elaboration.at(right, labels, scope)
        parts = {id(x) for x in walk(statement.value)}
        notes = [
            text for var, text in inference.notes.items()
            if any(x.var == var and id(x.written) in parts for x in inference.nodes)
        ]  # fmt: skip
        names = {x.name for x in walk(statement.value) if isinstance(x, Symbol)}
        notes += [note for name, note in self.vectors.items() if name in names]
        return replace(statement, target=target, value=value, notes=(*statement.notes, *notes))

    @staticmethod
    def _vectors(inference: Inference, domains: Sequence[int]) -> dict[str, str]:
        """Return which vectors are rows and which are columns, but those that are only added to
        the rows of a matrix, which say nothing of it."""
        words = {C: "column", R: "row"}
        return {
            name + "_" * count: words[domains[var]]
            for (name, count), var in inference.builder.names.items()
            if domains[var] in words and not inference.only_added(var, domains)
        }  # fmt: skip

    def _sizes(
        self, builder: TreeBuilder, statements: Sequence[Statement]
    ) -> tuple[tuple[str, str, Statement], ...]:
        found = []
        for name, extent in builder.facts.sizes.items():
            for s in statements:
                if isinstance(s, Assignment):
                    used = {x for part in (*walk(s.target), *walk(s.value))
                            if isinstance(part, Symbol) for x in part.labels}  # fmt: skip
                    letter = next((x for x in extent.letters if x in used), None)
                    if letter is not None:
                        found.append((name, letter, s))
                        break
        return tuple(found)


def _unite(label: str, known: OpenExtent, axis: OpenExtent, part: Symbol | TensorAt) -> None:
    """State which axis a label stands at; raises NotationError where two differ in extent."""
    try:
        known.unite(axis)
    except MisfitError:
        raise NotationError(
            f"the label {label} stands for axes of extents {known.known} and {axis.known}",
            label=label,
            position=part.position,
            hint="use different letters for them, or declare one extent for both",
        ) from None


def labels_inside(formula: Formula) -> Iterator[str]:
    """Yield all labels that a formula names."""
    for part in walk(formula):
        if isinstance(part, Symbol | TensorAt):
            yield from part.labels
        elif isinstance(part, Call):
            yield from part.axes


# --- errors -----------------------------------------------------------------------------------


def misfit(error: Exception) -> NotationError:
    """Say which parts of a formula do not fit together."""
    if isinstance(error, OpenSumError):
        text = to_text(error.vector.written)
        return NotationError(
            f"whether {text} is added to every row or to every column is open",
            code="open-shape",
            position=error.vector.written.position,
            hint=f"declare it, {text} in R^n, and the matrix, or write 1 {text}^T",
        )
    if isinstance(error, StackedError):
        return NotationError(
            "a tensor whose entries would be stacked, as those of vec(X) are",
            code="open-shape",
            hint="write vec(X) itself, A ⊗ B, in its place; no inverse or determinant of them",
        )
    assert isinstance(error, KindError | SizeError)
    node = error.node
    if isinstance(error, KindError) and (odd := _odd_power(error)) is not None:
        return NotationError(
            f"{to_text(odd.written)} is a power of a matrix whose exponent is no whole number",
            code="open-shape",
            position=odd.written.position,
            hint="write a recurrence for a power by a label, y_t = A y_{t-1} + x_t"
            if any(isinstance(x, Ordinal) for x in walk(odd.written))
            else f"write a number above it, to {MOST_TIMES}, below zero for the inverse",
        )
    if node.op in {"power", "times"} and isinstance(error, KindError):
        base = node.parts[0].written
        twice = (Product((base, base), (False, False), None, signs) for signs in ((), ("", ODOT)))
        product, entries = (to_text(x).replace(" * ", " ") for x in twice)
        return NotationError(
            f"whether {to_text(node.written)} is a product or goes entry by entry is open",
            code="open-shape",
            position=node.written.position,
            hint=f"write {product}, of square matrices, or {entries}",
        )
    if isinstance(error, SizeError) and error.first is error.second:
        text = to_text(error.first.written)
        return NotationError(
            f"{text} is not known to be square, as {to_text(node.written)} wants",
            code="misfit",
            operand=text,
            position=node.written.position,
            hint=f"declare it: {text} in R^{{n x n}}",
        )
    if isinstance(error, SizeError):
        reason = (
            f"{to_text(error.first.written)} and {to_text(error.second.written)} do not fit "
            f"together: their axes have different extents"
        )
    else:
        parts = zip(node.parts, error.sets[1:], strict=False)
        told = [f"{to_text(x.written)} is {_words(k)}" for x, k in parts if k and node.op != "name"]
        reason = f"the parts of {to_text(node.written)} do not fit together"
        reason += f": {', '.join(told)}" if told else ""
    return NotationError(
        reason,
        code="misfit",
        position=node.written.position,
        hint="a product joins the columns of one factor to the rows of the next; ⊙ goes entry by "
        "entry, ^T transposes",
    )


def _odd_power(error: KindError) -> Typed | None:
    """Return the ``X^k`` or ``X^{1/2}`` of a matrix at which an error arose, if there is one."""
    node = error.node
    powers = [*(node.parts if node.op in OF_MATRIX else ())]
    powers += [node] if error.sets[1:2] == [M] else []
    return next((x for x in powers if x.op == "power" and not times_in(x.parts[1].written)), None)


def _words(found: int) -> str:
    return " or ".join(kinds.WORDS[k] for k in kinds.KINDS if found & k)
