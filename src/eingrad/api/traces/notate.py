"""A traced graph -> a model in index notation: names for steps, letters for axes."""

from __future__ import annotations

import inspect
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from eingrad.api.models.model import Model
from eingrad.api.traces.index_forms import Constants, indexed, indicators_with_ones, with_ones
from eingrad.core.algebra import apply, broadcast_scalar, einsum, is_light, reduce
from eingrad.core.arrays import Gather, Matrix, Scatter, matrix_function
from eingrad.core.conjugate import CONJ
from eingrad.core.expr import Const, Delta, Dim, Einsum, Expr, Map, Reduce, Var, postorder
from eingrad.core.gather import indicator, indicator_index
from eingrad.core.rewrite import substitute
from eingrad.derivation.author_letters import Names, fresh_letter
from eingrad.derivation.labels import to_formula
from eingrad.errors import EingradError
from eingrad.notation.lexeme import is_function, over_matrices
from eingrad.notation.lower import lower
from eingrad.notation.syntax import Assignment, Symbol

LETTERS = "ijklmnopqrstuvwabcfghxyz"
Place = tuple[Expr, str, int]
"""An axis or a label of a node: (node, "axis" or "label", number)."""


def notate(
    roots: Sequence[Expr],
    names: Mapping[Expr, str],
    result: str | None,
    constants: Mapping[str, Any] | None = None,
) -> Model:
    """Return the model whose inputs are ``names`` and whose last definitions are ``roots``.

    ``constants`` are the values of inputs that the caller need not know of; the model keeps them,
    and those that it makes of its own for cuts, joins and reshapes.

    >>> from eingrad.core.algebra import multiply
    >>> x = Var("0", (3,))
    >>> print(notate([multiply(x, x)], {x: "x"}, None))
    y_i = x_i^2
    """
    made = Constants(set(names.values()))
    roots = indexed(roots, made)
    axes = _Axes(roots)
    roots = [with_ones(x, axes.without_extent(x), made) for x in roots]
    roots = indicators_with_ones(roots, _Axes(roots).indicators_without_extent(), made)
    roots = _with_extents(roots, made)
    names = {**names, **made.variables}
    axes = _Axes(roots)
    taken = set(names.values())
    targets = _targets(roots, result, taken)
    steps = (name for k in itertools.count(1) if (name := f"z{k}") not in taken)
    named = _named_steps(roots)
    symbols = Names(
        {dim: (str(dim),) for dim in axes.all_dims()},
        {name: k for k, name in enumerate(names.values())},
    )
    new: dict[Expr, Expr] = {}
    statements: list[Assignment] = []
    for node in postorder(roots):
        if isinstance(node, Var):
            new[node] = Var(names[node], axes.dims(node), node.integer)
            continue
        new[node] = axes.rebuild(node, [new[x] for x in node.operands])
        if node in named and node not in targets:
            new[node] = _define(next(steps), new[node], symbols, statements)
    for root, name in targets.items():
        _define(name, new[root], symbols, statements)
    system = lower(statements)
    values = {**(constants or {}), **made.arrays}
    return Model(statements, system, {n: x for n, x in values.items() if n in system.inputs})


def _with_extents(roots: Sequence[Expr], constants: Constants) -> list[Expr]:
    """Multiply by ones where an axis begins whose extent no input has.

    ``x[:, None]`` has such an axis: the letter is in no input, and the program needs its extent.
    """
    roots = list(roots)
    while True:
        axes = _Axes(roots)
        ones = {x.operands[0] for x in postorder(roots) if indicator_index(x) is not None}
        node = next((x for x in postorder(roots) if x not in ones and axes.without_extent(x)), None)
        if node is None:
            return roots
        whole: dict[Expr, Expr] = {node: with_ones(node, axes.without_extent(node), constants)}
        roots = [substitute(root, whole) for root in roots]


def _define(name: str, expr: Expr, names: Names, statements: list[Assignment]) -> Var:
    """Append the statement ``name = expr`` and return the tensor that it defines."""
    labels: list[str] = []
    for dim in expr.dims:
        labels.append(fresh_letter(dim, labels, names))
    formula = to_formula(expr, labels, names)
    statements.append(Assignment(Symbol(name, tuple(labels)), formula))
    return Var(name, expr.dims)


def _targets(roots: Sequence[Expr], result: str | None, taken: set[str]) -> dict[Expr, str]:
    """Return a name for each result."""
    unique = list(dict.fromkeys(roots))
    base = result or ("L" if all(not x.ndim for x in unique) else "y")
    if len(unique) == 1 and base not in taken:
        names = [base]
    else:
        names = [f"{base}{k + 1}" for k in range(len(unique))]
    for name in names:
        if name in taken:
            raise EingradError(f"the result and an input are both called {name}", operand=name)
    taken.update(names)
    return dict(zip(unique, names, strict=True))


