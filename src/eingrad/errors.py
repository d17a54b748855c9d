"""Every error that eingrad raises on purpose: what was wrong, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb

PACKAGE = str(Path(__file__).parent)
SHOWN = 160  # characters of a line that an error shows
CODES = {  # of `EingradError.code`, with what each kind of error is about
    "error": "what was asked cannot be done",
    "notation": "the text is no model in index notation",
    "unknown-name": "no tensor or derivative has this name",
    "shape": "sizes, ranks or dtypes do not fit",
    "out-of-range": "an index is not below the size of its axis",
    "differentiation": "there is no derivative, or no rule for it",
    "backend": "a backend is missing or lacks something",
    "data": "a file or data set cannot be used",
    "diverged": "training has blown up",
    "matrix": "a matrix has no inverse, or no Cholesky factor",
    "memory-limit": "more memory would be needed than is allowed",
    "gradient-check": "a gradient differs from central differences",
    "unresolved": "a document says nothing of what a formula of it speaks of",
    "independent": "what a document differentiates does not depend on the variable",
    "function-failed": "a claimed function raised an exception",
    "wrong-type": "an argument is of a type that means nothing here",
    "too-large": "the text is larger than what follows can bear",
    "too-deep": "the formula is nested too deep",
    "empty-text": "there is no statement in the text",
    "no-statement": "the model defines nothing",
    "unexpected-character": "no word or sign has this character",
    "unexpected-word": "a word or sign cannot stand here",
    "open-parenthesis": "a parenthesis is never closed",
    "closing-parenthesis": "a parenthesis closes nothing",
    "number-too-large": "a number fits no float",
    "not-summed": "a label is neither summed nor kept",
    "wrong-rank": "a tensor has another number of labels than before",
    "repeated-on-left": "a label stands twice on the left side",
    "delta-labels": "Kronecker's delta has two labels",
    "delta-as-index": "Kronecker's delta is no integer tensor",
    "assigned-delta": "Kronecker's delta cannot be assigned",
    "two-extents": "a label would stand for two dimensions",
    "no-dimension": "nothing says how long a label is",
    "no-size": "a size of no dimension, or of several",
    "size-takes-one-label": "size takes one label, or one label of a tensor",
    "place-takes-one-label": "place takes one label",
    "misfit": "vectors and matrices that do not fit together",
    "open-shape": "whether a name is a scalar, a vector or a matrix is open",
    "transposed": "a transpose on a tensor with labels",
    "power-of-e": "a power of e, which is a tensor here",
    "power-of-zero": "a name to the power 0, which nobody writes for 1",
    "label-alone": "a label is used as a number",
    "no-label-here": "a letter is compared where it is no label",
    "label-or-tensor": "a letter in a comparison is a label, and a tensor elsewhere",
    "below-a-function": "below a function stands what is neither a label nor a condition",
    "no-conditions": "a function goes over whole axes only",
    "function-without-arguments": "a function without its argument",
    "unknown-tensor": "the model has no tensor of this name",
    "assigned-twice": "two statements assign one name",
    "cycle": "definitions need each other",
    "recurrence": "definitions refer to each other, but not to earlier positions of one label",
    "open-range": "nothing says how far a label that moves goes",
    "derivative-in-model": "a model does not speak of its derivatives",
    "unknown-function": "a call of something that is no function",
    "undeclared-prime": "a prime belongs to a declared function",
    "needless-axes": "an element-wise function goes over no axis",
    "missing-axes": "a function over axes must name them",
    "absent-axis": "the argument lacks the axis of a function",
    "not-square": "a matrix function of what is not square",
    "axes-count": "a function over another number of axes",
    "wrong-arguments": "a call with too many arguments, or too few",
    "word-of-programs": "a name that is a word of programs: if, and, inf",
    "differential": "a d that would be an input, as in d/dx (x^2)",
    "no-sum-sign": "a Greek letter that is meant as a sum or product sign",
    "meaningless-claim": "a claim does not say what it is about",
    "no-point": "no values were found at which formulas can be compared",
}


def printable(text: str, keep: str = "") -> str:
    r"""Return a text in which what a terminal would obey, or not show, is escaped; not ``keep``.

    >>> print(printable("Zahl 7\x1b[31m\n.png"), printable("a\nb\udcff", "\n"))
    Zahl 7\x1b[31m\n.png a
    b\udcff
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text
    )


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text: line and column count from 1, ``line_text`` is the whole line."""

    line: int
    column: int
    line_text: str
    width: int = 1

    def caret(self) -> str:
        """Return the line with a caret under the place; of a long line, what is around it.

        >>> print(Position(1, 5, "A = B ? C", 1).caret())
          1 | A = B ? C
            |     ^
        """
        number = f"{self.line:>3} | "
        start = max(0, self.column - 1 - SHOWN // 2) if len(self.line_text) > SHOWN else 0
        before = self.line_text[start : self.column - 1]
        after = self.line_text[self.column - 1 :]
        room = SHOWN - len(before)
        before = ("..." if start else "") + printable(before, "\t")
        width = max(1, len(printable(after[: min(self.width, room)], "\t")))
        shown = before + printable(after[:room], "\t") + ("..." if len(after) > room else "")
        blank = "".join("\t" if c == "\t" else " " for c in before)
        return f"{number}{shown}\n{' ' * 4}| {blank}{'^' * width}"


class EingradError(ValueError):
    """The base of eingrad's errors; its fields say what the text says.

    ``label`` is the index label concerned, ``operand`` the name or number of the operand,
    ``position`` the place in the text, ``hint`` what to do about it; each may be None. ``code``
    is one of `CODES` and stays the same when the words change. Whatever a text or a name holds,
    what the error says of it can be printed.

    >>> from eingrad import parse
    >>> try:
    ...     parse("y_i = x_i + b_k")
    ... except EingradError as error:
    ...     print(error)
    ...     print(error.label, error.code)
    line 1, column 13: the label k occurs once and does not stand on the left side
      1 | y_i = x_i + b_k
        |             ^^^
    hint: to sum over it, write sum_k(b_k); to keep it, write it among i on the left
    k not-summed
    """

    code = "error"

    def __init__(
        self,
        reason: str,
        *,
        label: str | None = None,
        operand: str | int | None = None,
        position: Position | None = None,
        hint: str | None = None,
        code: str | None = None,
    ) -> None:
        self.code = code or type(self).code
        self.reason = _echoing(reason, operand)
        self.label = label
        self.operand = operand
        self.position = position
        self.hint = None if hint is None else _echoing(hint, operand)
        super().__init__(self.reason)

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: where in the reader's own code, then caret and hint."""
        own = [f for f in extract_tb(self.__traceback__) if not f.filename.startswith(PACKAGE)]
        where = [f for f in own if f.line and "site-packages" not in f.filename][-1:]
        shown = [f"line {f.lineno}: {f.line}" for f in where]
        return [*shown, f"{type(self).__name__}: {self}"]

    def __str__(self) -> str:
        lines = [self.reason]
        if self.position is not None:
            lines[0] = f"line {self.position.line}, column {self.position.column}: {self.reason}"
            lines.append(self.position.caret())
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


