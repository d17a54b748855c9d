r"""How far a function without parentheses reaches: ``\sin\omega t``, ``\log 2\pi\sigma^2``."""

from __future__ import annotations

from collections.abc import Sequence

from eingrad.errors import NotationError
from eingrad.notation.grammar import Written
from eingrad.notation.summation import Summation
from eingrad.notation.syntax import (
    DIFFERENTIAL,
    TRANSPOSED,
    Call,
    Derivative,
    Formula,
    Power,
    Symbol,
)
from eingrad.notation.tensors import PI, is_number
from eingrad.notation.tex import names
from eingrad.notation.tex.sums import SumReader
from eingrad.notation.text import to_text
from eingrad.notation.tokens import Token

WAVES = frozenset({"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp"})  # of whole products
BESIDE = frozenset({r"\partial", r"\nabla", r"\dot", r"\ddot"})  # begin what no argument has
SPACES = (r"\,", r"\;", r"\:", r"\ ")


class BareArgumentReader(SumReader):
    """Reads the factors side by side that are a function's argument, as typesetters do."""

    def bare_argument(self, function: str) -> Formula:
        r"""Read ``2\pi f t`` behind ``\cos``; refuse what is read in two ways, ``\log x y``."""
        first = self.peek()
        run = [Written(self.factor(), first)]
        if first.kind == "LBRACE" and not is_number(run[0].formula):
            return run[0].formula
        while self._goes_on(function, run):
            after = self.peek()
            run.append(Written(self.factor(), after))
        if len(run) == 1:
            return run[0].formula
        numbers, rest = _parted([x.formula for x in run])
        formula = self.multiplied(run)
        slash = self.peek().kind == "SLASH" and bool(rest)
        if slash or not self._is_clear(function, numbers, rest):
            raise self._two_readings(function, run[1].first)
        if len(rest) > 1 and all(map(self._is_scalar, rest)):
            self.context.survey.notes.setdefault(f"{function} goes over {to_text(formula)}")
        return formula

    def _goes_on(self, function: str, run: Sequence[Written]) -> bool:
        """Whether the next factor belongs to the argument, too; raise where that is open."""
        after = self.peek()
        if after.kind in {"TIMES", "SLASH"} or not self.begins_factor(after):
            return False
        formulas = [x.formula for x in run]
        number = all(map(is_number, formulas))
        if self._stands_beside(after):
            if number and any(x != PI for x in formulas):
                raise self._two_readings(function, after)
            return False
        if after.kind == "OPEN" and not number:
            if function in WAVES and all(map(self._is_scalar, formulas)) and not after.spaced:
                raise self._two_readings(function, after)  # \sin k(x - c t), \cos\theta(a + b)
            return False
        if after.kind == "BAR" or (after.kind == "OPEN" and function not in WAVES):
            raise self._two_readings(function, after)
        if self._spaced_by_command(after):
            raise self._two_readings(function, after)
        return True

    def _stands_beside(self, after: Token) -> bool:
        """Whether a function, a sum or a derivative comes next, which ends an argument."""
        text = after.text
        if text in BESIDE or names.big(text) or names.function_command(text):
            return True
        if text in {r"\dot", r"\ddot"}:  # \cos\theta\,\dot\theta
            return True
        if text == r"\sqrt" or after.kind in {"OPEN", "BAR", "LBRACE", "NUMBER"}:
            return False
        if self.begins_ones():
            return True
        start = self.k
        formula = self.factor()
        self.k = start
        base = formula.base if isinstance(formula, Power) else formula
        name = base.name if isinstance(base, Symbol) else ""
        differential = name[:1] == DIFFERENTIAL and {name, name[1:]} <= {*self.context.tensors}
        return isinstance(base, Call | Derivative) or (differential and self.context.closed)

    def _spaced_by_command(self, after: Token) -> bool:
        r"""Whether ``\,`` stands before a token."""
        line = self.context.lexer.source.text.split("\n")[after.line - 1]
        return line[: after.column - 1].rstrip().endswith(SPACES)

    def _is_clear(self, function: str, numbers: Sequence[Formula], rest: Sequence[Formula]) -> bool:
        """Whether all factors are an argument for sure: numbers, and what they multiply."""
        context = self.context
        first_reading = context.labels is not None and not (context.final or context.closed)
        if first_reading or (numbers and len(rest) < 2):
            return True
        head, *middle, _ = rest
        if all(_is_capital(x) for x in middle) and (
            (isinstance(head, Power) and head.exponent == TRANSPOSED)
            or (not middle and isinstance(head, Symbol) and self.is_of_matrix(head))
        ):
            return True
        return (bool(numbers) or function in WAVES) and all(map(self._is_scalar, rest))

    def _is_scalar(self, formula: Formula) -> bool:
        """Whether a formula is a letter, perhaps with a power, and no tensor for all we know."""
        base = formula.base if isinstance(formula, Power) else formula
        if not isinstance(base, Symbol) or self.has_bold(base):
            return False
        declared = base.name in self.context.vectors | self.context.matrices
        return not (declared or Summation().free(base) or self.context.rank(base.name))

    def is_of_matrix(self, formula: Formula) -> bool:
        """Whether a formula is a matrix; see `CallReader`."""
        raise NotImplementedError

    def _two_readings(self, function: str, token: Token) -> NotationError:
        reason = f"whether {function} without parentheses goes over this factor, too, is open"
        hint = rf"write \{function}(x y), or y \{function}(x)"
        return self.error(reason, hint, token)


def _parted(factors: Sequence[Formula]) -> tuple[list[Formula], list[Formula]]:
    """Return the numbers before the other factors, none where pi alone stands there."""
    count = next((k for k, x in enumerate(factors) if not is_number(x)), len(factors))
    if all(x == PI for x in factors[:count]):
        count = 0
    return [*factors[:count]], [*factors[count:]]


def _is_capital(formula: Formula) -> bool:
    base = formula.base if isinstance(formula, Power) else formula
    return isinstance(base, Symbol) and base.name[:1].isupper()
