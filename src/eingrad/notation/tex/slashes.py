r"""How far a slash divides: ``E/kT`` by both letters, ``1/2 x`` by 2; ``a/b c`` is open."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eingrad.notation.grammar import Written
from eingrad.notation.syntax import Call, Formula, Number, Power, Product, SizeOf, Symbol, TensorAt
from eingrad.notation.tensors import PI
from eingrad.notation.tex.bare_arguments import BareArgumentReader
from eingrad.notation.text import to_text

_THOUSANDS = re.compile(r"[0-9]{3}(\.[0-9]+)?")
HINT = r"write \frac{a}{b c} or \frac{a}{b} c"


class SlashReader(BareArgumentReader):
    """Reads what stands behind a slash."""

    def with_divisors(self, factors: Sequence[Written]) -> list[Written]:
        """Return factors in which letters behind a slash without a space are one divisor.

        Raises NotationError where it is open whether a factor divides or multiplies.
        """
        result: list[Written] = []
        k = 0
        while k < len(factors):
            one = factors[k]
            grouped = k > 0 and _THOUSANDS.fullmatch(one.first.text)
            if grouped and factors[k - 1].first.text.isdigit() and not one.sign:
                hint = r"write a number without spaces, or 2 \cdot 3"
                raise self.error("two numbers side by side", hint, one.first)
            end = k + 1
            if one.divides:
                end = self.end_of_form(factors, k)
            if one.divides and end == k + 1 and self._is_divisor(one.formula):
                while end < len(factors) and self._divides_too(factors, end, k):
                    end += 1
            if end > k + 1:
                parts = tuple(x.formula for x in factors[k:end])
                product = Product(parts, (False,) * len(parts), parts[0].position)
                self.context.survey.notes.setdefault(f"the slash divides by {to_text(product)}")
                one = one._replace(formula=product)
            result.append(one)
            k = end
        return result

    def end_of_form(self, factors: Sequence[Written], k: int) -> int:
        """Return where a number ends that vectors make; see `CallReader`."""
        raise NotImplementedError

    def _is_divisor(self, formula: Formula) -> bool:
        """Whether what follows a slash may be the first factor of what it divides by."""
        root = isinstance(formula, Call) and formula.function == "sqrt"
        return root or isinstance(formula, Number | SizeOf) or self._is_letter(formula)

    def _is_letter(self, formula: Formula) -> bool:
        base = formula.base if isinstance(formula, Power) else formula
        return isinstance(base, SizeOf) or base == PI or self._is_scalar(base)

    def _divides_too(self, factors: Sequence[Written], k: int, slash: int) -> bool:
        """Whether a factor belongs to the divisor that begins at ``slash``; raise if it is open."""
        divisor, after, before = factors[slash].formula, factors[k], factors[slash - 1].formula
        if after.sign is not None:
            return False
        if isinstance(divisor, Number):
            base = after.formula.base if isinstance(after.formula, Power) else after.formula
            named = isinstance(base, Symbol | TensorAt)
            is_open = base == PI if isinstance(before, Number) else named
        else:
            letter = self._is_letter(after.formula)
            if letter and not after.first.spaced and not isinstance(divisor, Call):
                return True
            is_open = letter and not isinstance(divisor, SizeOf)  # 1/n x is a mean
        if is_open and (self.context.final or self.context.closed):
            first = to_text(after.formula)
            reason = f"whether / {to_text(divisor)} {first} divides by {first} is open"
            raise self.error(reason, HINT, after.first)
        return False
