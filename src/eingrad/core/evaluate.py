"""The value of an expression at one point, node by node in plain NumPy.

A check asks for thousands of small expressions that share most of their parts at a few points, so
every node's value is kept. All of it works in float64 and in ``longdouble``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from eingrad.core.arrays import Gather, Matrix, Scatter
from eingrad.core.bands import Band, Reaching, Window
from eingrad.core.expr import (
    Const,
    Delta,
    Dim,
    Einsum,
    Expr,
    Indices,
    Labels,
    Map,
    Reduce,
    Size,
    Var,
    postorder,
)
from eingrad.core.functions import (
    AXIS_FUNCTIONS,
    FUNCTIONS,
    AxisFunction,
    Function,
    imported,
    spelling,
)
from eingrad.core.later import np
from eingrad.core.partials import recipe_of
from eingrad.core.positions import Loop, Past, Scan, Shift
from eingrad.core.spans import length as length_of

Array: TypeAlias = "np.ndarray[Any, Any]"
Functions = Mapping[str, Callable[..., Any]]


# fmt: off
ALONG: dict[str, Callable[[Array, Labels], Any]] = {  # of several axes at once, which NumPy has not
    "argmax": lambda x, axes: x.argmax(axes[0]),
    "prod_others": lambda x, axes: _prod_others(x, axes),
    "log_softmax": lambda x, axes: _log_softmax(x, axes),
    "cumsum": lambda x, axes: _cumsum(x, axes),
    "reverse_cumsum": lambda x, axes: np.flip(_cumsum(np.flip(x, axes), axes), axes),
}
MATRICES: dict[str, Callable[..., Any]] = {
    "inv": lambda x: np.linalg.inv(_regular(x)), "cholesky": lambda x: _cholesky(x),
    "det": lambda x: np.linalg.det(x), "logdet": lambda x: np.linalg.slogdet(_regular(x))[1],
}
# fmt: on
MOST_BELOW = 10_000  # SciPy takes a step a unit from far below polygamma's domain up to it
MOST_SINGULAR = 1e12  # a matrix whose condition number is greater has no inverse in float64


def evaluate(
    node: Expr,
    operands: Sequence[Array],
    sizes: Mapping[Dim, int],
    functions: Functions,
    dtype: Any,
) -> Array:
    """Return the value of one node, other than a `Var`, from its operands' values.

    >>> from eingrad.core.expr import Var
    >>> evaluate(Map("exp", [Var("x", ())]), [np.zeros(())], {}, {}, float)
    array(1.)
    """
    result: Any
    match node:
        case Const(value=value):
            result = value
        case Size(dim=dim):
            result = sizes[dim]
        case Delta(dims=(dim, _)):
            result = np.eye(extent(dim, sizes))
        case Band():
            result = band(node, [extent(dim, sizes) for dim in node.dims])
        case Window():
            reaches = [r.sized(lambda d: extent(d, sizes)) for r in node.reaches]
            result = windowed(operands[0], reaches)
        case Indices(dims=(dim,)):
            result = np.arange(extent(dim, sizes))
        case Einsum():
            result = _einsum(node, operands, sizes, dtype)
        case Map(function="add"):
            result = sum(operands[1:], operands[0])
        case Map(function=function):
            record = FUNCTIONS.get(function)
            if record is None:
                result = functions[function](*operands)
            elif record.recipe is None:
                result = library_function(record, len(operands))(*operands)
            else:
                result = _by_recipe(record, operands, (), dtype)
        case Reduce(function=function, axes=axes):
            result = over_axes(function, operands[0], axes, dtype)
        case Gather():
            result = operands[0][_places(node, operands[1:], sizes)]
        case Scatter():
            result = np.zeros([extent(dim, sizes) for dim in node.dims], dtype)
            np.add.at(result, _places(node, operands[1:], sizes), operands[0])
        case Shift(axis=axis, by=by):
            result = shifted(operands, axis, by)
        case Scan(loop=loop, state=state):
            result = _stored(loop, operands, sizes, functions, dtype)[state]
        case Matrix(function=function):
            result = MATRICES[function](operands[0].astype(np.float64))
        case _:
            raise TypeError(f"no value of a {type(node).__name__}")
    return np.asarray(result, dtype)


# --- labels that move ---------------------------------------------------------------------------


def band(node: Band, lengths: Sequence[int]) -> Array:
    """Return 1 where a combination of labels is 0.

    >>> band(Band(("m", "i"), (1, -1), -1), [3, 2])
    array([[0., 0.],
           [1., 0.],
           [0., 1.]])
    """
    ends = sum(n * length for n, length in zip(node.ends, lengths, strict=True))
    total = np.full((1,) * len(lengths), node.constant + ends)
    for axis, (weight, length) in enumerate(zip(node.weights, lengths, strict=True)):
        shape = [1] * len(lengths)
        shape[axis] = length
        total = total + weight * np.arange(length).reshape(shape)
    return np.where(total == 0, 1.0, 0.0)


def windowed(x: Array, reaches: Sequence[Reaching]) -> Array:
    """Return a tensor read at combinations of new labels, 0 outside.

    >>> windowed(np.array([1.0, 2.0, 3.0]), [(0, (3, 2), (1, 1), 0, 1)])
    array([[1., 2.],
           [2., 3.],
           [3., 0.]])
    """
    read = [axis for axis, *_ in reaches]
    kept = [axis for axis in range(x.ndim) if axis not in read]
    x = np.transpose(x, [*kept, *read])
    for _, lengths, weights, constant, step in reaches:
        places = np.full((1,) * len(lengths), constant)
        for axis, (weight, length) in enumerate(zip(weights, lengths, strict=True)):
            shape = [1] * len(lengths)
            shape[axis] = length
            places = places + weight * np.arange(length).reshape(shape)
        axis = len(kept)
        there = (places % step == 0) & (places >= 0) & (places < step * x.shape[axis])
        there = np.broadcast_to(there, lengths)
        found = np.take(x, np.where(there, places // step, 0), axis=axis)
        after = found.ndim - axis - len(lengths)
        found = np.where(there.reshape((*lengths, *(1,) * after)), found, 0)
        x = np.moveaxis(found, range(axis, axis + len(lengths)), range(-len(lengths), 0))
    return x


def shifted(operands: Sequence[Array], axis: int, by: int) -> Array:
    """Return ``x[t+by]`` along an axis, with a second operand or 0 where there is no such entry.

    >>> shifted([np.array([1.0, 2.0, 3.0])], 0, -1)
    array([0., 1., 2.])
    """
    x = np.moveaxis(operands[0], axis, 0)
    result = np.zeros_like(x)
    result[:] = operands[1] if len(operands) > 1 else 0
    if abs(by) < len(x):
        before, after = max(0, -by), max(0, by)
        result[before : len(x) - after] = x[after : len(x) - before]
    return np.moveaxis(result, 0, axis)


def _stored(
    loop: Loop, operands: Sequence[Array], sizes: Mapping[Dim, int], functions: Functions,
    dtype: Any,
) -> list[Array]:  # fmt: skip
    """Run a loop; return all entries of each of its states."""
    order = list(postorder(loop.bodies))
    count = extent(loop.dim, sizes)
    stored: list[dict[int, Array]] = [{} for _ in loop.bodies]
    starts = {k: operands[n] for k, n in loop.starts.items()}
    fixed: dict[Expr, Array] = {var: operands[n] for n, var in loop.whole.items()}
    for t in reversed(range(count)) if loop.back else range(count):
        values = dict(fixed)
        values |= {var: operands[n][t] for n, var in loop.entries.items()}
        for (k, d), var in loop.reads.items():
            there = t + d if loop.back else t - d
            before = starts.get(k)
            if before is None:
                before = np.zeros([extent(dim, sizes) for dim in var.dims], dtype)
            values[var] = stored[k].get(there, before)
        for past, var in loop.pasts.items():
            shape = [extent(dim, sizes) for dim in var.dims]
            values[var] = _past(past, stored[past.state], t, loop.back, shape)
        for node in order:
            if node not in values:
                own = [values[x] for x in node.operands]
                values[node] = evaluate(node, own, sizes, functions, dtype)
        for k, body in enumerate(loop.bodies):
            stored[k][t] = values[body]
    return [
        np.stack([entries[t] for t in range(count)])
        if count else np.zeros((0, *(extent(d, sizes) for d in body.dims)), dtype)
        for body, entries in zip(loop.bodies, stored, strict=True)
    ]  # fmt: skip


def _past(
    past: Past, stored: Mapping[int, Array], t: int, back: bool, shape: Sequence[int]
) -> Array:
    """Return the many entries of a state that are read at position t."""
    result = np.zeros(shape)
    if past.kind == "lags":
        for lag in range(len(result)):
            there = t + 1 + lag if back else t - 1 - lag
            result[lag] = stored.get(there, result[lag])
        return result
    for there, entry in stored.items():
        result[there] = entry if past.kind == "all" else entry.take(t, int(past.what))
    return result


def _log_softmax(x: Array, axes: Labels) -> Array:
    """Return it to all digits next to 0, too, where all other entries are far below one."""
    shifted = x - x.max(axes, keepdims=True)
    first = shifted == 0
    others = np.where(first, 0, np.exp(shifted)).sum(axes, keepdims=True)
    more = first.sum(axes, keepdims=True) - 1
    return np.asarray(shifted - np.log1p(others + more))


# --- functions by their records ---------------------------------------------------------------


def over_axes(function: str, x: Array, axes: Labels, dtype: Any = float) -> Array:
    """Return the value of a function over axes."""
    known = ALONG.get(function)
    if known is not None:
        return np.asarray(known(x, axes))
    record = AXIS_FUNCTIONS[function]
    if record.recipe is None:
        return np.asarray(getattr(np, record.numpy.removeprefix("np."))(x, axis=axes))
    return _by_recipe(record, [x], axes, dtype)


def _by_recipe(
    record: Function | AxisFunction, operands: Sequence[Array], axes: Labels, dtype: Any
) -> Array:
    """Evaluate a function that is given by others."""
    operands = [np.asarray(x) for x in operands]
    values: dict[Expr, Array] = {}
    sizes: dict[Dim, int] = {}
    root = None
    for root in _recipe_nodes(record, tuple(x.ndim for x in operands), axes):
        if isinstance(root, Var):
            values[root] = operands[int(root.name)]
            sizes.update(zip(root.dims, values[root].shape, strict=True))
        else:
            values[root] = evaluate(root, [values[x] for x in root.operands], sizes, {}, dtype)
    assert root is not None
    return values[root]


@lru_cache(maxsize=512)
def _recipe_nodes(
    record: Function | AxisFunction, ranks: tuple[int, ...], axes: Labels
) -> tuple[Expr, ...]:
    """Return the nodes of a recipe in order, over operands that are called 0, 1, ..."""
    dims = tuple(f"d{k}" for k in range(max(ranks)))
    operands = [Var(str(k), dims if rank else ()) for k, rank in enumerate(ranks)]
    if isinstance(record, Function):
        recipe = recipe_of(Map(record.name, operands))
    else:
        recipe = recipe_of(Reduce(record.name, operands[0], axes, record.keeps_axes))
    assert recipe is not None, record.name
    return tuple(postorder([*operands, recipe]))


@lru_cache(maxsize=512)
def library_function(record: Function, count: int) -> Callable[..., Any]:
    """Return a function on arrays of any precision: NumPy's, Python's, or SciPy's in float64."""
    if record.python and not record.numpy.startswith("np."):
        python: Callable[[float], float] = getattr(math, record.python)

        def value(x: float) -> float:
            try:
                return python(x)
            except (ValueError, OverflowError):  # lgamma at 0, -1, -2, ..., and at 1e308
                return math.inf

        own = np.vectorize(value, otypes=[float])  # SciPy is slow to import
        return lambda x: own(x) if x.size else x
    sign = f"{{0}} {record.sign} {{1}}" if record.sign else spelling(record, "numpy", count)
    text, lines = imported(sign)
    names = [f"x{k}" for k in range(count)]
    known: dict[str, Any] = {"np": np}
    exec("\n".join(lines), known)  # a record is code: its spelling is Python
    function = eval(f"lambda {', '.join(names)}: {text.format(*names)}", known)
    if not lines:
        return function  # type: ignore[no-any-return]
    lowest = (record.domain[0] if record.domain else -math.inf) - MOST_BELOW

    def at_numbers(*operands: Any) -> Any:
        xs = [np.asarray(x, np.float64) for x in operands]
        return function(*(np.where(x < lowest, np.nan, x) for x in xs))

    return at_numbers


