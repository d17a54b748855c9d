r"""Declared shapes: ``X \in \mathbb{R}^{m \times d}``, also behind an equation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from eingrad.notation.syntax import Shaped
from eingrad.notation.tex.names import BOLD, TRANSPOSED, greek
from eingrad.notation.tex.precedence import Parser
from eingrad.notation.tex.rows import sides
from eingrad.notation.tex.survey import Context
from eingrad.notation.tex.tidy import group_end
from eingrad.notation.tokens import Token

INDICES = frozenset("ijklmnt")
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


def between_vectors(found: Sequence[Sequence[Token]]) -> set[tuple[str, tuple[str, ...]]]:
    """Return the names with the letters below them that no sum sign binds and no left side has."""
    bound = {
        t.text
        for row in found for k, sign in enumerate(row) if sign.text in {r"\sum", r"\prod"}
        for t in row[k + 1 : k + 4]
    }  # fmt: skip
    for left in (sides(row)[0] for row in found):
        small = {own for k in range(len(left)) if (own := _capital(left, k))}
        below = {x for own in small for x in own[1]}
        bound |= {
            t.text for k, t in enumerate(left) if left[k - 1].kind in {"SUB", "LBRACE"}
        } - below
    every = {own for row in found for own in _between_vectors(row)}
    named = {own for own in every if bound.isdisjoint(own[1])}
    parts = {x for _, below in named for x in below}
    return named | {own for row in found for own in _names_with(row, parts)}


def _names_with(row: Sequence[Token], parts: Collection[str]) -> Iterator[tuple[str, tuple[str]]]:
    """Yield the names that have one of some letters below them: w_x and w_y beside Sigma_xy."""
    for k in range(len(row) - 2):
        below = [t.text for t in row[k + 2 : group_end(row, k + 2) + 1] if t.kind == "LETTER"]
        if row[k + 1].kind == "SUB" and len(below) == 1 and below[0] in parts:
            yield greek(row[k].text) or row[k].text, (below[0],)


def _between_vectors(row: Sequence[Token]) -> Iterator[tuple[str, tuple[str, ...]]]:
    r"""Yield the name and what is below it of what stands in a quadratic form, or is symmetric.

    So ``S_B`` of ``w^T S_B w`` and of ``S_B = S_B^T``, and ``K`` of ``y^T K^{-1} y``.
    """
    left, *others = sides(row)
    symmetric = len(others) == 1 and [t.text for t in others[0]][: len(left)] == [
        t.text for t in left
    ]
    if symmetric and _is_transpose(others[0], len(left)) and (found := _capital(left, 0)):
        yield found[0], found[1]
    for k in range(len(row)):
        chain: list[tuple[str, tuple[str, ...]]] = []
        end, inverse = _is_transpose(row, k), False
        while end and (found := _capital(row, end)):
            chain.append(found[:2])
            turned = _is_transpose(row, found[2])
            inverse = [t.text for t in row[found[2] : found[2] + 5]] == ["^", "{", "-", "1", "}"]
            end = turned or found[2] + 5 * inverse
        if (
            chain
            and end < len(row)
            and (_is_vector(row, end) or (inverse and row[end].text == "("))
        ):
            yield from chain


def _is_transpose(row: Sequence[Token], k: int) -> int:
    """Return where a transpose ends that begins at k, 0 where none does."""
    texts = [t.text for t in row[k : k + 4]]
    if texts[:1] == ["^"] and len(texts) > 1:
        if texts[1] in TRANSPOSED:
            return k + 2
        if texts[1] == "{" and len(texts) > 3 and texts[2] in TRANSPOSED and texts[3] == "}":
            return k + 4
    return 0


def _capital(row: Sequence[Token], k: int) -> tuple[str, tuple[str, ...], int] | None:
    """Return a capital at k, the letters below it that are no usual labels, and where they end."""
    if k >= len(row):
        return None
    name = greek(row[k].text) or row[k].text
    if row[k].kind not in {"LETTER", "COMMAND"} or not name[:1].isupper():
        return None
    if k + 1 >= len(row) or row[k + 1].kind != "SUB":
        return name, (), k + 1
    end = group_end(row, k + 2) + 1
    below = [t for t in row[k + 2 : end] if t.kind not in {"LBRACE", "RBRACE"}]
    if not below or any(t.kind != "LETTER" or t.text in INDICES for t in below):
        return None
    return name, tuple(t.text for t in below), end


def _is_vector(row: Sequence[Token], k: int) -> bool:
    """Whether a small letter, or one in bold, stands at k."""
    name = greek(row[k].text) or row[k].text
    small = row[k].kind in {"LETTER", "COMMAND"} and name.isalpha() and name.islower()
    return small or row[k].text in BOLD


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
