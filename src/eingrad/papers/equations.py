r"""A formula of a document -> its equations: rows, columns, chains, each side by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from eingrad.papers.scan import TexPiece, group_behind, is_rowed, pieces

EQUALS = frozenset({"=", r"\equiv", r"\eq"})
DEFINES = frozenset({":=", r"\coloneqq", r"\triangleq", r"\doteq", r"\stackrel", r"\overset"})
OTHER = frozenset({
    r"\approx", r"\propto", r"\sim", r"\simeq", r"\cong", r"\ne", r"\neq", r"\le", r"\leq", r"\ge",
    r"\geq", r"\ll", r"\gg", r"\to", r"\rightarrow", r"\longrightarrow", r"\mapsto", r"\leftarrow",
    r"\gets", r"\xrightarrow", r"\in", r"\notin", r"\subset", r"\subseteq", "<", ">", r"\lt",
    r"\gt",
    r"\mid", r"\lesssim", r"\gtrsim", r"\leftrightarrow", r"\xleftarrow",
})  # fmt: skip
RANGES = frozenset({"=", r"\ne", r"\neq", "<", ">", r"\le", r"\leq", r"\in", r"\ge", r"\geq"})
IMPLIES = frozenset({
    r"\Rightarrow", r"\Longrightarrow", r"\implies", r"\iff", r"\Leftrightarrow", r"\therefore",
    r"\because", r"\Longleftrightarrow", r"\impliedby", r"\Leftarrow", r"\rArr",
})  # fmt: skip
TEXT = frozenset({r"\text", r"\textrm", r"\textit", r"\textbf", r"\mbox", r"\intertext", r"\mathrm",
                  r"\textnormal", r"\hbox", r"\shortintertext"})  # fmt: skip
LINKS = frozenset({"and", "where", "with", "or", "so", "thus", "hence", "let", "therefore", "then",
                   "because", "since", "using", "as", "also", "ie", "eg", "by", "therefore,",
                   "thus,", "hence,", "so,", "becomes", "implies", "gives", "that is", "i.e.",
                   "e.g.", "i.e.,", "where,", "note that", "recall that", "so that", "sothat",
                   "which gives", "we have", "i.e", "denote", "define"})  # fmt: skip
ASIDES = frozenset({"where", "with", "because", "since", "using", "as", "recall that", "note that"})
ONLY_IF = frozenset({r"\iff", r"\Leftrightarrow", r"\Longleftrightarrow", r"\impliedby",
                     r"\Leftarrow"})  # fmt: skip
CONDITION = re.compile(r"\s*(if|for|when|unless|whenever|iff|for all|for each|for any|for every|"
                       r"otherwise|else|provided|such that)\b", re.IGNORECASE)  # fmt: skip
OPERATORS = frozenset({"+", "-", r"\cdot", r"\times", r"\odot", r"\pm", "*", "/", r"\circ",
                       r"\otimes", r"\oplus", r"\mp"})  # fmt: skip
_SIGNS = {";": "word", r"\because": "aside", **dict.fromkeys(ONLY_IF, "only")}
MAX_ROUNDS = 40  # of what stands around a part, each within the other
NEW_ROW = frozenset({r"\cr", r"\newline"})
SPACES = frozenset({r"\quad", r"\qquad", r"\hspace", r"\hfill", "~"})
THIN = frozenset({r"\,", r"\;", r"\:", r"\!", r"\ ", r"\>", r"\displaystyle", r"\textstyle"})
DROPPED = re.compile(r"\\(?:label|tag|nonumber|notag|vspace|hspace|hskip|vskip|allowbreak|"
                     r"phantom|hphantom|vphantom|color)(?![A-Za-z])\*?")  # fmt: skip
_OF_DERIVATIVE = re.compile(r"\\partial|\\nabla|'|\\frac\s*\{?\s*(?:d|\\mathrm\s*\{d)")
_COMPARISON = re.compile(
    r"(?P<open>\()?[^=()<>]*(?:[<>]|\\(?:le|ge|leq|geq|leqslant|geqslant|lt|gt|ne|neq)(?![a-z]))[^=()<>]*"
    r"(?(open)\))"
)
_UNSEEN = re.compile("[\u200b\u200c\u200d\u2060\ufeff]")  # spaces without width
_ARROW = re.compile(r"(?<![<>=])=+>(?!=)")
_LAST_WORD = re.compile(r"[,;]?\s+(?:then|and|so|where)\Z")  # z = 0, then
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_WIDE = re.compile(r"(?:\\ [ \t]*){3,}")  # as wide as \quad
_BOXES = frozenset({r"\boxed", r"\fbox", r"\colorbox", r"\tcboxmath"})
_ARRAY = re.compile(r"\\(begin|end)\s*\{array\}")
_RELATED = re.compile(r"&\s*(?:=|:=|\\(?:equiv|triangleq|approx|leq?|geq?|sim)(?![a-z])|<|>)")


@dataclass(frozen=True)
class Side:
    """One side of a relation: ``mark`` is what stands before it, "" for the first one."""

    mark: str
    text: str


@dataclass(frozen=True)
class EquationRow:
    """One equation, or a chain of them; ``condition`` stands behind it, ``line`` is its first.

    What is to hold ``only`` in a case that a formula cannot express says nothing by itself. Behind
    an ``aside``, ``\\because u = -z``, the equation before it goes on. One
    that is ``implied`` stands behind an arrow.
    """

    line: int
    sides: tuple[Side, ...]
    condition: str = ""
    note: str = ""
    only: str = ""
    aside: bool = False
    implied: bool = False

    def solves(self, last: EquationRow) -> bool:
        """Whether it says where the last equation holds: ``1 = e^{-z}`` implies ``z = 0``."""
        left = self.sides[0].text
        name = re.fullmatch(r"\\?[A-Za-z]+(?:\s*[_^]\s*(?:\{[^{}]*\}|\\?\w+))*", left)
        again = last.sides[0].text == left or len(last.sides) < 2
        alone = rf"(?<![A-Za-z\\]){re.escape(left)}(?![A-Za-z])"
        return self.implied and bool(name) and not again and bool(re.search(alone, last.source))

    @property
    def goes_on(self) -> bool:
        """Whether it begins with a relation, so that its left side stands before."""
        return not self.sides[0].text and len(self.sides) > 1

    @property
    def source(self) -> str:
        """What stands in the document, in one line."""
        text = " ".join(f"{side.mark} {side.text}" for side in self.sides).strip()
        text = " ".join(text.split())
        return f"{text} \\quad {self.condition}" if self.condition else text


def rows_of(text: str, line: int) -> list[EquationRow]:
    r"""Cut a formula into its equations; ``line`` is that of its first letter.

    >>> [row.source for row in rows_of(r"y &= a \\ &+ b \quad \text{and} \quad z = c", 1)]
    ['y = a + b', 'z = c']
    """
    start = len(text) - len(text.lstrip())
    text = _ARROW.sub(r"\\Rightarrow ", _COMMENT.sub("", _UNSEEN.sub("", text)))
    text = _WIDE.sub(r"\\quad ", _with_rows(_unboxed(text)))
    result: list[EquationRow] = []
    for place, row in _split_rows(text):
        here = line + text.count("\n", start, place)
        for found in _equations(row, here):
            last = result[-1] if result else None
            if last is not None and found.solves(last):
                found = replace(found, only=last.source)
            if last is not None and _begins_with_operator(found):
                result[-1] = _joined(last, found)
            elif last is not None and is_condition(found, last):
                condition = f"{last.condition} {found.source}".strip()
                result[-1] = replace(last, condition=condition)
            else:
                result.append(found)
    return result


def _unboxed(text: str) -> str:
    r"""Return a formula without boxes around equations.

    >>> _unboxed(r"\boxed{x = 1, \quad y = 2} \text{ and } z = \boxed{3}")
    'x = 1, \\quad y = 2 \\text{ and } z = \\boxed{3}'
    """
    for box in [p for p in pieces(text) if p.text in _BOXES and not p.depth][::-1]:
        inside, end = group_behind(text, box.end)
        if end > box.end and (_has_relation(inside) or _RELATED.search(inside)):
            text = f"{text[: box.place]}{inside}{text[end:]}"
    return text


def _with_rows(text: str) -> str:
    r"""Return a formula with arrays of equations as ``aligned``: a column of them is relations.

    >>> _with_rows(r"\begin{array}{rcl} a & = & b \end{array}")
    '\\begin{aligned} a & = & b \\end{aligned}'
    """
    found = [p for p in pieces(text) if _ARRAY.match(p.text) and not p.depth]
    for opened, closed in reversed([*zip(found[::2], found[1::2], strict=False)]):
        inside = text[opened.end : closed.place]
        if _RELATED.search(inside) is not None:
            begin, end = r"\begin{aligned}", r"\end{aligned}"
            text = f"{text[: opened.place]}{begin}{inside}{end}{text[closed.end :]}"
    return text


def _split_rows(text: str) -> Iterator[tuple[int, str]]:
    """Yield the rows of environments with the places at which they begin."""
    start = 0
    for piece in pieces(text):
        ends = piece.depth == 0 and (piece.text.startswith("\\\\") or piece.text in NEW_ROW)
        if ends or is_rowed(piece.text):
            yield from _row(text, start, piece.place)
            start = piece.end
    yield from _row(text, start, len(text))


def _row(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    row = text[start:end]
    if row.strip():
        yield start + len(row) - len(row.lstrip()), row.strip()


def _equations(row: str, line: int) -> Iterator[EquationRow]:
    """Yield the equations of a row: of its columns, and between words and spaces."""
    parts: list[tuple[str, str, int]] = []
    for column, place in _columns(_without_dropped(row)):
        parts += [(kind, part, place + k) for kind, part, k in _parts(column)]
    found: list[EquationRow] = []
    conditional = False
    for kind, part, place in parts:
        here = line + row.count("\n", 0, place) if len(row) >= place else line
        text = _trimmed(part)
        if kind == "condition" or (conditional and not _has_relation(text)):
            conditional = kind == "condition"
            if found and text:
                last = found[-1]
                found[-1] = replace(last, condition=f"{last.condition} {text}".strip())
            continue
        conditional = False
        if not text:
            continue
        implied = kind in {"implied", "only"}
        own = EquationRow(here, tuple(_sides(text)), aside=kind == "aside", implied=implied)
        if kind == "only" and found:
            found[-1] = replace(found[-1], only=text)
            own = replace(own, only=found[-1].source)
            if len(own.sides) < 2:
                continue
        elif kind == "implied" and found and not _has_equation(found[-1]):
            own = replace(own, only=found[-1].source)
        if found and _is_note(text):
            found[-1] = replace(found[-1], note=text)
        elif (
            found
            and kind == "space"
            and (is_condition(own, found[-1]) or _is_case(text, found[-1]))
        ):
            found[-1] = replace(found[-1], condition=f"{found[-1].condition} {text}".strip())
        elif found and kind == "space" and _continues(own, found[-1]):
            found[-1] = _joined(found[-1], own)
        else:
            found.append(own)
    yield from found


def _continues(row: EquationRow, last: EquationRow) -> bool:
    """Whether a part behind a space goes on from the one before it."""
    end = last.sides[-1].text
    open_end = len(row.sides) == 1 and (not end or end.endswith(("+", "-", r"\cdot", r"\times")))
    return open_end or row.goes_on or _begins_with_operator(row)


def _without_dropped(row: str) -> str:
    """Leave out labels, tags and spaces that are given in braces."""
    while (match := DROPPED.search(row)) is not None:
        _, end = group_behind(row, match.end())
        gap = r"\quad " if "space" in match[0] or "skip" in match[0] else " "
        row = row[: match.start()] + gap + row[max(end, match.end()) :]
    return row


def _columns(row: str) -> Iterator[tuple[str, int]]:
    """Yield the equations of a row's columns; a column without one of its own goes on."""
    cells: list[tuple[str, int]] = []
    start = 0
    for piece in pieces(row):
        if piece.text == "&" and piece.depth == 0:
            cells.append((row[start : piece.place], start))
            start = piece.end
    cells.append((row[start:], start))
    group, place = "", 0
    for k, (cell, at) in enumerate(cells):
        after = next((c.strip() for c, _ in cells[k + 1 :] if c.strip()), "")
        opens = bool(cell.strip()) and not _begins_with_operator(
            EquationRow(0, tuple(_sides(cell.strip())))
        )
        begins = opens and (_has_relation(cell) or _begins_with_relation(after))
        if begins and _is_equation(group) and not _begins_with_relation(cell.strip()):
            yield group, place
            group, place = "", at
        elif group and k and opens and not cells[k - 1][0].strip():
            cell = r"\quad " + cell  # behind && stands a note
        group += cell + " "
    yield group, place


