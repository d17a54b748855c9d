r"""Commands of packages and of plain TeX as LaTeX's own: ``{a \over b}``, ``\pdv{f}{x}``."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace

from eingrad.errors import NotationError
from eingrad.notation.tex.latex_tokens import Lexer
from eingrad.notation.tokens import Token

MAX_EDITS = 2_000  # of one text: a command can hold commands
Part = str | range  # what is written, or which tokens stay
_ENDS = frozenset({"EQUAL", "AMP", "ROW", "NEWLINE", "SHIFT", "BEGIN", "END", "QUAD", "COMMA"})
_PAIRS = {
    "pqty": ("(", ")"), "bqty": ("[", "]"), "qty": ("(", ")"), "quantity": ("(", ")"),
    "abs": (r"\left|", r"\right|"), "absolutevalue": (r"\left|", r"\right|"),
    "norm": (r"\left\|", r"\right\|"), "vb": (r"\mathbf{", "}"), "vectorbold": (r"\mathbf{", "}"),
    "va": (r"\vec{", "}"), "vectorarrow": (r"\vec{", "}"), "dd": ("d ", ""), "odif": ("d ", ""),
}  # fmt: skip
_WORDS = {
    "grad": r"\nabla ", "gradient": r"\nabla ", "vdot": r"\cdot ", "dotproduct": r"\cdot ",
    "dd": "d ",
}  # fmt: skip
_TOTAL = frozenset({"dv", "derivative", "odv", "od", "diff"})
_PARTIAL = frozenset({"pdv", "pderivative", "partialderivative", "pd", "diffp", "difp"})
_OWN = frozenset({"pd", "od", "diff"})  # which have other meanings where no two groups follow


@dataclass(frozen=True)
class CommandEdit:
    """The tokens from ``start`` to ``end`` that ``parts`` take the place of."""

    start: int
    end: int
    parts: Sequence[Part]


def with_own_commands(tokens: Sequence[Token]) -> list[Token]:
    """Return tokens with LaTeX's own commands, each new one where the package's stood."""
    result, start = list(tokens), 0
    for _ in range(MAX_EDITS):
        edit = _first_edit(result, start)
        if edit is None:
            break
        start, like = edit.start, result[edit.start]
        new: list[Token] = []
        for part in edit.parts:
            new += _tokens(part, like) if isinstance(part, str) else result[part.start : part.stop]
        result[edit.start : edit.end] = new
    return result


def in_own_commands(text: str) -> str:
    r"""Return a text with LaTeX's own commands; as it is, where it cannot be cut into words.

    >>> in_own_commands(r"{a \over b} + \pdv[2]{f}{x} + \dv{x} \qty(x + 1)")
    '\\frac{a}{b} + \\frac{\\partial^{2} f}{\\partial x^{2}} + \\frac{d }{d x} (x + 1)'
    """
    start = 0
    for _ in range(MAX_EDITS if _ANY.search(text) else 0):
        lexer = Lexer(text)
        try:
            tokens = list(lexer.tokens())
        except NotationError:
            break
        edit = _first_edit(tokens, start)
        if edit is None:
            break
        text, start = lexer.source.text, edit.start
        places = _places(text, tokens)
        new = (
            x if isinstance(x, str) else _between(text, places[x.start : x.stop])
            for x in edit.parts
        )  # fmt: skip
        text = text[: places[start][0]] + "".join(new) + text[places[edit.end - 1][1] :]
    return text


def _places(text: str, tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Return where tokens begin and end in a text."""
    lines = [0, *(m.end() for m in re.finditer("\n", text))]
    starts = (lines[t.line - 1] + t.column - 1 for t in tokens)
    return [(start, start + t.width) for start, t in zip(starts, tokens, strict=True)]


def _between(text: str, places: Sequence[tuple[int, int]]) -> str:
    return text[places[0][0] : places[-1][1]] if places else ""


def _tokens(text: str, like: Token) -> Iterator[Token]:
    for token in Lexer(text).tokens():
        yield replace(token, line=like.line, column=like.column, width=like.width)


def _first_edit(tokens: Sequence[Token], start: int) -> CommandEdit | None:
    for k in range(start, len(tokens)):
        command = tokens[k].text[1:] if tokens[k].kind == "COMMAND" else ""
        edit = _EDITS[command](tokens, k, command) if command in _EDITS else None
        if edit is not None:
            return edit
    return None


def _bar(tokens: Sequence[Token], k: int, command: str) -> CommandEdit | None:
    r"""Read ``{a \over b}`` as ``\frac{a}{b}``; without braces, what stands on one side of =."""
    start, end = _end(tokens, k, -1), _end(tokens, k, 1)
    braced = start >= 0 and tokens[start].kind == "LBRACE"
    if start < 0 or end == len(tokens):
        start, end = _end(tokens, k, -1, _ENDS), _end(tokens, k, 1, _ENDS)
    above, below = range(start + 1, k), range(k + 1, end)
    if not above or not below:
        return None
    start, end = (start, end + 1) if braced else (start + 1, end)
    if command == "atop":
        return CommandEdit(start, end, (r"{\substack{", above, r"\\", below, "}}"))
    return CommandEdit(start, end, (r"\frac{", above, "}{", below, "}"))


