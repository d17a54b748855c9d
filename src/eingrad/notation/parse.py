"""Text to formulas. The grammar is in ``grammar.lark``; nothing here gives a formula a meaning."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any, NamedTuple

from eingrad.errors import NotationError, Position
from eingrad.notation.lexeme import (
    not_whole,
    plain_name,
    read_call,
    read_derivative,
    read_number,
    read_tensor,
)
from eingrad.notation.mistakes import no_bound, size_takes_one_label
from eingrad.notation.syntax import (
    Assignment,
    Assumption,
    Call,
    Claim,
    Compare,
    Declaration,
    Derivative,
    Formula,
    Power,
    Product,
    SizeOf,
    Statement,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.tex.read import is_latex, read_claims
from eingrad.notation.text import to_text
from eingrad.notation.tokens import MAX_DEPTH, Source, arrange, too_deep
from eingrad.notation.unexpected import unexpected

if TYPE_CHECKING:
    from lark import Lark, Token, Tree


def parse_statements(text: str) -> tuple[Statement, ...]:
    """Read a model's text.

    >>> [s.target.name for s in parse_statements("y_i = W_ij x_j  # a layer\\nL = y_i y_i")]
    ['y', 'L']
    """
    return tuple(_parse(text, "statements", ()))


def parse_formula(text: str, names: Collection[str] = ()) -> Formula:
    """Read one formula; ``names`` are the tensors known from elsewhere (see `parse_claim`).

    >>> parse_formula("a_i - 1").negative
    (False, True)
    """
    result: Formula = _parse(text, "formula", names)
    return result


def parse_claim(text: str, names: Collection[str] = ()) -> Assignment:
    """Read ``dL/dW_ih = ...`` or ``y_i = ...``, also in LaTeX.

    ``names`` are the model's tensors. They decide whether ``dx/dt`` without spaces on the right
    side is a derivative or divides a tensor called ``dx``.

    >>> parse_claim("dL/dW_ih = X_bi G_bh").target.of.name
    'L'
    """
    claims = parse_claims(text, names)
    if len(claims) != 1 or not isinstance(claims[0], Assignment):
        raise NotationError("a claim is one equation", hint="check its equations one by one")
    return claims[0]


def parse_claims(
    text: str, names: Collection[str] = (), latex: bool | None = None
) -> tuple[Claim, ...]:
    """Read what a text claims, one equation a line; in LaTeX a chain is several equations.

    ``latex`` says whether it is LaTeX; None leaves that to its commands (see `is_latex`).

    >>> len(parse_claims(r"y_i = \\frac{x_i}{2} = \\frac{1}{2} x_i"))
    2
    """
    if is_latex(text) if latex is None else latex:
        return read_claims(text, names)
    if isinstance(text, str) and "\n" in text.strip():
        statements = [s for s in _parse(text, "statements", names) if isinstance(s, Assignment)]
        if len(statements) > 1:
            return tuple(statements)
    return (_parse(text, "claim", names),)


@cache
def _lark() -> Any:
    """Import lark when the first text is read: ``import eingrad`` must not wait for it."""
    return import_module("lark")


@cache
def _grammar() -> Lark:
    text = resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    start = ["statements", "formula", "claim"]
    lark = _lark()
    return lark.Lark(  # type: ignore[no-any-return]
        text, parser="lalr", lexer="basic", start=start, maybe_placeholders=False
    )


def _parse(text: str, start: str, names: Collection[str]) -> Any:
    source = Source(text)
    source.check_characters()
    try:
        tokens = arrange(_grammar().lex(source.text), source, names, start == "statements")
    except _lark().UnexpectedCharacters as error:
        raise source.unknown_character(error.line, error.column) from None
    parser = _grammar().parse_interactive(start=start)
    for k, token in enumerate(tokens):
        try:
            parser.feed_token(token)
        except _lark().UnexpectedToken:
            raise unexpected(tokens, k, source) from None
    try:
        tree = parser.feed_eof(tokens[-1] if tokens else None)  # type: ignore[no-untyped-call]
    except _lark().UnexpectedToken:
        raise unexpected(tokens, len(tokens), source) from None
    return _Builder(source).build(tree)


class Built(NamedTuple):
    """A formula, how deep it is, and whether it is ``-x`` without parentheses around it."""

    formula: Formula
    depth: int
    signed: bool = False


class _Builder:
    """Turns Lark's tree into formulas, from the leaves up: no recursion, whatever the depth."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def build(self, root: Tree[Token]) -> Any:
        order: list[Any] = [root]
        for node in order:
            if not isinstance(node, str):
                order.extend(node.children)
        built: dict[int, Any] = {}
        for node in reversed(order):
            if not isinstance(node, str):
                children = [built.pop(id(x)) for x in node.children]
                built[id(node)] = getattr(self, node.data)(*children)
            else:
                built[id(node)] = node
        return built[id(root)]

    def join(self, formula: Formula, parts: Sequence[Built], signed: bool = False) -> Built:
        depth = 1 + max((part.depth for part in parts), default=0)
        if depth > MAX_DEPTH:
            raise too_deep(formula.position)
        return Built(formula, depth, signed)

    # --- statements ---

    def statements(self, *statements: Statement) -> tuple[Statement, ...]:
        return statements

    def assignment(self, target: Built, value: Built) -> Assignment:
        left = target.formula
        if isinstance(left, TensorAt):
            raise not_whole(left.name, to_text(left), left.position)
        assert isinstance(left, Symbol | Derivative)
        return Assignment(left, value.formula, left.position)

    claim = assignment

    def assumption(self, keyword: Token, left: Built, right: Built) -> Assumption:
        return Assumption(left.formula, right.formula, self.source.position(keyword))

    def bound(self, keyword: Token, left: Built, sign: Token, right: Built) -> Assumption:
        position = self.source.position(keyword)
        if sign in ("==", "!="):
            raise no_bound(str(sign), self.source.position(sign))
        return Assumption(left.formula, right.formula, position, str(sign))

    def declaration(self, keyword: Token, word: Token) -> Declaration:
        name = plain_name(word, self.source.place(word))
        return Declaration(name, self.source.position(keyword))

    def formula(self, value: Built) -> Formula:
        return value.formula

    # --- formulas ---

    def number(self, token: Token) -> Built:
        return Built(read_number(token, self.source.place(token)), 1)

    def symbol(self, token: Token) -> Built:
        return Built(read_tensor(token, self.source.place(token)), 1)

    def derivative(self, token: Token) -> Built:
        return Built(read_derivative(token, self.source.place(token)), 1)

    def group(self, value: Built) -> Built:
        return value._replace(signed=False)

    def compare(self, left: Built, op: Token, right: Built) -> Built:
        position = left.formula.position
        return self.join(Compare(str(op), left.formula, right.formula, position), [left, right])

    def sign(self, sign: Token, value: Built) -> Built:
        if sign == "+":
            return value
        position = self.source.position(sign)
        return self.join(Sum((value.formula,), (True,), position), [value], signed=True)

    def sum(self, first: Built, *rest: Any) -> Built:
        terms: list[Built] = [first, *rest[1::2]]
        if len(terms) == 1:
            return first
        formulas = [term.formula for term in terms]
        negative = [False, *(sign == "-" for sign in rest[::2])]
        if first.signed:  # -a + b has two terms; (-a) + b has a term that is a sum
            assert isinstance(first.formula, Sum)
            formulas[0], negative[0] = first.formula.terms[0], True
        position = first.formula.position
        return self.join(Sum(tuple(formulas), tuple(negative), position), terms)

    def product(self, first: Built, *rest: Built | Token) -> Built:
        factors, divides, after_slash = [first], [False], False
        for part in rest:
            if isinstance(part, str):
                after_slash = part == "/"
            else:
                factors.append(part)
                divides.append(after_slash)
                after_slash = False
        if len(factors) == 1:
            return first
        formulas = tuple(factor.formula for factor in factors)
        position = first.formula.position
        return self.join(Product(formulas, tuple(divides), position), factors)

    def power(self, base: Built, _: Token, exponent: Built) -> Built:
        formula = Power(base.formula, exponent.formula, base.formula.position)
        return self.join(formula, [base, exponent])

    def call(self, head: Token, *args: Built) -> Built:
        place = self.source.place(head)
        function, axes = read_call(head, place)
        formulas = tuple(arg.formula for arg in args)
        if function == "size":
            return Built(_size(formulas, axes, place.at()), 1)
        return self.join(Call(function, formulas, axes, place.at()), args)


def _size(args: tuple[Formula, ...], axes: tuple[str, ...], position: Position) -> SizeOf:
    """Read ``size(b)``, or ``size_b(X_bi)``."""
    if len(args) == 1 and isinstance(only := args[0], Symbol):
        if not axes and not only.labels:
            return SizeOf(only.name, position=position)
        if len(axes) == 1 and axes[0] in only.labels:
            return SizeOf(axes[0], only, position)
    raise size_takes_one_label(position)
