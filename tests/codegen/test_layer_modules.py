"""Layers' modules run alone, agree with PyTorch, and go through the frameworks' transformations."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_models import LAYERS, LayerCase

import eingrad as eg

RUNNER = Path(__file__).parent / "run_layers.py"
TARGETS = ("numpy", "torch", "jax")
COMPILED = ("linear", "swiglu", "lstm_cell")
TOLERANCE = 1e-10


def layer_of(case: LayerCase) -> Any:
    return eg.parse(case.text).vjp(case.of.split(), case.wrt.split())


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all layers in three targets, and data for them."""
    result = tmp_path_factory.mktemp("layers")
    for case in LAYERS:
        layer = layer_of(case)
        for target in TARGETS:
            (result / f"{case.name}.{target}.py").write_text(layer.source(target))
        module: dict[str, Any] = {"__name__": "module"}
        exec((result / f"{case.name}.numpy.py").read_text(), module)
        inputs, rng = module["random_data"](1), np.random.default_rng(2)
        arrays = {f"in {name}": x for name, x in inputs.items()}
        outputs, _ = module["forward"](**inputs)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        arrays |= {f"bar {k}": rng.normal(size=y.shape) for k, y in enumerate(outputs)}
        arrays |= {f"dot {x}": rng.normal(size=inputs[x].shape) for x in module["WRT"]}
        np.savez(result / f"{case.name}.npz", **arrays)
    return result


@pytest.fixture(scope="session")
def ran(folder: Path) -> set[str]:
    """The targets whose modules ran, each in a process without eingrad and other frameworks."""
    installed = {target for target in TARGETS if find_spec(target)}
    every = os.environ.get("EINGRAD_EXHAUSTIVE")
    compiled = [case.name for case in LAYERS] if every else COMPILED
    quick = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "XLA_FLAGS": quick}
    running = {
        target: subprocess.Popen(
            [sys.executable, "-I", str(RUNNER), target, str(folder), *compiled],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        )
        for target in installed
    }  # fmt: skip
    for target, process in running.items():
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, f"{target}\n{output}"
    return installed


def expected_of(case: LayerCase, arrays: dict[str, Any]) -> dict[str, Any]:
    """Return what PyTorch's own operations and derivatives give."""
    torch = pytest.importorskip("torch")
    inputs = {k[3:]: torch.tensor(x) for k, x in arrays.items() if k.startswith("in ")}
    names = case.wrt.split()
    bars = [torch.tensor(x) for k, x in arrays.items() if k.startswith("bar ")]
    dots = tuple(torch.tensor(arrays[f"dot {name}"]) for name in names)

    def outputs(*moved: Any) -> Any:
        found = case.reference(torch, {**inputs, **dict(zip(names, moved, strict=True))})
        return found if isinstance(found, tuple) else (found,)

    wanted = tuple(inputs[name] for name in names)
    values, moved = torch.autograd.functional.jvp(outputs, wanted, dots)
    _, gradients = torch.autograd.functional.vjp(outputs, wanted, tuple(bars))
    result = {f"value {k}": y for k, y in enumerate(values)}
    result |= {f"moved {k}": y for k, y in enumerate(moved)}
    return result | {f"d {name}": y for name, y in zip(names, gradients, strict=True)}


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.name)
@pytest.mark.parametrize("target", TARGETS)
def test_a_layer_is_pytorchs(target: str, case: LayerCase, folder: Path, ran: set[str]) -> None:
    if target not in ran:
        pytest.skip(f"{target} is not installed")
    found = dict(np.load(folder / f"{case.name}.{target}.npz"))
    expected = expected_of(case, dict(np.load(folder / f"{case.name}.npz")))
    for way in ("grad", "vmap", "compile"):
        gradients = {k: x for k, x in expected.items() if k.startswith("d ")}
        if target != "numpy" and (way != "compile" or f"{way} {case.wrt.split()[0]}" in found):
            expected |= {way + k[1:]: x for k, x in gradients.items()}
    for key, right in expected.items():
        assert found[key].shape == tuple(right.shape), key
        scale = max(1.0, float(right.abs().max()))
        assert float(np.abs(found[key] - right.numpy()).max()) < TOLERANCE * scale, key


@pytest.mark.parametrize("command", [["format", "--check"], ["check"]], ids=["format", "check"])
def test_layers_are_in_ruffs_format(command: list[str], folder: Path) -> None:
    if shutil.which("ruff") is None:
        pytest.skip("ruff is not installed")
    ruff = ["ruff", *command, "--isolated", "--quiet", str(folder)]
    done = subprocess.run(ruff, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.name)