def _end(tokens: Sequence[Token], k: int, step: int, ends: Container[str] = ()) -> int:
    """Return where what encloses a token opens, or closes: a bracket, or what ``ends`` it."""
    opens, closes = {"LBRACE", "OPEN"}, {"RBRACE", "CLOSE"}
    inner, outer = (closes, opens) if step < 0 else (opens, closes)
    depth, k = 0, k + step
    while 0 <= k < len(tokens):
        kind = tokens[k].kind
        if not depth and (kind in outer or kind in ends or tokens[k].text == r"\right"):
            break
        depth += (kind in inner) - (kind in outer)
        k += step
    return k


def _derivative(tokens: Sequence[Token], k: int, command: str) -> CommandEdit | None:
    r"""Read ``\pdv[2]{f}{x}`` as ``\frac{\partial^{2} f}{\partial x^{2}}``."""
    place, order = _optional(tokens, k)
    groups, end = _groups(tokens, place, 3 if command in _PARTIAL else 2)
    if not groups or (len(groups) == 1 and command in _OWN) or order is None:
        return None
    sign = r"\partial" if command in _PARTIAL else "d"
    of, *by = groups if len(groups) > 1 else (range(0), *groups)
    by = [x for group in by for x in _listed(tokens, group)]
    if len(by) > 1 and order:
        return None
    order = order or (str(len(by)) if len(by) > 1 else "")
    above = f"^{{{order}}}" if order else ""
    below: list[Part] = []
    for variable in by:
        below += [f"{sign} ", variable, above if len(by) == 1 else " "]
    if any(t.kind == "SIGN" for t in tokens[of.start : of.stop]):
        return CommandEdit(
            k, end, (rf"\frac{{{sign}{above}}}{{", *below, r"}\left(", of, r"\right)")
        )
    return CommandEdit(k, end, (rf"\frac{{{sign}{above} ", of, "}{", *below, "}"))


def _optional(tokens: Sequence[Token], k: int) -> tuple[int, str | None]:
    """Return where the groups behind a command begin, and the order in brackets before them; None
    where it is no number and no letter."""
    k += 1 + (tokens[k + 1 : k + 2] != [] and tokens[k + 1].text == "*")
    if k >= len(tokens) or (tokens[k].kind, tokens[k].text) != ("OPEN", "["):
        return k, ""
    end = next((j for j in range(k, len(tokens)) if tokens[j].kind == "CLOSE"), k)
    inside = [t.text for t in tokens[k + 1 : end] if t.kind not in {"LBRACE", "RBRACE"}]
    order = inside[inside.index("=") + 1 :] if "=" in inside else inside  # order={2}
    return end + 1, order[0] if len(order) == 1 and order[0].isalnum() else None


def _groups(tokens: Sequence[Token], k: int, most: int) -> tuple[list[range], int]:
    """Return what stands in the braces that follow each other from a place, and where they end."""
    found: list[range] = []
    while len(found) < most and k < len(tokens) and tokens[k].kind == "LBRACE":
        end = _end(tokens, k, 1)
        found.append(range(k + 1, end))
        k = end + 1
    return found, min(k, len(tokens))


def _listed(tokens: Sequence[Token], group: range) -> list[range]:
    """Return the variables of a group, ``x,y``."""
    found, start = [], group.start
    while (end := _end(tokens, start - 1, 1, {"COMMA"})) < group.stop:
        found.append(range(start, end))
        start = end + 1
    return [*found, range(start, group.stop)]


def _pair(tokens: Sequence[Token], k: int, command: str) -> CommandEdit | None:
    r"""Read ``\abs{x}`` as ``\left|x\right|``, ``\vb{x}`` in bold, ``\qty(x)`` as ``(x)``."""
    after = k + 1 + (tokens[k + 1 : k + 2] != [] and tokens[k + 1].text == "*")
    groups, end = _groups(tokens, after, 1)
    if not groups or command not in _PAIRS:
        opens = command.endswith("qty") or command == "quantity"
        word = "" if opens else _WORDS.get(command)
        return None if word is None else CommandEdit(k, k + 1, (word,))
    before, behind = _PAIRS[command]
    return CommandEdit(k, end, (before, groups[0], behind))


_EDITS: dict[str, Callable[[Sequence[Token], int, str], CommandEdit | None]] = {
    **dict.fromkeys(_WORDS.keys() | _PAIRS.keys(), _pair),
    **dict.fromkeys(_TOTAL | _PARTIAL, _derivative), "over": _bar, "atop": _bar,
}  # fmt: skip
PACKAGED = frozenset(_EDITS)  # the commands, without their backslashes
_ANY = re.compile(rf"\\(?:{'|'.join(_EDITS)})(?![A-Za-z])")
