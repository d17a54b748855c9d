"""The grammar of formulas: signs, products by juxtaposition, comparisons, groups, arguments.

It knows of no spelling. A spelling (`parse` reads text, `tex.precedence` LaTeX) says what stands
alone and what hangs on it, what begins a factor, and what a product of its factors is; all other
rules are here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from eingrad.core.functions import AXIS_FUNCTIONS
from eingrad.errors import NotationError, Position
from eingrad.notation.lexeme import OF_LABELS, not_whole
from eingrad.notation.mistakes import (
    below_a_function,
    chain_of_unequal,
    place_takes_one_label,
    size_takes_one_label,
)
from eingrad.notation.stream import Stream
from eingrad.notation.summation import Summation, children, letters_compared
from eingrad.notation.syntax import (
    Call,
    Compare,
    Derivative,
    Formula,
    Number,
    Ordinal,
    Product,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.text import derivative_text, to_text
from eingrad.notation.tokens import MAX_DEPTH, Source, Token, too_deep


class Written(NamedTuple):
    """A factor as it stands in a product: its first token, and the sign before it, if any."""

    formula: Formula
    first: Token
    sign: Token | None = None

    @property
    def divides(self) -> bool:
        """Whether it stands behind a slash."""
        return self.sign is not None and self.sign.kind == "SLASH"


class FunctionHead(NamedTuple):
    """What stands before a function's arguments: its name, the labels and conditions below it."""

    function: str
    axes: tuple[str, ...] = ()
    conditions: tuple[Compare, ...] = ()


ALONG = {tuple("rows"), tuple("cols")}  # of a matrix without labels: softmax_rows(A)


