r"""Conditions in LaTeX: cases, and indicators such as ``\mathbb{1}[y_b = o]``."""

from __future__ import annotations

from collections.abc import Collection

from eingrad.notation.syntax import Call, Compare, Formula, Number, Symbol, TensorAt
from eingrad.notation.tex import names
from eingrad.notation.tex.derivatives import DerivativeReader
from eingrad.notation.tex.latex_tokens import Token

OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}
ONES = frozenset({r"\mathbf", r"\mathbb", r"\mathbbm", r"\mathds", r"\boldsymbol", r"\bm"})


class ConditionReader(DerivativeReader):
    """Reads what depends on a condition."""

    def inside(self) -> Formula:
        """Read a formula that something encloses; see `Parser`."""
        raise NotImplementedError

    def close(self, opened: Token) -> None:
        """Go past a closing parenthesis, or raise; see `CallReader`."""
        raise NotImplementedError

    def cases(self) -> Formula:
        r"""Read ``\begin{cases} a & \text{if } c \\ b & \text{otherwise} \end{cases}``."""
        token = self.next()
        yes, condition = self._case(token)
        self.expect("ROW", r"\\")
        no, otherwise = self._case(token)
        self.take("ROW")
        self.expect("ENDCASES", r"\end{cases}")
        if condition is None or not _is_rest(condition, otherwise):
            hint = r"write a & \text{if } x > 0 \\ b & \text{otherwise}"
            raise self.error("the second case must be the rest of the first", hint, token)
        return Call("where", (condition, yes, no), (), self.at(token))

    def _case(self, token: Token) -> tuple[Formula, Formula | None]:
        """Read a value and its condition, None for ``otherwise``."""
        value = self.inside()
        self.take("COMMA")
        self.expect("AMP", "&")
        if self._take_word({"otherwise", "else"}):
            self.take("DOT")
            return value, None
        self._take_word({"if", "for", "when"})
        if self.peek().kind in {"ROW", "ENDCASES", "RBRACE"}:
            hint = r"write a & \text{if } x > 0 \\ b & \text{otherwise}"
            raise self.error("cases have two rows", hint, token)
        condition = self.inside()
        while self.take("DOT") or self.take("COMMA"):
            pass
        return value, condition

    def _take_word(self, words: Collection[str]) -> bool:
        """Go past one of some words in roman type."""
        if self.peek().text in names.FONTS and self.group_text(1) in words:
            self.word()
            return True
        return False

    def begins_ones(self) -> bool:
        r"""Whether ``\mathbb{1}`` comes next, or ``\mathbb{I}`` with a condition."""
        token = self.peek()
        if token.text not in ONES:
            return False
        inner = self.group_text(1) or self.peek(1).text
        if inner == "1":
            return True
        after = self.peek(4 if self.peek(1).kind == "LBRACE" else 2)
        return token.text != r"\mathbf" and inner == "I" and after.kind in {"OPEN", "SUB"}

    def indicator(self) -> Formula:
        r"""Read ``\mathbb{1}[x_i > 0]`` and ``\mathbf{1}_{\{y_b = o\}}``, 1 where it holds."""
        token = self.next()
        self.k += 3 if self.peek().kind == "LBRACE" else 1
        hint = r"write a condition behind it, as in \mathbb{1}[y_b = o]; ones as factors need none"
        if self.peek().kind == "SUB" and self.peek(1).kind == "LBRACE":
            self.k += 2
            inner = self.peek()
            condition = self._in_group(inner) if inner.kind == "OPEN" else self.inside()
            self.expect("RBRACE", "a closing brace")
        elif self.peek().kind == "OPEN":
            condition = self._in_group(self.peek())
        else:
            raise self.error("an indicator without a condition", hint, token)
        if not isinstance(condition, Compare):
            raise self.error("an indicator without a condition", hint, token)
        return self._as_delta(condition) or Call(
            "where", (condition, Number(1), Number(0)), (), self.at(token)
        )

    def _in_group(self, opened: Token) -> Formula:
        self.next()
        formula = self.inside()
        self.close(opened)
        return formula

    def _as_delta(self, condition: Compare) -> Formula | None:
        """Return ``delta[y[b],o]`` for ``y_b = o`` where o is a label."""
        entries = [self._entry_of(x) for x in (condition.left, condition.right)]
        first, second = entries
        if condition.op != "==" or first is None or second is None:
            return None
        if isinstance(first, str) and isinstance(second, str):
            return Symbol("delta", (first, second), condition.position, brackets=True)
        if isinstance(first, str) or isinstance(second, str):
            return TensorAt("delta", (first, second), condition.position)
        return None

    def _entry_of(self, side: Formula) -> str | Symbol | None:
        """Return a side of a condition as a label or as an integer tensor."""
        if not isinstance(side, Symbol):
            return None
        label = not side.labels and self.context.labels is not None
        return side.name if label and self.context.is_label(side.name) else side


def _is_rest(condition: Formula, otherwise: Formula | None) -> bool:
    """Whether the second condition holds just where the first does not."""
    if otherwise is None:
        return True
    if not (isinstance(condition, Compare) and isinstance(otherwise, Compare)):
        return False
    same = (condition.left, condition.right) == (otherwise.left, otherwise.right)
    return same and otherwise.op == OPPOSITE[condition.op]
