"""``eg.function``: run a Python function once on symbols, then run the compiled program."""

from __future__ import annotations

import cmath
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, update_wrapper
from typing import Any

import numpy as np

from eingrad.api.einsum.numeric import is_inexact
from eingrad.api.models.model import Model
from eingrad.api.tensors.dispatch import run_kernel
from eingrad.api.tensors.kernel import Kernel, Traced, Value
from eingrad.api.tensors.tape import Recording, mode
from eingrad.api.tensors.tensor import Tensor, as_tensor, is_symbolic, wrap
from eingrad.api.traces.notate import notate, notate_names
from eingrad.api.transforms.pytree import Structure, flatten, unflatten
from eingrad.api.transforms.tracking import outward
from eingrad.core.algebra import full
from eingrad.core.expr import Expr, Var
from eingrad.engine.cache import Cache
from eingrad.errors import EingradError

CACHE_SIZE = 64  # signatures a function keeps

_depths = itertools.count()


class Trace:
    """One run of a function on symbols.

    ``captured`` are the Tensors that the function took from elsewhere: hidden inputs, whose
    present values each call reads. ``has_rules`` says that it has met a derivative of its own
    (`eg.custom_vjp`), which the formulas do not have.
    """

    def __init__(self) -> None:
        self.depth = next(_depths)
        self.has_rules = False
        self.captured: list[Tensor] = []
        self._known: dict[int, Traced] = {}
        self._count = itertools.count()

    def input(self, value: Value, weak: bool = False) -> Traced:
        """Return the symbol of the next input, like ``value``."""
        var = Var(str(next(self._count)), value.shape, not is_inexact(value.dtype))
        return Traced(var, value.dtype, self, weak)

    def lift(self, value: Value) -> Traced:
        """Return a value as a symbol of this trace."""
        if type(value) is Traced and value.trace is self:
            return value
        if type(value) is not Traced and value.size and not any(value.strides):
            number = value.item(0)  # a number, or one repeated along all axes
            if cmath.isfinite(number):
                return Traced(full(number, value.shape), value.dtype, self)
        return self.lift_tensor(wrap(value))

    def lift_tensor(self, t: Tensor) -> Traced:
        """Return a Tensor's value as a symbol of this trace; a foreign one becomes an input."""
        value = t._value
        if type(value) is Traced and value.trace is self:
            return value
        known = self._known.get(id(t))
        if known is None:
            known = self._known[id(t)] = self.input(value)
            self.captured.append(t)
        return known


@dataclass(frozen=True, slots=True)
class _Program:
    """What a trace found: the kernel of its results that are computed, and the others.

    ``outs[k]`` is the number of a result of the kernel, or a constant that the function returned.
    """

    kernel: Kernel | None
    captured: Sequence[Tensor]
    structure: Structure
    outs: Sequence[int | Any]
    computed: Sequence[bool]
    has_rules: bool


