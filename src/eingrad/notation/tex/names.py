r"""Names in LaTeX: letters, Greek, ``\mathbf{W}``, ``\hat{y}``, and which of them are functions."""

from __future__ import annotations

import re
from collections.abc import Collection

from eingrad.core.functions import AXIS_FUNCTIONS, canonical
from eingrad.notation.lexeme import GREEK, is_function
from eingrad.notation.tex.packages import PACKAGED

# fmt: off
FONTS = frozenset({
    r"\mathrm", r"\mathbf", r"\mathit", r"\mathsf", r"\mathtt", r"\mathcal", r"\text",
    r"\boldsymbol", r"\bm", r"\textbf", r"\textit", r"\textrm", r"\mathnormal", r"\operatorname",
    r"\mathfrak", r"\mathscr", r"\textsf", r"\texttt", r"\pmb",
})
RIGHT, LEFT = r"\overrightarrow", r"\overleftarrow"
RIGHTWARD = r"\rightward"  # RIGHT where LEFT stands over another name: a direction alone
BOLD = frozenset({r"\mathbf", r"\boldsymbol", r"\bm", r"\textbf", r"\pmb",
    r"\vec", RIGHT, f"{RIGHT} ",  # with a space, where it is part of the name
})
FANCY = {r"\mathcal": "cal", r"\mathscr": "scr", r"\mathfrak": "frak"}
UPRIGHT = frozenset({r"\mathrm", r"\text", r"\textrm", r"\operatorname", r"\mathsf", r"\textsf"})
GENERIC = frozenset({
    "f", "g", "h", "u", "F", "G", "H", "phi", "psi", "rho", "zeta", "Phi", "Psi", "ell",
})  # functions, where they always take arguments
QUANTITIES = frozenset({"u", "rho"})  # of these, what are factors, too: u (1 + x)
PARAMETERS = frozenset({
    "theta", "Theta", "phi", "psi", "omega", "w", "W", "beta", "vartheta", "delta", "epsilon",
    "lambda", "tau", "eta", "kappa",
})  # below the name of a function with arguments
WEIGHTS = frozenset({"lambda", "alpha", "beta", "gamma", "eta", "mu", "rho", "tau"})  # of terms
DISCOUNTS = frozenset({"gamma", "beta", "rho", "e"})  # whose powers sums have
OWN = frozenset("ohfgrxyzew")  # letters that, below a name, may belong to it
CLASSES = frozenset("y")  # the letter of the true class, an integer where no sum sign names it
EXTENTS = frozenset("dnDN")  # with a letter below, d_k, a number if nothing else has that letter
MATRICES = frozenset({"Sigma", "Lambda", "Omega"})  # whose power -1 is the inverse
ERRORS = "deltas"  # the name of a delta with one label, which is not Kronecker's
GIVEN, PRIME = "given", "prime"  # end the names of p_{j|i} and of w'_{ij}
SQUARED = "sq"  # ends the name of what a text defines as a square: sigmasq for \sigma^2
ACCENTS = {
    r"\hat": "hat", r"\widehat": "hat", r"\bar": "bar", r"\overline": "bar", r"\tilde": "tilde",
    r"\widetilde": "tilde", r"\dot": "dot", r"\ddot": "ddot", r"\vec": "",
    r"\check": "check", RIGHT: "", f"{RIGHT} ": "right", RIGHTWARD: "right", LEFT: "left",
}
FRACTIONS = frozenset({r"\frac", r"\tfrac", r"\dfrac", r"\cfrac", r"\nicefrac", r"\sfrac"})
TRANSPOSED = frozenset({r"\top", r"\intercal", "T"})
LINKS = frozenset({
    "where", "with", "and", "let", "for", "so", "then", "hence", "thus", "define", "using",
})
PROSE = LINKS | {
    "according", "as", "because", "but", "by", "from", "holds", "if", "is", "are", "otherwise",
    "since", "that", "this", "to", "we", "when", "which",
}  # words that stand in no name
# fmt: on

VARIANTS = {  # other forms of a letter, which are names of their own where a text has both
    f"var{name}": name for name in ("epsilon", "theta", "kappa", "pi", "rho", "sigma", "phi")
}
_GREEK = (
    {"\\" + name: name for name in GREEK.values()}
    | {"\\" + other: name for other, name in VARIANTS.items()}
    | {f"\\{other} ": other for other in VARIANTS}  # with a space, where a text has both
    | {r"\ell": "ell", r"\hbar": "hbar"}
)


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
    if word == "Diag":
        return "diag"
    for form in (word, word.lower()):
        known = canonical(form)
        if known is not None and is_function(known):
            return known
    return None


def function_command(command: str) -> str | None:
    r"""Return the function that a command is: ``\log``, ``\ln``, ``\arcsin``, ``\softmax``.

    >>> function_command(r"\ln"), function_command(r"\lambda"), function_command(r"\sum")
    ('log', None, None)
    """
    if command == r"\arg":
        return "arg"
    known = canonical(command[1:])
    own = known is not None and is_function(known) and not big(command)
    return known if own and command != r"\sqrt" else None


def big(command: str) -> str | None:
    r"""Return the function of a sign before its argument: ``\sum`` is sum."""
    record = AXIS_FUNCTIONS.get(command[1:])
    return record.name if record is not None and record.big else None


_LATEX = re.compile(
    r"\\(?:[dtc]?frac|left|right|begin|partial|nabla|sqrt|cdot|times|odot|otimes|le|ge|ne|leq|geq|neq"
    r"|quad|qquad|boxed|mathop|mathbb|ell|top|in|[,;!|]"
    rf"|{'|'.join(sorted(PACKAGED))}"
    rf"|{'|'.join(name[1:] for name in sorted({*FONTS, *ACCENTS}))})"
    r"(?![A-Za-z])"
    r"|\^\{(?!\([0-9]+\)\})|_\{[^{}\n<>=!]*[{_]|(?<!\|)\|[^|\n]+\|(?!\|)|\$|&|\\\\"
)


def is_latex(text: str) -> bool:
    r"""Whether a text has what the plain notation lacks: ``\frac``, ``\log``, ``x^{2}``, ``|b|``.

    >>> is_latex(r"L = \frac{1}{2} x_i x_i"), is_latex(r"y_i = \alpha x_{ij} W^{(1)}_{j}")
    (True, False)
    """
    if not isinstance(text, str):
        return False
    bare = re.sub(r"#[^\n]*|\bin[ \t]+R\^\{[^{}\n]*\}", "", text)
    commands = re.findall(r"\\[A-Za-z]+", bare)
    return bool(_LATEX.search(bare)) or any(big(x) or function_command(x) for x in commands)


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
