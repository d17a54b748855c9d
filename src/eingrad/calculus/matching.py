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
from functools import lru_cache
from itertools import permutations
from typing import NamedTuple

from eingrad.calculus.pattern import Call, Form, Hole, Identity, Names, Pattern, Product, Sum
from eingrad.calculus.structure import is_sum
from eingrad.core.algebra import (
    Factor,
    add,
    apply,
    base_and_exponent,
    broadcast_scalar,
    constant_value,
    einsum,
    full,
    identity_labels,
    is_light,
    power,
    reduce,
    scale_of,
)
from eingrad.core.arrays import MATRIX_FUNCTIONS as MATRICES
from eingrad.core.arrays import Matrix
from eingrad.core.expr import Const, Delta, Dim, Einsum, Expr, Labels, Map, Number, Reduce
from eingrad.core.functions import COMPARISONS

MAX_TRIES = 2000  # of parts of a pattern with parts of a node


# --- nodes, opened ------------------------------------------------------------------------------


class Part(NamedTuple):
    """A factor of an opened product; ``group`` says which product inside it stands in, -1: none."""

    base: Expr
    labels: Labels
    exponent: Number
    group: int


class Opened(NamedTuple):
    """The factors of a node, and the products inside it that they were taken from."""

    coefficient: Number
    parts: tuple[Part, ...]
    groups: tuple[Factor, ...]
    extents: tuple[Dim, ...]


@lru_cache(maxsize=4096)
def opened(node: Expr) -> Opened:
    """Open a product; the axes of ``node`` are the labels 0, 1, ..."""
    coefficient: Number = 1
    extents = list(node.dims)
    groups: list[Factor] = []
    powers: dict[tuple[Expr, Labels, int], Number] = {}
    stack: list[tuple[Expr, Labels, int, bool]] = [(node, identity_labels(node), -1, True)]
    while stack:
        operand, labels, group, outside = stack.pop()
        if isinstance(operand, Const):
            coefficient = coefficient * operand.value
        elif isinstance(operand, Einsum):
            if not outside and group < 0:
                group = len(groups)
                groups.append((operand, labels))
            names = dict(zip(operand.output, labels, strict=True))
            for label, dim in enumerate(operand.extents):
                if label not in names:
                    names[label] = len(extents)
                    extents.append(dim)
            light = outside and is_light(operand)
            pairs = list(zip(operand.operands, operand.inputs, strict=True))
            stack += [
                (x, tuple(names[k] for k in ls), group, light and x.ndim > 0) for x, ls in pairs
            ][::-1]
        else:
            base, exponent = base_and_exponent(operand)
            key = (base, labels, group)
            powers[key] = powers.get(key, 0) + exponent
    parts = tuple(Part(x, ls, e, group) for (x, ls, group), e in powers.items())
    return Opened(coefficient, parts, tuple(groups), tuple(extents))


def head_of(node: Expr) -> str:
    """Say what a node is: ``*`` a product, ``+`` a sum, or the name of a function.

    >>> from eingrad.core.expr import Var
    >>> head_of(apply("exp", Var("x", ())))
    'exp'
    """
    if isinstance(node, Map | Reduce | Matrix):
        if base_and_exponent(node)[1] != 1:
            return "*"
        return "+" if is_sum(node) else node.function
    return "*" if isinstance(node, Einsum) else type(node).__name__


def heads_inside(node: Expr) -> frozenset[str]:
    """Return the heads of a product's factors or of a sum's terms."""
    if is_sum(node):
        return frozenset(head_of(shown((scale_of(x)[1], ()))[0]) for x in node.operands)
    if head_of(node) == "*":
        return frozenset(head_of(part.base) for part in opened(node).parts)
    return frozenset()


def shown(at: Factor) -> Factor:
    """Look through a plain view: return the tensor that it shows, at the same labels."""
    node, labels = at
    while isinstance(node, Einsum) and len(node.operands) == 1 and not node.summed:
        (inner,) = node.inputs
        node, labels = node.operands[0], tuple(labels[k] for k in inner) if labels else ()
    return node, labels


