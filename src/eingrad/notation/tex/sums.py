r"""Sum signs in LaTeX, and what stands below and above them: ``\sum_{j=1, j \ne i}^{n}``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from eingrad.core.expr import ELLIPSIS
from eingrad.notation.grammar import FunctionHead
from eingrad.notation.lexeme import Entry
from eingrad.notation.summation import Summation, letters_compared, walk
from eingrad.notation.syntax import (
    Call,
    Compare,
    Formula,
    Number,
    Offset,
    Product,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.tex import names
from eingrad.notation.tex.conditions import FLIPPED, ConditionReader, is_whole_range
from eingrad.notation.tex.rows import CLOSES, OPENS
from eingrad.notation.tex.tidy import group_end, partner
from eingrad.notation.text import to_text
from eingrad.notation.tokens import Token

SEPARATORS = frozenset({"COMMA", "QUAD", "DOT", "COLON"})
WHOLE = r"a sum goes over a whole axis, or has conditions: \sum_{j \ne i}, \sum_{i < j}"


@dataclass
class Below:
    """What stands below a sum sign; ``start`` is where the last label begins, if that is said.

    ``origin`` is where it begins at another label: without an end above, this may be all of it. The
    last label goes as far as so many entries before its end, as ``ends`` says.
    """

    axes: list[str] = field(default_factory=list)
    conditions: list[Compare] = field(default_factory=list)
    start: str = "1"
    origin: Token | None = None
    ends: int = 0

    @property
    def letters(self) -> list[str]:
        """The letters that are compared."""
        return letters_compared(self.conditions)


class SumReader(ConditionReader):
    """Reads a sum sign, or another sign over labels, with the product that follows."""

    def whole(self) -> Formula:
        """Read all tokens as one formula; see `Parser`."""
        raise NotImplementedError

    def axes_of(self, entries: tuple[Entry, ...] | None, token: Token) -> tuple[str, ...]:
        """Return the labels that a function goes over."""
        axes = tuple(x for x in entries or () if isinstance(x, str))
        if len(axes) < len(entries or ()):
            raise self.error(
                "a function goes over labels", "write letters below the function", token
            )
        self.context.survey.bound.update(axes)
        return axes

    def big(self) -> Formula:
        r"""Read ``\sum_{b=1}^{m}`` with the product that follows."""
        token = self.next()
        function = str(names.big(token.text))
        below, ends = Below(), False
        while self.peek().kind in {"SUB", "SUP"}:
            if self.take("SUB"):
                below = self.below(token)
            else:
                self.next()
                ends = True
                self._above(below, token)
        if below.origin is not None and not ends:
            label = below.axes[-1]
            raise self.error(
                f"{token.text} is of one entry of {label}, or begins there",
                rf"write where it ends, {token.text}_{{{label} = ...}}^{{n}}; "
                rf"or {label} \le ..., {label} \ge ... for one entry",
                below.origin,
            )
        self._check_conditions(below, token)
        if not below.axes and not below.conditions:
            return self._unlabelled(function, token)
        own = self._ends_inside(below)
        if function == "prod":
            self.context.survey.products += _in_order(below.conditions)
        head = FunctionHead(function, tuple(below.axes), tuple(below.conditions))
        start = self.k
        formula = self.called(head, token, lambda: (self.signed(self.product),))
        enclosed = _is_one(self.tokens[start : self.k])
        if own and not self.context.closed and not _reaches(formula, below):
            self._leaves_out(below, token)
        self.big_end = self.k
        return formula if function != "prod" or enclosed else self._product_sign(formula, token)

    def _product_sign(self, whole: Formula, token: Token) -> Formula:
        r"""End a product before the next sign, ``\prod_i p_i \prod_j q_j``, if this needs no label
        of it; raise where it is open whether it goes on to a factor without its labels. One along
        time does, ``\prod_{t=2}^T \sigma'(z_t) w``: it is a chain of derivatives."""
        if not isinstance(whole, Call) or not isinstance(whole.args[0], Product):
            return whole
        body, labels = whole.args[0], {*whole.axes, *letters_compared(whole.conditions)}
        end = len(body.factors)
        while end > 1 and labels.isdisjoint(Summation().free(body.factors[end - 1])):
            end -= 1
        if end == len(body.factors) or not labels.isdisjoint(self.context.moving):
            return whole
        after = body.factors[end]
        if not (isinstance(after, Call) and after.function == "prod") or body.divides[end]:
            reason = rf"whether {token.text} goes over {to_text(after)}, too, is open"
            raise self.error(reason, r"write parentheses: \prod_i (x_i y)", token)
        head = body.factors[0] if end == 1 else replace(
            body, factors=body.factors[:end], divides=body.divides[:end], signs=body.signs[:end]
        )  # fmt: skip
        first = replace(whole, args=(head,))
        rest = body.factors[end:]
        return Product((first, *rest), (False, *body.divides[end:]), whole.position)

    def _unlabelled(self, function: str, token: Token) -> Formula:
        r"""Read what follows ``\sum``: it goes over the only label that nothing else keeps."""
        body = self.signed(self.product)
        kept = (*self.context.survey.kept, *self.binding)
        free = tuple(x for x in Summation().free(body) if x not in kept)
        if len(free) != 1:
            raise self.error(f"{token.text} names no label", rf"write {token.text}_{{i}}", token)
        self.big_end = self.k
        self.context.survey.notes.setdefault(f"{token.text} without a letter goes over {free[0]}")
        return Call(function, (body,), free, self.at(token))

    def _check_conditions(self, below: Below, token: Token) -> None:
        """Raise for a sum over named labels with a condition on another one that nothing keeps."""
        known = {*below.axes, *self.kept, *self.binding, *self.context.survey.kept}
        for condition in below.conditions if below.axes else ():
            for label in Summation().free(condition):
                if label not in known:
                    reason = f"{label} in a condition below {token.text} is neither summed nor kept"
                    hint = rf"write \sum_{{{label}}} before it, or keep {label} on the left side"
                    raise self.error(reason, hint, token)

    def _ends_inside(self, below: Below) -> bool:
        r"""Note where ``\sum_{t=2}^{T}`` or ``\sum_{i=1}^{n-1}`` begins and ends; return whether
        that is inside an axis."""
        if not below.axes:
            return False
        label = Symbol(below.axes[-1])
        if begins := int(below.start) > 1:
            below.conditions.append(Compare(">=", label, Number(int(below.start))))
        if below.ends:
            end = Sum((SizeOf(label.name), Number(below.ends)), (False, True))
            below.conditions.append(Compare("<=", label, end))
        return begins or below.ends > 0

    def _leaves_out(self, below: Below, token: Token) -> None:
        label = below.axes[-1] if below.axes else "a label"
        raise self.error(f"{token.text} leaves out entries of {label}", WHOLE, token)

    # --- below ---

    def below(self, token: Token) -> Below:
        """Read what stands below a sum sign: labels, where the last begins, conditions."""
        below = Below()
        if not self.take("LBRACE"):
            entries = self.entries()
            found = () if isinstance(entries, str) else tuple(entries.items)
            below.axes += self.axes_of(found, token)
            return below
        start = self.k
        self.k -= 1
        end = self._group_end()
        pieces = _pieces(self.tokens[start:end])
        self.k = end + 1
        for piece in pieces:
            self._read_piece(piece, below, token)
        below.conditions = _equalities_joined(below.conditions)
        return below

    def has_conditions(self) -> bool:
        """Whether a subscript with a comparison comes next."""
        if self.peek().kind != "SUB" or self.peek(1).kind != "LBRACE":
            return False
        start, self.k = self.k, self.k + 1
        end, self.k = self._group_end(), start
        return any(t.kind == "COMPARE" for t in self.tokens[start:end])

    def _group_end(self) -> int:
        """Return where the group that begins here ends."""
        depth, k = 0, self.k
        while k < len(self.tokens):
            depth += (self.tokens[k].kind == "LBRACE") - (self.tokens[k].kind == "RBRACE")
            if depth == 0:
                return k
            k += 1
        raise self.error("a closing brace is missing", "write }")

    def _read_piece(self, piece: Sequence[Token], below: Below, token: Token) -> None:
        r"""Read ``i``, ``ij``, ``j = 1``, ``j \in [1, n]``, ``i < j < k``."""
        kinds = [t.kind for t in piece]
        member = next((k for k, t in enumerate(piece) if t.text in {r"\in", r"\notin"}), None)
        if not below.axes and [t.text for t in piece] == [r"\ldots"]:
            below.axes.append(ELLIPSIS)
        elif member is not None:
            self._whole_set(piece, member, below, token)
        elif "COMPARE" in kinds:
            found = type(self)(piece, self.context).conditions()
            only = found[-1].left
            below.conditions += (left := self._within_ends(found))
            if not left and isinstance(only, Symbol):  # 1 \le t \le T
                below.axes += self.axes_of((only.name,), token)
                self._begins(only.name, "1")
        elif "EQUAL" in kinds:
            k = kinds.index("EQUAL")
            below.axes += self._labels_in(piece[:k], token)
            first = piece[k + 1 :]
            if len(first) == 1 and first[0].kind == "NUMBER":
                below.start = first[0].text
                self._begins(below.axes[-1], below.start)
            elif [t.kind for t in first] == ["SIGN", "NUMBER"] and first[0].text == "-":
                self._begins(below.axes[-1], "-" + first[1].text)
            else:
                name = Symbol(below.axes[-1], (), self.at(piece[0]))
                below.origin = piece[0]
                behind = [t.text for t in first[-2:]] == ["+", "1"]  # j = i + 1 is j > i
                op, first = (">", first[:-2]) if behind else (">=", first)
                below.conditions.append(Compare(op, name, self._side(first), name.position))
        else:
            below.axes += self._labels_in(piece, token)

    def _begins(self, label: str, number: str) -> None:
        """Note at which number a sum begins, ``k = -1``, for offsets that have its label."""
        if number.removeprefix("-").isdigit():
            self.context.survey.starts.setdefault(label, set()).add(int(number))

    def _labels_in(self, piece: Sequence[Token], token: Token) -> tuple[str, ...]:
        """Read labels side by side."""
        reader = type(self)(piece, self.context)
        entries: list[Entry] = []
        while reader.peek().kind != "END":
            first = reader.peek()
            entries.append(entry := reader.entry())
            word = first.text in names.UPRIGHT and isinstance(entry, str) and len(entry) > 1
            if word and self.context.closed and entry not in self.context.bound_in_names():
                hint = "write the letter of the axis that is summed"
                raise self.error(f"a sum over the word {entry}", hint, first)
        if not entries:
            raise self.error(f"{token.text} names no label", rf"write {token.text}_{{i}}", token)
        return self.axes_of(tuple(entries), token)

    def _within_ends(self, found: list[Compare]) -> list[Compare]:
        r"""Leave out that labels are from 1 to an extent: ``1 \le i < j \le n`` is ``i < j``."""
        several = len(found) > 1
        if several and found[0].op == "<=" and found[0].left == Number(1):
            del found[0]
        last = found[-1]
        name, label = last.right, last.left
        taken = {*letters_compared(found[:-1]), *self.kept, *self.binding}
        bare = isinstance(name, Symbol) and not name.labels and name.name not in taken
        ends = several and last.op == "<=" and isinstance(label, Symbol)
        if ends and isinstance(name, SizeOf):
            del found[-1]
        elif ends and bare:
            self.context.survey.sizes.setdefault(name.name, label.name)  # type: ignore[union-attr]
            del found[-1]
        return found

    def _side(self, piece: Sequence[Token]) -> Formula:
        """Read one side of a comparison."""
        if not piece:
            raise self.error("a comparison has two sides", "write i < j")
        return type(self)(piece, self.context).whole()

    def _whole_set(self, piece: Sequence[Token], k: int, below: Below, token: Token) -> None:
        r"""Go past ``\in [1, N]`` below a sum sign; raise for a set that may leave entries out."""
        if piece[k].text != r"\in" or not is_whole_range(piece[k - 1 :]):
            raise self.error(f"{token.text} over a set that may leave out entries", WHOLE, token)
        below.axes += self._labels_in(piece[:k], token)

    # --- above ---

    def _above(self, below: Below, token: Token) -> None:
        """Read what stands above a sum sign: the name of an extent, or another label."""
        start = self.k
        upper = self._upper()
        name, sign, rest = _parted(upper)
        labels = {*self.kept, *self.binding, *below.letters}
        if name in labels and below.axes and name != below.axes[-1]:
            group = self.tokens[start : self.k]
            piece = group[1:-1] if group[0].kind == "LBRACE" else group
            label = Symbol(below.axes[-1], (), self.at(token))
            below.conditions.append(Compare("<=", label, self._side(piece), label.position))
            if not sign or rest.isdigit():
                by = int(sign + rest) if sign else 0
                self.context.survey.bounds.setdefault(label.name, set()).add((name, by))
            return
        last = int(self._is_from_0(below))  # n - 1 is the last one of a sum from 0
        last += bool(below.axes) and self._pairs_follow(below.axes[-1])
        if sign and (sign, rest) not in {("-", str(k)) for k in range(1, last + 1)}:
            known = sign == "-" and rest.isdigit() and below.axes and not self._is_from_0(below)
            if not known:
                self._leaves_out(below, token)
            below.ends = int(rest)
        alone = len(below.axes) == 1 and below.origin is None and not (sign and below.start == "1")
        if alone and name.isdigit() and below.start in {"0", "1"} and not sign:
            self._check_length(below.axes[0], (str(int(name) + 1 - int(below.start)), 0), token)
        elif alone and len(name) == 1 and below.start in {"0", "1"}:
            longer = int(sign + rest) if sign and rest.isdigit() else 0
            count = (name, longer + 1 - int(below.start))
            self._check_length(below.axes[0], count, token)
        if len(below.axes) == 1 and name and not name[-1:].isdigit():
            self.context.survey.sizes.setdefault(name, below.axes[0])

    def _is_from_0(self, below: Below) -> bool:
        r"""Whether a label counts from 0: ``i = 0``, and j in ``j = i + 1`` behind it."""
        others = {x.right.name for x in below.conditions if isinstance(x.right, Symbol)}
        starts = [self.context.survey.starts.get(x, set()) for x in others]
        return below.start == "0" or (below.origin is not None and {0} in starts)

    def _check_length(self, label: str, count: tuple[str, int], token: Token) -> None:
        r"""Note how far a sum goes, ``\sum_{i=0}^{n-1}``; raise where it goes less or further in a
        claim than in the model."""
        known = self.context.lengths.get(label, ())
        if self.context.closed and known and count not in known:
            goes = " or ".join(_count_text(*x) for x in sorted(known))
            reason = f"a sum of {_count_text(*count)} entries of {label}, in the model of {goes}"
            hint = "let it begin and end where those of the model do, or take another letter"
            raise self.error(reason, hint, token)
        self.context.survey.lengths.setdefault(label, set()).add(count)

    def _pairs_follow(self, label: str) -> bool:
        r"""Whether ``\sum_{j=i+1}`` comes next, so that ``\sum_{i=1}^{n-1}`` is whole."""
        ahead = [self.peek(k) for k in range(9)]
        texts = [t.text for t in ahead]
        inner = names.greek(texts[5]) or names.letter(texts[5])
        return bool(names.big(texts[0])) and ahead[1].kind == "SUB" and (
            texts[4] == "=" and inner == label and texts[6:9] == ["+", "1", "}"])  # fmt: skip

    def _upper(self) -> str:
        """Read what stands above a sum sign as a text: a name, or ``m-1``."""
        if not self.take("LBRACE"):
            return self.word() if self.begins_name(self.peek()) else self.next().text
        text = ""
        while not self.take("RBRACE"):
            if self.peek().kind == "END":
                raise self.error("a closing brace is missing", "write }")
            if self.begins_name(self.peek()):
                word, scripts = self.word(), self.scripts()
                text += self.joined(word, scripts)[0] + "".join(map(str, scripts.entries or ()))
            else:
                text += self.next().text
        return text


