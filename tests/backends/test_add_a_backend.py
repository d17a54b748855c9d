"""A backend is a module and a row: CONTRIBUTING's walk, with the texts that stand there.

The module is another one than NumPy's, under a name of its own; nothing else is edited for it.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import eingrad as eg
from eingrad.engine.library import BACKENDS, Backend, Library, backend_of
from eingrad.errors import BackendError, EingradError
from eingrad.learn.settings import Settings

GUIDE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text().split("### Add a backend")[1]
MODULE, ROW = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)[:2]
MODEL = eg.parse("Z_bo = softmax_o(X_bi W_io)\nL = -mean_b(sum_o(T_bo log(Z_bo)))")
ARRAYS = {"X": np.array([[0.5, -1.0], [2.0, 0.25]]), "W": np.array([[1.0, 0.5], [-0.5, 0.75]]),
          "T": np.eye(2)}  # fmt: skip


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "mirror.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    rows: dict[str, Backend] = {}
    exec(ROW, {"BACKENDS": rows, "Backend": Backend})
    for name, row in rows.items():
        monkeypatch.setitem(BACKENDS, name, row)
    monkeypatch.delitem(sys.modules, "mirror", raising=False)
    return import_module("mirror")


def test_a_model_is_compiled_for_it(mirror: ModuleType) -> None:
    f = MODEL.grad("L", ["W"]).compile(backend="mirror")
    assert f.library is mirror
    z = np.exp(ARRAYS["X"] @ ARRAYS["W"])
    z /= z.sum(axis=1, keepdims=True)
    found = f(**ARRAYS)
    np.testing.assert_allclose(found["L"], -np.log(np.diagonal(z)).mean())
    np.testing.assert_allclose(found["dL/dW"], ARRAYS["X"].T @ (z - ARRAYS["T"]) / 2)


def test_its_module_is_a_library(mirror: ModuleType) -> None:
    asked = {name for name in vars(Library) if not name.startswith("_")}
    assert {*asked, *Library.__annotations__} - set(dir(mirror)) == set()


def test_training_and_messages_know_it(mirror: ModuleType) -> None:
    assert Settings.choose("digits", backend="mirror").backend == mirror.__name__
    with pytest.raises(BackendError, match="no backend") as error:
        MODEL.compile(backend="mirrors")
    assert 'did you mean "mirror"?' in str(error.value)


def test_without_its_row_there_is_none() -> None:
    with pytest.raises(BackendError):
        MODEL.compile(backend="mirror")
    with pytest.raises(EingradError):
        Settings.choose("digits", backend="mirror")


def test_its_arrays_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    Array = type("Array", (), {"__module__": "mirror.arrays"})
    assert backend_of(Array()) is None
    monkeypatch.setitem(BACKENDS, "mirror", Backend("mirror", "numpy", arrays=("mirror",)))
    assert backend_of(Array()) == "mirror"
    assert backend_of(np.ones(2)) is None


def test_its_package_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BACKENDS, "mirror", Backend("mirror", package="no_such_package"))
    with pytest.raises(BackendError, match="needs the package no_such_package"):
        MODEL.compile(backend="mirror")
