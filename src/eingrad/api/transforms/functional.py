"""Transforms of Python functions: grad, vjp, jvp, hvp; they nest freely.

Each call runs the function on fresh nodes and sweeps over what was recorded since. A sweep is
recorded itself where something older than the call went in, so an outer transform sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from eingrad.api.einsum.numeric import is_inexact
from eingrad.api.tensors.tape import Differentiating, mode
from eingrad.api.tensors.tensor import Tensor
from eingrad.api.transforms.pytree import flatten, flatten_like, unflatten
from eingrad.api.transforms.tracking import (
    Argnums,
    Function,
    Inputs,
    Mark,
    check_function,
    flat_result,
    has_tensor,
    is_single,
    like,
    outputs,
    outward,
    pull,
    push,
    result,
    smooth_outputs,
    track,
    track_arguments,
)
from eingrad.errors import DifferentiationError, EingradError


def value_and_grad(fn: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return a function that gives the value of ``fn`` and its gradient.

    The gradient is like argument ``argnums``, or a tuple for several. With ``has_aux`` the
    function returns ``(scalar, anything)`` and the value is that pair.

    >>> value_and_grad(lambda x: (x ** 2).sum())(np.array([1.0, 2.0]))
    (array(5.), array([2., 4.]))
    """
    check_function(fn)

    @wraps(fn, updated=())
    def transformed(*args: Any, **kwargs: Any) -> Any:
        changed, inputs = track_arguments(args, argnums)
        with Differentiating():
            returned = fn(*changed, **kwargs)
        out, aux = _split_aux(returned) if has_aux else (returned, None)
        scalar = _scalar(out, inputs)
        as_tensors = has_tensor((args, kwargs))
        seed = np.ones(scalar.shape, scalar.dtype)
        pairs = pull([(scalar, (seed, None))], inputs)
        gradient = unflatten(inputs.structure, [outward(p, as_tensors) for p in pairs])
        value = result(scalar, inputs.since, as_tensors)
        if has_aux:
            leaves, structure = flatten(aux)
            aux = unflatten(structure, [
                result(x, inputs.since, as_tensors) if isinstance(x, Tensor) else x
                for x in leaves
            ])  # fmt: skip
            value = (value, aux)
        return value, gradient[0] if is_single(argnums) else gradient

    return transformed


def grad(fn: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return a function that gives the gradient of ``fn``, a function with a scalar value.

    Arguments are nested tuples, lists and dicts of arrays; the gradient is nested like argument
    ``argnums``. Raises DifferentiationError for a value with axes and for integers.

    >>> grad(grad(lambda x: x ** 3))(2.0)
    array(12.)
    """
    both = value_and_grad(fn, argnums, has_aux)

    @wraps(fn, updated=())
    def transformed(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return transformed


def _split_aux(returned: Any) -> tuple[Any, Any]:
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise EingradError("with has_aux, the function returns a pair: (scalar, anything)")
    return returned


def _scalar(out: Any, inputs: Inputs) -> Tensor:
    tensors, structure = outputs(out, inputs)
    if structure.kind is not None:
        raise DifferentiationError(
            f"the function returned a {structure.kind.__name__}, not a scalar",
            hint="use eg.jacobian or eg.vjp, or has_aux=True for further results",
        )
    (t,) = tensors
    if not is_inexact(t.dtype) or (t._node is None and inputs.decided != mode.decided):
        how = f"a result of dtype {t.dtype}"
        if is_inexact(t.dtype):
            how = "what comparisons, indices and counts decide"
        raise flat_result(how)
    if t.size != 1:
        raise DifferentiationError(
            f"the function returned shape {t.shape}: a gradient is of a scalar",
            hint="sum it first, or use eg.jacobian",
        )
    if t.dtype.kind == "c":
        raise DifferentiationError(
            "the function returned a complex number: a gradient is of a real one",
            hint="take its real part, or use eg.vjp",
        )
    return t


# --- vjp and jvp ------------------------------------------------------------------------------


def vjp(fn: Function, *primals: Any) -> tuple[Any, Callable[..., tuple[Any, ...]]]:
    """Return ``fn(*primals)`` and its pull-back, which maps a cotangent to one for each primal.

    >>> out, pullback = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> pullback(1.0)
    (array(3.), array(2.))
    """
    check_function(fn)
    tracked, inputs = track(primals, "argument", lasting=True)
    with Differentiating():
        outs, structure = smooth_outputs(fn(*tracked), inputs)
    as_tensors = has_tensor(primals)
    marks = [Mark(t._node, t.shape, t.dtype) for t in outs]

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        leaves = flatten_like(structure, cotangent, "the cotangent")
        seeds = [(t, like(x, t, "the cotangent")) for x, t in zip(leaves, marks, strict=True)]
        pairs = pull(seeds, inputs)
        keep = as_tensors or has_tensor(cotangent)
        return unflatten(inputs.structure, [outward(p, keep) for p in pairs])  # type: ignore[no-any-return]

    results = []
    while outs:  # none is held any more when it is asked whether a copy is needed
        results.append(result(outs.pop(0), inputs.since, as_tensors))
    return unflatten(structure, results), pullback


def jvp(fn: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return ``fn(*primals)`` and its derivative in the direction of ``tangents``.

    >>> jvp(lambda x: x ** 2, (3.0,), (1.0,))
    (array(9.), array(6.))
    """
    check_function(fn)
    check_pairs("jvp", primals, tangents)
    tracked, inputs = track(tuple(primals), "primal")
    given = flatten_like(inputs.structure, tuple(tangents), "tangents")
    pairs = [like(x, t, "a tangent") for x, t in zip(given, inputs.tensors, strict=True)]
    with Differentiating():
        outs, structure = smooth_outputs(fn(*tracked), inputs)
    as_tensors = has_tensor((primals, tangents))
    pushed = push(outs, pairs, inputs)
    results = [result(t, inputs.since, as_tensors) for t in outs]
    return (
        unflatten(structure, results),
        unflatten(structure, [outward(p, as_tensors) for p in pushed]),
    )


def check_pairs(name: str, primals: Any, tangents: Any) -> None:
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise EingradError(
            f"{name} takes a tuple of primals and a tuple of tangents, one each",
            hint=f"write {name}(fn, (x,), (v,))",
        )


def hvp(fn: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Return the product of the Hessian of a scalar function with ``tangents``.

    It is like the primals: one for each, or the only one itself.

    >>> hvp(lambda x: (x ** 3).sum(), (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    array([6., 0.])
    """
    check_pairs("hvp", primals, tangents)
    gradient = grad(fn, tuple(range(len(primals))))
    product = jvp(gradient, primals, tangents)[1]
    return product[0] if len(primals) == 1 else product
