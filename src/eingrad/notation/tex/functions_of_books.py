r"""Names that books have for functions: the ``\Gamma`` of ``\ln \Gamma(x + 1)`` and its ``\psi``,
``\Phi`` and ``\phi`` of a normal distribution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from eingrad.notation.syntax import Call, Dependence, Formula, Number, Power, Product, Sum, Symbol
from eingrad.notation.tex import names
from eingrad.notation.tex.rows import Row, sides
from eingrad.notation.tex.tidy import partner
from eingrad.notation.tokens import Token

_X = Symbol("@x")  # what they are of, which no text can name
DENSITY = Product(
    (
        Call("exp", (Sum((Product((Power(_X, Number(2)), Number(2)), (False, True)),), (True,)),)),
        Call("sqrt", (Product((Number(2), Symbol("pi")), (False, False)),)),
    ),
    (False, True),
)
BOOKS: dict[str, dict[str, Formula]] = {
    "Gamma": {
        "Gamma": Call("exp", (Call("lgamma", (_X,)),)),
        "psi": Call("digamma", (_X,)),
    },
}
NORMAL = {
    "Phi": Dependence((_X,), (), Call("ndtr", (_X,))),
    "phi": Dependence((_X,), (), DENSITY),
}
IS_NORMAL = "Phi and phi are the distribution and density of a normal number"


def functions_of_books(found: Sequence[Row]) -> dict[str, Dependence]:
    r"""Return the functions that a text has from books: names that always have arguments.

    A matrix may be called ``\Gamma``, too: not where something is transposed or in bold type.
    """
    tokens = [t for row in found for t in row.tokens]
    lefts = {_name(pair[0][0]) for row in found if len(pair := sides(row.tokens)) > 1 and pair[0]}
    matrices = any(t.text in names.BOLD | names.TRANSPOSED for t in tokens)
    result: dict[str, Dependence] = {}
    for first, own in () if matrices else BOOKS.items():
        if _is_called(tokens, first) and first not in lefts:
            result |= {
                name: Dependence((_X,), (), value) for name, value in own.items()
                if name not in lefts and (name == first or _is_called(tokens, name, absent=True))
            }  # fmt: skip
    pairs = [{*_arguments(tokens, name)} for name in NORMAL]
    called = all(_is_called(tokens, name) and name not in lefts for name in NORMAL)
    if called and not matrices and not pairs[0].isdisjoint(pairs[1]):
        result |= NORMAL
    return result


def _name(token: Token) -> str:
    return names.greek(token.text) or ""


def _is_called(tokens: Sequence[Token], name: str, absent: bool = False) -> bool:
    """Whether a name stands in a text, and only before parentheses."""
    behind = [*_behind(tokens, name)]
    calls = all(t.text == "(" or t.kind == "PRIME" for t in behind)
    return calls and (bool(behind) or absent)


def _behind(tokens: Sequence[Token], name: str) -> Iterator[Token]:
    """Yield what stands behind each place of a name."""
    for k, token in enumerate(tokens):
        if _name(token) == name:
            yield tokens[k + 1] if k + 1 < len(tokens) else replace(token, kind="END", text="")


def _arguments(tokens: Sequence[Token], name: str) -> Iterator[tuple[str, ...]]:
    """Yield what stands in the parentheses behind a name."""
    for k, token in enumerate(tokens):
        if _name(token) == name and (end := partner(tokens, k + 1)) > k:
            yield tuple(t.text for t in tokens[k + 2 : end])


def with_close_calls(row: Row, functions: Sequence[str]) -> Row:
    r"""Return a row without the space of ``\Gamma (x)``."""
    tokens = list(row.tokens)
    for k in range(1, len(tokens)):
        if tokens[k].text == "(" and _name(tokens[k - 1]) in functions:
            tokens[k] = replace(tokens[k], spaced=False)
    return replace(row, tokens=tokens)
