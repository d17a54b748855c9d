"""Right formulas, and 300 ways of rewriting them: none rejected."""

from __future__ import annotations

import pytest
from models import model_of, right_formulas
from rewritings import rewritings

from eingrad.notation.text import to_text

COUNT = 300
BATCHES = 10  # so that a failure says where, and the tests can run side by side


def test_the_right_formulas_are_right() -> None:
    for formula in right_formulas():
        assert model_of(formula.text).check(str(formula)).ok, str(formula)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_rewriting_is_rejected(batch: int) -> None:
    for rewriting in rewritings(COUNT)[batch::BATCHES]:
        verdict = model_of(rewriting.formula.text).check(to_text(rewriting.claim))
        assert verdict.ok, f"{rewriting}\n{verdict}"
