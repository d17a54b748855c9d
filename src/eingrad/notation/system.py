"""What a text means: its definitions as expressions, in the order in which they build up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from eingrad.core.expr import Dim, Expr, Map, Var, postorder
from eingrad.core.functions import declared_base
from eingrad.core.recurrences import recurrences
from eingrad.errors import DifferentiationError, Position
from eingrad.notation.syntax import Assignment, Assumption, Counting, Dependence, Moving


@dataclass(frozen=True, slots=True)
class Definition:
    """``Z1_bh = sigmoid(A1_bh)``: ``expr`` speaks of other tensors by their `Var` alone.

    ``labels`` are the author's letters for the axes; ``written`` is the statement's own form.
    """

    name: str
    labels: tuple[str, ...]
    expr: Expr
    written: Assignment | None = None
    position: Position | None = None

    @property
    def var(self) -> Var:
        """The tensor that the other definitions refer to."""
        return Var(self.name, self.expr.dims)


@dataclass(frozen=True, slots=True)
class Fact:
    """``assume left = right`` as expressions over the same axes; of a bound, a tensor and a number.

    ``written`` is None for a definition that is used as a fact; ``derived`` is true of a symmetry
    that nobody assumed, since the definition has it, ``leans`` if it has it only by what is assumed
    of others; ``sign`` is ``<``, ``<=``, ``>`` or ``>=`` of
    a bound.
    """

    left: Expr
    right: Expr
    written: Assumption | None
    derived: bool = False
    sign: str = "="
    leans: bool = False

    @property
    def is_bound(self) -> bool:
        """Whether this says where a tensor lies: ``assume d > 0``."""
        return self.sign != "="


@dataclass(frozen=True, slots=True)
class System:
    r"""A whole model.

    ``inputs`` are the tensors that are never assigned, in order of first use, ``definitions`` the
    assigned ones, each after those that it needs. A dimension is a string, one for all the axes
    that must have the same extent; ``letters[dim]`` are the letters that the author uses for it
    and ``labels[name]`` those of a tensor's axes where it is first written. ``functions`` are the
    declared generic ones, with how many
    arguments they have. ``sizes`` are names that the text gives to extents, as m in
    ``\sum_{b=1}^{m}``; claims may use them, and the ``shorthands``, which name derivatives of the
    model: ``delta_o = dL/dz_o``. ``kinds`` says of vectors whether matrix notation has them as a
    row or a column, ``stacks`` which capital is the matrix with the rows x_i.
    ``applied`` are the arguments with which tensors are written, ``counting``
    says how a text in LaTeX counts. The functions in ``once`` have no
    second derivative: see `Declaration`. ``edges[name]`` is what stands before the first entry of
    an axis (``<``) or behind the last (``>=``) where others read there. ``opening`` is the text of
    a model without statements: claims about it bring along what they speak of.
    """

    inputs: Mapping[str, Var]
    definitions: Mapping[str, Definition]
    letters: Mapping[Dim, tuple[str, ...]]
    labels: Mapping[str, tuple[str, ...]]
    facts: tuple[Fact, ...] = ()
    functions: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, Dim] = field(default_factory=dict)
    shorthands: tuple[Assignment, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    stacks: Mapping[str, str] = field(default_factory=dict)
    applied: Mapping[str, Dependence] = field(default_factory=dict)
    counting: Counting = field(default_factory=Counting)
    once: frozenset[str] = frozenset()
    edges: Mapping[str, Mapping[tuple[int, str], Expr]] = field(default_factory=dict)
    opening: str | None = None

    @property
    def exprs(self) -> dict[str, Expr]:
        """The definitions as expressions."""
        return {name: definition.expr for name, definition in self.definitions.items()}

    @property
    def counts(self) -> Counting:
        """How claims in LaTeX about it count: as its text does, or as its recurrences say."""
        if self.counting.labels:
            return self.counting
        labels: dict[str, Moving] = {}
        carriers: dict[str, tuple[str, str]] = {}
        letters = {x for own in self.letters.values() for x in own} | self.labels.keys()
        for found in recurrences(self.exprs):
            name, axis = next(iter(found.axes.items()))
            dim, letter = self.definitions[name].var.dims[axis], self.labels[name][axis]
            if letter in labels or letter.upper() in letters | {letter}:
                continue
            labels[letter] = Moving(letter, letter.upper())
            for x in (*self.inputs.values(), *(d.var for d in self.definitions.values())):
                if x.dims.count(dim) == 1:
                    where = x.dims.index(dim), len(x.dims)
                    carriers.setdefault(x.name, (letter, f"{where[0]}/{where[1]}"))
        return replace(self.counting, labels=labels, carriers=carriers)

    def check_twice(self, of: str) -> None:
        """Raise `DifferentiationError` if a tensor has no second derivatives that are known."""
        found, pending = {of}, [of]
        while pending:
            definition = self.definitions.get(pending.pop())
            for node in postorder([definition.expr]) if definition and self.once else ():
                if isinstance(node, Map) and declared_base(node.function) in self.once:
                    name = node.function
                    raise DifferentiationError(
                        f"{name} stands for any function of its arguments, whose second derivatives"
                        " are not known",
                        operand=name,
                        hint=f"write out what {name} is",
                    )
                if isinstance(node, Var) and node.name not in found:
                    found.add(node.name)
                    pending.append(node.name)
