"""The tokens of one statement or text, read from left to right."""

from __future__ import annotations

from collections.abc import Sequence

from eingrad.errors import NotationError, Position
from eingrad.notation.tokens import MAX_DEPTH, Source, Token, too_deep, too_large

MAX_READINGS = (
    40  # how often a token is read on average, where a reader tries one thing and another
)


class Stream:
    """Tokens, and how far they are read."""

    def __init__(self, tokens: Sequence[Token], source: Source) -> None:
        self.tokens, self.source = list(tokens), source
        self.k = self.depth = self.read = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return a token to come; behind the last one of the kind END."""
        if self.k + ahead < len(self.tokens):
            return self.tokens[self.k + ahead]
        last = self.tokens[-1] if self.tokens else Token("END", "", 1, 1, 1)
        return Token("END", "the end", last.line, last.column, last.width)

    def next(self) -> Token:
        """Return the next token and go past it; raise where this happens too often."""
        token = self.peek()
        self.k += 1
        self.read += 1
        if self.read > MAX_READINGS * (len(self.tokens) + 100):
            raise too_large("the statement", None, self.read - 1, "readings", self.at(token))
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
        return NotationError(reason, position=self.at(token or self.peek()), hint=hint)

    def at(self, token: Token) -> Position:
        """Return a token's position."""
        return self.source.position(token)

    def deeper(self) -> None:
        """Count a level; raise where there are too many."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise too_deep(self.at(self.peek()))
