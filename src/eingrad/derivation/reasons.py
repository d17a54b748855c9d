"""Why a line follows: words, formulas, einsum specs and matrix forms, which a face typesets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from eingrad.derivation.author_letters import Names, head_of
from eingrad.derivation.matrix import form_latex, form_text
from eingrad.derivation.matrix.forms import Form
from eingrad.notation.latex import to_latex
from eingrad.notation.syntax import Assumption, Formula, Symbol
from eingrad.notation.text import label_text, to_text


@dataclass(frozen=True, slots=True)
class Spec:
    """The labels of an einsum: ``bi,bh->ih``."""

    inputs: tuple[tuple[str, ...], ...]
    output: tuple[str, ...]

    def __str__(self) -> str:
        sides = (*self.inputs, self.output)
        *inputs, output = ("".join(map(label_text, labels)) for labels in sides)
        return f"{','.join(inputs)}->{output}"


@dataclass(frozen=True, slots=True)
class LetterPair:
    """What a delta sets equal: ``p = o``."""

    left: str
    right: str

    def __str__(self) -> str:
        return f"{label_text(self.left)} = {label_text(self.right)}"


@dataclass(frozen=True, slots=True)
class MatrixText:
    """A matrix form, as text and as LaTeX."""

    text: str
    latex: str

    def __str__(self) -> str:
        return self.text


def matrix_words(form: Form, names: Names) -> MatrixText:
    """Write a matrix form with the author's names for tensors, derivatives and extents."""

    def letter(dim: str) -> str:
        return next(iter(names.letters.get(dim, ())), dim)

    def spell(tensor: str) -> str:
        title = names.derivatives.get(tensor)
        return to_latex(Symbol(tensor) if title is None else head_of(title, ()))

    return MatrixText(form_text(form, letter), form_latex(form, letter, spell))


Part = str | Formula | Assumption | Spec | LetterPair | MatrixText


def part_text(part: Part) -> str:
    """Write a part of a reason as text; an assumption without its first word."""
    if isinstance(part, str | Spec | LetterPair | MatrixText):
        return str(part)
    return to_text(part).removeprefix("assume ")


@dataclass(frozen=True, slots=True)
class Reason:
    """Phrases, each of parts; ``str()`` of it is what `Step.rule` says.

    >>> str(because("einsum rule on ", Spec((("i", "j"), ("j",)), ("i",))).then("chain rule"))
    'einsum rule on ij,j->i; chain rule'
    """

    phrases: tuple[tuple[Part, ...], ...]

    def __str__(self) -> str:
        return "; ".join("".join(map(part_text, phrase)) for phrase in self.phrases)

    def then(self, *parts: Part) -> Reason:
        """Return the reason with one phrase more."""
        return Reason((*self.phrases, parts))

    def more(self, *parts: Part) -> Reason:
        """Return the reason with its last phrase continued."""
        return Reason((*self.phrases[:-1], (*self.phrases[-1], *parts)))


def because(*parts: Part) -> Reason:
    """Return a reason of one phrase."""
    return Reason((parts,))


def together(reasons: Iterable[Reason], otherwise: str = "") -> Reason:
    """Join reasons, each phrase once; ``otherwise`` is said where there are none."""
    said = dict.fromkeys(phrase for reason in reasons for phrase in reason.phrases if any(phrase))
    return Reason(tuple(said)) if said else because(otherwise)


def enumerated(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Put commas between parts."""
    result: list[Part] = []
    for part in parts:
        result += [", ", part] if result else [part]
    return tuple(result)
