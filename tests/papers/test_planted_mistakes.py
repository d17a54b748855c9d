"""Ten right documents, in which nothing is called wrong, and a hundred mistakes planted in them.

While one works two mistakes a document are tried, in CI and at night all of them.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import seeds
from planted import PLANTED

import eingrad as eg
from eingrad.notation.tex.read import read_claims
from eingrad.notation.text import to_text
from eingrad.papers.macros import expand
from eingrad.papers.read_document import read_document

RIGHT = Path(__file__).parent / "right"
ROWS = max(2, round(10 * min(seeds.share, 1)))


@pytest.mark.parametrize("name", PLANTED)
def test_nothing_right_is_called_wrong(name: str) -> None:
    claims = [f for f in eg.check_document(RIGHT / name).formulas if f.kind == "claim"]
    assert len(claims) >= 5
    assert {f.outcome for f in claims} == {"right"}


def words(text: str) -> Counter[str]:
    """Return the names, labels and numbers of a formula, in any order."""
    found = re.findall(r"[A-Za-z]\w*|\d+", text)
    return Counter(w for w in found if w not in {"1", "sum", "mean", "size", "m", "n", "b", "i"})


def as_notation(document: Path, latex: str) -> str:
    """Return a formula of a document in the plain notation."""
    [claim] = read_claims(expand(latex, read_document(document).macros))
    return f"{to_text(claim.target)} = {to_text(claim.value)}"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", PLANTED)
def test_planted_mistakes_are_found_and_repaired(tmp_path: Path, name: str) -> None:
    original = (RIGHT / name).read_text(encoding="utf-8")
    before = eg.check_document(RIGHT / name).formulas
    repaired = 0
    rows = PLANTED[name][:: 10 // ROWS]
    for kind, old, new in rows:
        assert original.count(old) == 1, (kind, old)
        path = tmp_path / name
        path.write_text(original.replace(old, new), encoding="utf-8")
        after = eg.check_document(path).formulas
        [changed] = [k for k, f in enumerate(after) if f.formula != before[k].formula]
        assert [f.line for f in after if f.outcome == "wrong"] == [after[changed].line], new
        assert after[changed].outcome == "wrong", new
        right = as_notation(RIGHT / name, before[changed].formula)
        repaired += words(after[changed].repaired or "") == words(right)
    assert repaired >= 0.7 * len(rows)
