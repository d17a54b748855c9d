"""Expr -> Program: every node becomes a value, most of which cost nothing until they are needed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import opt_einsum as oe

from eingrad.calculus.run_form import form_to_run
from eingrad.core.algebra import base_and_exponent
from eingrad.core.arrays import (
    AxisSource,
    Concat,
    Gather,
    Matrix,
    Place,
    Range,
    Reshape,
    Scatter,
    Slice,
)
from eingrad.core.bands import Band, Window
from eingrad.core.expr import (
    Const,
    Delta,
    Dim,
    Einsum,
    Expr,
    Indices,
    Labels,
    Map,
    Number,
    Reduce,
    Size,
    Var,
    variables,
)
from eingrad.core.functions import COMPARISONS
from eingrad.core.partials import recipe_of
from eingrad.core.positions import Loop, Scan, Shift
from eingrad.engine import functions, values
from eingrad.engine.loops import add_loop
from eingrad.engine.passes import (
    by_height,
    fused_updates,
    hoist_updates,
    late_nodes,
    scale_small_factors,
    split_update,
)
from eingrad.engine.product_lowering import Accumulate, Factor, ProductLowering
from eingrad.engine.program import (
    FLOAT,
    INTEGER,
    Argument,
    Builder,
    Program,
    Register,
    Shape,
    indices_text,
    literal,
)
from eingrad.engine.sharding import Placement
from eingrad.engine.spelling import Spelling
from eingrad.engine.values import Value, of_register
from eingrad.engine.window_steps import windowed
from eingrad.errors import BackendError


def make_program(
    outputs: Mapping[str, Expr],
    updates: Mapping[str, Expr],
    sizes: Mapping[str, int],
    inputs: Iterable[Var],
    spelling: Spelling,
    inner: Mapping[Expr, Placement] = MappingProxyType({}),
) -> Program:
    """Return the program for named results and for the new values of inputs.

    A function that the backend cannot spell is lowered by its recipe; ``inner`` says how
    intermediate results are split over the devices of a mesh.
    """
    return _Lowering(outputs, updates, sizes, spelling, inner).run(list(inputs))


class _Lowering:
    def __init__(
        self, outputs: Mapping[str, Expr], updates: Mapping[str, Expr], sizes: Mapping[str, int],
        spelling: Spelling, inner: Mapping[Expr, Placement],
    ) -> None:  # fmt: skip
        self.b, self.spelling = Builder(spelling.native), spelling
        self.sizes, self.inner = sizes, inner
        self.outputs = {name: scale_small_factors(node) for name, node in outputs.items()}
        self.updates = updates
        self.values: dict[Expr, Value] = {}
        self.fused = fused_updates(outputs, updates, self.size_of)
        self.taken: set[Register] = set()
        self.loops: dict[tuple[Loop, tuple[Expr, ...]], list[Register]] = {}

    def size_of(self, dim: Dim) -> int:
        return self.sizes[dim] if isinstance(dim, str) else dim

    def run(self, inputs: list[Var]) -> Program:
        for var in inputs:
            shape = tuple(map(self.size_of, var.dims))
            self.b.input(var.name, shape, INTEGER if var.integer else FLOAT)
        program = self.b.program
        everything = [*self.outputs.values(), *self.updates.values()]
        for name, node in by_height(self.outputs, everything):
            self._lower_all([node])
            program.outputs[name] = self._result(node)
        program.outputs = {name: program.outputs[name] for name in self.outputs}
        self._lower_updates(by_height(self.updates, everything))
        program.updates = {name: program.updates[name] for name in self.updates}
        return program

    def _lower_updates(self, updates: Sequence[tuple[str, Expr]]) -> None:
        """Lower all that reads an old value before the new values."""
        late = late_nodes(self.updates, self.fused)
        seen: set[Expr] = set()
        inner = [node for _, node in reversed(updates)]
        while inner:
            node = inner.pop()
            inner += [x for x in node.operands if x in late and x not in seen]
            seen.update(node.operands)
            self._lower_all(x for x in node.operands if x not in late)
        start = len(self.b.program.steps)
        for name, node in updates:
            self.b.program.updates[name] = self._new_value(name, node)
        hoist_updates(self.b.program, start)

    def _lower_all(self, roots: Iterable[Expr]) -> None:
        """Lower what is below ``roots`` and was not lowered before, operands first."""
        stack = [(root, False) for root in reversed(list(roots))]
        while stack:
            node, ready = stack.pop()
            if node in self.values or node in self.fused:
                continue
            recipe = self._recipe(node)
            if ready:
                if recipe is None:
                    value = self._lower(node)
                else:  # computed here, whoever multiplies by it
                    value = functions.computed(self.b, self.values[recipe])
                self.values[node] = self._constrained(node, value)
            else:
                operands = node.operands if recipe is None else (recipe,)
                stack.append((node, True))
                stack.extend((x, False) for x in reversed(operands) if x not in self.values)

    def _recipe(self, node: Expr) -> Expr | None:
        """Return what is lowered in the place of a function that is no operation here."""
        if isinstance(node, Map) and not self.spelling.spells(node):
            return recipe_of(node)
        if isinstance(node, Reduce) and not functions.is_lowered(node.function):
            return recipe_of(node)
        return None

    def _result(self, node: Expr) -> Register | int | float | complex:
        """Return a register that holds every entry and that no other result holds."""
        value = self.values[node]
        if not value.shape and value.register is None and not value.scalars:
            return literal(value.number)
        order = sorted(
            (k for k, axis in enumerate(value.axes) if axis is not None),
            key=lambda k: value.axes[k] or 0,
        )
        order = order if len(order) == len(value.axes) else list(range(len(value.axes)))
        if value.is_mask and not (isinstance(node, Map) and node.function in COMPARISONS):
            value = values.plain(self.b, value, FLOAT)  # where(x > 0, 1, 0) is made of numbers
        register = values.dense(self.b, value, order=order)
        if register.shape and (register.root.is_input or register.root in self.taken):
            register = self.b.copy(register)
        self.taken.add(register.root)
        back = [order.index(k) for k in range(len(order))]
        return self.b.transpose(register, back)

    # --- new values of inputs -----------------------------------------------------------------

    def _new_value(self, name: str, node: Expr) -> Register:
        if node in self.fused and node not in self.values:
            fused = self._accumulated(self.fused[node], node)
            self.values[node] = values.of_register(fused)
        self._lower_all([node])
        register = values.dense(self.b, self.values[node])
        root = register.root
        if root.is_input and root.name != name:
            return self.b.copy(register)
        return register

    def _accumulated(self, name: str, node: Expr) -> Register:
        """``beta W + c A B`` in one matrix product that adds to W."""
        split = split_update(name, node)
        assert split is not None
        beta, scale, product = split
        shape = tuple(map(self.size_of, node.dims))
        target = self.b.input(name, shape, FLOAT)
        number, scalars = self._scale_of(scale)
        own = _scale_value(shape, number, scalars)
        lowering, factors, factor = self._factors(product)
        own = values.scaled(own, factor.number, factor.scalars)
        alpha = values.factor_of(self.b, own)
        into = Accumulate(target, product.output, alpha, float(literal(beta).real))
        return lowering.lower(factors, product.output, into).register

    def _scale_of(self, node: Einsum | None) -> tuple[Number, tuple[Register, ...]]:
        """Return the number and the scalars of a light product."""
        value = values.constant(1)
        for x, labels in zip(node.operands, node.inputs, strict=True) if node else ():
            if not labels and x not in self.fused:
                value = self._times_scalar(value, self.values[x])
        return value.number, value.scalars

    def _constrained(self, node: Expr, value: Value) -> Value:
        """Say how the entries of a value are split, where they are computed and not passed in."""
        tensor, register = self.inner.get(node), value.register
        if tensor is None or register is None or register.root.is_input:
            return value
        place = {axis: k for k, axis in enumerate(value.axes)}
        spec = tuple(tensor.spec[place[axis]] for axis in range(len(register.shape)))
        if not any(spec):
            return value
        register = self.b.step(
            "constrain", [register], register.shape, kind=register.kind, parameters=(spec,), flops=0
        )
        return replace(value, register=register)

    # --- nodes --------------------------------------------------------------------------------

    def _lower(self, node: Expr) -> Value:
        if isinstance(node, Var):
            shape = tuple(map(self.size_of, node.dims))
            kind = INTEGER if node.integer else FLOAT
            return values.of_register(self.b.input(node.name, shape, kind))
        if isinstance(node, Const):
            return values.constant(node.value)
        if isinstance(node, Size):
            return values.constant(self.size_of(node.dim))
        if isinstance(node, Delta):
            n = self.size_of(node.dims[0])
            return self._with_deltas(values.constant(1, (n, n)), [(0, 1)])
        if isinstance(node, Einsum):
            return self._product(node)
        if isinstance(node, Map):
            return self._map(node)
        if isinstance(node, Reduce):
            return functions.lower_reduce(
                self.b, node.function, self.values[node.operands[0]], node.axes
            )
        if isinstance(node, Scan):
            return self._scan(node)
        if isinstance(node, Band):
            lengths = tuple(map(self.size_of, node.dims))
            ends = sum(n * length for n, length in zip(node.ends, lengths, strict=True))
            spec = (lengths, node.weights, node.constant + ends)
            return of_register(self.b.step("band", [], lengths, parameters=(spec,), flops=0))
        if isinstance(node, Window):
            x = values.dense(self.b, values.plain(self.b, self.values[node.operands[0]], FLOAT))
            return of_register(windowed(self.b, x, [r.sized(self.size_of) for r in node.reaches]))
        shape = tuple(map(self.size_of, node.dims))
        return lower_array(self.b, node, [self.values[x] for x in node.operands], shape)

    def _scan(self, node: Scan) -> Value:
        """Run a loop, once for all of its states."""
        key = node.loop, node.operands
        if key not in self.loops:
            self.loops[key] = self._loop(node.loop, node.operands)
        return values.of_register(self.loops[key][node.state])

    def _loop(self, loop: Loop, operands: Sequence[Expr]) -> list[Register]:
        bodies = form_to_run(loop.bodies, self.size_of)
        inner = _Lowering(
            {str(k): body for k, body in enumerate(bodies)}, {}, self.sizes, self.spelling, {}
        )
        needed = set(variables(*bodies))
        program = inner.run([var for var in loop.bound if var in needed])
        arguments: list[Argument] = [
            values.dense(self.b, values.plain(self.b, self.values[x], FLOAT)) for x in operands
        ]
        shapes = [tuple(map(self.size_of, body.dims)) for body in bodies]
        return add_loop(self.b, loop, self.size_of(loop.dim), program, arguments, shapes)

    def _map(self, node: Map) -> Value:
        if node.function == "add" and "add_on_diagonal" in self.b.native:
            total = self._sum_with_diagonals(node)
            if total is not None:
                return total
        operands = [self.values[x] for x in node.operands]
        base, exponent = base_and_exponent(node)
        if exponent == -1 and base is not node:
            value = self.values[base]
            if value.register is not None and value.register.kind == FLOAT and value.is_plain:
                return replace(value, inverse=True)
        shape = tuple(map(self.size_of, node.dims))
        operands = [
            replace(x, axes=(None,) * len(shape), shape=shape) if x.is_scalar else x
            for x in operands
        ]
        return functions.lower_map(self.b, node.function, operands)

    # --- products -----------------------------------------------------------------------------

    def _product(self, node: Einsum) -> Value:
        return self._with_deltas(*self._without_deltas(node))

    def _without_deltas(self, node: Einsum) -> tuple[Value, list[tuple[int, int]]]:
        """Return what stands on the diagonals of a product, and the pairs of axes of these."""
        lowering, factors, scale = self._factors(node)
        deltas = [
            ls for x, ls in zip(node.operands, node.inputs, strict=True) if isinstance(x, Delta)
        ]
        number, scalars = scale.number, scale.scalars
        for label in node.summed:  # a label that only repeats is summed to its extent
            if not any(label in f.labels for f in factors):
                number = number * lowering.sizes[label]
        shape = tuple(lowering.sizes[k] for k in node.output)
        if not factors:
            return _scale_value(shape, number, scalars), self._delta_axes(node, deltas)
        renamed = {q: p for p, q in deltas}
        wanted = tuple(k for k in node.output if k not in renamed)
        if not set().union(*(f.labels for f in factors)) - set(wanted):
            number = self._scale_smallest(factors, number, math.prod(lowering.shape(wanted)))
        if len(factors) == 1 and set(factors[0].labels) <= set(wanted):
            result = factors[0]
        else:
            result = lowering.lower(factors, wanted)
        place = {label: axis for axis, label in enumerate(result.labels)}
        axes = tuple(place.get(k) for k in node.output)
        value = Value(result.register, axes, shape, number, scalars, result.inverse)
        return value, self._delta_axes(node, deltas)

    def _scale_smallest(self, factors: list[Factor], number: Number, entries: int) -> Number:
        """Multiply the smallest factor of an outer product by its number; return what is left."""
        if len(factors) < 2 or number in (1, -1):
            return number
        sizes = [f.register.size for f in factors]
        smallest = sizes.index(min(sizes))
        factor = factors[smallest]
        if factor.inverse or factor.kind != FLOAT or sizes[smallest] >= entries:
            return number
        value = values.scaled(values.of_register(factor.register), number)
        register = values.plain(self.b, value).register
        assert register is not None
        factors[smallest] = replace(factor, register=register)
        return 1

    def _factors(self, node: Einsum) -> tuple[ProductLowering, list[Factor], Value]:
        """Split a product into labelled registers and a factor."""
        sizes = {k: self.size_of(dim) for k, dim in enumerate(node.extents)}
        scale = values.constant(1)
        factors: list[Factor] = []
        for x, labels in zip(node.operands, node.inputs, strict=True):
            if isinstance(x, Delta):
                continue
            value = self.values[x]
            if not value.is_plain and not value.inverse and value.register is not None:
                scale = values.scaled(scale, value.number, value.scalars)
                value = values.unscaled(value)
            if value.is_scalar:
                scale = self._times_scalar(scale, value)
            elif value.register is not None:
                if not value.is_plain and (value.number != 1 or value.scalars):
                    value = values.plain(self.b, value)
                factors.append(self._factor(value, labels))
        return ProductLowering(self.b, sizes, _names(node.extents)), factors, scale

    def _times_scalar(self, scale: Value, value: Value) -> Value:
        if value.register is None:
            return values.scaled(scale, value.number, value.scalars)
        argument = values.as_argument(self.b, value)
        assert isinstance(argument, Register)
        return values.scaled(scale, 1, [argument])

    def _factor(self, value: Value, labels: Labels) -> Factor:
        """Return the register with a label for each of its axes, a repeated one as a diagonal."""
        register = value.register
        assert register is not None
        own: list[int] = [0] * len(register.shape)
        for label, axis in zip(labels, value.axes, strict=True):
            if axis is not None:
                own[axis] = label
        unique = tuple(dict.fromkeys(own))
        if len(unique) < len(own):
            shape = tuple(register.shape[own.index(k)] for k in unique)
            spec = _numbered(own, unique)
            view = self.b.view(register, "diagonal", spec, shape)
            register = self.b.step("copy", [view], shape, kind=register.kind, flops=0)
        return Factor(register, unique, value.inverse)

    def _delta_axes(self, node: Einsum, deltas: Sequence[Labels]) -> list[tuple[int, int]]:
        return [(node.output.index(p), node.output.index(q)) for p, q in deltas]

    def _sum_with_diagonals(self, node: Map) -> Value | None:
        """Add diagonals in place to the sum of the other terms, if that has all entries."""
        diagonals = [
            x for x in node.operands
            if isinstance(x, Einsum) and any(isinstance(y, Delta) for y in x.operands)
        ]  # fmt: skip
        others = [self.values[x] for x in node.operands if x not in diagonals]
        if not diagonals or not others:
            return None
        total = functions.lower_map(self.b, "add", others) if len(others) > 1 else others[0]
        total = values.plain(self.b, total, FLOAT)
        register = total.register
        if register is None or len(register.shape) < node.ndim or register.kind != FLOAT:
            return None  # a scalar among them, or what is repeated along an axis
        order = [total.axes.index(k) for k in range(len(register.shape))]
        for diagonal in diagonals:
            argument, spec = self._diagonal(*self._without_deltas(diagonal), order)
            register = self.b.step(
                "add_on_diagonal", [register, argument], register.shape, in_place=(0,),
                parameters=(spec,),
            )  # fmt: skip
        return replace(total, register=register)

    def _with_deltas(self, value: Value, deltas: Sequence[tuple[int, int]]) -> Value:
        """Write a value on a diagonal of zeros."""
        if not deltas:
            return value
        argument, spec = self._diagonal(value, deltas, range(len(value.shape)))
        register = self.b.step("on_diagonal", [argument], value.shape, parameters=(spec,), flops=0)
        return values.of_register(register)

    def _diagonal(
        self, value: Value, deltas: Sequence[tuple[int, int]], order: Sequence[int]
    ) -> tuple[Argument, str]:
        """Return the entries of a diagonal, and which axes are equal: ``aba->ab``.

        The axes are those of ``value`` in the memory order ``order``.
        """
        value = values.plain(self.b, value)
        same = list(range(len(value.shape)))
        for p, q in deltas:
            low, high = sorted((same[p], same[q]))
            same = [low if k == high else k for k in same]
        labels = [same[k] for k in order]
        unique = tuple(dict.fromkeys(labels))
        source = replace(
            value,
            axes=tuple(_axis_of(value, same, k) for k in unique),
            shape=tuple(value.shape[k] for k in unique),
        )
        argument = (
            values.factor_of(self.b, source) if source.register is None
            else values.aligned(self.b, source, range(len(unique)))
        )  # fmt: skip
        return argument, _numbered(labels, unique)


def _axis_of(value: Value, same: Sequence[int], group: int) -> int | None:
    axes = [value.axes[k] for k, g in enumerate(same) if g == group]
    return next((axis for axis in axes if axis is not None), None)


def _scale_value(shape: tuple[int, ...], number: Number, scalars: tuple[Register, ...]) -> Value:
    return Value(None, (None,) * len(shape), shape, number, scalars)


def _numbered(labels: Sequence[int], output: Sequence[int]) -> str:
    """Return ``aab->ab`` for labels and the distinct ones of them.

    >>> _numbered((4, 4, 2), (4, 2))
    'aab->ab'
    """
    letter = {k: oe.get_symbol(n) for n, k in enumerate(output)}
    return "".join(letter[k] for k in labels) + "->" + "".join(letter[k] for k in output)


def _names(extents: Sequence[Dim]) -> dict[int, str]:
    """Return a letter for each label: its dimension's, where that is one letter used once."""
    names: dict[int, str] = {}
    for k, dim in enumerate(extents):
        if isinstance(dim, str) and len(dim) == 1 and dim.isascii() and dim.isalpha():
            names.setdefault(k, dim)
    free = (c for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
            if c not in names.values())  # fmt: skip
    used: set[str] = set()
    for k in range(len(extents)):
        if k not in names or names[k] in used:
            names[k] = next(free, f"<{k}>")
        used.add(names[k])
    return names


