"""Standalone modules run by themselves, agree with each other and with the engine, and are tidy."""

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
from codegen_models import CASES, MLP, Case

import eingrad as eg

RUNNER = Path(__file__).parent / "run_modules.py"
TARGETS = ("numpy", "torch", "jax")
TOLERANCE = 1e-10
TRAINED = {"mlp_sigmoid": eg.adam(lr=0.01), "ridge": eg.sgd(lr=0.1), "rnn": eg.momentum(lr=0.1)}
BY_MATMUL = {"deep", "attention", "bilinear", "heads", "factors", "softmax", "logistic"}


def write(case: Case, folder: Path, suffix: str = "", **options: Any) -> None:
    """Write a case's three modules, and data for all of them."""
    name = case.name + suffix
    derivatives = case.derivatives()
    for target in TARGETS:
        text = derivatives.source(target, functions=case.functions, **options)
        (folder / f"{name}.{target}.py").write_text(text)
    module: dict[str, Any] = {"__name__": "module"}
    exec((folder / f"{name}.numpy.py").read_text(), module)
    np.savez(folder / f"{name}.npz", **module["random_data"](1))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all modules."""
    result = tmp_path_factory.mktemp("modules")
    for case in CASES:
        write(case, result, optimizer=TRAINED.get(case.name))
        if case.name in BY_MATMUL:
            write(case, result, "_matmul", matmul=True)
    return result


@pytest.fixture(scope="session")
def ran(folder: Path) -> set[str]:
    """The targets whose modules ran, each in a process without eingrad and other frameworks."""
    installed = {target for target in TARGETS if find_spec(target)}
    quick = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "XLA_FLAGS": quick}
    running = {
        target: subprocess.Popen(
            [sys.executable, "-I", str(RUNNER), target, str(folder)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        )
        for target in installed
    }  # fmt: skip
    for target, process in running.items():
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, f"{target}\n{output}"
    return installed


def names() -> list[str]:
    return [c.name for c in CASES] + [f"{name}_matmul" for name in sorted(BY_MATMUL)]


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("target", TARGETS)
def test_a_module_passes_its_own_check_and_agrees_with_numpys(
    target: str, name: str, folder: Path, ran: set[str]
) -> None:
    if target not in ran:
        pytest.skip(f"{target} is not installed")
    found = np.load(folder / f"{name}.{target}.npz")
    assert float(found["error"]) < 1e-6
    expected = np.load(folder / f"{name}.numpy.npz")
    for key in set(expected) - {"error", "losses"}:
        assert_close(found[key], expected[key], key)
    if "losses" in expected:
        assert found["losses"][-1] < found["losses"][0]


def assert_close(found: np.ndarray, expected: np.ndarray, key: str) -> None:
    assert found.shape == expected.shape, key
    scale = max(1.0, np.abs(expected).max(initial=0))
    assert np.abs(found - expected).max(initial=0) < TOLERANCE * scale, key


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_module_agrees_with_the_engine(case: Case, folder: Path, ran: set[str]) -> None:
    assert "numpy" in ran
    derivatives = case.derivatives()
    own = np.load(folder / f"{case.name}.numpy.npz")
    arrays = dict(np.load(folder / f"{case.name}.npz"))
    engine = derivatives.compile(functions=case.functions)
    inputs = dict(zip(_input_names(case), arrays.values(), strict=True))
    result = engine(**inputs)
    for k, key in enumerate(derivatives._keys.values()):
        assert_close(own[f"d{k}"], result[key], key)
    if case.kind not in {"hessian", "hvp"}:
        assert_close(own["v0"], result[case.of], case.of)


def _input_names(case: Case) -> list[str]:
    return list(case.derivatives().system.inputs)


@pytest.mark.parametrize("command", [["format", "--check"], ["check"]], ids=["format", "check"])
def test_modules_are_in_ruffs_format(command: list[str], folder: Path) -> None:
    if shutil.which("ruff") is None:
        pytest.skip("ruff is not installed")
    ruff = ["ruff", *command, "--isolated", "--quiet", str(folder)]
    done = subprocess.run(ruff, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("target", TARGETS)
def test_a_module_is_a_program(target: str, folder: Path, ran: set[str]) -> None:
    if target not in ran:
        pytest.skip(f"{target} is not installed")
    path = folder / f"ridge.{target}.py"
    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    says = "largest relative error" if target == "numpy" else "agree with differences"
    assert says in done.stdout
    assert "20 steps of training" in done.stdout
    wrong = path.read_text().replace("dL_dw = ", "dL_dw = 2 * ", 1)
    failing = folder / f"wrong_{target}.txt"
    failing.write_text(wrong)
    done = subprocess.run([sys.executable, "-I", str(failing)], capture_output=True, text=True)
    assert done.returncode == 1


def test_the_two_layer_module_reads_like_a_persons() -> None:
    text = eg.parse(MLP.format("sigmoid")).grad("L", ["W1"]).source("numpy", matmul=True)
    backward = text.split("def backward")[1].split("\n\n\n")[0]
    assert backward.splitlines()[2:] == [
        "    X, W2, T, Z1, Z2 = saved",
        "    n_b = X.shape[0]",
        "    # dL/dA2_bo = (Z2_bo - T_bo) / size(b)",
        "    dL_dA2 = (Z2 - T) / n_b",
        "    # dL/dZ1_bh = W2_ho dL/dA2_bo",
        "    dL_dZ1 = dL_dA2 @ W2.T",
        "    # dL/dA1_bh = dL/dZ1_bh Z1_bh (1 - Z1_bh)",
        "    dL_dA1 = dL_dZ1 * Z1 * (1 - Z1)",
        "    # dL/dW1_ih = X_bi dL/dA1_bh",
        "    dL_dW1 = X.T @ dL_dA1",
        "    return (dL_dW1,)",
    ]


def test_the_loss_is_computed_stably() -> None:
    text = eg.parse(MLP.format("tanh")).grad("L", ["W1"]).source("numpy")
    module: dict[str, Any] = {"__name__": "module"}
    exec(text, module)
    data = module["random_data"]()
    value, saved = module["forward"](**{**data, "W2": 1e4 * data["W2"]})
    assert np.isfinite(value)
    assert np.isfinite(module["backward"](saved)[0]).all()


def test_float32_stays_float32() -> None:
    for case in CASES:
        if case.kind != "grad":
            continue
        module: dict[str, Any] = {"__name__": "module"}
        exec(case.derivatives().source("numpy", functions=case.functions), module)
        data = {
            k: x if x.dtype.kind == "i" else np.asarray(x, np.float32)
            for k, x in module["random_data"]().items()
        }
        value, saved = module["forward"](**data)
        for x in (value, *module["backward"](saved)):
            assert np.asarray(x).dtype == np.float32, case.name


def test_shapes_are_checked() -> None:
    module: dict[str, Any] = {"__name__": "module"}
    exec(eg.parse("L = x_i A_ij x_j").grad("L", "x").source("numpy"), module)
    with pytest.raises(ValueError, match=r"axis i has size 3, but 4 in A"):
        module["forward"](np.ones(3), np.ones((4, 3)))
    with pytest.raises(ValueError, match=r"x has shape \(3, 1\), but its axes are \('i',\)"):
        module["forward"](np.ones((3, 1)), np.ones((3, 3)))


@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
def test_an_axis_whose_length_is_a_number(target: str) -> None:
    """``assume size(l) = 3`` says how long q is, where l is also read at an offset."""
    if target != "numpy":
        pytest.importorskip(target)
    text = "assume size(l) = 3\nG_li = sigmoid(c[l+1,i])\nZ[l,i] = G_li Z[l-1,i] + q_l x_i"
    gradients = eg.parse(f"{text}\nL = sum_i(Z[-1,i]^2)").grad("L")
    module: dict[str, Any] = {"__name__": "module"}
    exec(gradients.source(target), module)
    data = module["random_data"]()
    value, saved = module["forward"](**data)
    found = dict(zip(module["WRT"], module["backward"](saved), strict=True))
    right = gradients.compile()(**{n: np.asarray(x, dtype=float) for n, x in data.items()})
    np.testing.assert_allclose(float(value), right["L"], rtol=1e-5)
    for n, x in found.items():
        np.testing.assert_allclose(x, right[f"dL/d{n}"], rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="axis 3 has size 3, but 4 in q"):
        module["check_shapes"](*(np.ones(4) if n == "q" else x for n, x in data.items()))


@pytest.mark.parametrize(
    ("model", "wrt", "options", "reason"),
    [
        ("L = x_i x_i", "x", {"target": "numy"}, "did you mean 'numpy'"),
        ("y_i = 2 x_i\nL = y_i y_i", "y", {}, "differentiates by inputs, and y is assigned"),
        ("function phi\nL = sum_i(phi(x_i))", "x", {}, "phi is not bound"),
        ("function phi\nL = sum_i(phi(x_i))", "x", {"functions": {"phi": np.sin}}, "written into"),
        (
            "function phi\nL = sum_i(phi(x_i))",
            "x",
            {"functions": {"phi": "tahn"}},
            "no function 'tahn'",
        ),
    ],
)
def test_what_cannot_be_written_says_so(
    model: str, wrt: str, options: dict[str, Any], reason: str
) -> None:
    derivatives = eg.parse(model).grad("L", wrt)
    with pytest.raises(eg.EingradError, match=reason):
        derivatives.source(**{"target": "numpy", **options})


@pytest.mark.parametrize("name", sorted(TRAINED))
def test_a_training_step_is_the_engines(name: str) -> None:
    case = next(case for case in CASES if case.name == name)
    derivatives = case.derivatives()
    module: dict[str, Any] = {"__name__": "module"}
    exec(derivatives.source("numpy", optimizer=TRAINED[name]), module)
    data = module["random_data"]()
    arrays = {key: np.array(x) for key, x in data.items()}
    data |= module["initial_state"](data)
    engine = derivatives.compile(update=TRAINED[name])
    for _ in range(3):
        value, new = module["train_step"](**data)
        data |= new
        assert_close(np.asarray(value), engine(**arrays)[case.of], case.of)
    for key, array in arrays.items():
        assert_close(data[key], array, key)
