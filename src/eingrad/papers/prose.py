"""What a document's prose says of tensors: one-hot, symmetric; offered, never assumed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from eingrad.papers.givens import Givens
from eingrad.papers.heads import head_of, letters_in
from eingrad.papers.passages import Passage

# what a condition of a verdict speaks of -> the words of the prose that say it
WORDS = {
    r"sum_|one-hot": (
        r"(?:one|multi)[- ]?hot|probabilit(?:y|ies)|distributions?|sums? to (?:1|one)|softmax"
    ),
    r"symmetric|_(\w)(\w)\b.* = .*_\2\1\b": r"symmetric",
    r"positive|> 0|>= 0": r"positive|non-?negative",
    r"vectors are rows": r"row vectors?",
    r"upstream": r"upstream|incoming|gradient",
    r"orthogonal|inverse|= delta": r"orthogonal|orthonormal|rotation",
    r"\b(\w+)_(\w) \1_\2 = 1": r"unit (?:vector|norm|length|sphere)|normali[sz]ed",
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
        self._before: list[Passage] = []  # the sentences of the paragraph that are over

    def note(self, passage: Passage) -> None:
        """Remember what a passage says; formulas belong to the sentence around them."""
        if passage.kind == "math" and not passage.display:
            self._read(passage)
        elif passage.kind != "prose":
            self._sentence, self._before = [], []
        else:
            *over, last = _ENDS.split(passage.text)
            for text in over:
                self._read(replace(passage, text=text))
                self._before = [*self._before, *self._sentence][-8:]
                self._sentence = []
            self._read(replace(passage, text=last))

    def _read(self, passage: Passage) -> None:
        """Remember the facts of the sentence that a passage continues."""
        self._sentence.append(passage)
        for k, part in enumerate(self._sentence):
            for fact in _FACT.finditer(part.text) if part.kind == "prose" else ():
                self._tell(k, part, fact)

    def _tell(self, place: int, part: Passage, fact: re.Match[str]) -> None:
        """Remember a fact that stands in a piece of a sentence."""
        maths = [p for p in self._sentence if p.kind == "math"]
        before = [p for p in self._sentence[:place] if p.kind == "math"][-1:]
        if self._is_denied(place, fact):
            earlier = [p for p in self._before if p.kind == "math"][-1:]
            self.denied.append(Said(part.line, fact[0], _letters(before or maths[:1] or earlier)))
            return
        text = " ".join(p.text if p.kind == "prose" else "x" for p in self._sentence)
        own = before and _IS.match(part.text[: fact.start()])
        if _ONLY_SUPPOSED.search(text) or (own and _is_compound(before[0].text)):
            return
        letters = _letters(self._sentence)
        if not letters and _ELSEWHERE.search(text):
            return
        letters = letters or _letters(self._before)  # "The matrix is symmetric."
        self.said.append(Said(part.line, fact[0], letters))

    def _is_denied(self, place: int, fact: re.Match[str]) -> bool:
        """Whether a sentence denies one of its facts: "A need not be symmetric"."""
        before = [p.text if p.kind == "prose" else "x" for p in self._sentence[:place]]
        text = " ".join([*before, fact.string[: fact.end()]])
        denials = [*_DENIED.finditer(text)]
        between = text[denials[-1].end() : len(text) - len(fact[0])] if denials else ""
        return bool(denials) and not _PARTED.search(between)

    def state(self, line: int, formula: str, place: int = 0) -> None:
        """Remember a formula that is a condition on what nothing defines, a passage at a place."""
        before = self.givens.passages[place - 1 : place] if place else ()
        denied = any(p.kind == "prose" and _ASSUMED_NOT.search(p.text) for p in before)
        own = Said(line, formula, letters_in(formula))
        (self.denied if denied else self.said).append(own)

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


def _letters(passages: Iterable[Passage]) -> frozenset[str]:
    """Return the names in formulas, and those that stand in prose: "the matrix A"."""
    own = (letters_in(p.text) if p.kind == "math" else _ALONE.findall(p.text) for p in passages)
    return frozenset[str]().union(*own)


def _is_compound(formula: str) -> bool:
    r"""Whether a formula is made of names, and says nothing of them: ``A^\top A``."""
    said = re.search(r"[=,<>]|\\(?:in|le|ge|leq|geq)\b", formula)
    return said is None and head_of(formula) is None


def _any(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_DENIED = re.compile(
    r"\b(?:not|never|no longer|nor|neither|without|nicht|kein\w*)\b|n't\b"
    r"|\b(?:a|non-?|un)symmetric|\bmulti[- ]?hot",
    re.IGNORECASE,
)
_PARTED = re.compile(r",|\b(?:but|only|and)\b")  # "not diagonal but symmetric"
_FACT = _any(WORDS.values())
_ENDS = re.compile(r"[.;!?](?=\s|\Z)|\n\s*\n")
_ALONE = re.compile(r"\b(?:[B-HJ-Zb-z]|(?<=matrix )A)\b")
_IS = re.compile(r"\s*(?:is|are)\b")
_ONLY_SUPPOSED = re.compile(r"\bif\b.*\bwere\b", re.IGNORECASE | re.DOTALL)
_ELSEWHERE = re.compile(
    r"\bwill\b|\b(?:section|chapter)s?\b|\b(?:result\w*|hessian|jacobian|product)\b[^,]*\b(?:is|are)\b",
    re.IGNORECASE,
)  # what is said of no tensor of the text
_ASSUMED_NOT = re.compile(
    r"(?:\b(?:not|never|without)\b|n't)[^.;:!?]*\b(?:that|have|assum\w+|requir\w+)\s*\Z",
    re.IGNORECASE,
)