def extent(dim: Dim, sizes: Mapping[Dim, int]) -> int:
    """Return the size of a dimension."""
    found = length_of(dim, sizes)
    return sizes[dim] if found is None else found


def _einsum(node: Einsum, operands: Sequence[Array], sizes: Mapping[Dim, int], dtype: Any) -> Array:
    """Multiply operand after operand in, along `_path`."""
    total, total_labels = np.ones((), dtype), Labels()
    for step in _path_of(node, sizes):
        before, new, after = step.numbered
        total = np.einsum(total, before, operands[step.operand], new, after)
        total_labels = step.kept
    for label in node.output:
        if label not in total_labels:
            ones = np.ones(extent(node.extents[label], sizes), dtype)
            total = np.multiply.outer(total, ones)
            total_labels = (*total_labels, label)
    places = [total_labels.index(label) for label in node.output]
    return np.asarray(np.transpose(total, places))


def entries(node: Expr, sizes: Mapping[Dim, int]) -> int:
    """Return how many entries the greatest array has that the value of a node takes.

    >>> from eingrad.core.expr import Var
    >>> entries(Var("A", ("i", "j")), {"i": 2, "j": 3})
    6
    """
    own = math.prod(extent(dim, sizes) for dim in node.dims)
    if isinstance(node, Einsum) and len(node.inputs) > 1:
        return max(own, *(step.entries for step in _path_of(node, sizes)))
    return own


