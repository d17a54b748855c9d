"""A hypothesis strategy: random models of which something is assumed that they make use of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from random_models import (
    BOUNDED,
    LETTERS,
    POSITIVE,
    Apply,
    Leaf,
    Node,
    Number,
    Over,
    Power,
    Product,
    RandomModel,
    Statement,
    Sum,
    text_of,
)
from strategies import models

HALF = Number(Fraction(1, 2))
Array = np.ndarray


@dataclass(frozen=True)
class Assumption:
    """``left = right``; ``fit`` makes arrays satisfy it. ``left`` has ``labels``."""

    names: tuple[str, ...]
    left: Node
    right: Node
    labels: str
    fit: Callable[[list[Array]], Array]


@dataclass(frozen=True)
class AssumedModel:
    """A model whose last statement is the scalar ``J``, and what is assumed of its inputs."""

    model: RandomModel
    assumptions: tuple[Assumption, ...]

    @property
    def text(self) -> str:
        """The model in the notation."""
        facts = [f"assume {text_of(a.left)} = {text_of(a.right)}" for a in self.assumptions]
        return "\n".join([*facts, self.model.text])

    def arrays(self, seed: int = 0) -> dict[str, Array]:
        """Random values for which all that is assumed holds."""
        arrays = self.model.arrays(seed)
        for a in self.assumptions:
            arrays[a.names[0]] = a.fit([arrays[name] for name in a.names])
        return arrays

    def wrt(self) -> list[str]:
        """Two inputs, of which something is assumed if there are such."""
        named = [name for a in self.assumptions for name in a.names]
        return list(dict.fromkeys([*named, *self.model.inputs]))[:2]


def _shares(x: Array, axes: tuple[int, ...]) -> Array:
    """Return positive entries that sum to 1."""
    x = np.abs(x) + 0.1
    return x / x.sum(axes, keepdims=True)


def _kinds(name: str, dims: str, labels: str, positive: bool) -> dict[str, Assumption]:
    """Return what may be assumed of one input."""
    x, one = Leaf(name, labels), Number(Fraction(1))
    own, every = (name,), tuple(range(len(dims)))
    found = {"value": Assumption(own, x, HALF, labels, lambda a: np.full_like(a[0], 0.5))}
    if not dims:
        return found
    found |= {
        "total": Assumption(own, Over("sum", labels, x), one, "", lambda a: _shares(a[0], every)),
        "rows": Assumption(
            own, Over("sum", labels[-1], x), one, labels[:-1], lambda a: _shares(a[0], every[-1:])
        ),
        "mean": Assumption(
            own, Over("mean", labels[0], x), one, labels[1:],
            lambda a: _shares(a[0], (0,)) * a[0].shape[0],
        ),
    }  # fmt: skip
    unit = lambda a: a[0] / np.sqrt((a[0] ** 2).sum())  # noqa: E731
    found["norm"] = Assumption(own, Over("norm", labels, x), one, "", unit)
    found["square"] = Assumption(own, Product((x, x), (False, False), labels), one, "", unit)
    if len(dims) == 2 and dims[0] == dims[1]:
        turned = Leaf(name, labels[::-1])
        found["symmetric"] = Assumption(own, x, turned, labels, lambda a: (a[0] + a[0].T) / 2)
        if not positive:
            delta = Leaf("delta", labels)
            found["identity"] = Assumption(own, x, delta, labels, lambda a: np.eye(len(a[0])))
            other = next(k for k in LETTERS[dims[0]] if k not in labels)
            gram = Product((x, Leaf(name, other + labels[1])), (False, False), labels[1])
            found["orthogonal"] = Assumption(
                own, gram, Leaf("delta", labels[0] + other), labels[0] + other,
                lambda a: np.linalg.qr(a[0])[0],
            )  # fmt: skip
    return found


def letters(dims: str) -> str:
    """Return different letters for dimensions."""
    result = ""
    for dim in dims:
        result += next(k for k in LETTERS[dim] if k not in result)
    return result


@st.composite
def assumed_models(draw: Callable[..., Any]) -> AssumedModel:
    """Draw a model, assumptions about its inputs, and terms in which these can be used."""
    base = draw(models(statements=2, depth=2, kinks=False))
    statements = list(base.statements)
    terms: list[Node] = [Leaf("L", "")]
    assumptions: list[Assumption] = []
    inputs = dict(base.inputs)
    pool = sorted(name for name, (dims, _) in inputs.items() if dims) or sorted(inputs)
    chosen = [draw(st.sampled_from([*pool, "W"])), "W"][: draw(st.integers(1, 2))]
    if "W" in chosen:  # an input that these terms alone use
        inputs["W"] = draw(st.sampled_from(("a", "b", "aa", "bb", "ab", "bc", "acb"))), BOUNDED
        chosen = list(dict.fromkeys(chosen))
    for number, name in enumerate(chosen):
        dims, kind = inputs[name]
        kinds = _kinds(name, dims, letters(dims), kind == POSITIVE)
        same = [n for n, what in inputs.items() if what == inputs[name] and n not in chosen]
        if same:
            x, y = Leaf(name, letters(dims)), Leaf(same[0], letters(dims))
            kinds["equal"] = Assumption((name, same[0]), x, y, letters(dims), lambda a: a[1])
        assumption = kinds[draw(st.sampled_from(sorted(kinds)))]
        assumptions.append(assumption)
        used: Node = assumption.left
        if isinstance(used, Product) or draw(st.booleans()):  # a product's labels are summed once
            statements.append(Statement(f"U{number}", assumption.labels, used))
            used = Leaf(f"U{number}", assumption.labels)
        partner = draw(st.sampled_from(_partners(assumption, used)))
        term: Node = Product((used, partner), (False, False))
        if assumption.labels:
            term = Over("sum", assumption.labels, term)
        wrapped = [term, Product((Leaf("L", ""), term), (False, False)), Power(term, Fraction(2))]
        terms.append(draw(st.sampled_from([*wrapped, Apply("sin", (term,))])))
    value = Sum(tuple(terms), (False,) * len(terms))
    statements.append(Statement("J", "", value))
    return AssumedModel(RandomModel(tuple(statements), inputs), tuple(assumptions))


def _partners(assumption: Assumption, used: Node) -> list[Node]:
    """Return factors beside what is assumed, with its labels."""
    found: list[Node] = [used, Apply("tanh", (used,))]
    right = assumption.right
    if isinstance(right, Leaf) and right.name != "delta":
        found += [right, Apply("cos", (right,))]
    return found
