"""A LaTeX file -> passages: its formulas and prose, without comments, code and preamble."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

from eingrad.errors import DataError
from eingrad.papers.macros import split_macros
from eingrad.papers.passages import Document, LineCount, Passage, first_letter, skipped_lines

MATH = frozenset({
    "math", "displaymath", "equation", "align", "alignat", "flalign", "gather", "multline",
    "eqnarray", "dmath", "IEEEeqnarray",
})  # fmt: skip
CODE = frozenset({"verbatim", "lstlisting", "minted", "Verbatim", "tikzpicture", "comment",
                  "algorithm", "algorithmic", "thebibliography"})  # fmt: skip
HEADINGS = {"part": 1, "chapter": 2, "section": 3, "subsection": 4, "subsubsection": 5,
            "paragraph": 6}  # fmt: skip
SILENT = frozenset({"label", "ref", "eqref", "cite", "citep", "citet", "usepackage", "input",
                    "include", "bibliography", "url", "includegraphics", "verb"})  # fmt: skip
_COMMENT = re.compile(r"(?<!\\)%(?![^\n]*\beingrad:)[^\n]*")


def read_tex(text: str, path: str) -> Document:
    """Split a LaTeX file; raises DataError for one that nothing can read."""
    from pylatexenc.latexwalker import LatexWalker  # noqa: PLC0415  # loaded for documents alone

    logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)
    whole = text.split("\n")
    text, macros = split_macros(_COMMENT.sub("", text))
    body, start = _body(text)
    try:
        nodes = LatexWalker(body, tolerant_parsing=True).get_latex_nodes()[0]
    except Exception as error:
        raise DataError(f"{path} is no LaTeX: {error}", operand=path) from error
    walk = _Walk(body, text.count("\n", 0, start))
    passages = tuple(_merged(walk.passages(nodes)))
    skipped = skipped_lines(walk.comments, whole)
    return Document(path, passages, macros, skipped)


def _body(text: str) -> tuple[str, int]:
    """Return what stands in the document environment, and where it begins."""
    opens = re.search(r"^[^%\n]*\\begin\{document\}", text, re.MULTILINE)
    start = opens.end() if opens else 0
    closes = re.compile(r"^[^%\n]*\\end\{document\}", re.MULTILINE).search(text, start)
    return text[start : closes.end() if closes else len(text)], start


class _Walk:
    """Goes through the nodes of a file."""

    def __init__(self, text: str, before: int) -> None:
        self.text, self.before, self.lines = text, before, LineCount(text)
        self.comments: list[tuple[int, str]] = []

    def line(self, place: int) -> int:
        """Return the line of a place, in the file."""
        return self.lines.at(place) + self.before

    def passages(self, nodes: Sequence[Any]) -> Iterator[Passage]:
        """Yield what nodes hold, those of environments and groups, too."""
        stack = list(reversed([n for n in nodes if n is not None]))
        while stack:
            node = stack.pop()
            kind = type(node).__name__
            if kind == "LatexCharsNode":
                yield Passage("prose", node.chars, self.line(node.pos))
            elif kind == "LatexCommentNode":
                self.comments.append((self.line(node.pos), node.comment))
            elif kind == "LatexMathNode":
                opens, closes = node.delimiters
                inside = self.text[node.pos + len(opens) : node.pos + node.len - len(closes)]
                yield self.formula(inside, node.pos + len(opens), node.displaytype == "display")
            elif kind == "LatexEnvironmentNode":
                name = node.environmentname.rstrip("*")
                if name in MATH:
                    yield self.formula(self.text[node.pos : node.pos + node.len], node.pos, True)
                elif name not in CODE:
                    stack += reversed([n for n in node.nodelist if n is not None])
            elif kind == "LatexMacroNode":
                heading = self.heading(node)
                if heading is not None:
                    yield heading
                stack += reversed(self.arguments(node))
            elif kind == "LatexGroupNode":
                stack += reversed([n for n in node.nodelist if n is not None])

    def formula(self, text: str, place: int, display: bool) -> Passage:
        """Return a formula; comments inside it are noted, and blanked."""
        for found in re.finditer(r"(?<!\\)%([^\n]*)", text):
            self.comments.append((self.line(place + found.start()), found[1]))
        return Passage("math", text, first_letter(text, self.line(place)), display)

    def heading(self, node: Any) -> Passage | None:
        """Return the heading that a command begins, if it does."""
        arguments = _arguments(node)
        if node.macroname not in HEADINGS or not arguments:
            return None
        last = arguments[-1]
        title = self.text[last.pos : last.pos + last.len].strip("{}")
        return Passage("heading", title, self.line(node.pos), level=HEADINGS[node.macroname])

    def arguments(self, node: Any) -> list[Any]:
        """Return the arguments of a command that hold text."""
        arguments = _arguments(node)
        if node.macroname in HEADINGS:
            return arguments[-1:]
        return [] if node.macroname in SILENT else arguments


def _arguments(node: Any) -> list[Any]:
    told = node.nodeargd  # None where the text ends within a definition
    return [a for a in (told.argnlist or () if told is not None else ()) if a is not None]


def _merged(passages: Iterator[Passage]) -> Iterator[Passage]:
    """Join prose that only markup kept apart."""
    held: Passage | None = None
    for passage in passages:
        if passage.kind == "prose" and held is not None:
            held = Passage("prose", held.text + passage.text, held.line)
            continue
        if held is not None and held.text.strip():
            yield held
        held = passage if passage.kind == "prose" else None
        if held is None:
            yield passage
    if held is not None and held.text.strip():
        yield held
