"""Which kind each part of a text has: sets of kinds are narrowed until nothing changes.

Then the author's habits decide, one name at a time: vectors are columns if that fits, what stands
behind a matrix is one, capitals are matrices. What is still open is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from eingrad.core.functions import AXIS_FUNCTIONS
from eingrad.errors import NotationError
from eingrad.notation.lexeme import GREEK_LETTERS, keeps_labels
from eingrad.notation.matrix import kinds
from eingrad.notation.matrix.kinds import ANY, KINDS, VECTOR, C, M, R, Relation, S, Sets, single
from eingrad.notation.matrix.typed import OF_MATRIX, TreeBuilder, Typed, times_in
from eingrad.notation.syntax import DOT, SLICE, Call, Formula, Offset, Symbol
from eingrad.notation.text import to_text

MOST = 300  # guesses
DATA = frozenset("dhpqrstuvxyz")  # what X w is compared with; X w + b may add a number
MEANS = frozenset({"mu", "theta", "beta"})  # vectors where a sum has these, too
OF_RANK = {0: S, 1: VECTOR, 2: M}
WHOLE = frozenset({*OF_MATRIX, "inverse"})  # functions of a square matrix
PLAIN = frozenset({"sum", "product", "map", "power", "times", "inverse", "bind"})
ENTRIES = frozenset({"map", "fold", "bind", "keep", "along", "entry", "any", "entrywise"})
Rule = Callable[[Typed, list[int]], tuple[tuple[int, ...], str]]
Guess = tuple[int, tuple[int, ...], str]  # a set's variable, kinds in the order of trial, a note


@dataclass(frozen=True)
class Relating:
    """A relation between the kinds of ``node`` and of others."""

    relation: Relation
    variables: tuple[int, ...]
    node: Typed


class KindError(Exception):
    """The parts of a formula do not fit together; ``sets`` are their kinds."""

    def __init__(self, node: Typed, sets: Sequence[int]) -> None:
        super().__init__(node, sets)
        self.node, self.sets = node, sets


class Inference:
    """Finds the kinds of all parts of some statements.

    ``sides`` are the (left, right) sides that are of one kind. The result is in ``domains``; what
    was guessed where two readings are common is in ``notes``. With ``ones`` a factor 1 is a vector
    if that fits.
    """

    def __init__(
        self, builder: TreeBuilder, sides: Sequence[tuple[Typed, Typed]], ones: bool = False
    ) -> None:
        self.numbers = (C, S) if ones else (S, C)  # what a factor 1 is
        self.builder, self.facts = builder, builder.facts
        self.nodes = builder.nodes
        self.around = {id(x): node for node in self.nodes for x in node.parts}
        for node in self.nodes:
            if node.op == "power" and self._may_be_of_matrix(node):
                node.op = "times"
        self.equations = [
            Relating(relation, (node.var, *(x.var for x in node.parts)), node)
            for node in self.nodes if (relation := relation_of(node)) is not None
        ]  # fmt: skip
        self.equations += [Relating(kinds.equal, (a.var, b.var), b) for a, b in sides]
        self.equations += list(self._ranks())
        self.equations += [] if self.facts.claimed else list(self._dots())
        self.assigned = {left.var for left, _ in sides}
        self.uses: dict[int, list[int]] = {}
        for k, equation in enumerate(self.equations):
            for var in equation.variables:
                self.uses.setdefault(var, []).append(k)
        self.notes: dict[int, str] = {}
        self.failed: KindError | None = None
        self.count = 0

    def _ranks(self) -> Iterator[Relating]:
        """Yield what connects ``X``, ``x_i`` and ``x_{ij}``: how many axes the tensor has."""
        first = {x.var: x for x in self.nodes if x.op == "name"}
        counts: dict[str, list[int]] = {}
        for name, count in self.builder.names:
            counts.setdefault(name, []).append(count)
        for name, own in counts.items():
            if len(own) > 1 and name not in self.facts.axes:
                variables = tuple(self.builder.names[name, k] for k in own)
                yield Relating(_of_one_rank(own), variables, first[variables[0]])

    def _dots(self) -> Iterator[Relating]:
        r"""Yield what keeps a dot between names, ``u \cdot v``, from being an outer product, and
        what stands behind one, ``u \cdot v w``, from being a product of two vectors."""
        for node in self.nodes:
            signs = getattr(node.written, "signs", ())
            if node.op in {"product", "dot"} and len(signs) == len(node.parts):
                for left, sign, right in zip(node.parts, signs[1:], node.parts[1:], strict=False):
                    if sign == DOT and self._are_names(left, right):
                        yield Relating(_unlike(C, R), (left.var, right.var), node)
            if node.op == "dot" and node.parts[1].op == "product":
                first, second = node.parts[1].parts[:2]
                if self._are_names(first, second):
                    yield Relating(_unlike(R, C), (first.var, second.var), node)
                    yield Relating(_unlike(C, R), (first.var, second.var), node)

    def _are_names(self, left: Typed, right: Typed) -> bool:
        """Whether both are names, none of which is declared to be a row."""
        rows = R in (self.builder.domains[left.var], self.builder.domains[right.var])
        return left.op == right.op == "name" and not rows

    def solve(self) -> list[int]:
        """Return the kind of every variable; raise KindError, or NotationError where it is open."""
        found = self._search(list(self.builder.domains), range(len(self.equations)))
        if found is None:
            assert self.failed is not None
            raise self.failed
        self._note_powers(found)
        dots = [x for x in self.nodes if x.op == "dot"]
        for node in dots:
            node.op = _dotted(*(found[x.var] for x in (node, *node.parts)))
        for node in dots:  # u · v · w of vectors: which of the dots joins them is open
            left, right = node.parts
            if left in dots and left.op != "product" and found[right.var] & VECTOR:
                raise KindError(node, [found[x.var] for x in (node, *node.parts)])
        return found

    def _may_be_of_matrix(self, node: Typed) -> bool:
        """Whether ``X^3`` may be X X X: in a function of matrices, ``tr(X^3)``, and in claims,
        but not inside what goes entry by entry or sums entries."""
        n = times_in(node.parts[1].written)
        if not n:
            return False
        outer: Typed | None = node
        while outer is not None and outer.op not in WHOLE:
            if outer.op in ENTRIES:
                return False
            outer = self.around.get(id(outer))
        return outer is not None or n < 0 or self.facts.claimed

    def _note_powers(self, domains: Sequence[int]) -> None:
        """Note powers of matrices where nothing around them, a trace, say, is of a matrix."""
        for node in self.nodes:
            if node.op == "times" and domains[node.var] == M:
                outer = self.around.get(id(node))
                while outer is not None and outer.op not in WHOLE:
                    outer = self.around.get(id(outer))
                if outer is None:
                    text = to_text(node.written).replace(" * ", " ")
                    self.notes[node.var] = f"{text} is a power of the matrix, not of its entries"
                node.surely = outer is not None or node.parts[0].op == "name"

    def _search(self, domains: list[int], dirty: Sequence[int]) -> list[int] | None:
        try:
            self._narrow(domains, dirty)
        except KindError as error:
            self.failed = self.failed or error
            return None
        guess = next(self._guesses(domains), None)
        if guess is None:
            return domains
        var, order, note = guess
        for kind in order:
            self.count += 1
            if self.count > MOST:
                break
            trial = list(domains)
            trial[var] = kind
            self.notes.pop(var, None)
            if note and kind == order[0]:
                self.notes[var] = note
            found = self._search(trial, self.uses.get(var, ()))
            if found is not None:
                return found
        return None

    def _narrow(self, domains: list[int], dirty: Sequence[int]) -> None:
        queue = list(dirty)
        waiting = set(queue)
        while queue:
            k = queue.pop(0)
            waiting.discard(k)
            equation = self.equations[k]
            sets = [domains[v] for v in equation.variables]
            narrowed = equation.relation(sets)
            if not all(narrowed):
                raise KindError(equation.node, sets)
            for var, new in zip(equation.variables, narrowed, strict=True):
                new &= domains[var]  # a variable may stand twice
                if not new:
                    raise KindError(equation.node, sets)
                if new != domains[var]:
                    domains[var] = new
                    more = [j for j in self.uses[var] if j not in waiting]
                    queue += more
                    waiting.update(more)

    # --- habits ---

    def _guesses(self, domains: list[int]) -> Iterator[Guess]:
        """Yield what to decide next, the surest first."""
        open_nodes = [x for x in self.nodes if not single(domains[x.var])]
        if not open_nodes:
            return
        named = [x for x in open_nodes if x.op in {"name", "ones"}]
        yield from self._by_rules(named, domains, (self._dotted, self._free, self._capital))
        for node in named:
            if domains[node.var] == VECTOR:
                row = any(domains[x.var] == M for x in self._sums(node.var))
                row = row or _is_row(node.written)
                yield node.var, ((R, C) if row else (C, R)), ""
        yield from ((x.var, self.numbers, "") for x in open_nodes if x.op == "number")
        rules = (
            self._beside_norm, self._transposed, self._behind_matrix, self._by_habit, self._in_sum,
            self._free, self._last_capital, self._assigned,
        )  # fmt: skip
        yield from self._by_rules(named, domains, rules)
        if named:
            raise still_open(named[0].written, domains[named[0].var])
        node = open_nodes[0]
        yield node.var, tuple(k for k in KINDS if domains[node.var] & k), ""

    def _by_rules(
        self, named: Sequence[Typed], domains: list[int], rules: Sequence[Rule]
    ) -> Iterator[Guess]:
        for rule in rules:
            for node in named:
                order, note = rule(node, domains)
                order = tuple(k for k in order if domains[node.var] & k)
                if order:
                    rest = tuple(k for k in KINDS if domains[node.var] & k and k not in order)
                    yield node.var, (*order, *rest), note

    def _count(self, tensor: Formula) -> int:
        """Return how many labels a tensor carries, but for those of times and layers."""
        moving = self.facts.moving
        own: Sequence[object] = getattr(tensor, "entries", getattr(tensor, "labels", ()))
        return sum(x not in moving and not (moving and isinstance(x, Offset)) for x in own)

    def _places(self, var: int) -> Iterator[tuple[Typed, Typed]]:
        """Yield the places of a name, each with the formula around it."""
        for node in self.nodes:
            if node.var == var and id(node) in self.around:
                yield node, self.around[id(node)]

    def only_added(self, var: int, domains: Sequence[int]) -> bool:
        """Whether a vector stands nowhere but in sums with matrices."""
        places = [outer for _, outer in self._places(var)]
        return bool(places) and all(x.op == "sum" and domains[x.var] == M for x in places)

    def _sums(self, var: int) -> Iterator[Typed]:
        return (outer for _, outer in self._places(var) if outer.op == "sum")

    def _behind_matrix(self, node: Typed, domains: list[int]) -> tuple[tuple[int, ...], str]:
        for place, outer in self._places(node.var):
            while outer.op == "map" and id(outer) in self.around:  # w^T \phi(x)
                place, outer = outer, self.around[id(outer)]
            if outer.op == "product":
                k = next(j for j, x in enumerate(outer.parts) if x is place)
                before = domains[outer.parts[k - 1].var] if k else S
                if not outer.divides[k] and before in (M, R):
                    return (C,), ""
        return (), ""

    def _transposed(self, node: Typed, domains: list[int]) -> tuple[tuple[int, ...], str]:
        """A small letter that is transposed, ``w^T x + b``, added to columns, or in a difference of
        which there is a norm, ``‖x - y‖``, is a column."""
        small = getattr(node.written, "name", "")[:1].islower() or self._count(node.written) == 1
        around = [outer for _, outer in self._places(node.var)]
        around += [self.around[id(x)] for x in around if x.op == "sum" and id(x) in self.around]
        turned = any(x.op in {"transpose", "norm"} for x in around)  # x^T, (x - y)^T
        labels = getattr(node.written, "labels", ())
        if labels and not self.facts.bold:  # |y_n - t_n|
            turned = turned or any(not domains[x.var] & S for x in self._sums(node.var))
        return ((C,), "") if small and turned else ((), "")

    def _beside_norm(self, node: Typed, domains: list[int]) -> tuple[tuple[int, ...], str]:
        """What is added to a norm is a number: the l of ``(‖x - y‖ - l)^2``."""
        sums = ([x for x in outer.parts if x.var != node.var] for outer in self._sums(node.var))
        number = any(
            any(x.op == "norm" for x in others) and all(domains[x.var] & S for x in others)
            for others in sums
        )
        return ((S,), "") if number else ((), "")

    def _dotted(self, node: Typed, domains: list[int]) -> tuple[tuple[int, ...], str]:
        r"""The x_i that a dot joins to a vector is one for each i: ``w \cdot x_i``."""
        name = getattr(node.written, "name", "")
        if self._count(node.written) != 1 or name[:1] not in DATA:
            return (), ""
        for place, outer in self._places(node.var):
            others = [x for x in outer.parts if x is not place]
            if outer.op == "dot" and not any(domains[x.var] & (S | M) for x in others):
                return (C, R), ""
        return (), ""

    def _free(self, node: Typed, domains: list[int]) -> tuple[tuple[int, ...], str]:
        """A capital that nothing beside it joins is a number where one fits: ``C w^T w + D``."""
        name = node.written.name if isinstance(node.written, Symbol) else ""
        if not name[:1].isupper() or self._count(node.written) or node.var in self.assigned:
            return (), ""
        return ((S, M), "") if self._are_free(node, domains, later=False) else ((), "")

    def _are_free(self, node: Typed, domains: list[int], later: bool) -> bool:
        """Whether all places of a name are free; ``later``, if sums and x_i there are numbers."""
        places = list(self._places(node.var))
        return bool(places) and all(
            outer.op in {"sum", "product"} and self._is_free(place, outer, domains, later)
            for place, outer in places
        )

    def _is_free(self, place: Typed, outer: Typed, domains: list[int], later: bool) -> bool:
        """Whether a place is a factor beside numbers, or a term beside them, of a number that
        stands in such a place itself: the A of ``u^T (A + t B)^-1 u`` does not."""
        if not domains[outer.var] & S or outer.op not in PLAIN:
            return False
        if outer.op == "product" and not self._is_alone(place, outer, domains, later):
            return False
        if outer.op == "sum" and not all(domains[x.var] & S for x in outer.parts):
            return False
        above = self.around.get(id(outer))
        return above is None or self._is_free(outer, above, domains, later)

    def _is_alone(self, place: Typed, outer: Typed, domains: list[int], later: bool) -> bool:
        """Whether nothing beside a factor joins it as a matrix product joins."""
        k = next(j for j, x in enumerate(outer.parts) if x is place)
        beside = [*zip(outer.parts, outer.divides, strict=True)]
        sides = (beside[k - 1 : k] if k else [], R | M), (beside[k + 1 : k + 2], C | M)
        joined = (x for part, kinds in sides for x, below in part
                  if not below and _kinds_by_habit(x, domains) & kinds)  # fmt: skip
        return outer.divides[k] or all(later and self._may_be_number(x, domains) for x in joined)

    def _may_be_number(self, node: Typed, domains: list[int]) -> bool:
        """Whether a part that is not decided is a sum over labels, or a small letter with some."""
        small = getattr(node.written, "name", "")[:1].islower() and self._count(node.written) > 0
        return bool(domains[node.var] & S) and (node.op == "bind" or small)

    def _capital(self, node: Typed, domains: list[int]) -> tuple[tuple[int, ...], str]:
        name = node.written.name if isinstance(node.written, Symbol) else ""
        if not name[:1].isupper() or self._count(node.written) or node.var in self.assigned:
            return (), ""
        if any(not domains[outer.var] & ~VECTOR for outer in self._sums(node.var)):
            return (C, R), ""  # Z = W A + B where Z_i is an entry
        if self._may_be_added_number(node, domains) or self._are_free(node, domains, later=True):
            return (), ""  # x^T y + C, C times a sum over i
        return self._last_capital(node, domains)

    def _may_be_added_number(self, node: Typed, domains: list[int]) -> bool:
        """Whether all that a capital is added to somewhere may be a scalar."""
        others = ([domains[x.var] for x in outer.parts if x.var != node.var]
                  for outer in self._sums(node.var))  # fmt: skip
        return any(own and all(x & S for x in own) for own in others)

    def _last_capital(self, node: Typed, domains: list[int]) -> tuple[tuple[int, ...], str]:
        """A capital is a matrix, but what only divides, or is added to numbers, is a number."""
        name = node.written.name if isinstance(node.written, Symbol) else ""
        if not name[:1].isupper() or self._count(node.written) or node.var in self.assigned:
            return (), ""
        if any(domains[outer.var] == S for outer in self._sums(node.var)):
            return (S, M), ""
        divisors = [
            outer.op == "product" and outer.divides[next(
                j for j, x in enumerate(outer.parts) if x is place)]
            for place, outer in self._places(node.var)
        ]  # fmt: skip
        return ((S, M) if divisors and all(divisors) else (M, S)), ""

    def _by_habit(self, node: Typed, _: list[int]) -> tuple[tuple[int, ...], str]:
        """What could be a number is one, if it is Greek, or not bold as vectors are."""
        places = [outer.op == "any" for _, outer in self._places(node.var)]
        if self._count(node.written) or (places and all(places)):
            return (S,), ""  # the y of l(o, y) is data
        if node.var in self.assigned:
            return (), ""
        name = getattr(node.written, "name", "").rstrip("0123456789")
        greek = name in GREEK_LETTERS and name.islower() and name not in MEANS
        bold = self.facts.bold and not name[:1].isupper()
        return ((S,), "") if bold or greek else ((), "")

    def _assigned(self, node: Typed, _: list[int]) -> tuple[tuple[int, ...], str]:
        return ((S,) if node.var in self.assigned else ()), ""

    def _in_sum(self, node: Typed, domains: list[int]) -> tuple[tuple[int, ...], str]:
        for outer in self._sums(node.var):
            kind = domains[outer.var]
            if single(kind) and kind & VECTOR:
                name = to_text(node.written)
                told = f"{name} is {kinds.WORDS[kind]}, like the sum in which it stands"
                plain = name[:1] in DATA or name in MEANS or name.rstrip("0123456789") != name
                return (kind,), "" if plain else told  # b1 is a layer's
        return (), ""


def _kinds_by_habit(node: Typed, domains: Sequence[int]) -> int:
    """Return the kinds that a part may have; the transpose of a vector is a row by habit."""
    own = domains[node.var]
    return own & ~C if node.op == "transpose" and own & R else own


def _is_row(tensor: Formula) -> bool:
    """Whether a tensor is ``W_{i,:}``, a row of a matrix."""
    return isinstance(tensor, Symbol) and tensor.labels[1:] == (SLICE,)


def _of_one_rank(counts: Sequence[int]) -> Relation:
    def relation(sets: Sets) -> Sets:
        found = [0] * len(sets)
        for rank in range(max(counts) + 3):
            own = [x & OF_RANK.get(rank - k, 0) for x, k in zip(sets, counts, strict=True)]
            if all(own):
                found = [a | b for a, b in zip(found, own, strict=True)]
        return found

    return relation


# --- the relation of each operation -------------------------------------------------------------


def relation_of(node: Typed) -> Relation | None:
    """Return how a part's kind depends on those of its own parts."""
    match node.op:
        case "product":
            return kinds.product(node.divides)
        case "sum":
            return kinds.added
        case "map" | "entrywise":
            return kinds.entrywise
        case "bind":
            assert isinstance(node.written, Call)
            record = AXIS_FUNCTIONS.get(node.written.function)
            plain = record is not None and not record.keeps_axes and record.name != "norm"
            return kinds.equal if plain else _only(S, S)
        case "entry":
            assert isinstance(node.written, Call)
            return _only(S, VECTOR if len(node.written.axes) == 1 else M)
        case "along":
            assert isinstance(node.written, Call)
            return _only(M if keeps_labels(node.written.function) else C, M)
        case "chain":
            return _of_chain
        case _ if node.op in OF_MATRIX:
            return _only(S, M)
    return _RELATIONS.get(node.op)


