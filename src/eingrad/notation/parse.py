"""Text to statements: a spelling of `grammar`. Nothing here gives a formula a meaning."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from eingrad.errors import NotationError
from eingrad.notation.grammar import Grammar, shallow, size_of
from eingrad.notation.lexeme import (
    not_whole,
    plain_name,
    read_call,
    read_derivative,
    read_number,
    read_tensor,
)
from eingrad.notation.mistakes import no_bound
from eingrad.notation.syntax import (
    Assignment,
    Assumption,
    Call,
    Claim,
    Declaration,
    Dependence,
    Formula,
    Power,
    Statement,
    TensorAt,
)
from eingrad.notation.tex.read import is_latex, read_claims
from eingrad.notation.text import to_text
from eingrad.notation.tokens import OPERANDS, Source, Token, arrange
from eingrad.notation.unexpected import unexpected

NOT_APPLIED: Mapping[str, Dependence] = MappingProxyType({})


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
    result: Formula = _parse(text, "whole", names)
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
    text: str,
    names: Collection[str] = (),
    latex: bool | None = None,
    applied: Mapping[str, Dependence] = NOT_APPLIED,
) -> tuple[Claim, ...]:
    """Read what a text claims, one equation a line; in LaTeX a chain is several equations.

    ``latex`` says whether it is LaTeX; None leaves that to its commands (see `is_latex`).
    ``applied`` are the arguments with which the model writes tensors.

    >>> len(parse_claims(r"y_i = \\frac{x_i}{2} = \\frac{1}{2} x_i"))
    2
    """
    if is_latex(text) if latex is None else latex:
        return read_claims(text, names, applied)
    if isinstance(text, str) and "\n" in text.strip():
        statements = [s for s in _parse(text, "statements", names) if isinstance(s, Assignment)]
        if len(statements) > 1:
            return tuple(statements)
    return (_parse(text, "claim", names),)


def _parse(text: str, start: str, names: Collection[str]) -> Any:
    source = Source(text)
    reader = TextReader(arrange(source, names, start == "statements"), source)
    result = getattr(reader, start)()
    if reader.k < len(reader.tokens):
        raise reader.misplaced()
    return result


class TextReader(Grammar):
    """Reads the notation: what its words, calls and statements are."""

    # --- statements ---

    def statements(self) -> tuple[Statement, ...]:
        """Read statements up to the end of the text, each up to the end of its line."""
        found: list[Statement] = []
        while self.k < len(self.tokens):
            found.append(self.statement())
            self.needs("NEWLINE")
        return tuple(found)

    def statement(self) -> Statement:
        """Read an assignment, a fact or a declaration."""
        keyword = self.peek()
        if self.take("ASSUME"):
            return self.assumption(keyword)
        if self.take("FUNCTION"):
            word = self.needs("WORD")
            name = plain_name(word.text, self.source.place(word))
            return Declaration(name, self.at(keyword))
        return self.claim()

    def claim(self) -> Assignment:
        """Read ``target = value``."""
        token = self.needs("WORD", "DERIVATIVE")
        place = self.source.place(token)
        read = read_tensor if token.kind == "WORD" else read_derivative
        target = read(token.text, place)
        self.needs("EQUAL")
        value = self.side()
        if isinstance(target, TensorAt):
            raise not_whole(target.name, to_text(target), target.position)
        return Assignment(target, value, target.position)

    def assumption(self, keyword: Token) -> Assumption:
        """Read what stands behind ``assume``: an equation, or a bound."""
        left, sign = self.side(), self.needs("EQUAL", "COMPARE")
        right = self.side()
        if sign.text in {"==", "!="}:
            raise no_bound(sign.text, self.at(sign))
        return Assumption(left, right, self.at(keyword), sign.text)

    def side(self) -> Formula:
        """Read one side of a statement."""
        return shallow(self.sum())

    def whole(self) -> Formula:
        """Read a formula that stands alone."""
        return shallow(self.formula())

    def needs(self, *kinds: str) -> Token:
        """Go past a token of one of these kinds, or raise."""
        if self.peek().kind not in kinds:
            raise self.misplaced()
        return self.next()

    def misplaced(self) -> NotationError:
        """Return the error about the next token, in words of the notation."""
        return unexpected(self.tokens, self.k, self.source)

    # --- formulas ---

    def begins_factor(self, token: Token) -> bool:
        """Whether a token is no sign."""
        return token.kind in OPERANDS

    def comparison(self, token: Token) -> str:
        """Return the comparison that a token is, or ""."""
        return token.text if token.kind == "COMPARE" else ""

    def primary(self) -> Formula:
        """Read an atom and its power: ``a^b^c`` is ``a^(b^c)``, and ``-a^2`` is ``-(a^2)``."""
        kind = self.peek().kind
        base = self.group() if kind == "OPEN" else self.call() if kind == "CALL" else self.word()
        if self.take("SUP") is None:
            return base
        return Power(base, self.signed(self.factor), base.position)

    def word(self) -> Formula:
        """Read a number, a tensor or a derivative."""
        token = self.needs(*OPERANDS)
        place = self.source.place(token)
        if token.kind == "NUMBER":
            return read_number(token.text, place)
        return (read_tensor if token.kind == "WORD" else read_derivative)(token.text, place)

    def call(self) -> Formula:
        """Read a function with its axes and arguments."""
        head = self.next()
        place = self.source.place(head)
        function, axes = read_call(head.text, place)
        args = self.arguments()
        if function == "size":
            return size_of(args, axes, place.at())
        return Call(function, args, axes, place.at())
