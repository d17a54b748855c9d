r"""Layers and times above names, ``a^{l-1}_k`` and ``h^{(t)}``: the first labels below them.

A letter above a name is a label where the text shows a recurrence over it, or says how far it
goes; then a number or the letter of the last one is an entry. Each such superscript becomes one
token, of kind INDEX, in the subscript, so that whatever reads tensors knows labels alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from eingrad.errors import NotationError
from eingrad.notation.syntax import Counting, Moving
from eingrad.notation.tex import names
from eingrad.notation.tex.latex_tokens import Lexer
from eingrad.notation.tex.names import ACCENTS, FONTS, TRANSPOSED, greek, letter
from eingrad.notation.tex.rows import DOTS, Row, sides
from eingrad.notation.tex.tidy import group_end
from eingrad.notation.tokens import Token

SCRIPTS = frozenset({"SUP", "SUB", "PRIME"})
LAYERS = frozenset({"l", "ell"})  # alone above a name they end it, where nothing recurs
LAST = {"ell": "L", "tau": "T"}
Tokens = Sequence[Token]


@dataclass(frozen=True)
class Index:
    r"""What an index says: ``t-1``, ``0``; how it is enclosed, and a transpose behind it."""

    letter: str = ""
    by: int = 0
    number: int | None = None
    bracket: str = ""
    tail: tuple[Token, ...] = ()


@dataclass(frozen=True)
class Script:
    """A superscript or subscript between two places; ``inner`` is what its braces hold."""

    kind: str
    start: int
    end: int
    inner: tuple[Token, ...]


@dataclass(frozen=True)
class ScriptedName:
    """A name without what hangs on it, where that begins, and its scripts."""

    base: str
    end: int
    scripts: tuple[Script, ...]

    def one(self, kind: str) -> Script | None:
        """Return its only script of a kind."""
        found = [x for x in self.scripts if x.kind == kind]
        return found[0] if len(found) == 1 else None

    @property
    def above(self) -> Index | None:
        """The index above it."""
        found = self.one("SUP")
        return None if found is None else index_of(found.inner)


# --- names and indices in tokens ----------------------------------------------------------------


def named_at(tokens: Tokens, k: int) -> ScriptedName | None:
    """Return the name that begins at k, None where none does."""
    found = _base(tokens, k)
    if found is None:
        return None
    base, end = found
    return ScriptedName(base, end, tuple(scripts_at(tokens, end)))


def _base(tokens: Tokens, k: int) -> tuple[str, int] | None:
    token = tokens[k]
    if token.kind == "LETTER":
        return letter(token.text), k + 1
    if (name := greek(token.text)) is not None:
        return name, k + 1
    if token.text not in FONTS | ACCENTS.keys() or k + 1 == len(tokens):
        return None
    accent = ACCENTS.get(token.text, "")
    if tokens[k + 1].kind != "LBRACE":
        inner = _base(tokens, k + 1)
        return inner and (inner[0] + accent, inner[1])
    end = group_end(tokens, k + 1)
    letters = "".join(
        greek(t.text) or ACCENTS.get(t.text) or (t.text if t.kind in {"LETTER", "NUMBER"} else "")
        for t in tokens[k + 2 : end]
    )
    return letters + accent, end + 1


def scripts_at(tokens: Tokens, k: int) -> Iterator[Script]:
    """Yield the scripts that stand from k on."""
    while k < len(tokens) and tokens[k].kind in SCRIPTS:
        kind, start = tokens[k].kind, k
        if kind == "PRIME" or k + 1 == len(tokens):
            k += 1
            yield Script(kind, start, k, ())
            continue
        if tokens[k + 1].kind == "LBRACE":
            k = group_end(tokens, k + 1) + 1
            inner = tokens[start + 2 : k - 1]
        else:
            own = _base(tokens, k + 1) if tokens[k + 1].text in FONTS | ACCENTS.keys() else None
            k = own[1] if own is not None else k + 2
            inner = tokens[start + 1 : k]
        yield Script(kind, start, k, tuple(inner))


NOTHING = Index()


def index_of(inner: Tokens) -> Index | None:
    r"""Read ``(t-1)``, ``\langle t\rangle``, ``l``, ``(2)``, ``(t)\top``; None of anything else."""
    bracket, tail = "", list[Token]()
    closed = next((k for k, t in enumerate(inner) if t.kind == "CLOSE"), 0)
    if closed and inner[0].kind == "OPEN" and inner[0].text in {"(", "[", r"\langle"}:
        bracket, tail, inner = inner[0].text, list(inner[closed + 1 :]), inner[1:closed]
    elif len(inner) > 2 and (inner[0].text, inner[-1].text) == ("<", ">"):
        bracket, inner = "<", inner[1:-1]
    elif len(inner) > 1 and inner[-1].text in TRANSPOSED - {"T"}:
        tail, inner = [inner[-1]], inner[:-1]
    tail = [t for t in tail if t.kind not in {"SUP", "LBRACE", "RBRACE"}]
    if tail and (len(tail) > 1 or tail[0].text not in TRANSPOSED):
        return None
    found = _moved(inner)
    return found and replace(found, bracket=bracket, tail=tuple(tail))


def _moved(inner: Tokens) -> Index | None:
    """Read ``t``, ``t-1``, ``2``."""
    sign, number = inner[-2:] if len(inner) > 1 else (None, inner[-1] if inner else None)
    if number is not None and number.kind == "NUMBER" and number.text.isdigit():
        value = int(number.text)
        if len(inner) == 1:
            return Index(number=value)
        if sign is not None and sign.kind == "SIGN":
            by = -value if sign.text == "-" else value
            if len(inner) == 2:
                return Index(number=by)
            name = index_letter(inner[0])
            return Index(name, by) if name and len(inner) == 3 else None
    name = index_letter(inner[0]) if len(inner) == 1 else ""
    return Index(name) if name else None


def index_letter(token: Token) -> str:
    """Return the letter that a token is, of whichever alphabet; nothing of any other."""
    return greek(token.text) or (letter(token.text) if token.kind == "LETTER" else "")


def _index_token(like: Token, text: str) -> Token:
    return Token("INDEX", text, like.line, like.column, like.width)


# --- which letters move -------------------------------------------------------------------------

ABOVE = "^"  # where an index stands: above, or at a place below, "0/2" of two
Places = dict[str, Index]


def places_of(found: ScriptedName) -> Places:
    """Return the indices of a name by where they stand."""
    result: Places = {}
    if (above := found.above) is not None:
        result[ABOVE] = above
    below = found.one("SUB")
    items = items_of(below.inner) if below is not None else []
    for k, (start, end) in enumerate(items):
        assert below is not None
        index = _moved(below.inner[start:end])
        if index is not None:
            result[f"{k}/{len(items)}"] = index
    return result


def items_of(inner: Tokens) -> list[tuple[int, int]]:
    """Return where the entries of a subscript stand: ``t-1,j``, ``ij``; a lone word is one."""
    found: list[tuple[int, int]] = []
    k = 0
    while k < len(inner):
        if inner[k].kind == "COMMA":
            k += 1
            continue
        start = k
        own = _base(inner, k)
        k = own[1] if own is not None else k + 1
        while k < len(inner) and inner[k].kind in SCRIPTS:
            k = next(scripts_at(inner, k)).end
        while k < len(inner) and (inner[k].kind == "SIGN" or inner[k - 1].kind == "SIGN"):
            k += 1
        found.append((start, k))
    return found


@dataclass(frozen=True)
class Use:
    """A name with its indices, in a row whose left side is ``left`` with ``left_places``."""

    base: str
    places: Places
    left: str
    left_places: Places
    is_left: bool


@dataclass(frozen=True)
class Steps:
    """The ``names`` that are given a step ahead; of those ``entered``, each with its label, what
    they begin with is an entry, since sums or other statements begin there; those that go ``twice``
    back begin with two. ``from_zero`` are names that the rows alone read, and ``beside`` those that
    go as far as an entered one."""

    names: set[str] = field(default_factory=set)
    entered: dict[str, str] = field(default_factory=dict)
    twice: set[str] = field(default_factory=set)
    beside: set[tuple[str, str]] = field(default_factory=set)
    from_zero: set[str] = field(default_factory=set)


NO_STEPS = Steps()


@dataclass
class MovingLabels:
    """The letters that are labels of layers and times, by letter.

    ``carriers`` are names with the letter that they have, and where. ``firsts`` says of a name for
    the first entry, a1 or h1, which recurrence it is of and whether it stands before that or in
    the place of its first entry: ``<`` or ``==0``, of its second ``==1``.
    """

    labels: dict[str, Moving] = field(default_factory=dict)
    carriers: dict[str, tuple[str, str]] = field(default_factory=dict)
    firsts: dict[str, tuple[str, str]] = field(default_factory=dict)
    steps: Steps = field(default_factory=lambda: NO_STEPS)

    @classmethod
    def of(cls, found: Sequence[Row], steps: Steps = NO_STEPS) -> MovingLabels:
        """Find those of a model's text."""
        uses = [use for row in found for use in _uses(row)]
        begins, ends = _ranges(found)
        result = cls(steps=steps)
        every = {(x.letter, w == ABOVE) for u in uses for w, x in u.places.items()
                 if x.letter[:1].islower()}  # fmt: skip
        for name, above in sorted(every, key=lambda x: (_rank(x[0], x[1], uses), x)):
            ranged = name in begins and _is_ranged(name, found)
            shown = _is_label(name, uses, found, ranged) if above else _moves(name, uses)
            if shown:
                last, end = ends.get(name) or (LAST.get(name, name.upper()), 0)
                result.labels[name] = Moving(name, last, 0 if begins.get(name) == {0} else 1, end)
                result._carry(name, above, uses)
        for name, moving in result.labels.items():
            own = {f"{base}{n}": (base, f"=={n}") for base, x in steps.entered.items() if x == name
                   for n in range(1 + (base in steps.twice))}  # fmt: skip
            if own:
                result.labels[name] = replace(moving, first=0)
                result.firsts |= own
            else:
                result._find_first(name, moving, uses, sum_begins(found, name))
        return result

    @property
    def first_names(self) -> dict[str, str]:
        """The names for first entries, and for what stands before them, with the recurrences."""
        before = {f"{base}{self.labels[x].first - 1}": base for base, (x, _) in
                  self.carriers.items()}  # fmt: skip
        return before | {name: of for name, (of, _) in self.firsts.items()}

    def place(self, base: str, places: Collection[str] = ()) -> str:
        """Return where a name has its label; alone below a vector with a time, ``h_T``, it is."""
        where = self.carriers.get(base, ("", ""))[1]
        return "0/1" if where.startswith("0/") and [*places] == ["0/1"] else where

    @property
    def above(self) -> dict[str, Moving]:
        """The labels that stand above names."""
        own = {letter for letter, where in self.carriers.values() if where == ABOVE}
        return {letter: x for letter, x in self.labels.items() if letter in own}

    @property
    def stacked(self) -> set[str]:
        """The names with a label above them, or with a left side that was a step ahead."""
        return {base for base, (_, where) in self.carriers.items() if where == ABOVE} | {
            *self.steps.names
        }

    @property
    def alike(self) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
        """The axes that are as long although nothing reads both at one position: x and u in
        ``x_{k+1} = x_k + u_k``."""
        for pair in sorted(self.steps.beside):
            where = [self.carriers[name][1] for name in pair if name in self.carriers]
            axes = [0 if x == ABOVE else int(x.partition("/")[0]) for x in where]
            if len(axes) == 2:
                yield (pair[0], axes[0]), (pair[1], axes[1])

    def _carry(self, name: str, above: bool, uses: Sequence[Use]) -> None:
        for use in uses:
            for where, index in use.places.items():
                if index.letter == name and (where == ABOVE) == above:
                    self.carriers.setdefault(use.base, (name, where))

    def _find_first(
        self, name: str, moving: Moving, uses: Sequence[Use], begins: Collection[int]
    ) -> None:
        """Find whether the text begins with an entry 1, ``a^{(1)} = x``, that recurs later; it is
        none before the first where sums begin with it."""
        entries = [
            (use, index.number) for use in uses for where, index in use.places.items()
            if self.carriers.get(use.base) == (name, where) and index.number is not None
        ]  # fmt: skip
        recurs = {use.left for use in uses if self._recurs(use, name)}
        for use, at in entries:
            begun = any(u.base == use.base and n == moving.first - 1 for u, n in entries)
            if not use.is_left or at != moving.first or use.base not in recurs or begun:
                continue
            beside = (u for u, n in entries if u.left == use.left and not u.is_left and n == at)
            if begins == {at} or any(u.left_places == use.places for u in beside):
                self.firsts[f"{use.base}{at}"] = use.base, "==0"
            else:
                self.labels[name] = replace(moving, first=moving.first + 1)
                self.firsts[f"{use.base}{at}"] = use.base, "<"

    def _recurs(self, use: Use, name: str) -> bool:
        """Whether the left side of a row has a label that it reads at another position."""
        where = self.carriers.get(use.base, ("", ""))[1]
        own = self.carriers.get(use.left, ("", ""))[1]
        left, index = use.left_places.get(own), use.places.get(where)
        if left is None or index is None or not left.letter == index.letter == name:
            return False
        return left.by != index.by


