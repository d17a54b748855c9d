"""A kernel: formulas over placeholders, compiled once, with their derivatives as kernels again.

Operand k of a kernel is ``Var(str(k), shape)``. Every operation on a Tensor is one kernel, and so
is each step of a backward or forward sweep, so second derivatives are nothing special.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eingrad.calculus.differentiate import is_singular, pull_back, push_forward
from eingrad.calculus.rules import STABLE, apply_rules
from eingrad.core.algebra import add, apply, is_light, is_zero
from eingrad.core.arrays import Gather, Reshape, Slice
from eingrad.core.conjugate import CONJ, conj
from eingrad.core.expr import Dim, Einsum, Expr, Map, Var, postorder, variables
from eingrad.core.functions import FUNCTIONS
from eingrad.core.product import shared_products
from eingrad.core.rewrite import substitute
from eingrad.engine import compile_program
from eingrad.engine.cache import Cache

Value = Any
"""An array, a NumPy scalar, or a `Traced` while a function is traced."""
Run = Callable[[Sequence[Value]], Sequence[Value]]

CACHE_SIZE = 2048  # kernels
MAX_DERIVATIVES = 64  # that a kernel keeps
LONG = 1000  # nodes, from which on both derivatives are not taken to see what they read


class Traced:
    """A value that is not there yet: a formula over the inputs of the function being traced.

    A ``weak`` one stands for a Python number, which does not decide the dtype of a result.
    """

    __slots__ = ("dtype", "expr", "shape", "trace", "weak")

    def __init__(self, expr: Expr, dtype: np.dtype[Any], trace: Any, weak: bool = False) -> None:
        self.expr, self.dtype, self.trace, self.weak = expr, dtype, trace, weak
        self.shape: tuple[int, ...] = expr.dims  # type: ignore[assignment]

    def stopped(self) -> Traced:
        """Return the same value, through which no derivative goes."""
        return Traced(apply("stop_gradient", self.expr), self.dtype, self.trace, self.weak)


Use = tuple[str, int]
"""An operand of a derivative: ("operand", k), ("result", j), ("seed", j or k) of the kernel."""


@dataclass(frozen=True, slots=True)
class KernelDerivative:
    """A kernel's derivative: ``kernel`` computes it from ``uses``.

    ``positions`` are the operands to which the results of a pull-back belong, or the kernel's
    results to which those of a push-forward belong; what is 0 everywhere is left out.
    """

    kernel: Kernel
    uses: tuple[Use, ...]
    positions: tuple[int, ...]


class Kernel:
    """Formulas over operands of given shapes, and the dtypes of operands and results.

    >>> from eingrad.core.algebra import multiply
    >>> x, y = Var("0", (2,)), Var("1", (2,))
    >>> kernel = kernel_of((multiply(x, y),), (np.dtype(float),) * 2, (np.dtype(float),))
    >>> kernel([np.array([1.0, 2.0]), np.array([3.0, 4.0])])[0]
    array([3., 8.])
    """

    __slots__ = (
        "_derivatives",
        "_needs",
        "_run",
        "dtypes",
        "is_long",
        "is_singular",
        "is_view",
        "masks",
        "results",
        "stable",
        "templates",
    )

    def __init__(
        self,
        templates: tuple[Expr, ...],
        dtypes: tuple[np.dtype[Any], ...],
        results: tuple[np.dtype[Any], ...],
        stable: bool = False,
    ) -> None:
        self.templates, self.dtypes, self.results = templates, dtypes, results
        self.stable = stable
        nodes = list(postorder(templates))
        self.is_singular = any(map(is_singular, nodes))
        self.masks = any(map(_masks, nodes))
        self.is_long = len(nodes) > LONG
        self.is_view = len(templates) == 1 and view_of(templates[0]) is not None
        self._run: Run | None = None
        self._derivatives: dict[Any, KernelDerivative] = {}
        self._needs: dict[Any, tuple[frozenset[int], frozenset[int]]] = {}

    def __call__(self, values: Sequence[Value]) -> Sequence[Value]:
        if Traced in map(type, values):
            return self._on_symbols(values)
        return self.run(values)

    def run(self, values: Sequence[Value]) -> Sequence[Value]:
        """Compute the results from arrays."""
        run = self._run
        if run is None:
            run = self._run = self._compile(values)
        return run(values)

    def __repr__(self) -> str:
        return f"Kernel({', '.join(map(repr, self.templates))})"

    # --- values ---

    @shared_products()
    def _on_symbols(self, values: Sequence[Value]) -> list[Value]:
        trace = max((v.trace for v in values if type(v) is Traced), key=lambda t: t.depth)
        lifted = [trace.lift(v) for v in values]
        found = {v.name: v for v in variables(*self.templates)}
        inside: dict[Expr, Expr] = {
            found[str(k)]: x.expr for k, x in enumerate(lifted) if str(k) in found
        }
        return [
            Traced(substitute(template, inside), dtype, trace)
            for template, dtype in zip(self.templates, self.results, strict=True)
        ]

    @shared_products()
    def _compile(self, values: Sequence[Value]) -> Run:
        if len(self.templates) == 1:
            view = view_of(self.templates[0])
            if view is not None:
                return _cast_after(view, self.results[0])
        templates: Sequence[Expr] = self.templates
        if self.stable:
            templates = apply_rules(templates, STABLE)
        program = compile_program(
            {str(k): x for k, x in enumerate(templates)}, functions={CONJ: np.conjugate}
        )
        names = [var.name for var in program.inputs]
        dtype = _computing_dtype([*self.dtypes, *self.results])
        given = {name: self.dtypes[int(name)].name for name in names}
        executable = program.specialize(given, dtype, dtype)
        results = executable([values[int(name)] for name in names])
        casts = any(
            getattr(r, "dtype", None) != wanted
            for r, wanted in zip(results, self.results, strict=True)
        )
        positions = [int(name) for name in names]
        return _runner(
            executable.positional(), positions, len(self.dtypes), self.results if casts else None
        )

    # --- derivatives ---

    def pull(
        self,
        active: tuple[int, ...],
        seeded: tuple[int, ...],
        lead: tuple[int, ...],
        masked: bool = False,
    ) -> KernelDerivative:
        """Return the kernel that pulls cotangents of the results ``seeded`` back to operands.

        Cotangents have the axes ``lead`` before their own. Where they are ``masked``, so that an
        entry may be 0 because nothing depends on it, 0 times infinity is 0.
        """
        guard = self.is_singular and (masked or self.masks)
        key = ("pull", active, seeded, lead, guard)
        known = self._derivatives.get(key)
        if known is None:
            known = self._remember(key, self._derive_pull(active, seeded, lead, guard))
        return known

    def push(self, active: tuple[int, ...], lead: tuple[int, ...]) -> KernelDerivative:
        """Return the kernel that pushes tangents of the operands ``active`` on to the results."""
        key = ("push", active, lead)
        known = self._derivatives.get(key)
        if known is None:
            known = self._remember(key, self._derive_push(active, lead))
        return known

    def _remember(self, key: Any, derivative: KernelDerivative) -> KernelDerivative:
        if len(self._derivatives) >= MAX_DERIVATIVES:  # a Jacobian of every size is one
            self._derivatives = {}
        self._derivatives[key] = derivative
        return derivative

    def needs(self, active: tuple[int, ...]) -> tuple[frozenset[int], frozenset[int]]:
        """Return which operands and results the derivatives by ``active`` read.

        Of a long formula that is everything: the derivative that nobody asks for takes seconds.
        """
        if self.is_long:
            return frozenset(range(len(self.dtypes))), frozenset(range(len(self.results)))
        known = self._needs.get(active)
        if known is None:
            everything = tuple(range(len(self.templates)))
            uses = {*self.pull(active, everything, ()).uses, *self.push(active, ()).uses}
            known = self._needs[active] = (
                frozenset(k for kind, k in uses if kind == "operand"),
                frozenset(k for kind, k in uses if kind == "result"),
            )
        return known

    @shared_products()
    def _derive_pull(
        self,
        active: tuple[int, ...],
        seeded: tuple[int, ...],
        lead: tuple[int, ...],
        guard: bool,
    ) -> KernelDerivative:
        operands = self._operands()
        wrt = [operands.get(k) for k in active]
        present = [x for x in wrt if x is not None]
        seeds = {j: Var(f"seed {j}", (*lead, *self.templates[j].dims)) for j in seeded}
        conjugate = any(d.kind == "c" for d in (*self.dtypes, *self.results))
        parts = [
            pull_back(
                self.templates[j], present, g, len(lead),
                conjugate=conjugate, guard=guard, numbers=True,
            )
            for j, g in seeds.items()
        ]  # fmt: skip
        totals = dict(zip(present, (add(*xs) for xs in zip(*parts, strict=True)), strict=True))
        positions = [k for k, x in zip(active, wrt, strict=True) if x and not is_zero(totals[x])]
        return self._derivative(
            [totals[operands[k]] for k in positions],
            {g: ("seed", j) for j, g in seeds.items()},
            positions,
            [self.dtypes[k] for k in positions],
            {("seed", j): self.results[j] for j in seeded},
        )

    @shared_products()
    def _derive_push(self, active: tuple[int, ...], lead: tuple[int, ...]) -> KernelDerivative:
        operands = self._operands()
        seeds = {k: Var(f"seed {k}", (*lead, *operands[k].dims)) for k in active if k in operands}
        tangents: dict[Expr, Expr] = {operands[k]: t for k, t in seeds.items()}
        pushed = [push_forward(x, tangents, len(lead), numbers=True) for x in self.templates]
        positions = [j for j, x in enumerate(pushed) if seeds and not is_zero(x)]
        return self._derivative(
            [pushed[j] for j in positions],
            {t: ("seed", k) for k, t in seeds.items()},
            positions,
            [self.results[j] for j in positions],
            {("seed", k): self.dtypes[k] for k in seeds},
        )

    def _operands(self) -> dict[int, Var]:
        return {int(var.name): var for var in variables(*self.templates)}

    def _derivative(
        self,
        exprs: list[Expr],
        seeds: dict[Var, Use],
        positions: list[int],
        results: list[np.dtype[Any]],
        seed_dtypes: dict[Use, np.dtype[Any]],
    ) -> KernelDerivative:
        """Put results in where they occur, number what is read, and make a kernel of it."""
        stand_in: dict[Expr, Expr] = {}
        kind: dict[Var, Use] = dict(seeds)
        for j, template in enumerate(self.templates):
            if not isinstance(template, Var) and template.operands:
                stand_in[template] = var = Var(f"result {j}", template.dims)
                kind[var] = ("result", j)
        for k, var in self._operands().items():
            kind[var] = ("operand", k)
            if self.dtypes[k].kind != "c":
                stand_in[conj(var)] = var  # a real number is its own conjugate
        exprs = [substitute(x, stand_in) for x in exprs]
        found = [v for v in variables(*exprs) if v in kind]
        uses = tuple(kind[v] for v in found)
        dtype_of: dict[Use, np.dtype[Any]] = {
            **{("operand", k): d for k, d in enumerate(self.dtypes)},
            **{("result", k): d for k, d in enumerate(self.results)},
            **seed_dtypes,
        }
        number: dict[Expr, Expr] = {v: Var(str(n), v.dims, v.integer) for n, v in enumerate(found)}
        kernel = kernel_of(
            tuple(substitute(x, number) for x in exprs),
            tuple(dtype_of[use] for use in uses),
            tuple(results),
            self.stable,
        )
        return KernelDerivative(kernel, uses, tuple(positions))


_kernels: Cache[Any, Kernel] = Cache(CACHE_SIZE)


def kernel_of(
    templates: tuple[Expr, ...],
    dtypes: tuple[np.dtype[Any], ...],
    results: tuple[np.dtype[Any], ...],
    stable: bool = False,
) -> Kernel:
    """Return the kernel for formulas; equal formulas and dtypes share one."""
    key = (templates, dtypes, results, stable)
    known = _kernels.get(key)
    return known or _kernels.put(key, Kernel(templates, dtypes, results, stable))


# --- how a kernel runs ------------------------------------------------------------------------


def _masks(node: Expr) -> bool:
    """Whether a pull-back through a node fills in zeros."""
    if isinstance(node, Map):
        return node.function in FUNCTIONS and FUNCTIONS[node.function].fills_zeros
    return isinstance(node, Slice | Gather)


def _computing_dtype(dtypes: Sequence[np.dtype[Any]]) -> str:
    """Return the dtype to compute in: float16 and bfloat16 are summed in float32."""
    inexact = [d for d in dtypes if d.kind in "fc"] or [np.dtype(np.float64)]
    dtype = np.result_type(*inexact)
    return "float32" if dtype == np.float16 else dtype.name


def _runner(
    program: Callable[..., Sequence[Value]],
    positions: list[int],
    count: int,
    casts: tuple[np.dtype[Any], ...] | None,
) -> Run:
    if positions == list(range(count)):
        run: Run = lambda values: program(*values)  # noqa: E731
    elif positions == [1, 0]:
        run = lambda values: program(values[1], values[0])  # noqa: E731
    else:
        run = lambda values: program(*[values[k] for k in positions])  # noqa: E731
    if casts is None:
        return run
    return lambda values: [cast(x, dtype) for x, dtype in zip(run(values), casts, strict=True)]


def cast(value: Value, dtype: np.dtype[Any]) -> Value:
    """Convert an array; from complex to real numbers takes the real part."""
    if np.iscomplexobj(value) and dtype.kind != "c":
        value = value.real
    return np.asarray(value, dtype)


def _cast_after(view: Callable[[Value], Value], dtype: np.dtype[Any]) -> Run:
    def run(values: Sequence[Value]) -> tuple[Value]:
        result = view(values[0])
        return (result if result.dtype == dtype else cast(result, dtype),)

    return run


# --- formulas that move no number, as NumPy's views --------------------------------------------


def view_of(template: Expr) -> Callable[[Value], Value] | None:
    """Return how NumPy sees a template that moves no number: a view of operand 0, its only one.

    >>> from eingrad.core.algebra import transpose
    >>> view_of(transpose(Var("0", (2, 3)), (1, 0)))(np.ones((2, 3))).shape
    (3, 2)
    """
    operand = template if isinstance(template, Var) else next(iter(template.operands), None)
    if len(template.operands) > 1 or not isinstance(operand, Var) or operand.name != "0":
        return None
    if operand is template:
        return np.asarray
    if isinstance(template, Reshape):
        shape = template.dims
        return lambda x: x.reshape(shape)
    if isinstance(template, Slice):
        index = tuple(_slice(*r) for r in template.ranges)
        return lambda x: x[index]
    if isinstance(template, Einsum) and is_light(template):
        return _transposed(template)
    return None


def _slice(first: int, count: int, step: int) -> slice:
    """Return the slice for ``first + step * k``, k below ``count``.

    >>> list(range(5))[_slice(4, 5, -1)]
    [4, 3, 2, 1, 0]
    """
    if count == 0:
        return slice(0, 0, 1)
    stop = first + step * count
    return slice(first, None if stop < 0 else stop, step)


def cast_shape(dims: Sequence[Dim]) -> tuple[int, ...]:
    """Return extents that are known to be integers."""
    return tuple([int(d) for d in dims])


def _transposed(template: Einsum) -> Callable[[Value], Value] | None:
    labels = template.inputs[0]
    if len(set(labels)) != len(labels):
        return None
    shape = cast_shape(template.dims)
    order = [labels.index(k) for k in template.output if k in labels]
    if len(order) == len(shape):
        return lambda x: x.transpose(order)
    index = tuple(slice(None) if k in labels else None for k in template.output)
    if order == list(range(len(order))):
        return lambda x: np.broadcast_to(x[index], shape)
    return lambda x: np.broadcast_to(x.transpose(order)[index], shape)