def trimmed(at: Factor) -> Factor:
    """Leave out axes that a node only repeats along, and plain views."""
    node, labels = at
    if isinstance(node, Einsum) and is_light(node):
        present = {k for ls in node.inputs for k in ls}
        if len(present) < node.ndim:
            pairs = list(zip(node.operands, node.inputs, strict=True))
            kept = tuple(k for k in node.output if k in present)
            labels = tuple(labels[node.output.index(k)] for k in kept)
            node = einsum(pairs, kept)
    return shown((node, labels))


def _quotient(a: Number, b: Number) -> Number:
    return Fraction(a) / b if isinstance(a, int) and isinstance(b, int | Fraction) else a / b


# --- what is known during a match ---------------------------------------------------------------


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

    def is_free(self, hole: Pattern) -> bool:
        """Whether a pattern is a hole that stands for nothing yet."""
        return isinstance(hole, Hole) and hole.name not in self.holes

    def is_sound(self) -> bool:
        """Whether no hole has a bound label that it does not name."""
        return all(
            self.bound.isdisjoint(set(x.labels) - {k for own in x.named for k in own})
            for x in self.holes.values()
        )


CHECKS = {
    "< 0": lambda x: isinstance(x, Const) and not isinstance(x.value, complex) and x.value < 0,
    "even": lambda x: isinstance(x, Const) and isinstance(x.value, int) and x.value % 2 == 0,
    "condition": lambda x: isinstance(x, Map) and x.function in COMPARISONS,
}
"""The conditions that a text can put on a hole."""


class Scope(NamedTuple):
    """Where factors are matched: whether nothing may remain, the target's summed axes, the labels
    of the text that the pattern sums."""

    exact: bool
    inner: frozenset[int]
    summed: Names = ()