def _uses(row: Row) -> Iterator[Use]:
    """Yield the names with indices."""
    left = left_name(row)
    base, places = (left.base, places_of(left)) if left is not None else ("", {})
    for k in range(len(row.tokens)):
        found = named_at(row.tokens, k) if not is_script(row.tokens, k) else None
        if found is not None and (own := places_of(found)):
            yield Use(found.base, own, base, places, k == 0 and left is not None)


def is_script(tokens: Tokens, k: int) -> bool:
    """Whether a token is a script without braces: i of ``u_i^n``."""
    return k > 0 and tokens[k - 1].kind in {"SUB", "SUP"}


def left_name(row: Row) -> ScriptedName | None:
    """Return the name that a left side is."""
    left = sides(row.tokens)
    if len(left) < 2 or not left[0]:
        return None
    found = named_at(left[0], 0)
    end = found.scripts[-1].end if found is not None and found.scripts else 1
    return found if found is not None and max(end, found.end) == len(left[0]) else None


def _is_label(name: str, uses: Sequence[Use], found: Sequence[Row], ranged: bool) -> bool:
    """Whether a letter above names is a label: the text shows a recurrence, or says its range."""
    own = [u for u in uses if u.places.get(ABOVE, NOTHING).letter == name]
    bracketed = all(use.places[ABOVE].bracket for use in own)
    if not bracketed and _is_bare(name, found):
        return False  # a number n in x^n
    defined = {use.left for use in own if use.is_left}
    for use in own:
        left = use.left_places.get(ABOVE, NOTHING)
        if use.base in defined and left.letter == name and left.by != use.places[ABOVE].by:
            return True
    if ranged and (bracketed or name in LAYERS):
        return bool(defined)
    return bracketed and name not in LAYERS and any(use.places[ABOVE].by for use in own)


