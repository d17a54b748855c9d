r"""Derivatives in LaTeX: ``\frac{\partial L}{\partial W_{ij}}``, ``dL/dx``, ``\nabla_W L``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from eingrad.core.functions.declared import PRIME, differentiated
from eingrad.errors import NotationError
from eingrad.notation.lexeme import GREEK_LETTERS
from eingrad.notation.summation import walk
from eingrad.notation.syntax import (
    AT_POINT,
    BY_ROW,
    DOT,
    ODOT,
    TRANSPOSED,
    Call,
    Derivative,
    Formula,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.tex import names
from eingrad.notation.tex.taken_at import POINT, PointReader
from eingrad.notation.text import to_text
from eingrad.notation.tokens import Token

AS_IN = r"write \frac{\partial L}{\partial W_{ij}}"
SQUARE = "^2"  # ends the name of a square that a derivative is by
UPRIGHT_D = frozenset({r"\mathrm", r"\text", r"\rm"})
ENDS_OPERAND = frozenset({
    "SIGN", "EQUAL", "COMPARE", "COMMA", "CLOSE", "RBRACE", "ENDCASES", "ROW", "AMP", "DOT", "END",
    "TIMES", "SLASH", "BAR", POINT,
})  # fmt: skip


class DerivativeReader(PointReader):
    """Reads fractions, and those among them that are derivatives."""

    divisors: int  # how many fraction bars stand above
    surely_d = False  # whether a d is that of a derivative whatever the tensors' names are
    by_row = False  # whether the last differential below a bar is of a row, \partial x^\top
    surely_delta = False  # and a \delta, whatever follows it
    total = False  # whether the last differentials below a bar have a d, no \partial

    def fraction(self) -> Formula:
        r"""Read ``\frac{a}{b}``, also where it is a derivative."""
        token = self.next()
        derivative = self._derivative(token)
        if derivative is not None:
            return derivative
        grouped = self._is_group()
        above = self.argument()
        self.divisors += 1
        below = self.argument()
        self.divisors -= 1
        factors: tuple[Formula, ...] = (above,)
        dots = isinstance(above, Product) and any(above.signs) and (
            ODOT in above.signs or self.has_bold(above)
        )  # fmt: skip
        if isinstance(above, Product) and not (any(above.divides) or grouped or dots):
            factors = above.factors
        divides = (*[False] * len(factors), True)
        dotted = isinstance(above, Product) and len(factors) > 1 and DOT in above.signs
        signs = (*above.signs, "") if isinstance(above, Product) and dotted else ()
        return Product((*factors, below), divides, self.at(token), signs)

    def _is_group(self) -> bool:
        """Whether one pair of parentheses encloses all that stands in the braces ahead."""
        if (self.peek().kind, self.peek(1).kind) != ("LBRACE", "OPEN"):
            return False
        depth, ahead = 1, 1
        while depth and self.peek(ahead).kind != "END":
            ahead += 1
            kind = self.peek(ahead).kind
            depth += (kind == "OPEN") - (kind == "CLOSE")
        return self.peek(ahead + 1).kind == "RBRACE"

    def _derivative(self, token: Token) -> Formula | None:
        r"""Read ``\frac{\partial L}{\partial W_{ij}}`` behind its ``\frac``."""
        start = self.k
        surely = self.peek(1).text == r"\partial"
        self.surely_d = self._is_quotient_of_differentials("d")
        self.surely_delta = self._is_quotient_of_differentials(r"\delta")
        if not (self.take("LBRACE") and self.differential()):
            self.k = start
            return None
        order = self._order()
        of = None if self.take("RBRACE") else self._numerator(surely)
        wrt = self._denominator() if of is not None or self.peek(-1).kind == "RBRACE" else ()
        by_row = self.by_row
        if not wrt:
            if surely:
                hint = r"\partial stands above and below: \frac{\partial y_i}{\partial x_j}"
                raise self.error(r"a derivative without \partial below its bar", hint, token)
            self.k = start  # d (a + b) / c with a tensor d
            return None
        if of is None:
            of = self._operand(token, wrt)
        elif isinstance(of, Symbol):
            self._past_point(of, wrt)
        elif isinstance(of, Call) and of.function.endswith(AT_POINT) and self._is_fixed(of, wrt):
            whole = Symbol(of.function.removesuffix(AT_POINT), (), of.position)
            taken = self._taken(whole, wrt, order, token, by_row)
            return self.taken_at(taken, self.variables(taken), of.args, token)
        return self._taken(of, wrt, order, token, by_row)

    def _past_point(self, of: Symbol, wrt: Sequence[Symbol | TensorAt]) -> None:
        r"""Go past the (x, y) of ``\frac{\partial f}{\partial x}(x, y)``, where it is taken.

        They are those with which f is defined, or what it is differentiated by.
        """
        if (self.peek().kind, self.peek().text, self.peek().spaced) == ("OPEN", "(", False):
            given = [x.name for x in self.arguments_ahead()]
            known = self.context.applied.get(of.name)
            own = [x.name for x in known.arguments] if known is not None else None
            if given and known is not None and given in (own, [x.name for x in wrt][:1]):
                self.arguments_past()

    @staticmethod
    def _is_fixed(of: Formula, wrt: Sequence[Symbol | TensorAt]) -> bool:
        r"""Whether what is differentiated is at a point, ``\frac{\partial f(2)}{\partial x}``."""
        names_in = {x.name for x in walk(of) if isinstance(x, Symbol | TensorAt)}
        return names_in.isdisjoint(x.name for x in wrt)

    def _is_quotient_of_differentials(self, sign: str) -> bool:
        r"""Whether ``{dL}{dx}`` comes next: a number d would cancel."""
        end = 0
        depth = 0
        while self.peek(end).kind != "END":
            depth += (self.peek(end).kind == "LBRACE") - (self.peek(end).kind == "RBRACE")
            end += 1
            if not depth:
                break
        begins = (
            (self.peek(0).kind, self.peek(1).text),
            (self.peek(end).kind, self.peek(end + 1).text),
        )
        if sign != "d":
            return begins == (("LBRACE", sign),) * 2 and self.begins_name(self.peek(end + 2))
        if begins != (("LBRACE", "d"), ("LBRACE", "d")):
            return False
        above = self.peek(2)
        opens = above.kind in {"RBRACE", "BAR", "OPEN", "SUP"} or bool(
            names.function_command(above.text)
        )
        return self.begins_name(above) or (opens and self.begins_name(self.peek(end + 2)))

    def _numerator(self, surely: bool) -> Formula | None:
        """Read what is differentiated, up to the closing brace: a tensor or a formula."""
        start = self.k
        readers: tuple[Callable[[], Formula], ...] = (self.differentiated, self.product)
        failed: NotationError | None = None
        for read in readers if surely or self._joined_to_d() else ():
            self.k = start
            depth = self.depth
            try:
                formula = read()
            except NotationError as error:
                failed, self.depth = error, depth
                continue
            if self.take("RBRACE"):
                return formula
        if surely and failed is not None:
            raise failed
        return None

    def _joined_to_d(self) -> bool:
        """Whether no space, sign or parenthesis stands behind a ``d``."""
        token = self.peek()
        if token.kind in {"SIGN", "TIMES", "OPEN", "NUMBER", "SLASH"}:
            return False
        return (
            not token.spaced
            or self.peek(-1).kind in {"RBRACE", "COMMAND"}
            or self._is_spaced_quotient()
        )

    def _is_spaced_quotient(self) -> bool:
        r"""Whether ``{d y}{d x}`` goes on here, with a d below, too."""
        depth = k = 0
        while depth >= 0 and self.peek(k).kind != "END":
            depth += (self.peek(k).kind == "LBRACE") - (self.peek(k).kind == "RBRACE")
            k += 1
        below = self.peek(k + 1)
        return self.peek(k).kind == "LBRACE" and (below.text == "d" or below.text in UPRIGHT_D)

    def _denominator(self) -> tuple[Symbol | TensorAt, ...]:
        """Read the lower part of a derivative's fraction; () if it is none."""
        start = self.k
        if self.take("LBRACE"):
            wrt = self.differentials()
            if wrt and self.take("RBRACE"):
                return wrt
        self.k = start
        return ()

    def differentiated(self) -> Symbol:
        r"""Read a tensor, with its arguments if it has any: ``\mathcal{L}(y, t)``."""
        start = self.peek()
        tensor, power = self.plain_tensor()
        if power != 1:
            raise self.error("a derivative of a power without parentheses", AS_IN, start)
        if self._calls(tensor):
            return tensor
        if tensor.labels:
            self.skip_arguments()
            return tensor
        if tensor.name in self.context.applied and self.arguments_ahead():
            return self.dependent(tensor.name, start)
        self.skip_arguments()
        return self._labelled_behind(tensor) if self.context.survey.arguments else tensor

    def defined(self) -> Symbol:
        r"""Read a tensor with arguments as it is defined: ``L(y, t)``, ``\sigma(\mathbf{z})_i``."""
        tensor, _ = self.plain_tensor()
        if not self._calls(tensor) or tensor.name == "sigma":
            self.skip_arguments()
        return self._labelled_behind(tensor) if self.context.survey.arguments else tensor

    def _labelled_behind(self, tensor: Symbol) -> Symbol:
        r"""Read the labels behind arguments, ``\sigma(\mathbf{z})_i``, if there are any."""
        if tensor.labels or self.peek().kind != "SUB":
            return tensor
        token = self.next()
        entries = self.entries()
        found = () if isinstance(entries, str) else tuple(entries.items)
        labels = tuple(x for x in found if isinstance(x, str))
        if not labels or len(labels) < len(found):
            hint = "write labels, one letter for each axis"
            raise self.error("something else than labels behind arguments", hint, token)
        return Symbol(tensor.name, labels, tensor.position, brackets=True)

    def _calls(self, tensor: Symbol) -> bool:
        if tensor.name in self.context.applied:
            return False
        known = names.function_name(tensor.name) or tensor.name == "sigma"
        return bool(known) or self.context.is_function(tensor.name)

    def dependent(self, name: str, token: Token) -> Symbol:
        """Read the arguments of a tensor that is written with some: ``h(x_j)`` is h_j."""
        known, start = self.context.applied[name], self.k
        self.skip_arguments()
        given = self.context.survey.arguments if self.k > start else ()
        same = [a.name for a in given] == [a.name for a in known.arguments]
        letters = {
            old: new
            for mine, own in zip(given, known.arguments, strict=False)
            for old, new in zip(own.labels, mine.labels, strict=False)
        }
        names_of = [{a.name for a in own} for own in (given, known.arguments)]
        other = bool(given) and bool(known.arguments) and names_of[0].isdisjoint(names_of[1])
        if other or (known.labels and (not same or not letters.keys() >= {*known.labels})):
            hint = f"it is defined as {name}({', '.join(a.name for a in known.arguments)})"
            raise self.error(f"{name} of something else than where it is defined", hint, token)
        labels = tuple(letters[x] for x in known.labels)
        return self._labelled_behind(Symbol(name, labels, self.at(token), brackets=True))

    def _goes_on_beside(self, inner: Formula, wrt: Sequence[Symbol | TensorAt]) -> bool:
        r"""Whether ``(1 - y) \log(...)`` is differentiated as a whole.

        The parentheses do not hold that by which is differentiated, and a function follows them.
        """
        after = self.peek()
        called = names.function_command(after.text) or after.text == r"\operatorname"
        own = {x.name for x in walk(inner) if isinstance(x, Symbol | TensorAt)}
        return bool(called) and own.isdisjoint(x.name for x in wrt)

    def _operand(self, token: Token, wrt: Sequence[Symbol | TensorAt] = ()) -> Formula:
        r"""Read what follows ``\frac{\partial}{\partial x}``: one factor, in parentheses or not."""
        first, start = self.peek(), self.k
        opens_bars = first.kind == "BAR" and not self.closes_bars(first)
        if first.kind in ENDS_OPERAND and not opens_bars:
            raise self.error("a derivative of nothing", AS_IN, token)
        if first.kind == "OPEN" and first.text not in {"|", r"\|"} and not self._is_turned():
            inner = self.factor() if first.text == "(" else self.group()
            if self.peek().kind == "SUP":
                raise self.error("a power of a derivative or of what it is taken of", AS_IN, first)
            if first.text == "(" and self._goes_on_beside(inner, wrt):
                self.k = start
                return self.product()
            return inner
        tensor = self._plain_operand()
        if tensor is not None:
            return tensor
        self.k = start
        of = self.product()  # \frac{\partial}{\partial z_i} t_j \log y_j
        if any(isinstance(x, Derivative) for x in walk(of)):
            hint = r"write \frac{\partial}{\partial x_i} \left[ ... \right]"
            raise self.error("how far this derivative reaches is not clear", hint, token)
        return of

    def _is_turned(self) -> bool:
        r"""Whether a transpose stands behind the parentheses ahead: ``(x - A s)^T W (x - A s)``."""
        k = self.past_parentheses()
        raised = {self.peek(k + j).text for j in range(1, 4)}
        return self.peek(k).kind == "SUP" and bool(raised & names.TRANSPOSED)

    def _plain_operand(self) -> Symbol | None:
        """Read one tensor, with its arguments if it has any; None if there is more."""
        if not self.begins_name(self.peek()):
            return None
        try:
            tensor = self.differentiated()
        except NotationError:  # a power, a function, an integer among the labels
            return None
        after = self.peek()
        opens = after.kind == "BAR" and not self.closes_bars(after)  # \lambda \|w\|^2
        return tensor if after.kind in ENDS_OPERAND and not opens else None

    def _taken(
        self, of: Formula, by: tuple[Symbol | TensorAt, ...], order: Formula, token: Token,
        by_row: bool = False,
    ) -> Formula:  # fmt: skip
        """Return a derivative of an order, once for each tensor that it is by.

        That by a square is dL/ds / (2 s).
        """
        for x in by:
            self._check_apart(x, token)
        by = _squared_once(by, order)
        squares = [x for x in by if isinstance(x, Symbol) and x.name.endswith(SQUARE)]
        if squares:
            roots = tuple(
                replace(x, name=x.name.removesuffix(SQUARE)) if x in squares else x for x in by
            )
            taken = self._taken(of, roots, order, token, by_row)
            root = next(r for x, r in zip(by, roots, strict=True) if x in squares)
            if len(squares) == 1:
                return _over(taken, (Number(2), root))
            if len({*squares}) < len(squares) == 2:  # d2L / (4 s^2) - dL / (4 s^3)
                slope = self._taken(of, roots[:1], Number(1), token, by_row)
                first, last = (Power(root, Number(k)) for k in (2, 3))
                terms = _over(taken, (Number(4), first)), _over(slope, (Number(4), last))
                return Sum(terms, (False, True), taken.position)
            raise self.error("a derivative by two squares", "give the squares names", token)
        if isinstance(order, Number) and order.value != len(by):
            reason = f"a derivative of order {order.value} by {len(by)} tensors"
            raise self.error(
                reason,
                "one differential for each order stands below the bar; a square has no name",
                token,
            )
        if not by:
            hint = "an order is a number: \\nabla_w^2 L"
            raise self.error("a derivative of no known order", hint, token)
        if isinstance(of, Symbol) and of.name in self.context.squared:  # \sigma^2 = w^T A w
            square = replace(of, name=of.name + names.SQUARED)
            of = Call("sqrt", (square,), (), of.position)
        if of == Symbol("sigma") and self.context.closed and not (
            "sigma" in self.context.tensors or "sigma" in self.context.functions
        ):  # fmt: skip
            of = Call("sigmoid", by[:1], (), self.at(token))  # \frac{d\sigma}{dz}
        if (partial := self._by_arguments(of, by)) is not None:
            return partial
        derivative = self.derivative(of, by, token)
        if token.text == r"\nabla" and isinstance(derivative, Derivative):
            derivative = replace(derivative, nabla=True)
        elif isinstance(derivative, Derivative):
            derivative = replace(derivative, total=self.total and token.text != r"\partial")
        return Power(derivative, BY_ROW, self.at(token)) if by_row else derivative

    def _check_apart(self, by: Symbol | TensorAt, token: Token) -> None:
        r"""Raise for a derivative by u_o, a name, or by u_w, where it may be one of the u_w.

        So it is in a softmax over all w, and not beside samples that are drawn apart.
        """
        applied = self.context.applied.values()
        arguments = {x.name for own in applied for x in own.arguments}  # phi(z_h) beside z_o
        for whole in self.context.tensors if self.context.closed else ():
            base, letter = whole[:-1], whole[-1:]
            ranks = self.context.rank(base), self.context.rank(whole)
            if by.name in {base, whole} and letter.isalpha() and whole not in GREEK_LETTERS and (
                None not in ranks and ranks[0] == (ranks[1] or 0) + 1 and base not in arguments
                and (len(base) == 1 or base in GREEK_LETTERS)
            ):  # fmt: skip
                hint = rf"give it another letter, or a tilde: \tilde{{{base}}}"
                reason = f"whether {base}_{letter} is one of the {base} is open"
                raise self.error(reason, hint, token)

    def _by_arguments(self, of: Formula, by: Sequence[Symbol | TensorAt]) -> Formula | None:
        r"""Return the partial derivative of any function by its arguments, None of anything else.

        In ``\frac{\partial f(x, h, w)}{\partial w}`` the h stays where it is, whatever it is of;
        with d for \partial, or by what is no argument, the derivative is a total one.
        """
        if self.total or not isinstance(of, Call) or of.axes:
            return None
        name = of.function
        if names.function_name(name) or self.context.applied.get(name) is not None:
            return None
        for x in by:
            places = [k for k, argument in enumerate(of.args) if argument == x]
            if len(places) != 1 or len(of.args) < 2:
                return None
            name = differentiated(name, places[0], len(of.args))
        return replace(of, function=name)

    # --- in one line ---

    def partials_below(self, name: str) -> tuple[Symbol, ...]:
        r"""Go past the ``_{xy}`` of ``f_{xy}`` where the model defines f(x, y); return x and y."""
        context, start = self.context, self.k
        known = context.applied.get(name)
        if not context.closed or known is None or context.rank(name) != 0:
            return ()
        primes = self._primes()
        token = self.peek()
        if not self.take("SUB"):
            self.k = start
            return ()
        braces = self.take("LBRACE")
        found: list[str] = []
        while self.begins_name(self.peek()) and (braces or not found):
            found.append(self.word(label=True))
            self.take("COMMA")
        closed = (not braces or self.take("RBRACE")) and len(primes + self._primes()) < 2
        if not closed or not {*found} <= {x.name for x in known.arguments} or (
            name + "".join(found) in context.tensors
        ):  # fmt: skip
            self.k = start
            return ()
        self.skip_arguments()
        return tuple(Symbol(x, (), self.at(token)) for x in found)

    def begins_slope(self) -> bool:
        r"""Whether ``f_x`` or ``D_x`` comes next, which is a derivative."""
        start = self.k
        name = self.word(label=True)
        found = bool(self.partials_below(name))
        self.k = start
        return found or self.begins_operator()

    def begins_operator(self) -> bool:
        r"""Whether the D of ``D_x f`` or ``D f(x)`` comes next, which no tensor is called."""
        context, after = self.context, self.peek(1)
        known = "D" in context.tensors or "D" in context.functions
        begins = after.kind == "SUB" or (after.kind == "LETTER" and after.text in context.applied)
        return context.closed and self.peek().text == "D" and not known and begins

    def operator(self) -> Formula:
        """Read ``D_x f``, or ``D f(x)`` of a number x."""
        if self.peek(1).kind == "SUB":
            return self.inline_derivative()
        token = self.peek()
        found = self.gradient()
        if isinstance(found, Derivative) and self.context.rank(found.wrt[0].name):
            hint = rf"write \nabla_{{{found.wrt[0].name}}}"
            raise self.error("D by a vector may be a row or a column", hint, token)
        return found

    def inline_derivative(self) -> Formula:
        r"""Read ``\partial L / \partial W_{ij}``, and ``\partial_{W_{ij}} L``."""
        token = self.next()
        order = self._order()
        if self.peek().kind == "SUB":
            return self._gradient_by(token, order)
        of = self.group() if self.peek().text == "(" else self.differentiated()
        self.expect("SLASH", "a slash")
        wrt = self.differentials()
        if not wrt:
            raise self.error(
                r"\partial L / without \partial after it", r"write \partial L / \partial W_{ij}"
            )
        return self._taken(of, wrt, order, token, self.by_row)

    def short_derivative(self) -> Formula | None:
        """Read ``dL/dx_i`` without spaces, None if this is something else."""
        start = self.k
        token = self.peek()
        if self.differential() and self.begins_name(self.peek()) and self._joined_to_d():
            try:
                of = self.differentiated()
            except NotationError:
                of = None
            slash = self.peek()
            close = not slash.spaced or token.text == r"\delta"  # d L / d x may be a quotient
            if of is not None and self.take("SLASH") and close and self._is_d(close):
                wrt = self.differentials()
                if wrt:
                    return self._taken(of, wrt, Number(len(wrt)), token, self.by_row)
        self.k = start
        return None

    def _is_d(self, spaced: bool = False) -> bool:
        token = self.peek()
        if spaced and token.text == r"\delta":
            return True
        return not token.spaced and token.text in {"d", r"\delta", *UPRIGHT_D}

    def differentials(self) -> tuple[Symbol | TensorAt, ...]:
        r"""Read ``\partial w_i \partial w_j``; ``\partial w_i^2`` counts twice."""
        wrt: list[Symbol | TensorAt] = []
        rows: list[bool] = []
        self.total = self.peek().text != r"\partial"
        while self.differential():
            first = self.peek()
            if (square := self._square_in_parentheses()) is not None:
                times = 2 if self.take_square() else 1
                wrt += [square] * times
                rows += [False] * times
                continue
            tensor, times = self.tensor_or_entry(transposed=True)
            if isinstance(tensor, Symbol) and times == 1 and self._is_taken(tensor):
                tensor = self._as_taken(tensor, first)
            wrt += [tensor] * times
            rows += [self.is_row] * times
        self.by_row = rows == [True]
        if rows == [True, False]:  # \partial y^\top \partial x: a row for each entry of x
            wrt.reverse()
        return tuple(wrt)

    def _square_in_parentheses(self) -> Symbol | None:
        r"""Read the ``(\sigma^2)`` of ``\partial (\sigma^2)``, if it comes next."""
        start = self.k
        if self.take("OPEN", "("):
            tensor, times = self.tensor_or_entry() if self.begins_name(self.peek()) else (None, 0)
            if isinstance(tensor, Symbol) and times == 2 and self.take("CLOSE", "("):
                return replace(tensor, name=tensor.name + SQUARE)
        self.k = start
        return None

    def take_square(self) -> bool:
        r"""Go past the ``^2`` of ``\partial (\sigma^2)^2``."""
        texts = [self.peek(k).text for k in range(4)]
        length = 4 if texts[1:] == ["{", "2", "}"] else 2 if texts[1:2] == ["2"] else 0
        found = self.peek().kind == "SUP" and length > 0
        self.k += length if found else 0
        return found

    def _is_taken(self, tensor: Symbol) -> bool:
        r"""Whether the (x) of ``\partial f(x)`` comes next, of an f that the text has so."""
        called = self.peek().text == "(" and not (tensor.labels or self.peek().spaced)
        context = self.context
        known = tensor.name in context.applied or (
            context.closed and context.is_function(tensor.name))  # fmt: skip
        return called and known and self.lone_arguments() > 0

    def _as_taken(self, tensor: Symbol, token: Token) -> Symbol:
        r"""Read the (x_i) of ``\partial f(x_i)``, which is by the entry i of f."""
        if tensor.name in self.context.applied:
            return self.dependent(tensor.name, token)
        given = self.arguments_ahead()
        self.arguments_past()
        return replace(tensor, labels=given[0].labels)

    def differential(self) -> bool:
        r"""Go past ``\partial``, ``d`` or ``\mathrm{d}``; ``\delta`` in a fraction, too."""
        if self.take("COMMAND", r"\partial"):
            return True
        if self.peek().text == r"\delta" and (self.surely_delta or self._is_variation()):
            self.next()
            return True
        if "d" in self.context.tensors and not self.surely_d:
            return False
        if self.peek().text in UPRIGHT_D and self.group_text(1) == "d":
            self.k += 4
            return True
        if self.peek().text in UPRIGHT_D and self.peek(1).text == "d":
            self.k += 2
            return True
        return self.take("LETTER", "d") is not None

    def _is_variation(self) -> bool:
        r"""Whether ``\delta`` stands for ``\partial`` here: ``\frac{\delta J}{\delta\theta_j}``."""
        after = self.peek(1)
        opens = self.k == 0 or self.peek(-1).kind not in {"SUB", "SUP"}
        return opens and after.text != r"\delta" and self.begins_name(after)

    def _order(self) -> Formula:
        """Read the order of a derivative: 1 where none stands."""
        return self.argument() if self.take("SUP") else Number(1)

    # --- nabla ---

    def gradient(self) -> Formula:
        r"""Read ``\nabla_{W} L`` and ``\nabla L_W``; labels may follow it in parentheses."""
        token = self.next()
        order = Number(2) if self.take("COMMAND", token.text) else self._order()
        if self.peek().kind == "SUB":
            return self._gradient_by(token, order)
        of, _ = self.plain_tensor()
        if (point := self._point_of(of)) is not None:
            by = Symbol(point[0].name, (), of.position)
            found = self._taken(of, (by,) * _times(order), order, token)
            return self.taken_at(found, (by,), point[1:], token)
        if not of.labels and self.lone_arguments() == 1:
            self.next()
            by, _ = self.plain_tensor()  # \nabla L(w)
            self.expect("CLOSE", "a closing parenthesis")
            return self._taken(of, (by,) * _times(order), order, token)
        known = self.context.applied.get(of.name)
        if not of.labels and known is not None and len(known.arguments) == 1:
            by = Symbol(known.arguments[0].name, (), of.position)  # \nabla g of a g(C)
            return self._taken(of, (by,) * _times(order), order, token)
        self.skip_arguments()
        if len(of.labels) != 1 or order != Number(1):
            raise self.error(r"\nabla by nothing", r"write \nabla_{W_{ij}} L", token)
        by = Symbol(of.labels[0], (), of.position)
        return self._taken(Symbol(of.name, (), of.position), (by,), order, token)

    def _point_of(self, of: Symbol) -> tuple[Symbol, Formula] | None:
        r"""Read the ``(a)`` of ``\nabla f(a)`` where the model defines f(x); return x and a."""
        known = self.context.applied.get(of.name)
        if known is None or of.labels or len(known.arguments) != 1 or self.peek().text != "(":
            return None
        (own,), start = known.arguments, self.k
        values = self.arguments()
        other = len(values) == 1 and values[0] != own and self.are_values(values)
        end, self.k = self.k, start
        if other:
            self.k = end
            return own, values[0]
        if not self.are_own(self.arguments_ahead(), known.arguments) and [
            x.name for x in self.arguments_ahead()
        ] not in ([], [own.name]):
            hint = r"write \left. ... \right|_{x=...}"
            raise self.error(f"a derivative of {of.name} at {to_text(values[0])}", hint)
        return None

    def _by_places(self, places: Token, braces: bool) -> Formula:
        r"""Read what stands behind ``\partial_{2}``: f(x, y), by its second argument."""
        if braces:
            self.expect("RBRACE", "a closing brace")
        of = self.factor()
        if not isinstance(of, Call) or of.axes or PRIME in of.function:
            hint = r"write \partial_2 f(x, y) for the derivative of f by its second argument"
            raise self.error("a derivative by the place of an argument", hint, places)
        own = "".join(sorted(places.text))
        return replace(of, function=f"{of.function}{PRIME}{own}")

    def _gradient_by(self, token: Token, order: Formula) -> Formula:
        r"""Read ``_{w_j} L(w, b)`` behind a sign: what it is by stands below, and what of after."""
        self.next()
        braces = self.take("LBRACE")
        if token.text == r"\partial" and (places := self.take("NUMBER")) is not None:
            return self._by_places(places, braces is not None)
        by, times = self.tensor_or_entry(transposed=True)
        by_row = self.is_row
        more: tuple[Symbol | TensorAt, ...] = ()
        if braces and times == 1 and order == Number(1) and self.begins_name(self.peek()):
            more = (self.tensor_or_entry()[0],)  # \partial_{xy} f
        if braces:
            self.expect("RBRACE", "a closing brace")
        if times > 1 and (braces or order != Number(1)):
            hint = rf"write the order behind the braces: {token.text}_{{w}}^2 L"
            raise self.error("a derivative by a square", hint, token)
        order = Number(times) if times > 1 else order
        if self.take("SUP"):
            order = self.argument()
        if self.peek().kind in {"EQUAL", "END"}:
            hint = rf"write what it is the derivative of: {token.text}_{{W}} L"
            raise self.error(rf"{token.text} of nothing", hint, token)
        first, start = self.peek(), self.k
        of = self._reached(first)
        if self._goes_on_with(of, by):
            if isinstance(of, Symbol) and not self._is_weight(of):
                hint = rf"write {token.text}_{{x}} \left( ... \right)"
                raise self.error("how far this derivative reaches is not clear", hint, token)
            self.k = start
            of = self.product()  # \nabla_w \frac{1}{2} \|w\|^2
        if token.text == r"\partial" and self.begins_factor(self.peek()):
            raise self.error("how far this derivative reaches is not clear",
                             r"write \partial_{x} \left( ... \right)", token)  # fmt: skip
        if more:
            return self._taken(of, (by, *more), Number(2), token, by_row)
        return self._taken(of, (by,) * _times(order), order, token, by_row)

    def _is_weight(self, name: Symbol) -> bool:
        r"""Whether a name is the lambda of ``\nabla_W \lambda \|W\|^2``."""
        number = self.context.rank(name.name) in {None, 0} and not name.labels
        return number and name.name in names.WEIGHTS

    def _goes_on_with(self, of: Formula, by: Symbol | TensorAt) -> bool:
        r"""Whether a factor does not hold what a gradient is by, and the factors behind it do.

        A derivative among them is the next link of a chain.
        """

        def holds(formula: Formula) -> bool:
            own = (x for x in walk(formula) if isinstance(x, Symbol | TensorAt))
            return any(x.name == by.name for x in own)

        ahead, start = self.peek(), self.k
        opens = ahead.kind == "BAR" and not self.closes_bars(ahead)
        beside = ahead.kind not in {"TIMES", "SUP"} and self.begins_factor(ahead)
        if holds(of) or not (opens or beside):
            return False
        rest = self.product()
        self.k = start
        return holds(rest) and not any(isinstance(x, Derivative) for x in walk(rest))

    def _reached(self, first: Token) -> Formula:
        r"""Read what a gradient is of: a tensor, a factor, ``\mu^T A \mu`` up to the next sign."""
        if not self.begins_name(first) or self._begins_function():
            return self.factor()
        start = self.k
        name = self.word()
        behind = self.k
        scripts = self.scripts()
        if scripts.power == TRANSPOSED and scripts.entries is None and self.context.rank(name) == 0:
            self.k = behind  # \nabla_x f^\top: of the gradient, for f is a number
            return Symbol(name, (), self.at(first))
        self.k = start
        return self.product() if scripts.power == TRANSPOSED else self.differentiated()

    def _begins_function(self) -> bool:
        """Whether a name that comes next is a function."""
        start = self.k
        name = self.word(label=True)
        self.k = start
        return self._calls(Symbol(name))

    def group_text(self, ahead: int) -> str:
        """Return the letters in the braces that begin ``ahead`` tokens from here."""
        if self.peek(ahead).kind != "LBRACE":
            return ""
        k, letters = ahead + 1, ""
        while self.peek(k).kind not in {"RBRACE", "END"}:
            letters += self.peek(k).text
            k += 1
        return letters


def _squared_once(
    by: tuple[Symbol | TensorAt, ...], order: Formula
) -> tuple[Symbol | TensorAt, ...]:
    r"""Return what a derivative is by, with the square of s for ``s s`` if its order is one less:
    ``\frac{\partial L}{\partial s^2}``."""
    pairs = [k for k in range(len(by) - 1) if by[k] == by[k + 1]]
    one = isinstance(order, Number) and order.value == len(by) - 1
    if not one or len(pairs) != 1 or not isinstance(root := by[pairs[0]], Symbol):
        return by
    (k,) = pairs
    return (*by[:k], replace(root, name=root.name + SQUARE), *by[k + 2 :])


def _over(above: Formula, below: tuple[Formula, ...]) -> Product:
    return Product((above, *below), (False, *(True for _ in below)), above.position)


def _times(order: Formula) -> int:
    """Return how often a derivative of this order is taken by the one tensor below its sign."""
    return int(order.value) if isinstance(order, Number) else 0