def _named_steps(roots: Sequence[Expr]) -> set[Expr]:
    """Return the nodes that a person would name: what is used twice, and what goes into or comes
    out of a function."""
    uses: Counter[Expr] = Counter()
    inside: set[Expr] = set()
    for node in postorder(roots):
        uses.update(node.operands)
        if isinstance(node, Reduce) or (isinstance(node, Map) and not _is_arithmetic(node)):
            inside.update(node.operands)
        elif isinstance(node, Einsum) and not is_light(node):
            inside.update(x for x in node.operands if _is_function(x))
        elif isinstance(node, Gather | Matrix):
            inside.update(node.operands)
    return {
        node
        for node in uses
        if not isinstance(node, Var | Const | Delta)
        and not (isinstance(node, Einsum) and is_light(node))
        and (uses[node] > 1 or node in inside)
    }


def _is_arithmetic(node: Map) -> bool:
    return node.function in {"add", "pow"}


def _is_function(node: Expr) -> bool:
    """Whether a person would name the result: ``Z = sigmoid(A)``, but not ``T log(Z)``."""
    return isinstance(node, Reduce) or (
        isinstance(node, Map) and node.function not in {"add", "pow", "log", "exp", "sqrt", "abs"}
    )


class _Axes:
    """Which axes of a graph have one extent, and a letter for each such set."""

    def __init__(self, roots: Sequence[Expr]) -> None:
        self._parent: dict[Place, Place] = {}
        self._names: dict[Place, Dim] = {}
        self._nodes = nodes = list(postorder(roots))
        for node in nodes:
            self._unite_within(node)
        letters = _letters()
        for node in sorted(nodes, key=lambda x: not isinstance(x, Var)):
            for place in self._places(node):
                root = self._find(place)
                if root not in self._names:
                    self._names[root] = next(letters)
        self._given = {x for node in nodes if isinstance(node, Var) for x in self.dims(node)}

    def all_dims(self) -> list[Dim]:
        """Return the letters of all axes."""
        return list(dict.fromkeys(self._names.values()))

    def without_extent(self, node: Expr) -> list[int]:
        """Return the axes of a node whose extent no input has."""
        return [k for k, letter in enumerate(self.dims(node)) if letter not in self._given]

    def indicators_without_extent(self) -> list[Expr]:
        """Return indicators, one for each letter whose extent no input has."""
        found: dict[Dim, Expr] = {}
        for node in self._nodes:
            if indicator_index(node) is not None:
                letter = self.dims(node)[-1]
                if letter not in self._given:
                    found.setdefault(letter, node)
        return list(found.values())

    def dims(self, node: Expr) -> tuple[Dim, ...]:
        """Return the letters of a node's axes."""
        return tuple(self._names[self._find((node, "axis", k))] for k in range(node.ndim))

    def rebuild(self, node: Expr, operands: Sequence[Expr]) -> Expr:
        """Return a node over operands with letters for extents."""
        if isinstance(node, Const):
            return node
        if isinstance(node, Delta):
            return Delta(self.dims(node)[0])
        if isinstance(node, Einsum):
            extents = {
                k: self._names[self._find((node, "label", k))] for k in range(len(node.extents))
            }
            return einsum(list(zip(operands, node.inputs, strict=True)), node.output, extents)
        if isinstance(node, Map) and node.function != CONJ:
            name = {"root": "sqrt"}.get(node.function, node.function)  # equal but at its kink
            return broadcast_scalar(apply(name, *operands), self.dims(node))
        if isinstance(node, Reduce):
            return reduce(node.function, operands[0], node.axes)
        if isinstance(node, Gather):
            return Gather(operands[0], operands[1:], node.sources, node.output)
        if indicator_index(node) is not None:
            return indicator(operands[1], self.dims(node)[-1])
        if isinstance(node, Matrix) and over_matrices(node.function):
            return matrix_function(node.function, operands[0])
        raise EingradError(
            f"index notation has no way to write this: {_said(node)}",
            hint=_HINTS.get(getattr(node, "function", ""))
            or "write the function with products, sums and functions of the notation",
        )

    def _places(self, node: Expr) -> list[Place]:
        places = [(node, "axis", k) for k in range(node.ndim)]
        if isinstance(node, Einsum):
            places += [(node, "label", k) for k in range(len(node.extents))]
        return places

    def _find(self, place: Place) -> Place:
        while (above := self._parent.get(place, place)) != place:
            place = above
        return place

    def _unite(self, a: Place, b: Place) -> None:
        a, b = self._find(a), self._find(b)
        if a != b:
            self._parent[b] = a

    def _unite_within(self, node: Expr) -> None:
        if isinstance(node, Einsum):
            for x, labels in zip(node.operands, node.inputs, strict=True):
                for axis, label in enumerate(labels):
                    self._unite((x, "axis", axis), (node, "label", label))
            for axis, label in enumerate(node.output):
                self._unite((node, "label", label), (node, "axis", axis))
        elif isinstance(node, Delta):
            self._unite((node, "axis", 0), (node, "axis", 1))
        elif isinstance(node, Map):
            for x in node.operands:
                for axis in range(x.ndim):
                    self._unite((x, "axis", axis), (node, "axis", axis))
        elif isinstance(node, Reduce):
            x = node.operands[0]
            kept = [k for k in range(x.ndim) if node.keeps_axes or k not in node.axes]
            for axis, own in enumerate(kept):
                self._unite((x, "axis", own), (node, "axis", axis))
        elif isinstance(node, Gather):
            self._unite_gather(node)
        elif index := indicator_index(node):
            for axis in range(index.ndim):
                self._unite((index, "axis", axis), (node, "axis", axis))
        elif isinstance(node, Matrix):
            x = node.operands[0]
            self._unite((x, "axis", x.ndim - 2), (x, "axis", x.ndim - 1))
            for axis in range(node.ndim):
                self._unite((x, "axis", axis), (node, "axis", axis))

    def _unite_gather(self, node: Gather) -> None:
        """An axis that is read at a label is the result's; so are those of an index."""
        own = {label: (node, "axis", axis) for axis, label in enumerate(node.output)}
        for axis, source in enumerate(node.sources):
            if isinstance(source, int):
                self._unite((node.operands[0], "axis", axis), own[source])
                continue
            for k, label in enumerate(source[1]):
                self._unite((node.operands[1 + source[0]], "axis", k), own[label])


