r"""``\\sigma`` where a document never says which function it is: a function that stands for any."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from eingrad.papers.passages import Passage
from eingrad.papers.scope import Stated

_NAMES = (r"\zeta", r"\Psi", r"\psi", r"\Phi", r"\phi", r"\rho", "G", "H")
_SIZES = r"(?:\s|\\[!,;:]|\\left(?![a-z])|\\[bB]igg?l?(?![a-z]))*"
_CALLED = re.compile(
    rf"\\sigma(?![A-Za-z])(?:\s|\\[!,;:])*(?={_SIZES}(?:\(|\{{\s*\()|\s*'|\s*\^\s*\{{?\s*(?:\\prime|'))"
)
_SLOPE = re.compile(r"\\sigma\s*(?:'|\^\s*\{?\s*(?:\\prime|'))")
_ENTRY = re.compile(r"\\sigma\s*(?:\\left\s*)?\((?:[^()]|\([^()]*\))*\)\s*_")  # \sigma(\vec{z})_i
_LOGISTIC = re.compile(r"sigmoid|logistic", re.IGNORECASE)
_FORMULA = re.compile(r"\{\s*1\s*\}\s*\{\s*1\s*\+\s*(?:e\s*\^|\\exp|\\mathrm\{e\})")
_ANY = re.compile(
    r"\b(?:activation|transfer|non-?linear\w*)\s+(?:functions?\s+|non-?linearit\w+\s+)?"
    r"(?:is\s+|of\s+|be\s+|,\s*|denoted\s+(?:by|as)\s+)?\\sigma(?![A-Za-z])", re.IGNORECASE,
)  # fmt: skip
_END = re.compile(r"[.;!?](?=\s)")  # of a sentence
_NEAR = 80  # letters within which a sentence says what an activation is
_INSTANCE = re.compile(r"\b(?:e\.g|for example|for instance|such as|like|any|or)\b", re.IGNORECASE)


def is_logistic(passages: Sequence[Passage]) -> bool:
    """Whether a document says that sigma is the logistic function."""
    whole = " ".join(p.text for p in passages)
    if _FORMULA.search(whole) is not None:
        return True
    if _LOGISTIC.search(whole) is None:
        return False
    any_one = _ANY.search(whole)
    if any_one is None:
        return True
    before = _END.split(whole[max(0, any_one.start() - _NEAR) : any_one.start()])[-1]
    around = before + _END.split(whole[any_one.start() : any_one.end() + _NEAR])[0]
    return _LOGISTIC.search(around) is not None and _INSTANCE.search(around) is None


def free_name(passages: Sequence[Passage]) -> str:
    """Return the name of a function that a document does not use."""
    whole = " ".join(p.text for p in passages)
    free = (x for x in _NAMES if re.search(re.escape(x) + "(?![A-Za-z])", whole) is None)
    return next(free, "")


def with_any(text: str, name: str) -> str:
    r"""Return a formula with a function that stands for any in the place of sigma.

    >>> with_any(r"\sigma(z) + \sigma^2 \sigma'(z)", r"\psi")
    "\\psi(z) + \\sigma^2 \\psi'(z)"
    """
    if not name or _ENTRY.search(text) is not None:
        return text
    return _CALLED.sub(lambda _: name, text)


def stated_with_any(stated: Stated, name: str) -> Stated:
    """Return a definition with a function that stands for any in the place of sigma."""
    text = with_any(stated.text, name)
    return stated if text == stated.text else replace(stated, text=text)


def speaks_of_sigma(text: str) -> bool:
    """Whether a formula applies sigma."""
    return _CALLED.search(text) is not None


def speaks_of_slope(text: str) -> bool:
    r"""Whether a formula has the derivative of sigma by its sign: ``\sigma'``."""
    return _SLOPE.search(text) is not None
