r"""One statement in LaTeX to a formula, with one function for each level of binding.

The scope of ``\sum`` is the product that follows. A name before a parenthesis is a function if
the text declares it, if it is a known one, or if it is a word with no space behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from eingrad.errors import NotationError
from eingrad.notation.grammar import Written
from eingrad.notation.lexeme import Entry, read_number
from eingrad.notation.matrix.typed import MINUS_ONE
from eingrad.notation.summation import Summation, walk
from eingrad.notation.syntax import (
    ANY_FUNCTION,
    AT_POINT,
    DIFFERENTIAL,
    DOT,
    ODOT,
    OSLASH,
    OTIMES,
    SLICE,
    TRANSPOSED,
    Call,
    Derivative,
    Formula,
    Number,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.tex import names
from eingrad.notation.tex.calls import BARS, CallReader
from eingrad.notation.tex.scripts import TWO, Scripts
from eingrad.notation.tex.survey import Context, name_at
from eingrad.notation.tex.taken_at import POINT
from eingrad.notation.tex.tidy import partner
from eingrad.notation.text import to_text
from eingrad.notation.tokens import Token

STOPS = frozenset({
    "SIGN", "EQUAL", "COMPARE", "COMMA", "CLOSE", "RBRACE", "ENDCASES", "ROW", "AMP", "DOT", "END",
    "COLON", "QUAD", POINT,
})  # fmt: skip
MATRIX_SIGNS = {
    r"\cdot": DOT,
    r"\odot": ODOT,
    r"\circ": ODOT,
    r"\oslash": OSLASH,
    r"\otimes": OTIMES,
}
STAR = (
    "a star between arrays is a convolution, or goes entry by entry",
    r"write \mathbf{A} \mathbf{B} for the product of matrices, \odot for the one entry by entry, "
    "or a convolution with labels: y_i = w_k x[i+k]",
)
OF_VECTORS = {
    r"\times": (
        r"\times between vectors is their cross product",
        r"write \mathbf{A} \mathbf{B} for a product of matrices, or the cross product with labels, "
        r"c_i = \epsilon_{ijk} a_j b_k, \epsilon an input",
    ),
    "*": STAR,
    r"\ast": STAR,
}


class Parser(CallReader):
    """Reads one statement's tokens."""

    def __init__(self, tokens: Sequence[Token], context: Context) -> None:
        super().__init__(tokens, context)
        self.divisors = 0

    def whole(self) -> Formula:
        """Read all tokens as one formula."""
        formula = self.formula()
        if self.peek().kind != "END":
            raise self.misplaced()
        return formula

    # --- levels of binding ---

    def comparison(self, token: Token) -> str:
        """Return the comparison that a token is; inside something an equals sign is one, too."""
        equal = token.text == "=" and self.nested
        return "==" if equal else super().comparison(token)

    def begins_factor(self, token: Token) -> bool:
        """Whether a token is no sign and closes nothing; in cases a word such as ``if`` does."""
        if token.kind in STOPS or self.closes_bars(token) or self.begins_point():
            return False
        return not (self.in_cases and self.word_ahead())

    def needs_sum(self, term: Formula, axes: Sequence[str]) -> bool:
        """Whether a term has a label of a sum sign that nothing else binds."""
        kept = (*self.kept, *self.binding)
        needed = [x for x in axes if x not in kept and _needs(term, x)]
        if needed:
            text = f"the sum over {', '.join(needed)} goes on to the terms that have this label"
            self.context.survey.notes.setdefault(text)
        return bool(needed)

    def misplaced(self) -> NotationError:
        """Return the error about the next token."""
        reason = f"{self.peek().text} cannot stand here"
        return self.error(reason, "the formula is complete before it")

    def unclosed(self, opened: Token) -> NotationError:
        """Return the error about a parenthesis that is not closed."""
        if opened.text == "[" and self.peek().kind in {"COMMA", "DOT", "MID"}:
            reason = "vectors one below the other, [h, x], have no name"
            hint = r"write W [h, x] as two products with the blocks of W: W_h h_{t-1} + W_x x_t"
            return self.error(reason, hint, opened)
        reason = f"the parenthesis {opened.text} is not closed"
        return self.error(reason, "write its partner", opened)

    def arguments(self) -> tuple[Formula, ...]:
        """Read what stands in parentheses with commas between."""
        self.deeper()
        args = super().arguments()
        self.depth -= 1
        return args

    def inside(self) -> Formula:
        """Read a formula that something encloses."""
        self.deeper()
        formula = super().inside()
        self.depth -= 1
        return formula

    def multiplied(self, factors: Sequence[Written]) -> Formula:
        r"""Return a product; what stands above a bar is in no parentheses: ``\frac{a}{b} c``."""
        formulas: list[Formula] = []
        divides: list[bool] = []
        barred: list[bool] = []  # which factors stand below the bar of a fraction
        signs: list[str] = []  # the sign of multiplication before each factor
        for factor, first, sign in self.with_divisors(factors):
            if formulas and sign is None and first.kind == "LBRACE":
                self._refuse_sign_in_braces(first)
            if formulas and first.kind == "LBRACE" and _is_long(factor):
                self._refuse_sum_in_braces(first)
            if formulas and sign is not None and sign.text in OF_VECTORS:
                self._refuse_product_of_arrays(formulas[-1], factor, sign)
            text, below = sign.text if sign else "", sign is not None and sign.kind == "SLASH"
            fraction = first.text in names.FRACTIONS and not below and isinstance(factor, Product)
            if (
                fraction and isinstance(factor, Product) and _opens(factor, formulas)
                and not (formulas and self._is_entrywise(factor))
            ):  # fmt: skip
                formulas += factor.factors
                divides += factor.divides
                barred += factor.divides
                dots = factor.signs or ("",) * len(factor.factors)  # others were looked at
                signs += [text] + [r"\cdot" if x == DOT else r"\times" for x in dots[1:]]
            else:
                formulas.append(factor)
                divides.append(below)
                barred.append(False)
                signs.append(text)
        if _hard_to_read(formulas, barred):
            formulas, divides = _divided_last(formulas, divides, barred)
            signs = []
        _fold_mean(formulas, divides)
        if len(formulas) == 1:
            return formulas[0]
        told = tuple(MATRIX_SIGNS.get(sign, "·" if sign else "") for sign in signs)
        product = Product(tuple(formulas), tuple(divides), formulas[0].position)
        for before, after in pairwise(formulas):
            if _is_turned(before) and isinstance(after, Symbol) and len(after.labels) == 1:
                self.context.survey.turned.add(after.name)
        plain = len(told) != len(formulas) or (
            Summation().free(product).keys() - self.context.moving
            and not (self.has_bold(product) or _dots_rows(formulas, told))
        )
        return product if plain else replace(product, signs=told)

    def _refuse_product_of_arrays(self, left: Formula, right: Formula, sign: Token) -> None:
        r"""Raise for ``\mathbf r \times \mathbf F`` and ``\mathbf w * \mathbf x``."""
        for factor in (left, right):
            base = factor.base if isinstance(factor, Power) else factor
            if not (isinstance(base, Symbol) and self.has_bold(base)):
                return
        reason, hint = OF_VECTORS[sign.text]
        raise self.error(reason, hint, sign)

    def _is_entrywise(self, fraction: Product) -> bool:
        r"""Whether a fraction divides by the entries of a vector: ``X^\top \frac{a}{b}``."""
        below = [x for x, d in zip(fraction.factors, fraction.divides, strict=True) if d]
        parts = [x for own in below for x in walk(own) if isinstance(x, Symbol)]
        known = any(len(x.labels) < (self.context.rank(x.name) or 0) for x in parts)
        return known or any(map(self.has_bold, below))

    def _refuse_sign_in_braces(self, first: Token) -> None:
        """Refuse ``a {- b}``, which is printed like a difference and grouped like a product."""
        after = self.tokens[self.tokens.index(first) + 1]
        if after.kind == "SIGN":
            reason = f"{{{after.text} ...}} behind a factor looks like a sum, and is none"
            raise self.error(reason, f"write {after.text} without braces, or in parentheses", first)

    def _refuse_sum_in_braces(self, first: Token) -> None:
        r"""Refuse ``{a + b} c`` and ``{a + b}^2``, which are printed without braces."""
        start = self.tokens.index(first) + 1
        end = partner(self.tokens, start) if self.tokens[start].kind == "OPEN" else -1
        if end < 0 or self.tokens[end + 1].kind != "RBRACE":
            hint = "write parentheses around the sum, or leave the braces out"
            raise self.error("braces around a sum are not printed", hint, first)

    def product(self) -> Formula:
        """Read a product, ``A : B`` as the sum of all products of entries."""
        formula = super().product()
        while self.peek().kind == "COLON":
            token = self.next()
            right = super().product()
            if isinstance(formula, Symbol) and isinstance(right, Derivative):
                hint = "leave out what names the equation, or write tr(A^T B)"
                raise self.error(f"{to_text(formula)} : before a derivative", hint, token)
            if self.peek().kind == "COMPARE":
                hint = r"write a condition behind a space and a word: \quad \text{if } x > 0"
                raise self.error("a colon before a comparison", hint, token)
            formula = Call("inner", (formula, right), (), self.at(token))
        return formula

    def closes_bars(self, token: Token) -> bool:
        """Whether a bar is the partner of one before."""
        if token.kind != "BAR" or not self.bars:
            return False
        double = self.bars[-1] == "||" and token.text == self.peek(1).text == "|"
        return double or self.bars[-1] == token.text

    def primary(self) -> Formula:
        """Read an atom, and what hangs on it where it is in parentheses."""
        token, before = self.peek(), self.peek(-1)
        formula = self._atom()
        if token.kind == "LBRACE" and _is_long(formula):
            negated = self.k > 1 and (before.kind, before.text) == ("SIGN", "-")
            if negated or self.peek().kind == "SUP" or self.begins_factor(self.peek()):
                self._refuse_sum_in_braces(token)
        if token.kind != "OPEN":
            formula = self.with_argument(formula)
        if token.kind in {"OPEN", "LBRACE"} and token.text not in BARS:
            if token.text == ".":
                formula = self.go_past_bare_point(formula)
            if self.peek().kind == POINT and self.peek(-1).kind == "CLOSE":
                formula = self.at_point(formula)
            while self.peek().kind in {"SUP", "SUB"}:
                if self.peek().kind == "SUB" and self.peek(1).text == "+":
                    self.k += 2  # (x)_+
                    formula = Call("relu", (formula,), (), self.at(token))
                    continue
                formula = self._scripted(formula, self.scripts(of_name=False), token)
        elif self.peek().kind == "SUP":
            formula = self._scripted(formula, self.scripts(of_name=False), token)
        return formula

    def _scripted(self, formula: Formula, scripts: Scripts, token: Token) -> Formula:
        r"""Read ``\left(A^{-1}\right)_{ij}``, ``[A B]^{-1}_{ij}`` and ``(a + b)^2``."""
        labels, power = scripts.entries, scripts.power
        self.context.survey.exponents.update(
            x.name for x in walk(power or TWO) if isinstance(x, Symbol)
        )
        if isinstance(formula, Symbol) and not formula.labels:
            return self._tensor(formula.name, scripts, token)
        if (
            labels
            and isinstance(formula, Derivative)
            and power is None
            and not formula.wrt[-1].labels
        ):
            of, wrt = formula.of, formula.wrt[-1]  # (\nabla_W L)_{ij}
            axes = tuple(x for x in labels if isinstance(x, str))
            if len(axes) < len(labels) or any(self.context.rank(x) == 0 for x in axes):
                hint = "leave it out where it depends on nothing: all other inputs are held"
                raise self.error("a derivative with what is held behind it", hint, token)
            return Derivative(of, (Symbol(wrt.name, axes, wrt.position),), formula.position)
        if labels is None and power is not None and not scripts.number:
            if scripts.each:
                return Call("pow", (formula, power), (), formula.position)
            return Power(formula, power, formula.position)
        if labels is not None and len(labels) == 2 and all(isinstance(x, str) for x in labels):
            if power is None and isinstance(formula, Power):
                power, formula = formula.exponent, formula.base
            axes = tuple(x for x in labels if isinstance(x, str))
            if power == MINUS_ONE:
                return self.matrix("inv", formula, axes, token)
            if power == TRANSPOSED:
                return self.matrix("transpose", formula, axes, token)
        if labels is not None and len(labels) < 3 and all(isinstance(x, str) for x in labels):
            axes = tuple(x for x in labels if isinstance(x, str))
            whole = formula if power is None else Power(formula, power, formula.position)
            return Call("entry", (whole,), axes, self.at(token))
        raise self.error(
            "labels belong to a tensor, not to a formula",
            r"write the labels on the tensors; an inverse is \left(A^{-1}\right)_{ij}",
            token,
        )

    # --- atoms ---

    def _atom(self) -> Formula:
        token = self.peek()
        text = token.text
        by_kind = {
            "NUMBER": self._number, "OPEN": self.group, "BAR": self.in_bars,
            "LBRACE": self.braced, "CASES": self.cases,
        }  # fmt: skip
        if self.begins_ones():
            return self.indicator()
        if token.kind in by_kind:
            return by_kind[token.kind]()
        if text in {"d", r"\mathrm", r"\delta"} and (derivative := self.short_derivative()):
            return derivative
        if self.begins_name(token):
            return self._named()
        if text in names.FRACTIONS:
            return self.fraction()
        if names.big(text):
            return self.big()
        if function := names.function_command(text):
            self.next()
            return self.call(function, token)
        if text == r"\sqrt":
            return self.root()
        if text == r"\partial":
            return self.inline_derivative()
        if text == r"\nabla":
            return self.gradient()
        raise self._cannot_begin(token)

    def _cannot_begin(self, token: Token) -> NotationError:
        if token.kind == "COMMAND":
            hint = r"write products, sums, fractions, \log, \exp, \operatorname{softmax}_{o}(...)"
            return self.error(f"unknown command {token.text}", hint, token)
        return self.error(
            f"something is missing before {token.text}", "write a tensor or a number", token
        )

    def group(self) -> Formula:
        """Read what stands in parentheses, between two bars that differ, or in angles."""
        if self.peek().text == r"\langle":
            return self._inner()
        return self.bars_closed(self.next()) if self.peek().text in BARS else super().group()

    def _inner(self) -> Formula:
        r"""Read ``\langle x, y \rangle``."""
        opened = self.next()
        left = self.inside()
        self.expect("COMMA", "a comma")
        formula = Call("inner", (left, self.inside()), (), self.at(opened))
        self.close(opened)
        return formula

    def braced(self) -> Formula:
        """Read what stands in braces."""
        self.expect("LBRACE", "an opening brace")
        formula = self.inside()
        self.expect("RBRACE", "a closing brace")
        return formula

    def _number(self) -> Formula:
        r"""Read a number, also ``10^{-8}`` and ``2.5 \times 10^{-9}``."""
        token = self.next()
        text = token.text
        after = self.peek()
        if (after.kind, self.peek(1).kind) == ("SUB", "LETTER") and not after.spaced:
            hint = "leave the ones out: what lacks a label of the left side is repeated along it"
            raise self.error("a number with a label", hint, token)
        if text == "10" and (exponent := self._exponent(0)):
            text = f"1e{exponent}"
        elif self.peek().text == r"\times" and self.peek(1).text == "10":
            exponent = self._exponent(2)
            text += f"e{exponent}" if exponent else ""
        place = self.context.lexer.source.at(token.line, token.column, token.width)
        return read_number(text, place)

    def _exponent(self, ahead: int) -> str:
        """Read ``^{-8}``, which stands ``ahead`` tokens from here, if it does."""
        texts = [self.peek(ahead + k).text for k in range(5)]
        minus = "-" if texts[2] == "-" else ""
        digits, closing = texts[2 + len(minus)], texts[3 + len(minus)]
        if texts[:2] != ["^", "{"] or not digits.isdigit() or closing != "}":
            return ""
        self.k += ahead + 4 + len(minus)
        return minus + digits

    # --- names ---

    def _named(self) -> Formula:
        """Read a tensor, an extent, e to a power, or the call of a function."""
        token = self.peek()
        operator = token.text == r"\operatorname"
        upright = token.kind == "COMMAND" and token.text in names.FONTS
        start = self.k
        if self.begins_operator():
            return self.operator()
        name = self.word()
        if by := self.partials_below(name):
            found = self.derivative(Symbol(name, (), self.at(token)), by, token)
            found = replace(found, total=False) if isinstance(found, Derivative) else found
            return self.with_argument(found)
        function = self._function(name, operator, upright)
        if function is not None:
            self._note_bold_function(start, name)
            return self.call(function, token)
        if name == "e" and self.peek().kind == "SUP" and "e" not in self.context.tensors:
            start = self.k
            scripts = self.scripts()
            powered = scripts.power not in (None, TRANSPOSED) and scripts.entries is None
            if powered and scripts.power is not None and not scripts.number:
                if self.is_of_matrix(scripts.power):
                    hint = r"the matrix exponential is not known; \exp(A) goes entry by entry"
                    raise self.error("e to a power that is a matrix", hint, token)
                return Call("exp", (scripts.power,), (), self.at(token))
            self.k = start
        scripts = self.scripts()
        full, entries = self.joined(name, scripts)
        self.note_bold(start, full, len(entries))
        after = self.peek()
        calls = after.kind == "OPEN" and after.text == "(" and not entries
        count = self.lone_arguments() if calls or after.text == "(" else 0
        self._check_inverse(full, scripts, count)
        if name in {"E", "O"} and name not in self.context.tensors and not after.spaced:
            self._check_mean(name, after)
        plain = scripts.power is None
        if (calls and full in self.context.applied and not scripts.primes
                and (plain or isinstance(scripts.power, Number))):  # fmt: skip
            return self._with_arguments(full, scripts, token)
        if not (scripts.primes and full in self.context.applied):
            self._check_lone_number(full, token)
        squared = self._is_squared_call(full, scripts, count)
        applied = calls and (not after.spaced or count > 0) and (scripts.power is None or squared)
        survey = self.context.survey
        survey.level |= set() if self.raising else {full}
        if applied or not (entries and count):  # f_k (x) is neither
            (survey.called if applied else survey.bare).add(full)
        if applied:
            alone = count == 1 or (calls and self._one_call_ahead(full))
            (survey.lone if alone else survey.not_lone).add(full)
            survey.inside.setdefault(full, set()).update(self._numbered_alike(name))
        if count and scripts.power is None and not scripts.primes:
            if count > 1 and self._is_loss(full, entries):
                return self._loss(full, token)
            self._check_arguments(full, entries, count, token)
        if calls and not count and plain and not scripts.primes and self._is_of_several(full):
            return self._loss(full, token)
        if scripts.primes and (slope := self._slope(full, scripts.primes, token)) is not None:
            return slope if scripts.power is None else Power(slope, scripts.power, self.at(token))
        if scripts.primes and self._is_transposed(full, scripts, calls):
            return self._powered(full, entries, replace(scripts, power=TRANSPOSED), token)
        if scripts.primes or (applied and not squared and self.context.is_function(full)):
            if not calls:
                hint = "give the tensor another name, for instance with a hat"
                raise self.error(r"a prime belongs to a function, as in \phi'(a)", hint, token)
            self._note_bold_function(start, full)
            return self.call(full + scripts.primes, token)
        return self._powered(full, entries, scripts, token)

    def _one_call_ahead(self, name: str) -> bool:
        r"""Whether ``(x(t))`` or ``(\|x\|)`` comes next, a call or a norm alone in parentheses.

        Raises NotationError where the name before it, which is no function, would be a factor.
        """
        context, start = self.context, self.k
        inner, end = name_at(self.tokens, start + 1)
        known = names.function_name(inner) or inner == "sigma"
        if known or name in names.WEIGHTS or inner in names.GENERIC - names.QUANTITIES:
            return False  # W(\phi(x))
        past = start + self.past_parentheses()
        if inner:
            self.k = end
            called = self.peek().text == "(" and end + self.past_parentheses() + 1 == past
            self.k = start
        else:
            bars = [k for k in range(start, past) if self.tokens[k].text in BARS]
            called = bars == [start + 1, past - 2]
        if called and context.final and not (context.closed or context.is_function(name)):
            hint = rf"write {name} \cdot ... for a product, without parentheses"
            raise self.error(f"{name}(...) may be a function of what it is taken of", hint)
        return called

    def _note_bold_function(self, start: int, name: str) -> None:
        if self.begins_bold(start):
            self.context.survey.bold_functions.add(name)

    def _with_arguments(self, name: str, scripts: Scripts, token: Token) -> Formula:
        r"""Read ``f(x)``, ``f^2(x)`` of a tensor that is defined so, in a claim also ``f(0)``."""
        known, context = self.context.applied[name], self.context
        same = self.are_repeated(known)
        of_tensors = not known.labels and name in context.tensors
        if context.closed and known.arguments and not same and of_tensors:
            found: Formula = self._at_point(name, token)
        elif same or self.arguments_ahead():
            found = self.dependent(name, token)
        else:
            found = self.tensor_of(name, (), token)
        return found if scripts.power is None else Power(found, scripts.power, self.at(token))

    def _at_point(self, name: str, token: Token) -> Formula:
        """Read what stands behind a tensor that is taken of something else than its variable.

        ``P(1 - P/K)`` is a product; ``f(0)``, ``f(a)``, ``f(2 x)`` and ``f(f(x))`` are none.
        Raises NotationError where it may be either.
        """
        start, opened = self.k, self.peek()
        args = self.arguments()
        parts = (x for argument in args for x in walk(argument))
        inside = any(isinstance(x, Symbol | TensorAt) and x.name == name for x in parts)
        pairs = zip(self.tokens[start : self.k], self.tokens[start + 1 : self.k], strict=False)
        called = any((names.greek(x.text) or x.text) == name and y.kind == "OPEN" for x, y in pairs)
        if inside and not called:
            self.k = start
            return self.tensor_of(name, (), token)
        own = {x.name for x in self.context.applied[name].arguments}
        sure = all(_is_argument(x, name, own) for x in args) or self._is_always_called(name, token)
        if opened.spaced or not sure:
            hint = rf"write {name} \cdot (...) for a product; say what {name} is there for a call"
            raise self.error(f"whether {name}(...) is a product or a call is open", hint, token)
        return Call(name + AT_POINT, args, (), self.at(token))

    def _is_always_called(self, name: str, token: Token) -> bool:
        r"""Whether f, g or h with parentheses is a whole side, ``f(x + 1)``, or stands so twice."""
        if name not in names.GENERIC - names.QUANTITIES:
            return False
        if token is self.tokens[0] and self.peek().kind in {"END", "EQUAL"}:
            return True
        behind = [
            self.tokens[k + 1] for k, t in enumerate(self.tokens[:-1])
            if (names.greek(t.text) or t.text) == name
        ]  # fmt: skip
        calls = sum((t.kind, t.text) in {("OPEN", "("), ("PRIME", "'")} for t in behind)
        return len(behind) == calls > 1

    def _check_lone_number(self, name: str, token: Token) -> None:
        """Raise for ``x(0)``, which no one writes for a product."""
        opened, number, closed = (self.peek(k) for k in range(3))
        kinds = (opened.kind, number.kind, closed.kind)
        lone = kinds == ("OPEN", "NUMBER", "CLOSE") and opened.text == "("
        if lone and not opened.spaced and not self.context.is_function(name):
            hint = f"write what {name} is there, or {number.text} {name} for a product"
            raise self.error(f"{name}({number.text}) may be {name} at {number.text}", hint, token)

    def _numbered_alike(self, name: str) -> Iterator[str]:
        """Yield what the same letter calls within the parentheses ahead: f1 in ``f_2(f_1(x))``."""
        depth = 0
        for k in range(self.k, len(self.tokens)):
            texts = [t.text for t in self.tokens[k : k + 6]]
            depth += (texts[0] == "(") - (texts[0] == ")")
            if depth == 0:
                return
            script = [x for x in texts[1:] if x not in {"{", "}"}][:3]
            below = len(script) == 3 and script[0] == "_" and script[2] == "("
            if below and script[1].isdigit() and (names.greek(texts[0]) or texts[0]) == name:
                yield f"{name}{script[1]}"

    def _is_squared_call(self, name: str, scripts: Scripts, count: int) -> bool:
        r"""Whether ``f^2(x)`` is a function's power; raise where it may be a product."""
        after = self.peek()
        plain = not (after.spaced or scripts.entries or scripts.primes)
        turned = scripts.power == TRANSPOSED
        if count != 1 or not plain or not (turned or isinstance(scripts.power, Number)):
            return False
        if turned and self.context.final:
            hint = f"leave the parentheses out, or write {name} without what it depends on"
            raise self.error(f"whether {name}^T(...) is a product is open", hint, after)
        if self.context.final and not self.context.is_function(name):
            power = to_text(scripts.power or TWO)
            hint = f"write a product without parentheses, or {name}(...)^{power}"
            reason = (
                f"whether {name}^{power}(...) is a product, or the power of a function, is open"
            )
            raise self.error(reason, hint, after)
        return True

    def _check_inverse(self, name: str, scripts: Scripts, count: int) -> None:
        r"""Raise for ``f^{-1}(x)`` where f is a function, or may be one."""
        after, context = self.peek(), self.context
        if scripts.power != MINUS_ONE or after.text != "(" or after.spaced:
            return
        unknown = name not in context.tensors and name in names.GENERIC and count == 1
        if unknown or name in context.applied or name in context.functions:
            hint = rf"write \frac{{1}}{{{name}}}, or give the inverse a name"
            raise self.error(f"{name} with the exponent -1 may be its inverse", hint, after)

    def _check_mean(self, name: str, after: Token) -> None:
        """Raise for ``E[x^2]``, which is a mean over what is drawn at random, and ``O(x^2)``."""
        if name == "O" and (after.kind, after.text) == ("OPEN", "("):
            hint = "leave the rest of the series out, and say for what the claim holds"
            raise self.error("O(...) says how great a rest is, and not what it is", hint, after)
        if name == "E" and (after.kind, after.text) == ("OPEN", "["):
            hint = r"write the mean as \frac{1}{n} \sum_i, a product as E (x)"
            raise self.error("E[...] may be an expected value", hint, after)

    def _slope(self, name: str, primes: str, token: Token) -> Formula | None:
        r"""Read the ``(x)`` of ``S'(x)``, where the model defines S(x), else return None."""
        known = self.context.applied.get(name)
        if known is None or name not in self.context.tensors or len(known.arguments) != 1:
            return None
        called = (self.peek().kind, self.peek().text) == ("OPEN", "(")
        given = self.arguments_ahead()
        by = Symbol(known.arguments[0].name, (), self.at(token))
        whole = Symbol(name, (), self.at(token))
        slope = Derivative(whole, (by,) * len(primes), self.at(token))
        if not called or self.are_own(given, known.arguments):
            self.arguments_past()
            return slope
        point = self._at_point(name, token)
        if isinstance(point, Call):
            return self.taken_at(slope, (by,), point.args, token)
        return slope

    def _is_transposed(self, name: str, scripts: Scripts, calls: bool) -> bool:
        r"""Whether ``X'`` is the transpose of a matrix that the model knows: ``X'(y - Xw)`` too."""
        context = self.context
        known = (context.rank(name) or 0) > calls and name + names.PRIME not in context.tensors
        known = known and not (calls and (name in context.applied or context.is_function(name)))
        plain = scripts.primes == "'" and scripts.entries is None and scripts.power is None
        return self.context.closed and known and plain

    def _is_loss(self, name: str, entries: tuple[Entry, ...]) -> bool:
        """Whether a name is any function of several tensors: ``L = l(\\mathbf{o}, y)``."""
        context = self.context
        known = name in context.bare or name in context.tensors or name in context.functions
        return context.final and not (context.closed or entries or known)

    def _is_of_several(self, name: str) -> bool:
        """Whether a name of a model is any function of what stands ahead: ``l(y, f(x))``."""
        context = self.context
        known = name in context.bare or name in context.tensors or name in context.functions
        depth, inside = 0, self.tokens[self.k : self.k + self.past_parentheses()]
        for token in inside:
            depth += (token.kind == "OPEN") - (token.kind == "CLOSE")
            if token.kind == "COMMA" and depth == 1:
                return not (context.closed or known)
        return False

    def _loss(self, name: str, token: Token) -> Formula:
        args = self.arguments()
        return Call(ANY_FUNCTION, (Symbol(name), *args), (), self.at(token))

    def _check_arguments(
        self, name: str, entries: tuple[Entry, ...], count: int, token: Token
    ) -> None:
        """Go past arguments that are only repeated; raise where they may be arguments."""
        context = self.context
        if context.is_function(name) and count == 1 and not entries:
            if name not in names.GENERIC and not context.closed:
                context.survey.notes.setdefault(f"{name} is a function, for it never stands alone")
            return
        factor = name in context.bare or (entries and name not in names.GENERIC) or (
            context.closed and name in context.tensors
            and (self._raised_behind() or self._is_differential_ahead()))  # fmt: skip
        if entries and self._is_where_defined(name):
            self.skip_arguments()
            return
        if not context.closed and entries and factor and self._is_point_of(entries):
            hint = "write p_{kx}, or a name without an argument; a product without parentheses"
            raise self.error(f"{name} with a label and an argument", hint, token)
        if count == 1 and (factor or (entries and context.closed and name in context.tensors)):
            return  # f (x) beside a lone f, A_ij (x)
        if not context.final:
            if count > 1:
                self.skip_arguments()
            return
        if entries == () and name in context.tensors and (count > 1 or not context.closed):
            self.skip_arguments()
            return
        hint = f"write {name} alone where it is defined, and a product without parentheses"
        raise self.error(f"{name} with {'arguments' if count > 1 else 'an argument'}", hint, token)

    def _is_where_defined(self, name: str) -> bool:
        r"""Whether the arguments ahead are those of a definition, ``p_k(x) = ...``."""
        known = self.context.applied.get(name)
        ahead = self.arguments_ahead()
        return bool(ahead) and known is not None and ahead == known.arguments

    def _is_point_of(self, entries: tuple[Entry, ...]) -> bool:
        r"""Whether one name stands in the parentheses ahead that shares no label with that before
        them, ``\sigma_i(X)``, ``p_k(x_i)``: nobody multiplies by it so."""
        ahead = self.arguments_ahead()
        plain = len(ahead) == 1 and {ahead[0].name, *ahead[0].labels}.isdisjoint(entries)
        factor = plain and ahead[0].labels and self.peek().spaced  # a_i (b_j)
        return plain and not factor and self.context.final

    def _is_differential_ahead(self) -> bool:
        """Whether the dX of ``A (dX)`` comes next."""
        tensors = self.context.tensors
        ahead = [x.name for x in self.arguments_ahead()]
        return bool(ahead) and all(
            x in tensors and x.removeprefix(DIFFERENTIAL) in tensors and x[0] == DIFFERENTIAL
            for x in ahead
        )

    def _raised_behind(self) -> bool:
        r"""Whether a power or a transpose hangs on the parentheses ahead: ``\delta (a)^T``."""
        return self.peek(self.past_parentheses()).kind == "SUP"

    def _function(self, name: str, operator: bool, upright: bool) -> str | None:
        """Return the function that a name is, if it is one here."""
        after = self.peek()
        known = names.function_name(name)
        if operator:
            return known or name
        called = after.kind == "OPEN" and after.text == "("
        primed = after.kind == "PRIME" or (after.kind == "SUP" and self._primes_follow())
        if name == "sigma" and called and name in self.context.applied:
            return None
        if name == "delta" and names.ERRORS in self.context.tensors:
            return None  # \boldsymbol\delta(\mathbf{a})^\top
        if name == "sigma" and (called or primed or self._one_name_behind_power()):
            return None if "sigma" in self.context.functions else "sigmoid"
        called = called and not after.spaced
        if upright and len(name) > 1 and name not in self.context.tensors:
            return known or (name if called or self._called_behind_labels() else None)
        if name in self.context.functions:
            squared = self._called_behind_power() and name not in self.context.bare
            return name if called or squared or self._called_behind_labels() else None
        return name if called and self.context.is_function(name) else None

    def _called_behind_power(self) -> bool:
        r"""Whether a number above and a parenthesis come next, ``\sigma^2(x)``."""
        braced = (self.peek().kind, self.peek(1).kind) == ("SUP", "LBRACE")
        number, opened = (self.peek(2), self.peek(4)) if braced else (self.peek(1), self.peek(2))
        return (self.peek().kind, number.kind, opened.text) == ("SUP", "NUMBER", "(")

    def _one_name_behind_power(self) -> bool:
        r"""Whether ``\sigma^2(x)`` comes next, and nothing says that sigma is no function."""
        context = self.context
        known = (context.bare, context.tensors, context.functions)
        if any("sigma" in x for x in known) or not self._called_behind_power():
            return False
        start = self.k
        self.k += 4 if self.peek(1).kind == "LBRACE" else 2
        found = len(self.arguments_ahead()) == 1
        self.k = start
        return found

    def _primes_follow(self) -> bool:
        start = self.k
        found = self._primes()
        self.k = start
        return bool(found)

    def _called_behind_labels(self) -> bool:
        """Whether labels and then a parenthesis without a space come next."""
        start = self.k
        labels = self.scripts().entries
        after = self.peek()
        self.k = start
        return labels is not None and (after.kind, after.text) == ("OPEN", "(") and not after.spaced

    def _tensor(self, name: str, scripts: Scripts, token: Token) -> Formula:
        """Return a tensor with its scripts."""
        return self._powered(*self.joined(name, scripts), scripts, token)

    def _powered(
        self, name: str, entries: tuple[Entry, ...], scripts: Scripts, token: Token
    ) -> Formula:
        power = scripts.power
        if name in self.context.squared:
            square = self.tensor_of(name + names.SQUARED, entries, token)
            whole = name.removeprefix(DIFFERENTIAL)
            if whole in self.context.squared and whole != name and power != TWO:
                reason = f"the text defines the square of {whole}, not {whole} itself"
                hint = rf"write d\left({whole}^2\right), or define {whole} = \sqrt{{...}}"
                raise self.error(f"{name} where {reason}", hint, token)
            return square if power == TWO else self._root_of(square, power, token)
        tensor: Formula = self.tensor_of(name, entries, token)
        if isinstance(tensor, Symbol) and not entries:
            tensor = self.extent_or_tensor(tensor)
        if power is None:
            return tensor
        if scripts.each:
            return Call("pow", (tensor, power), (), self.at(token))
        self._note_exponent(tensor, power)
        axes = tuple(x for x in entries if isinstance(x, str))
        if power == TRANSPOSED and len(axes) == 2 and SLICE not in axes:
            return self.matrix("transpose", tensor, axes, token)
        if power == TRANSPOSED and len(axes) == 1:
            self.context.survey.turned.add(name)
        if (
            power == MINUS_ONE
            and len(axes) == 2
            and (scripts.power_first or name in names.MATRICES)
        ):
            raise self.error(
                f"{name}^{{-1}} with two labels may be the inverse or 1 / {name}",
                rf"write \left({name}^{{-1}}\right)_{{{''.join(axes)}}} for the inverse, "
                rf"\frac{{1}}{{{name}_{{{''.join(axes)}}}}} for the quotient",
                token,
            )
        return Power(tensor, power, self.at(token))

    def _note_exponent(self, tensor: Formula, power: Formula) -> None:
        r"""Note that the t of ``x_i^{t}`` is a number, if it is a letter that labels often have."""
        context = self.context
        if context.final and not context.closed and isinstance(power, Symbol) and not power.labels:
            labelled = isinstance(tensor, Symbol) and tensor.labels
            if labelled and power.name in "ijkst" and power.name not in context.level:
                text = f"{power.name} above {to_text(tensor)} is an exponent, no label"
                context.survey.notes.setdefault(text)

    def _root_of(self, square: Formula, power: Formula | None, token: Token) -> Formula:
        r"""Return ``\sigma`` or a power of it, where the text defines ``\sigma^2``."""
        root = Call("sqrt", (square,), (), self.at(token))
        return root if power is None else Power(root, power, self.at(token))