def _path_of(node: Einsum, sizes: Mapping[Dim, int]) -> Sequence[_PathStep]:
    return _path(node.inputs, node.output, tuple(extent(dim, sizes) for dim in node.extents))


class _PathStep(NamedTuple):
    """An operand that is multiplied in: the labels that something still needs then, the entries of
    that step, and the labels of the product so far, of the operand and those kept, numbered."""

    operand: int
    kept: Labels
    entries: int
    numbered: Sequence[Sequence[int]]


@lru_cache(maxsize=4096)
def _path(inputs: tuple[Labels, ...], output: Labels, size: tuple[int, ...]) -> Sequence[_PathStep]:
    """Return the order in which operands are multiplied in, the one next that leaves the smallest
    product."""
    count = Counter(label for labels in inputs for label in set(labels))
    rest, total = dict(enumerate(inputs)), Labels()
    path: list[_PathStep] = []
    while rest:
        choices = []
        for k, labels in rest.items():
            kept = tuple(
                x for x in dict.fromkeys((*total, *labels))
                if x in output or count[x] > (x in labels)
            )  # fmt: skip
            choices.append((math.prod(size[x] for x in kept), k, kept))
        _, k, kept = min(choices)
        new = rest.pop(k)
        names = {x: n for n, x in enumerate(dict.fromkeys((*total, *new)))}
        numbered = [[names[x] for x in labels] for labels in (total, new, kept)]
        path.append(_PathStep(k, kept, math.prod(size[x] for x in names), numbered))
        count.subtract(set(new))
        total = kept
    return tuple(path)