def _only(*allowed: int) -> Relation:
    """Return the relation of parts that have these kinds whatever the others have."""

    def relation(sets: Sets) -> Sets:
        return [x & k for x, k in zip(sets, allowed, strict=True)]

    return relation


def _dot(sets: Sets) -> Sets:
    """A product of matrices, the inner product of two vectors, or what goes entry by entry."""
    found = [0] * 3
    for left in KINDS:
        for right in KINDS:
            own = kinds.composed(left, right) | (S | left if left == right and left & VECTOR else 0)
            if sets[1] & left and sets[2] & right and sets[0] & own:
                found = [found[0] | own & sets[0], found[1] | left, found[2] | right]
    return found


def _unlike(first: int, second: int) -> Relation:
    """Two parts that are not of these kinds at once."""

    def relation(sets: Sets) -> Sets:
        left = sets[0] if sets[1] & ~second else sets[0] & ~first
        return [left, sets[1] if sets[0] & ~first else sets[1] & ~second]

    return relation


def _dotted(own: int, left: int, right: int) -> str:
    """Return what a dot is between two kinds."""
    if own & kinds.composed(left, right):
        return "product"
    return "inner" if own == S else "entrywise"


def _inner(sets: Sets) -> Sets:
    common = sets[1] & sets[2] & ~S
    return [sets[0] & S, common, common]


