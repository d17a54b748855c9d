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
        (["-o", "/nowhere/at/all.py"], "cannot write"),
    ],
)
def test_errors_have_no_traceback(arguments: list[str], reason: str) -> None:
    code, out, error = run(*arguments)
    assert code == 2
    assert out == ""
    assert reason in error
    assert "Traceback" not in error