class Axes:
    """The axes that a match or a construction speaks of, each with its extent."""

    def __init__(self, dims: Iterable[Dim] = ()) -> None:
        self.extents: dict[int, Dim] = dict(enumerate(dims))

    def fresh(self, dims: Iterable[Dim]) -> Labels:
        """Return new labels."""
        first = len(self.extents)
        self.extents.update(enumerate(dims, first))
        return tuple(range(first, len(self.extents)))

    # --- building ---

    def build(self, pattern: Pattern, env: Env) -> Factor:
        """Return what a pattern whose holes are known stands for, as a node at labels."""
        return self._build(pattern, env.holes, dict(env.labels))

    def _build(self, p: Pattern, holes: Mapping[str, Known], labels: dict[str, Labels]) -> Factor:
        match p:
            case Hole():
                return self._build_hole(p, holes[p.name], labels)
            case Sum():
                return self.total([(c, self._build(x, holes, labels)) for c, x in p.terms])
            case Identity():
                pairs = list(zip(*(labels[name] for name in p.labels), strict=True))
                out = tuple(dict.fromkeys(k for pair in pairs for k in pair))
                return einsum([(Delta(self.extents[a]), (a, b)) for a, b in pairs], out), out
            case Call():
                args = [self._build(x, holes, labels) for x in p.args]
                return self._build_axes(p, args[0], labels) if p.bound else self._build_map(p, args)
        factors: list[Factor] = [(Const(p.coefficient), ())]
        for base, exponent in p.factors:
            node, own = self._build(base, holes, labels)
            if isinstance(exponent, Pattern):
                exponent = constant_value(self._build(exponent, holes, labels)[0]) or 0
            factors.append((power(node, exponent), own))
        summed = tuple(k for name in p.summed for k in labels[name])
        return self.product(factors, summed)

    def _build_hole(self, hole: Hole, known: Known, labels: dict[str, Labels]) -> Factor:
        names: dict[int, int] = {}
        for name, own in zip(hole.labels, known.named, strict=True):
            if name not in labels:
                labels[name] = self.fresh(self.extents[k] for k in own)
            names.update(zip(own, labels[name], strict=True))
        return known.node, tuple(names.get(k, k) for k in known.labels)

    def _build_map(self, call: Call, args: Sequence[Factor]) -> Factor:
        union = tuple(dict.fromkeys(k for _, own in args for k in own))
        operands = [self.over(x, union) if x[1] else x[0] for x in args]
        return broadcast_scalar(apply(call.function, *operands), self.dims(union)), union

    def _build_axes(self, call: Call, arg: Factor, labels: Mapping[str, Labels]) -> Factor:
        own = tuple(k for name in call.bound for k in labels[name])
        batch = tuple(k for k in dict.fromkeys(arg[1]) if k not in own)
        operand = self.over(arg, (*batch, *own))
        out = (*batch, *(k for name in call.out for k in labels[name]))
        if call.function in MATRICES:
            return Matrix(call.function, operand), out
        return reduce(call.function, operand, range(len(batch), operand.ndim)), out

    def dims(self, labels: Labels) -> list[Dim]:
        """Return the extents of labels."""
        return [self.extents[k] for k in labels]

    def over(self, at: Factor, labels: Labels) -> Expr:
        """Return a node over other axes: transposed, and repeated along new ones."""
        if at[1] == labels:
            return at[0]
        return einsum([at], labels, {k: self.extents[k] for k in labels})

    def product(self, factors: Sequence[Factor], summed: Labels) -> Factor:
        """Multiply, and sum over axes."""
        out = tuple(dict.fromkeys(k for _, own in factors for k in own if k not in summed))
        return einsum([*factors, (full(1, self.dims(summed)), summed)], out), out

    def total(self, terms: Sequence[tuple[Number, Factor]]) -> Factor:
        """Add terms, each times a number."""
        out = tuple(dict.fromkeys(k for _, (_, own) in terms for k in own))
        scaled = [
            einsum([(Const(c), ()), x], out if x[1] else (), {k: self.extents[k] for k in out})
            for c, x in terms
        ]
        return broadcast_scalar(add(*scaled), self.dims(out)), out

    def canonical(self, at: Factor) -> Factor:
        """Return a node over its axes in one order, a scaled or transposed sum as a sum."""
        at = trimmed(at)
        order = tuple(sorted(set(at[1])))
        terms = self.terms(at)
        if len(terms) > 1:
            node, out = self.total(terms)
            return self.over((node, out), order), order
        return self.over(at, order), order

    def same(self, a: Factor, b: Factor) -> bool:
        """Whether two nodes at labels are equal."""
        return a == b or (set(a[1]) == set(b[1]) and self.canonical(a) == self.canonical(b))

    def terms(self, at: Factor) -> list[tuple[Number, Factor]]:
        """Open a sum, scaled or seen through a view; anything else is its one term."""
        node, labels = at
        scale, node = scale_of(node)
        node, labels = trimmed((node, labels if node.ndim else ()))
        if not is_sum(node):
            return [(scale, (node, labels))]
        split = map(scale_of, node.operands)
        return [(scale * c, trimmed((x, labels if x.ndim else ()))) for c, x in split]


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
            case Call():
                yield from self._call(p, shown(at), env)
            case Identity():
                node, labels = trimmed(at)
                if isinstance(node, Delta):
                    for pair in (labels, labels[::-1]):
                        if found := env.assign(p.labels, [(k,) for k in pair]):
                            yield found
            case Sum():
                terms = self.terms(at)
                for found, used, scale in self._match_terms(p.terms, terms, {}, env, 1):
                    yield from self._rest_of_sum(p, terms, used, scale, found)
            case _:
                yield from self._whole_product(p, at, env)

    def _placed(self, hole: Hole, near: Sequence[Factor], env: Env) -> Iterator[Env]:
        """Yield the ways to give labels to a known hole, where something with them stands near."""
        known = env.holes[hole.name]
        open_names = [k for k, name in enumerate(hole.labels) if name not in env.labels]
        if not open_names:
            yield env
            return
        names = tuple(hole.labels[k] for k in open_names)
        own = [known.named[k] for k in open_names]
        flat = [k for labels in own for k in labels]
        alike = [labels for node, labels in map(trimmed, near) if node is known.node]
        if alike:
            pairs = [dict(zip(known.labels, labels, strict=True)) for labels in alike]
            chosen = [tuple(p[k] for k in flat) for p in pairs if set(flat) <= set(p)]
        else:
            axes = sorted({k for _, labels in near for k in labels})
            chosen = [c for c in permutations(axes, len(flat)) if self.dims(c) == self.dims(flat)]
        for choice in dict.fromkeys(chosen):
            rest = iter(choice)
            found = env.assign(names, [tuple(next(rest) for _ in labels) for labels in own])
            if found:
                yield found

    def _call(self, p: Call, at: Factor, env: Env) -> Iterator[Env]:
        node, labels = at
        if head_of(node) != p.function:
            return
        if isinstance(node, Map):
            args = [(x, labels if x.ndim else ()) for x in node.operands]
            yield from self._each(list(zip(p.args, args, strict=True)), env)
            return
        assert isinstance(node, Reduce | Matrix)
        (arg,) = node.operands
        axes = node.axes if isinstance(node, Reduce) else (arg.ndim - 2, arg.ndim - 1)
        own = self.fresh(arg.dims[k] for k in axes)
        keeps = node.ndim == arg.ndim
        rest = iter([k for axis, k in enumerate(labels) if not keeps or axis not in axes])
        inner = tuple(own[axes.index(k)] if k in axes else next(rest) for k in range(arg.ndim))
        out = [labels[k] for k in axes] if keeps else []
        one = isinstance(node, Reduce)
        found = env.assign(p.bound, [own] if one else [(k,) for k in own], bound=True)
        if found and keeps:
            found = found.assign(p.out, [tuple(out)] if one else [(k,) for k in out])
        if found:
            yield from self.match(p.args[0], (arg, inner), found)

    def _each(self, pairs: Sequence[tuple[Pattern, Factor]], env: Env) -> Iterator[Env]:
        if not pairs:
            yield env
            return
        for found in self.match(*pairs[0], env):
            yield from self._each(pairs[1:], found)

    # --- sums ---

    def _match_terms(
        self,
        wanted: Sequence[tuple[Number, Pattern]],
        terms: Sequence[tuple[Number, Factor]],
        used: Mapping[int, None],
        env: Env,
        scale: Number | None,
    ) -> Iterator[tuple[Env, Mapping[int, None], Number]]:
        """Yield the ways to find a pattern's terms, but holes, among terms; ``scale`` times each."""
        if not wanted:
            yield env, used, 1 if scale is None else scale
            return
        (c, pattern), *rest = wanted
        if env.is_free(pattern):
            yield from self._match_terms(rest, terms, used, env, scale)
            return
        if isinstance(pattern, Hole):
            for chosen in self._placed(pattern, [x for _, x in terms], env):
                parts = [(c * d, x) for d, x in self.terms(self.build(pattern, chosen))]
                for more, own in self._subset(parts, terms, used, scale):
                    yield from self._match_terms(rest, terms, more, chosen, own)
            return
        for k, (d, x) in enumerate(terms):
            if k in used or (scale is not None and d != c * scale):
                continue
            for found in self.match(pattern, x, env):
                own = _quotient(d, c) if scale is None else scale
                yield from self._match_terms(rest, terms, {**used, k: None}, found, own)

    def _subset(
        self,
        parts: Sequence[tuple[Number, Factor]],
        terms: Sequence[tuple[Number, Factor]],
        used: Mapping[int, None],
        scale: Number | None,
    ) -> Iterator[tuple[Mapping[int, None], Number]]:
        """Yield the terms that are these parts, if all are there."""
        own = dict(used)
        for c, x in parts:
            for k, (d, y) in enumerate(terms):
                if k not in own and (scale is None or d == c * scale) and self.same(x, y):
                    scale = _quotient(d, c) if scale is None else scale
                    own[k] = None
                    break
            else:
                return
        if scale is not None:
            yield own, scale

    def _rest_of_sum(
        self,
        p: Sum,
        terms: Sequence[tuple[Number, Factor]],
        used: Mapping[int, None],
        scale: Number,
        env: Env,
    ) -> Iterator[Env]:
        """Let the holes that stand for nothing yet take what remains."""
        rest = [(d, x) for k, (d, x) in enumerate(terms) if k not in used]
        free = [(c, x) for c, x in p.terms if isinstance(x, Hole) and env.is_free(x)]
        for n, (c, hole) in enumerate(free, 1):
            own = [t for t in rest if n == len(free) or env.may_hold(hole, t[1][1])]
            if not own:
                return
            rest = [t for t in rest if t not in own]
            env = env.fill(
                hole, trimmed(self.total([(_quotient(d, c * scale), x) for d, x in own]))
            )
        if not rest:
            yield env

    # --- products ---

    def open(self, at: Factor) -> tuple[Opened, frozenset[int]]:
        """Open a product at labels; return it and the labels that it sums."""
        node, labels = at
        found = opened(node)
        inner = self.fresh(found.extents[node.ndim :])
        names = (*labels, *inner)
        parts = tuple(p._replace(labels=tuple(names[k] for k in p.labels)) for p in found.parts)
        groups = tuple((x, tuple(names[k] for k in ls)) for x, ls in found.groups)
        return found._replace(parts=parts, groups=groups), frozenset(inner)

    def match_factors(
        self,
        wanted: Sequence[tuple[Pattern, Number | Pattern]],
        parts: Sequence[Part],
        used: Mapping[int, Number],
        env: Env,
        scope: Scope,
    ) -> Iterator[tuple[Env, Mapping[int, Number]]]:
        """Yield the ways to find a pattern's factors, but holes, among parts: what is used of
        each part's exponent."""
        if not wanted:
            yield env, used
            return
        (pattern, exponent), *rest = wanted
        if env.is_free(pattern):
            yield from self.match_factors(rest, parts, used, env, scope)
            return
        for k, part in enumerate(parts):
            left = part.exponent - used.get(k, 0)
            own: Env | None = env
            if isinstance(exponent, Hole):
                taken, own = left, env.fill(exponent, (Const(left), ()))
            elif isinstance(exponent, Pattern) or not _may_take(left, exponent, scope.exact):
                continue
            else:
                taken = exponent
            if scope.summed and scope.summed[0] not in env.labels:
                labels = tuple(dict.fromkeys(x for x in part.labels if x in scope.inner))
                own = own.assign(scope.summed, [labels], bound=True) if labels else None
            if own is None or not left:
                continue
            for found in self.match(pattern, (part.base, part.labels), own):
                more = {**used, k: used.get(k, 0) + taken}
                yield from self.match_factors(rest, parts, more, found, scope)

    def _whole_product(self, p: Product, at: Factor, env: Env) -> Iterator[Env]:
        if not p.factors:
            if constant_value(at[0]) == p.coefficient:
                yield env
            return
        if all(isinstance(x, Hole) and x.name in env.holes for x, _ in p.factors):
            if self.same(self.build(p, env), at):
                yield env
            return
        target, inner = self.open(at)
        scope = Scope(True, inner, p.summed)
        for found, used in self.match_factors(p.factors, target.parts, {}, env, scope):
            yield from self._rest_of_product(p, target, used, found, inner)

    def _rest_of_product(
        self,
        p: Product,
        target: Opened,
        used: Mapping[int, Number],
        env: Env,
        inner: frozenset[int],
    ) -> Iterator[Env]:
        """Let the holes that stand for nothing yet take what remains."""
        named = {k for name in p.summed for k in env.labels.get(name, ())}
        rest = [x for k, x in enumerate(target.parts) if k not in used]
        own_sums = inner - named
        if any(own_sums & set(target.parts[k].labels) for k in used):
            return
        scale = _quotient(target.coefficient, p.coefficient)
        free = [(x, e) for x, e in p.factors if isinstance(x, Hole) and env.is_free(x)]
        for n, (hole, e) in enumerate(free, 1):
            own = [x for x in rest if n == len(free) or env.may_hold(hole, x.labels)]
            if e == -1 and (scale != 1 or not all(_may_take(x.exponent, -1, False) for x in own)):
                return
            if e not in (1, -1):
                return
            factors = [(power(x.base, x.exponent * e), x.labels) for x in own]
            summed = tuple(k for k in own_sums if any(k in x.labels for x in own))
            env = env.fill(hole, trimmed(self.product([(Const(scale), ()), *factors], summed)))
            rest, scale = [x for x in rest if x not in own], 1
            if any(k in x.labels for k in summed for x in rest):
                return
        if not rest and scale == 1:
            yield env