@pytest.mark.parametrize("save", [None, "inputs"])
def test_a_compiled_layer_is_its_module(case: LayerCase, save: str | None, folder: Path) -> None:
    arrays = dict(np.load(folder / f"{case.name}.npz"))
    module: dict[str, Any] = {"__name__": "module"}
    exec(layer_of(case).source("numpy", save=save), module)
    inputs = [arrays[f"in {name}"] for name in module["AXES"]]
    bars = [x for name, x in arrays.items() if name.startswith("bar ")]
    outputs, saved = module["forward"](*inputs)
    layer = layer_of(case).compile(save=save)
    found, kept = layer.forward(*inputs)
    own = (outputs, found) if isinstance(outputs, tuple) else ((outputs,), (found,))
    pairs = [*zip(*own, strict=True)]
    pairs += zip(module["backward"](saved, *bars), layer.backward(kept, *bars), strict=True)
    for right, result in pairs:
        np.testing.assert_allclose(result, right, rtol=1e-9, atol=1e-10)
    if save:
        assert not layer.computed


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_layer_is_compiled_for_other_backends(backend: str) -> None:
    own = pytest.importorskip({"jax": "jax.numpy"}.get(backend, backend)).asarray
    case = next(case for case in LAYERS if case.name == "swiglu")
    module: dict[str, Any] = {"__name__": "module"}
    exec(layer_of(case).source("numpy"), module)
    data = {name: x.astype(np.float32) for name, x in module["random_data"]().items()}
    layer = layer_of(case).compile(backend)
    Y, saved = layer.forward(**{name: own(x) for name, x in data.items()})
    expected, kept = module["forward"](**data)
    np.testing.assert_allclose(np.asarray(Y), expected, rtol=2e-4)
    for a, b in zip(layer.backward(saved, Y), module["backward"](kept, expected), strict=True):
        np.testing.assert_allclose(np.asarray(a), b, rtol=2e-3, atol=1e-3)


def test_what_is_saved_is_said_and_chosen() -> None:
    layer = layer_of(next(case for case in LAYERS if case.name == "swiglu"))
    every, inputs = layer.source("torch"), layer.source("torch", save="inputs")
    assert "    u1: 4 t f\n" in every.split("Saved for `backward`")[1]
    assert "    P: 4 f d_2, an input\n" in every
    assert "Computed again instead of saved:\n\n    v: 4 t\n" in inputs
    assert "mark_non_differentiable" not in inputs
    some = layer.source("numpy", save=["v", "u1", "u2"])
    assert "u1: 4 t f" in some.split("Computed again")[0]
    assert "u3: 4 t f" in some.split("Computed again")[1]
    with pytest.raises(eg.UnknownNameError, match="nothing that backward needs is called 'w'"):
        layer.source("numpy", save=["w"])


def test_a_layer_that_cannot_be_says_so() -> None:
    model = eg.parse("H_bh = X_bi W_ih\nY_bo = tanh(H_bh) V_ho")
    with pytest.raises(eg.EingradError, match="differentiates by inputs, and H is assigned"):
        model.vjp("Y", ["H"]).source("numpy")
    with pytest.raises(eg.UnknownNameError):
        model.vjp("Z", ["X"])
    with pytest.raises(eg.EingradError, match="a layer has no training step"):
        model.vjp("Y", ["X"]).source("numpy", optimizer=eg.sgd(lr=0.1))
    module: dict[str, Any] = {"__name__": "module"}
    exec(model.vjp("Y", ["X", "W"]).source("numpy"), module)
    data = module["random_data"]()
    _, saved = module["forward"](**data)
    with pytest.raises(ValueError, match="its cotangent"):
        module["backward"](saved, np.ones(1))


def test_an_output_may_be_an_input_itself() -> None:
    """PyTorch refuses to save what a function returns as it got it."""
    torch = pytest.importorskip("torch")
    source = eg.parse("a_i = x_i\nb_i = x_i w_i").vjp(["a", "b"], ["x", "w"]).source("torch")
    module: dict[str, Any] = {"__name__": "layer"}
    exec(compile(source, "layer", "exec"), module)
    x, w = (torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in "xw")
    a, b = module["value"](x, w)
    found = torch.autograd.grad((a**2).sum() + (b**2).sum(), [x, w])
    torch.testing.assert_close(found, (2 * x + 2 * x * w**2, 2 * w * x**2))


@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
def test_a_large_whole_number_is_written_as_a_float(target: str) -> None:
    """-1e30 hides entries from a softmax; as an integer it fits no library's."""
    library = pytest.importorskip(target)
    model = eg.parse("A_ij = softmax_j(where(j <= i, x_ij, -1e30))")
    module: dict[str, Any] = {"__name__": "layer"}
    exec(compile(model.vjp("A", ["x"]).source(target), "layer", "exec"), module)
    x = np.array([[1.0, 5.0], [2.0, 2.0]])
    found = module["value"](library.tensor(x) if target == "torch" else x)
    np.testing.assert_allclose(np.asarray(found), [[1, 0], [0.5, 0.5]])
