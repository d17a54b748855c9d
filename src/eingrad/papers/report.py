"""What is found in a document: its formulas, each with its place, its kind and its outcome."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from html import escape

from eingrad.check.verdict import Outcome
from eingrad.errors import printable
from eingrad.papers.judged_formula import Heading, JudgedFormula
from eingrad.papers.page import page

WRONG: tuple[Outcome, ...] = ("wrong",)
ANNOTATIONS: dict[Outcome, str] = {"wrong": "error", "right if": "notice"}
SHOWN = 500  # letters of a formula that a terminal shows


@dataclass(frozen=True)
class Report:
    """What `check_document` found: ``formulas`` in the document's order.

    >>> report = Report("a.md", (JudgedFormula(3, "L = 2", "claim", "wrong", "factor", "L = 1"),))
    >>> report.ok, report.summary()
    (False, '1 claim: 1 wrong')
    """

    path: str
    formulas: tuple[JudgedFormula, ...]
    headings: tuple[Heading, ...] = ()

    def _repr_html_(self) -> str:
        return f'<pre style="text-align: left">{escape(self.text())}</pre>'

    @property
    def wrong(self) -> tuple[JudgedFormula, ...]:
        """The formulas that are wrong."""
        return tuple(f for f in self.formulas if f.outcome in WRONG)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong

    def summary(self) -> str:
        """Say in a line how many claims have which outcome."""
        claims = [f for f in self.formulas if f.kind == "claim"]
        counts = Counter(f.outcome for f in claims)
        kinds = Counter(f.kind for f in self.formulas)
        parts = [
            f"{counts[o]} {o}" for o in ("right", "wrong", "right if", "not judged") if counts[o]
        ]
        text = f"{len(claims)} claim{'s' * (len(claims) != 1)}"
        text += f": {', '.join(parts)}" if parts else ""
        if count := kinds["definition"]:
            wrong = sum(f.kind == "definition" for f in self.wrong)
            text += f"; {count} definition{'s' * (count != 1)}"
            text += f", {wrong} wrong" if wrong else ""
        return text

    def text(self) -> str:
        """Return the report for a terminal: file and line, outcome, formula, reason, repair."""
        lines: list[str] = []
        for f in self.formulas:
            if f.kind == "other" or (f.kind == "definition" and not f.reason):
                continue
            known = f.kind == "definition" and f.outcome == "not judged"
            outcome = "definition" if known else f.outcome
            lines.append(f"{self.path}:{f.line}: {outcome}: {_in_short(f.formula)}")
            if f.outcome != "right":
                lines.append(f"    {printable(f.reason)}  [{f.id}]")
            if f.repaired is not None:
                lines.append(f"    repaired: {_in_short(f.repaired)}")
        return "\n".join([*lines, f"{self.path}: {self.summary()}"])

    def json(self) -> str:
        """Return the report as JSON: ``{"file", "formulas": [{"line", "formula", ...}]}``."""
        names = ("line", "formula", "kind", "outcome", "reason", "repaired", "id")
        formulas = [{name: getattr(f, name) for name in names} for f in self.formulas]
        return json.dumps({"file": self.path, "formulas": formulas}, indent=1, ensure_ascii=False)

    def github(self) -> str:
        """Return annotations for GitHub's workflows: an error for each wrong formula."""
        lines = []
        for f in self.formulas:
            level = ANNOTATIONS.get(f.outcome)
            if level is None:
                continue
            repair = "" if f.repaired is None else f"\nrepaired: {f.repaired}"
            place = f"file={_property(self.path)},line={f.line},title={f.outcome}"
            lines.append(f"::{level} {place}::{_data(f'{f.formula}{chr(10)}{f.reason}{repair}')}")
        return "\n".join(lines)

    def html(self) -> str:
        """Return the report as one page that loads nothing (needs the package latex2mathml)."""
        return page(self.path, self.summary(), self.formulas, self.headings)

    def __str__(self) -> str:
        return self.text()


def _data(text: str) -> str:
    """Escape the message of an annotation."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _in_short(formula: str) -> str:
    """Return a formula for a terminal, where a long one is cut."""
    return printable(formula if len(formula) <= SHOWN else f"{formula[:SHOWN]} ...")