def _parts(text: str) -> Iterator[tuple[str, str, int]]:
    r"""Cut a column at spaces, words and arrows; yield what each part stands behind."""
    start, kind = 0, "start"
    skip_to = 0
    for piece in pieces(text):
        if piece.depth or piece.place < skip_to:
            continue
        after, behind = "", piece.end
        if piece.text in IMPLIES or piece.text == ";":
            after = _SIGNS.get(piece.text, "implied")
        elif piece.text in SPACES:
            after = "space"
        elif piece.text == r"\forall":
            after, behind = "condition", piece.place
        elif piece.text == "," and _begins_equation(text[piece.end :]):
            after = "word"
        elif piece.text in TEXT and not _is_script(text, piece.place):
            words, end = group_behind(text, piece.end)
            opens = not text[start : piece.place].strip()
            after = _word_kind(piece, words, text[end:])
            after = after or ("word" if opens and _is_prose(words, text[end:]) else "")
            behind = piece.place if after == "condition" else end
            skip_to = end
        if after:
            yield kind, text[start : piece.place], start
            start, kind = behind, after
    yield kind, text[start:], start


def _is_prose(words: str, rest: str) -> bool:
    r"""Whether words stand before a formula, ``\text{By the chain rule, }``, and are no name."""
    name = re.match(r"\s*(?:[_^(&]|\\left|\Z)", rest) or _begins_with_relation(rest.strip())
    return " " in words.strip() + words[-1:] and not name and _has_relation(rest)


