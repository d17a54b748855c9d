"""What a compiled function says: its errors, its source, its plan; how long it takes to make."""

from __future__ import annotations

import gc
import linecache
import time
import traceback

import numpy as np
import pytest
from counting import calls

import eingrad as eg
from eingrad.calculus.optim import adam, momentum
from eingrad.core.algebra import Infix, add, apply, einsum, full, multiply, reduce, repeat, sum_over
from eingrad.core.expr import Const, Var
from eingrad.engine import compile_program, contraction_path
from eingrad.engine.function import CACHE_SIZE
from eingrad.errors import BackendError, EingradError, MemoryLimitError, ShapeError

from . import mlp

X, W = Var("X", ("b", "i")), Var("W1", ("i", "h"))
PRODUCT = einsum([(X, (0, 1)), (W, (1, 2))], (0, 2))


def test_sizes_that_disagree():
    f = compile_program({"y": PRODUCT}, labels={"X": ("b", "pix"), "W1": ("pix", "h")})
    with pytest.raises(ShapeError) as caught:
        f(X=np.ones((32, 784)), W1=np.ones((100, 500)))
    text = "label pix: X axis 1 has size 784, W1 axis 0 has size 100"
    assert str(caught.value).splitlines()[0] == text
    assert (caught.value.label, caught.value.operand) == ("pix", "W1")