def _may_take(left: Number, wanted: Number, exact: bool) -> bool:
    """Whether ``x^left`` is ``x^wanted`` or, unless ``exact``, that times a further power."""
    if exact or not isinstance(left, int) or not isinstance(wanted, int):
        return left == wanted
    return left * wanted > 0 and abs(left) >= abs(wanted)


# --- a node rewritten ---------------------------------------------------------------------------


def rewritten(form: Form, node: Expr) -> Expr | None:
    """Return a node with the left side of a form in it written as the right side, None if it is
    not there."""
    matcher = Matcher(node.dims)
    at = node, identity_labels(node)
    start = Env({}, {})
    if isinstance(form.left, Product):
        return _rewritten_product(form, at, matcher, start)
    if isinstance(form.left, Sum):
        terms = matcher.terms(at)
        for env, used, scale in matcher._match_terms(form.left.terms, terms, {}, start, None):
            if _holds(form, env):
                rest = [t for k, t in enumerate(terms) if k not in used]
                built = matcher.build(form.right, env)
                return matcher.over(matcher.total([*rest, (scale, built)]), at[1])
        return None
    for env in matcher.match(form.left, at, start):
        if _holds(form, env):
            return matcher.over(matcher.build(form.right, env), at[1])
    return None


def _holds(form: Form, env: Env) -> bool:
    name, condition = form.condition or ("", "")
    return env.is_sound() and (not name or CHECKS[condition](env.holes[name].node))


