r"""Conditions in LaTeX: cases, and indicators such as ``\mathbb{1}[y_b = o]``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import eq, ge, gt, le, lt, ne

from eingrad.core.functions import COMPARED
from eingrad.core.masks import ALWAYS, RELATIONS, turned
from eingrad.errors import NotationError
from eingrad.notation.lexeme import Entry
from eingrad.notation.places import indicated_by
from eingrad.notation.summation import Summation, children, labels_of, rebuilt, walk
from eingrad.notation.syntax import (
    ONES_NAME,
    Assignment,
    Call,
    Claim,
    Compare,
    Derivative,
    Formula,
    Number,
    Offset,
    Ordinal,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.tex import names
from eingrad.notation.tex.derivatives import DerivativeReader
from eingrad.notation.tex.rows import DOTS, is_letter, split, word_at, word_end
from eingrad.notation.tex.scripts import CONDITION_WORDS
from eingrad.notation.tex.survey import Context
from eingrad.notation.text import to_text
from eingrad.notation.tokens import Token

HOLDS = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne}
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
INDICATORS = frozenset({"1", "I", r"\chi", r"\delta"})  # with a condition
ONES = frozenset({
    r"\mathbf", r"\mathbb", r"\mathbbm", r"\mathds", r"\boldsymbol", r"\bm", r"\mathrm", r"\text",
})  # fmt: skip


class ConditionReader(DerivativeReader):
    """Reads what depends on a condition."""

    in_cases = 0  # how many cases are open whose conditions come next

    def cases(self) -> Formula:
        r"""Read ``\begin{cases} a & \text{if } c \\ b & \text{otherwise} \end{cases}``."""
        token = self.next()
        rows: list[tuple[Formula, Case]] = []
        while not self.take("ENDCASES"):
            if rows:
                self.expect("ROW", r"\\")
                if self.take("ENDCASES"):
                    break
            if rows and not rows[-1][1]:
                raise self.error("a case behind the rest", "write the rest last", token)
            rows.append(self._case(token))
        conditions = [condition for _, condition in rows]
        if len(rows) < 2 or not are_complete(conditions, self.context.closed):
            hint = r"write a & \text{if } x > 0 \\ b & \text{otherwise}"
            raise self.error("the last case must be the rest of the others", hint, token)
        formula = rows[-1][0]
        for value, condition in reversed(rows[:-1]):
            rest = formula
            formula = value
            for part in reversed(condition):
                formula = Call("where", (part, formula, rest), (), self.at(token))
        return formula

    def _case(self, token: Token) -> tuple[Formula, Case]:
        """Read a value and its condition, none for ``otherwise``."""
        self.in_cases += 1
        value = self.inside()
        self.in_cases -= 1
        apart = self.take("COMMA") or self.peek().kind == "QUAD"
        while self.take("QUAD"):
            pass
        if not self.take("AMP") and not apart and not self.word_ahead():
            self.expect("AMP", "&")
        while self.take("QUAD") or self.take("COLON"):
            pass
        if self._take_word({"otherwise", "else"}):
            self.take("DOT")
            return value, ()
        self._take_word({"if", "for", "when"})
        while self.take("AMP") or self.take("QUAD"):  # of an array with a column for the word
            pass
        if self.peek().kind in {"ROW", "ENDCASES", "RBRACE"}:
            hint = r"write a & \text{if } x > 0 \\ b & \text{otherwise}"
            raise self.error("cases have two rows", hint, token)
        condition = self._chain()
        while self.take("DOT") or self.take("COMMA"):
            pass
        return value, condition

    def _chain(self) -> Case:
        """Read ``x > 0``, or ``-1 < x < 1``, which is two conditions."""
        found = [self.inside()]
        while isinstance(found[-1], Compare) and (op := self.comparison(self.peek())):
            left = found[-1].right
            self.next()
            self.nested += 1
            found.append(Compare(op, left, self.sum(), left.position))
            self.nested -= 1
        return tuple(found)

    def word_ahead(self) -> bool:
        """Whether a word that begins a condition comes next."""
        return self.peek().text in names.FONTS and self.group_text(1) in CONDITION_WORDS

    def _take_word(self, words: Collection[str]) -> bool:
        """Go past one of some words in roman type."""
        if self.peek().text in names.FONTS and self.group_text(1).rstrip(".,") in words:
            self.k = word_end(self.tokens, self.k)
            return True
        return False

    def begins_ones(self) -> bool:
        r"""Whether ``\mathbb{1}`` comes next, or ``\mathbb{I}``, ``I``, ``1`` with a condition."""
        token = self.peek()
        length = self._font_length() if token.text in ONES else 0
        inner = self.peek(length // 2).text if length else token.text
        if length and inner == "1":
            return True
        if token.text in names.FONTS or not length:
            known = inner in self.context.tensors or inner not in INDICATORS
            return not known and self._is_conditional(length or 1)
        return inner == "I" and self.peek(length).kind in {"OPEN", "SUB"}

    def _font_length(self) -> int:
        r"""Return how many tokens ``\mathbb{1}`` or ``\mathbb 1`` are."""
        return 4 if self.peek(1).kind == "LBRACE" else 2

    def indicator(self) -> Formula:
        r"""Read ``\mathbb{1}[x_i > 0]`` and ``\mathbf{1}_{\{y_b = o\}}``, 1 where it holds."""
        token = self.peek()
        self.k += self._font_length() if token.text in ONES else 1
        if self.peek().kind == "SUB" and not self._is_conditional():
            labels = [x for x in self.scripts().entries or () if isinstance(x, str)]
            hint = r"write a condition, \mathbb{1}[i = j], or \delta_{ij}"
            if len(labels) > 1 or self.peek().kind == "OPEN":  # the identity, or that of a set
                raise self.error("ones with several labels, or an argument", hint, token)
            if not labels:
                raise self.error("ones without a label below them", hint, token)
            for x in labels:
                if x.upper() in self.context.letters and len(x) == 1:
                    self.context.survey.sizes.setdefault(x.upper(), x)
                    self.context.survey.notes.setdefault(f"{x.upper()} is the extent of {x}")
            return Symbol("delta", (labels[0], labels[0]), self.at(token))
        hint = r"write a condition behind it, as in \mathbb{1}[y_b = o]; ones as factors need none"
        if self.peek().kind == "SUB" and self.peek(1).kind == "LBRACE":
            self.k += 2
            inner = self.peek()
            condition = self.group() if inner.kind == "OPEN" else self.inside()
            self.expect("RBRACE", "a closing brace")
        elif self.peek().kind == "OPEN":
            condition = self.group()
        elif token.text in names.BOLD:
            return Symbol(ONES_NAME, (), self.at(token))
        else:
            raise self.error("an indicator without a condition", hint, token)
        if not isinstance(condition, Compare):
            raise self.error("an indicator without a condition", hint, token)
        return self._as_delta(condition) or self.indicated(condition, token)

    def _is_conditional(self, ahead: int = 0) -> bool:
        r"""Whether a subscript or parentheses with a condition begin ``ahead`` tokens from here,
        as in ``\mathbf{1}_{\{y_b = o\}}``."""
        start = ahead + (self.peek(ahead).kind == "SUB")
        depth, k = 0, start
        while (depth or k == start) and self.peek(k).kind != "END":
            token = self.peek(k)
            if token.kind in {"COMPARE", "EQUAL"}:
                return depth > 0
            depth += token.kind in {"LBRACE", "OPEN"}
            depth -= token.kind in {"RBRACE", "CLOSE"}
            k += 1
        return False

    def _as_delta(self, condition: Compare) -> Formula | None:
        """Return ``delta[y[b],o]`` for ``y_b = o`` where o is a label."""
        entries = [self._entry_of(x) for x in (condition.left, condition.right)]
        first, second = entries
        if condition.op != "==" or first is None or second is None:
            return None
        if isinstance(first, str) and isinstance(second, str):
            return Symbol("delta", (first, second), condition.position, brackets=True)
        if isinstance(first, str) or isinstance(second, str):
            return TensorAt("delta", (first, second), condition.position)
        return None

    def _entry_of(self, side: Formula) -> str | Symbol | None:
        """Return a side of a condition as a label or as an integer tensor."""
        if not isinstance(side, Symbol):
            return None
        label = not side.labels and self.context.labels is not None
        return side.name if label and self.context.is_label(side.name) else side


Case = tuple[Formula, ...]  # the conditions of a case, none for the rest


def are_complete(cases: Sequence[Case], almost: bool) -> bool:
    """Whether the last case is the rest, or holds just where none of the others does.

    ``almost`` leaves open what holds at single values: ``x < 0`` and ``x > 0``.
    """
    *others, last = cases
    if not last:
        return True
    if (held := _on_a_line(cases)) is not None:
        between, borders = held
        return {*between} == {1} and (almost or {*borders} == {1})
    if not all(len(x) == 1 for x in cases) or not isinstance(last[0], Compare):
        return False
    left = ALWAYS
    for condition in others:
        bits = _relation_to(condition[0], last[0])
        if bits is None or bits & ~left:
            return False
        left &= ~bits
    return left == RELATIONS[COMPARED[last[0].op]]


def _on_a_line(cases: Sequence[Case]) -> tuple[list[int], list[int]] | None:
    """Return how many cases hold between the numbers with which one formula is compared, and how
    many at them; None where cases compare other things."""
    parts: list[tuple[int, str, Formula, float]] = []
    for k, case in enumerate(cases):
        for one in case:
            if not isinstance(one, Compare):
                return None
            left, right = _number(one.left), _number(one.right)
            if (left is None) == (right is None):
                return None
            if right is not None:
                parts.append((k, one.op, one.left, right))
            elif left is not None:
                parts.append((k, FLIPPED.get(one.op, one.op), one.right, left))
    if len({formula for _, _, formula, _ in parts}) != 1:
        return None
    borders = sorted({number for *_, number in parts})
    ends = [borders[0] - 1, *borders, borders[-1] + 1]
    between = [(low + high) / 2 for low, high in pairwise(ends)]

    def held(value: float) -> int:
        return sum(
            all(HOLDS[op](value, number) for j, op, _, number in parts if j == k)
            for k in range(len(cases))
        )

    return [held(x) for x in between], [held(x) for x in borders]


def _number(formula: Formula) -> float | None:
    """Return the value of a number, also of a negative one."""
    match formula:
        case Number(value=value):
            return float(value)
        case Sum(terms=(Number(value=value),), negative=(True,)):
            return -float(value)
    return None


def _relation_to(condition: Formula | None, last: Compare) -> int | None:
    """Return which relations of the sides of ``last`` a condition on the same sides allows."""
    if not isinstance(condition, Compare):
        return None
    bits = RELATIONS[COMPARED[condition.op]]
    if (condition.left, condition.right) == (last.left, last.right):
        return bits
    return turned(bits) if (condition.right, condition.left) == (last.left, last.right) else None


# --- behind an equation ------------------------------------------------------------------------


def no_conditions(conditions: Iterable[Sequence[Token]], context: Context) -> None:
    """Raise where a condition says more than that an equation holds for all entries."""
    for condition in conditions:
        if _relation(condition, context) is not None:
            raise context.lexer.error(
                condition[0],
                "a definition that holds for some entries only",
                r"write cases, or multiply by \delta_{ij} or 1 - \delta_{ij}",
            )


def limited(
    claim: Claim,
    conditions: Iterable[Sequence[Token]],
    context: Context,
    read: Callable[[Sequence[Token]], Formula],
) -> Claim:
    r"""Return a claim for the entries that conditions leave: ``i = j``, ``i < j``, ``j \neq y_i``.

    ``read`` reads a comparison of other than two letters.
    """
    for condition in conditions:
        compare = _relation(condition, context, read)
        if compare is None:
            continue
        labels = labels_of(claim.target) if isinstance(claim, Assignment) else ()
        sides = [
            Ordinal(x.name) if isinstance(x, Symbol) and x.name in labels and not x.labels else x
            for x in (compare.left, compare.right)
        ]
        places = [x.label for x in sides if isinstance(x, Ordinal)]
        two = len(places) == 2
        known = two or indicated_by(replace(compare, left=sides[0], right=sides[1])) is not None
        known = known or (compare.op != "==" and _is_about(compare, labels))
        if not isinstance(claim, Assignment) or not known:
            raise context.lexer.error(
                condition[0],
                f"{to_text(compare.left)} and {to_text(compare.right)} are no two labels of the "
                "left side",
                "a condition behind a claim says for which of its entries it holds",
            )
        if two and compare.op == "==":
            claim = _on_diagonal(claim, *places)
        else:
            claim = _beside(claim, replace(compare, left=sides[0], right=sides[1]))
    return claim


def _is_about(compare: Compare, labels: Collection[str]) -> bool:
    """Whether a condition says of each entry whether it holds there: ``x_i > 0``."""
    tensors = any(isinstance(x, Symbol | TensorAt) for x in walk(compare))
    return tensors and {*Summation().free(compare)} <= {*labels}


def _relation(
    condition: Sequence[Token],
    context: Context,
    read: Callable[[Sequence[Token]], Formula] | None = None,
) -> Compare | None:
    r"""Return a comparison of two letters, or of what ``read`` makes of it; None for all."""
    tokens = list(condition)
    worded = word_at(tokens, 0)
    if worded:
        tokens = tokens[word_end(tokens, 0) :]
    every = worded.endswith(("all", "each", "any", "every")) or (
        tokens[:1] and tokens[0].text == r"\forall"
    )
    if tokens and tokens[0].text == r"\forall":
        tokens = tokens[1:]
    if tokens and (tokens[0].kind, tokens[-1].kind) == ("OPEN", "CLOSE"):
        tokens = tokens[1:-1]
    tokens = [t for t in tokens if t.kind != "QUAD"]
    while tokens and tokens[-1].kind in {"DOT", "COMMA"}:
        tokens.pop()
    names_only = all(is_letter(t) or t.kind == "COMMA" for t in tokens)
    ranges = is_whole_range(tokens) or all(map(is_whole_range, split(tokens, "COMMA")))
    if (every and names_only) or ranges:
        return None
    single = len(tokens) == 3 and is_letter(tokens[0]) and is_letter(tokens[2])
    if single and (op := _compared(tokens[1])):
        ends = (tokens[0], tokens[2])
        left, right = (Symbol(names.greek(t.text) or names.letter(t.text)) for t in ends)
        return Compare(op, left, right)
    if read is not None and sum(bool(_compared(t)) for t in tokens) == 1:
        compare = read(tokens)
        if isinstance(compare, Compare):
            return compare
    raise context.lexer.error(
        condition[0],
        "a condition that has no meaning here",
        r"conditions on labels are read, i = j, i < j and j \neq y_i, behind a claim",
    )


def _compared(token: Token) -> str:
    """Return the comparison that a token behind an equation is, or nothing."""
    return "==" if token.text == "=" else token.text * (token.kind == "COMPARE")


def is_whole_range(tokens: Sequence[Token]) -> bool:
    r"""Whether tokens say that a label runs over its whole axis: ``i = 1, \ldots, n``."""
    if len(tokens) < 3 or not is_letter(tokens[0]):
        return False
    if tokens[1].kind != "EQUAL" and tokens[1].text != r"\in":
        return False
    rest = [t for t in tokens[2:] if t.kind not in {"COMMA", "OPEN", "CLOSE"}]
    brackets = [t.kind for t in tokens[2:]] == ["OPEN", tokens[3].kind, "CLOSE"] \
        if len(tokens) == 5 else False  # fmt: skip
    if brackets and tokens[2].text == "[" and is_letter(tokens[3]):
        return True  # k \in [c]
    starts = bool(rest) and rest[0].text in {"0", "1"} and rest[-1].text not in DOTS
    dots = sum(t.text in DOTS for t in rest)
    interval = tokens[1].text == r"\in" and len(rest) == 2 and is_letter(rest[1])
    return starts and (interval or (dots == 1 and len(rest) in {3, 4}))


def _on_diagonal(claim: Assignment, first: str, second: str) -> Assignment:
    """Return a claim with one letter in the place of two."""
    target, value = (with_label(x, second, first) for x in (claim.target, claim.value))
    assert isinstance(target, Symbol | Derivative)
    return replace(claim, target=target, value=value)


def _beside(claim: Assignment, condition: Compare) -> Assignment:
    """Return a claim that says nothing where a condition does not hold: there it repeats its left
    side."""
    return replace(claim, value=Call("where", (condition, claim.value, claim.target)))


def beside(claim: Claim, at: Sequence[tuple[str, Symbol]]) -> Claim:
    r"""Return a claim for the entries at which labels are integers: of ``\nabla_{w_{y_i}} L``."""
    for label, integer in at:
        if not isinstance(claim, Assignment):
            hint = "claim the derivative alone: it stands before ="
            raise NotationError("a derivative by one entry in a formula", hint=hint)
        claim = _beside(claim, Compare("==", Ordinal(label), integer))
    return claim


def in_order(claim: Assignment, pairs: Iterable[Compare]) -> Assignment:
    r"""Return a claim for the entries at which its products have a meaning: ``\prod_{i=k+1}^{t}``
    says that k is at most t."""
    labels = labels_of(claim.target)
    for pair in pairs:
        left, right = (x.name for x in (pair.left, pair.right) if isinstance(x, Symbol))
        if left in labels and right in labels:
            note = f"the claim is judged where {left} <= {right}, as its product goes"
            told = dict.fromkeys((*claim.notes, note))
            claim = replace(_beside(claim, pair), notes=tuple(told))
    return claim


def _entry_with_label(entry: Entry, old: str, new: str) -> Entry:
    match entry:
        case str():
            return new if entry == old else entry
        case Offset(terms=terms):
            return replace(entry, terms=tuple((n, new if x == old else x) for n, x in terms))
    inner = with_label(entry, old, new)
    assert isinstance(inner, Symbol | TensorAt)
    return inner


def with_label(formula: Formula, old: str, new: str, bound: bool = False) -> Formula:
    """Return a formula with another letter in the place of a label; raise where that is bound.

    With ``bound``, where it is bound, too.
    """
    match formula:
        case Symbol(labels=labels):
            return replace(formula, labels=tuple(new if x == old else x for x in labels))
        case TensorAt(entries=entries):
            moved = (_entry_with_label(x, old, new) for x in entries)
            return replace(formula, entries=tuple(moved))
        case Derivative(of=of, wrt=wrt):
            parts = tuple(with_label(x, old, new, bound) for x in wrt)
            inner = with_label(of, old, new, bound)
            return replace(formula, of=inner, wrt=parts)  # type: ignore[arg-type]
        case SizeOf(label=label) | Ordinal(label=label):
            return replace(formula, label=new if label == old else label)
        case Call(axes=axes) if bound:
            formula = replace(formula, axes=tuple(new if x == old else x for x in axes))
        case Call(axes=axes) if {old, new} & {*axes}:
            raise NotationError(
                f"{old} or {new} is bound in a formula to which a condition on it belongs",
                position=formula.position,
                hint="sum over another letter",
            )
    return rebuilt(formula, [with_label(part, old, new, bound) for part in children(formula)])
