r"""What documents write for the eye, in words of the notation: slices, ``@``, averages in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from eingrad.papers.scan import group_behind, pieces

_SLICE = re.compile(r"_\s*\{\s*\[([^\[\]{}]*(?:\{[^{}]*\}[^\[\]{}]*)*)\]\s*\}|"
                    r"_\s*\{([^{}]*:[^{}]*)\}")  # fmt: skip
_INDICATOR = re.compile(r"\\delta\s*\[([^\[\],]+),\s*:\s*\]")
_MATRICES = re.compile(r"\\top|\^\s*\{?\s*T\b|\\intercal|\\otimes|\\mathbf|@")
_LABELLED = re.compile(
    r"((?<![A-Za-z\\])[A-Za-z]|\\[A-Za-z]+)\s*_\s*(?:\{([a-z\s,]*)\}|([a-z]))(?![A-Za-z])"
)
_ROW = re.compile(
    r"((?<![A-Za-z\\])[A-Za-z]|\\[A-Z][a-z]+)\s*_\s*(?:\{\s*([a-z])\s*\}|([a-z]))\s+"
    r"([a-z])(?!\s*[_^]|[A-Za-z'(])"
)  # \Theta_a s
_NAME = r"(?:\\[a-zA-Z]+|[A-Za-z])(?:\^\{?\(?\w+\)?\}?)?"
_ROW_TIMES_COLUMN = re.compile(rf"({_NAME})\s+({_NAME})(_\s*\{{\s*\[\s*:\s*,\s*\w+\s*\]\s*\}})")
_SCRIPT_IN_FONT = re.compile(
    r"(\\(?:mathbf|boldsymbol|bm|vec|pmb)(?![a-z]))\s*\{\s*(\\?[A-Za-z]+)\s*_\s*(\{[^{}]*\}|\\?\w)\s*\}"
)  # \mathbf{z_t}
_ITALIC = re.compile(
    r"(?P<script>[_^]\s*)?\\(?:mathit|mathnormal)(?![a-z])\s*"
    r"\{\s*(?P<inside>(?:[A-Za-z]|\\[A-Za-z]+)(?![A-Za-z])(?:[^{}]|\{[^{}]*\})*?)\s*\}"
)  # \mathit{w_i}, which is how letters stand anyway
_PRIMED = re.compile(
    r"\{\s*(\\[a-z]+\s*\{\s*\\?[A-Za-z]+\s*\}|\\?[A-Za-z]+)\s*'\s*\}(?=\s*_)"
)  # {d'}_{ij}
_INNER_SCRIPT = re.compile(r"\{\s*([_^])\s*(?:(\w)|\{([^{}]*)\})\s*\}")  # \theta{_k}
_TWICE_BOLD = re.compile(r"\\boldsymbol\s*\{\s*\\mathbf\s*\{\s*([^{}]*)\}\s*\}")
_SPACE = re.compile(r"\\space(?![a-z])")
_ROWS = re.compile(r"(?:\\\\\s*){2,}")
_BOLD = re.compile(r"\\bold(?![A-Za-z])")
_ONE = r"(?:\\(?:mathbf|mathbb|mathbbm|mathds|bm)\s*(?:\{\s*1\s*\}|1)|(?<![\w.^_{}])1)"
_SAME = re.compile(
    rf"{_ONE}\s*_\s*\{{\s*(?:\\\{{)?\s*([A-Za-z])\s*=\s*([A-Za-z])\s*(?:\\\}})?\s*\}}"
)  # 1_{i=j}
_ONES = re.compile(
    r"\\(?:mathbf|mathbb|mathbbm|mathds|bm)\s*(?:\{\s*1\s*\}\s*_\s*(?:\{\s*([a-z])\s*\}|([a-z]))"
    r"|\{\s*1\s*_\s*\{?\s*([a-z])\s*\}?\s*((?:\^\s*\{?\s*(?:T|\\top|\\intercal)\s*\}?)?)\s*\})"
)  # \mathbf{1}_m, \mathbf{1_m^T}
_SIZE = re.compile(r"(?<![A-Za-z\\])([dn])_\s*(?:\{\s*([a-z])\s*\}|([a-z])(?![A-Za-z]))")
_PAIR = re.compile(r"(\\sum\s*(?:\\limits\s*)?_)\s*\{\s*\(\s*(\w\s*,\s*\w)\s*\)\s*\}")
_LIMIT = re.compile(
    r"(\\(?:sum|prod)\s*(?:\\limits\s*)?_\s*\{[^{}]*\})\s*\^\s*\{\s*\\?[A-Za-z]+\s*"
    r"[_^]\s*(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\?\w)\s*\}"
)  # \sum_{j=1}^{d_{l-1}}: how many there are
_GRADIENT = re.compile(
    r"\\mathbf\s*\{\s*d\s*\}\s*([A-Za-z])(?![A-Za-z])|\\mathbf\s+d\s*([A-Za-z])(?![A-Za-z])"
)
_GRADIENT_OF = re.compile(
    r"\s*\\nabla\s*_\s*(?:\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}|(\\?[A-Za-z]+))\s*"
    r"((?:\\left)?[\[(](.*?)(?:\\right)?[\])])\s*",
    re.DOTALL,
)  # \nabla_\theta [ ... ]
_NABLA_OF = re.compile(
    r"\s*\\nabla\s*_\s*(?:\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}|(\\?[A-Za-z]+))(.*)", re.DOTALL
)
_UPRIGHT = re.compile(r"(?:\\mathrm\s*\{\s*d\s*\}|d)(?![_^])\s*")
_SUMMED = re.compile(r"(?:-?\s*\\[dt]?frac\s*\{[^{}]*\}\s*\{[^{}]*\}\s*|-?\s*)?\\sum(?![a-z])")
_SUM_OF_WHAT = re.compile(r"\\sum\s*(?:\\limits\s*)?(?=[^_^\s\\]|\\(?!limits))")
_LABEL_BELOW = re.compile(
    r"_\s*(?:\{\s*([a-z])\s*\}|([a-z]))(?![A-Za-z])|\^\s*\{\s*\(([a-z])\)\s*\}"
)
_AVERAGE = re.compile(
    r"\\text\s*\{\s*(?:the\s+)?(average|mean|sum)\s+(?:along|over|across|of)\s+(?:the\s+)?rows"
    r"(?:\s+of)?\s*\}"
)


def with_scripts_outside(text: str) -> str:
    r"""Return a formula with the subscripts of letters in bold behind them.

    >>> with_scripts_outside(r"\mathbf{h_{t-1}} + \mathbf{\hat{y}_t}")
    '\\mathbf{h}_{t-1} + \\mathbf{\\hat{y}_t}'
    """
    text = _SCRIPT_IN_FONT.sub(r"\1{\2}_\3", _ITALIC.sub(_upright, text))
    return _PRIMED.sub(r"\1'", text)


def _upright(found: re.Match[str]) -> str:
    inside, script = found["inside"], found["script"] or ""
    long = len(inside) > 1 and script
    return f"{script}{{{inside}}}" if long else f"{script} {inside}"


def reworded(text: str, rows_of: Callable[[str], str | None] | None = None) -> str:
    r"""Return an equation with slices as labels and words as signs, where either will do.

    ``rows_of`` gives the letter for the number of a tensor's rows.

    >>> reworded(r"A_{[i,:]} = Y_{[i,:]} - Z_{[i,:]}")
    'A_{i q} = Y_{i q} - Z_{i q}'
    """
    text = _TWICE_BOLD.sub(r"\\mathbf{\1}", _SPACE.sub(" ", _ROWS.sub(r"\\\\ ", text)))
    text = _INNER_SCRIPT.sub(lambda m: f"{m[1]}{{{m[2] or m[3]}}}", text)
    text = re.sub(r"(?<=[\w)}\]])\s*@\s*(?=[\\A-Za-z(])", r" \\, ", text)
    text = _with_sums(_BOLD.sub(r"\\mathbf", text))
    text = _with_sizes(_with_ones(text))
    text = _SAME.sub(r"\\mathbb{1}(\1 = \2)", text)
    text = _GRADIENT.sub(lambda m: rf"\mathbf{{d{m[1] or m[2]}}}", text)
    text = _without_slices(text)
    return text if rows_of is None else _with_averages(text, rows_of)


def _with_sums(text: str) -> str:
    r"""Return sums as the notation has them: their labels named, without numbers that have names.

    >>> _with_sums(r"L = \sum (x_i - m)^2"), _with_sums(r"\sum_{(i, j)}^{n_{l}} a_{ij}")
    ('L = \\sum_{i} (x_i - m)^2', '\\sum_{i, j} a_{ij}')
    """
    text = _LIMIT.sub(r"\1", _PAIR.sub(r"\1{\2}", text))
    bound = set(re.findall(r"\\sum\s*(?:\\limits\s*)?_\s*\{?\s*([a-z])", text))
    left, _, side = text.partition(" = ")
    labels = {a or b or c for a, b, c in _LABEL_BELOW.findall(side)}
    free = labels - {a or b or c for a, b, c in _LABEL_BELOW.findall(left)}
    if len(free) != 1 or not bound <= free:
        return text
    return f"{left} = " + _SUM_OF_WHAT.sub(rf"\\sum_{{{min(free)}}} ", side)


def _with_ones(text: str) -> str:
    r"""Leave out how many ones there are: m of ``\mathbf{1}_m`` where it is no label elsewhere.

    >>> _with_ones(r"y = X \mathbf{1_m^T}"), _with_ones(r"y_m = a \mathbf{1}_m")
    ('y = X \\mathbf{1}^T', 'y_m = a \\mathbf{1}_m')
    """
    rest = _ONES.sub(" ", text)
    labels = {x for below in re.findall(r"_\s*(?:\{([^{}]*)\}|(\w))", rest) for x in "".join(below)}

    def bare(found: re.Match[str]) -> str:
        label = found[1] or found[2] or found[3]
        return found[0] if label in labels else rf"\mathbf{{1}}{found[4] or ''}"

    return _ONES.sub(bare, text)


def _with_sizes(text: str) -> str:
    r"""Read d_k as a number's name where k is no label, ``\frac{Q K^T}{\sqrt{d_k}}``."""
    labels = [a or b for a, b in re.findall(r"_\s*(?:\{\s*([a-z])\s*\}|([a-z])(?![A-Za-z]))", text)]

    def named(found: re.Match[str]) -> str:
        label = found[2] or found[3]
        own = len(_SIZE.findall(text))
        alone = labels.count(label) <= own and not re.search(
            rf"_\s*\{{[^{{}}]*{label}[^{{}}]", text
        )
        return rf"{found[1]}_{{\text{{{label}}}}}" if alone else found[0]

    return _SIZE.sub(named, text) if _MATRICES.search(text) else text


