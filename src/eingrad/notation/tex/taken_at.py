r"""Points at which a claim takes formulas: ``f'(2)``, ``\nabla f(x_0)``, ``\right|_{x=2}``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eingrad.errors import NotationError
from eingrad.notation.summation import walk
from eingrad.notation.syntax import (
    EVALUATED,
    FACTOR,
    Call,
    Derivative,
    Formula,
    Power,
    Product,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.tex.arguments import ArgumentReader
from eingrad.notation.tex.tidy import group_end
from eingrad.notation.tokens import Token

POINT = "POINT"  # the kind of the sign before what is said about a point
_PLAIN = r"write the point as \left. ... \right|_{x=2}"


def with_points(tokens: Sequence[Token]) -> list[Token]:
    r"""Read the bar and sign of ``|_{x = ...}``, and the sign behind a bracket, as one.

    That of ``(x_i)_{i=1}^n`` says which i there are.
    """
    result = list(tokens)
    for k in range(len(tokens) - 3, 0, -1):
        if (tokens[k].kind, tokens[k + 1].kind) == ("SUB", "LBRACE") and (
            tokens[k - 1].kind in {"BAR", "CLOSE"}
        ):
            end = group_end(tokens, k + 1)
            told = any(t.kind == "EQUAL" for t in tokens[k + 2 : end])
            if told and [t.kind for t in tokens[end + 1 : end + 2]] != ["SUP"]:
                first = k - (tokens[k - 1].kind == "BAR")
                result[first : k + 1] = [replace(tokens[k], kind=POINT)]
    return result


class PointReader(ArgumentReader):
    """Reads what is taken at a point."""

    def taken_at(
        self, of: Formula, by: Sequence[Formula], values: Sequence[Formula], token: Token
    ) -> Formula:
        """Return a formula with values for some tensors, put in when its derivatives are taken."""
        if len(by) != len(values):
            raise self.error(f"{len(values)} values for {len(by)} variables", _PLAIN, token)
        pairs = (x for pair in zip(by, values, strict=True) for x in pair)
        return Call(EVALUATED, (of, *pairs), (), self.at(token))

    def term(self) -> Formula:
        """Read a product, and the bar behind it that says at which point it is taken."""
        start, formula = self.k, self.product()
        while self.begins_point():
            token = self.peek()
            if isinstance(formula, Product) and not self._is_whole(start, formula):
                hint = r"write \left. ... \right|_{x=2} around what is taken there"
                raise self.error("what a bar takes at a point is not clear", hint)
            if token.kind == POINT:
                formula = self.at_point(formula)
                continue
            self.next()
            before, formula = formula, self.go_past_bare_point(formula)
            if formula is before:
                raise self.error(
                    "a bar behind a formula, which takes it at one point", _PLAIN, token
                )
        return formula

    def _is_whole(self, start: int, product: Product) -> bool:
        """Whether a bar takes all of a product at a point: a side, or numbers before one factor."""
        before = (x for factor in product.factors[:-1] for x in walk(factor))
        numbers = not any(isinstance(x, Symbol | TensorAt | Call | Derivative) for x in before)
        after = group_end(self.tokens, self.k + 1 + (self.peek().kind != POINT)) + 1
        return numbers or (not start and self.peek(after - self.k).kind == "END")

    def begins_point(self) -> bool:
        r"""Whether the bar of ``|_{x=2}`` or ``|_{2}`` comes next, behind what it is of."""
        token = self.peek()
        bar = token.kind == "BAR" and self.peek(1).kind == "SUB" and not self.closes_bars(token)
        return token.kind == POINT or bar

    def closes_bars(self, token: Token) -> bool:
        """Whether a bar is the partner of one before; see `Parser`."""
        raise NotImplementedError

    def at_point(self, of: Formula) -> Formula:
        r"""Read ``_{x=2, y=3}``, ``_{(x,y)=(2,3)}`` behind a formula."""
        token = self.next()
        self.expect("LBRACE", "an opening brace")
        by: list[Formula] = []
        values: list[Formula] = []
        while not self.take("RBRACE"):
            if by and not (self.take("COMMA") or self.take("DOT")):
                raise self.error("something else than x = 2 behind a bar", _PLAIN, token)
            if (self.peek().kind, self.peek().text) == ("OPEN", "("):
                names: tuple[Formula, ...] = self.list_of_tensors()
                self.expect("EQUAL", "=")
                given = self.arguments() if self.peek().text == "(" else ()
            else:
                names = (self.plain_tensor()[0],)
                self.expect("EQUAL", "=")
                given = (self.sum(),)
            if not names or len(names) != len(given):
                raise self.error("something else than x = 2 behind a bar", _PLAIN, token)
            by += names
            values += given
        return self.taken_at(of, by, values, token)

    def go_past_bare_point(self, of: Formula) -> Formula:
        r"""Read the ``_{2}``, ``_{x_0}`` or ``_{(2, 3)}`` behind the bar of a derivative.

        Go past anything else: a tensor of the model says what it is by, or what is held fixed.
        """
        token, start = self.peek(), self.k + 1
        if not self.take("SUB"):
            return of
        inside = self.tokens[start : group_end(self.tokens, start) + 1]
        if any(t.kind in {"EQUAL", "COMPARE"} for t in inside):
            hint = "write what it is there; a claim about the model may speak of one point"
            raise self.error("a formula at one point", hint, token)
        braces = self.take("LBRACE")
        try:
            opens = (self.peek().kind, self.peek().text) == ("OPEN", "(")
            values = self.arguments() if opens else (self.sum(),)
        except NotationError:
            values = ()
        by = self.variables(of)
        if (not braces or self.take("RBRACE")) and self.are_values(values):
            return self.taken_at(of, by, values, token)
        self.k = start
        if braces:
            self.k = group_end(self.tokens, start) + 1
        else:
            self.entry()
        return of

    def variables(self, of: Formula) -> list[Symbol]:
        """Return what a derivative depends on, as its tensor is written, or is by."""
        if not isinstance(of, Derivative) or not isinstance(of.of, Symbol):
            return []
        known = self.context.applied.get(of.of.name)
        own = [Symbol(x.name) for x in known.arguments] if known is not None else []
        by = list(dict.fromkeys(Symbol(x.name) for x in of.wrt))
        return own or (by if len(by) == 1 else [])

    def are_values(self, values: Sequence[Formula]) -> bool:
        """Whether formulas are numbers, or names that no tensor of the model has."""

        def own(value: Formula) -> bool:
            match value:
                case Symbol(name=name):
                    return name not in self.context.tensors and name not in self.context.functions
                case Sum(terms=(inner,)):
                    return own(inner)
            return not any(isinstance(x, Symbol | TensorAt | Call) for x in walk(value))

        return self.context.closed and bool(values) and all(map(own, values))

    def with_argument(self, formula: Formula) -> Formula:
        r"""Go past the ``(x)`` of ``\frac{df}{dx}(x)``; read another point, ``(2)``.

        Anything else in parentheses is a factor: ``\frac{dL}{dz}(a - b)``.
        """
        opened, derivative = self.peek(), formula.base if isinstance(formula, Power) else formula
        if (opened.kind, opened.text) != ("OPEN", "(") or self.peek(-1).kind == "CLOSE":
            return formula
        if not isinstance(derivative, Derivative) or not isinstance(derivative.of, Symbol):
            return formula
        if self.peek(self.past_parentheses()).kind == "SUP":
            return formula
        known = self.context.applied.get(derivative.of.name)
        own = [x.name for x in known.arguments] if known is not None else []
        ahead = self.arguments_ahead()
        given = [x.name for x in ahead]
        if (known is not None and self.are_own(ahead, known.arguments)) or (
            given and given in ([derivative.wrt[0].name], own)
        ):
            self.k += self.past_parentheses()
            return formula
        if (given and own and not opened.spaced) or self._are_numbers_ahead(bool(own)):
            values, by = self.arguments(), self.variables(formula)
            if own and self.are_values(values) and len(by) == len(values):
                point = self.taken_at(formula, by, values, opened)
                return replace(point, axes=(FACTOR,)) if isinstance(point, Call) else point
            hint = r"write \left. ... \right|_{x=2}, or a factor before the derivative"
            raise self.error("a derivative at one point", hint, opened)
        return formula

    def past_parentheses(self) -> int:
        """Return how many tokens the parentheses ahead and what stands in them are."""
        depth = k = 0
        while self.peek(k).kind != "END":
            depth += (self.peek(k).kind == "OPEN") - (self.peek(k).kind == "CLOSE")
            k += 1
            if not depth:
                break
        return k

    def _are_numbers_ahead(self, own: bool) -> bool:
        """Whether a lone number stands in the parentheses ahead; with a sign, or several, only
        behind the derivative of what is written with its ``own`` arguments."""
        kinds = {self.peek(k).kind for k in range(1, self.past_parentheses() - 1)}
        return kinds == {"NUMBER"} or (own and "NUMBER" in kinds <= {"NUMBER", "SIGN", "COMMA"})
