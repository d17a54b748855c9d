"""``eg.einsum`` of PyTorch's and JAX's arrays: the same plan, in that library's own operations.

So the result lives where the operands do, and takes part in ``torch.autograd``, ``jax.grad``,
``jax.jit`` and ``jax.vmap``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eingrad.api.einsum.subscripts import EinsumSpec, fit_arrays
from eingrad.core.expr import Var
from eingrad.engine import Function, compile_program
from eingrad.engine.cache import Cache
from eingrad.engine.library import load_library
from eingrad.engine.signature import kind_of

PACKAGES = {"torch": "torch", "jax": "jax", "jaxlib": "jax"}  # where an array's type is defined

_functions: Cache[Any, Function] = Cache(512)


def backend_of(operands: Sequence[Any]) -> str | None:
    """Return "torch" or "jax" where an operand is an array of that library, else None.

    >>> backend_of([1.0, [2.0]]) is None
    True
    """
    for x in operands:
        found = PACKAGES.get(type(x).__module__.partition(".")[0])
        if found and hasattr(x, "shape") and hasattr(x, "dtype"):
            return found
    return None


def einsum_on(
    backend: str, equation: EinsumSpec, operands: Sequence[Any], memory_limit: int | None
) -> Any:
    """Return the product as an array of the backend; other operands are converted to its arrays.

    The dtype is the one that `compile` gives on this backend; integers are computed in its widest
    integer dtype. Raises as `einsum` does.
    """
    library = load_library(backend)
    arrays = [library.as_array(f"operand {k}", x, operands) for k, x in enumerate(operands)]
    shapes = tuple(tuple(x.shape) for x in arrays)
    integers = all(kind_of(library.dtype_name(x)) in "biu" for x in arrays)
    key = (backend, equation, shapes, integers, memory_limit)
    function = _functions.get(key)
    if function is None:
        operand = [Var(f"x{k}", shape, integers) for k, shape in enumerate(shapes)]
        product = fit_arrays(equation, shapes).of(operand)
        function = compile_program(
            {"out": product}, backend=backend, memory_limit=memory_limit,
            inputs=operand,
        )  # fmt: skip
        function = _functions.put(key, function)
    return function(**{f"x{k}": x for k, x in enumerate(arrays)})["out"]
