"""A formula of a document with what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eingrad.check.verdict import Outcome

FormulaKind = Literal["definition", "claim", "other"]


@dataclass(frozen=True)
class JudgedFormula:
    """One equality of a document.

    ``line`` is the one on which it begins, ``formula`` its LaTeX with the document's macros put in
    place. A ``kind`` is ``"definition"``, which is right by itself and so not judged, ``"claim"``,
    or ``"other"`` for what is no equation. ``outcome`` is that of `Verdict`, ``reason`` says why,
    ``repaired`` is the right formula where it is known. ``id`` stays the same while the formula
    does, wherever it stands. ``read`` is how it was read, in eingrad's notation, "" where it was
    not.
    """

    line: int
    formula: str
    kind: FormulaKind
    outcome: Outcome
    reason: str
    repaired: str | None = None
    id: str = ""
    read: str = ""

    @property
    def judged(self) -> bool:
        """Whether there is a verdict."""
        return self.outcome != "not judged"


@dataclass(frozen=True)
class Heading:
    """A title of a document."""

    line: int
    level: int
    title: str
