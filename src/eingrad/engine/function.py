"""A compiled function: a program for each signature of its arrays, made when it is first met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from operator import itemgetter
from typing import Any

import numpy as np

from eingrad.calculus.optim import StateTensor
from eingrad.calculus.run_form import form_to_run
from eingrad.core.conjugate import CONJ
from eingrad.core.expr import (
    Expr,
    Map,
    Reduce,
    Var,
    check_extents,
    depends_on,
    named_dims,
    postorder,
)
from eingrad.core.partials import record_of
from eingrad.core.spans import add_spans
from eingrad.engine.cache import Cache
from eingrad.engine.emit import Emitter
from eingrad.engine.executable import Executable
from eingrad.engine.library import Library
from eingrad.engine.make_program import make_program
from eingrad.engine.memory import Memory, plan_memory, without_buffers
from eingrad.engine.passes import add_at_entries, blas_work, prune, specialize_large
from eingrad.engine.plan import Plan, make_plan
from eingrad.engine.program import Program
from eingrad.engine.sharding import Placement
from eingrad.engine.signature import (
    Signature,
    bind_sizes,
    check_names,
    choose_dtype,
    kind_of,
    named_axes,
)
from eingrad.errors import EingradError, MemoryLimitError, ShapeError

CACHE_SIZE = 64  # programs a function keeps
NOMINAL_SIZES = (2, 3, 4, 5, 6, 7, 8, 9)
Array = Any


class CompiledFunction:
    """A compiled set of expressions: ``f(**arrays)`` returns a dict of arrays.

    ``source`` is the Python source that ran last (before the first call: for nominal sizes) and
    ``plan`` its table of operations and memory. Calls from several threads are safe. New values
    of inputs are written into the caller's arrays; JAX, whose arrays do not change, returns them
    with the results, under the inputs' names. ``state`` is what an optimizer keeps.

    >>> from eingrad import parse
    >>> f = parse("L = w_i w_i").grad("L", "w").compile()
    >>> f
    <eingrad function of w -> L, dL/dw>
    >>> f(w=np.array([1.0, 2.0]))
    {'L': array(5.), 'dL/dw': array([2., 4.])}
    """

    def __init__(
        self,
        outputs: Mapping[str, Expr],
        updates: Mapping[str, Expr],
        *,
        library: Library,
        state: Mapping[str, StateTensor],
        dtype: str | None,
        functions: Mapping[str, Callable[..., Any]],
        labels: Mapping[str, tuple[str, ...]],
        inputs: Iterable[Var],
        optional: Iterable[str],
        memory_limit: int | None,
    ) -> None:
        self.library = library
        self.outputs = dict(outputs)
        self.updates = {**updates, **{name: x.new_value for name, x in state.items()}}
        self.state: dict[str, Array] = {}
        self._initial = {name: x.initial for name, x in state.items()}
        self.dtype, self.functions, self.labels = dtype, dict(functions), dict(labels)
        self.memory_limit = memory_limit
        self.inner: Mapping[Expr, Placement] = {}
        rank = {name: k for k, name in enumerate(labels)}  # the author's order, for messages
        everything = find_inputs(self.outputs, self.updates, inputs)
        everything.sort(key=lambda var: rank.get(var.name, len(rank)))
        self.inputs = [var for var in everything if var.name not in state]
        self._state_inputs = [var for var in everything if var.name in state]
        self._state_names = [var.name for var in self._state_inputs]
        self._names = [var.name for var in self.inputs]
        self._ignored = frozenset(optional) - set(self._names)
        returned = () if library.spelling.update else self.updates
        self._results = (*self.outputs, *returned)
        self._returned_state = [name for name in self._initial if name in returned]
        self._pick = _picker(self._names, library.spelling.in_place)
        self._is_traced = library.is_traced
        self._program_of = library.constant(self._find_or_make)
        self._programs: Cache[Any, Executable] = Cache(CACHE_SIZE)
        self._latest: tuple[Any, Executable | None] = (None, None)

    def __call__(self, /, **arrays: Any) -> dict[str, Array]:
        if self._is_traced():
            return self._call_traced(arrays)
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
            executable = self._find(values) if len(arrays) == len(self._names) else None
            if executable is None:
                return self._call_unusual(arrays)
            self._latest = (key, executable)
        assert executable is not None
        if self.updates:
            self._check_updates(arrays)
        return self._named(executable(values))

    def _named(self, results: Sequence[Array]) -> dict[str, Array]:
        """Return results by name; keep those that are the function's own state."""
        named = dict(zip(self._results, results, strict=True))
        for name in self._returned_state:
            self.state[name] = named.pop(name)
        return named

    def _find(self, values: Sequence[Any]) -> Executable | None:
        """Return the program for arrays that need no conversion, if there is one."""
        if not all(map(self.library.is_own, values)):
            return None
        return self._programs.get(_key(values))

    def _call_unusual(self, given: Mapping[str, Any]) -> dict[str, Array]:
        """Check and convert the arrays, and compile where their signature is new."""
        given = {k: x for k, x in given.items() if k not in self._ignored}
        check_names(self.inputs, given)
        given = {k: named_axes(k, x, self.labels.get(k, ())) for k, x in given.items()}
        others = [given[name] for name in self._names]
        arrays = {name: self.library.as_array(name, given[name], others) for name in self._names}
        executable = self._find_or_make(arrays)
        if self.updates:
            self._check_updates(given)
        return self._named(executable(self._with_state(arrays)))

    def _call_traced(self, arrays: Mapping[str, Any]) -> dict[str, Array]:
        """Compute for a compiler that reads along: it sees the program, not how it came about."""
        others = list(arrays.values())
        arrays = {
            name: self.library.as_array(name, x, others)
            for name, x in arrays.items()
            if name not in self._ignored
        }
        run = self._program_of(arrays).positional()
        if self.updates:
            self._check_updates(arrays)
        values = self._with_state({name: arrays[name] for name in self._names})
        return self._named(run(*values))

    def _with_state(self, arrays: Mapping[str, Array]) -> list[Array]:
        return [*arrays.values(), *[self.state[name] for name in self._state_names]]

    def _find_or_make(self, arrays: Mapping[str, Array]) -> Executable:
        """Return the program for arrays, by their shapes and dtypes."""
        check_names(self.inputs, arrays)
        arrays = {name: arrays[name] for name in self._names}
        executable = None
        if not self._state_names:  # what has a program was checked when that was made
            executable = self._programs.get(_key(values := list(arrays.values())))
        if executable is None:
            signature = self._signature(arrays)
            key = _key(values := self._with_state(arrays))
            executable = self._programs.get(key)
            if executable is None:
                executable = self._programs.put(key, self._make(signature))
        self._latest = ([(type(x), x.shape, x.dtype) for x in values], executable)
        return executable

    def _signature(self, arrays: Mapping[str, Array]) -> Signature:
        sizes = bind_sizes(self.inputs, arrays, self.labels)
        add_spans(sizes, (d for node in self._nodes() for d in named_dims(node)))
        check_extents(self._nodes(), sizes)
        dtypes = {name: self.library.dtype_name(x) for name, x in arrays.items()}
        for var in self.inputs:
            if var.integer and kind_of(dtypes[var.name]) not in "iub":
                raise ShapeError(
                    f"{var.name} has dtype {dtypes[var.name]}, but it must hold integers",
                    operand=var.name,
                )
        dtype, result = self._choose_dtype(dtypes)
        self._begin_state(sizes, dtype, list(arrays.values()))
        state = {name: self.library.dtype_name(self.state[name]) for name in self._state_names}
        return Signature(sizes, dtype, result, {**dtypes, **state})

    def _choose_dtype(self, dtypes: Mapping[str, str]) -> tuple[str, str]:
        own = [dtypes[v.name] for v in self.inputs if not v.integer and v.name in dtypes]
        dtype, result = choose_dtype(own, self.dtype, self.library.default_dtype())
        self.library.check_dtype(dtype)
        return dtype, result

    def _begin_state(self, sizes: Mapping[str, int], dtype: str, others: Sequence[Array]) -> None:
        """Give each state tensor that is not there its first value; check the others."""
        for var in self._state_inputs:
            shape = tuple(sizes[d] if isinstance(d, str) else d for d in var.dims)
            array = self.state.get(var.name)
            if array is None:
                array = self.library.full(shape, self._initial[var.name], dtype, others)
            elif not self.library.is_own(array):
                array = self.library.as_array(var.name, array, others)
            self.state[var.name] = array
            self.library.check_updated(var.name, array, dtype)
            if tuple(array.shape) != shape:
                raise ShapeError(
                    f"the state {var.name} has shape {tuple(array.shape)}, this call needs {shape}",
                    operand=var.name,
                )

    def _check_updates(self, arrays: Mapping[str, Any]) -> None:
        for name in self.updates:
            if name in self._initial:
                continue
            if not self.library.is_updatable(arrays[name]):
                self.library.check_updated(name, arrays[name], self._update_dtype(arrays))
        seen = {id(x) for x in arrays.values()}
        if len(seen) != len(arrays) and self.library.spelling.update:
            self._check_distinct(arrays)

    def _update_dtype(self, arrays: Mapping[str, Any]) -> str:
        own = {v.name: self.library.as_array(v.name, arrays[v.name], ()) for v in self.inputs}
        return self._choose_dtype({n: self.library.dtype_name(x) for n, x in own.items()})[0]

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
        if kind_of(signature.dtype) == "c":
            self._refuse_complex(signature)
        for name in self.updates:
            given = signature.input_dtypes.get(name, signature.dtype)
            if given != signature.dtype or signature.dtype != signature.result_dtype:
                self.library.check_updated(
                    name, self.library.full((), 0, given, ()), signature.dtype
                )
        program, memory = self._plan(signature)
        emitter = Emitter(
            program, self.library.spelling, memory, signature.dtype, signature.result_dtype,
            dict(signature.input_dtypes), self._title(signature),
        )  # fmt: skip
        source = emitter.emit()
        functions = {
            local: self.library.checked(name, self.functions[name], signature.dtype)
            for name, local in emitter.functions.items()
        }
        plan = make_plan(program, memory, signature.sizes, signature.dtype)
        work = blas_work(program) if self.library.spelling.in_place else 0
        return Executable(source, plan, {**functions, **self._globals()}, work)

    def _refuse_complex(self, signature: Signature) -> None:
        """Raise where a complex input is in a function of real numbers; a formula with a conjugate
        may have made them real again."""
        given = signature.input_dtypes
        complex_ = [x for x in self.inputs if kind_of(given.get(x.name, signature.dtype)) == "c"]
        roots = [*self.outputs.values(), *self.updates.values()]
        nodes = list(postorder(roots))
        if any(isinstance(x, Map) and x.function == CONJ for x in nodes):
            return
        moved = set().union(*(depends_on(root, complex_) for root in roots))
        for node in nodes:
            record = record_of(node) if isinstance(node, Map | Reduce) else None
            if record is not None and record.real and node in moved:
                raise EingradError(
                    f"{record.name} is a function of real numbers, and its argument is complex",
                    operand=record.name,
                )

    def _globals(self) -> Mapping[str, Any]:
        """Return what the source takes for granted beside its imports."""
        return {}

    def _plan(self, signature: Signature) -> tuple[Program, Memory]:
        inputs = [*self.inputs, *self._state_inputs]
        spelling, item_size = self.library.spelling, np.dtype(signature.dtype).itemsize
        outputs, updates, inner = self._form_to_run(signature.sizes)
        program = make_program(outputs, updates, signature.sizes, inputs, spelling, inner)
        program = add_at_entries(prune(program))
        if spelling.in_place:
            program = specialize_large(program, signature.dtype)
            memory = plan_memory(program, item_size)
            needed = memory.workspace + memory.results
        else:
            memory = without_buffers(program, item_size)
            needed = memory.unshared + memory.results
        if self.memory_limit is not None and needed > self.memory_limit:
            raise MemoryLimitError(
                f"the plan needs {needed:,} bytes (buffers {needed - memory.results:,}, results "
                f"{memory.results:,}), more than the limit of {self.memory_limit:,} bytes",
                hint="pass smaller batches or a larger memory_limit",
            )
        return program, memory

    def _form_to_run(
        self, sizes: Mapping[str, int]
    ) -> tuple[dict[str, Expr], dict[str, Expr], dict[Expr, Placement]]:
        """Return what is cheapest to compute of what equals outputs, updates and inner nodes."""
        groups: tuple[Mapping[Any, Expr], ...] = (
            self.outputs, self.updates, {node: node for node in self.inner}
        )  # fmt: skip
        roots = [node for group in groups for node in group.values()]
        rest = iter(form_to_run(roots, lambda d: sizes[d] if isinstance(d, str) else d))
        outputs, updates, inner = (dict(zip(group, rest, strict=False)) for group in groups)
        return outputs, updates, {new: self.inner[node] for node, new in inner.items()}

    def _title(self, signature: Signature) -> str:
        shapes = []
        for var in self.inputs[:12]:
            sizes = [signature.sizes[d] if isinstance(d, str) else d for d in var.dims]
            shapes.append("x".join(map(str, sizes)) or "scalar")
        more = ", ..." if len(self.inputs) > 12 else ""
        return f"{self.library.spelling.title}, {signature.dtype}; inputs {', '.join(shapes)}{more}"

    @property
    def _shown(self) -> Executable:
        executable = self._latest[1]
        if executable is None:
            dims = dict.fromkeys(d for node in self._nodes() for d in node.dims)
            sizes = self._nominal_sizes([d for d in dims if isinstance(d, str)])
            dtype, result = choose_dtype((), self.dtype, self.library.default_dtype())
            inputs = [*self.inputs, *self._state_inputs]
            given = {v.name: "int64" if v.integer else dtype for v in inputs}
            executable = self._make(Signature(sizes, dtype, result, given))
            self._latest = (None, executable)
        return executable

    def _nominal_sizes(self, dims: Sequence[str]) -> dict[str, int]:
        return {d: NOMINAL_SIZES[k % len(NOMINAL_SIZES)] for k, d in enumerate(dims)}

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

    def _repr_html_(self) -> str:
        body = f"<code>{escape(repr(self))}</code>"
        if self._latest[1] is not None:
            code = f'<pre style="text-align: left">{escape(self.source)}</pre>'
            body += f"<details><summary>the code that runs</summary>{code}</details>"
        return f"<div>{body}</div>"


def find_inputs(
    outputs: Mapping[str, Expr], updates: Mapping[str, Expr], more: Iterable[Var] = ()
) -> list[Var]:
    """Return the inputs of expressions."""
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


def _key(values: Sequence[Any]) -> Any:
    return tuple((x.shape, x.dtype) for x in values)


def _picker(names: Sequence[str], fast: bool) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    if not fast:  # torch.compile does not look into operator.itemgetter
        return lambda arrays: tuple([arrays[name] for name in names])
    if len(names) == 1:
        (only,) = names
        return lambda arrays: (arrays[only],)
    return itemgetter(*names) if names else lambda _arrays: ()
