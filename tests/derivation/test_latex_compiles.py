"""All LaTeX that eingrad writes is rendered by KaTeX, at its strictest."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from random_models import RandomModel
from seeds import examples
from strategies import models

import eingrad as eg
from eingrad.core.functions import FUNCTIONS
from eingrad.notation.latex import to_latex
from eingrad.notation.lexeme import elementwise

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OF_EXAMPLES = {
    "softmax_and_matmul": ("SOFTMAX", "PRODUCT"),
    "mse_layer": ("MODEL",),
    "single_sample_mlp": ("MODEL",),
    "minibatch_mlp": ("ONE", "BATCH"),
}
ONE_ARGUMENT = sorted(name for name, row in FUNCTIONS.items() if row.takes(1) and elementwise(name))
OVER_AXES = ("sum", "mean", "max", "min", "prod", "logsumexp", "norm")
WRITTEN = [
    *(f"L = sum_i({name}(x_i))" for name in ONE_ARGUMENT),
    *(f"y_b = {name}_i(x_bi)\nL = y_b y_b" for name in OVER_AXES),
    *(f"y_bi = {name}_i(x_bi)\nL = y_bi y_bi" for name in ("softmax", "log_softmax")),
    "L = sum_i(maximum(x_i, minimum(y_i, 2)) + pow(x_i, y_i) + where(x_i < y_i, x_i, 0.5))",
    "L = A_ii / 3 - delta_ij B_ij^2 + size(i) W_{ij} V^{(1)}_{ij} + 1e-8 c",
    "L = W[out,in] x[in] y[out] + \\alpha_i β_i + sum_{row}(r[row])",
    "function phi\nL = sum_i(phi(phi(x_i)))",
    "V1_i = where(C_i > D_i, 1 / B_i, 2)^2\nL = mean_i(V1_i minimum(F_i, V1_i))",
    "V_α = (B_αu / C_uα) D_α\nL = sum_α(V_α logsumexp_j(F_αj))",
]


def katex() -> Callable[[list[str]], list[tuple[int, str]]]:
    """Return a check of formulas; skip where there is no Node.js or no KaTeX."""
    node = shutil.which("node")
    folder = Path(os.environ.get("KATEX_DIR", HERE))
    if node is None or not (folder / "node_modules" / "katex").is_dir():
        pytest.skip("needs node, and KATEX_DIR where `npm install katex` ran")
    command = [node, str(HERE / "katex_check.js")]

    def refused(formulas: list[str]) -> list[tuple[int, str]]:
        done = subprocess.run(
            command, input=json.dumps(formulas), capture_output=True, text=True, check=True
        )
        return [(number, message) for number, message in json.loads(done.stdout)]

    return refused


def formulas_of(text: str) -> Iterator[str]:
    """Yield the LaTeX of a model, of its derivations in every format, and of each step."""
    model = eg.parse(text)
    yield from map(to_latex, model.statements)
    if "L" not in model.outputs:
        return
    found = model.grad("L", [*model.inputs, *(name for name in model.outputs if name != "L")])
    yield from found.latex().split("\n\n")
    yield from re.findall(r"\$\$(.*?)\$\$", found._repr_latex_(), re.DOTALL)
    yield from re.findall(r"```math\n(.*?)```", found.markdown(), re.DOTALL)
    for name in found:
        yield from (to_latex(side) for step in found.steps(name) for side in (step.left, step.right)
                    if side is not None)  # fmt: skip


def assert_renders(texts: list[str]) -> None:
    check = katex()
    formulas = [(text, latex) for text in texts for latex in formulas_of(text)]
    assert len(formulas) > len(texts)
    refused = check([latex for _, latex in formulas])
    lines = [f"{message}\n{formulas[k][1]}\n{formulas[k][0]}" for k, message in refused]
    assert not lines, f"{len(lines)} of {len(formulas)}\n" + "\n\n".join(lines[:3])


def test_katex_refuses_what_is_wrong() -> None:
    assert [k for k, _ in katex()([r"\frac{a}{b}", r"\frac{a", r"\nosuch", "a_b_c", "é"])] == [
        1,
        2,
        3,
        4,
    ]


def test_examples_render(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    assert_renders([
        getattr(importlib.import_module(script), name)
        for script, names in OF_EXAMPLES.items() for name in names
    ])  # fmt: skip


def test_models_of_the_package_render() -> None:
    paths = sorted((ROOT / "src").rglob("*.ein"))
    assert paths
    assert_renders([path.read_text() for path in paths])


def test_every_function_renders() -> None:
    assert {name for name, row in FUNCTIONS.items() if row.takes(1)} <= set(ONE_ARGUMENT)
    assert_renders(WRITTEN)


def test_random_models_render() -> None:
    katex()
    texts: list[str] = []

    @examples(100, database=None)
    @given(models())
    def collect(model: RandomModel) -> None:
        texts.append(model.text)

    collect()
    assert_renders(texts)