def _rank(name: str, above: bool, uses: Sequence[Use]) -> tuple[bool, bool]:
    """Return what tells the label of a recurrence from others that move, as i of ``u^{n-1}_{i+1}``:
    it moves wherever the name is read, then it has entries at numbers, or a last one."""
    steady: list[bool] = []
    entries = False
    for use in uses:
        for where, left in use.left_places.items():
            if use.base != use.left or left.letter != name or (where == ABOVE) != above:
                continue
            index = use.places.get(where, NOTHING)
            if not use.is_left:
                steady.append(index.letter == name and index.by != left.by)
            places = [u.places.get(where, NOTHING) for u in uses if u.base == use.base]
            entries = entries or any(x.number is not None or x.letter.isupper() for x in places)
    return not (steady and all(steady)), not entries


def _moves(name: str, uses: Sequence[Use]) -> bool:
    """Whether a letter below names is moved somewhere, ``h_{t-1}``."""
    return any(
        index.letter == name and index.by and where != ABOVE
        for use in uses for where, index in use.places.items()
    )  # fmt: skip


def _is_bare(name: str, found: Sequence[Row]) -> bool:
    """Whether a letter stands somewhere as a tensor of its own."""
    for row in found:
        depth, inside = 0, 0
        for k, token in enumerate(row.tokens):
            depth += (token.kind == "LBRACE") - (token.kind == "RBRACE")
            scripted = k > 0 and row.tokens[k - 1].kind in {"SUB", "SUP"}
            if scripted and token.kind == "LBRACE" and not inside:
                inside = depth
            elif inside and depth < inside:
                inside = 0
            if not inside and not scripted and index_letter(token) == name:
                font = k > 1 and row.tokens[k - 2].text in FONTS
                if not font:
                    return True
    return False


