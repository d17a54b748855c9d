"""Kinds of matrices, scalar, column, row and matrix, and which of them fit together.

A set of kinds is an integer, one bit a kind: what is still possible. A relation takes the sets of
a formula and of its parts, and returns what is left of them where some choice fits; a set that is
empty says that none does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

S, C, R, M = 1, 2, 4, 8
VECTOR, ANY = C | R, S | C | R | M
KINDS = (S, C, R, M)
WORDS = {S: "a scalar", C: "a column", R: "a row", M: "a matrix"}
TRANSPOSES = {S: S, C: R, R: C, M: M}

Sets = list[int]
Relation = Callable[[Sets], Sets]


def single(kinds: int) -> bool:
    """Whether one kind is left."""
    return kinds != 0 and kinds & (kinds - 1) == 0


def composed(left: int, right: int) -> int:
    """Return the kind of a matrix product, 0 where there is none.

    >>> composed(R, C) == S, composed(C, R) == M, composed(C, C)
    (True, True, 0)
    """
    if left == S or right == S:
        return left * right
    inner = left in (R, M), right in (C, M)
    if inner[0] != inner[1]:
        return 0
    tall, wide = left in (C, M), right in (R, M)
    return M if tall and wide else C if tall else R if wide else S


# --- relations: the first set is the formula's own ------------------------------------------------


def equal(sets: Sets) -> Sets:
    """All are of one kind."""
    common = reduce(int.__and__, sets)
    return [common] * len(sets)


def transposed(sets: Sets) -> Sets:
    """A column for a row."""
    pairs = [(TRANSPOSES[k], k) for k in KINDS]
    return _pairs(sets, pairs)


def mapping(pairs: Sequence[tuple[int, int]]) -> Relation:
    """Return the relation of a function of one argument with these kinds of (result, argument)."""
    return lambda sets: _pairs(sets, pairs)


def _pairs(sets: Sets, pairs: Sequence[tuple[int, int]]) -> Sets:
    own = part = 0
    for a, b in pairs:
        if sets[0] & a and sets[1] & b:
            own, part = own | a, part | b
    return [own, part]


def entrywise(sets: Sets) -> Sets:
    """All have the result's kind, but scalars, which are for every entry."""
    return _broadcast(sets, {k: k | S for k in KINDS})


def added(sets: Sets) -> Sets:
    """As `entrywise`; a vector is added to every row or column of a matrix, too."""
    return _broadcast(sets, {S: S, C: C | S, R: R | S, M: ANY})


def _broadcast(sets: Sets, allowed: dict[int, int]) -> Sets:
    found = [0] * len(sets)
    for kind in KINDS:
        parts = [x & allowed[kind] for x in sets[1:]]
        able = [k for k, x in enumerate(parts) if x & kind]
        if not sets[0] & kind or not all(parts) or not able:
            continue
        if len(able) == 1:
            parts[able[0]] = kind
        found = [a | b for a, b in zip(found, (kind, *parts), strict=True)]
    return found


def outer(sets: Sets) -> Sets:
    """Vectors whose outer product is a matrix, or Kronecker's product with a matrix."""
    return _of_two(sets, lambda left, right: 0 if (left | right) & S else M)


def kronecker(sets: Sets) -> Sets:
    """As `outer`; what two columns make is a column, too, of all products of their entries."""

    def allowed(left: int, right: int) -> int:
        if (left | right) & S:
            return 0
        return M | left if left == right else M

    return _of_two(sets, allowed)


def _of_two(sets: Sets, allowed: Callable[[int, int], int]) -> Sets:
    """Return what is left where two parts of these kinds may make something of those."""
    found = [0] * 3
    for left in KINDS:
        for right in KINDS:
            own = sets[0] & allowed(left, right)
            if own and sets[1] & left and sets[2] & right:
                found = [found[0] | own, found[1] | left, found[2] | right]
    return found


State = tuple[int, int]  # the kind of what stands to the left, and of what is being multiplied


def product(divides: Sequence[bool]) -> Relation:
    """Return the relation of a matrix product; ``divides`` says which factors are divisors.

    Parts of the product that are scalars may stand anywhere: ``A x^T y`` is ``A (x^T y)``. A
    divisor is a scalar, or divides entry by entry.
    """

    def relation(sets: Sets) -> Sets:
        own, *factors = sets
        before: list[set[State]] = [{(0, S)}]
        for kinds, divisor in zip(factors, divides, strict=True):
            before.append({new for old in before[-1] for kind in KINDS if kinds & kind
                           for new in steps(old, kind, divisor)})  # fmt: skip
        after = {x for x in before[-1] if own & result_of(x)}
        result = reduce(int.__or__, map(result_of, after), 0)
        parts: Sets = []
        for k in range(len(factors) - 1, -1, -1):
            used, left = 0, set[State]()
            for old in before[k]:
                for kind in KINDS:
                    fits = factors[k] & kind and not after.isdisjoint(steps(old, kind, divides[k]))
                    if fits:
                        used |= kind
                        left.add(old)
            parts.append(used)
            after = left
        return [result & own, *reversed(parts)]

    return relation


def steps(state: State, kind: int, divisor: bool) -> list[State]:
    """Return how a product can go on with a factor of this kind."""
    left, here = state
    if divisor:
        fits = kind in (S, here) or (here == S and not left)
        return [(left, kind if here == S else here)] if fits else []
    found = []
    if joined := composed(here, kind):
        found.append((left, joined))
    elif not left:
        found.append((here, kind))
    return found


def result_of(state: State) -> int:
    """Return the kind of a product that ends here, 0 where it cannot."""
    left, here = state
    return (left or S) if here == S else 0 if left else here
