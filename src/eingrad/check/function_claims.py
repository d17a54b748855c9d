"""A claim in Python: a function of arrays, with what it claims to compute."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eingrad.check.points import Point
from eingrad.check.question import Target, name_of
from eingrad.core.evaluate import Array
from eingrad.core.forks import once
from eingrad.core.later import np
from eingrad.derivation.author_letters import Names, fresh_letter
from eingrad.errors import EingradError
from eingrad.notation.syntax import Derivative, Symbol
from eingrad.notation.system import System

GUARD = 1e-5  # a smaller number keeps others from being 0
MOST_NUMBERS = 12  # that are looked at, of those in a function's text


class FunctionFailedError(EingradError):
    """A claimed function raised an exception."""

    code = "function-failed"


class FunctionClaim:
    """``fn(**arrays)`` claims to return the target, alone or in a dict under the target's name.

    The function gets those of the model's tensors that its parameters name; with ``**arrays``, all
    inputs.
    """

    def __init__(self, fn: Callable[..., Any], target: Target, system: System) -> None:
        self.fn, self.target = fn, target
        self.title = getattr(fn, "__name__", "the function")
        self.names = _parameters(fn, system)
        self.places = [name for name, own in system.inputs.items() if own.integer]

    @once
    def numbers(self) -> list[float]:
        """The numbers in the function's text, where it may be another: ``np.where(x > 5, ...)``."""
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(self.fn))))
        except (OSError, TypeError, SyntaxError):
            return []
        constants = (x.value for x in ast.walk(tree) if isinstance(x, ast.Constant))
        found = {abs(float(x)) for x in constants if isinstance(x, int | float)}
        return sorted(x for x in found if GUARD < x < 1 / GUARD)[:MOST_NUMBERS]

    def value(self, point: Point, dtype: Any = float) -> Array:
        """Call the function with copies of a point's arrays, of places as integers."""
        arrays = {n: point.value(point.derived.tensor(n), dtype).copy() for n in self.names}
        arrays |= {n: arrays[n].astype(np.int64) for n in self.places if n in arrays}
        try:
            with np.errstate(all="ignore"):
                result = self.fn(**arrays)
        except Exception as error:
            shapes = ", ".join(f"{n} {x.shape}" for n, x in arrays.items())
            raise FunctionFailedError(
                f"{self.title} raised {type(error).__name__}: {error}",
                hint=f"it was called with arrays of the shapes {shapes}",
            ) from error
        if isinstance(result, Mapping):
            result = self._entry(result)
        try:
            array = np.asarray(result)
        except (ValueError, TypeError) as error:
            raise EingradError(f"{self.title} returned no array: {error}") from error
        if array.dtype.kind not in "fiub":
            raise EingradError(f"{self.title} returned {array.dtype}, not real numbers")
        return array.astype(np.float64) if array.dtype.kind in "iub" else array

    def _entry(self, result: Mapping[str, Any]) -> Any:
        name = name_of(self.target)
        keys = [name, name.replace("/", "_"), *_short_keys(self.target)]
        for key in keys:
            if key in result:
                return result[key]
        raise EingradError(
            f"{self.title} returned a dict without {name}",
            operand=name,
            hint=f"it has {', '.join(map(str, result)) or 'nothing'}",
        )


def _short_keys(target: Target) -> list[str]:
    if isinstance(target, Symbol) or len(target.wrt) > 1:
        return []
    return [f"d{target.wrt[0].name}", target.wrt[0].name]


def _parameters(fn: Callable[..., Any], system: System) -> list[str]:
    known = [*system.inputs, *system.definitions]
    parameters = inspect.signature(fn).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return list(system.inputs)
    for p in parameters:
        if p.name not in known and p.default is p.empty:
            raise EingradError(
                f"the model has no tensor {p.name!r}, which the function asks for",
                operand=p.name,
                hint=f"it has {', '.join(known)}",
            )
    return [p.name for p in parameters if p.name in known]


def target_for(system: System, of: str, wrt: Sequence[str]) -> Target:
    """Return the target that names mean, with letters for its axes: ``dL/dW1_ih``.

    Raises EingradError for a name that the model lacks.
    """
    used: list[str] = []
    symbols = []
    for name in (of, *wrt):
        if name not in system.labels:
            raise EingradError(
                f"the model has no tensor {name!r}",
                operand=name,
                hint=f"it has {', '.join(system.labels)}",
            )
        own = []
        for letter in system.labels[name]:
            letter = fresh_letter(letter, used, Names()) if letter in used else letter
            used.append(letter)
            own.append(letter)
        symbols.append(Symbol(name, tuple(own)))
    return Derivative(symbols[0], tuple(symbols[1:])) if wrt else symbols[0]


__all__ = ["FunctionClaim", "FunctionFailedError", "target_for"]