def _ranges(found: Sequence[Row]) -> tuple[dict[str, set[int]], dict[str, tuple[str, int]]]:
    r"""Return where labels begin, and the letter of their last one: ``\sum_{t=1}^{T}``."""
    begins: dict[str, set[int]] = {}
    ends: dict[str, tuple[str, int]] = {}
    inner: dict[str, tuple[str, int]] = {}
    for row in found:
        for name, first, last in (*_sums(row.tokens), *_conditions(row)):
            begins.setdefault(name, set()).add(first)
            if last.letter and (last.by == 0 or (first, last.by) == (0, -1)):
                ends.setdefault(name, (last.letter, last.by))
            elif last.letter and first == 1 and last.by < 0:  # of x_{i+1} the last is x_N
                inner.setdefault(name, (last.letter, 0))
    return begins, {**inner, **ends}


def sum_begins(found: Sequence[Row], label: str) -> set[int]:
    """Return the numbers at which sums over a label begin."""
    return {first for row in found for name, first, _ in _sums(row.tokens) if name == label}


def _sums(tokens: Tokens) -> Iterator[tuple[str, int, Index]]:
    for k, token in enumerate(tokens):
        if token.kind == "COMMAND" and names.big(token.text):
            scripts = {x.kind: x.inner for x in scripts_at(tokens, k + 1)}
            below, above = scripts.get("SUB", ()), scripts.get("SUP", ())
            if len(below) == 3 and below[1].kind == "EQUAL" and below[2].text.isdigit():
                last = _moved(above) or NOTHING
                yield index_letter(below[0]), int(below[2].text), last


