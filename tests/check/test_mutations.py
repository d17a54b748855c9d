"""300 wrong formulas: none accepted, and most mistakes named. PyTorch says which are wrong."""

from __future__ import annotations

from collections import Counter

import pytest
from models import MODELS, model_of, right_formulas
from mutations import Mutation, is_right, mutations

from eingrad.check import MISTAKES
from eingrad.notation.parse import parse_claim
from eingrad.notation.text import to_text

COUNT = 300
NAMED = 0.9
BATCHES = 10  # so that a failure says where, and the tests can run side by side


def test_there_are_enough_models_and_mistakes() -> None:
    assert len(MODELS) >= 15
    kinds = Counter(m.kind for m in mutations(COUNT))
    assert len(kinds) >= 12
    assert min(kinds.values()) >= 8
    assert len({m.formula.model for m in mutations(COUNT)}) >= 20


def test_the_right_formulas_are_right() -> None:
    for formula in right_formulas():
        assert is_right(formula, formula.claim), str(formula)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_mutation_is_accepted_and_most_mistakes_are_named(batch: int) -> None:
    drawn = mutations(COUNT)[batch::BATCHES]
    unnamed = [line for m in drawn for line in fault(m)]
    assert len(unnamed) <= (1 - NAMED) * len(drawn), "\n".join(unnamed)


def fault(mutation: Mutation) -> list[str]:
    """Say what a verdict about a wrong claim lacks; fails where it is accepted."""
    verdict = model_of(mutation.formula.text).check(to_text(mutation.claim))
    assert not verdict.ok, str(mutation)
    assert verdict.mistake in MISTAKES
    if verdict.mistake not in mutation.names:
        return [f"{mutation}: {verdict.mistake}, {verdict.reason}"]
    assert verdict.fixed is not None
    fixed = parse_claim(verdict.fixed, set(model_of(mutation.formula.text).labels))
    assert is_right(mutation.formula, fixed), f"{mutation}\n{verdict}"
    return []
