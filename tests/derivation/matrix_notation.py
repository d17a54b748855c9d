"""A reader of matrix notation, for tests: it says what a text means, knowing nothing of eingrad.

It reads the text the way a person does: juxtaposition is the matrix product (or scaling, where one
side is a scalar), it binds tighter than ``⊙ ⊘ ⊗``, but a scalar in front scales everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
TOKEN = re.compile(
    r"\s*(\|\|_F|\|\||1\[|\^⊙|\^-?T|\^-1|\^|<=|>=|==|!=|[<>()\[\],+\-/⊙⊘⊗]"
    r"|\d+(?:\.\d+)?(?:e-?\d+)?|[A-Za-z_][A-Za-z_0-9']*)"
)


class Reader:
    """Evaluates one text; vectors among ``values`` are columns, scalars have one entry."""

    def __init__(
        self, text: str, values: Mapping[str, Array], functions: Mapping[str, Callable[..., Any]]
    ) -> None:
        self.tokens = TOKEN.findall(text)
        assert "".join(self.tokens) == text.replace(" ", ""), text
        self.values, self.functions = values, functions
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        assert not expected or token == expected, (token, expected)
        self.at += 1
        return token

    def read(self) -> Array:
        value = self.comparison()
        assert not self.peek()
        return value

    def comparison(self) -> Array:
        value = self.sum()
        compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
                   "==": np.equal, "!=": np.not_equal}.get(self.peek())  # fmt: skip
        if compare is None:
            return value
        self.take()
        return compare(value, self.sum()) * 1.0

    def sum(self) -> Array:
        negative = self.peek() == "-"
        if negative:
            self.take()
        value = self.term() * (-1 if negative else 1)
        while self.peek() in {"+", "-"}:
            sign = 1 if self.take() == "+" else -1
            value = value + sign * self.term()
        return value

    def term(self) -> Array:
        """Juxtaposed factors, element-wise and Kronecker products, and one division."""
        value, scale = self.chain()
        while self.peek() in {"⊙", "⊘", "⊗"}:
            sign, other = self.take(), self.postfix()
            value = {"⊙": np.multiply, "⊘": np.divide, "⊗": np.kron}[sign](value, other)
        value = scale * value
        if self.peek() == "/":
            self.take()
            value = value / self.postfix()
        return value

    def chain(self) -> tuple[Array, Array]:
        """Return a product, and the scalars in front of it."""
        factors = [self.postfix()]
        while self.peek() and (self.peek() in {"(", "1["} or self.peek()[0].isalnum()):
            factors.append(self.postfix())
        scale = np.ones((1, 1))
        while len(factors) > 1 and factors[0].shape == (1, 1):
            scale = scale * factors.pop(0)
        value = factors[0]
        for factor in factors[1:]:
            value = value * factor if factor.shape == (1, 1) else value @ factor
        return value, scale

    def postfix(self) -> Array:
        value = self.atom()
        while self.peek().startswith("^"):
            sign = self.take()
            if sign in {"^T", "^-T", "^-1"}:
                inverse = self.functions["inv"](value) if "-" in sign and len(value) > 1 else value
                inverse = 1 / value if sign == "^-1" and len(value) == 1 else inverse
                value = inverse.T if sign.endswith("T") else inverse
            else:
                value = value ** float(self.atom()[0, 0])
        return value

    def atom(self) -> Array:
        token = self.take()
        if token == "(":
            return self.closed(")")
        if token == "||":
            value = self.sum()
            assert self.take() == ("||" if value.shape[1] == 1 else "||_F")
            return np.full((1, 1), np.sqrt((value**2).sum()))
        if token == "1[":
            return self.closed("]")
        if token[0].isdigit():
            return np.full((1, 1), float(token))
        if self.peek() == "(" and token not in self.values:
            return self.call(token)
        return self.values[token]

    def closed(self, end: str) -> Array:
        value = self.comparison()
        self.take(end)
        return value

    def call(self, name: str) -> Array:
        self.take("(")
        if name == "size":
            size = self.values[f"size({self.take()})"]
            self.take(")")
            return size
        args = [self.comparison()]
        while self.peek() == ",":
            self.take()
            args.append(self.comparison())
        self.take(")")
        return self.apply(name, args)

    def apply(self, name: str, args: list[Array]) -> Array:
        x = args[0]
        base, _, along = name.rpartition("_")
        if along in {"rows", "cols"}:
            result = self.functions[base](x, (1 if along == "rows" else 0,))
            return result if result.ndim == 2 else result[:, None]
        if name in {"softmax", "log_softmax", "max", "logsumexp"}:
            return np.reshape(
                self.functions[name](x, (0, 1)), x.shape if "soft" in name else (1, 1)
            )
        if name == "diag":
            return np.diag(x[:, 0]) if x.shape[1] == 1 else np.diag(x)[:, None]
        if name in {"tr", "det", "logdet"}:
            function = np.trace if name == "tr" else self.functions[name]
            return np.full((1, 1), function(x))
        if name == "vec":
            return x.reshape(-1, 1, order="F")
        if name == "sqrt":
            return np.sqrt(x)
        return self.functions[name](*args)
