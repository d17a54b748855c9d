r"""Arguments that are calls themselves: the f(x) of ``L(y, f(x))`` is a number, called f."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from eingrad.notation.syntax import Dependence, Symbol
from eingrad.notation.tex import names
from eingrad.notation.tex.rows import CLOSES, OPENS, Row, sides
from eingrad.notation.tex.tidy import group_end, partner
from eingrad.notation.tokens import Token

_SEPARATORS = frozenset({"COMMA", "DOT", "MID", "BAR"})
Place = tuple[int, int, int]  # where a name begins, where its parentheses open, and close


def with_plain_arguments(found: Sequence[Row]) -> tuple[list[Row], dict[str, Dependence]]:
    r"""Return the rows of a model with f for the ``f(x)`` that a left side lists as an argument.

    If the text does not define f, it is f wherever it is taken of that; and what it is taken of.
    """
    lefts = [pair[0] for row in found if len(pair := sides(row.tokens)) > 1]
    defined = {name for left in lefts if (name := _name(left))}
    inner: dict[str, set[tuple[str, ...]]] = {}
    first: dict[str, Dependence] = {}
    for left in lefts:
        for name, arguments, place in _listed(left):
            inner.setdefault(name, set()).add(arguments)
            first.setdefault(name, _dependence(_pieces(left[place[1] + 1 : place[2]])))
    if not inner:
        return [*found], {}
    calls = [x for row in found for x in _calls(row.tokens)]
    whole = {name for name, own in inner.items() if name not in defined and len(own) == 1 and all(
        arguments in own for other, arguments, _ in calls if other == name)}  # fmt: skip
    rows = [
        replace(row, tokens=_bare(row.tokens, [*_in_lists(row.tokens, inner.keys()), *(
            place for name, _, place in _calls(row.tokens) if name in whole)]))
        for row in found
    ]  # fmt: skip
    return rows, {name: first[name] for name in whole}


def with_plain_lists(row: Row, applied: Mapping[str, Dependence]) -> Row:
    r"""Return the row of a claim with f for the ``f(x)`` in the arguments of what a model defines
    with several: ``\frac{\partial L(y, f(x))}{\partial f(x)}``."""
    heads = {name: [x.name for x in own.arguments] for name, own in applied.items()}
    places = [*_in_lists(row.tokens, None, heads)]
    return replace(row, tokens=_bare(row.tokens, places)) if places else row


def _dependence(pieces: Sequence[Sequence[Token]]) -> Dependence:
    """Return what a name depends on; it has the labels of the first argument."""
    labels = [tuple(t.text for t in x[_end(x, 0) :] if t.kind == "LETTER") for x in pieces]
    pairs = zip(pieces, labels, strict=True)
    return Dependence(tuple(Symbol(_argument(x), own) for x, own in pairs), labels[0])


def _name(tokens: Sequence[Token], k: int = 0) -> str:
    """Return the name that begins at k, without what hangs on it."""
    if k >= len(tokens):
        return ""
    if tokens[k].kind == "LETTER":
        return names.letter(tokens[k].text)
    if tokens[k].text in names.ACCENTS and k + 1 < len(tokens):
        inside = tokens[k + 1 : group_end(tokens, k + 1) + 1]
        inner = next((x for t in inside if (x := _name([t]))), "")
        return inner and inner + names.ACCENTS[tokens[k].text]
    if tokens[k].text in names.FONTS and k + 1 < len(tokens):
        return "".join(t.text for t in tokens[k + 1 : group_end(tokens, k + 1) + 1]).strip("{}")
    return names.greek(tokens[k].text) or ""


def _end(tokens: Sequence[Token], k: int) -> int:
    """Return where the name at k ends, with no subscript."""
    wide = tokens[k].text in names.ACCENTS or tokens[k].text in names.FONTS
    return group_end(tokens, k + 1) + 1 if wide and k + 1 < len(tokens) else k + 1


def _calls(tokens: Sequence[Token]) -> Iterator[tuple[str, tuple[str, ...], Place]]:
    """Yield the names that are taken of names alone: f, (x,) and where ``f(x_i)`` stands."""
    k = 0
    while k < len(tokens):
        name, end = _name(tokens, k), _end(tokens, k)
        known = names.function_name(name) if name else None
        if name and not known and name != "sigma" and _opens(tokens, end):
            close = partner(tokens, end)
            pieces = _pieces(tokens[end + 1 : close]) if close > end else []
            arguments = tuple(_argument(x) for x in pieces)
            if arguments and all(arguments):
                yield name, arguments, (k, end, close)
        k = end if name else k + 1


def _opens(tokens: Sequence[Token], k: int) -> bool:
    return k < len(tokens) and (tokens[k].kind, tokens[k].text) == ("OPEN", "(")


def _pieces(inner: Sequence[Token]) -> list[list[Token]]:
    """Split what stands in parentheses at commas, semicolons and bars."""
    result: list[list[Token]] = [[]]
    depth = 0
    for token in inner:
        depth += (token.kind in OPENS) - (token.kind in CLOSES)
        if token.kind in _SEPARATORS and not depth:
            result.append([])
        else:
            result[-1].append(token)
    return result


def _argument(piece: Sequence[Token]) -> str:
    """Return the name that an argument is, also with labels; nothing for a formula."""
    name = _name(piece)
    if not name:
        return ""
    k = _end(piece, 0)
    while k < len(piece) and piece[k].kind in {"SUB", "SUP"}:
        k = group_end(piece, k + 1) + 1
    return name if k >= len(piece) else ""


def _listed(left: Sequence[Token]) -> Iterator[tuple[str, tuple[str, ...], Place]]:
    """Yield the calls among the arguments of a left side, if it has several."""
    places = {*_in_lists(left, None)}
    yield from (x for x in _calls(left) if x[2] in places)


def _in_lists(
    tokens: Sequence[Token],
    inner: Collection[str] | None,
    of: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Place]:
    """Yield the places of calls in lists of arguments, which ``of`` has so, if it is given."""
    for k in range(len(tokens)):
        if not _opens(tokens, k) or not k or (close := partner(tokens, k)) < k:
            continue
        pieces = _pieces(tokens[k + 1 : close])
        head = next((_name(tokens, j) for j in range(max(0, k - 4), k)
                     if _name(tokens, j) and _end(tokens, j) == k), "")  # fmt: skip
        own = of.get(head, ()) if of is not None else None
        if len(pieces) < 2 or not head or (own is not None and len(own) != len(pieces)):
            continue
        start = k + 1
        for n, piece in enumerate(pieces):
            found = next(_calls(piece), None)
            if found is not None and found[2][0] == 0 and found[2][2] == len(piece) - 1:
                name, _, (begin, opened, end) = found
                if (inner is None or name in inner) and (own is None or own[n] == name):
                    yield begin + start, opened + start, end + start
            start += len(piece) + 1


def _bare(tokens: Sequence[Token], places: Sequence[Place]) -> list[Token]:
    """Return tokens with the labels of arguments below names in the place of these."""
    result = list(tokens)
    for _, opened, close in sorted({*places}, reverse=True):
        first = _pieces(result[opened + 1 : close])[0]
        scripts = first[_end(first, 0) :]
        result[opened : close + 1] = scripts
    return result
