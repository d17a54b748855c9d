"""The tokens of one statement, read from left to right."""

from __future__ import annotations

from collections.abc import Sequence

from eingrad.errors import NotationError, Position
from eingrad.notation.tex.latex_tokens import Token
from eingrad.notation.tex.survey import Context
from eingrad.notation.tokens import MAX_DEPTH, too_deep


class Stream:
    """Tokens, and how far they are read."""

    def __init__(self, tokens: Sequence[Token], context: Context) -> None:
        self.tokens, self.context = list(tokens), context
        self.k = self.depth = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return a token to come; behind the last one of the kind END."""
        if self.k + ahead < len(self.tokens):
            return self.tokens[self.k + ahead]
        last = self.tokens[-1] if self.tokens else Token("END", "", 1, 1, 1)
        return Token("END", "the end", last.line, last.column, last.width)

    def next(self) -> Token:
        """Return the next token and go past it."""
        token = self.peek()
        self.k += 1
        return token

    def take(self, kind: str, text: str | None = None) -> Token | None:
        """Go past a token if it is of this kind."""
        token = self.peek()
        if token.kind == kind and (text is None or token.text == text):
            return self.next()
        return None

    def expect(self, kind: str, what: str) -> Token:
        """Go past a token of this kind, or raise."""
        found = self.take(kind)
        if found is None:
            raise self.error(f"{what} is missing before {self.peek().text}", f"write {what} here")
        return found

    def error(self, reason: str, hint: str, token: Token | None = None) -> NotationError:
        """Return an error at a token, the next one if none is given."""
        return self.context.lexer.error(token or self.peek(), reason, hint)

    def at(self, token: Token) -> Position:
        """Return a token's position."""
        return self.context.lexer.position(token)

    def deeper(self) -> None:
        """Count a level; raise where there are too many."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise too_deep(self.at(self.peek()))