def _conditions(row: Row) -> Iterator[tuple[str, int, Index]]:
    r"""Yield what stands behind an equation: ``l = 1, \ldots, L``."""
    for condition in row.conditions:
        bare = [t for t in condition if t.kind not in {"QUAD", "COMMA", "DOT"}]
        start = next((k for k, t in enumerate(bare) if t.kind == "EQUAL"), 0)
        dots = any(t.text in DOTS for t in bare)
        if start and dots and bare[start + 1 : start + 2] and bare[start + 1].text.isdigit():
            last = Index(index_letter(bare[-1]))
            yield index_letter(bare[start - 1]), int(bare[start + 1].text), last


def _is_ranged(name: str, found: Sequence[Row]) -> bool:
    return any(x == name for row in found for x, _, _ in _conditions(row))


# --- rewriting ----------------------------------------------------------------------------------


def with_labels(
    found: Sequence[Row], moving: MovingLabels, lexer: Lexer, known: Collection[str] = ()
) -> list[Row]:
    """Return rows in which superscripts that are labels stand below; ``known`` are the names of a
    model, of which an entry may have one of its own."""
    if not moving.labels:
        return list(found)
    return [_Rewriter(moving, lexer, known).row(row) for row in found]


def claims_with_labels(
    found: Sequence[Row], counting: Counting, lexer: Lexer, names: Collection[str]
) -> list[Row]:
    """Return the rows of claims about a model with labels below names.

    What a claim says of one entry, ``\\delta^L = ...``, it says of a label there.
    """
    moving = MovingLabels(dict(counting.labels), dict(counting.carriers))
    for row, use in ((x, use) for x in found for use in _uses(x)):
        if use.base in counting.from_zero:
            reason = f"{use.base} counts from 0 in this text, and other tensors from 1"
            hint = f"write the claim in the notation, where all count from 0: {use.base}[k]"
            raise lexer.error(row.tokens[0], reason, hint)
        index = use.places.get(ABOVE, NOTHING)
        own = [x for x in moving.labels.values() if index.letter in {x.letter, x.last}]
        turned = index.letter == "T" and any(n.startswith(use.base) for n in names)  # W_{hh}^T
        if index.letter and own and use.base not in names and not turned:
            moving.carriers.setdefault(use.base, (own[0].letter, ABOVE))
    if not moving.labels:
        return list(found)
    return [_ClaimRewriter(moving, lexer, names).row(row) for row in found]


