r"""Names and what hangs on them: ``\mathbf{W}^{(1)}_{ij}``, ``\hat{y}_b^2``, ``Z_{b, y_b}``."""

from __future__ import annotations

from dataclasses import dataclass

from eingrad.notation.syntax import Formula, Gather, Number, Sum, Symbol
from eingrad.notation.tex import names
from eingrad.notation.tex.stream import Stream
from eingrad.notation.tex.tokens import Token

Entry = str | Symbol | Gather
MINUS_ONE = Sum((Number(1),), (True,))
TRANSPOSED = Symbol("\\top")  # stands for an exponent until the labels are read


@dataclass
class Scripts:
    """What hangs on a name; ``power_first`` says that the power stands before the labels."""

    number: str = ""
    entries: tuple[Entry, ...] | None = None
    power: Formula | None = None
    primes: str = ""
    power_first: bool = False


class ScriptReader(Stream):
    """Reads names with labels."""

    def braced(self) -> Formula:
        """Read what stands in braces as a formula; see `Parser`."""
        raise NotImplementedError

    def begins_name(self, token: Token) -> bool:
        """Whether a token begins a name."""
        known = names.FONTS | names.ACCENTS.keys()
        return token.kind == "LETTER" or token.text in known or names.greek(token.text) is not None

    def word(self) -> str:
        r"""Read a name without what hangs on it: ``W``, ``\alpha``, ``\mathrm{loss}``."""
        token = self.next()
        if token.kind == "LETTER":
            return names.letter(token.text)
        if greek := names.greek(token.text):
            return greek
        if token.text not in names.FONTS and token.text not in names.ACCENTS:
            raise self.error(f"{token.text} is no name", "write a letter here", token)
        self.take("TIMES", "*")  # \operatorname*{arg\,max}
        return self._in_braces(token) + names.ACCENTS.get(token.text, "")

    def _in_braces(self, head: Token) -> str:
        """Read the name inside ``\\mathrm{...}``, ``\\hat{...}``."""
        if not self.take("LBRACE"):
            self.deeper()
            inner = self.word()
            self.depth -= 1
            return inner
        name, numbered = "", False
        while not self.take("RBRACE"):
            token = self.peek()
            if token.kind == "COMMAND" and token.text in names.FONTS | names.ACCENTS.keys():
                self.deeper()
                name += self.word()
                self.depth -= 1
            elif token.kind == "LETTER" or names.greek(token.text):
                name += self.word()
            elif token.kind == "NUMBER" and name and token.text.isdigit():
                name += self.next().text
            elif token.text == r"\_":
                name += "_" * bool(self.next())
            elif token.kind == "SUP" and not numbered and (digits := self._number_in_script()):
                name, numbered = name + digits, True
            elif token.text == "-" and name:
                self.next()
            else:
                raise self.error(
                    f"{token.text} cannot stand in a name", f"write letters in {head.text}"
                )
        if not name:
            raise self.error(f"{head.text} holds no name", "write letters in its braces", head)
        return name

    def scripts(self) -> Scripts:
        """Read all that hangs on a name."""
        found = Scripts()
        while self.peek().kind in {"SUP", "SUB", "PRIME"}:
            token = self.peek()
            if self.take("PRIME"):
                found.primes += "'"
            elif digits := self._number_in_script():
                self._set_number(found, digits, token)
            elif self.take("SUB"):
                if found.entries is not None:
                    raise self.error("two subscripts", "write all labels in one subscript", token)
                entries = self.entries()
                if isinstance(entries, str):
                    self._set_number(found, entries, token)
                else:
                    found.entries = entries
            else:
                self.next()
                self._read_power(found, token)
        return found

    def _set_number(self, found: Scripts, digits: str, token: Token) -> None:
        if found.number:
            raise self.error("two numbers on one name", "write W^{(1)}_{ij} or W_1", token)
        found.number = digits

    def _read_power(self, found: Scripts, token: Token) -> None:
        if found.power is not None:
            raise self.error("two superscripts", "put parentheses around the inner power", token)
        found.power_first = found.entries is None
        in_braces = self.peek().kind == "LBRACE"
        inner = self.peek(1) if in_braces else self.peek()
        alone = not in_braces or self.peek(2).kind == "RBRACE"
        if inner.text in names.TRANSPOSED and alone:
            self.k += 3 if in_braces else 1
            found.power = TRANSPOSED
        elif inner.kind == "PRIME":
            raise self.error("a prime in braces", "write phi'(a)", token)
        else:
            found.power = self.argument()

    def argument(self) -> Formula:
        r"""Read braces, or one token: ``\frac12`` is one half, ``x^10`` is x to the 1 times 0."""
        token = self.peek()
        if token.kind == "LBRACE":
            return self.braced()
        if token.kind == "NUMBER" and len(token.text) > 1 and token.text.isdigit():
            first = Token("NUMBER", token.text[0], token.line, token.column, 1)
            rest = Token("NUMBER", token.text[1:], token.line, token.column + 1, token.width - 1)
            self.tokens[self.k : self.k + 1] = [first, rest]
        if self.peek().kind == "NUMBER":
            if not token.text.isdigit():
                raise self.error("a number with a point needs braces", "write {0.5}", token)
            return Number(int(self.next().text), self.at(token))
        if self.begins_name(token):
            return Symbol(self.word(), (), self.at(token))
        raise self.error(f"{token.text} cannot stand here", "write braces around it", token)

    def _number_in_script(self) -> str:
        """Read ``^{(1)}`` or ``^{[1]}`` if it comes next, which is part of the name."""
        kinds = [self.peek(k).kind for k in range(5)]
        if kinds[0] == "SUP" and kinds[1:] == ["LBRACE", "OPEN", "NUMBER", "CLOSE"]:
            digits, round_or_square = self.peek(3).text, self.peek(2).text in {"(", "["}
            if digits.isdigit() and round_or_square and self.peek(5).kind == "RBRACE":
                self.k += 6
                return digits
        return ""

    # --- labels ---

    def entries(self) -> tuple[Entry, ...] | str:
        """Read a subscript: labels and integer tensors, or the digits that end a name."""
        if not self.take("LBRACE"):
            token = self.peek()
            if token.kind == "NUMBER":
                return self.next().text
            if not self.begins_name(token):
                raise self.error(
                    f"{token.text} is no label", "write letters in the subscript", token
                )
            return (self.word(),)
        if self.peek().kind == "NUMBER" and self.peek(1).kind == "RBRACE":
            digits = self.next().text
            self.next()
            return digits
        result: list[Entry] = []
        while not self.take("RBRACE"):
            if not self.take("COMMA"):
                result.append(self.entry())
        if not result:
            raise self.error("a subscript without a label", "write letters in it")
        return tuple(result)

    def entry(self) -> Entry:
        """Read a label, ``b_{2}`` too, or an integer tensor with labels of its own."""
        token = self.peek()
        if not self.begins_name(token):
            raise self.error(
                f"{token.text} is not a label: a label is a letter",
                "a number belongs to the name: W^{(1)}_{ij} is W1_ij",
                token,
            )
        self.deeper()
        name = self.word() + self._number_in_script()
        inner = self.entries() if self.take("SUB") else None
        self.depth -= 1
        if inner is None or isinstance(inner, str):
            return name + (inner or "")
        return self.tensor_of(name, inner, token)

    def tensor_of(self, name: str, entries: tuple[Entry, ...], token: Token) -> Symbol | Gather:
        """Return a tensor with labels, or read at integer tensors."""
        labels = tuple(x for x in entries if isinstance(x, str))
        if len(labels) == len(entries):
            return Symbol(name, labels, self.at(token), brackets=True)
        return Gather(name, entries, self.at(token))

    def plain_tensor(self) -> Symbol:
        """Read a tensor with labels and nothing else, as it stands in a derivative."""
        token = self.peek()
        if not self.begins_name(token):
            raise self.error(f"{token.text} is no tensor", "write a tensor here", token)
        name, scripts = self.word(), self.scripts()
        tensor = self.tensor_of(name + scripts.number, scripts.entries or (), token)
        if scripts.power is not None or scripts.primes or isinstance(tensor, Gather):
            raise self.error("a derivative is of a whole tensor, by one",
                      r"write \frac{\partial L}{\partial W_{ij}}", token)  # fmt: skip
        return tensor
