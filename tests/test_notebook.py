"""eingrad in IPython: objects display themselves, errors are short, a cell is a model."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import eingrad as eg
from eingrad.codegen.targets import TARGETS, TargetName
from eingrad.engine.library import BACKENDS, BackendName

SHOWN = [
    "model", "model['W']", "gradients", "gradients['W']", "gradients.closed('W')",
    "model.check('dL/dW_ih = 2 X_bi dL/dA_bh')", "f", "f.plan",
    "eg.contract_path('ij,jk->ik', (2, 3), (3, 4))",
]  # fmt: skip
SETUP = """
import eingrad as eg
model = eg.parse("A_bh = X_bi W_ih\\nL = mean_bh((tanh(A_bh) - T_bh)^2)")
gradients = model.grad("L", ["W"])
f = gradients.compile()
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """The outputs of a notebook that a kernel of its own has run."""
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient").NotebookClient
    pytest.importorskip("ipykernel")
    v4 = nbformat.v4
    cells = [SETUP, *SHOWN, "eg.parse('y_i = x_i + b_k')", "model.grad('K')", "%load_ext eingrad",
             "%%ein m --of L --wrt x\nL = x_i A_ij x_j", "print(m)"]  # fmt: skip
    book = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    root = tmp_path_factory.mktemp("notebook")
    client(book, timeout=120, allow_errors=True, kernel_name="python3",
           resources={"metadata": {"path": str(root)}}).execute()  # fmt: skip
    return [cell.outputs for cell in book.cells]


def test_every_object_displays_itself(executed: list) -> None:
    for code, outputs in zip(SHOWN, executed[1:], strict=False):
        (output,) = outputs
        assert output.output_type == "execute_result", (code, output)
        data = output.data
        rich = data.get("text/html", "") or data.get("text/latex", "")
        if "contract_path" in code:
            assert "FLOPs" in data["text/plain"]
            continue
        assert rich, code
        assert "\\n" not in data["text/plain"] or rich


def test_an_error_is_its_caret_and_hint(executed: list) -> None:
    for outputs, says in zip(executed[len(SHOWN) + 1 :], ["hint: to sum over it", "tensor 'K'"],
                             strict=False):  # fmt: skip
        (output,) = outputs
        assert output.output_type == "error"
        shown = "\n".join(output.traceback)
        assert says in shown
        assert len(shown.splitlines()) <= 6, shown
        assert "site-packages" not in shown
        assert "model.py" not in shown
    (first,) = executed[len(SHOWN) + 1]
    assert "^^^" in "\n".join(first.traceback)
    assert "line 1: eg.parse('y_i = x_i + b_k')" in "\n".join(first.traceback)


def test_a_cell_is_a_model(executed: list) -> None:
    (derived,), (printed,) = executed[-2:]
    assert "<math" in derived.data["text/html"]
    assert printed.text == "L = x_i A_ij x_j\n"


def test_a_model_is_a_mapping_of_its_tensors() -> None:
    model = eg.parse("z_i = tanh(W_ij x_j)")
    assert str(model["z"]) == "z_i = tanh(W_ij x_j)"
    assert model["W"].labels == ("i", "j")
    assert list(model) == ["W", "x", "z"]
    assert "z" in model
    assert "q" not in model
    with pytest.raises(eg.UnknownNameError):
        model["q"]
    assert r"z_{i} &= \tanh" in model.latex()


def test_steps_without_a_name_are_all_of_them() -> None:
    found = eg.parse("z_b = X_bi w_i + c\nL = sum_b(z_b^2)").grad("L", ["w", "c"])
    every = found.steps()
    assert [s.after for s in every][: len(found.steps("w"))] == [s.after for s in found.steps("w")]
    assert len(every) > len(found.steps("w"))


@pytest.mark.parametrize(
    ("name", "meant"), [("grda", "grad"), ("Adam", "adam"), ("Parse", "parse"),
                        ("einsun", "einsum"), ("softmx", "softmax")],
)  # fmt: skip
def test_a_name_that_is_meant(name: str, meant: str) -> None:
    with pytest.raises(AttributeError, match=f"did you mean {meant}\\?"):
        getattr(eg, name)


def test_types_know_backends_and_targets() -> None:
    assert set(get_args(BackendName)) == set(BACKENDS)
    assert set(get_args(TargetName)) == set(TARGETS)


MODELS = {
    "a.ein": "z_i = W_ij x_j",
    "a.tex": r"\documentclass{article}\begin{document}Let \begin{equation} z_i = W_{ij} x_j. "
    r"\end{equation} Then \[\frac{\partial z_i}{\partial x_j} = W_{ij}\]\end{document}",
    "a.md": "Let\n\n$$z_i = W_{ij} x_j$$\n\nso that "
    "$$\\frac{\\partial z_i}{\\partial x_j} = W_{ij}$$\n",
    "b.md": "Prose with $$a = b$$\n\n```ein\nz_i = W_ij x_j\n```\n",
}


@pytest.mark.parametrize("name", MODELS)
def test_models_are_loaded_from_files(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(MODELS[name])
    assert str(eg.load(tmp_path / name)) == "z_i = W_ij x_j"


def test_a_file_without_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Only words.")
    with pytest.raises(eg.NotationError, match="no formula that defines a tensor"):
        eg.load(tmp_path / "a.md")
    with pytest.raises(eg.DataError):
        eg.load(tmp_path / "missing.ein")


class Named:
    """An array whose axes have names, as xarray's have."""

    def __init__(self, values: np.ndarray, dims: tuple[str, ...]) -> None:
        self.values, self.dims = values, dims
        self.shape, self.dtype = values.shape, values.dtype

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.values


def test_names_of_axes_are_honoured_or_refused() -> None:
    f = eg.parse("z_b = X_bi w_i").compile()
    values, w = np.arange(9.0).reshape(3, 3), np.array([1.0, 2.0, 3.0])
    for _ in range(2):
        np.testing.assert_array_equal(f(X=Named(values, ("b", "i")), w=w)["z"], values @ w)
        np.testing.assert_array_equal(f(X=Named(values, ("i", "b")), w=w)["z"], values.T @ w)
    np.testing.assert_array_equal(f(X=Named(values, ("dim_0", "dim_1")), w=w)["z"], values @ w)
    with pytest.raises(eg.ShapeError, match="called time, place, the labels in the model are b, i"):
        f(X=Named(values, ("time", "place")), w=w)


def test_xarrays_names() -> None:
    xarray = pytest.importorskip("xarray")
    f = eg.parse("z_b = X_bi w_i").compile()
    values, w = np.arange(9.0).reshape(3, 3), np.array([1.0, 2.0, 3.0])
    found = f(X=xarray.DataArray(values, dims=("i", "b")), w=w)["z"]
    np.testing.assert_array_equal(found, values.T @ w)