class _Rewriter:
    def __init__(self, moving: MovingLabels, lexer: Lexer, known: Collection[str]) -> None:
        self.moving, self.lexer, self.known = moving, lexer, known
        self.notes: dict[str, None] = {}

    def row(self, row: Row) -> Row:
        """Return a row with labels below names, the inner ones first."""
        self.notes = {}
        result = list(row.tokens)
        for k in reversed(range(len(result))):
            found = named_at(result, k) if not is_script(result, k) else None
            if found is not None and found.scripts:
                self._lower(result, found)
        return replace(row, tokens=result, notes=[*row.notes, *self.notes])

    def _lower(self, tokens: list[Token], found: ScriptedName) -> None:
        """Write the indices of one name as tokens below it."""
        above, below = found.one("SUP"), found.one("SUB")
        inner = list(below.inner) if below is not None else []
        changed, number = self._below(found.base, inner)
        rest = [x for x in found.scripts if x not in (above, below)]
        scripts = [t for x in rest for t in tokens[x.start : x.end]]
        if number:
            scripts = [*_group("SUP", "^", number[0], number), *scripts]
        if above is not None:
            like = tokens[above.start]
            at, tail = self._above(found, above)
            if at:
                inner.insert(0, _index_token(like, at))
            if tail:
                scripts = [*_group("SUP", "^", like, tail), *scripts]
            changed = changed or bool(at) or tuple(tail) != above.inner
        if changed:
            like = tokens[found.end]
            own = _group("SUB", "_", like, inner) if inner else []
            tokens[found.end : found.scripts[-1].end] = [*own, *scripts]

    def _above(self, found: ScriptedName, above: Script) -> tuple[str, tuple[Token, ...]]:
        """Return what a superscript says as a label, and what stays above."""
        index = index_of(above.inner)
        if index is None:
            self._check(found, above)
        carried = self.moving.carriers.get(found.base)
        letter_of_it = index.letter if index is not None else ""
        labels = self.moving.labels
        exponential = found.base == "e" and carried is None and index and not index.bracket
        if index is None or exponential:
            return "", above.inner
        if letter_of_it in labels:
            self.notes.setdefault(f"{letter_of_it} above a name is a label, no exponent")
            return _index_text(index), index.tail
        if carried is None or carried[1] != ABOVE:
            return "", above.inner
        if at := self._entry(found.base, labels[carried[0]], index):
            return at, index.tail
        if index.number is not None and not index.bracket:  # a^0 is a name as a^{(0)} is
            return "", (*_in_parentheses(above.inner[0], index.number), *index.tail)
        return "", above.inner

    def _below(self, base: str, inner: list[Token]) -> tuple[bool, list[Token]]:
        """Put tokens for entries into a subscript; return whether there were any, and the number
        that belongs to the name: of ``h_{0,i}``, which is ``h^{(0)}_i``."""
        carried = self.moving.carriers.get(base)
        items = items_of(inner)
        if carried is None or carried[1] == ABOVE:
            return False, []
        where = self.moving.place(base, [f"{k}/{len(items)}" for k in range(len(items))])
        place, count = map(int, where.split("/"))
        if count != len(items):
            return False, []
        start, end = items[place]
        index = _moved(inner[start:end])
        at = self._entry(base, self.moving.labels[carried[0]], index) if index else ""
        if at:
            inner[start:end] = [_index_token(inner[start], at)]
        elif index is not None and index.number is not None and index.number >= 0 and count > 1:
            number = _in_parentheses(inner[start], index.number)
            comma = end < len(inner) and inner[end].kind == "COMMA"
            del inner[start : end + comma]
            return True, number
        return bool(at), []

    def _entry(self, base: str, moving: Moving, index: Index) -> str:
        """Return the place that an index says: ``#0``, ``#-1`` for the last one; else nothing."""
        if index.letter and index.letter == moving.last:
            last = moving.last + (f"{moving.end}" if moving.end else "")
            self.notes.setdefault(f"{last} is the last {moving.letter}")
            if index.by > moving.end:
                raise self.behind(index, moving)
            return f"#{index.by - moving.end - 1}"
        name = f"{base}{index.number}"
        if index.number is None or name in self.known or name in self.moving.firsts:
            return ""
        place = index.number - moving.first
        return f"#{place}" if place >= 0 else ""

    def behind(self, index: Index, moving: Moving) -> NotationError:
        """Return the error about an entry behind the last one."""
        last = _index_text(Index(moving.last, moving.end))
        reason = f"{_index_text(index)} is behind the last {moving.letter}, which is {last} here"
        hint = rf"\sum_{{{moving.letter}=1}}^{moving.last} says that {moving.last} is the last one"
        return NotationError(reason, hint=hint)

    def ahead(self, index: Index, moving: Moving) -> NotationError:
        """Return the error about an entry before the first one."""
        reason = f"entry {index.number} stands before the first {moving.letter}, {moving.first}"
        hint = "say what stands there, as in h_0 = g, and differentiate by g"
        return NotationError(reason, hint=hint)

    def _check(self, found: ScriptedName, above: Script) -> None:
        """Refuse other offsets of a label that moves."""
        letters = {index_letter(t) for t in above.inner} & self.moving.labels.keys()
        if letters and found.base in self.moving.carriers:
            name = min(letters)
            raise self.lexer.error(
                above.inner[0],
                f"above a name {name} moves by a whole number",
                f"write {found.base}^{{({name}-1)}}, or give what stands there a name of its own",
            )