def _places(
    node: Gather | Scatter, indices: Sequence[Array], sizes: Mapping[Dim, int]
) -> tuple[Array, ...]:
    """Return the index arrays that read the tensor over the output's axes."""
    tensor = node.operands[0].dims if isinstance(node, Gather) else node.dims
    axis = {label: k for k, label in enumerate(node.output)}
    rank = len(node.output)
    result = []
    for dim, source in zip(tensor, node.sources, strict=True):
        if isinstance(source, int):
            labels: Labels = (source,)
            own = np.arange(extent(dim, sizes))
        else:
            labels = source[1]
            own = np.rint(indices[source[0]]).astype(np.intp) % extent(dim, sizes)
        shape = [1] * rank
        order = sorted(range(len(labels)), key=lambda k: axis[labels[k]])
        for k in order:
            shape[axis[labels[k]]] = own.shape[k]
        result.append(own.transpose(order).reshape(shape))
    return tuple(result)


def _regular(x: Array) -> Array:
    """Return matrices, NaN in place of those that are singular as far as float64 can tell."""
    finite = np.isfinite(x).all((-2, -1), keepdims=True)  # LAPACK prints what it thinks of others
    singular = ~(np.linalg.cond(np.where(finite, x, 0)) < MOST_SINGULAR)
    return np.asarray(np.where(singular[..., None, None], np.nan, x))


def _cholesky(x: Array) -> Array:
    """Return Cholesky factors, NaN where a matrix has none."""
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        return np.full_like(x, np.nan)


def _cumsum(x: Array, axes: Labels) -> Array:
    for axis in axes:
        x = np.cumsum(x, axis)
    return x


def _prod_others(x: Array, axes: Labels) -> Array:
    """Return, for each entry, the product of the others along ``axes``."""
    result = np.empty_like(x)
    for place in np.ndindex(*x.shape):
        line = tuple(slice(None) if k in axes else place[k] for k in range(x.ndim))
        others = x[line].copy()
        others[tuple(place[k] for k in range(x.ndim) if k in axes)] = 1
        result[place] = others.prod()
    return result


__all__ = [
    "Array",
    "Functions",
    "entries",
    "evaluate",
    "extent",
    "library_function",
    "over_axes",
]
