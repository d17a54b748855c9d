"""What the examples share: derive, print beside NumPy's einsum, check by central differences."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from _numpy import numpy_code, plain
from scipy.special import expit, softmax

import eingrad as eg
from eingrad.calculus.differentiate import jacobian as jacobian_of
from eingrad.calculus.reverse import recognise
from eingrad.calculus.simplify import simplify
from eingrad.core.expr import variables
from eingrad.core.rewrite import substitute
from eingrad.derivation.labels import Names, to_formula
from eingrad.notation.parse import parse_claim
from eingrad.notation.syntax import Assignment, Derivative, Formula, Symbol
from eingrad.notation.text import to_text

Array = np.ndarray[Any, Any]
STEP = 1e-6  # of the central differences
TOLERANCE = 1e-7  # to which they must agree, relative to the largest entry

NUMPY: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "sigmoid": (expit, lambda a: expit(a) * (1 - expit(a))),
    "relu": (lambda a: np.maximum(a, 0), lambda a: np.where(a > 0, 1.0, 0.0)),
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
}


class Lesson:
    """A document's model with arrays for it; derives what the document derives, in its order.

    ``functions`` binds the model's generic functions to those of `NUMPY`.
    """

    def __init__(self, text: str, arrays: Mapping[str, Array], **functions: str) -> None:
        self.model, self.functions = eg.parse(text), functions
        self.values = dict(arrays)
        self.values |= self.model.compile(functions=functions)(**arrays)
        self.names: dict[str, Any] = {"np": np, "softmax": softmax, "sigmoid": expit}
        for name, bound in functions.items():
            self.names |= zip([name, f"{name}_prime"], NUMPY[bound], strict=True)
        for name, labels in self.model.labels.items():
            self.names |= sizes(labels, self.values[name])
        print(f"{self.model}\n")

    def gradients(self, of: str, wrt: Sequence[str], text: bool = True) -> eg.Derivatives:
        """Derive gradients; print each, its NumPy, and how near central differences are."""
        found = self.model.grad(of, wrt)
        print(found.text() + "\n\n" if text else "", end="")
        arrays = {name: self.values[name] for name in self.model.inputs}
        computed = found.compile(functions=self.functions)(**arrays)
        for name in wrt:
            last = found.steps(name)[-1].right
            assert last is not None
            head = Derivative(Symbol(of), (Symbol(name, found[name].labels),))
            compare("compiled", computed[f"d{of}/d{name}"], self._check(head, last))
        return found

    def jacobian(self, of: str, wrt: str, labels: str) -> None:
        """Derive the Jacobian of a statement by a tensor on its right side, and show it.

        ``labels`` are the letters of both, ``"ij"`` for dy_i/da_j.
        """
        definition = recognise(self.model.system, ()).definitions[of]
        var = next(x for x in variables(definition.expr) if x.name == wrt)
        expr = simplify(jacobian_of(definition.expr, [var])[0])
        named = substitute(expr, {definition.expr: definition.var})
        own = definition.expr.ndim
        head = Derivative(Symbol(of, (*labels[:own],)), (Symbol(wrt, (*labels[own:],)),))
        self._check(head, to_formula(named, (*labels,), Names()))

    def claim(self, *claims: str) -> None:
        """Check derivatives as the document writes them."""
        for claim in claims:
            self._check(*_parse(claim))

    def mistake(self, claim: str, why: str) -> None:
        """Show that a derivative in the document is wrong: its value beside the right one's."""
        target, formula = _parse(claim)
        of, wrt = getattr(target.of, "name", ""), target.wrt[0].name
        print(f"\nMISTAKE: {claim}\n  {why}")
        right = self.differences(of, wrt)
        try:
            claimed = self._evaluate(numpy_code(formula, target.wrt[0].labels))
        except ValueError as error:
            print(f"  NumPy refuses it: {error}")
            return
        print(f"  right:   {first(right)}\n  claimed: {first(claimed)}")
        assert wrong(claimed, right), "it is right"
        if claimed.shape == right.shape:
            factor = claimed.ravel() @ right.ravel() / (right.ravel() @ right.ravel())
            print(f"  claimed / right: {factor:.4g}")

    def differences(self, of: str, wrt: str) -> Array:
        """Return d of / d wrt by central differences; what defines ``wrt`` is left out."""
        rest = [s for s in str(self.model).splitlines() if not _defines(s, wrt)]
        model = eg.parse("\n".join(rest))
        value = model.compile([of], functions=self.functions)
        arrays = {name: self.values[name] for name in model.inputs}
        return central_differences(lambda x: value(**{**arrays, wrt: x})[of], self.values[wrt])

    def _check(self, head: Derivative, formula: Formula) -> Array:
        """Print a derivative and its NumPy, run that, and compare it with central differences."""
        of, wrt = getattr(head.of, "name", ""), head.wrt[0].name
        labels = (*getattr(head.of, "labels", ()), *head.wrt[0].labels)
        expected = self.differences(of, wrt)
        self.names |= sizes(labels, expected)
        code = numpy_code(formula, labels)
        print(f"{to_text(head)} = {to_text(formula)}\n    d{of}_d{wrt} = {code}")
        value = self.values[f"d{of}/d{wrt}"] = self._evaluate(code)
        compare("central differences", value, expected)
        return value

    def _evaluate(self, code: str) -> Array:
        """Run a line that `numpy_code` wrote: what is printed is what is checked."""
        arrays = {plain(name): value for name, value in self.values.items()}
        return np.asarray(eval(code, self.names | arrays))


def sizes(labels: Sequence[str], array: Array) -> dict[str, int]:
    """Return the extents by the names that `numpy_code` gives them."""
    return {f"size_{k}": n for k, n in zip(labels, array.shape, strict=True)}


def _parse(claim: str) -> tuple[Derivative, Formula]:
    parsed: Assignment = parse_claim(claim)
    assert isinstance(parsed.target, Derivative)
    return parsed.target, parsed.value


def _defines(statement: str, name: str) -> bool:
    return re.match(rf"{name}(_\w+)? =", statement) is not None


def first(x: Array) -> str:
    """Return the first entries of an array, and its shape."""
    more = " ..." if x.size > 4 else ""
    return np.array2string(x.ravel()[:4], precision=5) + f"{more} of shape {x.shape}"


def central_differences(value: Callable[[Array], Any], x: Array) -> Array:
    """Return (f(x + h e_k) - f(x - h e_k)) / 2h for each entry k: f's axes, then those of x."""
    columns = []
    for k in range(x.size):
        step = np.zeros(x.size)
        step[k] = STEP
        above, below = (np.asarray(value(x + s * step.reshape(x.shape))).copy() for s in (1, -1))
        columns.append((above - below) / (2 * STEP))
    return np.stack(columns, axis=-1).reshape((*columns[0].shape, *x.shape))


def compare(what: str, derived: Array, expected: Array) -> None:
    """Print and assert that two derivatives agree."""
    assert np.shape(derived) == np.shape(expected), (np.shape(derived), np.shape(expected))
    error = np.abs(derived - expected).max() / max(np.abs(expected).max(), 1e-12)
    print(f"    {what}: {error:.0e}")
    assert error < TOLERANCE


def wrong(claimed: Array, right: Array) -> bool:
    """Whether an array is another one's near miss, and no rounding error."""
    if claimed.shape != right.shape:
        return True
    return bool(np.abs(claimed - right).max() > 1e-2 * np.abs(right).max())


def heading(title: str) -> None:
    """Print a title."""
    print(f"\n{title}\n{'-' * len(title)}")
