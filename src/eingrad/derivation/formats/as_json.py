"""A presentation as JSON, as `docs/derivation.schema.json` describes it."""

from __future__ import annotations

import json as json_format
from typing import Any

from eingrad.derivation.formats.as_latex import part_latex
from eingrad.derivation.lines import Step
from eingrad.derivation.presentation import Presentation, Section
from eingrad.derivation.reasons import Reason, part_text
from eingrad.notation.latex import to_latex
from eingrad.notation.text import to_text


def json(shown: Presentation, explain: bool = False) -> str:
    """Render as JSON: for each derivative the model, its steps and its result."""
    model = {
        "statements": [to_text(statement) for statement, _ in shown.model.statements],
        "notes": [note for _, notes in shown.model.statements for note in notes],
        "shapes": {symbol.name: list(symbol.labels) for symbol in shown.model.shapes},
    }
    rules = [{"rule": r.name, "steps": [*map(_step, r.steps)]} for r in shown.rules]
    sections = [
        {"model": model, **_section(section), **({"rules": rules} if explain else {})}
        for section in shown.sections
    ]
    return json_format.dumps(sections, indent=2, ensure_ascii=False)


def _section(section: Section) -> dict[str, Any]:
    closed, matrix, numpy = section.closed, section.matrix, section.numpy
    return {
        "derivative": to_text(section.head),
        "labels": list(section.labels),
        "steps": [*map(_step, section.steps)],
        "result": to_text(closed.line.value),
        "latex": to_latex(closed.line),
        "parts": [to_text(part) for part in closed.parts],
        "matrix": matrix and {
            "text": matrix.value.text, "latex": matrix.value.latex, "tested": matrix.tested
        },
        "numpy": numpy and {"imports": list(numpy.imports), "lines": list(numpy.lines)},
    }  # fmt: skip


def _step(step: Step) -> dict[str, Any]:
    return {
        "rule": step.rule,
        "reason": _reason(step.reason),
        "before": step.before,
        "after": step.after,
        "latex": "" if step.right is None else to_latex(step.right),
        "shapes": {name: list(labels) for name, labels in step.shapes.items()},
    }


def _reason(reason: Reason) -> list[dict[str, str]]:
    """Return the parts of a reason: words, or a formula with its LaTeX."""
    parts: list[dict[str, str]] = []
    for k, phrase in enumerate(reason.phrases):
        for part in ("; ", *phrase) if k else phrase:
            found = {"text": part_text(part)}
            parts.append(found if isinstance(part, str) else {**found, "latex": part_latex(part)})
    return parts
