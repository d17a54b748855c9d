"""A mistake to check is a word and a finder: CONTRIBUTING's walk, with the texts that are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import eingrad as eg
from eingrad.check import MISTAKES, repairs
from eingrad.check.candidates import Candidates
from eingrad.check.repairs.base import Finder, Found, Repair
from eingrad.check.tree import Site
from eingrad.notation.syntax import Call

GUIDE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
WORD, FINDER = re.findall(
    r"```python\n(.*?)```", GUIDE.split("### Add a mistake to check")[1], re.DOTALL
)[:2]
CASES = [
    ("L = sum_i(where(x_i > 0, x_i^2, 3 x_i))", "dL/dx_i = where(x_i > 0, {}, {})", "2 x_i", "3"),
    ("L = sum_i(w_i where(x_i < y_i, sin(x_i), x_i^3))", "dL/dx_i = w_i where(x_i < y_i, {}, {})",
     "cos(x_i)", "3 x_i^2"),
]  # fmt: skip


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    words: dict[str, str] = {}
    exec(WORD, {"MISTAKES": words})
    for word, meaning in words.items():
        assert word not in MISTAKES
        monkeypatch.setitem(MISTAKES, word, meaning)
    scope: dict[str, Any] = {
        "Site": Site, "Candidates": Candidates, "Found": Found, "Repair": Repair, "Call": Call
    }  # fmt: skip
    before = set(scope)
    exec(FINDER, scope)
    (finder,) = (scope[name] for name in set(scope) - before - {"__builtins__"})
    finders: tuple[Finder, ...] = (*repairs.FINDERS, finder)
    monkeypatch.setattr(repairs, "FINDERS", finders)


@pytest.mark.parametrize(("model", "claim", "first", "second"), CASES)
def test_without_the_finder_it_has_no_name(model, claim, first, second) -> None:
    verdict = eg.parse(model).check(claim.format(second, first))
    assert not verdict.ok
    assert verdict.mistake == "unknown"


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize(("model", "claim", "first", "second"), CASES)
def test_with_it_the_mistake_is_named_and_repaired(model, claim, first, second) -> None:
    verdict = eg.parse(model).check(claim.format(second, first))
    assert (verdict.ok, verdict.mistake) == (False, "cases")
    assert verdict.reason == "the cases of where are exchanged"
    assert verdict.fixed == claim.format(first, second)


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize(("model", "claim", "first", "second"), CASES)
def test_a_right_claim_stays_right(model, claim, first, second) -> None:
    assert eg.parse(model).check(claim.format(first, second)).ok
