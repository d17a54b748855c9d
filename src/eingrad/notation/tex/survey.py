r"""What a text says as a whole: names of extents, letters that are labels, words in subscripts.

A first reading collects it, a second one uses it: that m is the extent of b stands at
``\sum_{b=1}^{m}``, wherever else m stands.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from eingrad.notation.syntax import Assignment, Compare, Dependence, Formula, Shaped, Symbol
from eingrad.notation.tex import names
from eingrad.notation.tex.latex_tokens import Lexer
from eingrad.notation.tex.tidy import group_end
from eingrad.notation.tokens import Token


@dataclass(frozen=True)
class Subscript:
    """One tensor's subscript: its entries that are letters or words, and how they are written.

    ``upright`` are the words in roman type, ``fancy`` those in script, ``apart`` says that a
    comma follows the first entry.
    """

    base: str
    entries: tuple[str, ...]
    upright: frozenset[str]
    fancy: frozenset[str]
    apart: bool


@dataclass
class Survey:
    """What a reading of a text found.

    ``raised`` are letters above a name that may be labels, (name, letter, how many labels there
    are; 0 in an argument), ``words`` are names with each letter of
    a subscript that is a word, ``raised_left`` letters above the
    name of a left side, ``lowered`` those below one; ``parameters`` are the theta of
    ``h_\\theta(x)``. ``arguments`` are those of the left side that was read last, ``powers`` what
    stands above them; ``at``, on the left side of a claim, the labels of what a derivative is by,
    each with the integer that it is;
    ``level`` are the names that stand elsewhere than in exponents. ``starts`` are
    the numbers at which sums over a label begin, ``bounds`` the labels at which they end, each with
    a number that is added, ``from_zero`` names that are read at t - s where s ends at t, with no
    entry before 0, ``at_labels`` those that are read at a label alone, ``zeros`` says that an entry
    is 0, ``ranks`` how many entries a name has. ``products`` say of two labels between which a
    product goes that they stand in this order.
    """

    sizes: dict[str, str] = field(default_factory=dict)
    subscripts: list[Subscript] = field(default_factory=list)
    bound: set[str] = field(default_factory=set)
    fonts: dict[str, set[str]] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    not_lone: set[str] = field(default_factory=set)
    lone: set[str] = field(default_factory=set)
    inside: dict[str, set[str]] = field(default_factory=dict)
    bold: set[tuple[str, int]] = field(default_factory=set)
    bold_functions: set[str] = field(default_factory=set)
    bare: set[str] = field(default_factory=set)
    squared: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)
    kept: tuple[str, ...] = ()
    notes: dict[str, None] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    chained: list[Assignment] = field(default_factory=list)
    shapes: list[Shaped] = field(default_factory=list)
    raised: list[tuple[str, str, int]] = field(default_factory=list)
    words: set[tuple[str, str]] = field(default_factory=set)
    raised_left: set[str] = field(default_factory=set)
    lowered: set[str] = field(default_factory=set)
    exponents: set[str] = field(default_factory=set)
    turned: set[str] = field(default_factory=set)
    parameters: set[tuple[str, str]] = field(default_factory=set)
    arguments: tuple[Symbol, ...] = ()
    lengths: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    powers: tuple[Formula | None, ...] = ()
    applied: dict[str, Dependence] = field(default_factory=dict)
    at: list[tuple[str, Symbol]] | None = None
    level: set[str] = field(default_factory=set)
    starts: dict[str, set[int]] = field(default_factory=dict)
    bounds: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    zeros: bool = False
    ranks: dict[str, set[int]] = field(default_factory=dict)
    from_zero: dict[str, Token] = field(default_factory=dict)
    at_labels: set[str] = field(default_factory=set)
    products: list[Compare] = field(default_factory=list)

    @property
    def first(self) -> int | None:
        """The number of the first entry of an axis, None where the text does not say."""
        found = {n for own in self.starts.values() for n in own if n in {0, 1}}
        if len(found) == 1:
            return min(found)
        return 0 if self.zeros and not found else None


@dataclass(frozen=True)
class Context:
    r"""What is known when a text is read.

    ``functions`` are declared; ``tensors`` are known, with their labels where these are known
    too, and all that there are if ``closed``. ``sizes`` are the names of extents with their
    labels. ``starts`` are labels with the numbers at which their sums begin, ``bounds`` with those
    at which they end, ``first`` is that of
    the first entry of an axis, None where the text does not say, ``ranks`` how many entries names
    have, ``moving`` are labels of layers and times. ``labels`` are the letters that are a label
    somewhere, None where nothing is known.
    ``joined`` are (name, subscript) pairs that are one name, as in ``y_{\mathrm{true}, i}``;
    ``fonts`` gives a letter in another type a name of its own, ``squared`` are the names whose
    square is what the text defines, as in ``\sigma^2 = ...``.
    """

    lexer: Lexer
    functions: Collection[str] = ()
    tensors: Collection[str] = ()
    closed: bool = False
    labels: frozenset[str] | None = None
    sizes: Mapping[str, str] = field(default_factory=dict)
    joined: frozenset[tuple[str, str]] = frozenset()
    fonts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    squared: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()
    survey: Survey = field(default_factory=Survey)
    primed: dict[str, str] = field(default_factory=dict)
    final: bool = False
    bare: frozenset[str] = frozenset()
    level: frozenset[str] = frozenset()
    own_delta: bool = False
    bare_delta: bool = False  # an error signal without labels
    own_e: bool = False  # errors of layers, as in ``e^l = y - a^l``
    upper: frozenset[str] = frozenset()  # labels above names, as in ``S^{ij}``
    raised: frozenset[str] = frozenset()
    parameters: frozenset[tuple[str, str]] = frozenset()
    applied: Mapping[str, Dependence] = field(default_factory=dict)
    starts: Mapping[str, Collection[int]] = field(default_factory=dict)
    lengths: Mapping[str, Collection[tuple[str, int]]] = field(default_factory=dict)
    first: int | None = None
    bounds: Mapping[str, Collection[tuple[str, int]]] = field(default_factory=dict)
    ranks: Mapping[str, Collection[int]] = field(default_factory=dict)
    moving: frozenset[str] = frozenset()
    matrices: frozenset[str] = frozenset()  # that are declared
    vectors: frozenset[str] = frozenset()
    twins: frozenset[str] = frozenset()  # names that stand with a prime beside themselves
    turned: frozenset[str] = frozenset()  # that are columns for a label: ``p_u^T q_i``

    def may_be_raised(self, letter: str) -> bool:
        """Whether a letter above a name is a label: every one that may be, in a first reading."""
        return letter in (self.raised if self.final else self.bound_letters())

    def is_function(self, name: str) -> bool:
        """Whether a letter before a parenthesis calls a function; I is the identity there."""
        new = self.closed and name not in self.tensors and name != "I"
        return name in self.functions or new

    def is_label(self, letter: str) -> bool:
        """Whether a letter is a label somewhere."""
        return self.labels is None or letter in self.labels

    def bound_letters(self) -> frozenset[str]:
        """Return the letters that are labels somewhere and no tensors."""
        return (self.labels or frozenset()) - {*self.tensors}

    def label(self, letter: str, primes: int) -> str:
        """Return a label, for one with primes a letter that the text does not use."""
        if not primes:
            return letter
        key = letter + "'" * primes
        if key not in self.primed:
            used = (*self.letters, *self.primed.values())
            self.primed[key] = names.fresh_labels(used, 1, letter)[0]
        return self.primed[key]

    def rank(self, name: str) -> int | None:
        """Return how many labels a tensor has, None where it is not known."""
        known = self.tensors.get(name) if isinstance(self.tensors, Mapping) else None
        return None if known is None else len(known)

    def bound_in_names(self) -> set[str]:
        """Return the labels of the tensors that are known."""
        known = self.tensors.values() if isinstance(self.tensors, Mapping) else ()
        return {x for own in known for x in own}

    def spells(self, base: str, entries: Sequence[str]) -> bool:
        """Whether a subscript is a word that belongs to the name: ``E_{in}(W) = ...``."""
        if not self.closed:
            return all((base, x) in self.joined for x in entries)
        return base not in self.tensors and self.rank(base + "".join(entries)) is not None

    def joins(self, base: str, entry: str, others: int) -> bool:
        """Whether an entry of a subscript belongs to the name; ``others`` are left then."""
        if (base, entry) in self.joined:
            return True
        if base == "I" and self.closed and not others and base not in self.tensors:
            return True  # the identity I_n
        known = self.tensors.get(base) if isinstance(self.tensors, Mapping) else None
        fits = known is not None and len(known) == others + 1
        new = isinstance(self.tensors, Mapping) and all(
            entry not in x for x in self.tensors.values()
        )
        word = new and base + entry in self.tensors  # y_a, y_{true}, where no label is called so
        if fits and known and not word and (entry in known or entry not in names.OWN):
            return False
        whole = (base + entry, base + entry + names.SQUARED)
        vector = not others and base + entry in self.tensors  # y_a in matrix notation
        return self.closed and (vector or others in map(self.rank, whole))

    def learned(self, tensors: Collection[str] = (), declared: Collection[str] = ()) -> Context:
        """Return the context for a second reading, with what the first one found: the ``tensors``
        that are defined, and those whose shape is ``declared``, which are no functions."""
        found = self.survey
        known = {*self.tensors, *tensors}
        joined = frozenset() if self.closed else _joined(found, self.moving)
        called = set() if self.closed else found.called - found.bare - known - {*declared}
        generic = called & (names.GENERIC | (found.lone - found.not_lone))
        while more := {n for n in called - generic if generic & found.inside.get(n, set())}:
            generic |= more  # f_2(W f_1(x))
        return replace(
            self,
            functions=(*self.functions, *sorted(generic - set(self.functions))),
            tensors=self.tensors if self.closed else known,
            sizes={n: label for n, label in found.sizes.items() if n not in known},
            joined=joined | found.words,
            fonts=_fonts(found, known if self.closed else ()),
            squared=self.squared if self.closed else _squared(found, joined),
            survey=Survey(),
            final=True,
            bare=frozenset(found.bare),
            level=frozenset(found.level),
            raised=self._raised(),
            parameters=frozenset(found.parameters),
            applied={**self.applied, **found.applied},
            starts={**self.starts, **found.starts},
            lengths=self.lengths if self.closed else found.lengths,
            first=self.first if found.first is None else found.first,
            bounds={**self.bounds, **found.bounds},
            ranks=dict(found.ranks),
            turned=frozenset(found.turned),
        )

    def _raised(self) -> frozenset[str]:
        """Return the letters that are labels where they stand above a name.

        Those that stand nowhere else, but for sum signs, and above a name with labels below, or
        above two names; a claim knows how many labels a tensor has.
        """
        found = self.survey
        owners: dict[str, set[str]] = {}
        for name, letter, _ in found.raised:
            owners.setdefault(letter, set()).add(name)
        if self.closed:
            wrong = {x for name, x, count in found.raised
                     if count not in {0, self.rank(name), 2 * (name == "delta")}}  # fmt: skip
            return frozenset(owners.keys() - wrong)
        elsewhere = found.lowered | found.exponents | found.bare
        many = {letter for _, letter, count in found.raised if count > 1}
        return frozenset(
            x
            for x, own in owners.items()
            if (x not in elsewhere and (x in many or len(own) > 1))
            or (x in found.raised_left and x not in found.exponents | found.bare)
        )


def upper_labels(tokens: Sequence[Token]) -> frozenset[str]:
    r"""Return the letters side by side above names, if a text writes labels there: ``S^{ij} = ...``
    or ``\partial S^{mn}``, which are no powers."""
    found: set[str] = set()
    surely = False
    for k, token in enumerate(tokens):
        if token.kind != "SUP" or k + 1 == len(tokens) or tokens[k + 1].kind != "LBRACE":
            continue
        end = k + 2
        while end < len(tokens) and (tokens[end].kind in {"LETTER", "PRIME", "COMMA"}
                                     or names.greek(tokens[end].text)):  # fmt: skip
            end += 1
        inner = [names.greek(t.text) or t.text for t in tokens[k + 2 : end]
                 if t.kind not in {"PRIME", "COMMA"}]  # fmt: skip
        if len(inner) < 2 or end == len(tokens) or tokens[end].kind != "RBRACE":
            continue
        if any(t.spaced for t in tokens[k + 3 : end]) or "T" in inner:
            continue
        found.update(inner)
        before = tokens[k - 2] if k > 1 else None
        starts = before is None or before.kind in {"SHIFT", "ROW", "NEWLINE", "BEGIN"}
        after = tokens[end + 1].kind if end + 1 < len(tokens) else ""
        surely |= (starts and after in {"EQUAL", "AMP"}) or (
            before is not None and before.text == r"\partial")  # fmt: skip
    return frozenset(found) if surely else frozenset()


def letters_of(tokens: Sequence[Token]) -> tuple[frozenset[str], frozenset[str]]:
    """Return all letters of a text, and those that stand in subscripts."""
    every: set[str] = set()
    below: set[str] = set()
    depth = inside = 0
    previous = None
    for token in tokens:
        depth += (token.kind == "LBRACE") - (token.kind == "RBRACE")
        begins = previous is not None and previous.kind == "SUB"
        if not inside and begins and token.kind == "LBRACE":
            inside = depth
        elif inside and depth < inside:
            inside = 0
        name = names.greek(token.text) or (
            names.letter(token.text) if token.kind == "LETTER" else None
        )
        if token.kind == "INDEX" and token.text[0] != "#":
            name = token.text.partition("+")[0].partition("-")[0]
        if name is not None:
            every.add(name)
            if inside or begins:
                below.add(name)
        previous = token
    return frozenset(every), frozenset(below)


def _joined(found: Survey, moving: Collection[str]) -> frozenset[tuple[str, str]]:
    """Return the subscripts that are part of a name.

    A word in roman type is one if no second tensor has it and nothing sums it, a letter in script
    always; so is ``a`` in ``h_{a,h}`` if h has one label elsewhere.
    """
    owners: dict[str, set[str]] = {}
    for script in found.subscripts:
        for entry in script.entries:
            owners.setdefault(entry, set()).add(script.base)
    result = set()
    counts: dict[str, set[int]] = {}
    for script in found.subscripts:
        counts.setdefault(script.base, set()).add(len(script.entries))
        for entry in script.upright:
            lone = len(owners[entry]) == 1 and script.entries.count(entry) == 1
            if lone and entry not in found.bound:
                result.add((script.base, entry))
        result |= {(script.base, entry) for entry in script.fancy - found.bound}
        own = [x for x in script.entries if owners[x] == {"I"} and x not in found.bound]
        if script.base == "I" and len(script.entries) == 1 and own:
            result.add(("I", own[0]))  # the identity I_d
    for script in found.subscripts:
        rank = len(script.entries)
        if script.apart and rank > 1 and rank - 1 in counts[script.base]:
            first = script.entries[0]
            always = all(
                s.apart and s.entries[0] == first for s in found.subscripts
                if s.base == script.base and len(s.entries) == rank
            )  # fmt: skip
            if always and first not in found.bound and first not in moving:
                result.add((script.base, first))
    return frozenset(result)


def _fonts(found: Survey, known: Collection[str]) -> dict[tuple[str, str], str]:
    r"""Name letters that a text writes in several types: ``\mathfrak{L}`` beside ``\mathcal{L}``.

    The plainest one has the letter itself as its name; a claim knows which names there are.
    """
    result: dict[tuple[str, str], str] = {}
    order = ["", *names.FANCY]
    for letter, fonts in found.fonts.items():
        plain, *others = sorted(fonts, key=order.index)
        named = {font: letter + names.FANCY[font] for font in others}
        named |= {font: letter + names.FANCY[font] for font in fonts if font} if known else {}
        result |= {
            (font, letter): name
            for font, name in named.items()
            if name in known or (not known and font != plain)
        }
    return result


def twin_names(tokens: Sequence[Token]) -> frozenset[str]:
    r"""Return the names that have a twin with a prime: the x of ``x - x'``, or ``x' \in ...``.

    ``A + A'`` is a matrix and its transpose.
    """
    found: set[str] = set()
    before: tuple[str, bool] | None = None  # the name that ends in front of a sign
    k = 0
    while k < len(tokens):
        name, end = name_at(tokens, k)
        if not name:
            before = before if tokens[k].kind == "SIGN" else None
            k += 1
            continue
        primes = _primes_at(tokens, end)
        end += primes
        while end < len(tokens) and tokens[end].kind == "SUB":
            end = group_end(tokens, end + 1) + 1
            own = _primes_at(tokens, end)
            primes, end = primes + own, end + own
        after = tokens[end] if end < len(tokens) else None
        if (name[0].islower() and before == (name, not primes)) or (
            primes and after is not None and after.text == r"\in"
        ):
            found.add(name)
        before = (name, bool(primes)) if after is not None and after.kind == "SIGN" else None
        k = end
    return frozenset(found)


def name_at(tokens: Sequence[Token], k: int) -> tuple[str, int]:
    """Return the name at a place, a letter, also in bold type, or a word, and where it ends."""
    token = tokens[k]
    if token.kind == "LETTER" or names.greek(token.text):
        return names.greek(token.text) or names.letter(token.text), k + 1
    end = group_end(tokens, k + 1) if k + 1 < len(tokens) else k
    if token.text in names.BOLD and end == k + 3:
        return name_at(tokens, k + 2)[0], end + 1
    word = tokens[k + 2 : end] if token.text in names.UPRIGHT else []
    if word and all(t.kind == "LETTER" for t in word):
        return "".join(t.text for t in word), end + 1
    return "", k + 1


def _primes_at(tokens: Sequence[Token], k: int) -> int:
    r"""Return how many tokens are one prime: ``'``, ``^\prime`` or ``^{\prime}``."""
    kinds = [t.kind for t in tokens[k : k + 4]]
    for length, form in ((1, ["PRIME"]), (2, ["SUP", "PRIME"]),
                         (4, ["SUP", "LBRACE", "PRIME", "RBRACE"])):  # fmt: skip
        if kinds[:length] == form:
            return length
    return 0


def _squared(found: Survey, joined: Collection[tuple[str, str]]) -> frozenset[str]:
    """Return the names whose square a text defines."""
    return frozenset(
        base + "".join(x for x in entries if (base, x) in joined) for base, entries in found.squared
    )


def squares_in(tensors: Collection[str]) -> frozenset[str]:
    """Return the names of which a model knows the square alone.

    >>> sorted(squares_in({"sigmasq", "mu", "tausq", "tau"}))
    ['sigma']
    """
    roots = {name.removesuffix(names.SQUARED) for name in tensors if name.endswith(names.SQUARED)}
    return frozenset(roots - {*tensors})
