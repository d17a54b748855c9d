"""A report as one HTML page: the formulas typeset in MathML, and marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from importlib import import_module

from eingrad.papers.equations import without_alignment
from eingrad.papers.judged_formula import Heading, JudgedFormula

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b1b1b; background: #fff }
article { border-left: .3rem solid #bbb; padding: .2rem .8rem; margin: .6rem 0; overflow-x: auto }
article p { margin: .2rem 0 }
.right { border-color: #2e7d32 } .wrong { border-color: #c62828; background: #fdecea }
.right-if { border-color: #b26a00; background: #fff8e6 }
.place, .id { color: #666; font-size: .85rem } .outcome { font-weight: 600 }
code { white-space: pre-wrap }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #161616 }
  .wrong { background: #3a1d1b } .right-if { background: #332a14 } .place, .id { color: #aaa } }
"""
_UNSAFE = re.compile(r"\\(?:href|url|style|class|cssId|htmlId|includegraphics|data)(?![A-Za-z])")


def page(
    path: str, summary: str, formulas: Sequence[JudgedFormula], headings: Sequence[Heading]
) -> str:
    """Return the page; it loads nothing from elsewhere."""
    title = escape(path)
    parts: list[tuple[int, int, str]] = [
        (h.line, 0, f"<h{min(h.level + 1, 6)}>{escape(h.title)}</h{min(h.level + 1, 6)}>")
        for h in headings
    ]
    parts += [(f.line, k + 1, _article(f)) for k, f in enumerate(formulas)]
    body = "\n".join(text for _, _, text in sorted(parts, key=lambda part: part[:2]))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n"
        f"<p>{escape(summary)}</p>\n{body}\n</body></html>"
    )


def _article(formula: JudgedFormula) -> str:
    mark = formula.outcome.replace(" ", "-") if formula.kind == "claim" else formula.kind
    said = formula.outcome if formula.kind == "claim" else formula.kind
    lines = [
        f'<article class="{mark}" id="f-{escape(formula.id)}">',
        f'<p class="place">line {formula.line} <span class="outcome">{said}</span></p>',
        f"<p>{typeset(formula.formula)}</p>",
    ]
    if formula.reason and formula.outcome != "right":
        lines.append(f"<p>{escape(formula.reason)}</p>")
    if formula.repaired is not None:
        lines.append(f"<p>repaired: <code>{escape(formula.repaired)}</code></p>")
    return "\n".join([*lines, "</article>"])


def typeset(latex: str) -> str:
    """Return a formula as MathML, its source where it cannot be typeset."""
    converter = import_module("latex2mathml.converter")
    if _UNSAFE.search(latex) is None:
        try:
            return str(converter.convert(without_alignment(latex)))
        except Exception:  # the converter raises what it likes for LaTeX that it does not know
            pass
    return f"<code>{escape(latex)}</code>"