def _word_kind(piece: TexPiece, words: str, rest: str) -> str:
    """Return what a text in a formula is to it: "word", "condition", "" for a part of it."""
    bare = re.sub(r"\\[,;: ]|~", " ", words).strip().lower()
    if CONDITION.match(bare) and piece.text != r"\mathrm":
        return "condition"
    if bare.rstrip(",:") in LINKS and piece.text != r"\mathrm" and _has_relation(rest):
        return "aside" if bare.rstrip(",:") in ASIDES else "word"
    return ""


def _is_script(text: str, place: int) -> bool:
    return text[:place].rstrip().endswith(("_", "^", "_{", "^{"))


def _begins_equation(text: str) -> bool:
    """Whether what follows a comma is an equation with a left side of its own."""
    for piece in pieces(text):
        if piece.depth:
            continue
        if piece.text in EQUALS or piece.text == ":":
            left = text[: piece.place].strip()
            return bool(left) and not re.fullmatch(r"\\?[lc]?dots", left)
        if piece.text in {",", ";"} | SPACES and text[: piece.place].strip():
            return False
    return False


def _sides(text: str) -> Iterator[Side]:
    """Cut an equation at its relations."""
    start, mark, skip_to = 0, "", 0
    for piece in pieces(text):
        if piece.depth or piece.place < skip_to:
            continue
        found, end = "", piece.end
        if piece.text in EQUALS:
            before = text[: piece.place].rstrip()
            found = ":=" if before.endswith((":", r"\colon")) else "="
        elif piece.text in {r"\stackrel", r"\overset", r"\underset"}:
            _, middle = group_behind(text, piece.end)
            relation, end = group_behind(text, middle)
            if relation.strip() in EQUALS:
                found = ":="
            elif relation.strip() in OTHER:
                found = relation.strip()
        elif piece.text in DEFINES:
            found = ":="
        elif piece.text in OTHER:
            found = piece.text
        if found:
            side = text[start : piece.place].rstrip()
            if found == ":=":
                side = side.removesuffix(":").removesuffix(r"\colon")
            yield Side(mark, _trimmed(side))
            start, mark, skip_to = end, found, end
    yield Side(mark, _trimmed(text[start:]))