# --- arrays that Python code cuts, joins, reshapes, indexes and inverts ---


def lower_array(b: Builder, node: Expr, operands: Sequence[Value], shape: Shape) -> Value:
    """Return the value of a node of `core.arrays`."""
    match node:
        case Reshape():
            return of_register(b.reshape(values.dense(b, operands[0]), shape))
        case Slice(ranges=ranges):
            return of_register(_slice(b, values.dense(b, operands[0]), ranges, shape))
        case Place(ranges=ranges):
            x = values.dense(b, operands[0])
            return of_register(_written(b, "place", [x], shape, x.kind, indices_text(ranges)))
        case Concat(axis=axis):
            return _concat(b, operands, axis, shape)
        case Gather(sources=sources, output=output):
            return _gather(b, operands, sources, output, shape)
        case Scatter(sources=sources, output=output):
            return _scatter(b, operands, sources, output, shape)
        case Shift(axis=axis, by=by):
            parts = [values.dense(b, values.plain(b, x, FLOAT)) for x in operands]
            register = b.step("moved", parts, shape, parameters=((axis, by),), flops=0)
            return of_register(register)
        case Indices():
            return of_register(b.step("indices", [], shape, kind=INTEGER, parameters=shape))
        case Matrix(function=function):
            x = values.dense(b, values.plain(b, operands[0], FLOAT))
            flops = math.prod(x.shape) * x.shape[-1]
            return of_register(b.step(function, [x], shape, flops=flops))
    raise BackendError(f"the engine cannot compute a {type(node).__name__}")


