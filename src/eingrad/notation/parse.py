"""Text to statements: a spelling of `grammar`. Nothing here gives a formula a meaning."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from eingrad.core.later import Later
from eingrad.errors import NotationError, Position
from eingrad.notation import tries
from eingrad.notation.grammar import FunctionHead, Grammar, Written, shallow
from eingrad.notation.lexeme import (
    plain_name,
    read_call,
    read_differentials,
    read_edge,
    read_number,
    read_tensor,
)
from eingrad.notation.mistakes import no_bound, no_sum_sign
from eingrad.notation.moves import with_edges
from eingrad.notation.places import with_places
from eingrad.notation.summation import Summation, labels_of
from eingrad.notation.syntax import (
    NO_COUNTING,
    ODOT,
    OSLASH,
    OTIMES,
    Assignment,
    Assumption,
    Call,
    Claim,
    Counting,
    Declaration,
    Dependence,
    Derivative,
    Equation,
    Formula,
    Power,
    Product,
    Shaped,
    Statement,
    Symbol,
    TensorAt,
)
from eingrad.notation.tex.names import is_latex
from eingrad.notation.tokens import OPERANDS, Source, Token, arrange, split_below
from eingrad.notation.unexpected import unexpected

if TYPE_CHECKING:
    from eingrad.notation.tex import read as latex_text
else:
    latex_text = Later("eingrad.notation.tex.read")

_SUM_SIGN = re.compile(r"[ΣΠ]_(?:[^\W\d_]|\{[^{},]*\})")  # the letters, before a term
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
    counting: Counting = NO_COUNTING,
) -> tuple[Claim, ...]:
    """Read what a text claims, one equation a line; in LaTeX a chain is several equations.

    ``latex`` says whether it is LaTeX; None leaves that to its commands (see `is_latex`).
    ``applied`` are the arguments with which the model writes tensors, ``counting`` says how
    it counts.

    >>> len(parse_claims(r"y_i = \\frac{x_i}{2} = \\frac{1}{2} x_i"))
    2
    """
    if is_latex(text) if latex is None else latex:
        return latex_text.read_claims(text, names, applied, counting)
    if isinstance(text, str) and "\n" in text.strip():
        read = _parse(text, "claims", names)
        found = [s for s in read if isinstance(s, Assignment | Equation)]
        if len(found) > 1:
            return tuple(found)
    return (_parse(text, "one_claim", names),)


def _parse(text: str, start: str, names: Collection[str]) -> Any:
    source = Source(text)
    try:
        several = start in {"statements", "claims"}
        reader = TextReader(arrange(source, names, several), source)
        result = getattr(reader, start)()
        if reader.k < len(reader.tokens):
            raise reader.misplaced()
    except NotationError as error:
        raise tries.better(error) from None
    return result


SIGNS = {"*": "·", ODOT: ODOT, OSLASH: OSLASH, OTIMES: OTIMES}


class TextReader(Grammar):
    """Reads the notation: what its words, calls and statements are."""

    claiming = False  # whether left sides are what is claimed: ``y[0]`` is then an entry

    # --- statements ---

    def statements(self) -> tuple[Statement, ...]:
        """Read statements up to the end of the text, each up to the end of its line."""
        return tuple(s for s in self.lines() if not isinstance(s, Equation))

    def lines(self) -> tuple[Statement | Equation, ...]:
        """Read statements, or equations that are claimed."""
        found: list[Statement | Equation] = []
        while self.k < len(self.tokens):
            found.append(self.statement())
            while (
                self.peek().kind == "COMPARE"
                and isinstance(last := found[-1], Assumption)
                and last.sign != "="
            ):
                found.append(self.bound(last.right, last.position))  # 0 < a < 1
            self.needs("NEWLINE")
        return with_edges(found)

    def claims(self) -> tuple[Statement | Equation, ...]:
        """Read what a text of several lines claims."""
        self.claiming = True
        return self.lines()

    def one_claim(self) -> Claim:
        """Read what one line claims."""
        self.claiming = True
        return self.claim()

    def statement(self) -> Statement | Equation:
        """Read an assignment, a fact or a declaration."""
        keyword = self.peek()
        if shaped := self.shapes():
            return shaped
        if self.take("ASSUME"):
            return self.assumption(keyword)
        if self.take("FUNCTION"):
            word = self.take("CALL") or self.needs("WORD")
            name = plain_name(word.text, self.source.place(word))
            arguments = self.arguments() if word.kind == "CALL" else (word,)
            return Declaration(name, self.at(keyword), count=len(arguments))
        return self.claim()

    def shapes(self) -> Shaped | None:
        """Read ``X, Y in R^{m x d}``, None if this is something else."""
        start, names = self.k, list[Token]()
        while (word := self.take("WORD")) is not None:
            names.append(word)
            if not self.take("COMMA"):
                break
        space = self.take("SHAPE")
        if space is None or not names:
            self.k = start
            return None
        extents = space.text.partition("^")[2].strip("{}").replace("×", " x ").replace(",", " x ")
        axes = [x for x in extents.split() if x != "x"]
        if len(axes) > 2 or not all(x.isalnum() for x in axes):
            hint = "write for instance X in R^{m x d}, w in R^d or c in R"
            raise NotationError("a shape has two axes", position=self.at(space), hint=hint)
        plain = tuple(plain_name(w.text, self.source.place(w)) for w in names)
        return Shaped(plain, tuple(int(x) if x.isdigit() else x for x in axes), self.at(names[0]))

    def claim(self) -> Claim:
        """Read ``target = value``; a claim about some entries, ``y[0] = ...``, is an equation."""
        token = self.needs("WORD", "DERIVATIVE")
        place = self.source.place(token)
        outside = not self.claiming or "<" in token.text or ">" in token.text
        edge = read_edge(token.text, place) if outside and token.kind == "WORD" else None
        target = edge.target if edge is not None else self.tensor(token)
        self.needs("EQUAL")
        self.kept = () if isinstance(target, TensorAt) else labels_of(target)
        value = self.side()
        self.kept = ()
        if isinstance(target, TensorAt):
            if self.claiming:
                return with_places(Equation(target, value, target.position))
            raise self.not_whole(target, token)
        placed = with_places(Assignment(target, value, target.position))
        return placed if edge is None else edge.of(placed)

    def assumption(self, keyword: Token) -> Assumption:
        """Read what stands behind ``assume``: an equation, or a bound."""
        return self.bound(self.side(), self.at(keyword))

    def bound(self, left: Formula, place: Position | None) -> Assumption:
        """Read a sign and what stands behind it."""
        sign, right = self.needs("EQUAL", "COMPARE"), self.side()
        if sign.text in {"==", "!="}:
            raise no_bound(sign.text, self.at(sign))
        return with_places(Assumption(left, right, place, sign.text))

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
        """Whether a token is no sign; a norm's second bar ends what stands in it."""
        return token.kind in OPERANDS or (token.kind == "NORM" and not self.bars)

    def primary(self) -> Formula:
        """Read an atom and its power: ``a^b^c`` is ``a^(b^c)``, and ``-a^2`` is ``-(a^2)``."""
        readers = {
            "OPEN": self.group, "CALL": self.call, "NORM": self.norm, "INDICATOR": self.indicator,
        }  # fmt: skip
        base = readers.get(self.peek().kind, self.word)()
        if self.take("SUP") is None:
            return base
        if self.take("TIMES", ODOT):
            return Call("pow", (base, self.signed(self.factor)), (), base.position)
        return Power(base, self.signed(self.factor), base.position)

    def multiplied(self, factors: Sequence[Written]) -> Formula:
        """Return a product, with its signs where they say something."""
        product = super().multiplied(factors)
        signs = tuple(SIGNS.get(x.sign.text, "") if x.sign else "" for x in factors)
        if not isinstance(product, Product) or not any(signs) or Summation().free(product):
            return product
        return replace(product, signs=signs)

    def group(self) -> Formula:
        """Read what stands in parentheses; ``[y - t]_b`` is an entry of a vector."""
        opened = self.next()
        formula = self.inside()
        closed = self.peek()
        self.close(opened)
        if opened.text == "(" and closed.text == ")":
            return formula
        labels = closed.text.removeprefix("]").strip("_{}")
        if opened.text != "[" or not labels:
            raise self.source.unknown_character(opened.line, opened.column)
        return Call("entry", (formula,), tuple(labels), self.at(opened))

    def norm(self) -> Formula:
        """Read ``||x||``, ``||A||_F``."""
        opened = self.next()
        self.bars.append(opened.text)
        formula = self.sum()
        self.needs("NORM")
        self.bars.pop()
        return self.norm_of(formula, (), opened)

    def indicator(self) -> Formula:
        """Read ``1[x > 0]``."""
        opened = self.next()
        condition = self.inside()
        self.close(opened)
        return self.indicated(condition, opened)

    def word(self) -> Formula:
        """Read a number, a tensor or a derivative."""
        token = self.needs(*OPERANDS)
        place = self.source.place(token)
        if token.kind == "NUMBER":
            return read_number(token.text, place)
        if _SUM_SIGN.fullmatch(token.text) and self.begins_factor(self.peek()):
            raise no_sum_sign(token.text, place.at())
        return self.tensor(token)

    def tensor(self, token: Token) -> Symbol | TensorAt | Derivative:
        """Read a tensor, or a derivative of one."""
        place = self.source.place(token)
        if token.kind == "WORD":
            return read_tensor(token.text, place)
        return self.derivative(*read_differentials(token.text, place), token)

    def call(self) -> Formula:
        """Read a function with its axes and arguments."""
        head = self.next()
        place = self.source.place(head)
        below = split_below(head)
        function, axes = read_call(below.head, place)
        pieces = (TextReader(piece, self.source) for piece in below.conditions)
        conditions = tuple(c for reader in pieces for c in reader.conditions())
        return self.called(FunctionHead(function, axes, conditions), head, self.arguments)