def _said(node: Expr) -> str:
    """Name an operation, and where in the function it stands."""
    name = node.function if isinstance(node, Matrix | Map | Reduce) else _SAID.get(type(node), "")
    shapes = " and ".join(str(x.dims) for x in node.operands)
    return f"{name or type(node).__name__.lower()} of shape {shapes}"


_SAID: Mapping[type[Expr], str] = {Scatter: "the gradient of an index"}
_HINTS: Mapping[str, str] = {
    "cholesky": "its matrix functions are inv, det, logdet, trace and transpose, none of them "
    "triangular; log det A is logdet, and A^-1 b is inv",
    CONJ: "it has no complex numbers; take real and imaginary parts as two real arguments",
}


def _letters() -> Iterator[str]:
    yield from LETTERS
    yield from (f"i{k}" for k in itertools.count(2))


# --- names of inputs --------------------------------------------------------------------------


def notate_names(fn: Callable[..., Any], paths: Sequence[str], captured: int) -> list[str]:
    """Return names for the inputs of a function: its parameters', in nested ones the keys.

    ``paths`` are those of the leaves in ``(args, kwargs)``, such as ``[0][1]['w']``.

    >>> notate_names(lambda params, x: 0, ["[0][0]['w']", "[0][0]['b']", "[0][1]"], 1)
    ['w', 'b', 'x', 'c1']
    """
    try:
        parameters = list(inspect.signature(fn).parameters)
    except (TypeError, ValueError):
        parameters = []
    names: list[str] = []
    for path in paths:
        _, first, *rest = _keys(path)
        if first.isdigit():
            first = parameters[int(first)] if int(first) < len(parameters) else f"x{first}"
        names.append(_unique([first, *rest], names))
    for k in range(captured):
        names.append(_unique([f"c{k + 1}"], names))
    return names


def _keys(path: str) -> list[str]:
    return [word.strip("'\"") for word in re.findall(r"\[([^\]]*)\]", path)]


def _unique(words: Sequence[str], taken: Sequence[str]) -> str:
    """Return a name that the notation can write: the last word that is one, with its numbers."""
    last = max((k for k, w in enumerate(words) if not w.isdigit()), default=0)
    base = re.sub(r"[\W_]", "", "".join(words[last:])) or "x"
    base = base if base[0].isalpha() else f"x{base}"
    if is_function(base) or base in {"delta", "size"}:
        base += "0"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}{number}"
    return name