def _written(
    b: Builder, op: str, arguments: Sequence[Register], shape: Shape, kind: str, text: str
) -> Register:
    return b.step(op, arguments, shape, kind=kind, parameters=(text,), flops=0)


def _slice(b: Builder, x: Register, ranges: Sequence[Range], shape: Shape) -> Register:
    view = b.view(x, "index", indices_text(ranges), shape)
    return b.step("copy", [view], shape, kind=x.kind, flops=0)


def _concat(b: Builder, operands: Sequence[Value], axis: int, shape: Shape) -> Value:
    parts = [values.dense(b, x) for x in operands]
    kind = INTEGER if all(x.kind == INTEGER for x in parts) else FLOAT
    register = b.step("concat", parts, shape, kind=kind, parameters=(axis,), flops=0)
    return of_register(register)


def _gather(
    b: Builder, operands: Sequence[Value], sources: Sequence[AxisSource], output: Sequence[int],
    shape: Shape,
) -> Value:  # fmt: skip
    x = values.dense(b, operands[0])
    extents = dict(zip(output, shape, strict=True))
    indices = _index_registers(b, "gather", operands[1:], sources, output, extents)
    register = b.step(
        "gather", [x, *indices], shape, kind=x.kind, flops=0,
        parameters=_whole_axes(b, "gather", sources, output),
    )  # fmt: skip
    return of_register(register)


