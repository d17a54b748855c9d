"""Markdown -> passages: CommonMark with mathematics as GitHub, Pandoc, Jekyll and MyST write it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from eingrad.papers.katex_copy import copies
from eingrad.papers.passages import Document, Passage, first_letter, skipped_lines

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_SCRIPT_MATH = re.compile(
    r"<script[^>]*type\s*=\s*[\"']math/tex(?P<display>[^>]*mode\s*=\s*display)?[^>]*>(?P<tex>.*?)"
    r"</script\s*>", re.DOTALL | re.IGNORECASE,
)  # fmt: skip
_HIDDEN = re.compile(r"<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_BACKTICKS = re.compile(r"\A\s*`(.*)`\s*\Z", re.DOTALL)  # GitHub's $`x_i`$
_MATH_FENCE = re.compile(r"math|\{math\}|\{math\}\s.*")
_OPENS = {"$$": "$$", r"\[": r"\]", r"\\[": r"\\]", r"\(": r"\)", r"\\(": r"\\)"}
_ENVIRONMENT = re.compile(
    r"\\begin\{(equation|align|alignat|gather|multline|flalign|eqnarray|displaymath|math)(\*?)\}"
)


def read_markdown(text: str, path: str) -> Document:
    """Split a Markdown text; what is code, a comment or a script is neither prose nor formula."""
    comments = [
        (text.count("\n", 0, m.start()) + 1, m[1]) for m in _COMMENT.finditer(_without_code(text))
    ]
    visible = _SCRIPT_MATH.sub(_in_dollars, _COMMENT.sub(_blank, text))
    visible = _HIDDEN.sub(_blank, visible)
    passages = tuple(_passages(_parser().parse(visible)))
    return Document(path, passages, skipped=skipped_lines(comments, text.split("\n")))


def _in_dollars(found: re.Match[str]) -> str:
    """Return what MathJax reads of a script as Markdown has it, on as many lines."""
    sign = "$$" if found["display"] else "$"
    return f"{sign}{found['tex'] if found['display'] else found['tex'].strip()}{sign}"


def _blank(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _without_code(text: str) -> str:
    """Blank the fences of a text, in which a comment is none."""
    return re.sub(r"(?ms)^(```+|~~~+)[^`\n]*\n.*?^\1`*~*\s*$", _blank, text)


def _parser() -> MarkdownIt:
    """Return a parser for which HTML is text, so that formulas inside it are seen."""
    from markdown_it import MarkdownIt  # noqa: PLC0415  # `import eingrad` loads no parser
    from mdit_py_plugins.dollarmath import dollarmath_plugin  # noqa: PLC0415
    from mdit_py_plugins.dollarmath.index import math_inline_dollar  # noqa: PLC0415
    from mdit_py_plugins.front_matter import front_matter_plugin  # noqa: PLC0415

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.use(front_matter_plugin).use(dollarmath_plugin, double_inline=True, allow_digits=False)
    alternatives: Any = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "formula", _formula_block, alternatives)
    parser.block.ruler.disable("math_block")  # which takes `$$a$$ and $$b$$` for one formula
    dollars = math_inline_dollar(True, False, True)

    def placed(state: StateInline, silent: bool) -> bool:
        """Read a formula in dollars, and remember where it stands."""
        start = state.pos
        found = dollars(state, silent)
        if found and not silent:
            state.tokens[-1].meta["place"] = start + len(state.tokens[-1].markup)
        return found

    parser.inline.ruler.at("math_inline", placed)
    parser.inline.ruler.before("escape", "formula", _formula_inline)
    return parser


def _opening(text: str, place: int) -> tuple[str, str] | None:
    """Return what opens a formula at a place, and what closes it."""
    for opens, closes in _OPENS.items():
        if text.startswith(opens, place):
            return opens, closes
    found = _ENVIRONMENT.match(text, place)
    return ("", f"\\end{{{found[1]}{found[2]}}}") if found else None


def _formula_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    r"""Read a formula that begins a line, ``\[`` or ``\begin{align}``, and ends one."""
    first = state.bMarks[start] + state.tShift[start]
    delimiters = _opening(state.src, first)
    if delimiters is None or state.is_code_block(start):
        return False
    opens, closes = delimiters
    for line in range(start, end):
        text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
        text = text[len(opens) :] if line == start else text
        if closes not in text:
            continue
        rest = text.partition(closes)[2].strip()
        if rest and not re.fullmatch(r"[.,;:]?\s*(\(\S+\)|\{#.*\})?", rest):
            return False  # text follows: it is a part of a paragraph
        if not silent:
            content = state.getLines(start, line + 1, state.blkIndent, False)
            token = state.push("math_block", "math", 0)
            content = content[content.index(opens) + len(opens) :] if opens else content
            token.content = content[: content.rindex(closes) + (0 if opens else len(closes))]
            token.map = [start, line + 1]
            state.line = line + 1
        return True
    return False


def _formula_inline(state: StateInline, silent: bool) -> bool:
    r"""Read a formula in a paragraph: ``\( \)``, ``\[ \]``, with one backslash or two."""
    delimiters = _opening(state.src, state.pos) if state.src[state.pos] == "\\" else None
    if delimiters is None:
        return False
    opens, closes = delimiters
    start = state.pos + len(opens)
    end = state.src.find(closes, start)
    if end < 0 or end >= state.posMax:
        return False
    if not opens:
        end += len(closes)
    if not silent:
        display = not opens.endswith("(")
        token = state.push("math_inline_double" if display else "math_inline", "math", 0)
        token.content, token.meta = state.src[start:end], {"place": start}
    state.pos = end + (len(closes) if opens else 0)
    return True


def _passages(tokens: list[Token]) -> Iterator[Passage]:
    level = 0
    for token in tokens:
        line = (token.map or [0])[0] + 1
        if token.type == "heading_open":
            level = int(token.tag[1])
        elif token.type in {"math_block", "math_block_label", "amsmath"} or (
            token.type == "fence" and _MATH_FENCE.fullmatch(token.info.strip())
        ):
            start = line + (token.type == "fence")
            text = re.sub(r"\A(:[a-z]+:.*\n)+", _blank, token.content)  # options of MyST
            yield Passage("math", text, first_letter(text, start), display=True)
        elif token.type == "inline":
            if level:
                yield Passage("heading", token.content, line, level=level)
                level = 0
            yield from _inline(token, line)


def _inline(token: Token, line: int) -> Iterator[Passage]:
    """Yield the prose and formulas of a paragraph."""
    if not any(part.type.startswith("math") for part in token.children or ()):
        place = 0
        for begins, ends in copies(token.content):
            yield Passage("prose", token.content[place:begins], line)
            at = line + token.content.count("\n", 0, begins)
            yield Passage("math", token.content[begins:ends], at, display=True)
            place = ends
        if place:
            return
    prose: list[str] = []
    start = line
    for part in token.children or ():
        if part.type.startswith("math_inline"):
            if "".join(prose).strip():
                yield Passage("prose", "".join(prose), start)
            place = part.meta.get("place", 0)
            start = line + token.content.count("\n", 0, place)
            display = part.type == "math_inline_double"
            text = _BACKTICKS.sub(r"\1", part.content)
            yield Passage("math", text, first_letter(text, start), display)
            start += part.content.count("\n")
            prose = []
        elif part.type in {"softbreak", "hardbreak"}:
            prose.append("\n")
        elif part.type != "code_inline":
            prose.append(part.content)
    if "".join(prose).strip():
        yield Passage("prose", "".join(prose), start)
