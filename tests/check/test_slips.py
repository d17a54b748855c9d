"""Slips in random models and claims: a verdict or a message, never a crash."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st
from random_models import RandomModel
from seeds import in_batches
from strategies import models

import eingrad as eg
from eingrad.check import MISTAKES
from eingrad.notation.text import to_text

TOKEN = re.compile(r"[A-Za-z0-9]+|\s+|.")
PIECES = [
    *"()[]_^'=,+-*/<>.ij0129é", " ", "\n", "_ij", "x", "dL/dx_i", "d2L/dx_i dx_j", "delta_ij",
    "delta[y,i]", "sum_i(", "softmax_i(", "size(i)", "size_i(x_i)", "exp(", "where(", "inv_ij(",
    "^2", "^(1/2)", "1e-8", "1e400", "assume ", "function phi\n", "phi'(", "x[y[i],j]", "d[", "L",
    "∑", "∂", "⊙",
]  # fmt: skip


@st.composite
def slips(draw: st.DrawFn, text: str) -> str:
    """Lose, repeat, exchange or insert a few tokens of a text."""
    tokens = TOKEN.findall(text)
    for _ in range(draw(st.integers(0, 3))):
        i, j = (draw(st.integers(0, max(0, len(tokens) - 1))) for _ in range(2))
        match draw(st.integers(0, 3)) if tokens else 3:
            case 0:
                del tokens[i]
            case 1:
                tokens[i], tokens[j] = tokens[j], tokens[i]
            case 2:
                tokens[i:i] = tokens[min(i, j) : max(i, j)][:6]
            case 3:
                tokens[i:i] = [draw(st.sampled_from(PIECES))]
    return "".join(tokens)


def answered(question: Any) -> Any:
    """Return an answer, None where there is a message instead, which must help."""
    try:
        return question()
    except eg.EingradError as error:
        message = str(error)
    assert message
    return None


@in_batches(200, 4, models(statements=3, depth=3), st.data())
def test_a_slip_in_a_model_gives_a_model_or_a_message(
    model: RandomModel, data: st.DataObject
) -> None:
    text = data.draw(slips(model.text))
    found = answered(lambda: eg.parse(text))
    if found is not None:
        answered(lambda: found.grad(found.outputs[-1]))


@in_batches(200, 4, models(statements=2, depth=3), st.data())
def test_a_slip_in_a_claim_gives_a_verdict_or_a_message(
    model: RandomModel, data: st.DataObject
) -> None:
    read = eg.parse(model.text)
    gradients = list(read.grad("L").values())
    if gradients:
        claim = to_text(data.draw(st.sampled_from(gradients)).formula)
        verdict = answered(lambda: read.check(data.draw(slips(claim))))
        assert verdict is None or verdict.ok or verdict.mistake in MISTAKES
