"""What eingrad prints as matrix form it reads back: the gallery's results, and random ones."""

from __future__ import annotations

import random
import sys
import warnings
from pathlib import Path
from typing import ClassVar

import pytest
from seeds import seeded

import eingrad as eg

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
from gallery_models import GALLERY, Entry
from make_gallery import derive


@pytest.mark.parametrize("entry", GALLERY, ids=[entry.title for entry in GALLERY])
def test_the_gallerys_matrix_forms_are_read_back(entry: Entry) -> None:
    model = eg.parse(entry.model)
    found = derive(entry)
    for name in found:
        form = found.matrix_form(name)
        if form is None or form == "0":
            continue
        claim = f"{found._key(name)} = {form}"
        verdict = model.check(claim)
        assert verdict.outcome == "right", str(verdict)


class MatrixAuthor:
    """Writes random losses in matrix notation over declared scalars, vectors and matrices."""

    SHAPES: ClassVar[dict[str, str]] = {
        "A": "mn", "B": "nm", "C": "mm", "D": "mn", "x": "n", "y": "m", "z": "n", "c": "",
    }  # fmt: skip

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seeded(seed))

    def matrix(self, rows: str, cols: str, depth: int) -> str:
        """Return a matrix of this shape."""
        own = [n for n, s in self.SHAPES.items() if s == rows + cols and len(s) == 2]
        own += [f"{n}^T" for n, s in self.SHAPES.items() if s == cols + rows and len(s) == 2]
        if depth == 0 and own:
            return self.random.choice(own)
        kind = self.random.randrange(5)
        if kind == 0 or depth <= 0:
            return f"{self.vector(rows, depth - 1)} {self.vector(cols, depth - 1)}^T"
        if kind == 1:
            inner = self.random.choice("mn")
            return f"{self.matrix(rows, inner, depth - 1)} {self.matrix(inner, cols, depth - 1)}"
        if kind == 2:
            return f"tanh({self.matrix(rows, cols, depth - 1)})"
        sign = self.random.choice(["+", "-", "⊙"])
        left, right = (self.matrix(rows, cols, depth - 1) for _ in range(2))
        return f"({left} {sign} {right})" if sign != "⊙" else f"(({left}) ⊙ ({right}))"

    def vector(self, rows: str, depth: int) -> str:
        """Return a column of this length."""
        own = [n for n, s in self.SHAPES.items() if s == rows]
        if depth <= 0:
            return self.random.choice(own)
        kind = self.random.randrange(3)
        if kind == 0:
            return f"sigmoid({self.vector(rows, depth - 1)})"
        if kind == 1:
            return f"({self.vector(rows, depth - 1)} - {self.vector(rows, depth - 1)})"
        inner = self.random.choice("mn")
        return f"({self.matrix(rows, inner, depth - 1)} {self.vector(inner, depth - 1)})"

    def model(self) -> str:
        """Return a text with a scalar loss."""
        n = self.random.choice("mn")
        loss = self.random.choice([
            f"||{self.vector(n, 2)}||^2", f"tr({self.matrix('m', 'm', 2)})",
            f"{self.vector(n, 1)}^T {self.matrix(n, 'm', 1)} {self.vector('m', 1)}",
            f"||{self.matrix('m', 'n', 1)}||_F^2", f"c ||{self.vector(n, 1)}||",
        ])  # fmt: skip
        declared = []
        for name, shape in self.SHAPES.items():
            space = f"^{{{' x '.join(shape)}}}" if len(shape) == 2 else f"^{shape}" * bool(shape)
            declared.append(f"{name} in R{space}")
        return "\n".join([*declared, f"L = {loss}"])


def read(text: str) -> eg.Model:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eg.parse(text)


@pytest.mark.parametrize("block", range(10))
def test_random_models_and_their_matrix_forms_are_read_back(block: int) -> None:
    shown = 0
    for seed in range(50 * block, 50 * block + 50):
        text = MatrixAuthor(seed).model()
        model = read(text)
        assert str(read(str(model))) == str(model), text
        gradients = model.grad("L")
        for name in gradients:
            form = gradients.matrix_form(name)
            if form is None or len(form) > 150:
                continue
            shown += 1
            verdict = model.check(f"dL/d{name} = {form}")
            assert verdict.outcome == "right", f"{text}\n{verdict}"
    assert shown > 50