def _has_equation(row: EquationRow) -> bool:
    """Whether a row is an equation between more than two labels."""
    letter = re.fullmatch(r"\\?[A-Za-z]+", row.sides[0].text) is not None
    label = letter and len(row.sides[-1].text) == 1
    return len(row.sides) > 1 and row.sides[1].mark in EQUALS | DEFINES and not label


def _has_relation(text: str) -> bool:
    return len(tuple(_sides(text))) > 1


def _is_equation(text: str) -> bool:
    """Whether a text has a relation, and something behind it."""
    sides = tuple(_sides(text))
    return len(sides) > 1 and bool(sides[-1].text)


def _begins_with_relation(text: str) -> bool:
    sides = tuple(_sides(text))
    return len(sides) > 1 and not sides[0].text


def _begins_with_operator(row: EquationRow) -> bool:
    text = row.sides[0].text
    first = next((p.text for p in pieces(text) if p.text.strip() and p.text not in THIN), "")
    return first in OPERATORS


def _joined(last: EquationRow, row: EquationRow) -> EquationRow:
    """Return an equation with what goes on from it."""
    first, *others = row.sides
    end = last.sides[-1]
    whole = Side(end.mark, " ".join(f"{end.text} {first.text}".split()))
    note, condition = row.note or last.note, " ".join([last.condition, row.condition]).strip()
    return replace(last, sides=(*last.sides[:-1], whole, *others), note=note, condition=condition)