def _without_slices(text: str) -> str:
    """Give the axis of a slice a letter of its own, where every tensor is taken by entries."""
    if _SLICE.search(text) is None:
        return text
    before = text
    letter = next(
        (x for x in "qrsuvwnpg" if not re.search(rf"(?<![a-zA-Z\\]){x}(?![a-zA-Z])", text)), ""
    )
    text = _INDICATOR.sub(rf"\\delta_{{\1 {letter}}}", text)
    whole = _ROW_TIMES_COLUMN.sub(rf"\1_{letter} \2\3", text)
    kept = _SLICE.search(text.partition(" = ")[0]) is not None
    summed = len(_ROW_TIMES_COLUMN.findall(text)) == len(_SLICE.findall(text))
    if not letter or _MATRICES.search(whole) or not (kept or summed):
        return before

    def labelled(found: re.Match[str]) -> str:
        entries = (found[1] or found[2]).split(",")
        named = [letter if entry.strip() == ":" else entry.strip() for entry in entries]
        return f"_{{{' '.join(named)}}}"

    return _SLICE.sub(labelled, whole)


def _with_averages(text: str, rows_of: Callable[[str], str | None]) -> str:
    r"""Read "average along rows of A" as ``\frac{1}{m} \mathbf{1}^\top A``, where A has m rows."""
    found = _AVERAGE.search(text)
    if found is None:
        return text
    rest = text[found.end() :]
    names = [m[0] for m in re.finditer(_NAME, rest) if not m[0].startswith((r"\f", r"\p", r"\m"))]
    rows = next((r for name in names if (r := rows_of(name)) is not None), None)
    factor = "" if found[1] == "sum" else rf"\frac{{1}}{{{rows}}} "
    if rows is None and factor:
        return text
    return rf"{text[: found.start()]}{factor}\mathbf{{1}}^\top ({rest.strip()})"


