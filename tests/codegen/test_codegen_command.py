"""``eingrad codegen``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eingrad.cli import app

MODEL = "L = mean_a((X_ai w_i - y_a)^2)"


def run(*arguments: str, model: str = MODEL) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["codegen", "-", *arguments], input=model)
    return result.exit_code, result.stdout, result.stderr


def test_the_module_goes_to_a_file_and_runs(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    code, out, _ = run("--wrt", "w", "--optimizer", "sgd", "--matmul", "-o", str(path))
    assert (code, out) == (0, "")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "steps of training" in done.stdout


def test_the_module_goes_to_standard_output() -> None:
    code, out, _ = run("--wrt", "w", "--target", "jax")
    assert code == 0
    assert "jax.custom_vjp" in out
    function = run("--function", "phi=tanh", model="function phi\nL = sum_i(phi(x_i))")
    assert "np.tanh(x)" in function[1]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--target", "toch"], "did you mean 'torch'?"),
        (["--optimizer", "adm"], "known: sgd, momentum, adam"),
        (["--function", "phi"], "write it as phi=relu"),
        (["--wrt", "v"], "no tensor 'v'"),
        (["--lr", "0.1"], "--lr has no effect without --optimizer"),
        (["--wrt", ","], "--wrt names no tensor"),
        (["-o", "/dev/full"], "No space left"),
        (["-o", "/nowhere/at/all.py"], "cannot write"),
    ],
)
def test_errors_have_no_traceback(arguments: list[str], reason: str) -> None:
    code, out, error = run(*arguments)
    assert code == 2
    assert out == ""
    assert reason in error
    assert "Traceback" not in error


def test_a_function_that_is_not_bound() -> None:
    code, _, error = run(model="function phi\nL = sum_i(phi(x_i))")
    assert code == 2
    assert "--function phi=relu" in error


def test_a_dash_is_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("-o", "-") == run()
    assert list(tmp_path.iterdir()) == []


def test_the_model_is_not_overwritten(tmp_path: Path) -> None:
    model, link = tmp_path / "model.ein", tmp_path / "link"
    model.write_text(MODEL)
    link.symlink_to(model)
    for output in (model, link):
        result = CliRunner().invoke(app, ["codegen", str(model), "-o", str(output)])
        assert result.exit_code == 2
        assert "is the model itself" in result.stderr
    assert model.read_text() == MODEL


def test_another_file_is_replaced_on_demand_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("mine")
    code, _, error = run("-o", str(path))
    assert (code, path.read_text()) == (2, "mine")
    assert "exists already" in error
    assert "--overwrite" in error
    assert run("-o", str(path), "--overwrite")[0] == 0
    assert "def " in path.read_text()


def test_a_write_that_fails_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "module.py"
    path.write_text("old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    code, _, error = run("-o", str(path), "--overwrite")
    assert (code, path.read_text()) == (2, "old")
    assert "No space left" in error
    assert [p.name for p in tmp_path.iterdir()] == ["module.py"]


SWIGLU = "Y_td = silu(X_te W_ef) (X_ti V_if) P_fd"


def test_a_tensor_is_written_as_a_layer(tmp_path: Path) -> None:
    path = tmp_path / "layer.py"
    code, _, error = run("--of", "Y", "--wrt", "X,W", "-o", str(path), model=SWIGLU)
    assert code == 0, error
    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = run("--of", "Y", "--save", "inputs", "--target", "torch", model=SWIGLU)[1]
    assert "Computed again instead of saved" in text
    both = run("--of", "H,Y", model="H_bh = tanh(X_bi W_ih)\nY_b = H_bh v_h")[1]
    assert "def backward(saved: Saved, dH: Array, dY: Array)" in both


def test_only_a_layer_saves() -> None:
    code, _, error = run("--save", "inputs")
    assert code == 2
    assert "--save has no effect on the module of a scalar" in error
