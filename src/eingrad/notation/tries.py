r"""What people type first that is no notation, and how it is written here.

Each row is a pattern and what to say where it stands: a rewrite of the line, or a sentence. A row
speaks only where an error lies in what it matches, so that other mistakes keep their hints.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from eingrad.errors import NotationError, Position, printable
from eingrad.notation.lexeme import known_functions

Row = tuple[str, str | Callable[[str], str]]

_SUMS = r"sum|mean|prod|max|min|std|var|norm|logsumexp"
_MODULES = r"numpy|np|torch|jnp|jax|math|tf|scipy|sp|nn|F|K|sympy"
_KNOWN = rf"(?:{'|'.join(known_functions())})\("
_CONDITION = "a condition is a function: where(x_i > 0, a, b) is a where it holds, else b"
_OFFSET = "an offset is a whole number of at most six digits: h[t-1,i], x[2 i + k]"
_GRADIENT = 'a model has values only; derivatives come from Model.grad("L", "x") or eingrad derive'

_SIGN = re.compile(
    rf"(?:\b(?P<word>{_SUMS})(?=_)|(?P<sign>[∑Σ∏]))"
    r"(?:_(?:\{\s*(?P<bound>\w+)\s*(?:=[^{}]*)?\}|(?P<label>[^\W_]+)))?"
    r"(?P<upper>\^(?:\{[^{}]*\}|\w+))?(?P<space>\s*)"
)


def _reached(line: str) -> str:
    """Write each sum with what it reaches: the product behind its sign, up to a plus or minus."""
    for match in reversed([*_SIGN.finditer(line)]):
        start = match.end()
        end = _end_of_term(line, start)
        is_call = line[start : start + 1] == "(" and not match["space"] and match["word"]
        if end == start or (is_call and not match["bound"]):
            continue
        term = line[start:end].rstrip()
        closed = term.startswith("(") and _end_of_term(term, 1) == len(term) - 1
        own = re.search(r"_\{?([^\W_])", term)
        label = match["bound"] or match["label"] or (own[1] if own else "")
        word = match["word"] or ("prod" if match["sign"] == "∏" else "sum")
        rest = line[start + len(term) :]
        if not label:
            return line
        line = f"{line[: match.start()]}{word}_{label}{term if closed else f'({term})'}{rest}"
    return line.replace("²", "^2").replace("³", "^3")


def _end_of_term(line: str, start: int) -> int:
    """Return where a term ends: before a sign, a comma or a parenthesis that closes another."""
    depth = 0
    for k in range(start, len(line)):
        depth += (line[k] in "([{") - (line[k] in ")]}")
        if depth < 0 or (
            depth == 0 and k > start and line[k] in "+-,=;" and line[k - 1] not in "^_"
        ):
            return k
    return len(line)


# fmt: off
REWRITES: tuple[Row, ...] = (  # the line, rewritten, is what to write
    (r"^\s*(\S+)\s*(?::=|==|<-|←|≔)\s*",                               r"\1 = "),
    (rf"\b(?:{_MODULES})\.(?:\w+\.)*(?=\w+\()",                        ""),
    (rf"\b(\w+)\.({_SUMS})\(\)",                                       r"\2_i(\1_i)"),
    (r"\b([a-z])(?:'|\.T)\s*([A-Z])\s*\*?\s*([a-z])\b",                r"\1_i \2_ij \3_j"),
    (r"(\w)(?:'|\.T|\.t\(\))\s*(?=[A-Za-z])",                          r"\1^T "),
    (r"(_\w+|\]|\})\s*@\s*(?=\w)",                                     r"\1 "),
    (r"^\s*(\w+)\s*=\s*(\w+)\s*@\s*(\w+)\s*$",                         r"\1_ik = \2_ij \3_jk"),
    (r"(\w+)!(?!=)",                                                   r"exp(lgamma(\1 + 1))"),
    (r"(?<=\d),(?=\d)",                                                "."),
    (r"\s*//\s*(?=\d)",                                                " / "),
    (r"\s*(?://|%(?=\s*[A-Za-z])).*",                                  "  # a comment"),
    (r"<\s*(\w+)\s*,\s*(\w+)\s*>",                                     r"\1_i \2_i"),
    (r"⟨\s*(\w+)\s*,\s*(\w+)\s*⟩",                                     r"\1_i \2_i"),
    (r"(?<=[=+\-*/(])\s*\[\s*(.*?)\s*\]",                              r" (\1)"),
    (r"^\s*def\s+(\w+)\(.*?\)\s*:\s*return\s+",                        r"\1 = "),
    (r"^\s*(\w+)\s*=\s*lambda\b[^:]*:\s*",                             r"\1 = "),
    (rf"^\s*(?!{_KNOWN})([^\W\d_]+\d*)\(\s*[^\W\d_]\w*?(_\w+)?\s*\)\s*=(?!=)",      r"\1\2 ="),
    (rf"^\s*(?!{_KNOWN})([^\W\d_]+\d*)\(\s*\w+(?:\s*[,;|]\s*\w+)+\s*\)\s*=(?!=)",   r"\1 ="),
    (rf"\b(?:{_SUMS})_\{{\w+\s*=[^{{}}]*\}}(?:\^(?:\{{[^{{}}]*\}}|\w+))?\s*\S?", _reached),
    (rf"\b(?:{_SUMS})_[^\W_]+\s+\w+",                                 _reached),
    (r"[∑Σ∏](?:_\S+|(?=.*_)).*",                                        _reached),
    (rf"\b({_SUMS})_(\w),\s*(\w)\(",                                   r"\1_\2\3("),
    (rf"\b({_SUMS})_(\w)_(\w)\(",                                      r"\1_\2\3("),
    (rf"\b({_SUMS})\((.+?)\s+for\s+(\w)\s+in\s+[^()]*(?:\([^()]*\))?\)", r"\1_\3(\2)"),
    (rf"\b({_SUMS})\(([a-z]),\s*",                                     r"\1_\2("),
    (r"(?<==)\s*(\S.*?)\s+if\s+(.+?)\s+else\s+(\S.*)",                 r" where(\2, \1, \3)"),
    (r"\b(sin|cos|tan|exp|log|ln|tanh|sinh|cosh)\^(\d+)\s*\(([^()]*)\)", r"\1(\3)^\2"),
    (r"\blog_\{?(\d+)\}?\s*\(([^()]*)\)",                              r"log(\2) / log(\1)"),
    (r"√\s*(?:\(([^()]*)\)|([\w.]+))",                                 r"sqrt(\1\2)"),
    (r"(?<=[\w)])[²³]",                                                _reached),
    (r"\b(sum|prod)\s+(\w+?)_(\w+)((?:\^\d+)?)",                       r"\1_\3(\2_\3\4)"),
    (r"\b(exp|log|ln|sqrt|abs|sin|cos|tan|tanh|sigmoid|relu)\s+(\w+)", r"\1(\2)"),
    (r"(?<=\w)\s*[·⋅×∗]\s*(?=\w)",                                     " * "),
    (r"(?<=\w)\s*÷\s*(?=\w)",                                          " / "),
    (r"\s*;\s*$",                                                      ""),
)
SENTENCES: tuple[tuple[str, str], ...] = (
    (r"\b(?:if|then|else|elif|when|otherwise|unless)\b.*",             _CONDITION),
    (r"\b(?:and|or|not)\b",
     f"{_CONDITION}; two conditions are two such factors"),
    (r"^\s*(?:import|from|print|return|def|class|lambda)\b.*",
     "a model is no program: a statement is a name, =, and a formula: y_i = W_ij x_j"),
    (r"∂.*",  _GRADIENT.replace("derivatives", "a claim has dL/dx, and derivatives")),
    (r"∇.*",                                                           _GRADIENT),
    (r"_\{\w+\s*[+-]\s*[\d.]+\}|\[\w+\s*[+-]\s*[\d.]+\]",              _OFFSET),
    (r"∫.*",                                   "there is no integral: write what it is, or a sum"),
)
# fmt: on

_ABOVE = re.compile(
    r"(?P<name>\\[A-Za-z]+|[^\W\d_]\d*)(?:(?P<sub1>_(?:\{[^{}]*\}|[^\W_]+))?)"
    r"\^(?P<sup>\{(?:\\[A-Za-z]+|[^\W\d_]|\s)+\}|\\[A-Za-z]+|[a-z](?![^\W_(]))"
    r"(?P<sub2>_(?:\{[^{}]*\}|[^\W_]+))?"
)
_INVERSE = re.compile(r"(\w)\^\{?-1\}?_\{?(\w\w)\}?")


def said(position: Position | None) -> str | None:
    """Return what to say of the line at an error, None where no row knows it."""
    if position is None or len(position.line_text) > 500:
        return None
    line, at = position.line_text.partition("#")[0].rstrip(), position.column - 1
    for pattern, hint in _rows():
        for match in pattern.finditer(line):
            if match.start() <= at <= match.end() and match[0]:
                return hint(line)
    return _lowered(line, at)


@cache
def _rows() -> tuple[tuple[re.Pattern[str], Callable[[str], str]], ...]:
    rewrites = [(re.compile(p), _rewriter(p, new)) for p, new in REWRITES]
    return (*rewrites, *((re.compile(p), _sentence(text)) for p, text in SENTENCES))


def _rewriter(pattern: str, new: str | Callable[[str], str]) -> Callable[[str], str]:
    if callable(new):
        return lambda line: f"write {new(line).strip()}"
    return lambda line: f"write {re.sub(pattern, new, line).strip()}"


def _sentence(text: str) -> Callable[[str], str]:
    return lambda _: text


def _lowered(line: str, at: int) -> str | None:
    """Return what to say where letters above a name are labels: ``g_ij x^i x^j``."""
    if any(m.start() <= at <= m.end() for m in _INVERSE.finditer(line)):
        return "write " + _INVERSE.sub(r"inv_\2(\1_\2)", line).strip()
    if not any(m.start() <= at <= m.end() for m in _ABOVE.finditer(line)):
        return None
    return f"labels stand below: write {_ABOVE.sub(_below, line).strip()}"


def _below(match: re.Match[str]) -> str:
    """Write a name with all its labels below it, upper ones first; a T above transposes."""
    letters = [_letters(match[k]) for k in ("sup", "sub1", "sub2")]
    labels = "".join(letters)
    long = "\\" in labels
    return f"{match['name']}_{{{labels}}}" if long else f"{match['name']}_{labels}"


def _letters(script: str | None) -> str:
    return re.sub(r"[\s{}_^,]", "", script or "")


def better(error: NotationError) -> NotationError:
    """Give an error the hint of the row that knows its line, if there is one."""
    hint = said(error.position)
    if hint is not None and hint not in (error.hint or ""):
        error.hint = printable(hint)
    return error