def _is_argument(formula: Formula, name: str, own: set[str]) -> bool:
    """Whether a formula in parentheses is no factor: a name, a number, a multiple of a variable of
    the function before it, ``2 x``, or the function itself."""
    match formula:
        case Symbol():
            return True
        case Sum(terms=(inner,)):
            return _is_argument(inner, name, own)  # -x
        case Call(function=function):
            return function == name + AT_POINT
        case Product(factors=(Number(), Symbol(name=factor)), divides=(False, False)):
            return factor in own
        case Power(base=Symbol(name=base), exponent=Number()):
            return base in own
    return not any(isinstance(x, Symbol | TensorAt | Call) for x in walk(formula))


def _needs(term: Formula, label: str) -> bool:
    """Whether a term has a label that no product of bare tensors in it sums."""
    if label not in Summation().free(term):
        return False
    held = [x for x in term.factors if label in Summation().free(x)] \
        if isinstance(term, Product) else []  # fmt: skip
    return len(held) < 2 or not all(isinstance(x, Symbol | TensorAt | Derivative) for x in held)


def _opens(fraction: Product, before: Sequence[Formula]) -> bool:
    """Whether a fraction's factors are the product's: what is above its bar is in no parentheses.

    ``2 (1 / n)`` stays as it is.
    """
    return not (before and isinstance(fraction.factors[0], Number) and fraction.divides[1])


