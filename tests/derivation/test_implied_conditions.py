"""Conditions that need not be written: what is left out never changes a value."""

from __future__ import annotations

import random

import numpy as np
import pytest

import eingrad as eg
from eingrad.derivation.implied_conditions import decided, under
from eingrad.notation.syntax import Call, Compare, Formula, Number, Ordinal, SizeOf, Sum

pytestmark = pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
HOLDS = {"<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__,
         "==": int.__eq__, "!=": int.__ne__}  # fmt: skip


def a_side(draw: random.Random) -> Formula:
    by = Number(draw.randrange(4))
    start = draw.choice([Ordinal("t"), Ordinal("t"), SizeOf("t"), Number(0)])
    return draw.choice([start, Sum((start, by), (False, True)), Sum((start, by), (False, False))])


def a_condition(draw: random.Random) -> Compare:
    return Compare(draw.choice([*HOLDS]), a_side(draw), a_side(draw))


def value(side: Formula, t: int, size: int) -> int:
    match side:
        case Number(value=int() as found):
            return found
        case Ordinal():
            return t
        case SizeOf():
            return size
        case Sum(terms=terms, negative=negative):
            parts = [value(x, t, size) for x in terms]
            return sum(-x if minus else x for x, minus in zip(parts, negative, strict=True))
        case Call(args=(Compare() as condition, yes, no)):
            return value(yes if holds(condition, t, size) else no, t, size)
    raise AssertionError(side)


def holds(condition: Compare, t: int, size: int) -> bool:
    sides = (value(x, t, size) for x in (condition.left, condition.right))
    return HOLDS[condition.op](*sides)


def test_what_others_say_of_a_condition() -> None:
    draw, found = random.Random(16), {True: 0, False: 0, None: 0}
    for _ in range(3000):
        condition, others = a_condition(draw), [a_condition(draw) for _ in range(draw.randrange(3))]
        said = decided(condition, others)
        found[said] += 1
        if said is not None:
            places = [(t, n) for n in range(1, 9) for t in range(n)]
            inside = [at for at in places if all(holds(c, *at) for c in others)]
            assert {holds(condition, *at) for at in inside} <= {said}, (condition, others)
    assert min(found.values()) > 300, found


def test_cases_within_cases_keep_their_values() -> None:
    draw, shorter = random.Random(17), 0
    for _ in range(500):
        formula: Formula = a_side(draw)
        for _ in range(4):
            pair = [formula, a_side(draw)]
            draw.shuffle(pair)
            formula = Call("where", (a_condition(draw), *pair))
        less = under(formula, [])
        shorter += less != formula
        for size in range(1, 6):
            for t in range(size):
                assert value(formula, t, size) == value(less, t, size), formula
    assert shorter > 300


PRINTED = [
    ("L = sum_{i >= 1}((x[i-1] - x_i)^2)", "x",
     "dL/dx_i = 2 (where(i < size(i) - 1, x_i - x[i+1], 0) - where(i >= 1, x[i-1] - x_i, 0))"),
    ("L = sum_{i > 0}(log(x_i / x[i-1]))", "x",
     "dL/dx_i = where(i > 0, 1 / x_i, 0) - where(i < size(i) - 1, 1 / x_i, 0)"),
    ("L = sum_{i < size(i) - 1}(x_i / x[i+1])", "x",
     "dL/dx_i = where(i < size(i) - 1, 1 / x[i+1], 0) - x[i-1] / x_i^2"),
    ("h[t] = x_t / h[t-1]\nh[0] = g\nL = sum_t(h_t^2)", "x",
     "dL/dx_t = where(t != 0, dL/dh_t / h[t-1], 0)\n"
     "with dL/dh_t = 2 h_t - dL/dh[t+1] x[t+1] / h_t^2"),
    ("h[t] = x_t h[t-1]\nh[0] = g\nL = sum_t(h_t^2)", "g",
     "dL/dg = dL/dh[0]\nwith dL/dh_t = 2 h_t + dL/dh[t+1] x[t+1]"),
    ("L = sum_t(where(t == size(t) - 1, g x_t^2, 0))", "g", "dL/dg = x[-1]^2"),
    ("L = sum_i(where(i == 0, g, x_i)^2)", "g", "dL/dg = 2 g"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt", "printed"), PRINTED)
def test_prints_without_what_is_implied(text: str, wrt: str, printed: str) -> None:
    model = eg.parse(text)
    found = model.grad("L", wrt=[wrt])
    assert str(found) == printed
    given = {name: np.random.default_rng(1).uniform(1, 2, 5 if name == "x" else ())
             for name in ("x", "g") if f"{name}" in text.replace("log", "")}  # fmt: skip
    gradient = found.compile("numpy")(**given)[f"dL/d{wrt}"]
    of = model.grad("L", wrt=[wrt]).compile("numpy")
    for at in np.ndindex(np.shape(given[wrt])):
        step = np.zeros(np.shape(given[wrt]))
        step[at] = 1e-6
        above, below = (of(**{**given, wrt: given[wrt] + s * step})["L"] for s in (1, -1))
        assert np.isclose(np.asarray(gradient)[at], (above - below) / 2e-6, rtol=1e-6)
    for line in printed.split("\nwith "):
        assert model.check(line).outcome == "right", line
