"""What NumPy computes, PyTorch and JAX compute: functions, axes, arrays, and random models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from engine.test_arrays import CASES, INTO, VALUES, J, S, X, Y
from engine.test_functions import BINARY, EXTREME, UNARY
from hypothesis import assume, given
from random_models import RandomModel
from seeds import examples
from strategies import models

import eingrad as eg
from eingrad.core.algebra import apply, reduce
from eingrad.core.expr import Const, Var
from eingrad.engine import compile_program
from eingrad.engine.library import to_numpy
from eingrad.errors import ShapeError

OTHERS = ["torch", "jax"]
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
V, U, M = Var("v", ("i",)), Var("u", ("i",)), Var("m", ("i", "j", "k"))
AXES = [[0], [2], [0, 2], [0, 1, 2]]
FOLDS = [
    "max", "min", "prod", "logsumexp", "norm", "softmax", "log_softmax", "prod_others",
    "ismax", "ismin", "cumsum", "reverse_cumsum",
]  # fmt: skip


def agree(nodes: Mapping[str, Any], backend: str, arrays: Mapping[str, Any], dtype: str) -> None:
    """Compare a backend's results with NumPy's: entries, shapes and dtypes."""
    values = {n: x.astype(dtype) if x.dtype.kind == "f" else x for n, x in arrays.items()}
    with np.errstate(all="ignore"):
        expected = compile_program(nodes)(**values)
    found = compile_program(nodes, backend=backend)(**values)
    for name, value in expected.items():
        result = to_numpy(found[name])
        assert (result.shape, result.dtype) == (value.shape, value.dtype), name
        np.testing.assert_allclose(
            result, value, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype], err_msg=name
        )


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("backend", OTHERS)
def test_element_wise_functions(backend: str, dtype: str) -> None:
    v, u = np.linspace(0.05, 0.95, 12), np.linspace(0.95, 0.05, 12).round(1)
    scalar = Var("s", ())
    nodes = {name: apply(name, V) for name in UNARY}
    nodes |= {f"{name} of a scalar": apply(name, scalar) for name in UNARY}
    nodes |= {f"{name} of two": apply(name, V, U) for name in BINARY}
    nodes |= {f"{name} of a number": apply(name, V, Const(2)) for name in BINARY}
    nodes["where"] = apply("where", apply("gt", V, U), V, U)
    nodes["numbers"] = apply("where", apply("gt", V, U), Const(2), Const(3))
    agree(nodes, backend, {"v": v, "u": u, "s": np.array(0.5)}, dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("backend", OTHERS)
def test_activations_far_out(backend: str, dtype: str) -> None:
    names = ["sigmoid", "softplus", "tanh", "relu", "leaky_relu", "elu", "silu", "gelu", "erf"]
    agree({name: apply(name, V) for name in names}, backend, {"v": EXTREME}, dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("backend", OTHERS)
def test_functions_over_axes(backend: str, dtype: str) -> None:
    nodes = {f"{name} {axes}": reduce(name, M, axes) for name in FOLDS for axes in AXES}
    nodes["argmax"] = reduce("argmax", M, [1])
    agree(nodes, backend, {"m": np.random.default_rng(0).normal(size=(3, 4, 2))}, dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("backend", OTHERS)
def test_large_logits_zeros_and_infinities(backend: str, dtype: str) -> None:
    nodes = {name: reduce(name, M, [2]) for name in ("softmax", "log_softmax", "logsumexp")}
    nodes |= {"prod_others": reduce("prod_others", M, [2]), "norm": reduce("norm", M, [0, 1])}
    large = np.array([[[1e4, -1e4, 0.0], [9999.0, 1e4, 1e4], [-np.inf, 0.0, 1.0]]])
    agree({n: nodes[n] for n in ("softmax", "logsumexp")}, backend, {"m": large}, dtype)
    agree({"log_softmax": nodes["log_softmax"]}, backend, {"m": large[:, :2]}, dtype)
    zeros = np.array([[[2.0, 0.0, 5.0], [0.0, 0.0, 3.0]]])
    agree({n: nodes[n] for n in ("prod_others", "norm")}, backend, {"m": zeros}, dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("backend", OTHERS)
def test_array_nodes(backend: str, dtype: str) -> None:
    everything = {"x": X, "y": Y, "i": INTO, "j": J, "s": S}
    arrays = {n: x if x.dtype.kind == "i" else x.round(3) for n, x in VALUES.items()}
    nodes = {f"case {name}": node for name, (node, _) in CASES.items()}
    if dtype == "float32":  # an inverse loses digits, in another order in each library
        nodes = {n: x for n, x in nodes.items() if "inverse" not in n and "deter" not in n}
    agree({**nodes, **everything}, backend, arrays, dtype)


def close(
    found: Mapping[str, Any], expected: Mapping[str, Any], tolerance: float, floor: float = 1e-3
) -> bool:
    """Compare relative to each tensor's largest entry, as ``test_models`` does.

    A gradient may be 0: what is less than ``floor`` beside the loss is rounding.
    """
    least = floor * max(1.0, abs(float(expected["L"])))
    return all(
        np.abs(to_numpy(found[name]) - x).max(initial=0)
        <= tolerance * max(np.abs(x).max(initial=0), least)
        for name, x in expected.items()
    )


@pytest.mark.parametrize(("backend", "count"), [("torch", 60), ("jax", 12)])
def test_random_models_agree(backend: str, count: int) -> None:
    oracle = pytest.importorskip("torch_oracle")

    @examples(count)
    @given(models(statements=3, depth=3))
    def check(model: RandomModel) -> None:
        arrays = model.arrays()
        assume(oracle.reference(model, arrays)[2])
        gradients = eg.parse(model.text).grad("L", list(model.inputs))
        numpy, other = gradients.compile(), gradients.compile(backend)
        expected = numpy(**arrays)
        assert close(other(**arrays), expected, 1e-10)
        arrays = {name: x.astype(np.float32) for name, x in arrays.items()}
        single = numpy(**arrays)
        if close(single, expected, 1e-6):  # else single precision is not enough, whatever computes
            assert close(other(**arrays), single, 1e-5, floor=0.1)

    check()


@pytest.mark.parametrize("backend", OTHERS)
def test_structured_results(backend: str) -> None:
    hessian = eg.parse("p_i = softmax_i(a_i)").jacobian("p", "a")
    a = np.random.default_rng(0).normal(size=5)
    expected = hessian.compile()(a=a)["dp/da"]
    f = hessian.compile(backend)
    np.testing.assert_allclose(to_numpy(f(a=a)["dp/da"]), expected, rtol=1e-12)
    whole = f(a=a, structured=True)["dp/da"]
    assert type(whole.terms[0].factors[0][0]).__module__.startswith(("torch", "jax"))
    np.testing.assert_allclose(whole.dense(), expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(whole @ a, expected @ a, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("backend", OTHERS)
def test_functions_of_the_callers(backend: str) -> None:
    module = pytest.importorskip("torch" if backend == "torch" else "jax.numpy")
    pair = (module.sin, module.cos)
    gradients = eg.parse("function phi\nL = sum_i(phi(x_i))").grad("L", ["x"])
    x = np.linspace(0, 1, 4)
    found = gradients.compile(backend, functions={"phi": pair})(x=x)
    np.testing.assert_allclose(to_numpy(found["dL/dx"]), np.cos(x), rtol=1e-12)
    wrong = gradients.compile(backend, functions={"phi": (lambda t: t[:2], module.cos)})
    with pytest.raises(ShapeError, match="it must be element-wise"):
        wrong(x=x)


@pytest.mark.parametrize("backend", OTHERS)
def test_half_precision_is_computed_in_single(backend: str) -> None:
    f = compile_program({"s": reduce("logsumexp", M, [0, 1, 2])}, backend=backend)
    result = f(m=np.full((2, 100, 300), 0.5, "float16"))["s"]
    assert to_numpy(result).dtype == np.float16
    np.testing.assert_allclose(float(result), 0.5 + np.log(60_000), rtol=1e-3)


@pytest.mark.parametrize("backend", OTHERS)
def test_results_do_not_share_memory_with_inputs(backend: str) -> None:
    f = compile_program({"v": V, "row": apply("add", V, Const(0))}, backend=backend)
    array = np.ones(3)
    results = f(v=array)
    array[:] = 7
    assert all(to_numpy(x).tolist() == [1, 1, 1] for x in results.values())


@pytest.mark.parametrize("backend", OTHERS)
def test_errors_are_numpys(backend: str) -> None:
    f = compile_program({"y": apply("add", V, U)}, backend=backend)
    for _ in range(2):
        with pytest.raises(ShapeError, match="label i: v axis 0 has size 2, u axis 0 has size 3"):
            f(v=np.ones(2), u=np.ones(3))
        f(v=np.ones(3), u=np.ones(3))
