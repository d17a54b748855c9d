r"""What has a form of its own in LaTeX: fractions, derivatives, functions, sums, cases, bars."""

from __future__ import annotations

from collections.abc import Collection

from eingrad.notation.summation import Summation
from eingrad.notation.syntax import (
    Call,
    Derivative,
    Formula,
    Number,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
)
from eingrad.notation.tex import names
from eingrad.notation.tex.scripts import MINUS_ONE, TRANSPOSED, Entry, ScriptReader, Scripts
from eingrad.notation.tex.tokens import Token
from eingrad.notation.words import MATRIX_FUNCTIONS, OVER_AXES


class CallReader(ScriptReader):
    """Reads what begins with a command."""

    bars: list[str]

    def inside(self) -> Formula:
        """Read a formula that something encloses; see `Parser`."""
        raise NotImplementedError

    def factor(self) -> Formula:
        """Read one factor; see `Parser`."""
        raise NotImplementedError

    def product(self) -> Formula:
        """Read factors side by side; see `Parser`."""
        raise NotImplementedError

    # --- fractions and derivatives ---

    def fraction(self) -> Formula:
        r"""Read ``\frac{a}{b}``, also where it is a derivative."""
        token = self.next()
        derivative = self._derivative(token)
        if derivative is not None:
            return derivative
        above, below = self.argument(), self.argument()
        factors: tuple[Formula, ...] = (above,)
        if isinstance(above, Product) and not any(above.divides):
            factors = above.factors
        divides = (*[False] * len(factors), True)
        return Product((*factors, below), divides, self.at(token))

    def _derivative(self, token: Token) -> Formula | None:
        r"""Read ``\frac{\partial L}{\partial W_{ij}}`` behind its ``\frac``."""
        start = self.k
        if not (self.take("LBRACE") and self._differential()):
            self.k = start
            return None
        self._order()
        of: Formula | None = None
        if not self.take("RBRACE"):
            if self.peek().kind in {"SIGN", "TIMES", "OPEN", "NUMBER"}:
                self.k = start
                return None  # d (a + b) with a tensor d
            of = self.plain_tensor()
            if not self.take("RBRACE"):
                self.k = start
                return None
        self.expect("LBRACE", "the lower part of the fraction")
        wrt = self._differentials()
        if not wrt:
            self.k = start
            return None
        self.expect("RBRACE", "a closing brace")
        if of is None:
            if self.peek().kind != "OPEN":
                raise self.error(
                    "a derivative of nothing", r"write \frac{\partial L}{\partial x_i}", token
                )
            of = self.group()
        return Derivative(of, wrt, self.at(token))

    def group(self) -> Formula:
        """Read what stands in parentheses; see `Parser`."""
        raise NotImplementedError

    def inline_derivative(self) -> Formula:
        r"""Read ``\partial L / \partial W_{ij}``."""
        token = self.next()
        self._order()
        of = self.plain_tensor()
        self.expect("SLASH", "a slash")
        wrt = self._differentials()
        if not wrt:
            raise self.error(
                r"\partial L / without \partial after it", r"write \partial L / \partial W_{ij}"
            )
        return Derivative(of, wrt, self.at(token))

    def _differentials(self) -> tuple[Symbol, ...]:
        wrt: list[Symbol] = []
        while self._differential():
            wrt.append(self.plain_tensor())
        return tuple(wrt)

    def _differential(self) -> bool:
        r"""Go past ``\partial``, ``d`` or ``\mathrm{d}``."""
        if self.take("COMMAND", r"\partial"):
            return True
        if "d" in self.context.tensors:
            return False
        if self.peek().text == r"\mathrm" and self.group_text(1) == "d":
            self.k += 4
            return True
        return self.take("LETTER", "d") is not None

    def _order(self) -> None:
        if self.take("SUP"):
            self.argument()

    # --- functions ---

    def call(self, function: str, token: Token) -> Formula:
        """Read what follows a function's name: its axes, a power and the arguments."""
        if function == "arg":
            head = self.next().text
            if head not in {r"\max", r"\min"}:
                raise self.error(r"\arg without \max", r"write \arg\max_{o}", token)
            function = "argmax"
        scripts = self.scripts() if self.peek().kind in {"SUP", "SUB", "PRIME"} else Scripts()
        if function == "log" and self.take("COMMAND", r"\det"):
            function, scripts = "logdet", self.scripts()
        if scripts.number and function not in self.context.functions:
            raise self.error(f"{function} with the number {scripts.number}",
                      "write a logarithm to another base as a quotient", token)  # fmt: skip
        axes = self._axes(scripts.entries, token)
        args = self._arguments()
        result = self._applied(function + scripts.number + scripts.primes, args, axes, token)
        if scripts.power is None:
            return result
        if scripts.power in (MINUS_ONE, TRANSPOSED):
            reason = f"{function} with the exponent -1 may be its inverse or its reciprocal"
            raise self.error(reason, r"write \arcsin, or a fraction", token)
        return Power(result, scripts.power, self.at(token))

    def _axes(self, entries: tuple[Entry, ...] | None, token: Token) -> tuple[str, ...]:
        axes = tuple(x for x in entries or () if isinstance(x, str))
        if len(axes) < len(entries or ()):
            raise self.error(
                "a function goes over labels", "write letters below the function", token
            )
        return axes

    def _arguments(self) -> tuple[Formula, ...]:
        """Read arguments in parentheses, or the one factor that follows."""
        opened = self.peek()
        if opened.kind != "OPEN" or opened.text in {"|", r"\|"}:
            return (self.factor(),)
        self.next()
        if self.take("CLOSE"):
            return ()
        args = [self.inside()]
        while self.take("COMMA"):
            args.append(self.inside())
        self.close(opened)
        return tuple(args)

    def close(self, opened: Token) -> None:
        """Go past a closing parenthesis, or raise."""
        if not self.take("CLOSE"):
            raise self.error(
                f"the parenthesis {opened.text} is not closed", "write its partner", opened
            )

    def _applied(
        self, function: str, args: tuple[Formula, ...], axes: tuple[str, ...], token: Token
    ) -> Formula:
        position = self.at(token)
        if function in names.PAIRS and len(args) == 2 and not axes:
            return Call(names.PAIRS[function], args, (), position)
        if function in MATRIX_FUNCTIONS and not axes and len(args) == 1:
            return self.matrix(function, args[0], self._two_labels(function, args[0], token), token)
        if function in OVER_AXES and not axes and len(args) == 1 and self.peek().kind == "SUB":
            labels = self._axes(self.scripts().entries, token)  # softmax(a)_o
            if isinstance(args[0], Symbol) and not args[0].labels:
                args = (Symbol(args[0].name, labels, args[0].position, brackets=True),)
            axes = labels[-1:]
        return Call(function, args, axes, position)

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
        if isinstance(arg, Symbol) and set(arg.labels).isdisjoint(axes):
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

    # --- sums ---

    def big(self) -> Formula:
        r"""Read ``\sum_{b=1}^{m}`` with the product that follows."""
        token = self.next()
        function = names.BIG[token.text]
        axes: tuple[str, ...] = ()
        upper = ""
        start = "1"
        while self.peek().kind in {"SUB", "SUP"}:
            if self.take("SUB"):
                axes, start = self._below(token)
            else:
                self.next()
                upper = self._above()
        if not axes:
            raise self.error(f"{token.text} names no label", rf"write {token.text}_{{i}}", token)
        name = upper.removesuffix("-1") if start == "0" else upper
        if len(axes) == 1 and name and not name[-1:].isdigit() and "-" not in name:
            self.context.found.setdefault(name, axes[0])
        minus = False
        while sign := self.take("SIGN"):
            minus ^= sign.text == "-"
        body = self.product()
        body = Sum((body,), (True,), body.position) if minus else body
        return Call(function, (body,), axes, self.at(token))

    def _below(self, token: Token) -> tuple[tuple[str, ...], str]:
        """Read what stands below a sum sign: the labels, and where the first one begins."""
        if not self.take("LBRACE"):
            entries = self.entries()
            return self._axes(entries if isinstance(entries, tuple) else (), token), "1"
        labels: list[Entry] = []
        start = "1"
        while not self.take("RBRACE"):
            if self.take("COMMA"):
                continue
            if self.take("EQUAL"):
                start = self.expect("NUMBER", "the first value").text
            elif self.take("COMMAND", r"\in"):
                while self.peek().kind not in {"RBRACE", "END"}:
                    self.next()
            else:
                labels.append(self.entry())
        return self._axes(tuple(labels), token), start

    def _above(self) -> str:
        """Read what stands above a sum sign as a text: a name, or ``m-1``."""
        if not self.take("LBRACE"):
            return self.word() if self.begins_name(self.peek()) else self.next().text
        text = ""
        while not self.take("RBRACE"):
            if self.peek().kind == "END":
                raise self.error("a closing brace is missing", "write }")
            text += self.word() if self.begins_name(self.peek()) else self.next().text
        return text

    # --- cases and bars ---

    def cases(self) -> Formula:
        r"""Read ``\begin{cases} a & \text{if } c \\ b & \text{otherwise} \end{cases}``."""
        token = self.next()
        yes = self.inside()
        self.expect("AMP", "&")
        self._word_of({"if", "for", "when"}, token)
        condition = self.inside()
        self.take("DOT")
        self.expect("ROW", r"\\")
        no = self.inside()
        self.expect("AMP", "&")
        self._word_of({"otherwise", "else"}, token)
        self.take("DOT")
        self.take("ROW")
        self.expect("ENDCASES", r"\end{cases}")
        return Call("where", (condition, yes, no), (), self.at(token))

    def _word_of(self, words: Collection[str], token: Token) -> None:
        if self.peek().text in names.FONTS and self.group_text(1) in words:
            self.word()
            return
        raise self.error(
            "cases have two rows", r"write a & \text{if } x > 0 \\ b & \text{otherwise}", token
        )

    def group_text(self, ahead: int) -> str:
        """Return the letters in the braces that begin ``ahead`` tokens from here."""
        if self.peek(ahead).kind != "LBRACE":
            return ""
        k, letters = ahead + 1, ""
        while self.peek(k).kind not in {"RBRACE", "END"}:
            letters += self.peek(k).text
            k += 1
        return letters

    def in_bars(self) -> Formula:
        """Read ``|b|``, an extent, ``|x_i|``, an absolute value, or a norm."""
        opened = self.next()
        size = self._label_in_bars(opened)
        if size is not None:
            return SizeOf(size, self.at(opened))
        self.bars.append(opened.text)
        return self.bars_closed(opened)

    def _label_in_bars(self, opened: Token) -> str | None:
        """Read a bare label and the bar behind it."""
        start = self.k
        if opened.text == "|" and self.begins_name(self.peek()):
            label = self.entry()
            if isinstance(label, str) and self.take("BAR", "|"):
                return label
        self.k = start
        return None

    def bars_closed(self, opened: Token) -> Formula:
        """Read up to the partner of a bar: an absolute value or a norm."""
        inner = self.inside() if opened.kind == "OPEN" else self.in_plain_bars()
        closed = self.next()
        if closed.kind not in {"BAR", "CLOSE"} or closed.text != opened.text:
            raise self.error(f"{opened.text} is not closed", "write it a second time", opened)
        if opened.text == "|":
            return Call("abs", (inner,), (), self.at(opened))
        scripts = self.scripts() if self.peek().kind in {"SUB", "SUP"} else Scripts()
        entries = self._axes(scripts.entries, opened)
        axes = tuple(x for x in entries if x != "F") or tuple(Summation().free(inner))
        norm = Call("norm", (inner,), axes, self.at(opened))
        return norm if scripts.power is None else Power(norm, scripts.power, norm.position)

    def in_plain_bars(self) -> Formula:
        """Read a formula up to a plain bar; see `Parser`."""
        raise NotImplementedError