def _hard_to_read(factors: Sequence[Formula], barred: Sequence[bool]) -> bool:
    r"""Whether a factor beside a fraction shares a label with what is below its bar.

    In a line ``a_i / b_i c_i`` is hard to read. Two divisors that share a label stay apart.
    """
    summation, below, shared = Summation(), set[str](), False
    for factor, divides in zip(factors, barred, strict=True):
        common = not below.isdisjoint(summation.free(factor))
        if divides and common:
            return False
        shared |= common
        below.update(summation.free(factor) if divides else ())
    return shared


def divided_last(product: Product) -> Product:
    """Return a product with its divisors at the end, where in a line it would be hard to read."""
    if not _hard_to_read(product.factors, product.divides):
        return product
    factors, divides = _divided_last(product.factors, product.divides, product.divides)
    return replace(product, factors=tuple(factors), divides=tuple(divides), signs=())


def _is_long(formula: Formula) -> bool:
    return isinstance(formula, Sum) and len(formula.terms) > 1


def _divided_last(
    factors: Sequence[Formula], divides: Sequence[bool], barred: Sequence[bool]
) -> tuple[list[Formula], list[bool]]:
    """Return the factors with all that stands below a bar in one divisor at the end."""
    beside = [k for k in range(len(factors)) if not barred[k]]
    below = [x for x, is_below in zip(factors, barred, strict=True) if is_below]
    divisor = below[0] if len(below) == 1 else Product(
        tuple(below), (False,) * len(below), below[0].position
    )  # fmt: skip
    return [*(factors[k] for k in beside), divisor], [*(divides[k] for k in beside), True]


