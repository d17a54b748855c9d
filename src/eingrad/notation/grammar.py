"""The grammar of formulas: signs, products by juxtaposition, powers, comparisons, arguments.

It knows of no spelling. A spelling (`parse` reads text, `tex.precedence` LaTeX) says what an atom
is, what hangs on one, and what may begin a factor; all other rules are here.
"""

from __future__ import annotations

from collections.abc import Callable

from eingrad.errors import NotationError
from eingrad.notation.stream import Stream
from eingrad.notation.summation import children
from eingrad.notation.syntax import Compare, Formula, Product, Sum
from eingrad.notation.tokens import MAX_DEPTH, Token, too_deep


class Grammar(Stream):
    """Reads formulas, with one method for each level of binding."""

    # --- what a spelling says ---

    def primary(self) -> Formula:
        """Read a number, a tensor, a call or a group, and what hangs on it."""
        raise NotImplementedError

    def begins_factor(self, token: Token) -> bool:
        """Whether a token begins a factor that stands beside another one."""
        raise NotImplementedError

    def comparison(self, token: Token) -> str:
        """Return the comparison that a token is where a formula stands in something, or ""."""
        raise NotImplementedError

    def misplaced(self) -> NotationError:
        """Return the error about the next token, which cannot stand where it does."""
        raise NotImplementedError

    # --- levels of binding, from loose to tight ---

    def formula(self) -> Formula:
        """Read a sum, or a comparison of two."""
        left = self.sum()
        op = self.comparison(self.peek())
        if not op:
            return left
        self.next()
        return Compare(op, left, self.sum(), left.position)

    def sum(self) -> Formula:
        """Read terms with signs between them; ``a - -b`` subtracts the term ``-b``."""
        first = self.peek()
        terms: list[Formula] = []
        negative: list[bool] = []
        while not terms or self.peek().kind == "SIGN":
            sign = self.take("SIGN")
            terms.append(self.signed(self.product))
            negative.append(sign is not None and sign.text == "-")
        if len(terms) == 1 and not negative[0]:
            return terms[0]
        position = self.at(first) if first.kind == "SIGN" else terms[0].position
        return Sum(tuple(terms), tuple(negative), position)

    def product(self) -> Formula:
        """Read factors side by side or with signs between them; ``a / b c`` is ``(a / b) c``."""
        factors, divides = [self.factor()], [False]
        while True:
            token = self.peek()
            if token.kind in {"TIMES", "SLASH"}:
                self.next()
                factors.append(self.signed(self.factor))
            elif self.begins_factor(token):
                factors.append(self.factor())
            else:
                break
            divides.append(token.kind == "SLASH")
        if len(factors) == 1:
            return factors[0]
        return Product(tuple(factors), tuple(divides), factors[0].position)

    def factor(self) -> Formula:
        """Read what stands alone between two signs."""
        self.deeper()
        formula = self.primary()
        self.depth -= 1
        return formula

    def signed(self, read: Callable[[], Formula]) -> Formula:
        """Read signs and what they stand before; a plus sign says nothing."""
        sign = self.take("SIGN")
        if sign is None:
            return read()
        self.deeper()
        formula = self.signed(read)
        self.depth -= 1
        return formula if sign.text == "+" else Sum((formula,), (True,), self.at(sign))


def shallow(formula: Formula) -> Formula:
    """Return a formula that later stages can bear; raise for one that nests too deep."""
    level, depth = [formula], 1
    while level := [part for here in level for part in children(here)]:
        depth += 1
        if depth > MAX_DEPTH:
            raise too_deep(formula.position)
    return formula
