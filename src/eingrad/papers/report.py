"""What is found in a document: its formulas, each with its place, kind and outcome."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from eingrad.check import Verdict
Kind = Literal["definition", "claim", "other"]


@dataclass(frozen=True)
class JudgedFormula:
    """A formula of a document."""

    line: int
    formula: str
    kind: Kind
    outcome: str
    reason: str
    repaired: str | None = None
    id: str = ""
