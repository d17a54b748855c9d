r"""A presentation as LaTeX: an ``align*`` a section, which fits a page, with reasons typeset.

It is written for pdflatex with amsmath, for KaTeX and for MathJax 3 with its default packages: no
command stands inside ``\text``, where MathJax shows it as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from eingrad.derivation.formats.latex_width import rows_of, width
from eingrad.derivation.lines import Step
from eingrad.derivation.presentation import Presentation, Section
from eingrad.derivation.reasons import LetterPair, MatrixText, Part, Reason, Spec, because
from eingrad.notation.latex import juxtaposed, label_latex, to_latex
from eingrad.notation.syntax import Assignment, Statement

PAGE = 66.0  # what fits between the margins of an article in 10 pt, in the unit of `latex_width`
LEAST = 22.0  # a narrower column is no place for reasons: they stand in rows of their own
FULL, ENOUGH = 500.0, 400.0  # points of a page; of one on which no further statement begins
FRACTION = re.compile(r"\\(frac|sum|prod|begin)\b")
NESTED = re.compile(r"\\frac\{[^{}]*(\{[^{}]*\}[^{}]*)*\\frac|\\sqrt\{\\frac")
DEFINED = r"\text{definition}"
END = " \\\\\n"
MATHS = {
    "\\": r"\backslash", "_": r"\_", "^": r"{}^{\wedge}", "&": r"\&", "%": r"\%", "$": r"\$",
    "#": r"\#", "{": r"\{", "}": r"\}", "~": r"\sim", "<": "<", ">": ">",
}  # fmt: skip

Row = tuple[str, str, Reason]
"""Left side, right side and reason; the left side is empty where a line goes on."""


def latex(shown: Presentation, explain: bool = False) -> str:
    """Render as ``align*`` environments, one a section if it fits a page (needs amsmath)."""
    return "\n\n".join(
        f"\\begin{{align*}}\n{part}\n\\end{{align*}}"
        for _, rows in tables(shown, explain)
        for part in on_pages(rows)
    )


def on_pages(rows: str) -> Iterator[str]:
    """Cut rows before a formula that would leave the page, rather where a statement is defined."""
    page: list[str] = []
    high = 0.0
    for block in _blocks(rows.split(END)):
        tall = sum(map(_height, block))
        if page and high + tall > (ENOUGH if DEFINED in block[0] else FULL):
            yield END.join(page)
            page, high = [], 0.0
        page += block
        high += tall
    yield END.join(page)


def _blocks(rows: Sequence[str]) -> Iterator[list[str]]:
    """Yield each formula with the rows in which it and its reason go on."""
    block: list[str] = []
    for row in rows:
        if block and not row.lstrip().startswith(("&&", "& &", r"&\q")):
            yield block
            block = []
        block.append(row)
    yield block


def _height(row: str) -> float:
    """Return about how many points a row takes."""
    if not FRACTION.search(row):
        return 18.0
    return 34.0 + 14.0 * bool(NESTED.search(row)) + 10.0 * row.count(r"\begin{cases}")


def tables(shown: Presentation, explain: bool = False) -> Iterator[tuple[str, str]]:
    """Yield a title and the rows of each section, and of each rule where they are opened."""
    for section in shown.sections:
        yield "", aligned(section_rows(section))
    for rule in shown.rules if explain else ():
        yield rule.name, aligned([*map(_row, rule.steps)])


def section_rows(section: Section) -> list[Row]:
    """Return the steps, then the closed result, its parts and its matrix form."""
    rows = [_row(step) for step in section.steps]
    closed = section.closed
    rows.append((to_latex(closed.target), to_latex(closed.line.value), because("result")))
    for part in closed.parts:
        rows.append((to_latex(part.target), to_latex(part.value), because("part of the result")))
    if section.matrix is not None:
        target, value = section.matrix.target, section.matrix.value
        rows.append((target.latex, value.latex, because(section.matrix.words)))
    return rows


def statement_rows(statements: Sequence[Statement]) -> Iterator[str]:
    """Write statements for ``align``, the sign of each definition under the others'."""
    for statement in statements:
        written = to_latex(statement)
        defines = isinstance(statement, Assignment)
        yield written.replace(" = ", " &= ", 1) if defines else f"& {written}"


