r"""Equalities that hold in a case only, by the prose around them: ``0 unless r = s``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from eingrad.papers.equations import EquationRow, is_condition, rows_of
from eingrad.papers.heads import head_of, letters_in
from eingrad.papers.passages import Document

_INTRODUCED = re.compile(
    r"\b(?:when|if|unless|whenever|iff|for|suppos(?:e|ing)(?:\s+that)?|assum(?:e|ing)(?:\s+that)?"
    r"|cases?(?:\s+(?:where|that|of|when))?|provided(?:\s+that)?|until|while)\s*\Z", re.IGNORECASE,
)  # fmt: skip
_OF_ANOTHER = re.compile(
    r"(?:\A|[.;:!?]\s+|\n\s*\n|\n\s*[-*]\s+)(?P<said>(?:For|In|With|Under|Using)\s+(?:[^.;!?]|\.(?!\s))*?"
    r"\b(?:regression|classification|loss|entropy|[BM]CE|MSE|activation|case|model)s?\b[^.;!?\n]*,\s*)\Z"
)  # For binary logistic regression, dL/dz = p - y
_BEHIND = re.compile(
    r"[\s,(]*(?:but\s+)?(?:only\s+)?(?P<word>unless|if|when|whenever|for|iff|provided that)\s*",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(
    r"\s*(?:Worked )?(?:Example|Exercise|Problem|Question|Task|Ex\.)\s*(?:\d|\()", re.IGNORECASE
)
_EXAMPLE_LEVEL = 90  # below all headings
_ONLY_IF = re.compile(r"\b(?:if and only if|iff|precisely when|exactly when)\s*:?\s*\Z")
_CONSTRAINT = re.compile(
    r"\b(?:subject to|s\.\s?t\.|such that|(?:constraints?|constrained)"
    r"(?: (?:by|to|that|is|are|reads?))?|(?:satisf|obey|fulfil)\w*)"
    r"(?:\s+(?:an?|the|its|budget|following|condition|constraint|equation)s?)*"
    r"\s*:?\s*\Z", re.IGNORECASE,
)  # fmt: skip
_NAMED = re.compile(r"\bconstraints?(?: (?:is|are|reads?))?\s*:?\s*\Z", re.IGNORECASE)
_MULTIPLIERS = re.compile(r"\bLagrang|\bmultipliers?\b", re.IGNORECASE)
_DOTS = re.compile(r"\\[lcvd]?dots|\.\.\.")
_SUBSCRIPT = re.compile(r"_\s*(?:\{([^{}]*)\}|([A-Za-z]))")
_TURNED = {"=": r"\neq", r"\neq": "=", r"\ne": "="}


def introduced(document: Document, k: int) -> str:
    """Return the words before an inline formula that make it a case: "if", "" for none."""
    if not k or document.passages[k].display or document.passages[k - 1].kind != "prose":
        return ""
    found = _INTRODUCED.search(document.passages[k - 1].text)
    return "" if found is None else " ".join(found[0].split())


def of_another(document: Document, k: int) -> str:
    """Return the words before an inline formula that speak of another model, "" for none."""
    if not k or document.passages[k].display or document.passages[k - 1].kind != "prose":
        return ""
    found = _OF_ANOTHER.search(document.passages[k - 1].text)
    return "" if found is None else " ".join(found["said"].split()).rstrip(",")


def example_level(document: Document, k: int) -> int | None:
    """Return how deep a heading is that a paragraph takes the place of: "Example 3."."""
    passage, before = document.passages[k], document.passages[k - 1] if k else None
    begins = before is None or before.kind != "math" or before.display
    found = passage.kind == "prose" and begins and _EXAMPLE.match(passage.text)
    return _EXAMPLE_LEVEL if found else None


def is_criterion(document: Document, k: int) -> bool:
    """Whether the words before a formula say that something holds just where it does."""
    before = document.passages[k - 1] if k else None
    return before is not None and before.kind == "prose" and bool(_ONLY_IF.search(before.text))


def is_constraint(row: EquationRow, document: Document, k: int) -> bool:
    """Whether a row is what the words before it ask for, which defines neither side: "subject to
    p x + q y = M", beside multipliers "the constraint is M = p x + q y"."""
    before = document.passages[k - 1] if k else None
    if before is None or before.kind != "prose" or not _CONSTRAINT.search(before.text):
        return False
    first, last = head_of(row.sides[0].text), head_of(row.sides[-1].text)
    if last is None:
        named = first is not None and len(row.sides) > 1 and _NAMED.search(before.text)
        return bool(named) and any(
            p.kind == "prose" and _MULTIPLIERS.search(p.text) for p in document.passages
        )
    return first is None or bool(first.arguments)


def as_case(row: EquationRow, word: str) -> EquationRow:
    """Return a row as a case, where it sets a name equal to a name or a number."""
    bare = all(_is_bare(side.text) for side in row.sides)
    return replace(row, only=f"{word} {row.source}") if word and bare else row


def _is_bare(text: str) -> bool:
    head = head_of(text)
    number = re.fullmatch(r"-?\d+(?:\.\d+)?", text) is not None
    return number or (head is not None and not head.arguments)


def restricted(row: EquationRow, document: Document, k: int) -> EquationRow:
    """Return the last row of a formula with the condition that the prose behind it names."""
    if k + 2 >= len(document.passages) or len(row.sides) < 2:
        return row
    prose, formula = document.passages[k + 1 : k + 3]
    found = _BEHIND.fullmatch(prose.text) if prose.kind == "prose" else None
    if prose.kind == "prose" and prose.text.strip() == "(" and _closes(document, k + 3):
        found = _BEHIND.fullmatch("(if ")  # dy/dx = 1 (x > 0)
    inline = formula.kind == "math" and not formula.display
    if found is None or not inline or _DOTS.search(formula.text):
        return row
    if found["word"][0].isupper():
        return row  # For i = j: what follows
    word = found["word"].lower()
    rows = rows_of(formula.text, formula.line)
    if len(rows) != 1 or len(rows[0].sides) != 2:
        return row
    left, right = rows[0].sides
    mark = _TURNED.get(right.mark, "") if word == "unless" else right.mark
    if right.mark == r"\in" or (word == "for" and right.mark not in _TURNED):
        return row  # a range, a domain
    if mark and is_condition(rows[0], row) and len(right.text) == 1:
        condition = f"{row.condition} {left.text} {mark} {right.text}".strip()
        return replace(row, condition=condition)
    return replace(row, only=f"{word} {rows[0].source}")


def _closes(document: Document, k: int) -> bool:
    """Whether a parenthesis is closed at the beginning of a passage of prose."""
    passage = document.passages[k] if k < len(document.passages) else None
    return passage is not None and passage.kind == "prose" and passage.text.lstrip()[:1] == ")"


def only_labels(sides: Iterable[str]) -> set[str]:
    r"""Return the letters that are labels of tensors, and nowhere a quantity or a name.

    >>> sorted(only_labels(["s_i", "w_{ik} x_k", "k", "n a_n"]))
    ['i', 'k']
    """
    written = [*sides]
    below = {x for s in written for pair in _SUBSCRIPT.findall(s)
             for x in re.findall(r"[a-z]", "".join(pair))}  # fmt: skip
    return below - frozenset[str]().union(*(letters_in(s) for s in written if len(s) > 1))