def _scatter(
    b: Builder, operands: Sequence[Value], sources: Sequence[AxisSource], output: Sequence[int],
    shape: Shape,
) -> Value:  # fmt: skip
    x = values.dense(b, values.plain(b, operands[0], FLOAT))  # what is true twice counts twice
    extents = dict(zip(output, operands[0].shape, strict=True))
    indices = _index_registers(b, "scatter", operands[1:], sources, output, extents)
    register = b.step(
        "scatter", [x, *indices], shape, kind=x.kind, flops=x.size,
        parameters=_whole_axes(b, "scatter", sources, output),
    )  # fmt: skip
    return of_register(register)


def _whole_axes(
    b: Builder, op: str, sources: Sequence[AxisSource], output: Sequence[int]
) -> tuple[tuple[int | None, ...], ...]:
    """Return, for a backend that asks, the axis of the entries that each whole axis is.

    The second axis of a diagonal is none: it is read at integers.
    """
    if op not in b.native:
        return ()
    axes = [
        output.index(s) if isinstance(s, int) and s not in sources[:k] else None
        for k, s in enumerate(sources)
    ]
    return (tuple(axes),)


def _index_registers(
    b: Builder, op: str, tensors: Sequence[Value], sources: Sequence[AxisSource],
    output: Sequence[int], extents: dict[int, int],
) -> list[Register]:  # fmt: skip
    """Return an index for each axis of the tensor, all of which broadcast over ``output``.

    A backend to which the operation is native needs none for an axis that is read whole.
    """
    indices = []
    for k, source in enumerate(sources):
        if isinstance(source, int):
            if op in b.native and source not in sources[:k]:
                continue
            labels: Sequence[int] = (source,)
            n = extents[source]
            index = b.step("indices", [], (n,), kind=INTEGER, parameters=(n,), flops=0)
        else:
            number, labels = source
            index = values.dense(b, tensors[number])
            if index.kind != INTEGER:
                index = b.step("to_integer", [index], index.shape, kind=INTEGER, flops=0)
        indices.append(_over(b, index, labels, output))
    return indices


def _over(b: Builder, index: Register, labels: Sequence[int], output: Sequence[int]) -> Register:
    """Return a view of an index tensor over the output's axes."""
    if len(set(labels)) < len(labels):
        raise BackendError("an index tensor with a repeated label cannot be gathered by")
    place = {label: axis for axis, label in enumerate(labels)}
    turned = b.transpose(index, [place[k] for k in output if k in place])
    return b.insert_axes(turned, [k in place for k in output])
