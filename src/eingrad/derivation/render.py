"""Render a derivation: plain text in columns, LaTeX, Markdown, HTML with MathML, JSON."""

from __future__ import annotations

import html as html_escape
import json as json_format
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module

from eingrad.derivation.steps import Step
from eingrad.notation.latex import GREEK_COMMANDS, to_latex
from eingrad.notation.syntax import Formula
from eingrad.notation.text import to_text

WIDTH = 60  # a line longer than this does not push the rules of the others to the right
SPECIAL = {
    "\\": r"\textbackslash{}", "_": r"\_", "^": r"\textasciicircum{}", "&": r"\&",
    "%": r"\%", "$": r"\$", "#": r"\#", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}",
    "⊙": r"$\odot$", "⊘": r"$\oslash$", "⊗": r"$\otimes$",
} | {letter: rf"${command}$" for letter, command in GREEK_COMMANDS.items()}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    """The derivation of one derivative, ``head``; ``name`` is the tensor that it is shaped like."""

    name: str
    head: Formula
    labels: tuple[str, ...]
    steps: tuple[Step, ...]
    result: Formula


def text(sections: Sequence[Section]) -> str:
    """Render as plain text: formulas in one column, the rules that were used in another."""
    return "\n\n".join(_section_text(section) for section in sections)


def _section_text(section: Section) -> str:
    shape = f"shape ({', '.join(section.labels)})" if section.labels else "a scalar"
    like = f" like {section.name}" if section.name else ""
    lines = [f"{to_text(section.head)}, {shape}{like}"]
    if not section.steps:
        lines.append(f"  {to_text(section.head)} = {to_text(section.result)}    as derived above")
        return "\n".join(lines)
    left = [to_text(s.left) if s.left is not None else "" for s in section.steps]
    column = max((len(x) for x in left if len(x) <= WIDTH // 2), default=0)
    equations = [
        f"  {name.ljust(column)} = {step.after}"
        for name, step in zip(left, section.steps, strict=True)
    ]
    rules = max((len(x) for x in equations if len(x) <= WIDTH), default=0) + 4
    for equation, step in zip(equations, section.steps, strict=True):
        gap = equation.ljust(rules) if len(equation) + 2 <= rules else equation + "    "
        lines.append(f"{gap}{step.rule}")
    return "\n".join(lines)


def latex(sections: Sequence[Section]) -> str:
    """Render as one ``align*`` environment a section (needs the package amsmath)."""
    return "\n\n".join(
        "\\begin{align*}\n" + _rows(section) + "\n\\end{align*}" for section in sections
    )


def _rows(section: Section) -> str:
    rows = [
        f"  {to_latex(s.left) if s.left is not None else ''} &= {to_latex(s.right)}"
        f" && \\text{{{latex_text(s.rule)}}}"
        for s in section.steps
        if s.right is not None
    ]
    if not rows:
        rows = [f"  {to_latex(section.head)} &= {to_latex(section.result)}"]
    return " \\\\\n".join(rows)


def latex_text(words: str) -> str:
    r"""Escape plain words for LaTeX's text mode; signs that it lacks are set in mathematics.

    >>> print(latex_text("delta_op selects o = p; in matrices A ⊙ B"))
    delta\_op selects o = p; in matrices A $\odot$ B
    """
    return "".join(SPECIAL.get(c, c) for c in words)


def markdown(sections: Sequence[Section]) -> str:
    """Render as Markdown with display mathematics in ``$$``."""
    return "\n\n".join(
        f"### `{to_text(section.head)}`\n\n"
        f"$$\n\\begin{{aligned}}\n{_rows(section)}\n\\end{{aligned}}\n$$"
        for section in sections
    )


def html(sections: Sequence[Section]) -> str:
    """Render as a table of MathML (needs the package latex2mathml)."""
    return "\n".join(_section_html(section) for section in sections)


def _section_html(section: Section) -> str:
    rows = [
        f"<tr><td>{_mathml(s.left)}</td><td>=</td><td>{_mathml(s.right)}</td>"
        f"<td>{html_escape.escape(s.rule)}</td></tr>"
        for s in section.steps
    ]
    title = html_escape.escape(to_text(section.head))
    return f'<table class="eingrad"><caption>{title}</caption>\n' + "\n".join(rows) + "\n</table>"


def _mathml(formula: Formula | None) -> str:
    if formula is None:
        return ""
    converter = import_module("latex2mathml.converter")
    return str(converter.convert(to_latex(formula)))


def json(sections: Sequence[Section]) -> str:
    """Render as JSON: for each derivative its labels, result and steps."""
    return json_format.dumps(list(map(_section_json, sections)), indent=2, ensure_ascii=False)


def _section_json(section: Section) -> dict[str, object]:
    return {
        "derivative": to_text(section.head),
        "labels": list(section.labels),
        "result": to_text(section.result),
        "steps": list(_steps_json(section)),
    }


def _steps_json(section: Section) -> Iterator[dict[str, object]]:
    for step in section.steps:
        yield {
            "rule": step.rule,
            "before": step.before,
            "after": step.after,
            "latex": to_latex(step.right) if step.right is not None else "",
            "shapes": {name: list(labels) for name, labels in step.shapes.items()},
        }
