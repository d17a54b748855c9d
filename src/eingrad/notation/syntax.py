"""Formulas as a person writes them: what the parser reads and every printer prints.

A `Formula` keeps the author's form (order of factors, letters, parentheses implied by the tree);
`notation.lower` gives it its meaning as an `Expr`, `derivation.labels` writes an `Expr` as one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from eingrad.errors import Position


@dataclass(frozen=True, slots=True)
class Number:
    """A literal number, exact: ``0.5`` is Fraction(1, 2)."""

    value: int | float | Fraction
    position: Position | None = field(default=None, compare=False)


SLICE = ":"  # the label of an axis that stays whole in matrix notation: W_{i,:} is a row


@dataclass(frozen=True, slots=True)
class Symbol:
    """A tensor or scalar with its labels: ``W_ih`` is Symbol("W", ("i", "h")).

    ``delta_ij`` is Symbol("delta", ("i", "j")); Greek letters are spelled out (``alpha``), and
    LaTeX's ``W^{(1)}`` is the name ``W1``. ``brackets`` says that the labels stand in brackets,
    ``z[y]``, where an entry may turn out to be an integer (see `gathers`). ``moves``, if there are
    any, say how many positions after each label's the entry is read: ``h[t-1,j]`` has (-1, 0).
    What a derivative is by may be ``stacked``: its columns one below the other, vec(X).
    """

    name: str
    labels: tuple[str, ...] = ()
    position: Position | None = field(default=None, compare=False)
    brackets: bool = field(default=False, compare=False)
    moves: tuple[int, ...] = ()
    stacked: bool = False

    @property
    def entries(self) -> tuple[str | Offset, ...]:
        """The places that its labels say, as those of a `TensorAt`."""
        moves = self.moves or (0,) * len(self.labels)
        pairs = zip(self.labels, moves, strict=True)
        return tuple(Offset(((1, x),), by) if by else x for x, by in pairs)

    @property
    def moved(self) -> set[str]:
        """The labels that are read at another position than their own."""
        return {label for label, by in zip(self.labels, self.moves, strict=False) if by}


class MovedLabel(str):
    """A label below which a tensor is read at another position: t in ``h[t-1,j]``."""

    by: int

    @classmethod
    def of(cls, label: str, by: int) -> str:
        """Return the label ``by`` positions on.

        >>> move_of(MovedLabel.of(MovedLabel.of("t", 2), -1))
        1
        """
        moved = cls(label)
        moved.by = by + move_of(label)
        return moved if moved.by else str.__str__(label)


def move_of(label: str) -> int:
    """Return how many positions a label is moved."""
    return label.by if isinstance(label, MovedLabel) else 0


def symbol_at(
    name: str, labels: Sequence[str], position: Position | None = None, brackets: bool = False
) -> Symbol:
    """Return a tensor at labels, some of which may be moved."""
    moves = tuple(map(move_of, labels))
    plain = tuple(map(str.__str__, labels))
    return Symbol(name, plain, position, brackets, moves if any(moves) else ())


@dataclass(frozen=True, slots=True)
class Offset:
    """Where an axis is read: at an integer combination of labels, ``2 i + k - 1``, or at a number.

    ``terms`` are numbers with their labels. A lone number below 0 counts from the end.
    """

    terms: tuple[tuple[int, str], ...]
    constant: int = 0

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, each of which occurs here."""
        return tuple(label for _, label in self.terms)

    @property
    def is_move(self) -> bool:
        """Whether this is a label, so many positions on."""
        return len(self.terms) == 1 and self.terms[0][0] == 1


