"""Write docs/rules.md from the table of rules: python docs/make_rules.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eingrad.calculus.rule_table import FORMS, FORMULAS, LATE, NUMERIC, PORTABLE, TIDIES
from eingrad.calculus.rules import Rule

PAGE = Path(__file__).with_name("rules.md")
HEAD = """# Rewrite rules

This page is written from `src/eingrad/calculus/rule_table.py` by `python docs/make_rules.py`. A
name stands for anything, as a function of the labels that it names; axes that a rule does not name
are a batch, and other factors or terms may stand beside its left side.
"""
SECTIONS = {
    "Recognised in formulas, results and what runs": FORMS,
    "Used in formulas and results": FORMULAS,
    "Used in results, which read better so": TIDIES,
    "Used in results and what runs, when nothing else is to be done": LATE,
    "Used in what runs: equal on paper, better in floating point": NUMERIC,
    "Used in standalone modules": PORTABLE,
}


def rows(rules: Sequence[Rule]) -> list[str]:
    """Write a table; of a function the first line of its docstring is what it says."""
    lines = ["| rule | what it does | cited as |", "| --- | --- | --- |"]
    for rule in rules:
        doc = ((rule.function.__doc__ or "") if rule.function else "").split("\n")[0]
        said = "<br>".join(f"`{text}`" for text in rule.texts or (doc,))
        lines.append(f"| {rule.name} | {said} | {rule.citation} |".replace("|x|", "abs x"))
    return lines


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for title, rules in SECTIONS.items():
        parts.append("\n".join([f"## {title}", "", *rows(rules), ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