class Grammar(Stream):
    """Reads formulas, with one method for each level of binding."""

    big_end = -1  # behind which token the last sum sign's product ends
    nested = 0  # how many parentheses and the like stand around
    kept: Sequence[str] = ()  # the labels of the left side

    def __init__(self, tokens: Sequence[Token], source: Source) -> None:
        super().__init__(tokens, source)
        self.binding: list[str] = []  # the labels of the functions around
        self.bars: list[str] = []  # the bars that are open

    # --- what a spelling says ---

    def primary(self) -> Formula:
        """Read a number, a tensor, a call or a group, and what hangs on it."""
        raise NotImplementedError

    def begins_factor(self, token: Token) -> bool:
        """Whether a token begins a factor that stands beside another one."""
        raise NotImplementedError

    def comparison(self, token: Token) -> str:
        """Return the comparison that a token is here, or nothing."""
        return token.text if token.kind == "COMPARE" else ""

    def multiplied(self, factors: Sequence[Written]) -> Formula:
        """Return the product of several factors, or what one is."""
        if len(factors) == 1:
            return factors[0].formula
        formulas, divides = (x.formula for x in factors), (x.divides for x in factors)
        return Product(tuple(formulas), tuple(divides), factors[0].formula.position)

    def needs_sum(self, term: Formula, axes: Sequence[str]) -> bool:
        """Whether a sum sign without parentheses before this term must reach over it, too."""
        raise NotImplementedError

    def misplaced(self) -> NotationError:
        """Return the error about the next token, which cannot stand where it does."""
        raise NotImplementedError

    def unclosed(self, opened: Token) -> NotationError:  # noqa: ARG002
        """Return the error about the next token, where a parenthesis should close."""
        return self.misplaced()

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
            goes_on = bool(terms) and self.k == self.big_end
            sign = self.take("SIGN")
            term = self.term() if self.peek().kind != "SIGN" else self.signed(self.term)
            minus = sign is not None and sign.text == "-"
            if goes_on and (longer := self._longer(terms[-1], term, minus)) is not None:
                terms[-1], self.big_end = longer, self.k
            else:
                terms.append(term)
                negative.append(minus)
        if len(terms) == 1 and not negative[0]:
            return terms[0]
        position = self.at(first) if first.kind == "SIGN" else terms[0].position
        return Sum(tuple(terms), tuple(negative), position)

    def term(self) -> Formula:
        """Read what stands between two signs."""
        return self.product()

    def product(self) -> Formula:
        """Read factors side by side or with signs between them; ``a / b c`` is ``(a / b) c``."""
        factors = [Written(first=self.peek(), formula=self.factor())]
        while True:
            token = self.peek()
            if token.kind in {"TIMES", "SLASH"}:
                sign, first = self.next(), self.peek()
                factors.append(Written(self.signed(self.factor), first, sign))
            elif self.begins_factor(token):
                factors.append(Written(self.factor(), token))
            else:
                return self.multiplied(factors)

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

    def _longer(self, before: Formula, term: Formula, minus: bool) -> Formula | None:
        """Return a term that ends with a sum with one more inside, if that needs the sum.

        ``\\frac{1}{m} \\sum_i a_i + (1 - b_i)`` sums both.
        """
        last = before.factors[-1] if isinstance(before, Product) else before
        if isinstance(before, Sum) or not isinstance(last, Call) or len(last.args) != 1:
            return None
        axes = (*last.axes, *letters_compared(last.conditions))
        if last.function not in {"sum", "mean"} or not self.needs_sum(term, axes):
            return None
        inner = last.args[0]
        own = inner if isinstance(inner, Sum) and len(inner.terms) > 1 else None
        terms = (*(own.terms if own else (inner,)), term)
        signs = (*(own.negative if own else (False,)), minus)
        call = replace(last, args=(Sum(terms, signs, inner.position),))
        if isinstance(before, Product):
            return replace(before, factors=(*before.factors[:-1], call))
        return call

    def conditions(self) -> list[Compare]:
        """Read ``j != i``, or ``i < j < k``, which are two comparisons, up to the end."""
        found: list[Compare] = []
        first, left = self.peek(), self.sum()
        while not found or self.peek().kind != "END":
            sign = self.peek()
            op = self.comparison(sign)
            if not op:
                raise below_a_function(self.at(sign))
            self.next()
            right = self.sum()
            found.append(Compare(op, left, right, self.at(sign)))
            left = right
        if len(found) > 1 and any(x.op == "!=" for x in found):
            raise chain_of_unequal(self.at(first))
        return found

    # --- functions ---

    def called(
        self, head: FunctionHead, token: Token, read: Callable[[], tuple[Formula, ...]]
    ) -> Formula:
        """Read a function's arguments, in which it binds labels, and return what it is of them."""
        around = len(self.binding)
        self.binding += [*head.axes, *letters_compared(head.conditions)]
        args = read()
        del self.binding[around:]
        return self.applied(head, args, token)

    def applied(self, head: FunctionHead, args: tuple[Formula, ...], token: Token) -> Formula:
        """Return a function of arguments; ``max(a, b)`` is the greater of two."""
        function, axes, conditions = head
        if function in OF_LABELS and not conditions:
            return of_label(function, args, axes, self.at(token))
        if axes in ALONG and not any(Summation().free(x) for x in args):
            axes = ("".join(axes),)
        record = AXIS_FUNCTIONS.get(function)
        if record is not None and record.pairwise and len(args) == 2 and not axes:
            function = record.pairwise
        return Call(function, args, axes, self.at(token), conditions)

    def norm_of(self, inner: Formula, axes: Sequence[str], opened: Token) -> Call:
        """Return a norm over labels, or over all that nothing around keeps: ``||y_ik - y_jk||``."""
        hidden = (x for x in Summation().free(inner) if x not in (*self.kept, *self.binding))
        return Call("norm", (inner,), tuple(axes) or tuple(hidden), self.at(opened))

    def indicated(self, condition: Formula, token: Token) -> Formula:
        """Return what is 1 where a condition holds, and 0 elsewhere."""
        return Call("where", (condition, Number(1), Number(0)), (), self.at(token))

    # --- derivatives ---

    def derivative(
        self, of: Formula, by: Sequence[Symbol | TensorAt], token: Token
    ) -> Derivative | TensorAt:
        """Return a derivative by one tensor or two; one of a derivative is of second order.

        By entries at offsets, ``dL/dy[n-k]``, it is a tensor with a name of its own.
        """
        if any(isinstance(x, TensorAt) for x in by) and isinstance(of, Symbol | TensorAt):
            return self._at_entries(of, by, token)
        wrt = (*of.wrt, *by) if isinstance(of, Derivative) else tuple(by)
        whole = tuple(x for x in wrt if isinstance(x, Symbol))
        if len(whole) < len(wrt):
            hint = "write a label, and say for which it holds behind the claim"
            raise self.error(f"a derivative of {to_text(of)} by one entry", hint, token)
        if len(whole) > 2:
            raise self.error("a derivative of third order", "derivatives go to second order", token)
        return Derivative(of.of if isinstance(of, Derivative) else of, whole, self.at(token))

    def _at_entries(
        self, of: Symbol | TensorAt, by: Sequence[Symbol | TensorAt], token: Token
    ) -> TensorAt:
        for part in by:
            if isinstance(part, TensorAt) and part.indices:
                raise self.not_whole(part, token)
        if len(by) > 2:
            raise self.error("a derivative of third order", "derivatives go to second order", token)
        entries = [x.entries for x in (of, *by)]
        name = derivative_text(of.name, [x.name for x in by])
        counts = tuple(map(len, entries))
        return TensorAt(name, tuple(e for own in entries for e in own), self.at(token), counts)

    def not_whole(self, tensor: TensorAt, token: Token) -> NotationError:
        """Return the error about a part of a tensor where a whole one must stand."""
        return not_whole(tensor, to_text(tensor), self.at(token))

    # --- what encloses formulas ---

    def inside(self) -> Formula:
        """Read a formula that something encloses; bars around that are no bars inside."""
        bars, self.bars = self.bars, []
        self.nested += 1
        formula = self.formula()
        self.nested -= 1
        self.bars = bars
        return formula

    def group(self) -> Formula:
        """Read what stands in parentheses."""
        opened = self.next()
        formula = self.inside()
        self.close(opened)
        return formula

    def arguments(self) -> tuple[Formula, ...]:
        """Read what stands in parentheses with commas between."""
        opened = self.next()
        args: list[Formula] = []
        bars, self.bars = self.bars, []
        self.nested += 1
        while not self.take("CLOSE"):
            if args and not self.take("COMMA"):
                raise self.unclosed(opened)
            args.append(self.formula())
        self.nested -= 1
        self.bars = bars
        return tuple(args)

    def close(self, opened: Token) -> None:
        """Go past a closing parenthesis, or raise."""
        if not self.take("CLOSE"):
            raise self.unclosed(opened)


def of_label(
    function: str, args: Sequence[Formula], axes: Sequence[str], position: Position
) -> SizeOf | Ordinal:
    """Return ``size(b)``, or ``size_b(X_bi)``, the extent of a label that a tensor has, or
    ``place(b)``, where a label stands on its axis, counted from 0."""
    if len(args) == 1 and isinstance(only := args[0], Symbol):
        if not axes and not only.labels:
            kind = SizeOf if function == "size" else Ordinal
            return kind(only.name, position=position)
        if function == "size" and len(axes) == 1 and axes[0] in only.labels:
            return SizeOf(axes[0], only, position)
    raise size_takes_one_label(position) if function == "size" else place_takes_one_label(position)


def shallow(formula: Formula) -> Formula:
    """Return a formula that later stages can bear; raise for one that nests too deep."""
    level, depth = [formula], 1
    while level := [part for here in level for part in children(here)]:
        depth += 1
        if depth > MAX_DEPTH:
            raise too_deep(formula.position)
    return formula
