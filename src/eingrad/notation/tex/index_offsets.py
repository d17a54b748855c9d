r"""Entries in LaTeX at other positions than a label's own: ``x_{2i+k-1}``, ``h_{t-1}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eingrad.notation.grammar import Grammar
from eingrad.notation.lexeme import Entry
from eingrad.notation.syntax import MovedLabel, Offset, move_of
from eingrad.notation.tex import names
from eingrad.notation.tex.survey import Context
from eingrad.notation.tokens import Token


class OffsetReader(Grammar):
    """Reads integer combinations of labels."""

    named = ""  # the name that was read last

    def __init__(self, tokens: Sequence[Token], context: Context) -> None:
        super().__init__(tokens, context.lexer.source)
        self.context = context
        self.kept = context.survey.kept

    def begins_name(self, token: Token) -> bool:
        """Whether a token begins a name."""
        known = names.FONTS | names.ACCENTS.keys()
        return token.kind == "LETTER" or token.text in known or names.greek(token.text) is not None

    def _move(self) -> int:
        """Go past ``-1`` behind a label: how many positions after it an entry is read."""
        sign, number = self.peek(), self.peek(1)
        if sign.kind != "SIGN" or number.kind != "NUMBER" or not number.text.isdigit():
            return 0
        self.k += 2
        return int(sign.text + number.text)

    def _offset(self) -> Offset | None:
        """Read ``2i+k-1`` or a number up to the next comma; None of labels alone, or one moved."""
        found: list[Token] = []
        while self.peek(len(found)).kind not in {"COMMA", "RBRACE", "END"}:
            found.append(self.peek(len(found)))
        kinds = [t.kind for t in found]
        plain = all((self.begins_name(t) and t.text not in names.FONTS | names.ACCENTS.keys())
                    or t.kind == "SIGN" or t.text.isdigit() for t in found)  # fmt: skip
        signs, numbers = kinds.count("SIGN"), kinds.count("NUMBER")
        moved = kinds[-2:] == ["SIGN", "NUMBER"] and numbers == signs == 1 and len(found) > 2
        if not plain or moved or not (signs or numbers):
            return None
        begins = self.peek(-1).kind in {"COMMA", "LBRACE"} or self.peek(-1).kind == "INDEX"
        if not begins or (not signs and len(found) > 1 and not self._is_multiple(found)):
            return None
        terms, constant = self._terms(found)
        self.k += len(found)
        place = self._counted(terms, constant)
        if self._counts_from_zero(terms, constant):
            survey = self.context.survey
            survey.from_zero.setdefault(self.named, self.peek(-1))
            survey.notes.setdefault(f"{self.named} counts from 0, as it is read at 0")
            place += 1
        return Offset(tuple((n, x) for x, n in terms.items()), place)

    def _counts_from_zero(self, terms: Mapping[str, int], constant: int) -> bool:
        r"""Whether the entry 0 is the first of a tensor in a text that counts from 1: of w in
        ``\sum_{s=1}^{t} w_{t-s} x_s``."""
        if sorted(terms.values()) != [-1, 1] or self.context.first != 1:
            return False
        last, label = sorted(terms, key=lambda x: -terms[x])
        ends = self.context.bounds.get(label, ())
        return [*ends] == [(last, constant)] and last not in self.context.starts

    def _is_multiple(self, found: Sequence[Token]) -> bool:
        """Whether ``2i`` is twice i: of a tensor that has one entry where it stands elsewhere."""
        ranks = self.context.ranks.get(self.named, frozenset())
        if found[0].kind != "NUMBER" or found[0].text == "1" or len(found) > 2 or 2 in ranks:
            return False
        if self.named == "delta":  # \delta_{2i}
            return False
        text = "".join(t.text for t in found)
        note = f"{self.named} is read at {text}; write a comma for an entry of a matrix"
        self.context.survey.notes.setdefault(note)
        return True

    def _terms(self, found: Sequence[Token]) -> tuple[dict[str, int], int]:
        """Return the numbers of the labels in a combination, and the number that is added."""
        terms: dict[str, int] = {}
        constant, sign, number = 0, 1, None
        ended = True  # whether a sign or nothing stands before
        for token in [*found, Token("SIGN", "+", 0, 0, 0)]:
            if token.kind == "SIGN":
                constant += sign * (number or 0)
                sign, number, ended = -1 if token.text == "-" else 1, None, True
            elif token.kind == "NUMBER" and ended:
                number, ended = int(token.text), True
            elif token.kind != "NUMBER" and ended:
                label = names.greek(token.text) or names.letter(token.text)
                terms[label] = terms.get(label, 0) + sign * (1 if number is None else number)
                number, ended = None, False
            else:
                hint = "write a comma between axes, as in x_{i, j+k}"
                raise self.error("labels side by side in an offset", hint, token)
        if any(n == 0 for n in terms.values()):
            raise self.error("a label cancels in an offset", "write what is left of it", found[0])
        return terms, constant

    def _counted(self, terms: Mapping[str, int], constant: int) -> int:
        """Return the number of an offset where labels and entries count from 0.

        A label counts from where its sum begins, others and the axis as the text does; a number
        alone counts from 1 but in a text that counts from 0, and from the end below 0.
        """
        starts, first = self.context.starts, self.context.first
        if not terms and constant >= 0:
            self.context.survey.zeros |= constant == 0
            place = constant - (1 if first is None else first)
            if place < 0 and self.context.final:
                hint = "write sums that begin at 0, or name what stands before the first entry"
                raise self.error("entries count from 1 here, as sums do", hint)
            return max(place, 0)
        if not terms:
            return constant
        clash = next((x for x in terms if len(starts.get(x, ())) > 1), None)
        if clash is not None:
            hint = "let all its sums begin at 0, or all at 1"
            raise self.error(f"{clash} begins at two numbers, and is part of an offset", hint)
        free = sum(n for x, n in terms.items() if x not in starts)
        known = sum(n * min(starts[x]) for x, n in terms.items() if x in starts)
        return constant + known + (first or 0) * (free - 1)


def index_entry(text: str) -> Entry:
    """Read a token of kind INDEX: ``l``, ``l-1``, ``#0``, ``#-1`` for the last entry.

    >>> index_entry("l"), index_entry("#-1")
    ('l', Offset(terms=(), constant=-1))
    """
    if text[0] == "#":
        return Offset((), int(text[1:]))
    for sign in "+-":
        label, found, number = text.partition(sign)
        if found:
            return MovedLabel.of(label, int(sign + number))
    return text


def as_offset(entry: Entry) -> Entry:
    """Return an offset for a label that is moved, which stands beside other offsets."""
    if isinstance(entry, str) and (by := move_of(entry)):
        return Offset(((1, str.__str__(entry)),), by)
    return entry