def _row(step: Step) -> Row:
    left = "" if step.left is None else to_latex(step.left)
    return left, "" if step.right is None else to_latex(step.right), step.reason


# --- reasons --------------------------------------------------------------------------------------


def words_latex(words: str) -> str:
    r"""Write words; signs that mean something in LaTeX stand outside of ``\text``.

    >>> print(words_latex("a_b, 5 %"))
    \text{a}\_\text{b, 5 }\%
    """
    text, plain = "", ""
    for c in f"{words}\0":
        if c in MATHS or c == "\0":
            text += rf"\text{{{plain}}}" if plain else ""
            text += MATHS.get(c, "")
            plain = ""
        else:
            plain += c
    return text


def part_latex(part: Part) -> str:
    """Write a part of a reason."""
    match part:
        case str():
            return words_latex(part)
        case Spec(inputs=inputs, output=output):
            *sides, last = (
                juxtaposed(map(label_latex, x), "") or r"\cdot" for x in (*inputs, output)
            )
            arrow = rf"\mathtt{{{','.join(sides)}}} \to \mathtt{{{last}}}"
            return arrow.replace(r"\mathtt{\cdot}", "()")
        case LetterPair(left=left, right=right):
            return f"{label_latex(left)} = {label_latex(right)}"
        case MatrixText(latex=text):
            return text
    return to_latex(part).removeprefix(r"\text{assume }")


def reason_lines(reason: Reason, room: float) -> list[str]:
    """Write a reason in lines of about ``room``, broken at its words."""
    lines: list[str] = []
    line, size = "", 0.0
    for k, phrase in enumerate(reason.phrases):
        for word in _reason_words("; " if k else "", phrase):
            wide = width(word)
            if line and size + wide > room:
                lines.append(_joined(line))
                line, size = "", 0.0
            line, size = line + word, size + wide
    return [*lines, _joined(line)]


def _reason_words(glue: str, phrase: Sequence[Part]) -> Iterator[str]:
    for part in (glue, *phrase):
        if isinstance(part, str):
            words = part.split(" ")
            spaced = [*(f"{word} " for word in words[:-1]), words[-1]]
            yield from (words_latex(word) for word in spaced if word)
        else:
            yield part_latex(part)


def _joined(line: str) -> str:
    r"""Put neighbouring ``\text`` together."""
    while (joined := re.sub(r"(\\text\{[^{}]*)\}\\text\{", r"\1", line)) != line:
        line = joined
    return line


# --- rows -----------------------------------------------------------------------------------------


def aligned(rows: Sequence[Row]) -> str:
    """Lay rows out for ``align*``: reasons in a column of their own if it is wide enough."""
    left = max((width(name) for name, _, _ in rows), default=0) + 3
    room = PAGE - left - LEAST - 3
    narrow = [rows_of(value, room) for _, value, _ in rows]
    wide = max((width(part) for own in narrow for part in own), default=0)
    beside = wide <= room and 3 * sum(len(own) > 1 for own in narrow) <= len(rows)
    lines: list[str] = []
    for (name, value, reason), own in zip(rows, narrow, strict=True):
        if beside:
            lines += _side_by_side(name, own, reason_lines(reason, PAGE - left - wide - 3))
        else:
            first, *more = rows_of(value, PAGE - left - 4)
            lines += [f"  {name} &= {first}", *(rf"  &\quad {part}" for part in more)]
            lines += [rf"  &\qquad {words}" for words in reason_lines(reason, PAGE - left - 4)]
    return END.join(lines)


def _side_by_side(name: str, parts: Sequence[str], words: Sequence[str]) -> Iterator[str]:
    for k, (part, reason) in enumerate(zip_longest(parts, words, fillvalue="")):
        begin = r"&\quad " if part else "&"
        begin = begin if k else f"{name} &= "
        yield f"  {begin}{part}" + (f" && {reason}" if reason else "")
