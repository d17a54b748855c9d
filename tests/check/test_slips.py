"""Slips in random models and claims: a verdict or a message, never a crash."""

from __future__ import annotations

import re
from typing import Any

from counting import calls
from hypothesis import strategies as st
from random_models import RandomModel
from seeds import in_batches
from strategies import models

import eingrad as eg
from eingrad.check import MISTAKES
from eingrad.errors import CODES, printable
from eingrad.notation.text import to_text

TOKEN = re.compile(r"[A-Za-z0-9]+|\s+|.")
PIECES = [
    *"()[]_^'=,+-*/<>.ij0129é", " ", "\n", "_ij", "x", "dL/dx_i", "d2L/dx_i dx_j", "delta_ij",
    "delta[y,i]", "sum_i(", "softmax_i(", "size(i)", "size_i(x_i)", "exp(", "where(", "inv_ij(",
    "^2", "^(1/2)", "1e-8", "1e400", "assume ", "function phi\n", "phi'(", "x[y[i],j]", "d[", "L",
    "∑", "∂", "⊙", "\u202e", "\x1b[31m", "ﬁ", "x̂", "\ud800", "٣", "ß", "1" * 400, "1e308",
    "1e-320", "(" * 30, ")" * 30, "softmax_i(" * 6, "^2" * 6, "assume 0 = sqrt(x_i)\n",
    "assume 1 = x[i,y[i]]\n",
    "delta_kk", "size(k)", "inv_ij(x_i)", "\\frac{", "\\sum_i ", "}", "$",
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
    except eg.EingradError as found:
        error = found
    assert str(error)
    assert error.code in CODES
    assert printable(str(error), "\n\t") == str(error)
    return None


@in_batches(200, 4, models(statements=3, depth=3), st.data())
def test_a_slip_in_a_model_gives_a_model_or_a_message(
    model: RandomModel, data: st.DataObject
) -> None:
    text = data.draw(slips(model.text))
    found = answered(lambda: eg.parse(text))
    if found is not None:
        answered(lambda: found.grad(found.outputs[-1]))


MOST_CALLS = 40_000_000  # of all that is asked about one text


@in_batches(60, 4, models(statements=2, depth=2), st.data())
def test_whatever_is_asked_about_a_text_ends_in_an_answer_or_a_message(
    model: RandomModel, data: st.DataObject
) -> None:
    text = data.draw(slips(model.text))
    claim = data.draw(slips(f"dL/dx_i = {model.text.splitlines()[-1].partition('=')[2]}"))
    target = data.draw(st.sampled_from(["numpy", "torch", "jax"]))

    def ask() -> None:
        answered(lambda: eg.parse_latex(text))
        found = answered(lambda: eg.parse(text))
        if found is None:
            return
        of = found.outputs[-1]
        gradients = answered(lambda: found.grad(of))
        for derivatives in (gradients, answered(lambda: found.hessian(of))):
            if derivatives is not None:
                answered(derivatives.text)
                answered(derivatives.latex)
        if gradients is not None:
            answered(lambda: gradients.source(target))
        answered(lambda: found.check(claim))

    assert calls(ask) < MOST_CALLS


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
