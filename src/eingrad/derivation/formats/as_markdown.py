r"""A presentation as Markdown that GitHub shows.

Mathematics stands in fences of the language math, where no Markdown is read. GitHub refuses
``\operatorname``.
"""

from __future__ import annotations

from collections.abc import Iterator

from eingrad.derivation.formats.as_latex import aligned, section_rows, tables
from eingrad.derivation.presentation import ModelText, Presentation, Section
from eingrad.notation.text import to_text


def markdown(shown: Presentation, explain: bool = False) -> str:
    """Render as Markdown with display mathematics."""
    return "\n\n".join(_blocks(shown, explain)) + "\n"


def _blocks(shown: Presentation, explain: bool) -> Iterator[str]:
    yield model_block(shown.model)
    for section in shown.sections:
        yield f"### `{to_text(section.head)}`"
        yield math_block(aligned(section_rows(section)))
        yield from code_blocks(section)
    if explain:
        for title, rows in tables(shown, explain=True):
            if title:
                yield f"#### {title}"
                yield math_block(rows)


def model_block(model: ModelText) -> str:
    """Write the model's text."""
    lines = []
    for statement, notes in model.statements:
        lines += [f"# note: {note}" for note in notes]
        lines.append(to_text(statement))
    return "```\n" + "\n".join(lines) + "\n```"


def math_block(rows: str) -> str:
    """Write rows of ``align*`` as a block of mathematics."""
    inner = rows.replace(r"\operatorname{", r"\mathrm{")
    return f"```math\n\\begin{{aligned}}\n{inner}\n\\end{{aligned}}\n```"


def code_blocks(section: Section) -> Iterator[str]:
    """Write the lines of NumPy."""
    if section.numpy is not None:
        lines = (*section.numpy.imports, *section.numpy.lines)
        yield "```python\n" + "\n".join(lines) + "\n```"