@pytest.mark.parametrize(
    ("arrays", "error", "text"),
    [
        ({"X": np.ones((2, 3))}, EingradError, "the input W1 is missing"),
        ({"X": np.ones((2, 3)), "W1": np.ones((3, 1)), "W2": 1}, EingradError,
         "there is no input W2\nhint: did you mean W1?"),
        ({"X": np.ones(3), "W1": np.ones((3, 1))}, ShapeError,
         "X has shape (3,), but the equation gives it 2 axes (b, i)"),
        ({"X": np.array([["a"]]), "W1": np.ones((1, 1))}, ShapeError,
         "X has dtype <U1: not numbers"),
        ({"X": [[1, 2], [3]], "W1": np.ones((1, 1))}, ShapeError,
         "X is not an array of numbers"),
        ({"X": None, "W1": np.ones((1, 1))}, ShapeError, "X has dtype object: not numbers"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit(arrays, error, text):
    f = compile_program({"y": PRODUCT})
    for _ in range(2):
        with pytest.raises(error) as caught:
            f(**arrays)
        assert str(caught.value).startswith(text)
        assert caught.value.operand
        f(X=np.ones((2, 3)), W1=np.ones((3, 4)))


def test_a_known_extent():
    f = compile_program({"y": sum_over(Var("x", (3,)), [0])})
    with pytest.raises(ShapeError, match="x axis 0 has size 4, the equation needs 3"):
        f(x=np.ones(4))


def test_integers():
    node = apply("eq", Var("y", ("b",), integer=True), Const(2))
    f = compile_program({"hit": multiply(node, Const(1)), "x": X})
    result = f(y=[2, 3, 2], X=np.ones((3, 1), "float32"))
    np.testing.assert_array_equal(result["hit"], [1, 0, 1])
    with pytest.raises(ShapeError, match="it must hold integers"):
        f(y=[0.5, 1, 2], X=np.ones((3, 1)))


def test_inputs_of_integers_are_numbers():
    result = compile_program({"y": PRODUCT})(X=[[1, 2]], W1=np.array([[3], [4]], "int8"))["y"]
    assert result.dtype == np.float64
    assert result.tolist() == [[11.0]]
    mixed = compile_program({"y": PRODUCT})(X=[[1, 2]], W1=np.array([[3], [4]], "float32"))["y"]
    assert mixed.dtype == np.float32


def test_the_dtype_is_the_widest_or_the_one_asked_for():
    x, w = np.ones((2, 3), "float32"), np.ones((3, 2))
    assert compile_program({"y": PRODUCT})(X=x, W1=w)["y"].dtype == np.float64
    assert compile_program({"y": PRODUCT}, dtype="float32")(X=x, W1=w)["y"].dtype == np.float32
    assert compile_program({"y": PRODUCT}, dtype=np.float64)(X=x, W1=x.T)["y"].dtype == np.float64
    with pytest.raises(BackendError, match="cannot compute in int32"):
        compile_program({"y": PRODUCT}, dtype="int32")


def test_an_unbound_function_and_an_unknown_backend():
    node = apply("phi'", X)
    with pytest.raises(EingradError, match="the function phi' is not bound") as caught:
        compile_program({"y": node}, functions={"phi": np.tanh})
    assert 'functions={"phi\'": a Python function' in str(caught.value)
    with pytest.raises(BackendError, match="there is no backend 'fortran'"):
        compile_program({"y": X}, backend="fortran")
    reshaping = compile_program({"y": node}, functions={"phi'": np.sum})
    with pytest.raises(ShapeError, match="phi' took shape"):
        reshaping(X=np.ones((2, 2)))


def test_two_tensors_of_one_name():
    with pytest.raises(EingradError, match="X stands for two tensors"):
        compile_program({"y": X, "z": Var("X", ("b",))})


def test_the_memory_limit_is_checked_before_anything_is_allocated():
    f = compile_program({"y": PRODUCT}, memory_limit=10**6)
    f(X=np.ones((10, 3)), W1=np.ones((3, 10)))
    column = np.ones((200_000, 1))
    with pytest.raises(MemoryLimitError, match="the plan needs 320,000,000,000 bytes"):
        f(X=column, W1=column.T)


def test_the_source_is_what_runs():
    f = compile_program({"y": PRODUCT})
    assert "def run(buffers" in f.source  # for nominal sizes
    f(X=np.ones((2, 3)), W1=np.ones((3, 4)))
    namespace: dict = {}
    exec(f.source, namespace)
    x, w = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    names = [v.name for v in f.inputs]
    arrays = {"X": x, "W1": w}
    (result,) = namespace["run"](namespace["workspace"](), *(arrays[n] for n in names))
    np.testing.assert_array_equal(result, x @ w)


def test_only_generated_names_reach_the_source():
    evil = 'x"]); import os  #\n'
    names = [evil, "for", "np", "v0", "m0", "dL/dW", "überall", "a" * 99]
    nodes = {name: (2 * Infix(Var(name, ("n\nimport os",)))).expr for name in names}
    values = {name: np.full(2, k) for k, name in enumerate(names)}
    f = compile_program(nodes)
    result = f(**values)
    for k, name in enumerate(names):
        np.testing.assert_array_equal(result[name], [2 * k, 2 * k])
    assert "import os" not in f.source
    assert f.source.isascii()


def test_a_traceback_shows_the_source():
    def failing(_):
        raise RuntimeError("no")

    f = compile_program({"y": apply("phi", X)}, functions={"phi": failing})
    with pytest.raises(RuntimeError) as caught:
        f(X=np.ones((2, 2)))
    assert "f0(X)" in "".join(traceback.format_exception(caught.value))


def test_caches_are_bounded():
    before = len(linecache.cache)
    f = compile_program({"y": PRODUCT})
    for n in range(2 * CACHE_SIZE):
        f(X=np.ones((n, 3)), W1=np.ones((3, 2)))
    assert len(f._programs) <= CACHE_SIZE
    gc.collect()
    assert len(linecache.cache) - before <= CACHE_SIZE + 2
    assert f(X=np.ones((5, 3)), W1=np.ones((3, 2)))["y"].shape == (5, 2)


def test_the_plan_prints():
    f = compile_program({"y": reduce("softmax", PRODUCT, [1])})
    f(X=np.ones((32, 784), "float32"), W1=np.ones((784, 500), "float32"))
    text = str(f.plan)
    assert "matmul       bi,ih->bh" in text
    assert "32 x 500" in text
    assert "12,544,000" in text
    assert f.plan.largest_intermediate == 16_000
    assert f.plan.flops == 32 * 784 * 500 + 5 * 32 * 500
    assert "bytes" in text


def test_a_path_prints():
    path = contraction_path([(0, 1), (1, 2), (2, 3)], (0, 3), {0: 10, 1: 20, 2: 30, 3: 5})
    assert path.flops == 20 * 30 * 5 + 10 * 20 * 5
    assert path.largest_intermediate == 100
    assert "bc,cd->bd" in str(path)
    assert "4,000" in str(path)


@pytest.mark.parametrize("optimizer", [momentum(lr=0.1, beta=0.5), adam(lr=0.1)])
def test_state_is_kept_from_call_to_call(optimizer):
    loss, gradients = mlp.forward()
    steps = {v.name: optimizer.step(v, gradients[v.name]) for v in mlp.PARAMETERS}
    state = {name: x for step in steps.values() for name, x in step.state.items()}
    updates = {name: step.new_value for name, step in steps.items()}
    values = mlp.arrays(8, 90, 60, 3, "float64")
    expected = {n: x.copy() for n, x in values.items()}
    f = compile_program({"L": loss}, updates=updates, state=state)
    # The same formulas, as a function without updates.
    every = {**updates, **{name: x.new_value for name, x in state.items()}}
    plain = compile_program({"L": loss, **every})
    known = {name: np.zeros_like(expected[name.split("/")[-1]]) if name.split("/")[-1] in expected
             else np.zeros(()) for name in state}  # fmt: skip
    for _ in range(3):
        given = f(**values)
        assert set(given) == {"L"}
        new = plain(**expected, **known)
        np.testing.assert_allclose(given["L"], new["L"])
        expected |= {name: new[name] for name in updates}
        known |= {name: new[name] for name in state}
    for name in updates:
        np.testing.assert_allclose(values[name], expected[name], rtol=1e-9, atol=1e-12)
    assert set(f.state) == set(state)
    for name, array in f.state.items():
        np.testing.assert_allclose(array, known[name], rtol=1e-9, atol=1e-12)


def chain(n: int):
    x = Var("x", ("n",))
    node = x
    for k in range(n):
        node = apply("sin", node) if k % 2 else add(node, x)
    return node


def layers(n: int):
    """A network of n layers and its loss."""
    z = X
    for k in range(n):
        weight, bias = Var(f"W{k}", ("i", "i")), Var(f"b{k}", ("i",))
        product = einsum([(z, (0, 1)), (weight, (1, 2))], (0, 2))
        z = apply("tanh", add(product, repeat(bias, ("b", "i"), [1])))
    return sum_over(multiply(z, z), [0, 1])


def calls_to_compile(node) -> int:
    f = compile_program({"y": node})
    arrays = {v.name: np.full([3] * v.ndim, 0.1) for v in f.inputs}
    return calls(lambda: f(**arrays))


@pytest.mark.parametrize(("build", "n"), [(chain, 4_000), (layers, 400)])
def test_work_to_compile_is_linear(build, n):
    small, large = (calls_to_compile(build(k)) for k in (n // 4, n))
    assert large < 4 * 1.1 * small


def test_a_deep_chain_is_right_and_works_in_place():
    f = compile_program({"y": chain(10_000)})
    begin = time.process_time()
    y = f(x=np.array([0.1, 0.2]))["y"]
    assert time.process_time() - begin < 20  # 2 s; what a count of calls does not see
    expected = x = np.array([0.1, 0.2])
    for k in range(10_000):
        expected = np.sin(expected) if k % 2 else expected + x
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    assert f.plan.buffers == 0  # all of it in the result


def test_an_expression_of_numbers_alone():
    result = compile_program({"a": Const(3), "b": full(2, (2, 2)), "c": apply("log", Const(2))})()
    assert result["a"] == 3
    assert result["b"].tolist() == [[2, 2], [2, 2]]
    np.testing.assert_allclose(result["c"], np.log(2))


def calls_to_compile_gradients(layers: int, loss: str) -> int:
    """Derive and compile a network by all its matrices; the work of the second."""
    lines = [f"Z{k + 1}_bi = tanh(Z{k}_bj W{k}_ji + c{k}_i)" for k in range(layers)]
    model = eg.parse("\n".join([*lines, f"L = {loss}_bi(Z{layers}_bi^2)"]))
    derivatives = model.grad("L", [f"W{k}" for k in range(layers)])
    return calls(derivatives.compile)


@pytest.mark.parametrize("loss", ["sum", "mean"])
def test_work_to_compile_gradients_is_linear(loss):
    """No rule looks at the whole network from each of its nodes."""
    small, large = (calls_to_compile_gradients(n, loss) for n in (25, 100))
    assert large < 4 * 1.1 * small


def test_numbers_and_lists_are_checked_once(monkeypatch):
    f = eg.parse("y_i = s A_ij x_j").compile()
    given = {"s": 2.0, "A": [[1.0, 2.0], [3.0, 4.0]], "x": np.ones(2)}
    np.testing.assert_array_equal(f(**given)["y"], [6, 14])
    made = []
    monkeypatch.setattr(type(f), "_signature", lambda *_: made.append(1) or 1 / 0)
    np.testing.assert_array_equal(f(**given | {"s": 3.0})["y"], [9, 21])
    with pytest.raises(ZeroDivisionError):  # another shape is looked at
        f(**given | {"x": np.ones(3)})
    assert made == [1]
