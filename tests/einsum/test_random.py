"""Random specifications: values against NumPy, gradients against PyTorch and JAX, and both against
a loop over every index where these refuse the equation."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from seeds import examples

from eingrad.api.einsum.einsum import einsum
from eingrad.api.einsum.subscripts import fit, parse_equation
from eingrad.calculus.differentiate import pull_back
from eingrad.core.expr import Var
from eingrad.engine import compile_program
from eingrad.engine.contract import pairwise
from einsum.index_loop import einsum_loop, gradient_loop
from einsum.strategies import Case, cases

Array = np.ndarray[Any, Any]
outcomes: Counter[str] = Counter()


def close(a: Any, b: Any) -> None:
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * max(1.0, abs(b).max(initial=0)))


def test_values_are_numpys_or_the_loops() -> None:
    """The drawn cases reach both oracles; a strategy that nobody accepts would test little."""
    outcomes.clear()
    compare_values()
    assert outcomes["NumPy"] > outcomes["loop"] > 0


@examples(2500)
@given(cases())
def compare_values(case: Case) -> None:
    arrays = case.arrays()
    got = einsum(case.text, *arrays)
    try:
        expected = np.einsum(case.ascii, *arrays)
        outcomes["NumPy"] += 1
    except ValueError:
        expected = einsum_loop(case.terms, case.output, arrays)
        outcomes["loop"] += 1
    close(got, expected)
    close(einsum(*case.lists(arrays)), expected)
    assert got.flags.writeable
    assert not any(np.may_share_memory(got, x) for x in arrays)


def gradients(case: Case, arrays: list[Array], *, split: bool) -> tuple[Array, list[Array]]:
    """Return a cotangent and the gradients, from the engine."""
    product = fit(parse_equation(case.text), case.shapes)
    operands = [Var(f"x{k}", shape) for k, shape in enumerate(case.shapes)]
    root = product.of(operands)
    (root,) = pairwise([root]) if split else (root,)
    bar = Var("bar", root.dims)
    found = pull_back(root, operands, bar, 0)
    function = compile_program({f"d{k}": x for k, x in enumerate(found)})
    values = {f"x{k}": x for k, x in enumerate(arrays)} | {"bar": case.cotangent(product.shape)}
    result = function(**{v.name: values[v.name] for v in function.inputs})
    return values["bar"], [result[f"d{k}"] for k in range(len(arrays))]


def torch_gradients(case: Case, arrays: list[Array], bar: Array) -> list[Array]:
    torch = pytest.importorskip("torch")
    leaves = [torch.tensor(x.copy(), requires_grad=True) for x in arrays]
    result = torch.einsum(case.ascii, *leaves)
    found = torch.autograd.grad(
        result, leaves, torch.tensor(bar), allow_unused=True, materialize_grads=True
    )
    return [x.numpy() for x in found]


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_gradients_are_another_librarys_or_the_loops(library: str) -> None:
    pytest.importorskip(library)
    outcomes.clear()
    {"torch": compare_with_torch, "jax": compare_with_jax}[library]()
    assert outcomes[library] > 0


@examples(2000)
@given(cases())
def compare_with_torch(case: Case) -> None:
    arrays = case.arrays()
    bar, got = gradients(case, arrays, split=False)
    try:
        expected = torch_gradients(case, arrays, bar)
        outcomes["torch"] += 1
    except (RuntimeError, ValueError):
        expected = gradient_loop(case.terms, case.output, arrays, bar)
        outcomes["gradient loop"] += 1
    for a, b in zip(got, expected, strict=True):
        close(a, b)
    for a, b in zip(gradients(case, arrays, split=True)[1], expected, strict=True):
        close(a, b)


@examples(500)
@given(cases(max_operands=3))
def compare_with_jax(case: Case) -> None:
    jax = pytest.importorskip("jax")
    arrays = case.arrays()
    bar, got = gradients(case, arrays, split=True)
    with jax.enable_x64(True):
        try:
            _, pull = jax.vjp(lambda *xs: jax.numpy.einsum(case.ascii, *xs), *arrays)
            expected = [np.asarray(x) for x in pull(jax.numpy.asarray(bar))]
            outcomes["jax"] += 1
        except (TypeError, ValueError, NotImplementedError):
            expected = gradient_loop(case.terms, case.output, arrays, bar)
            outcomes["jax loop"] += 1
    for a, b in zip(got, expected, strict=True):
        close(a, b)
