"""Named expressions -> a function of arrays, made anew for each set of sizes and dtypes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from eingrad.calculus.optim import StateTensor
from eingrad.core.expr import Expr, Map, Var, postorder
from eingrad.core.functions import FUNCTIONS
from eingrad.engine.emit import Emitter
from eingrad.engine.executable import Executable
from eingrad.engine.lengthen import lengthen
from eingrad.engine.lower import lower
from eingrad.engine.memory import Memory, plan_memory
from eingrad.engine.plan import Plan, make_plan
from eingrad.engine.program import Program
from eingrad.engine.prune import prune
from eingrad.engine.signature import (
    Signature,
    as_array,
    bind_sizes,
    check_extents,
    check_names,
    check_updated,
    choose_dtype,
)
from eingrad.errors import BackendError, EingradError, MemoryLimitError, ShapeError

CACHE_SIZE = 64  # programs a function keeps
NOMINAL_SIZES = (2, 3, 4, 5, 6, 7, 8, 9)
Array = np.ndarray[Any, Any]


class Function:
    """A compiled set of expressions: ``f(**arrays)`` returns a dict of arrays.

    ``source`` is the Python source that ran last (before the first call: for nominal sizes) and
    ``plan`` its table of operations and memory. Calls from several threads are safe.
    """

    def __init__(
        self,
        outputs: Mapping[str, Expr],
        updates: Mapping[str, Expr],
        *,
        state: Mapping[str, StateTensor],
        dtype: str | None,
        functions: Mapping[str, Callable[..., Any]],
        labels: Mapping[str, tuple[str, ...]],
        inputs: Iterable[Var],
        optional: Iterable[str],
        memory_limit: int | None,
    ) -> None:
        self.outputs = dict(outputs)
        self.updates = {**updates, **{name: x.new_value for name, x in state.items()}}
        self.state: dict[str, Array] = {}
        self._initial = {name: x.initial for name, x in state.items()}
        self.dtype, self.functions, self.labels = dtype, dict(functions), dict(labels)
        self.memory_limit = memory_limit
        rank = {name: k for k, name in enumerate(labels)}  # the author's order, for messages
        everything = _inputs(self.outputs, self.updates, inputs)
        everything.sort(key=lambda var: rank.get(var.name, len(rank)))
        self.inputs = [var for var in everything if var.name not in state]
        self._state_inputs = [var for var in everything if var.name in state]
        self._state_names = [var.name for var in self._state_inputs]
        self._names = [var.name for var in self.inputs]
        self._ignored = frozenset(optional) - set(self._names)
        self._results = tuple(self.outputs)
        self._pick = _picker(self._names)
        self._programs: OrderedDict[Any, Executable] = OrderedDict()
        self._latest: tuple[Any, Executable | None] = (None, None)
        self._lock = threading.Lock()

    def __call__(self, **arrays: Any) -> dict[str, Array]:
        if len(arrays) > len(self._names):
            arrays = {k: x for k, x in arrays.items() if k not in self._ignored}
        try:
            values = self._pick(arrays)
            if self._state_names:
                values = (*values, *map(self.state.__getitem__, self._state_names))
            key = [(type(x), x.shape, x.dtype) for x in values]
        except (KeyError, AttributeError):
            return self._call_unusual(arrays)
        known, executable = self._latest
        if key != known or len(arrays) != len(self._names):
            executable = self._programs.get(tuple(key))
            if executable is None or len(arrays) != len(self._names):
                return self._call_unusual(arrays)
            with self._lock:
                self._programs.move_to_end(tuple(key))
            self._latest = (key, executable)
        assert executable is not None
        if self.updates:
            self._check_updates(arrays)
        return dict(zip(self._results, executable(values), strict=True))

    def _call_unusual(self, given: Mapping[str, Any]) -> dict[str, Array]:
        """Check and convert the arrays, and compile where their signature is new."""
        given = {k: x for k, x in given.items() if k not in self._ignored}
        check_names(self.inputs, given)
        arrays = {name: as_array(name, given[name]) for name in self._names}
        signature = self._signature(arrays)
        if self.updates:
            self._check_updates(given)
        arrays |= {name: self.state[name] for name in self._state_names}
        results = self._executable(arrays, signature)(list(arrays.values()))
        return dict(zip(self._results, results, strict=True))

    def _executable(self, arrays: Mapping[str, Array], signature: Signature) -> Executable:
        key = tuple((np.ndarray, x.shape, x.dtype) for x in arrays.values())
        executable = self._programs.get(key)
        if executable is None:
            executable = self._make(signature)
            with self._lock:
                self._programs[key] = executable
                while len(self._programs) > CACHE_SIZE:
                    self._programs.popitem(last=False)
        self._latest = (list(key), executable)
        return executable

    def _signature(self, arrays: Mapping[str, Array]) -> Signature:
        sizes = bind_sizes(self.inputs, arrays, self.labels)
        check_extents(self._nodes(), sizes)
        for var in self.inputs:
            if var.integer and arrays[var.name].dtype.kind not in "iub":
                raise ShapeError(
                    f"{var.name} has dtype {arrays[var.name].dtype}, but it must hold integers",
                    operand=var.name,
                )
        own = {v.name: arrays[v.name] for v in self.inputs if not v.integer}
        dtype, result = choose_dtype(own, self.dtype)
        self._begin_state(sizes, dtype)
        everything = {**arrays, **{name: self.state[name] for name in self._state_names}}
        return Signature(sizes, dtype, result, {n: x.dtype.name for n, x in everything.items()})

    def _begin_state(self, sizes: Mapping[str, int], dtype: str) -> None:
        """Give each state tensor that is not there its first value; check the others."""
        for var in self._state_inputs:
            shape = tuple(sizes[d] if isinstance(d, str) else d for d in var.dims)
            array = self.state.setdefault(var.name, np.full(shape, self._initial[var.name], dtype))
            check_updated(var.name, array, dtype)
            if array.shape != shape:
                raise ShapeError(
                    f"the state {var.name} has shape {array.shape}, this call needs {shape}",
                    operand=var.name,
                )

    def _check_updates(self, arrays: Mapping[str, Any]) -> None:
        for name in self.updates:
            if name in self._initial:
                continue
            x = arrays[name]
            flags = getattr(x, "flags", None)
            if flags is None or not (flags.writeable and flags.c_contiguous):
                check_updated(name, x, self._update_dtype(arrays))
        seen = {id(x) for x in arrays.values()}
        if len(seen) != len(arrays):
            self._check_distinct(arrays)

    def _update_dtype(self, arrays: Mapping[str, Any]) -> str:
        own = {v.name: np.asarray(arrays[v.name]) for v in self.inputs if not v.integer}
        return choose_dtype(own, self.dtype)[0]

    def _check_distinct(self, arrays: Mapping[str, Any]) -> None:
        for name in self.updates:
            for other, array in arrays.items():
                if name in arrays and other != name and array is arrays[name]:
                    raise EingradError(
                        f"{name} is updated in place, but {other} is the same array",
                        operand=name,
                        hint=f"pass a copy as {other}",
                    )

    # --- programs -----------------------------------------------------------------------------

    def specialize(
        self, input_dtypes: Mapping[str, str], dtype: str, result_dtype: str
    ) -> Executable:
        """Return the program for inputs of known shapes, to call with arrays in their order.

        It checks nothing: for a caller that knows shapes and dtypes, and counts microseconds.
        """
        return self._make(Signature({}, dtype, result_dtype, input_dtypes))

    def _make(self, signature: Signature) -> Executable:
        for name in self.updates:
            given = signature.input_dtypes.get(name, signature.dtype)
            if given != signature.dtype or signature.dtype != signature.result_dtype:
                check_updated(name, np.empty(0, given), signature.dtype)
        program, memory = self._plan(signature)
        emitter = Emitter(
            program, memory, signature.dtype, signature.result_dtype,
            dict(signature.input_dtypes), self._title(signature),
        )  # fmt: skip
        source = emitter.emit()
        functions = {
            local: _checked(name, self.functions[name], signature.dtype)
            for name, local in emitter.functions.items()
        }
        plan = make_plan(program, memory, signature.sizes, signature.dtype)
        return Executable(source, plan, functions)

    def _plan(self, signature: Signature) -> tuple[Program, Memory]:
        inputs = [*self.inputs, *self._state_inputs]
        program = lower(self.outputs, self.updates, signature.sizes, inputs)
        program = lengthen(prune(program), signature.dtype)
        memory = plan_memory(program, np.dtype(signature.dtype).itemsize)
        needed = memory.workspace + memory.results
        if self.memory_limit is not None and needed > self.memory_limit:
            raise MemoryLimitError(
                f"the plan needs {needed:,} bytes (buffers {memory.workspace:,}, results "
                f"{memory.results:,}), more than the limit of {self.memory_limit:,} bytes",
                hint="pass smaller batches or a larger memory_limit",
            )
        return program, memory

    def _title(self, signature: Signature) -> str:
        shapes = []
        for var in self.inputs[:12]:
            sizes = [signature.sizes[d] if isinstance(d, str) else d for d in var.dims]
            shapes.append("x".join(map(str, sizes)) or "scalar")
        more = ", ..." if len(self.inputs) > 12 else ""
        return f"NumPy, {signature.dtype}; inputs {', '.join(shapes)}{more}"

    @property
    def _shown(self) -> Executable:
        executable = self._latest[1]
        if executable is None:
            dims = dict.fromkeys(d for node in self._nodes() for d in node.dims)
            names = [d for d in dims if isinstance(d, str)]
            sizes = {d: NOMINAL_SIZES[k % len(NOMINAL_SIZES)] for k, d in enumerate(names)}
            dtype, result = choose_dtype({}, self.dtype)
            inputs = [*self.inputs, *self._state_inputs]
            given = {v.name: "int64" if v.integer else dtype for v in inputs}
            executable = self._make(Signature(sizes, dtype, result, given))
            self._latest = (None, executable)
        return executable

    def _nodes(self) -> list[Expr]:
        return list(postorder([*self.outputs.values(), *self.updates.values()]))

    @property
    def source(self) -> str:
        """The Python source that runs."""
        return self._shown.source

    @property
    def plan(self) -> Plan:
        """The table of contractions and memory."""
        return self._shown.plan

    def __repr__(self) -> str:
        return f"<eingrad function of {', '.join(self._names)} -> {', '.join(self._results)}>"


def compile_program(
    outputs: Mapping[str, Expr],
    *,
    backend: str = "numpy",
    dtype: Any = None,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    updates: Mapping[str, Expr] | None = None,
    state: Mapping[str, StateTensor] | None = None,
    labels: Mapping[str, tuple[str, ...]] | None = None,
    inputs: Iterable[Var] = (),
    optional: Iterable[str] = (),
    memory_limit: int | None = None,
) -> Function:
    """Return a function that computes named expressions from arrays named like their `Var` s.

    ``dtype`` is the one to compute in; None takes it from the floating-point inputs.
    ``functions`` gives a Python function of an array for each declared function. ``updates`` gives
    new values of inputs, written into the caller's arrays after all else was read from them.
    ``state`` are tensors that the function itself keeps from call to call, in ``Function.state``.
    ``labels`` are the author's letters for the axes of each input, for messages. ``inputs`` are
    required even where nothing but their sizes is needed (a gradient that is 0); ``optional``
    names may be passed and are not looked at. A call that would
    need more than ``memory_limit`` bytes raises `MemoryLimitError` before anything is allocated.

    >>> from eingrad.core.algebra import einsum
    >>> a, b = Var("A", ("i", "j")), Var("B", ("j", "k"))
    >>> f = compile_program({"C": einsum([(a, (0, 1)), (b, (1, 2))], (0, 2))})
    >>> f(A=np.ones((2, 3)), B=np.ones((3, 2)))["C"]
    array([[3., 3.],
           [3., 3.]])
    """
    if backend != "numpy":
        raise BackendError(f"there is no backend {backend!r}", hint='the backends are: "numpy"')
    if dtype is not None:
        dtype = np.dtype(dtype).name
        if np.dtype(dtype).kind not in "fc":
            raise BackendError(f"cannot compute in {dtype}", hint="use float32 or float64")
    functions, state = dict(functions or {}), dict(state or {})
    new_values = {**(updates or {}), **{name: x.new_value for name, x in state.items()}}
    _check_functions([*outputs.values(), *new_values.values()], functions)
    _check_new_values(outputs, new_values)
    return Function(
        outputs, updates or {}, state=state, dtype=dtype, functions=functions,
        labels=labels or {}, inputs=inputs, optional=optional, memory_limit=memory_limit,
    )  # fmt: skip


def _inputs(
    outputs: Mapping[str, Expr], updates: Mapping[str, Expr], more: Iterable[Var] = ()
) -> list[Var]:
    found: dict[str, Var] = {}
    for node in postorder([*outputs.values(), *updates.values(), *more]):
        if isinstance(node, Var):
            known = found.setdefault(node.name, node)
            if known is not node:
                raise EingradError(
                    f"{node.name} stands for two tensors: axes {known.dims} and {node.dims}",
                    operand=node.name,
                )
    return list(found.values())


def _check_functions(roots: Sequence[Expr], functions: Mapping[str, Any]) -> None:
    for node in postorder(roots):
        if isinstance(node, Map) and node.function not in FUNCTIONS:
            name = node.function
            if not callable(functions.get(name)):
                raise EingradError(
                    f"the function {name} is not bound",
                    operand=name,
                    hint=f"pass functions={{{name!r}: a Python function of one array}}",
                )


def _check_new_values(outputs: Mapping[str, Expr], updates: Mapping[str, Expr]) -> None:
    known = {var.name: var for var in _inputs(outputs, updates)}
    for name, node in updates.items():
        var = known.get(name)
        if var is None:
            raise EingradError(f"there is no input {name} to update", operand=name)
        if var.dims != node.dims or var.integer:
            raise ShapeError(
                f"the new value of {name} has axes {node.dims}, {name} has {var.dims}", operand=name
            )


def _picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    if len(names) == 1:
        (only,) = names
        return lambda arrays: (arrays[only],)
    return itemgetter(*names) if names else lambda _arrays: ()


def _checked(name: str, function: Callable[..., Any], dtype: str) -> Callable[[Any], Any]:
    """Return the caller's function with a check of what it returns."""

    def call(x: Any) -> Any:
        result = np.asarray(function(x))
        if result.shape != np.shape(x) or result.dtype.kind not in "biufc":
            raise ShapeError(
                f"the function {name} took shape {np.shape(x)} and returned shape {result.shape}, "
                f"dtype {result.dtype}; it must be element-wise",
                operand=name,
            )
        return result if result.shape else np.dtype(dtype).type(result)

    return call


__all__ = ["Executable", "Function", "compile_program"]