def label_counts(texts: Iterable[str]) -> dict[str, int]:
    r"""Return how many labels names have at most: 2 of Theta in ``\Theta_{an} s_n``."""
    counts: dict[str, int] = {}
    for text in texts:
        for name, below, letter in _LABELLED.findall(text):
            labels = re.findall(r"[a-z]", letter or below)
            counts[name] = max(counts.get(name, 0), len(labels))
    return counts


def with_rows(text: str, counts: Mapping[str, int]) -> str:
    r"""Write a row times a vector with its sum, where the document has labels for both elsewhere.

    >>> with_rows(r"\exp(\Theta_a s)", {r"\Theta": 2, "s": 1})
    '\\exp(\\Theta_{a q} s_q)'
    """

    def summed(found: re.Match[str]) -> str:
        row, label, vector = found[1], found[2] or found[3], found[4]
        if counts.get(row) != 2 or counts.get(vector) != 1:
            return found[0]
        return f"{row}_{{{label} {letter}}} {vector}_{letter}"

    letter = next(x for x in "qrvz" if not re.search(rf"(?<![A-Za-z\\]){x}(?![A-Za-z])", text))
    return text if r"\mathbf" in text else _ROW.sub(summed, text)


def differentiated(left: str, side: str) -> tuple[str, str, str] | None:
    r"""Return y, f and x where a side differentiates f by x as the left side differentiates y.

    What stands behind the sign is in brackets, or a sum, whatever its factor.

    >>> differentiated(r"\frac{\partial y_i}{\partial x}", r"\frac{\partial}{\partial x} [a_i x]")
    ('y_i', 'a_i x', 'x')
    """
    whole, operator = _applied(left), _applied(side)
    if whole is None or operator is None:
        return None
    (of, by), (inside, below) = whole, operator
    bracketed = re.fullmatch(r"(?:\\left)?[\[(](.*?)(?:\\right)?[\])]", inside, re.DOTALL)
    closed = all(p.depth for p in list(pieces(inside))[1:-1])
    one = not any(p.text in {"+", "-"} and not p.depth for p in pieces(inside))
    if "".join(by.split()) != "".join(below.split()):
        return None
    if bracketed is not None and closed:
        return of, bracketed[1].strip(), by
    return (of, inside, by) if one and _SUMMED.match(inside) else None