def _equalities_joined(conditions: Sequence[Compare]) -> list[Compare]:
    r"""Write ``j \le i, j \ge i`` as the one condition that it is."""
    result: list[Compare] = []
    for one in conditions:
        other = next((x for x in result if {x.op, one.op} == {"<=", ">="} and
                      (x.left, x.right) == (one.left, one.right)), None)  # fmt: skip
        if other is None:
            result.append(one)
        else:
            result[result.index(other)] = replace(other, op="==")
    return result


def _in_order(conditions: Sequence[Compare]) -> list[Compare]:
    r"""Return that k stands before t, or with it, of ``\prod_{i=k+1}^{t}``: else it has no factor,
    and in books no meaning."""
    middle = {c.left for c in conditions} & {c.right for c in conditions}
    conditions = [
        replace(c, op=FLIPPED[c.op], left=c.right, right=c.left)
        if c.right in middle and c.op in FLIPPED else c for c in conditions
    ]  # fmt: skip
    lower = [c.right for c in conditions if c.op in {">", ">="} and isinstance(c.right, Symbol)]
    upper = [c.right for c in conditions if c.op == "<=" and isinstance(c.right, Symbol)]
    return [Compare("<=", lower[0], upper[0])] if len(lower) == len(upper) == 1 else []


def _count_text(name: str, more: int) -> str:
    return f"{name} {'+' if more > 0 else '-'} {abs(more)}" if more else name


