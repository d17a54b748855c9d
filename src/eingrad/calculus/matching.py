"""A rule's form used on a node: its left side found in it, its right side built in its place.

A target is a node at labels. It is opened first: through views, the scalars around a product, and
products and sums inside, with powers collected; so batch axes cost nothing. What binds labels is
matched before names; a name that is known is built and compared with ``is``. At the root alone may
factors and terms remain. Of several matches the first in canonical order is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import permutations
from typing import NamedTuple

from eingrad.calculus.pattern import (
    Applied,
    Dirac,
    Form,
    Hole,
    Names,
    Pattern,
    Plus,
    Times,
    head_of_pattern,
)
from eingrad.calculus.structure import head_of, is_sum, opened, shown, trimmed
from eingrad.core.algebra import (
    Factor,
    add,
    apply,
    broadcast_scalar,
    constant_value,
    einsum,
    full,
    identity_labels,
    power,
    reduce,
    scale_of,
)
from eingrad.core.arrays import matrix_function
from eingrad.core.expr import Const, Delta, Dim, Expr, Labels, Map, Number, Reduce, exact
from eingrad.core.functions import COMPARISONS, MATRIX_FUNCTIONS

MAX_TRIES = 2000  # of parts of a pattern with parts of a node
Item = tuple[Factor, Number]
"""A factor of a product and its exponent, or a term of a sum and what it is times."""


class Known(NamedTuple):
    """What a hole stands for: a node at labels, and those of the labels that the hole names."""

    node: Expr
    labels: Labels
    named: tuple[Labels, ...]


@dataclass(frozen=True, slots=True)
class Env:
    """Holes, the axes that each label of the text stands for, and which axes are bound."""

    holes: Mapping[str, Known]
    labels: Mapping[str, Labels]
    bound: frozenset[int] = frozenset()

    def fill(self, hole: Hole, at: Factor) -> Env:
        """Say what a hole stands for."""
        known = Known(*at, tuple(self.labels[name] for name in hole.labels))
        return replace(self, holes={**self.holes, hole.name: known})

    def assign(self, names: Names, values: Sequence[Labels], bound: bool = False) -> Env | None:
        """Say which axes labels stand for, None if it is known otherwise."""
        labels = dict(self.labels)
        for name, value in zip(names, values, strict=True):
            if labels.setdefault(name, value) != value:
                return None
        more = {k for value in values for k in value} if bound else ()
        return replace(self, labels=labels, bound=self.bound.union(more))

    def may_hold(self, hole: Hole, labels: Labels) -> bool:
        """Whether a hole may stand for what has these labels: it names those that are bound."""
        own = {k for name in hole.labels for k in self.labels.get(name, ())}
        return self.bound.isdisjoint(set(labels) - own)

    def is_free(self, pattern: Pattern) -> bool:
        """Whether a pattern is a hole that stands for nothing yet."""
        return isinstance(pattern, Hole) and pattern.name not in self.holes

    def meets(self, form: Form) -> bool:
        """Whether the form's condition holds, and no hole has a bound label that it does not
        name."""
        for x in self.holes.values():
            if self.bound & (set(x.labels) - {k for own in x.named for k in own}):
                return False
        name, condition = form.condition or ("", "")
        return not name or CHECKS[condition](self.holes[name].node)


CHECKS = {
    "< 0": lambda x: isinstance(x, Const) and not isinstance(x.value, complex) and x.value < 0,
    "even": lambda x: isinstance(x, Const) and isinstance(x.value, int) and x.value % 2 == 0,
    "condition": lambda x: isinstance(x, Map) and x.function in COMPARISONS,
}
"""The conditions that a text can put on a hole."""


def _quotient(a: Number, b: Number) -> Number:
    return Fraction(a) / b if isinstance(a, int) and isinstance(b, int | Fraction) else a / b


def _may_take(left: Number, wanted: Number) -> bool:
    """Whether ``x^left`` is ``x^wanted``, or that times a further power."""
    if isinstance(left, int) and isinstance(wanted, int):
        return left * wanted > 0 and abs(left) >= abs(wanted)
    return left == wanted


class Axes:
    """The axes that a match or a construction speaks of, each with its extent."""

    def __init__(self, dims: Iterable[Dim] = ()) -> None:
        self.extents: dict[int, Dim] = dict(enumerate(dims))

    def fresh(self, dims: Iterable[Dim]) -> Labels:
        """Return new labels."""
        first = len(self.extents)
        self.extents.update(enumerate(dims, first))
        return tuple(range(first, len(self.extents)))

    def dims(self, labels: Iterable[int]) -> list[Dim]:
        """Return the extents of labels."""
        return [self.extents[k] for k in labels]

    def over(self, at: Factor, labels: Labels) -> Expr:
        """Return a node over other axes: transposed, and repeated along new ones."""
        if at[1] == labels:
            return at[0]
        return einsum([at], labels, {k: self.extents[k] for k in labels})

    def product(self, items: Iterable[Item], summed: Iterable[int] = ()) -> Factor:
        """Multiply powers, and sum over axes."""
        sums = tuple(summed)
        factors = [(power(x, e), own) for (x, own), e in items]
        out = tuple(dict.fromkeys(k for _, own in factors for k in own if k not in sums))
        return einsum([*factors, (full(1, self.dims(sums)), sums)], out), out

    def total(self, items: Iterable[Item]) -> Factor:
        """Add terms, each times a number."""
        terms = list(items)
        out = tuple(dict.fromkeys(k for (_, own), _ in terms for k in own))
        known = {k: self.extents[k] for k in out}
        scaled = [einsum([(Const(c), ()), x], out if x[1] else (), known) for x, c in terms]
        return broadcast_scalar(add(*scaled), self.dims(out)), out

    # --- building ---

    def build(self, pattern: Pattern, env: Env) -> Factor:
        """Return what a pattern whose holes are known stands for, as a node at labels."""
        return self._build(pattern, env.holes, dict(env.labels))

    def _build(self, p: Pattern, holes: Mapping[str, Known], labels: dict[str, Labels]) -> Factor:
        match p:
            case Hole():
                return self._build_hole(p, holes[p.name], labels)
            case Plus():
                return self.total([(self._build(x, holes, labels), c) for x, c in p.parts])
            case Dirac():
                pairs = list(zip(*(labels[name] for name in p.labels), strict=True))
                return self.product([((Delta(self.extents[a]), (a, b)), 1) for a, b in pairs])
            case Applied():
                args = [self._build(x, holes, labels) for x in p.args]
                return self._build_axes(p, args[0], labels) if p.bound else self._build_map(p, args)
        items: list[Item] = [((Const(p.coefficient), ()), 1)]
        for base, exponent in p.parts:
            if isinstance(exponent, Pattern):
                exponent = constant_value(self._build(exponent, holes, labels)[0]) or 0
            items.append((self._build(base, holes, labels), exponent))
        return self.product(items, [k for name in p.summed for k in labels[name]])

    def _build_hole(self, hole: Hole, known: Known, labels: dict[str, Labels]) -> Factor:
        names: dict[int, int] = {}
        for name, own in zip(hole.labels, known.named, strict=True):
            if name not in labels:
                labels[name] = self.fresh(self.dims(own))
            names.update(zip(own, labels[name], strict=True))
        return known.node, tuple(names.get(k, k) for k in known.labels)

    def _build_map(self, call: Applied, args: Sequence[Factor]) -> Factor:
        union = tuple(dict.fromkeys(k for _, own in args for k in own))
        operands = [self.over(x, union) if x[1] else x[0] for x in args]
        return broadcast_scalar(apply(call.function, *operands), self.dims(union)), union

    def _build_axes(self, call: Applied, arg: Factor, labels: Mapping[str, Labels]) -> Factor:
        own = tuple(k for name in call.bound for k in labels[name])
        batch = tuple(k for k in dict.fromkeys(arg[1]) if k not in own)
        operand = self.over(arg, (*batch, *own))
        out = (*batch, *(k for name in call.out for k in labels[name]))
        if call.function in MATRIX_FUNCTIONS:
            return matrix_function(call.function, operand), out
        return reduce(call.function, operand, range(len(batch), operand.ndim)), out


class Matcher(Axes):
    """Ways to find a pattern in a node; each is an `Env`."""

    def __init__(self, dims: Iterable[Dim]) -> None:
        super().__init__(dims)
        self.tries = MAX_TRIES

    def match(self, p: Pattern, at: Factor, env: Env) -> Iterator[Env]:
        """Yield the ways in which a node is what a pattern says."""
        self.tries -= 1
        if self.tries < 0:
            return
        match p:
            case Hole() if env.is_free(p):
                if all(name in env.labels for name in p.labels):
                    yield env.fill(p, trimmed(at))
            case Hole():
                for chosen in self._placed(p, [at], env):
                    if self.same(self.build(p, chosen), at):
                        yield chosen
            case Applied():
                yield from self._call(p, shown(at), env)
            case Dirac():
                node, labels = trimmed(at)
                pairs = (labels, labels[::-1]) if isinstance(node, Delta) else ()
                ways = (env.assign(p.labels, [(k,) for k in pair]) for pair in pairs)
                yield from filter(None, ways)
            case Times(parts=()):
                if constant_value(at[0]) == p.coefficient:
                    yield env
            case Times() if all(isinstance(x, Hole) and x.name in env.holes for x, _ in p.parts):
                if self.same(self.build(p, env), at):
                    yield env
            case _:
                bag = self.bag(p, at)
                for found, used in bag.match(p.parts, {}, env):
                    yield from bag.fill(p, used, found)

    def bag(self, p: Times | Plus, at: Factor) -> Bag:
        """Open a product or a sum."""
        if isinstance(p, Plus):
            return Bag(self, self.terms(at), True, sums=True)
        node, labels = at
        found = opened(node)
        inner = self.fresh(found.extents[node.ndim :])
        names = (*labels, *inner)
        items = [((x.base, tuple(names[k] for k in x.labels)), x.exponent) for x in found.parts]
        if (number := _quotient(found.coefficient, p.coefficient)) != 1:
            items.append(((Const(number), ()), 1))
        return Bag(self, items, True, frozenset(inner), p.summed)

    def terms(self, at: Factor) -> list[Item]:
        """Open a sum, scaled or seen through a view; anything else is its one term."""
        node, labels = at
        scale, node = scale_of(node)
        node, labels = trimmed((node, labels if node.ndim else ()))
        if not is_sum(node):
            return [((node, labels), scale)]
        split = map(scale_of, node.operands)
        return [(trimmed((x, labels if x.ndim else ())), scale * c) for c, x in split]

    def same(self, a: Factor, b: Factor) -> bool:
        """Whether two nodes at labels are equal."""
        return a == b or (set(a[1]) == set(b[1]) and self._canonical(a) == self._canonical(b))

    def _canonical(self, at: Factor) -> Factor:
        """Return a node over its axes in one order, a scaled or transposed sum as a sum."""
        at = trimmed(at)
        terms = self.terms(at)
        order = tuple(sorted(set(at[1])))
        return self.over(self.total(terms) if len(terms) > 1 else at, order), order

    def _placed(self, hole: Hole, near: Sequence[Factor], env: Env) -> Iterator[Env]:
        """Yield the ways to give labels to a known hole, where something with them stands near."""
        known = env.holes[hole.name]
        places = [k for k, name in enumerate(hole.labels) if name not in env.labels]
        own = [known.named[k] for k in places]
        flat = [k for labels in own for k in labels]
        alike = [labels for node, labels in map(trimmed, near) if node is known.node]
        chosen: Iterable[Labels]
        if not flat:
            chosen = [()]
        elif alike:
            pairs = [dict(zip(known.labels, labels, strict=True)) for labels in alike]
            chosen = dict.fromkeys(tuple(p[k] for k in flat) for p in pairs if set(flat) <= set(p))
        else:
            axes = sorted({k for _, labels in near for k in labels})
            chosen = (c for c in permutations(axes, len(flat)) if self.dims(c) == self.dims(flat))
        for choice in chosen:
            self.tries -= 1
            if self.tries < 0:
                return
            rest = iter(choice)
            values = [tuple(next(rest) for _ in labels) for labels in own]
            if found := env.assign(tuple(hole.labels[k] for k in places), values):
                yield found

    def _call(self, p: Applied, at: Factor, env: Env) -> Iterator[Env]:
        node, labels = at
        if head_of(node) != p.function:
            return
        if isinstance(node, Map):
            args = [(x, labels if x.ndim else ()) for x in node.operands]
            yield from self._each(list(zip(p.args, args, strict=True)), env)
            return
        (arg,) = node.operands
        axes = node.axes if isinstance(node, Reduce) else (arg.ndim - 2, arg.ndim - 1)
        own = self.fresh(arg.dims[k] for k in axes)
        keeps = node.ndim == arg.ndim
        rest = iter([k for axis, k in enumerate(labels) if not keeps or axis not in axes])
        inner = tuple(own[axes.index(k)] if k in axes else next(rest) for k in range(arg.ndim))
        out = tuple(labels[k] for k in axes) if keeps else ()
        one = isinstance(node, Reduce)
        found = env.assign(p.bound, [own] if one else [(k,) for k in own], bound=True)
        if found and out:
            found = found.assign(p.out, [out] if one else [(k,) for k in out])
        if found:
            yield from self.match(p.args[0], (arg, inner), found)

    def _each(self, pairs: Sequence[tuple[Pattern, Factor]], env: Env) -> Iterator[Env]:
        if not pairs:
            yield env
            return
        for found in self.match(*pairs[0], env):
            yield from self._each(pairs[1:], found)


@dataclass(frozen=True)
class Bag:
    """The factors of a product or the terms of a sum, in which a pattern's are to be found.

    ``exact``: an exponent must be the pattern's. ``inner`` are the labels that the product sums,
    ``summed`` those that the pattern does.
    """

    matcher: Matcher
    items: list[Item]
    exact: bool
    inner: frozenset[int] = frozenset()
    summed: Names = ()
    sums: bool = False

    def match(
        self,
        wanted: Sequence[tuple[Pattern, Number | Pattern]],
        used: Mapping[int, Number],
        env: Env,
    ) -> Iterator[tuple[Env, Mapping[int, Number]]]:
        """Yield the ways to find all parts of a pattern but free holes: what is used of each."""
        if not wanted:
            yield env, used
            return
        (pattern, weight), *rest = wanted
        ways: Iterable[tuple[Env, Mapping[int, Number]]]
        if env.is_free(pattern):
            ways = [(env, used)]
        elif isinstance(pattern, Hole) and isinstance(weight, Number):
            ways = self._known(pattern, weight, used, env)
        else:
            ways = self._one(pattern, weight, used, env)
        for found, more in ways:
            yield from self.match(rest, more, found)

    def _one(
        self, pattern: Pattern, weight: Number | Pattern, used: Mapping[int, Number], env: Env
    ) -> Iterator[tuple[Env, Mapping[int, Number]]]:
        """Yield the items that are one part of the pattern."""
        head = head_of_pattern(pattern)
        for k, (x, whole) in enumerate(self.items):
            left = whole - used.get(k, 0)
            if head != head_of(x[0]) or not left:
                continue
            own: Env | None = env
            if isinstance(weight, Hole):
                taken, own = left, env.fill(weight, (Const(left), ()))
            elif isinstance(weight, Pattern) or not self._takes(left, weight):
                continue
            else:
                taken = weight
            if own and self.summed and self.summed[0] not in env.labels:
                labels = tuple(dict.fromkeys(k for k in x[1] if k in self.inner))
                own = own.assign(self.summed, [labels], bound=True) if labels else None
            if own:
                for found in self.matcher.match(pattern, x, own):
                    yield found, {**used, k: used.get(k, 0) + taken}

    def _takes(self, left: Number, wanted: Number) -> bool:
        return left == wanted if self.exact else _may_take(left, wanted)

    def _known(
        self, hole: Hole, weight: Number, used: Mapping[int, Number], env: Env
    ) -> Iterator[tuple[Env, Mapping[int, Number]]]:
        """Yield the items that are the parts of what a hole stands for."""
        matcher = self.matcher
        for chosen in matcher._placed(hole, [x for x, _ in self.items], env):
            at = matcher.build(hole, chosen)
            own = matcher.bag(Plus(()) if self.sums else Times(1), at)
            names: dict[int, int] = {}
            more = dict(used)
            for x, e in own.items:
                taken = e * weight
                for k, (y, whole) in enumerate(self.items):
                    left = whole - more.get(k, 0)
                    if self._takes(left, taken) and self._alike(x, y, own.inner, names):
                        more[k] = more.get(k, 0) + taken
                        break
                else:
                    break
            else:
                yield replace(chosen, bound=chosen.bound.union(names.values())), more

    def _alike(self, x: Factor, y: Factor, inner: frozenset[int], names: dict[int, int]) -> bool:
        """Whether two factors are equal, labels of x that are summed renamed: as ``names`` says."""
        if inner.isdisjoint(x[1]):
            return self.matcher.same(x, y)
        pairs = list(zip(x[1], y[1], strict=True)) if x[0] is y[0] else []
        new = {**{a: b for a, b in pairs if a in inner and b in self.inner}, **names}
        if not pairs or any(new.get(a, a) != b for a, b in pairs):
            return False
        names.update(new)
        return len(set(names.values())) == len(names)

    def rest(self, used: Mapping[int, Number]) -> list[Item]:
        """Return what is not used."""
        left = [(x, e - used.get(k, 0)) for k, (x, e) in enumerate(self.items)]
        return [(x, e) for x, e in left if e]

    def fill(self, p: Times | Plus, used: Mapping[int, Number], env: Env) -> Iterator[Env]:
        """Let the holes that stand for nothing yet take what remains; nothing may be left."""
        rest = self.rest(used)
        sums = self.inner - env.bound
        if any(sums.intersection(self.items[k][0][1]) for k in used):
            return
        free = [(x, e) for x, e in p.parts if isinstance(x, Hole) and env.is_free(x)]
        for n, (hole, weight) in enumerate(free, 1):
            own = [i for i in rest if n == len(free) or env.may_hold(hole, i[0][1])]
            rest = [i for i in rest if i not in own]
            assert isinstance(weight, Number)
            if self.sums:
                if not own:
                    return
                value = self.matcher.total([(x, _quotient(c, weight)) for x, c in own])
            else:
                if not all(_divides(weight, i) for i in own):
                    return
                labels = sums & {k for x, _ in own for k in x[1]}
                if any(labels.intersection(x[1]) for x, _ in rest):
                    return
                value = self.matcher.product([(x, e * weight) for x, e in own], sorted(labels))
            env = env.fill(hole, trimmed(value))
        if not rest:
            yield env


def _divides(weight: Number, item: Item) -> bool:
    """Whether an item may be part of x in ``x^weight``: of x^-1 what stands below the bar."""
    (node, _), exponent = item
    if isinstance(node, Const) and weight == -1:
        return node.value != 0 and isinstance(exact(_quotient(1, node.value)), int)
    return weight == 1 or (weight == -1 and _may_take(exponent, -1))


# --- a node rewritten ---------------------------------------------------------------------------


def rewritten(form: Form, node: Expr) -> Expr | None:
    """Return a node with the left side of a form in it written as the right side, None if it is
    not there."""
    matcher = Matcher(node.dims)
    at = node, identity_labels(node)
    start = Env({}, {})
    if isinstance(form.left, Times):
        return _in_product(form, form.left, at, matcher)
    if isinstance(form.left, Plus):
        return _in_sum(form, form.left, at, matcher)
    for env in matcher.match(form.left, at, start):
        if env.meets(form):
            return matcher.over(matcher.build(form.right, env), at[1])
    return None


def _in_sum(form: Form, left: Plus, at: Factor, matcher: Matcher) -> Expr | None:
    """Rewrite terms of a sum, all times one number."""
    terms = matcher.terms(at)
    for scale in dict.fromkeys(_quotient(c, left.parts[0][1]) for _, c in terms):
        bag = Bag(matcher, [(x, exact(_quotient(c, scale))) for x, c in terms], True, sums=True)
        for env, used in bag.match(left.parts, {}, Env({}, {})):
            if env.meets(form):
                items = [*bag.rest(used), (matcher.build(form.right, env), 1)]
                return matcher.over(matcher.total([(x, c * scale) for x, c in items]), at[1])
    return None


def _in_product(form: Form, left: Times, at: Factor, matcher: Matcher) -> Expr | None:
    """Rewrite factors of a product, also such as stand in several products inside it."""
    bag = replace(matcher.bag(left, at), exact=False, summed=())
    for env, used in bag.match(left.parts, {}, Env({}, {})):
        summed = {k for name in left.summed for k in env.labels[name]}
        env = replace(env, bound=env.bound | summed)
        rest = bag.rest(used)
        outside = {*at[1], *(k for x, _ in rest for k in x[1])}
        if summed <= bag.inner and env.bound.isdisjoint(outside) and env.meets(form):
            seen = sorted({k for n in used for k in bag.items[n][0][1]} - env.bound)
            ones = (full(1, matcher.dims(seen)), tuple(seen)), 1
            built = matcher.product([(matcher.build(form.right, env), 1), ones])
            return _beside(built, bag, used, at, env.bound)
    return None


def _beside(
    built: Factor, bag: Bag, used: Mapping[int, Number], at: Factor, bound: frozenset[int]
) -> Expr:
    """Multiply by the factors that remain; a product inside stays one where it can.

    What the rule has summed, ``bound``, is no axis of such a product any more.
    """
    target = opened(at[0])
    group = dict(enumerate(part.group for part in target.parts))
    touched = {group.get(k, -1) for k in used} - {-1}
    outside: list[Item] = [(x, 1) for g, x in enumerate(target.groups) if g not in touched]
    inside: list[Item] = [(built, 1)]
    for k, (x, e) in enumerate(bag.items):
        if (left := e - used.get(k, 0)) and (g := group.get(k, -1)) in {-1, *touched}:
            (outside if g < 0 else inside).append((x, left))
    if len(touched) == 1:
        (g,) = touched
        labels = tuple(k for k in target.groups[g][1] if k not in bound)
        own = {k for part in target.parts if part.group == g for k in part.labels}
        if own.union(labels).issuperset(built[1]):
            factors = [(power(x, e), ls) for (x, ls), e in inside]
            extents = {k: bag.matcher.extents[k] for k in labels}
            inside = [((einsum(factors, labels, extents), labels), 1)]
    factors = [(power(x, e), labels) for (x, labels), e in (*inside, *outside)]
    return einsum(factors, at[1], {k: bag.matcher.extents[k] for k in at[1]})
