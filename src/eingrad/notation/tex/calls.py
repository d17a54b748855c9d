r"""What has a form of its own in LaTeX: functions and bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, takewhile

from eingrad.core.expr import ELLIPSIS
from eingrad.errors import NotationError
from eingrad.notation.grammar import FunctionHead, Written
from eingrad.notation.lexeme import over_axes, over_matrices
from eingrad.notation.matrix.labelled import is_matrix
from eingrad.notation.matrix.typed import MINUS_ONE
from eingrad.notation.mistakes import length_or_entries
from eingrad.notation.summation import Summation, walk
from eingrad.notation.syntax import (
    TRANSPOSED,
    Call,
    Formula,
    Number,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.tensors import is_number
from eingrad.notation.tex import names
from eingrad.notation.tex.scripts import Scripts
from eingrad.notation.tex.slashes import SlashReader
from eingrad.notation.text import to_text
from eingrad.notation.tokens import Token

BARS = frozenset({"|", r"\|"})


def _is_capital(token: Token) -> bool:
    return token.text.removeprefix("\\")[:1].isupper()


def _are_vectors(formula: Formula) -> bool:
    """Whether the names with labels are small letters with one: ``y_i - y_j``, ``x_i - W z``."""
    found = [x for x in walk(formula) if isinstance(x, Symbol | TensorAt) and x.labels]
    return all(len(x.labels) == 1 and x.name[:1].islower() for x in found)


def check_rows(formula: Formula) -> None:
    """Raise where a norm is of a vector and of one for each label by the same name."""
    for norm in walk(formula):
        if not isinstance(norm, Call) or norm.function != "norm":
            continue
        found = [x for x in walk(norm) if isinstance(x, Symbol)]
        bare = {x.name for x in found if not x.labels}
        rows = (x for x in found if x.labels and len(x.labels[0]) == 1)  # no word: y_{true}
        if row := next((x for x in rows if x.name in bare), None):
            hint = f"call one of the two something else than {row.name}"
            reason = f"{row.name} is one vector here, and one for each {row.labels[0]} beside it"
            raise NotationError(reason, hint=hint, position=row.position, operand=row.name)


def _differing(formula: Formula) -> set[str]:
    """Return the labels that some term of a sum lacks."""
    terms = formula.terms if isinstance(formula, Sum) else ()
    own = [{k for x in walk(term) if isinstance(x, Symbol) for k in x.labels} for term in terms]
    return {*chain(*own)} - own[0].intersection(*own) if own else set()


def _has_vector(formula: Formula) -> bool:
    """Whether a formula has a small letter, as a vector of entries has."""
    return any(isinstance(x, Symbol) and x.name[:1].islower() for x in walk(formula))


class CallReader(SlashReader):
    """Reads what begins with a command."""

    # --- functions ---

    def call(self, function: str, token: Token) -> Formula:
        """Read what follows a function's name: its axes, a power and the arguments."""
        if function == "arg":
            head = self.next().text
            if head not in {r"\max", r"\min"}:
                raise self.error(r"\arg without \max", r"write \arg\max_{o}", token)
            function = "argmax"
        if over_axes(function) and self.has_conditions():
            self.next()
            below = self.below(token)
            over = FunctionHead(function, tuple(below.axes), tuple(below.conditions))
            return self.called(over, token, partial(self._arguments, function))
        scripts = self.scripts(of_name=False)
        if function == "log" and self._is_determinant():
            self.bars.append(self.next().text)
            matrix = self._in_plain_bars()
            self.next()
            return self.applied(FunctionHead("logdet"), (matrix,), token)
        if function == "log" and self._bars_around_matrix():
            hint = r"write \log\det \Sigma, or the labels for absolute values"
            raise self.error("bars around a matrix are its determinant", hint)
        if function == "log" and self.take("COMMAND", r"\det"):
            function, scripts = "logdet", self.scripts()
        if function == "log" and scripts.number.isdigit() and scripts.power is None:
            base = Call("log", (Number(int(scripts.number)),), (), self.at(token))
            above = self.called(FunctionHead("log"), token, partial(self._arguments, "log"))
            return Product((above, base), (False, True), self.at(token))
        if scripts.number and function not in self.context.functions:
            raise self.error(f"{function} with the number {scripts.number}",
                      "write a logarithm to another base as a quotient", token)  # fmt: skip
        name = function + scripts.number + scripts.primes
        over = FunctionHead(name, self.axes_of(scripts.entries, token))
        barred = self.peek().text == "|"
        result = self.called(over, token, partial(self._arguments, function))
        match result:
            case Call(function="log", args=(Call(function="det", args=inner),)) if barred:
                result = Call("logdet", inner, (), self.at(token))
        if scripts.power is None:
            return result
        if scripts.power in (MINUS_ONE, TRANSPOSED):
            reason = f"{function} with the exponent -1 may be its inverse or its reciprocal"
            raise self.error(reason, r"write \arcsin, or a fraction", token)
        return Power(result, scripts.power, self.at(token))

    def _bars_around_matrix(self) -> bool:
        r"""Whether ``|\Sigma|`` comes next, with a capital that has no labels."""
        inner, after = self.peek(1), self.peek(2)
        capital = inner.text.removeprefix("\\")[:1].isupper() and self.begins_name(inner)
        bold = inner.text in {r"\mathbf", r"\boldsymbol", r"\bm"}
        bars = self.peek().text == "|" and (after.text == "|" or bold)
        known = self._is_matrix(Symbol(names.greek(inner.text) or inner.text))
        return bars and (capital or bold) and not known

    def _is_matrix(self, formula: Formula) -> bool:
        """Whether a formula is a matrix for sure: of names that are declared or known as such."""
        return is_matrix(formula, self._names_matrix)

    def _names_matrix(self, symbol: Symbol) -> bool:
        """Whether a name is a matrix; in claims, too, with a label of the model: one for each."""
        rank, count = self.context.rank(symbol.name), len(symbol.labels)
        if not count:
            return symbol.name in self.context.matrices or rank == 2
        return count == 1 and rank == 3 and self.context.moving.isdisjoint(symbol.labels)

    def is_of_matrix(self, formula: Formula) -> bool:
        r"""Whether a formula is a matrix, perhaps times numbers: ``\mathbf{A} t``."""
        match formula:
            case Symbol(labels=()):
                bold = formula.name[:1].isupper() and self.has_bold(formula)
                return bold or self._is_matrix(formula)
            case Power(base=base):
                return self.is_of_matrix(base)
            case Product(factors=factors):
                rest = [x for x in factors if not is_number(x)]
                if (
                    rest
                    and self.is_transposed_vector(rest[0])
                    and not self.is_transposed_vector(rest[-1])
                ):
                    return False  # (x - m)^T C^{-1} (x - m)
                vectors = (x for x in walk(formula) if isinstance(x, Symbol))
                return any(map(self.is_of_matrix, factors)) and not any(
                    map(self.is_vector, vectors)
                )
            case Sum(terms=terms):
                return any(map(self.is_of_matrix, terms))
        return False

    def end_of_form(self, factors: Sequence[Written], k: int) -> int:
        r"""Return where a number ends that vectors make: ``/ p^T A p``, ``/ \|x\| \|y\|``.

        Nobody divides by a row, nor by the first of two vectors that a dot joins.
        """
        first, behind = factors[k].formula, factors[k + 1 :]
        if isinstance(first, Call) and first.function == "norm":
            norms = (isinstance(x.formula, Call) and x.formula.function == "norm" for x in behind)
            return k + 1 + len([*takewhile(bool, norms)])
        if self.is_vector(first):
            sign = behind[0].sign if behind else None
            dotted = sign is not None and sign.text == r"\cdot"
            return k + 1 + (dotted and self.is_vector(behind[0].formula))
        if not self.is_transposed_vector(first):
            return k + 1
        end = k + 1
        while end < len(factors) and self.is_of_matrix(factors[end].formula):
            end += 1
        return min(end + 1, len(factors))

    def is_transposed_vector(self, formula: Formula) -> bool:
        """Whether a formula is the transpose of what is no matrix."""
        match formula:
            case Power(base=base) if formula.exponent == TRANSPOSED:
                return not self.is_of_matrix(base)
        return False

    def _is_determinant(self) -> bool:
        r"""Whether ``|\Sigma|`` or ``|\mathbf{K}|`` comes next: a matrix whatever stands around."""
        end = next((k for k in range(1, 60) if self.peek(k).kind in {"BAR", "END"}), 0)
        inner = [self.peek(k) for k in range(1, end)]
        while inner and (inner[0].kind == "NUMBER" or inner[0].text == r"\pi"):
            del inner[0]  # |2 \pi \Sigma|
        if self.peek().text != "|" or not inner or self.peek(end).text != "|":
            return False
        bold = inner[0].text in names.BOLD and (
            inner[-1].text[:1].isupper() or any(map(_is_capital, inner[1:3])))  # fmt: skip
        if len(inner) > 7:  # \mathbf{L} \mathbf{L}^\top
            letters = [t for t in inner if t.kind == "LETTER" or names.greek(t.text)]
            bold = bold and all(map(_is_capital, letters))
        return bold or (names.greek(inner[0].text) in names.MATRICES and len(inner) == 1)

    def _arguments(self, function: str) -> tuple[Formula, ...]:
        r"""Read arguments in parentheses, or the factors that follow."""
        opened = self.peek()
        if opened.kind == "OPEN" and opened.text not in BARS:
            return self.arguments()
        return (self.product() if function == "trace" else self.bare_argument(function),)

    def applied(self, head: FunctionHead, args: tuple[Formula, ...], token: Token) -> Formula:
        """Return a function of arguments; over which axes it goes may be left out."""
        function = head.function
        if len(args) != 1 or head.axes or head.conditions or not over_axes(function):
            return super().applied(head, args, token)
        (arg,) = args
        if over_matrices(function) and (isinstance(arg, Symbol) or Summation().free(arg)):
            return self.matrix(function, arg, self._two_labels(function, arg, token), token)
        free = tuple(dict.fromkeys(k for k, _ in Summation().dangling(arg, ())))
        own = self.context.moving.issuperset(free) and self.is_vector(
            arg
        )  # of each o_t its entries
        axes: tuple[str, ...] = (
            free if len(free) == 1 and not own else ()
        )  # softmax(a_o) goes over its only label
        if self.peek().kind == "SUB":
            labels = self.axes_of(self.scripts().entries, token)  # softmax(a)_o
            axes = labels[-1:] or axes
            if isinstance(arg, Symbol) and not arg.labels:
                arg = Symbol(arg.name, labels, arg.position, brackets=True)
        return super().applied(head._replace(axes=axes), (arg,), token)

    def _two_labels(self, function: str, arg: Formula, token: Token) -> tuple[str, ...]:
        r"""Return the axes of ``\det A`` or ``\operatorname{tr}(A_{ij} B_{jk})``."""
        labels = tuple(dict.fromkeys(k for k, _ in Summation().dangling(arg, ())))
        if len(labels) == 2:
            return labels
        if isinstance(arg, Symbol):
            used = "".join(t.text for t in self.tokens if t.kind == "LETTER")
            return names.fresh_labels(used, 2)
        raise self.error(f"{function} goes over two labels, which must stand below its name",
                  rf"write \{function}_{{ij}}\left(A_{{ij}}\right)", token)  # fmt: skip

    def matrix(self, function: str, arg: Formula, axes: tuple[str, ...], token: Token) -> Formula:
        """Return a matrix function; a tensor without these labels gets them."""
        if isinstance(arg, Symbol) and not arg.moves and set(arg.labels).isdisjoint(axes):
            arg = Symbol(arg.name, (*arg.labels, *axes), arg.position, brackets=True)
        return Call(function, (arg,), axes, self.at(token))

    def root(self) -> Formula:
        r"""Read ``\sqrt{x}`` and ``\sqrt[3]{x}``."""
        token = self.next()
        if not self.take("OPEN", "["):
            return Call("sqrt", (self.argument(),), (), self.at(token))
        degree = self.inside()
        self.expect("CLOSE", "]")
        exponent = Product((Number(1), degree), (False, True))
        return Power(self.argument(), exponent, self.at(token))

    # --- bars ---

    def in_bars(self) -> Formula:
        """Read ``|b|``, an extent, ``|x_i|``, an absolute value, or a norm."""
        self._check_partner()
        opened = self.next()
        if opened.text == "|" and self.peek().text == "|" and self.peek().kind == "BAR":
            self.next()
            opened = Token("BAR", "||", opened.line, opened.column, 2)
        size = self._label_in_bars(opened)
        if size is not None:
            return SizeOf(size, position=self.at(opened))
        self.bars.append(opened.text)
        return self.bars_closed(opened)

    def _check_partner(self) -> None:
        """Refuse ``|a|x| - b|``, whose bars may be those of ``|a |x| - b|``, too."""
        last = max((k for k in range(self.k) if self.tokens[k].kind == "BAR"), default=self.k)
        between = [t.kind for t in self.tokens[last + 1 : self.k]]
        product = between and not {"SIGN", "EQUAL", "COMPARE", "COMMA"} & {*between}
        if product and self.peek().text == "|" and self.peek(1).kind == "SIGN":
            hint = r"write \left| and \right|, or abs(...)"
            raise self.error("which bars belong together is open", hint)

    def _label_in_bars(self, opened: Token) -> str | None:
        """Read a bare label and the bar behind it."""
        start = self.k
        if [self.peek(k).text for k in (0, 1)] == [r"\ldots", "|"] and opened.text == "|":
            self.k += 2
            return ELLIPSIS
        if opened.text == "|" and self.begins_name(self.peek()):
            label = self.entry()
            known = isinstance(label, str) and self.context.is_label(label)
            if known and not self._is_matrix(Symbol(str(label))) and self.take("BAR", "|"):
                return str(label)
        self.k = start
        return None

    def bars_closed(self, opened: Token) -> Formula:
        """Read up to the partner of a bar: an absolute value or a norm."""
        inner = self.inside() if opened.kind == "OPEN" else self._in_plain_bars()
        closed = self.next()
        if opened.text == "||" and closed.text == "|":
            closed = Token(closed.kind, closed.text + self.next().text, 0, 0, 2)
        if closed.kind not in {"BAR", "CLOSE"} or closed.text != opened.text:
            raise self.error(f"{opened.text} is not closed", "write it a second time", opened)
        if opened.text == "|" and self._is_matrix(inner):
            return Call("det", (inner,), (), self.at(opened))
        if opened.text == "|" and self.context.final and self._is_of_bold_capitals(inner):
            hint = r"write \det(...) for a determinant, |X_{ij}| for an absolute value"
            raise self.error("whether bars are a determinant is open", hint, opened)
        if opened.text == "|" and not self._is_length(inner, opened):
            return Call("abs", (inner,), (), self.at(opened))
        scripts = self.scripts() if self.peek().kind in {"SUB", "SUP"} else Scripts()
        entries = self.axes_of(scripts.entries, opened)
        norm = self.norm_of(inner, [x for x in entries if x != "F"], opened)
        if not entries:
            norm = replace(norm, axes=tuple(x for x in norm.axes if not self._is_one_of(x, inner)))
        free = [*Summation().free(inner)]
        outside = norm.axes and not entries and {*norm.axes} < _differing(inner)
        vectors = self.has_bold(inner) or _are_vectors(inner)
        if outside or (free and not (norm.axes or vectors)):
            hint = r"write the axis of the vectors, too, and below the norm: \|y_{ik} - y_{jk}\|_k"
            raise self.error(
                f"a norm over {free[0]}, which is kept or summed outside", hint, opened
            )
        check_rows(norm)
        if scripts.number == "1" and _has_vector(inner):  # that of a matrix is another
            sizes = Call("abs", (inner,), (), norm.position)
            norm = Call("sum", (sizes,), norm.axes, norm.position)
        elif scripts.number not in {"", "2"}:
            hint = r"write \sum_i |x_i| or \max_i |x_i|; the norm is the Euclidean one"
            raise self.error(f"the norm with the number {scripts.number}", hint, opened)
        return norm if scripts.power is None else Power(norm, scripts.power, norm.position)

    def _is_of_bold_capitals(self, inner: Formula) -> bool:
        r"""Whether all names are matrices' without labels, ``\mathbf{A}\mathbf{X}``."""
        names_in = [x for x in walk(inner) if isinstance(x, Symbol)]
        capitals = all(x.name[:1].isupper() and not x.labels for x in names_in)
        return bool(names_in) and capitals and all(self.has_bold(x) for x in names_in)

    def _is_one_of(self, label: str, inner: Formula) -> bool:
        r"""Whether a label says which vector is in bars: u of ``\|p_u\|`` beside ``p_u^T``."""
        own = (x for x in walk(inner) if isinstance(x, Symbol) and label in x.labels)
        return any(x.name in self.context.turned and len(x.labels) == 1 for x in own)

    def _is_length(self, inner: Formula, opened: Token) -> bool:
        r"""Whether bars stand around a vector: in bold type its length, else they are refused."""
        if not self.is_vector(inner):
            return False
        text = to_text(inner)
        if not self.has_bold(inner):
            raise length_or_entries(text, self.at(opened))
        whole = f"the vector {text}" if isinstance(inner, Symbol) else "a vector"
        self.context.survey.notes.setdefault(f"|{text}| is the length of {whole}")
        return True

    def is_vector(self, formula: Formula) -> bool:
        r"""Whether a formula is a vector, in bold type or declared: ``\mathbf{x} - \mathbf{y}``."""
        match formula:
            case Symbol(name=name, labels=()) if name[:1].islower():
                return self.has_bold(formula) or self.context.rank(name) == 1
            case Symbol(name=name):
                return name[:1].islower() and self.has_bold(formula)
            case Sum(terms=terms):
                return any(map(self.is_vector, terms))
            case Product(factors=factors, divides=divides) if TRANSPOSED not in walk(formula):
                found = [x for x, d in zip(factors, divides, strict=True) if self.is_vector(x)]
                return len(found) == 1 and not any(divides)
        return False

    def _in_plain_bars(self) -> Formula:
        """Read a formula up to a plain bar."""
        formula = self.formula()
        self.bars.pop()
        return formula
