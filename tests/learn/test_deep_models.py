"""Layers that repeat, trained from the command line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np

import eingrad as eg
from eingrad.learn.classifier import (
    assumed_extents,
    find_roles,
    initial_values,
    parameter_shapes,
    stacked_parameters,
)

DEEP = """
assume size(l) = 3
Z[l,b,h] = Z[l-1,b,h] + relu(Z[l-1,b,g] W[l,g,h] + c_lh)
Z[l<0,b,h] = relu(X_bi W0_ih + b0_h)
Y_bo = softmax_o(mean_l(Z_lbh) V_ho + d_o)
L = -mean_b(T_bo log(Y_bo))
"""


def test_stacked_weights_have_the_extent_that_is_assumed() -> None:
    model = eg.parse(DEEP)
    shapes = parameter_shapes(find_roles(model), 4, 3, 5, assumed_extents(model))
    assert shapes["W"] == (3, 5, 5)
    assert shapes["c"] == (3, 5)
    assert stacked_parameters(model) == {"W", "c"}
    drawn = initial_values(shapes, np.random.default_rng(0), np.float64, {"W", "c"})
    bound = (6 / 10) ** 0.5
    assert 0.8 * bound < abs(drawn["W"]).max() <= bound
    assert not drawn["c"].any()


def test_a_deep_model_learns_the_digits(tmp_path: Path) -> None:
    path = tmp_path / "deep.ein"
    path.write_text(DEEP)
    command = [
        sys.executable, "-c", "from eingrad.cli import main; main()", "train", "digits", "--model",
        str(path), "--epochs", "3", "--hidden", "24",
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    accuracy = re.findall(r"test accuracy (\d+\.\d) %", ended.stdout)[-1]
    assert float(accuracy) > 85, ended.stdout