def is_condition(row: EquationRow, last: EquationRow) -> bool:
    r"""Whether a row says for which labels the last one holds: ``i = j``, ``i = 1, \ldots``."""
    if len(row.sides) != 2 or len(last.sides) < 2:
        return False
    left = re.sub(r"\\[,;!]|[(){}]", "", row.sides[0].text).strip()
    if row.sides[1].mark not in RANGES:
        return False
    letter = re.fullmatch(r"\\?[A-Za-z]+'?", left) and (len(left) == 1 or left[0] == "\\")
    return bool(letter) and _stands_below(left, last)


def _is_case(text: str, last: EquationRow) -> bool:
    r"""Whether a comparison, ``(x \ge 0)``, says where a derivative is what stands before it."""
    derivative = len(last.sides) > 1 and _OF_DERIVATIVE.search(last.sides[0].text)
    return bool(derivative) and _COMPARISON.fullmatch(text.strip()) is not None


def _stands_below(letter: str, row: EquationRow) -> bool:
    """Whether a letter is in a subscript."""
    below = re.findall(r"_\s*(?:\{([^{}]*)\}|(\\?[A-Za-z]+))", " ".join(s.text for s in row.sides))
    letters = {x for pair in below for part in pair for x in re.findall(r"\\[a-z]+|[A-Za-z]", part)}
    return letter in letters


def _is_note(text: str) -> bool:
    r"""Whether a part is no formula: ``\text{(scalar)}``, ``(N \times 1)``, ``(1)``."""
    bare = text.strip()
    if re.fullmatch(r"\(?\s*\\(text|textrm|textit|mbox|mathrm)\s*\{[^{}]*\}\s*\)?", bare):
        return not CONDITION.match(re.sub(r"\\[a-z]+\{|[(){}]", "", bare))
    shape = r"\(\s*[\w\\{}_]+\s*(\\times\s*[\w\\{}_]+\s*)+\)"
    return (
        re.fullmatch(rf"\(\s*\d+\s*\)|{shape}(\s*(@|\\times|\+|\\cdot|=)?\s*{shape})*", bare)
        is not None
    )


def is_shape_arithmetic(text: str) -> bool:
    r"""Whether a side speaks of shapes alone: ``(N_h \times 1) @ (1 \times N_i)``."""
    return "times" in text and _is_note(text)


def _trimmed(text: str) -> str:
    r"""Return a part without space and punctuation at its ends."""
    text = " ".join(text.split())
    for _ in range(MAX_ROUNDS):
        before = text
        for space in (*THIN, *SPACES):
            text = text.removeprefix(space) if not space[-1].isalpha() else re.sub(
                rf"^\\{space[1:]}(?![A-Za-z])", "", text)  # fmt: skip
            text = re.sub(rf"\\{space[1:]}$", "", text) if space[-1].isalpha() else (
                text.removesuffix(space))  # fmt: skip
        text = re.sub(r"(?<!\\)\\\Z", "", text)  # a space, without what follows it
        text = _LAST_WORD.sub("", text.strip()).rstrip(",;").strip()
        if text.endswith(".") and not text.endswith((r"\left.", r"\right.")):
            text = text[:-1].strip()
        text = _without_braces(text)
        boxed = re.match(r"\\(?:boxed|fbox|ensuremath|mathstrut)\s*(?=\{)", text)
        if boxed and group_behind(text, boxed.end())[1] == len(text):
            text = text[boxed.end() + 1 : -1]
        if text == before:
            break
    return text


def _without_braces(text: str) -> str:
    """Return what stands in the braces that enclose all of a text, however many they are.

    >>> _without_braces("{{a} {b}}"), _without_braces("{a}{b}")
    ('{a} {b}', '{a}{b}')
    """
    opened: list[int] = []
    closes: dict[int, int] = {}
    for piece in pieces(text) if text.startswith("{") and text.endswith("}") else ():
        if piece.text == "{":
            opened.append(piece.place)
        elif piece.text == "}" and opened:
            closes[opened.pop()] = piece.place
    start, end = 0, len(text)
    while closes.get(start) == end - 1:
        start, end = start + 1, end - 1
    return text[start:end]


def without_alignment(text: str) -> str:
    """Return a formula without the signs at which rows are aligned.

    >>> without_alignment(r"a &= b")
    'a  = b'
    """
    return "".join(" " if p.text == "&" and not p.depth else p.text for p in pieces(text))
