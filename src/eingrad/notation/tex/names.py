r"""Names in LaTeX: letters, Greek, ``\mathbf{W}``, ``\hat{y}``, and which of them are functions."""

from __future__ import annotations

from collections.abc import Collection

from eingrad.core.algebra import KEEPS_AXES
from eingrad.notation.words import GREEK, KNOWN_FUNCTIONS

# fmt: off
FONTS = frozenset({
    r"\mathrm", r"\mathbf", r"\mathit", r"\mathsf", r"\mathtt", r"\mathcal", r"\text",
    r"\boldsymbol", r"\bm", r"\textbf", r"\textit", r"\textrm", r"\mathnormal", r"\operatorname",
    r"\mathfrak", r"\mathscr", r"\textsf", r"\texttt", r"\pmb",
})
FANCY = {r"\mathcal": "cal", r"\mathscr": "scr", r"\mathfrak": "frak"}
UPRIGHT = frozenset({r"\mathrm", r"\text", r"\textrm", r"\operatorname", r"\mathsf", r"\textsf"})
GENERIC = frozenset({"f", "g", "h", "phi", "psi"})  # functions, where they always take arguments
ERRORS = "deltas"  # the name of a delta with one label, which is not Kronecker's
SQUARED = "sq"  # ends the name of what a text defines as a square: sigmasq for \sigma^2
ACCENTS = {
    r"\hat": "hat", r"\widehat": "hat", r"\bar": "bar", r"\overline": "bar", r"\tilde": "tilde",
    r"\widetilde": "tilde", r"\dot": "dot", r"\ddot": "ddot", r"\vec": "", r"\check": "check",
}
FUNCTIONS = {
    r"\log": "log", r"\ln": "log", r"\exp": "exp", r"\sin": "sin", r"\cos": "cos", r"\tan": "tan",
    r"\arcsin": "asin", r"\arccos": "acos", r"\arctan": "atan", r"\sinh": "sinh",
    r"\cosh": "cosh", r"\tanh": "tanh", r"\max": "max", r"\min": "min", r"\det": "det",
    r"\arg": "arg",
}
ALIASES = {
    "ln": "log", "tr": "trace", "Tr": "trace", "sgn": "sign", "logsoftmax": "log_softmax",
    "lse": "logsumexp", "LSE": "logsumexp", "leakyrelu": "leaky_relu", "arcsin": "asin",
    "arccos": "acos", "arctan": "atan", "lrelu": "leaky_relu", "swish": "silu", "swich": "silu",
    "prodothers": "prod_others", "reversecumsum": "reverse_cumsum",
}
BIG = {r"\sum": "sum", r"\prod": "prod"}
FRACTIONS = frozenset({r"\frac", r"\tfrac", r"\dfrac", r"\cfrac"})
TRANSPOSED = frozenset({r"\top", r"\intercal", "T"})
LINKS = frozenset({
    "where", "with", "and", "let", "for", "so", "then", "hence", "thus", "define", "using",
})
# fmt: on

_GREEK = (
    {"\\" + name: name for name in GREEK.values()}
    | {"\\var" + name: name for name in ("epsilon", "theta", "kappa", "pi", "rho", "sigma", "phi")}
    | {r"\ell": "ell"}
)
PAIRS = {"max": "maximum", "min": "minimum"}  # of two arguments


def greek(command: str) -> str | None:
    r"""Return the name of a Greek letter: ``\alpha`` is alpha; None of another command.

    >>> greek(r"\varepsilon"), greek(r"\frac")
    ('epsilon', None)
    """
    return _GREEK.get(command)


def letter(text: str) -> str:
    """Return a letter as it stands in a name; a Greek one is spelled out."""
    return GREEK.get(text, text)


def function_name(word: str) -> str | None:
    r"""Return the known function that a word means: ``\mathrm{ReLU}`` is relu.

    >>> function_name("ReLU"), function_name("Tr"), function_name("loss")
    ('relu', 'trace', None)
    """
    for form in (word, ALIASES.get(word), word.lower(), ALIASES.get(word.lower())):
        if form in KNOWN_FUNCTIONS and form not in {"size", "delta"}:
            return form
    return None


def keeps_axes(function: str) -> bool:
    """Whether a function over axes has its axes in the result."""
    return function in KEEPS_AXES


def fresh_labels(used: Collection[str], count: int, like: str = "h") -> tuple[str, ...]:
    """Return letters that a text does not use, the next ones in the alphabet after ``like``.

    >>> fresh_labels("ik", 2)
    ('j', 'l')
    """
    letters = "abcdefghijklmnopqrstuvwxyz"
    start = letters.find(like) + 1
    order = [c for c in letters[start:] + letters[:start] if c not in "deo" or like in "abcdeo"]
    free = (c for c in order if c not in used)
    return tuple(next(free, f"i{k + 2}") for k in range(count))
