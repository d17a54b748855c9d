"""``import eingrad`` is quick and loads none of the heavy packages that eingrad can use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
HEAVY = {"torch", "jax", "sklearn", "typer", "rich", "matplotlib", "scipy", "PIL", "pooch"}
MODULES = "import sys\nimport {0}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
CALLS = (
    "from counting import calls\nfrom importlib import import_module\n"
    "numpy = calls(lambda: import_module('numpy'))\n"
    "print(calls(lambda: import_module('{0}')) / numpy)"
)


def run_python(code: str, path: Path = SRC) -> str:
    paths = os.pathsep.join([str(path), str(Path(__file__).parent)])
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def heavy_modules(name: str, path: Path = SRC) -> set[str]:
    return HEAVY & set(run_python(MODULES.format(name), path).split())


def test_import_loads_nothing_heavy() -> None:
    assert not heavy_modules("eingrad")


def test_a_heavy_import_is_found(tmp_path: Path) -> None:
    pytest.importorskip("rich")
    (tmp_path / "greedy.py").write_text("import rich.text\n")
    assert heavy_modules("greedy", tmp_path) == {"rich"}


def times_numpy(name: str, path: Path = SRC) -> float:
    """Return how many calls an import makes for each that NumPy's (0.1 s) makes."""
    return float(run_python(CALLS.format(name), path))


def test_import_is_quick() -> None:
    """0.2 s in all where NumPy takes half of it."""
    assert times_numpy("eingrad") < 0.5


def test_a_slow_import_is_found(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("for k in range(10**6): abs(k)\n")
    assert times_numpy("slow", tmp_path) > 0.5


GRADIENT = """
import sys
import eingrad as eg
model = eg.parse("A_bh = X_bi W_ih\\nL = mean_bh((tanh(A_bh) - T_bh)^2)")
f = model.grad("L", ["W"]).compile()
f(X=[[1.0, 2.0]], W=[[1.0], [0.5]], T=[[0.0]])
print(*sys.modules)
"""


def test_a_gradient_that_runs_loads_no_writer_nor_judge() -> None:
    """What judges claims, writes modules, or reads LaTeX takes a fifth of the time to import."""
    loaded = set(run_python(GRADIENT).split())
    assert "eingrad.engine.compile" in loaded
    unused = ("check", "codegen", "derivation.formats", "derivation.pictures", "notation.tex.read")
    for room in unused:
        assert not [x for x in loaded if x.startswith(f"eingrad.{room}.")]
        assert f"eingrad.{room}" not in loaded


ABSENT = """
import sys
sys.modules.update(dict.fromkeys({absent!r}))
import eingrad as eg
from eingrad.errors import BackendError
model = eg.parse("A_bh = X_bi W_ih\\nL = mean_bh((tanh(A_bh) - T_bh)^2)")
found = model.grad("L", ["W"])
for shown in ("text", "latex", "markdown", "html", "json"):
    print(getattr(found, shown)())
print(found["W"])
print(model.hessian("L", "W")["W"], model.jacobian("A", "W")["W"], found.matrix_form("W"))
for needs_numpy in (lambda: model.check("dL/dW_ih = X_bi"), found.compile):
    try:
        needs_numpy()
    except BackendError as error:
        print(error)
"""


def test_deriving_needs_no_numpy() -> None:
    """The page derives before NumPy has arrived, and says what needs it."""
    absent = ["numpy", "scipy", "opt_einsum", "rich", "typer"]
    shown = run_python(ABSENT.format(absent=absent))
    assert "dL/dW_ih = 2 X_bi (1 - tanh(A_bh)^2) (tanh(A_bh) - T_bh) / (size(b) size(h))" in shown
    assert shown.count("this needs numpy, which is not installed") == 2


def test_type_checkers_are_told_of_the_annotations() -> None:
    assert (SRC / "eingrad" / "py.typed").is_file()
