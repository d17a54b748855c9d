"""A whole training step is one call: gradients, in-place updates, memory, threads."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pytest

from eingrad.core.algebra import Infix, add, einsum, multiply, sum_over
from eingrad.core.expr import Const, Var
from eingrad.engine import compile_program
from eingrad.errors import EingradError, ShapeError

from . import mlp

SIZES = [(1, 7, 5, 3), (4, 3, 2, 2), (1, 784, 100, 10), (32, 128, 64, 10), (3, 100, 80, 1)]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
def test_the_step_is_pytorchs(sizes, dtype, tolerance):
    values = mlp.arrays(*sizes, dtype)
    loss, new = mlp.reference_step(values, 0.5)
    outputs, updates = mlp.sgd_step(0.5)
    step = compile_program(outputs, updates=updates)
    result = step(**values)
    assert set(result) == {"L"}
    assert result["L"].dtype == dtype
    np.testing.assert_allclose(result["L"], loss, rtol=tolerance)
    for name, expected in new.items():
        np.testing.assert_allclose(values[name], expected, rtol=tolerance, atol=tolerance)


def test_gradients_are_pytorchs():
    values = mlp.arrays(6, 5, 4, 3, "float64")
    loss, gradients = mlp.forward()
    result = compile_program({"L": loss, **gradients})(**values)
    _, new = mlp.reference_step(values, 1.0)
    for name, expected in new.items():
        np.testing.assert_allclose(values[name] - result[name], expected, atol=1e-14)


def test_what_reads_an_old_value_comes_before_the_update():
    a, b = Var("a", ("n",)), Var("b", ("n",))
    swap = compile_program({"sum": add(a, b)}, updates={"a": b, "b": a})
    x, y = np.arange(3.0), np.ones(3)
    total = swap(a=x, b=y)["sum"]
    np.testing.assert_array_equal(total, [1, 2, 3])
    np.testing.assert_array_equal(x, [1, 1, 1])
    np.testing.assert_array_equal(y, [0, 1, 2])


def test_a_transposed_update_of_itself():
    w = Var("w", (3, 3))
    step = compile_program({}, updates={"w": add(w, einsum([(w, (0, 1))], (1, 0)))})
    x = np.arange(9.0).reshape(3, 3)
    expected = x + x.T
    assert step(w=x) == {}
    np.testing.assert_array_equal(x, expected)


def test_a_product_with_itself_is_not_overwritten_while_it_is_read():
    w, n = Var("w", ("n", "n")), 200
    square = einsum([(w, (0, 1)), (w, (1, 2))], (0, 2))
    step = compile_program({"trace": einsum([(w, (0, 0))], ())}, updates={"w": add(w, square)})
    x = np.random.default_rng(0).normal(size=(n, n))
    trace, expected = np.trace(x), x + x @ x
    np.testing.assert_allclose(step(w=x)["trace"], trace)
    np.testing.assert_allclose(x, expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(300, 200), (200, 300), (20, 30), (1, 40_000), (40_000, 1)])
def test_products_add_to_their_target(shape):
    m, n = shape
    w, a, c = Var("w", ("m", "n")), Var("a", ("k", "m")), Var("c", ("k", "n"))
    rate = Var("rate", ())
    product = einsum([(rate, ()), (Const(-2), ()), (a, (0, 1)), (c, (0, 2))], (1, 2))
    step = compile_program({}, updates={"w": add(multiply(Const(3), w), product)})
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(m, n)), rng.normal(size=(5, m)), rng.normal(size=(5, n))
    expected = 3 * x - 2 * 0.25 * y.T @ z
    step(w=x, a=y, c=z, rate=0.25)
    np.testing.assert_allclose(x, expected, rtol=1e-12, atol=1e-12)


def test_a_large_update_is_one_product_without_memory_of_its_own():
    m, n = 300, 200
    w, a, c = Var("w", ("m", "n")), Var("a", ("k", "m")), Var("c", ("k", "n"))
    product = einsum([(Const(-2), ()), (a, (0, 1)), (c, (0, 2))], (1, 2))
    step = compile_program({}, updates={"w": add(multiply(Const(3), w), product)})
    step(w=np.ones((m, n)), a=np.ones((5, m)), c=np.ones((5, n)))
    assert [(x.shape, x.flops) for x in step.plan.steps] == [((m, n), m * n * 5)]
    assert step.plan.buffers == 0


def test_a_product_adds_to_inputs_of_any_layout():
    w, a, c = Var("w", ("m", "n")), Var("a", ("k", "m")), Var("c", ("k", "n"))
    step = compile_program({}, updates={"w": add(w, einsum([(a, (0, 1)), (c, (0, 2))], (1, 2)))})
    rng = np.random.default_rng(0)
    y, z = rng.normal(size=(300, 6)).T[::-2], rng.normal(size=(3, 400))[:, ::2]
    x = rng.normal(size=(300, 200))
    expected = x + y.T @ z
    step(w=x, a=y, c=z)
    np.testing.assert_allclose(x, expected, rtol=1e-12, atol=1e-12)


def test_an_update_may_be_an_output_too():
    w = Var("w", ("n",))
    new = multiply(Const(2), w)
    x = np.ones(3)
    result = compile_program({"new": new, "old": w}, updates={"w": new})(w=x)
    x[0] = 7
    np.testing.assert_array_equal(result["new"], [2, 2, 2])
    np.testing.assert_array_equal(result["old"], [1, 1, 1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.T.copy().T, "it is not C-contiguous"),
        (lambda w: w.astype("float32"), "its dtype is float32"),
        (lambda w: w.tolist(), "it is a list"),
        (lambda w: np.broadcast_to(w, w.shape), "it is read-only"),
    ],
)
def test_an_updated_array_must_be_writeable(change, message):
    w, x = Var("w", ("m", "n")), Var("x", ("m", "n"))
    step = compile_program({"s": sum_over(w, [0, 1])}, updates={"w": add(w, x)})
    good = np.ones((2, 3))
    for _ in range(2):  # also after a call has been compiled
        with pytest.raises(ShapeError, match=message) as caught:
            step(w=change(np.ones((2, 3))), x=good)
        assert caught.value.operand == "w"
        step(w=np.ones((2, 3)), x=good)


def test_an_updated_array_is_not_another_input():
    w, x = Var("w", ("n",)), Var("x", ("n",))
    step = compile_program({}, updates={"w": add(w, x)})
    same = np.ones(3)
    with pytest.raises(EingradError, match="x is the same array"):
        step(w=same, x=same)


def test_results_are_fresh():
    x = Var("x", ("n",))
    f = compile_program({"x": x, "y": (2 * Infix(x)).expr, "again": (2 * Infix(x)).expr})
    array = np.ones(4)
    first = f(x=array)
    kept = {name: value.copy() for name, value in first.items()}
    second = f(x=np.full(4, 5.0))
    for name, value in first.items():
        np.testing.assert_array_equal(value, kept[name])
        for other in [array, second[name], *(v for n, v in first.items() if n != name)]:
            assert not np.shares_memory(value, other)


def test_nothing_is_allocated_in_the_loop():
    values = mlp.arrays(256, 300, 200, 10)
    outputs, updates = mlp.sgd_step(0.01)
    step = compile_program(outputs, updates=updates)
    for _ in range(3):
        step(**values)
    tracemalloc.start()
    for _ in range(3):
        step(**values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000, peak  # NumPy's own buffer is 32 KiB, one layer's activations 200 KiB


def test_threads_give_the_serial_results():
    loss, gradients = mlp.forward()
    f = compile_program({"L": loss, **gradients})
    inputs = [mlp.arrays(16, 50, 40, 5, seed=seed) for seed in range(8)]
    serial = [f(**x) for x in inputs]
    failures: list[str] = []

    def work(k: int) -> None:
        for _ in range(30):
            for name, value in f(**inputs[k]).items():
                if not np.array_equal(value, serial[k][name]):
                    failures.append(name)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