def _fold_mean(factors: list[Formula], divides: list[bool]) -> None:
    r"""Read ``\frac{1}{|b|} \sum_{b} x_b`` as a mean, whose extent is the sum's own."""
    if not factors or not isinstance(total := factors[-1], Call) or total.function != "sum":
        return
    sizes = tuple(SizeOf(axis) for axis in total.axes)
    count = sizes[0] if len(sizes) == 1 else Product(sizes, (False,) * len(sizes))
    inverse = Product((Number(1), count), (False, True))
    mean = Call("mean", total.args, total.axes, total.position)
    if factors[-2:-1] == [inverse] and not divides[-2]:
        factors[-2:], divides[-2:] = [mean], [False]
    elif factors[-3:-1] == [Number(1), count] and divides[-3:] == [False, True, False]:
        factors[-3:], divides[-3:] = [mean], [False]


def _dots_rows(factors: Sequence[Formula], signs: Sequence[str]) -> bool:
    r"""Whether a product is ``w \cdot x_i``, which may be that of two vectors."""
    if len(factors) != 2 or signs[-1] != DOT:
        return False
    counts = [len(x.labels) if isinstance(x, Symbol) else 2 for x in factors]
    return sorted(counts) == [0, 1]


def _is_turned(formula: Formula) -> bool:
    """Whether a formula is the transpose of a vector for a label, ``p_u^T``."""
    base = formula.base if isinstance(formula, Power) and formula.exponent == TRANSPOSED else None
    return isinstance(base, Symbol) and len(base.labels) == 1