def _power(sets: Sets) -> Sets:
    own = sets[0] & sets[1] & (S | VECTOR)
    return [own, own, sets[2] & S]


def _times(sets: Sets) -> Sets:
    own = sets[0] & sets[1]
    return [own, own, sets[2] & S]


def _derivative(sets: Sets) -> Sets:
    """A gradient is shaped like its variable; of a vector by a vector there is a matrix."""
    found = [0] * len(sets)
    for of in KINDS:
        if not sets[1] & of:
            continue
        for wrt in KINDS:
            if not sets[2] & wrt or (len(sets) > 3 and not sets[3] & wrt):
                continue
            own = _kind_of_derivative(of, wrt, len(sets) - 2) & sets[0]
            if own:
                found[0] |= own
                found[1] |= of
                for k in range(2, len(sets)):
                    found[k] |= wrt
    return found


def _kind_of_derivative(of: int, wrt: int, order: int) -> int:
    """Return the kind of a derivative, 0 where it has more than two axes."""
    if order == 2:
        return {S: of, C: M, R: M}.get(wrt, 0) if of == S or wrt == S else 0
    if of == S or wrt == S:
        return of * wrt
    return M if (of | wrt) & VECTOR == of | wrt else 0


def _of_chain(sets: Sets) -> Sets:
    own, first, *middle, last = sets
    result = _derivative([own, first, last])
    return [result[0], result[1], *middle, result[2]]


_RELATIONS: dict[str, Callable[[Sets], Sets]] = {
    "transpose": kinds.transposed,
    "inverse": kinds.mapping([(S, S), (M, M)]),
    "norm": _only(S, ANY & ~S),
    "inner": _inner,
    "dot": _dot,
    "diag": kinds.mapping([(M, C), (M, R), (C, M)]),
    "keep": kinds.mapping([(C, C), (R, R), (M, M)]),
    "fold": _only(S, ANY & ~S),
    "outer": kinds.outer,
    "kronecker": kinds.kronecker,
    "vec": kinds.mapping([(C, M)]),
    "power": _power,
    "times": _times,
    "derivative": _derivative,
}


# --- errors -----------------------------------------------------------------------------------


def still_open(tensor: Formula, found: int) -> NotationError:
    """A name of which nothing says whether it is a scalar, a vector or a matrix."""
    name = getattr(tensor, "name", "")
    words = [kinds.WORDS[k] for k in KINDS if found & k]
    return NotationError(
        f"whether {name} is {', '.join(words[:-1])} or {words[-1]} is open",
        code="open-shape",
        operand=name,
        position=tensor.position,
        hint=f"declare it: {name} in R, {name} in R^n or {name} in R^{{m x n}}",
    )
