"""Random runs find planted faults: each changes one line of a copy of the source.

At night all are planted, otherwise one, another one with each ``--seed``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import seeds

ROOT = Path(__file__).parents[1]
RANDOM = [
    "tests/eager/test_random_programs.py",
    "tests/test_random_hessians.py",
    "tests/test_assumptions.py::test_random_models_with_assumptions_agree_with_pytorch",
    "tests/calculus/test_nested.py",
    "tests/core/test_confluence.py",
]
ELEMENTWISE, AXES, MATRIX = (
    f"core/functions/{name}_table.py" for name in ("elementwise", "reduction", "matrix")
)
FAULTS = [
    # what, file, a line of it, what stands there instead
    ("tanh", ELEMENTWISE, '"tanh", (lambda y, x: 1 - y ** 2,)', '"tanh", (lambda y, x: 1 - y,)'),
    ("sigmoid", ELEMENTWISE, "lambda y, x: y * (1 - y),", "lambda y, x: y * (1 + y),"),
    ("sine", ELEMENTWISE, '"sin", (lambda y, x: x("cos"),)', '"sin", (lambda y, x: x("sin"),)'),
    ("cosine", ELEMENTWISE, '"cos", (lambda y, x: -x("sin"),)', '"cos", (lambda y, x: x("sin"),)'),
    ("root", ELEMENTWISE, '"sqrt", (lambda y, x: 1 / (2 * y),)', '"sqrt", (lambda y, x: 1 / y,)'),
    ("arc tangent", ELEMENTWISE, '"atan", (lambda y, x: 1 / (1 + x ** 2),)',
     '"atan", (lambda y, x: 1 / (2 + x ** 2),)'),
    ("hyperbolic sine", ELEMENTWISE, 'lambda y, x: x("cosh"),', 'lambda y, x: x("sinh"),'),
    ("maximum", ELEMENTWISE, '"maximum", (lambda y, a, b: _tie(a, b), lambda y, a, b: _tie(b, a))',
     '"maximum", (lambda y, a, b: _tie(b, a), lambda y, a, b: _tie(a, b))'),
    ("exp", ELEMENTWISE, '"exp", (lambda y, x: y,)', '"exp", (lambda y, x: -y,)'),
    ("log", ELEMENTWISE, '"log", (lambda y, x: 1 / x,)', '"log", (lambda y, x: 2 / x,)'),
    ("log1p", ELEMENTWISE, "lambda y, x: 1 / (1 + x),", "lambda y, x: 1 / (2 + x),"),
    ("softplus", ELEMENTWISE, 'lambda y, x: x("sigmoid"),', 'lambda y, x: x("tanh"),'),
    ("elu", ELEMENTWISE, "_step(x, 1, y + 1),", "_step(x, 1, y),"),
    ("error function", ELEMENTWISE, '2 / math.sqrt(math.pi) * (-(x ** 2))("exp"),',
     '1 / math.sqrt(math.pi) * (-(x ** 2))("exp"),'),
    ("softmax as its diagonal", AXES, "y.here * (same - y.there),",
     "y.here * (1 - y.there) * same,"),
    ("log-softmax", AXES, 'same - x.along("softmax").there', 'same - x.along("softmax").here'),
    ("unit vector", AXES, "(same - y.here * y.there)", "(same + y.here * y.there)"),
    ("cumsum", AXES, 'transpose="reverse_cumsum"', 'transpose="cumsum"'),
    ("determinant", MATRIX, 'at_kinks=(("adjugate", "mk"),)', 'at_kinks=(("adjugate", "km"),)'),
    ("log-determinant", MATRIX, '"log-determinant derivative",\n                   derivative='
     '(("inverse", "mk"),)', '"log-determinant derivative",\n                   derivative='
     '(("inverse", "km"),)'),
    ("powers collected", "core/product.py", "exponents.get(key, 0) + exponent)",
     "exponents.get(key, 0) or exponent)"),
    ("like terms", "core/algebra.py", "total.get(rest, 0) + coefficient)",
     "total.get(rest, 0) or coefficient)"),
]  # fmt: skip

ASKED = [  # found by asking about texts of the grammar: crashes, false verdicts, what never ends
    ("a crash", "derivation/numpy_line.py", "raise NoNumpyLineError(type(expr).__name__)",
     "raise TypeError(type(expr).__name__)"),
    ("all is right", "check/decide.py",
     "if agrees_everywhere(own, question.right, question.points):",
     "if True:\n            return _right(question, text, True)\n        if False:"),
    ("all is wrong", "check/compare.py", "EXACT = 1e-12 ", "EXACT = -1 "),
]  # fmt: skip
TEXTS = 40


def planted() -> list[tuple[str, str, str, str]]:
    """Return the faults that this run plants."""
    return FAULTS if seeds.share > 1 else [FAULTS[seeds.start % len(FAULTS)]]


def copied(file: str, line: str, other: str, to: Path) -> Path:
    """Copy the source, with another line in one place; return the folder of the package."""
    source = to / "src" / "eingrad"
    shutil.copytree(ROOT / "src/eingrad", source, ignore=shutil.ignore_patterns("__pycache__"))
    place = source / file
    place.write_text(place.read_text().replace(line, other))
    return source.parent


def test_each_fault_has_its_place() -> None:
    for what, file, line, other in (*FAULTS, *ASKED):
        assert (ROOT / "src/eingrad" / file).read_text().count(line) == 1, what
        assert line != other
    assert len(FAULTS) >= 20


@pytest.mark.parametrize("number", range(len(FAULTS) if seeds.share > 1 else 1))
def test_a_planted_fault_is_found(number: int, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    what, file, line, other = planted()[number]
    source = copied(file, line, other, tmp_path)
    paths = os.pathsep.join(map(str, [source, ROOT / "tests"]))
    run = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider",
            "-o", f"pythonpath={source} tests", *RANDOM,
        ],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": paths, "EXAMPLES": "100"},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert run.returncode == 1, f"{what} was not found:\n{run.stdout[-500:]}"
    assert "FAILED" in run.stdout, run.stdout[-500:]


@pytest.mark.parametrize("fault", ASKED if seeds.share > 1 else ASKED[1:2], ids=lambda x: x[0])
def test_a_planted_fault_is_found_by_asking(
    fault: tuple[str, str, str, str], tmp_path: Path
) -> None:
    what, file, line, other = fault
    paths = os.pathsep.join(map(str, [copied(file, line, other, tmp_path), ROOT / "tests"]))
    start, count = (seeds.seeded(0), TEXTS) if seeds.share > 1 else (3, 1)
    run = subprocess.run(
        [sys.executable, "tests/ask_texts.py", str(start), str(count)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert run.returncode == 1, f"{what} was not found:\n{run.stdout[-500:]}"
    assert "faults, slowest" in run.stdout, run.stderr[-500:]