def _applied(text: str) -> tuple[str, str] | None:
    """Return what a text differentiates, a name or all that stands behind it, and by what."""
    if (nabla := _NABLA_OF.fullmatch(text)) is not None:
        return nabla[3].strip(), (nabla[1] or nabla[2]).strip()
    parts = _fraction(text)
    if parts is None or not parts[0].startswith(r"\partial"):
        return None
    above, below, behind = (part.removeprefix(r"\partial").strip() for part in parts)
    return None if bool(above) == bool(behind) else (above or behind, below)


def derivative_of_formula(left: str) -> tuple[str, str] | None:
    r"""Return of what formula a side is the derivative, and by what; None for that of a name.

    >>> derivative_of_formula(r"\frac{\partial}{\partial x} (a^T x)")
    ('a^T x', 'x')
    """
    if (gradient := _GRADIENT_OF.fullmatch(left)) is not None:
        closed = all(p.text not in "()[]" or p.depth for p in list(pieces(gradient[3]))[1:-1])
        return (gradient[4].strip(), gradient[1] or gradient[2]) if closed else None
    whole = _fraction(left)
    if whole is None or not whole[1].startswith(r"\partial"):
        return None
    above, below, behind = whole
    by = below.removeprefix(r"\partial").strip()
    if above == r"\partial":
        bracketed = re.fullmatch(r"\s*(?:\\left)?[\[(](.*?)(?:\\right)?[\])]\s*", behind, re.DOTALL)
        inner = "" if bracketed is None else bracketed[1].strip()
        closed = all(p.text not in "()[]" or p.depth for p in list(pieces(behind.strip()))[1:-1])
        if inner and closed:
            return inner, by
        one = not any(p.text in {"+", "-"} and not p.depth for p in pieces(behind))
        return (behind.strip(), by) if one and "(" in behind else None
    inner = above.removeprefix(r"\partial").strip()
    return (inner, by) if above.startswith(r"\partial") and not behind and " " in inner else None


def _fraction(text: str) -> tuple[str, str, str] | None:
    r"""Return the two parts of the fraction that a text begins with, and what stands behind it,
    with ``\partial`` for the d of a derivative."""
    head = re.match(r"\s*\\[dt]?frac\s*(?=\{)", text)
    if head is None:
        return None
    above, middle = group_behind(text, head.end())
    below, end = group_behind(text, middle)
    above, below = above.strip(), below.strip()
    if _UPRIGHT.match(above) and _UPRIGHT.match(below):
        above, below = (_UPRIGHT.sub(r"\\partial ", x, count=1).strip() for x in (above, below))
    return above, below, text[end:]
