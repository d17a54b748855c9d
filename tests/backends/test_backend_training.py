"""Training steps and whole runs: the same numbers on every backend."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eingrad as eg
from eingrad.core.algebra import add, einsum, multiply, sum_over
from eingrad.core.expr import Const, Var
from eingrad.engine import compile_program
from eingrad.engine.library import load_library, to_numpy
from eingrad.errors import ShapeError
from eingrad.learn.checkpoint import load, save
from eingrad.learn.classifier import packaged_model
from eingrad.learn.data import load_digits
from eingrad.learn.settings import Settings
from eingrad.learn.train import Trainer

mlp = pytest.importorskip("engine.mlp")
SOURCE = Path(__file__).parents[2] / "src"
BACKENDS = ["numpy", "torch", "jax"]
LEAST_SQUARES = "L = mean_b((X_bi w_i + c - y_b)^2)"


def own(backend: str, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    library = load_library(backend)
    return {name: library.own_copy(x) for name, x in arrays.items()}


@pytest.mark.parametrize("optimizer", [eg.sgd(0.1), eg.momentum(0.1), eg.adam(0.1)])
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_steps_are_numpys(backend: str, optimizer: Any) -> None:
    rng = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {"X": (6, 3), "w": (3,), "c": (), "y": (6,)}
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    arrays["c"] = np.array(0.5)
    gradients = eg.parse(LEAST_SQUARES).grad("L", ["w", "c"])
    numpy, other = gradients.compile(update=optimizer), gradients.compile(backend, update=optimizer)
    values = own(backend, arrays)
    for _ in range(4):
        expected, found = numpy(**arrays), other(**values)
        assert set(found) == ({"L"} if backend == "torch" else {"L", "w", "c"})
        values |= {name: x for name, x in found.items() if name != "L"}
        np.testing.assert_allclose(to_numpy(found["L"]), expected["L"], rtol=1e-12)
    for name in ("w", "c"):
        np.testing.assert_allclose(to_numpy(values[name]), arrays[name], rtol=1e-12)
    assert set(other.state) == set(numpy.state)
    for name, x in numpy.state.items():
        np.testing.assert_allclose(to_numpy(other.state[name]), x, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("backend", BACKENDS)
def test_old_values_are_read_before_new_ones_are_written(backend: str) -> None:
    a, b, w = Var("a", ("n",)), Var("b", ("n",)), Var("w", (3, 3))
    turned = einsum([(w, (0, 1))], (1, 0))
    updates = {"a": b, "b": a, "w": turned}
    swap = compile_program({"sum": add(a, b)}, updates=updates, backend=backend)
    arrays = {"a": np.arange(3.0), "b": np.ones(3), "w": np.arange(9.0).reshape(3, 3)}
    values = own(backend, arrays)
    result = swap(**values)
    values |= {name: x for name, x in result.items() if name != "sum"}
    assert to_numpy(result["sum"]).tolist() == [1, 2, 3]
    assert to_numpy(values["a"]).tolist() == [1, 1, 1]
    assert to_numpy(values["b"]).tolist() == [0, 1, 2]
    np.testing.assert_array_equal(to_numpy(values["w"]), arrays["w"].T)


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_products_add_to_their_target(backend: str) -> None:
    w, a, c = Var("w", ("m", "n")), Var("a", ("k", "m")), Var("c", ("k", "n"))
    product = einsum([(Var("rate", ()), ()), (Const(-2), ()), (a, (0, 1)), (c, (0, 2))], (1, 2))
    new = add(multiply(Const(3), w), product)
    step = compile_program({}, updates={"w": new}, backend=backend)
    rng = np.random.default_rng(0)
    arrays = {"w": rng.normal(size=(300, 200)), "a": rng.normal(size=(5, 300))}
    arrays |= {"c": rng.normal(size=(5, 200)), "rate": np.array(0.25)}
    expected = 3 * arrays["w"] - 0.5 * arrays["a"].T @ arrays["c"]
    values = own(backend, arrays)
    values |= step(**values)
    np.testing.assert_allclose(to_numpy(values["w"]), expected, rtol=1e-12, atol=1e-12)


def test_torch_parameters_are_updated_in_place() -> None:
    torch = pytest.importorskip("torch")
    outputs, updates = mlp.sgd_step(0.5)
    step = compile_program(outputs, updates=updates, backend="torch")
    arrays = mlp.arrays(6, 5, 4, 3, "float64")
    values = own("torch", arrays)
    for name in updates:
        values[name] = torch.nn.Parameter(values[name])
    loss, new = mlp.reference_step(arrays, 0.5)
    assert float(step(**values)["L"]) == pytest.approx(loss)
    for name, expected in new.items():
        np.testing.assert_allclose(to_numpy(values[name]), expected, rtol=1e-12)
    assert "@torch.no_grad()" in step.source


@pytest.mark.parametrize(
    ("change", "message"),
    [(lambda w: w.numpy(), "it is a ndarray"), (lambda w: w.float(), "its dtype is float32")],
)
def test_what_torch_cannot_update(change: Any, message: str) -> None:
    torch = pytest.importorskip("torch")
    w, x = Var("w", ("n",)), Var("x", ("n",))
    step = compile_program({"s": sum_over(w, [0])}, updates={"w": add(w, x)}, backend="torch")
    for _ in range(2):
        with pytest.raises(ShapeError, match=message):
            step(w=change(torch.ones(2, dtype=torch.float64)), x=np.ones(2))
        step(w=torch.ones(2, dtype=torch.float64), x=np.ones(2))


def settings(backend: str, optimizer: str = "momentum", epochs: int = 2) -> Settings:
    return Settings.choose(
        "digits", hidden=32, epochs=epochs, batch_size=64, optimizer=optimizer, backend=backend
    )


def curve(trainer: Trainer) -> list[float]:
    losses: list[float] = []
    records = list(trainer.run(lambda _examples, loss: losses.append(loss)))
    tests = [x for record in records for x in (record.loss, record.test_loss, record.accuracy)]
    return losses + tests


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_loss_curves_are_numpys(optimizer: str) -> None:
    numpy, *others = (
        curve(Trainer.start(packaged_model(), settings(backend, optimizer), load_digits()))
        for backend in BACKENDS
    )
    for losses in others:
        np.testing.assert_allclose(losses, numpy, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("first", "then"), [("torch", "jax"), ("jax", "numpy"), ("numpy", "torch")]
)
def test_a_run_goes_on_with_another_backend(first: str, then: str, tmp_path: Path) -> None:
    data, path = load_digits(), tmp_path / "run.safetensors"
    whole = curve(Trainer.start(packaged_model(), settings("numpy", epochs=2), data))
    trainer = Trainer.start(packaged_model(), settings(first, epochs=1), data)
    list(trainer.run())
    save(path, trainer.checkpoint())
    checkpoint = load(path)
    resumed = Trainer.resume(checkpoint, checkpoint.settings.resume(backend=then, epochs=2), data)
    np.testing.assert_allclose(curve(resumed)[-3:], whole[-3:], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_run_in_float64_from_the_command_line(backend: str, tmp_path: Path) -> None:
    """JAX has to be told; in a process of its own, for it would stay told."""
    losses = {}
    for name in ("numpy", backend):
        path = tmp_path / name
        options = ["--hidden", "5", "--epochs", "2", "--dtype", "float64", "--backend", name]
        subprocess.run(
            [sys.executable, "-m", "eingrad", "train", *options, "--checkpoint", str(path)],
            env={**os.environ, "PYTHONPATH": str(SOURCE)}, check=True, capture_output=True,
        )  # fmt: skip
        checkpoint = load(path)
        assert {x.dtype.name for x in checkpoint.parameters.values()} == {"float64"}
        losses[name] = [record["loss"] for record in checkpoint.history]
    np.testing.assert_allclose(losses[backend], losses["numpy"], rtol=1e-11)
