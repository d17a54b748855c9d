"""Texts with pieces cut out, doubled and put in: what cannot be read ends in an error of ours."""

# ruff: noqa: E501 - a table

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import seeds
from seeds import seeded
from test_public_kinds import KINDS

import eingrad as eg
from eingrad.notation.parse import parse_claims

PIECES = [
    *r"_^{}()[]|'=<>+-*/,.&\ 0129ijkabxyABLWdT", "\n", r"\frac", r"\sum_", r"\partial ", r"\le ", "≤", "≠",
    r"\max", "max(", "tanh'", r"\sigma'", r"\nabla_", r"\|", "||", "1[", "1_{", r"\mathbb{1}[", r"\delta_{",
    r"\begin{cases}", r"\end{cases}", r"\\", r"\top", "sum_{i<j}", "where(", "dL/dx", "d2L/", r"\left(",
    r"\right)", "size(", "⊙", r"\mathbf{x}", "softmax_", r"\det ", r"\log|", "function ", "assume ",
    " in R^{n x n}", r"\text{if }", r"\in ", "f_{xy}", "D_x ", r"h_\theta(x^{(i)})", "(x_i; w)", r"\mid ",
]  # fmt: skip
TEXTS = [
    *(model for model, _, _ in KINDS.values()),
    "L = -mean_b(T_bo log(Z_bo))",
    "y_i = x[i+k] w_k",
]
CLAIMS = [claim for _, right, wrong in KINDS.values() for claim in (*right, *wrong)]
WAYS: tuple[tuple[Callable[[str], object], list[str]], ...] = (
    (eg.parse, TEXTS),
    (eg.parse_latex, TEXTS),
    (lambda text: parse_claims(text, latex=True), CLAIMS),
    (lambda text: parse_claims(text, latex=False), CLAIMS),
)


def mutated(text: str, rng: random.Random) -> str:
    """Return a text with one to five changes."""
    for _ in range(rng.choice((1, 1, 2, 3, 5))):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice((1, 1, 2, 4, 9)))
        other = rng.choice(TEXTS + CLAIMS)
        begin = rng.randrange(len(other) + 1)
        new = rng.choice(
            (
                "",
                rng.choice(PIECES) + text[start:end],
                text[start:end] * 2,
                other[begin : begin + 12],
            )
        )
        text = text[:start] + new + text[end:]
    return text


@pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
@pytest.mark.parametrize("batch", range(4))
def test_what_cannot_be_read_ends_in_an_error_of_ours(batch: int) -> None:
    rng = random.Random(seeded(batch))
    for _ in range(max(50, round(500 * seeds.share))):
        read, texts = rng.choice(WAYS)
        text = mutated(rng.choice(texts), rng)
        try:
            read(text)
        except eg.EingradError:
            continue
        except Exception as error:
            pytest.fail(f"{error!r} of {text!r}")
