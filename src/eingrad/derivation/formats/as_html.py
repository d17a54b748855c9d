"""A presentation as HTML: a page that needs nothing else, or a part of one; formulas as MathML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from importlib import import_module

from eingrad.derivation.formats.as_latex import part_latex
from eingrad.derivation.lines import Step
from eingrad.derivation.presentation import ModelText, Presentation, Section
from eingrad.derivation.reasons import Reason, part_text
from eingrad.notation.latex import to_latex
from eingrad.notation.syntax import Formula
from eingrad.notation.text import to_text

STYLE = """
.eingrad { --ink: #1c2024; --soft: #5b6470; --line: #d9dee4; --paper: #fff; --shade: #f4f6f8;
  --accent: #0b5cad; color: var(--ink); background: var(--paper); text-align: left;
  font: 16px/1.5 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { .eingrad { --ink: #e6e9ed; --soft: #a3adb9;
  --line: #3a424c; --paper: #14181d; --shade: #1e242b; --accent: #7ab8ff; } }
.eingrad h1 { font-size: 1.5rem; margin: 0 0 1rem; }
.eingrad h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; padding-bottom: .4rem;
  border-bottom: 1px solid var(--line); }
.eingrad .scroll { overflow-x: auto; }
.eingrad table { border-collapse: collapse; margin: 0; border: 0; color: inherit; }
.eingrad tr { border: 0; background: none; }
.eingrad td { padding: .3rem .6rem .3rem 0; border: 0; text-align: left; vertical-align: middle;
  white-space: nowrap; background: none; }
.eingrad td.left { text-align: right; padding-right: .3rem; }
.eingrad td.reason { color: var(--soft); font-size: .9rem; padding-left: 1.5rem; min-width: 16rem;
  white-space: normal; }
.eingrad tr.result td { border-top: 1px solid var(--line); }
.eingrad tr.result td.right { color: var(--accent); }
.eingrad pre { background: var(--shade); color: inherit; padding: .7rem 1rem; overflow-x: auto;
  font: .875rem/1.45 ui-monospace, monospace; border-radius: 4px; margin: .7rem 0; }
.eingrad ul { list-style: none; margin: 0; padding: 0; }
.eingrad li { margin: .4rem 0; white-space: nowrap; }
.eingrad .note { color: var(--soft); font-size: .9rem; padding-left: 1rem; }
.eingrad details { margin: .7rem 0; color: inherit; }
.eingrad summary { cursor: pointer; color: var(--accent); }
.eingrad math { font-size: 1.1em; }
.eingrad math[display="block"] { display: inline math; margin: 0; text-align: left; }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}
body.eingrad {{ margin: 0 auto; padding: 1.5rem; max-width: 75rem; }}
</style>
</head>
<body class="eingrad">
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def html(shown: Presentation, explain: bool = True) -> str:
    """Render as a whole page."""
    names = ", ".join(to_text(section.head) for section in shown.sections)
    return page(f"{names}", "\n".join(blocks(shown, explain)))


def page(title: str, body: str) -> str:
    """Put a page around what stands on it."""
    return PAGE.format(title=escape(title), style=STYLE, body=body)


def fragment(shown: Presentation, explain: bool = False) -> str:
    """Render for a place in another page, a notebook's: the styles are those of its own class."""
    return within("\n".join(blocks(shown, explain, model=False)))


def within(body: str) -> str:
    """Put the styles around a part of a page."""
    return f'<div class="eingrad"><style>{STYLE}</style>\n{body}\n</div>'


def blocks(shown: Presentation, explain: bool, model: bool = True) -> Iterator[str]:
    """Yield the model, the sections, and the rules opened."""
    if model:
        yield model_html(shown.model)
    for section in shown.sections:
        yield _section(section)
    for rule in shown.rules if explain else ():
        head = f"<summary>{escape(rule.name)}, derived</summary>"
        yield f"<details>{head}\n{_table(map(_step, rule.steps))}\n</details>"


def model_html(model: ModelText) -> str:
    """Write a model's statements as formulas, with its notes."""
    items = []
    for statement, notes in model.statements:
        words = f' <span class="note">{escape("; ".join(notes))}</span>' if notes else ""
        formula = mathml(to_latex(statement), text=to_text(statement))
        items.append(f"<li>{formula}{words}</li>")
    shapes = ", ".join(mathml(to_latex(symbol), block=False) for symbol in model.shapes)
    given = f"<p>Given: {shapes}</p>" if shapes else ""
    listed = "\n".join(items)
    return f'<h2>Model</h2>\n<ul class="scroll" tabindex="0">\n{listed}\n</ul>\n{given}'


def _section(section: Section) -> str:
    rows = [_step(step) for step in section.steps]
    closed = section.closed
    for k, line in enumerate((closed.line, *closed.parts)):
        cells = _formula(line.target), _formula(line.value)
        rows.append(_cells(*cells, "part of the result" if k else "result", "result"))
    if section.matrix is not None:
        sides = section.matrix.target, section.matrix.value
        left, right = (mathml(side.latex, text=side.text) for side in sides)
        rows.append(_cells(left, right, section.matrix.words, "result"))
    labels = ", ".join(section.labels)
    shape = f"shape ({escape(labels)})" if labels else "a scalar"
    like = f" like {escape(section.name)}" if section.name else ""
    code = ""
    if section.numpy is not None:
        lines = "\n".join((*section.numpy.imports, *section.numpy.lines))
        code = f'\n<pre tabindex="0"><code>{escape(lines)}</code></pre>'
    head = mathml(to_latex(section.head), block=False)
    return f"<h2>{head}, {shape}{like}</h2>\n{_table(rows)}{code}"


def _table(rows: Sequence[str] | Iterator[str] | map[str]) -> str:
    return '<div class="scroll" tabindex="0"><table>\n' + "\n".join(rows) + "\n</table></div>"


def _step(step: Step) -> str:
    return _cells(_formula(step.left), _formula(step.right), reason_html(step.reason), "step")


def _cells(left: str, right: str, reason: str, kind: str) -> str:
    return (
        f'<tr class="{kind}"><td class="left">{left}</td><td>=</td>'
        f'<td class="right">{right}</td><td class="reason">{reason}</td></tr>'
    )


def reason_html(reason: Reason) -> str:
    """Write a reason, its formulas as MathML in the line."""
    text = ""
    for k, phrase in enumerate(reason.phrases):
        text += "; " if k else ""
        for part in phrase:
            if isinstance(part, str):
                text += escape(part)
            else:
                text += mathml(part_latex(part), block=False, text=part_text(part))
    return text


def _formula(formula: Formula | None) -> str:
    return "" if formula is None else mathml(to_latex(formula), text=to_text(formula))


def mathml(latex: str, block: bool = True, text: str = "") -> str:
    """Write LaTeX as MathML (needs the package latex2mathml); ``text`` is its name when read."""
    converter = import_module("latex2mathml.converter")
    sized = re.sub(r"\|([^|]+)\|", r"\\mathrm{|}\1\\mathrm{|}", latex)
    sized = re.sub(r"(?<=[\w}]) (?=\\(log|exp|sin|cos|tan|operatorname)\b)", r"\\, ", sized)
    written = str(converter.convert(sized, display="block" if block else "inline"))
    return written.replace("<math ", f'<math aria-label="{escape(text)}" ', 1) if text else written