def _rewritten_product(form: Form, at: Factor, matcher: Matcher, start: Env) -> Expr | None:
    assert isinstance(form.left, Product)
    target, inner = matcher.open(at)
    scope = Scope(False, inner)
    for env, used in matcher.match_factors(form.left.factors, target.parts, {}, start, scope):
        summed = {k for name in form.left.summed for k in env.labels[name]}
        rest = [
            p._replace(exponent=p.exponent - used.get(k, 0)) for k, p in enumerate(target.parts)
        ]
        outside = {k for p in rest if p.exponent for k in p.labels} | set(at[1])
        env = replace(env, bound=env.bound | summed)
        if summed <= inner and not summed & outside and _holds(form, env):
            labels = {k for n in used for k in target.parts[n].labels} - summed
            ones = full(1, matcher.dims(tuple(sorted(labels)))), tuple(sorted(labels))
            built = matcher.product([matcher.build(form.right, env), ones], ())
            return _with_rest(built, rest, used, target, at, matcher)
    return None


def _with_rest(
    built: Factor,
    rest: Sequence[Part],
    used: Mapping[int, Number],
    target: Opened,
    at: Factor,
    matcher: Matcher,
) -> Expr:
    """Multiply by the factors that remain; a product inside stays one where it can."""
    touched = {target.parts[k].group for k in used} - {-1}
    outside: list[Factor] = [(Const(target.coefficient), ())]
    inside: dict[int, list[Factor]] = {g: [] for g in touched}
    for part in rest:
        if part.exponent and (part.group < 0 or part.group in touched):
            factor = power(part.base, part.exponent), part.labels
            inside.get(part.group, outside).append(factor)
    outside += [x for g, x in enumerate(target.groups) if g not in touched]
    if len(touched) == 1:
        (g,) = touched
        node, labels = target.groups[g]
        own = {k for p in target.parts if p.group == g for k in p.labels} | set(labels)
        if set(built[1]) <= own:
            inner = einsum([built, *inside[g]], labels, dict(zip(labels, node.dims, strict=True)))
            built, inside = (inner, labels), {}
    factors = [built, *outside, *(x for own in inside.values() for x in own)]
    return einsum(factors, at[1], {k: matcher.extents[k] for k in at[1]})
