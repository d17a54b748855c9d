"""What is known of a function, as one record: all the rest of the house reads it there.

A formula in a record is a Python function of expressions under Python's operators
(`core.algebra.Infix`): ``lambda y, x: y * (1 - y)``, with ``x("exp")`` for a function of x. So a
record knows of no other module, and the normal form may read it.

A *spelling* is how a library writes the function. It is the dotted name of what takes the
arguments, ``np.exp``, or a format string over them, ``jax.nn.gelu({0}, approximate=False)``; "" is
said of a library that has none, which then computes the recipe. What differentiates a spelling
itself (PyTorch, JAX) must find the derivative of the record in it, at kinks too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from eingrad.core.expr import Number

Formula = Callable[..., Any]
LOADED = frozenset({"np", "torch", "jax", "jnp", "math"})  # what generated code has imported
_DOTTED = re.compile(r"\b(([a-z_]\w*)(?:\.\w+)*)\.(\w+)\(")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Record:
    """What element-wise functions, functions over axes and functions of matrices have in common.

    ``names`` are other words for the function in texts, ``latex`` is how it is written over its
    arguments, by default ``\\operatorname{name}(...)``. ``rule`` cites the derivative, ``returns``
    says in a docstring what the result is. ``recipe`` gives the function by others, in a form that
    neither overflows nor cancels; ``on_paper`` is how a textbook defines it, in the notation,
    of x or of x_i over i. A ``stable`` function is such a form itself: rules put it in the place of
    what is written out. An ``internal`` function stands in derivatives alone: texts
    speak of it, Python code does not. What is confused with what has a word of ``family`` in
    common. A ``real`` function has no value, or not this formula, at complex numbers.
    """

    names: tuple[str, ...] = ()
    latex: str = ""
    rule: str = ""
    returns: str = ""
    recipe: Formula | None = None
    on_paper: str = ""
    numpy: str = ""
    torch: str = ""
    jax: str = ""
    internal: bool = False
    stable: bool = False
    family: str = ""
    real: bool = False

    @property
    def citation(self) -> str:
        """What a derivation calls the rule."""
        return self.rule or f"{getattr(self, 'name', '')} derivative"


@dataclass(frozen=True, slots=True, eq=False)
class Function(Record):
    """An element-wise function.

    ``partials[k]`` maps (result, *arguments) to the derivative by argument k; None stands for a
    derivative that is 0 wherever it exists. ``at_kinks`` are partials that have a value where the
    formula on paper is 0 times infinity: numbers are computed with them.

    The last ``optional`` arguments may be left out; the first ``orders`` are whole numbers from 0
    on, which are no tensors. One that is ``written_out`` is its recipe at once, never a node. It
    ``keeps_integers`` where the result of integers is one.

    ``exact`` are values at numbers; outside ``domain`` there is no value, or none of moderate
    size; at the ends a derivative of a ``singular`` function may be infinite. ``even`` is
    f(-x) = f(x). A function that ``fills_zeros`` has the derivative 0 for some arguments. ``sign``
    and ``turned`` are a comparison's, ``python`` is the name in Python's ``math``.
    """

    name: str
    partials: tuple[Formula | None, ...]
    at_kinks: tuple[Formula, ...] = field(default=(), kw_only=True)
    written_out: bool = field(default=False, kw_only=True)
    optional: int = field(default=0, kw_only=True)
    orders: int = field(default=0, kw_only=True)
    keeps_integers: bool = field(default=False, kw_only=True)
    exact: Mapping[Number, Number] = field(default_factory=dict, kw_only=True)
    domain: tuple[float, float] | None = field(default=None, kw_only=True)
    singular: bool = field(default=False, kw_only=True)
    even: bool = field(default=False, kw_only=True)
    commutative: bool = field(default=False, kw_only=True)
    fills_zeros: bool = field(default=False, kw_only=True)
    sign: str = field(default="", kw_only=True)
    turned: str = field(default="", kw_only=True)
    python: str = field(default="", kw_only=True)

    @property
    def arity(self) -> int:
        """The number of arguments, of which the last may be optional."""
        return len(self.partials)

    def latex_of(self, arguments: Sequence[str]) -> str:
        """Return LaTeX over arguments in LaTeX."""
        return self.latex.replace("(", r"\left(").replace(")", r"\right)").format(*arguments)

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        return self.arity - self.optional <= count <= self.arity


@dataclass(frozen=True, slots=True, eq=False)
class AxisFunction(Record):
    """A function over axes: a fold, which drops them, or one that ``keeps_axes``.

    A derivative is stated in one of three ways. ``slope`` maps (result, operand) of a fold to the
    derivative by each entry. ``jacobian`` maps (result, operand, same) to the entries J_op of a
    function that keeps its axes: ``y.here`` is y_o, ``y.there`` y_p, ``same`` 1 where o = p. A
    linear function names its ``transpose``, through which a cotangent goes. Without any of these
    the function is constant wherever it has a derivative.

    In these formulas, and in ``recipe``, ``x.fold("max")`` is a function over the same axes, and
    ``x.along("max")`` its value at each entry. ``of_one`` is the value where the axes have one
    entry, x; ``of_equal`` where they have n equal ones, of which one alone gives y.
    ``is_product``: a sum or a mean, which are no nodes of their own. A ``smooth`` function has the
    right derivative in a library that differentiates its spelling. It goes over a single axis
    (``one_axis``), or does so as the libraries in ``single`` spell it. ``big``: written with a sign
    before its argument. ``pairwise`` names the same function of two arguments. ``in_matrices``:
    matrix notation has a word for it. ``at_kinks`` is a slope that has a value where the one on
    paper is 0 / 0. What ``is_root`` is the root of a sum of squares: its slope is 0 where it is.
    """

    name: str
    slope: Formula | None = field(default=None, kw_only=True)
    at_kinks: Formula | None = field(default=None, kw_only=True)
    jacobian: Formula | None = field(default=None, kw_only=True)
    transpose: str = field(default="", kw_only=True)
    keeps_axes: bool = field(default=False, kw_only=True)
    of_one: Formula | None = field(default=None, kw_only=True)
    of_equal: Formula | None = field(default=None, kw_only=True)
    is_product: bool = field(default=False, kw_only=True)
    big: bool = field(default=False, kw_only=True)
    pairwise: str = field(default="", kw_only=True)
    smooth: bool = field(default=False, kw_only=True)
    single: str = field(default="", kw_only=True)
    one_axis: bool = field(default=False, kw_only=True)
    in_matrices: bool = field(default=True, kw_only=True)
    is_root: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True, eq=False)
class MatrixFunction(Record):
    """A function of the matrices in two axes; its result has these axes if it ``keeps_axes``.

    The ``derivative`` of entry ij by entry km is a product of factors with their letters: ``y`` is
    the result, ``inverse`` the operand's, ``inverse y`` the result's, ``lower`` 1 below a diagonal
    of halves, ``minors`` what the adjugate's derivative is. ``at_kinks`` is a derivative that has a
    value where the one on paper has none. Texts have no word for one that is ``unwritten``.
    ``is_view``: a trace or a transpose, which are no nodes of their own.
    """

    name: str
    keeps_axes: bool
    derivative: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    at_kinks: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    unwritten: bool = field(default=False, kw_only=True)
    is_view: bool = field(default=False, kw_only=True)


# --- tables -----------------------------------------------------------------------------------


class Named(Protocol):
    """What stands in a table."""

    @property
    def name(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...


R = TypeVar("R", bound=Named)


class Table(dict[str, R]):
    """Records by name. What is added while a program runs is known everywhere from then on.

    >>> table = Table([Function("log", (None,), names=("ln",))])
    >>> table.canonical("ln"), table.canonical("lg")
    ('log', None)
    """

    def __init__(self, records: list[R]) -> None:
        super().__init__((x.name, x) for x in records)

    def canonical(self, word: str) -> str | None:
        """Return the name of the record that a word means."""
        if word in self:
            return word
        return next((x.name for x in self.values() if word in x.names), None)


# --- spellings --------------------------------------------------------------------------------


def spelling(record: Record, library: str, count: int = 1) -> str:
    """Return a library's spelling over ``count`` arguments as a format string, "" without one.

    >>> spelling(Function("exp", (None,), numpy="np.exp"), "numpy")
    'np.exp({0})'
    """
    text = str(getattr(record, library))
    places = [f"{{{k}}}" for k in range(count)]
    if text and "{" not in text:
        text = f"{text}({', '.join(places)})"
    fits = all(place in text for place in places) and f"{{{count}}}" not in text
    return text if fits else ""


@lru_cache(maxsize=512)
def imported(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a spelling by bare names where it speaks of other modules, and lines that import them.

    >>> imported("scipy.special.erf({0})")
    ('erf({0})', ('from scipy.special import erf',))
    >>> imported("np.exp({0})")
    ('np.exp({0})', ())
    """
    lines: dict[str, None] = {}

    def bare(match: re.Match[str]) -> str:
        if match[2] in LOADED:
            return match[0]
        lines[f"from {match[1]} import {match[3]}"] = None
        return f"{match[3]}("

    return _DOTTED.sub(bare, text), tuple(lines)


__all__ = [
    "AxisFunction", "Formula", "Function", "MatrixFunction", "Record", "Table", "imported",
    "spelling",
]  # fmt: skip