@dataclass(frozen=True, slots=True)
class TensorAt:
    """``Z[b,y[b]]``, ``x[i+k]``: the entries of a tensor at places that something names.

    ``entries[k]`` says where axis k is read: at a label, at an `Offset`, or at an integer tensor
    with labels of its own. ``delta[y[b],o]`` is an indicator: 1 where o is y[b], else 0.
    Of a derivative, ``dy[1]/dx[i+1]``, ``counts`` says how many entries each tensor has.
    """

    name: str
    entries: tuple[str | Symbol | TensorAt | Offset, ...]
    position: Position | None = field(default=None, compare=False)
    counts: tuple[int, ...] = field(default=(), compare=False)

    @property
    def indices(self) -> tuple[Symbol | TensorAt, ...]:
        """The integer tensors."""
        return tuple(entry for entry in self.entries if not isinstance(entry, str | Offset))

    @property
    def offsets(self) -> tuple[Offset, ...]:
        """The integer combinations of labels."""
        return tuple(entry for entry in self.entries if isinstance(entry, Offset))

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels as one reads them: b, b in ``Z[b,y[b]]``."""
        parts = ((x,) if isinstance(x, str) else x.labels for x in self.entries)
        return tuple(label for part in parts for label in part)


@dataclass(frozen=True, slots=True)
class SizeOf:
    """``size(b)``, the extent of a label; ``size_b(X_bi)``, of a label that a tensor has."""

    label: str
    of: Symbol | None = None
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Ordinal:
    """Where a label stands on its axis, counted from 0: what i and j are in ``i < j``."""

    label: str
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Derivative:
    """``dL/dW_ih``, ``dy_i/da_j``, ``d2L/dw_i dw_j``: a derivative by one tensor or two.

    ``of`` is a `Symbol` in what a person writes; a derivation also shows derivatives that are still
    to be taken, ``d[log(x_i)]/dx_i``, of any formula. ``nabla`` says that it is written with the
    sign of a gradient, which in every layout is shaped like its variable, ``total`` that it is
    written with d, not with \\partial, in LaTeX.
    """

    of: Formula
    wrt: tuple[Symbol, ...]
    position: Position | None = field(default=None, compare=False)
    nabla: bool = field(default=False, compare=False)
    total: bool | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of arguments, over ``axes`` if it is one over axes: ``sum_b(x_b)``.

    With ``conditions`` it is one of the entries for which all of them hold: ``sum_{i < j}(...)``.
    """

    function: str
    args: tuple[Formula, ...]
    axes: tuple[str, ...] = ()
    position: Position | None = field(default=None, compare=False)
    conditions: tuple[Compare, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """Factors in order; ``divides[k]`` says that the k-th stands after a ``/``.

    ``signs``, if there are any, are the signs of multiplication before each factor, which only
    matrix notation tells apart: ``⊙``, ``⊘``, ``⊗``, ``•``, ``·`` or none.
    """

    factors: tuple[Formula, ...]
    divides: tuple[bool, ...]
    position: Position | None = field(default=None, compare=False)
    signs: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Sum:
    """Terms in order; ``negative[k]`` says that the k-th is subtracted. ``-x`` is a Sum of one."""

    terms: tuple[Formula, ...]
    negative: tuple[bool, ...]
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Power:
    """``base^exponent``."""

    base: Formula
    exponent: Formula
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison, for ``where`` and below ``sum``: ``op`` is one of ``< <= > >= == !=``."""

    op: str
    left: Formula
    right: Formula
    position: Position | None = field(default=None, compare=False)


Formula = (
    Number | Symbol | TensorAt | SizeOf | Ordinal | Derivative
    | Call | Product | Sum | Power | Compare
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edge:
    """``h[t<0,i] = h0_i``: what stands before the first entry of a recurrence, behind the last one
    (``v[t>=size(t)]``), or in the place of one (``h[0,i]``, where ``sign`` is ``==``).

    ``labels`` are the tensor's on the left side, ``axis`` is where the condition stands.
    """

    name: str
    labels: tuple[str, ...]
    axis: int
    sign: str
    number: int
    value: Formula
    position: Position | None = field(default=None, compare=False)

    @property
    def kept(self) -> tuple[str, ...]:
        """The labels of the value."""
        return (*self.labels[: self.axis], *self.labels[self.axis + 1 :])


@dataclass(frozen=True, slots=True)
class Assignment:
    """One statement: ``target = value``. A claim's target is a `Derivative`.

    ``notes`` say what the reader took it to mean where two readings are common; ``edges`` are the
    lines that say what stands before the first entry of a recurrence.
    """

    target: Symbol | Derivative
    value: Formula
    position: Position | None = field(default=None, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)
    edges: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftEdge:
    """The left side of an `Edge`."""

    name: str
    labels: tuple[str, ...]
    axis: int
    sign: str
    number: int
    position: Position | None = field(default=None, compare=False)

    @property
    def target(self) -> Symbol:
        """The tensor with the labels that the value has."""
        kept = (*self.labels[: self.axis], *self.labels[self.axis + 1 :])
        return Symbol(self.name, kept, self.position)

    def of(self, statement: Assignment) -> Assignment:
        """Return a statement whose value stands there."""
        where = (self.name, self.labels, self.axis, self.sign, self.number)
        edge = Edge(*where, statement.value, statement.position)
        return replace(statement, edges=(edge,))


@dataclass(frozen=True, slots=True)
class Assumption:
    """``assume left = right``; ``sign`` is ``<``, ``<=``, ``>`` or ``>=`` of a bound."""

    left: Formula
    right: Formula
    position: Position | None = field(default=None, compare=False)
    sign: str = "="


@dataclass(frozen=True, slots=True)
class Equation:
    """``left = right`` of any two formulas, which can be claimed but defines nothing."""

    left: Formula
    right: Formula
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Declaration:
    """``function phi``, ``function f(x, y)``: a generic function of ``count`` numbers.

    ``once``: it is written for any function of several vectors together, so that its first
    derivative may be anything, and its second is not known. ``called``: nothing else says that it
    is a function.
    """

    name: str
    position: Position | None = field(default=None, compare=False)
    once: bool = field(default=False, compare=False)
    called: bool = field(default=False, compare=False)
    count: int = 1


@dataclass(frozen=True, slots=True)
class Shaped:
    """``X, Y in R^{m x d}``: tensors with the extents of their axes, names or numbers; () scalars.

    A 1 says which way a vector stands. ``carried`` are the labels of layers and times that stand
    beside the type: of ``W^{(l)} \\in \\mathbb{R}^{n \\times n}``.
    """

    names: tuple[str, ...]
    extents: tuple[str | int, ...]
    position: Position | None = field(default=None, compare=False)
    carried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moving:
    r"""A label of layers or times: ``a^{l-1}``, ``h_{t-1}``.

    ``last`` is the letter of its last entry, where ``end`` is added: T of ``\sum_{t=1}^T``, T - 1
    of ``\sum_{t=0}^{T-1}``. ``first`` is the number of its first one in the text.
    """

    letter: str
    last: str
    first: int = 1
    end: int = 0


@dataclass(frozen=True, slots=True)
class Counting:
    """How a text in LaTeX counts: its labels of layers and times, where sums begin.

    ``carriers`` are names with the one of these labels that they have, and where it stands;
    ``starts`` are labels with the numbers at which their sums begin, ``first`` is the number of
    the first entry of an axis, None where the text does not say; those ``from_zero`` have an entry
    0 although others begin at 1. ``parts`` are the L of ``L = \\sum_t L_t`` with the name of L_t,
    ``sets`` the names of sets as they are written, ``lengths`` how far the sums over a letter go:
    (n, 1) is n + 1. ``variants`` are functions called by another form of a letter, varphi.
    """

    labels: Mapping[str, Moving] = field(default_factory=dict)
    carriers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    starts: Mapping[str, Collection[int]] = field(default_factory=dict)
    first: int | None = None
    from_zero: frozenset[str] = frozenset()
    parts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    sets: frozenset[str] = frozenset()
    lengths: Mapping[str, Collection[tuple[str, int]]] = field(default_factory=dict)
    variants: frozenset[str] = frozenset()


NO_COUNTING = Counting()


@dataclass(frozen=True, slots=True)
class Dependence:
    """The parentheses behind a tensor's name, ``h(x_i)``, and the labels that they give it.

    A function that the text defines and takes of other things has its formula as its ``value``,
    and what stands below its name, the theta of ``h_\\theta(x)``, in ``below``; ``through`` are
    the tensors in its formula that depend on its arguments. ``written`` is the formula of a tensor
    of the model, which a claim may take of something else: ``f(0)``; ``powers`` stand above its
    arguments.
    """

    arguments: tuple[Symbol, ...]
    labels: tuple[str, ...]
    value: Formula | None = None
    below: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    written: Formula | None = None
    powers: tuple[Formula | None, ...] = ()


TRANSPOSED = Symbol("\\top")  # the exponent of a transpose
BY_ROW = Symbol("\\intercal")  # and of a derivative by a row, dy/dx^T: its columns are those of x
ONES_NAME = "\\mathbf{1}"  # the name of a vector of ones
DIFFERENTIAL = "d"  # before the name of a tensor
AT_POINT = "@"  # behind the name of a tensor that is taken of something else, as a function
EVALUATED = "@at"  # a call of a formula, and names and values that are put in behind derivatives
FACTOR = "()"  # the axis of one that may be a product, df/dx (2)
ANY_FUNCTION = "any"  # a call of a function that stands for any; its name is the first argument
ODOT, OSLASH, OTIMES = "⊙", "⊘", "⊗"  # signs before a factor, which bind less than none
DOT = "•"  # that of LaTeX's \\cdot, which may be the inner product of two vectors

Statement = Assignment | Assumption | Declaration | Shaped
Claim = Assignment | Equation