class _ClaimRewriter(_Rewriter):
    """Writes a claim about one entry as one about a label."""

    at: tuple[str, str, Index] | None = None  # the label, the letter for it here, the entry

    def row(self, row: Row) -> Row:
        """Return a row with labels below names, and the entry that it is about."""
        self.at = self._about(row)
        if self.at is not None and self.at[2].letter:
            row = replace(row, tokens=self._with_last(row.tokens, self.at[2]))
        result = super().row(row)
        if self.at is None:
            return result
        label, used, index = self.at
        moving = self.moving.labels[label]
        place = index.by - moving.end - 1
        if index.number is not None:
            place = index.number - moving.first
            if place < 0:
                raise self.ahead(index, moving)
        elif place >= 0:
            raise self.behind(index, moving)
        return replace(result, entry=(used, place))

    def _with_last(self, tokens: Tokens, index: Index) -> list[Token]:
        r"""Read the gradient by a whole tensor, ``\nabla_a C``, as that by its last entry."""
        result = list(tokens)
        for k in reversed(range(1, len(result))):
            opened = result[k - 1].kind == "LBRACE" and k > 1
            before = result[k - 1 - opened - 1] if k > 1 + opened else None
            found = named_at(result, k)
            if before is None or before.text != r"\nabla" or found is None or found.scripts:
                continue
            if self.moving.carriers.get(found.base, ("", ""))[1] == ABOVE:
                last = replace(result[k], kind="LETTER", text=index.letter)
                group = [*result[k : found.end], *_group("SUP", "^", last, [last])]
                name = f"{found.base} below \\nabla is {found.base}^{index.letter}"
                self.notes.setdefault(name)
                whole = [
                    replace(last, kind="LBRACE", text="{"), *group,
                    replace(last, kind="RBRACE", text="}"),
                ]  # fmt: skip
                result[k : found.end] = group if opened else whole
        return result

    def _about(self, row: Row) -> tuple[str, str, Index] | None:
        """Return the entry of which the left side speaks."""
        pair = sides(row.tokens)
        letters = {index_letter(t) for t in row.tokens}
        for k in range(len(pair[0])):
            found = named_at(pair[0], k)
            carried = self.moving.carriers.get(found.base) if found is not None else None
            if found is None or carried is None:
                continue
            places = places_of(found)
            index = places.get(self.moving.place(found.base, places), NOTHING)
            moving = self.moving.labels[carried[0]]
            own = f"{found.base}{index.number}" in self.known
            if index.letter == moving.last or (index.number is not None and not own):
                label = moving.letter
                used = label if label not in letters else f"{label}2"
                return label, used, index
        return None

    def _entry(self, base: str, moving: Moving, index: Index) -> str:
        label, used, here = self.at if self.at is not None else ("", "", NOTHING)
        if label == moving.letter and f"{base}{index.number}" not in self.known:
            if index.letter == moving.last and here.letter == moving.last:
                return _index_text(Index(used, index.by - here.by))
            if index.number is not None and here.number is not None:
                return _index_text(Index(used, index.number - here.number))
        return super()._entry(base, moving, index)


def _in_parentheses(like: Token, number: int) -> list[Token]:
    return [
        replace(like, kind="OPEN", text="("), replace(like, kind="NUMBER", text=str(number)),
        replace(like, kind="CLOSE", text="("),
    ]  # fmt: skip


def _index_text(index: Index) -> str:
    return f"{index.letter}{index.by:+}" if index.by else index.letter


def _group(kind: str, sign: str, like: Token, inner: Iterable[Token]) -> list[Token]:
    return [
        replace(like, kind=kind, text=sign), replace(like, kind="LBRACE", text="{"), *inner,
        replace(like, kind="RBRACE", text="}"),
    ]  # fmt: skip


__all__ = ["MovingLabels", "claims_with_labels", "with_labels"]