class TracedFunction:
    """A function that is traced once per signature and compiled; see `function`."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        if not callable(fn):
            raise EingradError(f"a function is traced, and this is a {type(fn).__name__}")
        self.fn = fn
        self._programs: Cache[Any, _Program] = Cache(CACHE_SIZE)
        update_wrapper(self, fn, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves, structure = flatten((args, kwargs))
        dynamic = [x for x in leaves if not _is_static(x)]
        program = self._program(leaves, structure)
        operands = [*map(as_tensor, dynamic), *program.captured]
        if program.has_rules and self._is_differentiated(operands):
            return self.fn(*args, **kwargs)
        outs = [] if program.kernel is None else list(run_kernel(program.kernel, operands))
        as_tensors = any(isinstance(x, Tensor) for x in dynamic)
        results = [
            outward((outs[x]._value, outs[x]._node), as_tensors) if computed else x
            for x, computed in zip(program.outs, program.computed, strict=True)
        ]
        return unflatten(program.structure, results)

    def _is_differentiated(self, operands: Sequence[Tensor]) -> bool:
        """Whether derivatives of these operands are recorded; a trace around takes note."""
        for t in operands:
            if type(t._value) is Traced:
                t._value.trace.has_rules = True
        return mode.recording and any(t._node is not None for t in operands)

    def __get__(self, instance: Any, owner: type | None = None) -> Callable[..., Any]:
        return self if instance is None else partial(self, instance)

    def __repr__(self) -> str:
        return f"<eingrad function {getattr(self.fn, '__name__', self.fn)}>"

    def _program(self, leaves: Sequence[Any], structure: Structure) -> _Program:
        key = (structure, *map(_signature, leaves))
        program = self._programs.get(key)
        return program or self._programs.put(key, self._trace(leaves, structure)[0])

    def _trace(
        self, leaves: Sequence[Any], structure: Structure
    ) -> tuple[_Program, list[Var], Trace]:
        trace = Trace()
        inputs: list[Any] = []
        symbols: list[Any] = []
        for x in leaves:
            if _is_static(x):
                inputs.append(x)
            else:
                symbols.append(trace.input(as_tensor(x)._value, _is_number(x)))
                inputs.append(wrap(symbols[-1]))
        args, kwargs = unflatten(structure, inputs)
        with Recording(True):
            returned = self.fn(*args, **kwargs)
        results, out_structure = flatten(returned)
        computed = [isinstance(x, Tensor) and _belongs(x, trace) for x in results]
        roots = [x._value for x, c in zip(results, computed, strict=True) if c]
        operands = [*symbols, *(trace.lift_tensor(t) for t in trace.captured)]
        kernel = None
        if roots:
            kernel = Kernel(
                tuple(s.expr for s in roots),
                tuple(s.dtype for s in operands),
                tuple(s.dtype for s in roots),
                stable=True,
            )
        number = itertools.count()
        outs = [next(number) if c else x for x, c in zip(results, computed, strict=True)]
        program = _Program(
            kernel, tuple(trace.captured), out_structure, outs, computed, trace.has_rules
        )
        return program, [s.expr for s in operands], trace

    def model(self, *args: Any, result: str | None = None, **kwargs: Any) -> Model:
        """Return the function as a model in index notation, for arguments of these shapes.

        The inputs have the names of the parameters (in nested ones, the keys), the result the
        name ``result``: by default "L" for a scalar, "y" for a tensor. Arrays that the function
        holds, and the integers at which slices, joins and reshapes read, are inputs too, whose
        values are in ``model.constants``. Raises EingradError for an operation that index
        notation lacks, such as a Cholesky factor.

        >>> f = function(lambda w, x: ((x @ w) ** 2).sum())
        >>> print(f.model(np.ones(3), np.ones((2, 3))))
        z1_i = w_j x_ij
        L = z1_i z1_i
        """
        leaves, structure = flatten((args, kwargs))
        program, variables, trace = self._trace(leaves, structure)
        if program.kernel is None:
            raise EingradError("the function computes nothing from its arguments")
        if program.has_rules:
            raise EingradError(
                "the function uses a derivative of its own (custom_vjp), which a model lacks",
                hint="call it without the rule, or declare a generic function in a model",
            )
        names = _input_names(self.fn, leaves, structure, len(trace.captured))
        renamed: dict[Expr, str] = dict(zip(variables, names, strict=True))
        captured = names[len(names) - len(trace.captured) :]
        constants = {
            name: t.numpy() for name, t in zip(captured, trace.captured, strict=True)
            if not is_symbolic(t)
        }  # fmt: skip
        return notate(program.kernel.templates, renamed, result, constants)


def _belongs(cell: Any, trace: Trace) -> bool:
    return type(cell._value) is Traced and cell._value.trace is trace


def _is_static(x: Any) -> bool:
    """Whether an argument is part of the signature by its value: no array, Tensor or float."""
    return not isinstance(x, Tensor | np.ndarray | np.generic | float | complex)


def _is_number(x: Any) -> bool:
    return isinstance(x, float | complex) and not isinstance(x, np.generic)


def _signature(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x._value.shape, x._value.dtype
    if isinstance(x, np.ndarray | np.generic):
        return x.shape, x.dtype
    if isinstance(x, float | complex):
        return type(x)
    try:
        hash(x)
    except TypeError:
        raise EingradError(
            f"a traced function was called with a {type(x).__name__}",
            hint="pass arrays, numbers, strings, and nested tuples, lists and dicts of them",
        ) from None
    return "static", type(x), x


def _input_names(
    fn: Callable[..., Any], leaves: Sequence[Any], structure: Structure, captured: int
) -> list[str]:
    paths = structure.paths()
    return notate_names(fn, [p for p, x in zip(paths, leaves, strict=True) if not _is_static(x)],
                        captured)  # fmt: skip


def function(fn: Callable[..., Any]) -> TracedFunction:
    """Trace a function once per signature, then run the compiled program.

    The signature is how arguments are nested, shapes and dtypes of arrays, and the values of
    integers, booleans and strings. Tensors that the function takes from elsewhere are read anew
    in each call; other values are read when it is traced. It nests with the transforms.

    >>> f = function(lambda x: x * x + 1)
    >>> f(np.array([1.0, 2.0]))
    array([2., 5.])
    """
    return TracedFunction(fn)
