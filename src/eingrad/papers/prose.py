"""What a document's prose says of tensors: one-hot, symmetric; offered, never assumed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from eingrad.papers.givens import Givens
from eingrad.papers.heads import letters_in
from eingrad.papers.passages import Passage

# what a condition of a verdict speaks of -> the words of the prose that say it
WORDS = {
    r"sum_|one-hot": r"one[- ]hot|probabilit(?:y|ies)|distributions?|sums? to (?:1|one)|softmax",
    r"symmetric|_(\w)(\w)\b.* = .*_\2\1\b": r"symmetric",
    r"positive|> 0|>= 0": r"positive|non-?negative",
    r"vectors are rows": r"row vectors?",
    r"upstream": r"upstream|incoming|gradient",
    r"orthogonal|inverse": r"orthogonal|orthonormal|rotation",
}


@dataclass(frozen=True)
class Said:
    """A sentence that may state a fact, or a formula that does."""

    line: int
    text: str
    letters: frozenset[str]


class Facts:
    """What a document says beside its definitions, with the lines."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.denied: list[Said] = []
        self.givens = Givens()
        self._sentence: list[Passage] = []

    def note(self, passage: Passage) -> None:
        """Remember what a passage says; formulas belong to the prose around them."""
        if passage.kind != "prose" and not (passage.kind == "math" and not passage.display):
            self._sentence = []
            return
        self._sentence = [*self._sentence, passage][-8:]
        if passage.kind == "prose" and _FACT.search(passage.text) is None:
            return
        if passage.kind == "prose" and self._is_denied():
            before = [p for p in self._sentence if p.kind == "math"][-1:]
            letters = frozenset[str]().union(*(letters_in(p.text) for p in before))
            self.denied.append(Said(passage.line, passage.text, letters))
            self._sentence = []
            return
        told = [p for p in self._sentence if p.kind == "prose" and _FACT.search(p.text)]
        if told:
            letters = frozenset[str]().union(
                *(letters_in(p.text) for p in self._sentence if p.kind == "math")
            )
            text = " ".join(p.text for p in told)
            letters |= {x for x in re.findall(r"\b[A-Za-z]\b", text) if x not in "aAI"}
            self.said.append(Said(told[-1].line, " ".join(text.split()), letters))

    def _is_denied(self) -> bool:
        """Whether the sentence of the last fact denies it: "A need not be symmetric"."""
        text = " ".join(p.text if p.kind == "prose" else "x" for p in self._sentence)
        *_, fact = _FACT.finditer(text)
        begins = max(text.rfind(end, 0, fact.start()) for end in ".;!?") + 1
        denials = [*_DENIED.finditer(text, begins, fact.end())]
        return bool(denials) and not _PARTED.search(text[denials[-1].end() : fact.start()])

    def state(self, line: int, formula: str) -> None:
        """Remember a formula that is a condition on what nothing defines."""
        self.said.append(Said(line, formula, letters_in(formula)))

    def line_for(self, condition: str) -> int | None:
        """Return the line that says what a condition asks for, the first one; None if none does."""
        return _first_line(self.said, condition)

    def line_denying(self, condition: str) -> int | None:
        """Return the line that says that a condition does not hold; None if none does."""
        return _first_line(self.denied, condition)


def _first_line(said: Iterable[Said], condition: str) -> int | None:
    letters = letters_in(re.sub(r"\b[a-z]{2,}_?", " ", condition))
    whole = "vectors are" in condition  # which speaks of no tensor
    found = (s.line for s in said if _says(s, condition) and (whole or s.letters & letters))
    return min(found, default=None)


def _says(said: Said, condition: str) -> bool:
    for about, words in WORDS.items():
        if re.search(about, condition) and re.search(words + r"|=", said.text, re.IGNORECASE):
            return True
    return False


def _any(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_DENIED = re.compile(
    r"\b(?:not|never|no longer|nor|neither|without|nicht|kein\w*)\b|n't\b"
    r"|\b(?:a|non-?|un)symmetric",
    re.IGNORECASE,
)
_PARTED = re.compile(r",|\b(?:but|only|and)\b")  # "not diagonal but symmetric"
_FACT = _any(WORDS.values())