def _echoing(text: str, operand: str | int | None) -> str:
    """Return a message that can be printed, whatever it echoes; a name stays on one line."""
    if isinstance(operand, str) and operand:
        text = text.replace(operand, printable(operand))
    return printable(text, "\n")


class NotationError(EingradError):
    """The text is not a model in index notation."""

    code = "notation"


class NotationWarning(UserWarning):
    """A note on what a text was taken to mean, where two readings are common."""


class UnknownNameError(EingradError, KeyError):
    """No tensor or derivative has this name."""

    code = "unknown-name"


class ShapeError(EingradError):
    """Sizes, ranks or dtypes of arrays do not fit the equation."""

    code = "shape"


class OutOfRangeError(ShapeError, IndexError):
    """An index is not below the size of its axis."""

    code = "out-of-range"


class DifferentiationError(EingradError):
    """There is no derivative, or eingrad knows no rule for it."""

    code = "differentiation"


class BackendError(EingradError):
    """A backend is missing, or cannot do what was asked."""

    code = "backend"


class DataError(EingradError):
    """A data set, image, model file or checkpoint cannot be used."""

    code = "data"


class DivergedError(EingradError):
    """Training has blown up: a loss, or what is learned, is not a finite number."""

    code = "diverged"


class MemoryLimitError(EingradError, MemoryError):
    """The plan needs more memory than the limit allows; nothing was allocated."""

    code = "memory-limit"