def _reaches(formula: Formula, below: Below) -> bool:
    r"""Whether all that is summed shows that it has entries before the first one that is meant, and
    behind the last one: ``\sum_{t=2}^{T} x_t x_{t-1}``, but not a of ``a_t x_{t-1}``."""
    moves: dict[str, set[int]] = {}
    for part in walk(formula):
        for label, by in _moves(part):
            if label == below.axes[-1] and isinstance(part, Symbol | TensorAt):
                moves.setdefault(part.name, set()).add(by)
    before, behind = int(below.start) - 1, below.ends
    return all((not before or -before in x) and (not behind or behind in x) for x in moves.values())


def _moves(part: Formula) -> Iterable[tuple[str, int]]:
    if isinstance(part, Symbol):
        return zip(part.labels, part.moves or (0,) * len(part.labels), strict=True)
    if isinstance(part, TensorAt):
        offsets = (x for x in part.entries if isinstance(x, Offset) and len(x.terms) == 1)
        return ((x.terms[0][1], x.constant) for x in offsets)
    return ()


def _is_one(tokens: Sequence[Token]) -> bool:
    """Whether tokens are one group in parentheses, or one fraction."""
    end = partner(tokens, 0)
    if tokens[0].text in names.FRACTIONS and len(tokens) > 1:
        end = group_end(tokens, group_end(tokens, 1) + 1)
    return end == len(tokens) - 1 > 0


def _parted(upper: str) -> tuple[str, str, str]:
    """Split ``m-1`` at its sign."""
    sign = next((c for c in upper if c in "+-"), "")
    name, _, rest = upper.partition(sign) if sign else (upper, "", "")
    return name, sign, rest


def _pieces(tokens: Sequence[Token]) -> list[list[Token]]:
    """Split what stands below a sum sign at its commas."""
    result: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.kind in SEPARATORS and depth == 0:
            result.append([])
            continue
        depth += (token.kind in OPENS) - (token.kind in CLOSES)
        result[-1].append(token)
    return [piece for piece in result if piece]
