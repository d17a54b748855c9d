r"""Declared shapes: ``X \in \mathbb{R}^{m \times d}``, also behind an equation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eingrad.notation.syntax import Shaped
from eingrad.notation.tex.names import greek
from eingrad.notation.tex.precedence import Parser
from eingrad.notation.tex.survey import Context
from eingrad.notation.tokens import Token

HINT = r"write for instance X \in \mathbb{R}^{m \times d}"
OPENS, CLOSES = frozenset({"LBRACE", "OPEN", "CASES"}), frozenset({"RBRACE", "CLOSE", "ENDCASES"})


def split_declaration(row: Sequence[Token]) -> tuple[list[Token], list[Token]]:
    r"""Return what stands before ``\in \mathbb{R}`` where nothing encloses it, and behind."""
    depth = 0
    for k, token in enumerate(row):
        depth += (token.kind in OPENS) - (token.kind in CLOSES)
        if depth == 0 and token.text == r"\in" and _is_reals(row[k + 1 :]):
            return list(row[:k]), list(row[k + 1 :])
    return list(row), []


def _is_reals(tokens: Sequence[Token]) -> bool:
    texts = [t.text for t in tokens[:4]]
    return texts == [r"\mathbb", "{", "R", "}"] or texts[:2] == [r"\mathbb", "R"]


def matrices_in(found: Iterable[Sequence[Token]]) -> frozenset[str]:
    r"""Return the letters that rows declare as matrices: ``B \in \mathbb{R}^{n \times n}``."""
    parts = (split_declaration(row) for row in found)
    return _letters(names for names, space in parts if any(t.kind == "TIMES" for t in space))


def vectors_in(found: Iterable[Sequence[Token]]) -> frozenset[str]:
    r"""Return the letters that rows declare as vectors: ``x \in \mathbb{R}^n``."""
    kinds = ((names, {t.kind for t in space}) for names, space in map(split_declaration, found))
    return _letters(names for names, own in kinds if "SUP" in own and "TIMES" not in own)


def _letters(declared: Iterable[Sequence[Token]]) -> frozenset[str]:
    return frozenset(
        greek(t.text) or t.text for names in declared for t in names
        if t.kind in {"LETTER", "COMMAND"}
    )  # fmt: skip


def declared(names: Sequence[Token], space: Sequence[Token], context: Context) -> Shaped:
    r"""Read ``X, Y \in \mathbb{R}^{m \times d}``, in two parts."""
    parser = Parser(names, context)
    found: list[str] = []
    carried: tuple[str, ...] = ()
    while parser.begins_name(parser.peek()):
        tensor = parser.differentiated()
        own = () if {*tensor.labels} - {*context.moving} else tensor.labels
        if found and own != carried:
            raise context.lexer.error(names[0], "shapes of a layer and of all beside it", HINT)
        carried = own
        if not (own or context.moving):  # S_B \in \mathbb{R}^{d \times d} is no entry of S
            context.survey.words.update(
                (tensor.name, x)
                for x in tensor.labels
                if x.isupper() and x not in context.survey.bound
            )
        found.append(tensor.name if own else tensor.name + "".join(tensor.labels))
        if not parser.take("COMMA"):
            break
    if not found or parser.peek().kind != "END":
        raise context.lexer.error(names[0] if names else space[0], "a shape of no tensor", HINT)
    position = context.lexer.position(names[0])
    return Shaped(tuple(found), _extents(space, context), position, carried)


def _extents(space: Sequence[Token], context: Context) -> tuple[str | int, ...]:
    start = next((k for k, t in enumerate(space) if t.kind == "SUP"), len(space))
    found: list[str | int] = []
    word = ""
    inner = [
        t for t in space[start + 1 :] if t.kind not in {"LBRACE", "RBRACE", "SUB", "OPEN", "CLOSE"}
    ]
    for token in [*inner, Token("TIMES", "", 0, 0, 0)]:
        if token.kind == "TIMES":
            if word:
                found.append(int(word) if word.isdigit() else word)
            word = ""
        elif token.kind in {"LETTER", "NUMBER"}:
            word += token.text
        elif name := greek(token.text):
            word += name
        elif token.kind not in {"DOT", "COMMA", "QUAD"}:
            raise context.lexer.error(token, f"{token.text} in a shape", HINT)
    if len(found) > 2:
        raise context.lexer.error(space[0], "a shape of more than two axes", HINT)
    return tuple(found)
