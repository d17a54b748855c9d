"""A table of equations: value and gradients against the loop over every index, and NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import opt_einsum as oe
import pytest

from eingrad.api.einsum.einsum import einsum
from eingrad.api.einsum.subscripts import fit, parse_equation
from eingrad.calculus.differentiate import pull_back
from eingrad.core.expr import Expr, Var
from eingrad.engine import compile_program
from eingrad.engine.contract import pairwise
from einsum.index_loop import einsum_loop, gradient_loop

Array = np.ndarray[Any, Any]
Shapes = list[tuple[int, ...]]

# fmt: off
TABLE: list[tuple[str, Shapes]] = [
    ("ij,jk->ik",               [(2, 3), (3, 4)]),
    ("ij,jk",                   [(2, 3), (3, 4)]),
    ("ba",                      [(2, 3)]),                     # implicit: alphabetical
    ("aB",                      [(2, 3)]),                     # upper case first
    ("ζα",                      [(2, 3)]),
    ("",                        [()]),
    (",->",                     [(), ()]),
    (",i->i",                   [(), (3,)]),
    ("i->",                     [(3,)]),
    ("ii->",                    [(3, 3)]),
    ("ii->i",                   [(3, 3)]),
    ("iii->i",                  [(3, 3, 3)]),
    ("iij,jk->k",               [(2, 2, 3), (3, 2)]),
    ("iji,jj->ij",              [(2, 3, 2), (3, 3)]),
    ("i->ii",                   [(3,)]),
    ("i->iii",                  [(2,)]),
    ("ij->jij",                 [(2, 3)]),
    ("ij,k->kik",               [(2, 3), (2,)]),
    ("ii->ii",                  [(3, 3)]),
    ("ij,k->ik",                [(2, 3), (4,)]),               # j and nobody else
    ("ab,cd->ab",               [(2, 3), (2, 2)]),             # document 004, (6)
    ("bij,jk->ik",              [(2, 3, 2), (2, 3)]),          # document 004, (8)
    ("i,j->ij",                 [(2,), (3,)]),
    ("i,j->",                   [(2,), (3,)]),
    ("i,j,k->kji",              [(2,), (3,), (2,)]),
    ("i,i,i,i,i->",             [(3,)] * 5),
    ("...",                     [(2, 3)]),
    ("...->",                   [(2, 3)]),                     # missing from the output: summed
    ("...i->i",                 [(2, 3)]),
    ("...ij,...jk->...ik",      [(2, 1, 2, 3), (4, 3, 2)]),
    ("i...,...i->...",          [(3, 2), (2, 2, 3)]),
    ("...,...->...",            [(3, 1), (2,)]),
    ("i...->...i",              [(3,)]),
    ("i->i...",                 [(3,)]),
    ("ij,jk->ik",               [(2, 1), (5, 3)]),             # size 1 broadcasts
    ("ij,jk->ik",               [(2, 5), (1, 3)]),
    ("ij,ij,ij->ij",            [(2, 1), (1, 3), (2, 3)]),
    ("ii,i->i",                 [(1, 1), (3,)]),
    ("ij,ij->",                 [(1, 1), (2, 3)]),
    ("i->ii",                   [(1,)]),
    ("ij->",                    [(0, 3)]),
    ("ij->j",                   [(0, 3)]),
    ("ij,jk->ik",               [(2, 0), (0, 3)]),
    ("ij,jk->ik",               [(2, 0), (1, 3)]),
    ("i,j->ij",                 [(0,), (3,)]),
    ("ii->",                    [(0, 0)]),
    ("i->ii",                   [(0,)]),
    ("ijk,ilm,njm,nlk->",       [(2, 3, 2), (2, 2, 3), (2, 3, 3), (2, 2, 2)]),
    ("ab,bc,cd,de,ea->",        [(2, 3), (3, 2), (2, 3), (3, 2), (2, 2)]),
    ("a,ab,abc,abcd->d",        [(2,), (2, 2), (2, 2, 2), (2, 2, 2, 2)]),
]
# fmt: on


def terms_of(text: str) -> tuple[list[tuple[str, ...]], tuple[str, ...] | None]:
    """Split an equation of this table for the oracle; it has no spaces."""

    def term(part: str) -> tuple[str, ...]:
        return tuple("..." if c == "." else c for c in part.replace("...", "."))

    inputs, arrow, output = text.partition("->")
    return [term(part) for part in inputs.split(",")], term(output) if arrow else None


def operands(shapes: Shapes) -> list[Array]:
    rng = np.random.default_rng(1)
    return [np.asarray(rng.normal(size=shape)) for shape in shapes]


def gradients_of(root: Expr, variables: list[Var], bar: Array, arrays: list[Array]) -> list[Array]:
    found = pull_back(root, variables, Var("bar", root.dims), 0)
    function = compile_program({f"d{k}": x for k, x in enumerate(found)})
    values = {f"x{k}": x for k, x in enumerate(arrays)} | {"bar": bar}
    result = function(**{v.name: values[v.name] for v in function.inputs})
    return [result[f"d{k}"] for k in range(len(arrays))]


def close(a: Any, b: Any) -> None:
    assert np.shape(a) == np.shape(b)
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("text", "shapes"), TABLE)
def test_value_and_gradients(text: str, shapes: Shapes) -> None:
    arrays = operands(shapes)
    terms, output = terms_of(text)
    value = einsum(text, *arrays)
    close(value, einsum_loop(terms, output, arrays))
    variables = [Var(f"x{k}", shape) for k, shape in enumerate(shapes)]
    root = fit(parse_equation(text), shapes).of(variables)
    bar = np.asarray(np.random.default_rng(2).normal(size=value.shape))
    expected = gradient_loop(terms, output, arrays, bar)
    for expr in (root, pairwise([root])[0]):
        for a, b in zip(gradients_of(expr, variables, bar, arrays), expected, strict=True):
            close(a, b)


@pytest.mark.parametrize(
    "text", ["i j, j k -> i k", " ij ,jk->ik ", "ij,\n jk\t-> ik", "ij,jk->ik"]
)
def test_spaces_say_nothing(text: str) -> None:
    a, b = operands([(2, 3), (3, 4)])
    close(einsum(text, a, b), a @ b)


def test_the_form_with_lists() -> None:
    a, b = operands([(2, 3), (3, 4)])
    close(einsum(a, [0, 1], b, [1, 2], [0, 2]), a @ b)
    close(einsum(a, [0, 1], b, [1, 2]), a @ b)
    close(einsum(a, [10, 9]), a.T)  # by number, not by text: 9 before 10
    close(einsum(a, [np.int64(0), 1], [1, 0]), a.T)
    stack = operands([(5, 2, 3)])[0]
    close(einsum(stack, [..., 1], b, [1, 2]), stack @ b)
    close(einsum(stack, [..., 0, 1], [0]), stack.sum((0, 2)))


def test_lists_and_numbers_are_operands() -> None:
    close(einsum("i,i->", [1, 2], (3.0, 4.0)), 11.0)
    close(einsum(",i->i", 2, [[1], [2]][1]), [4])
    close(einsum([1, 2], [0], [0]), [1, 2])
    assert einsum(",", 2, 3).dtype == np.int64


def test_seventy_operands_and_a_hundred_labels() -> None:
    arrays = operands([(2,)] * 70)
    expected = 1.0
    for x in arrays:
        expected *= x.sum()
    names = [oe.get_symbol(k) for k in range(100)]
    close(einsum(",".join(names[:70]) + "->", *arrays), expected)
    chain = ",".join(names[k] + names[k + 1] for k in range(99))
    matrices = operands([(2, 2)] * 99)
    close(einsum(f"{chain}->{names[0]}{names[99]}", *matrices), np.linalg.multi_dot(matrices))
    lists = itertools.chain(*((x, [k, k + 1]) for k, x in enumerate(matrices)))
    close(einsum(*lists, [0, 99]), np.linalg.multi_dot(matrices))


class Wrapped(np.ndarray[Any, Any]):
    """A subclass, the products of which eingrad computes like any array's."""


def layouts(x: Array) -> list[Array]:
    """The same matrix in memory of every kind."""
    wide = np.repeat(x, 2, axis=1)
    frozen = x.copy()
    frozen.flags.writeable = False
    return [x, np.asfortranarray(x), x[::-1, ::-1].copy()[::-1, ::-1], wide[:, ::2], frozen,
            x.view(Wrapped), x.astype(">f8")]  # fmt: skip


@pytest.mark.parametrize("text", ["ij,jk->ik", "ij,jk->", "ij,jk->j", "ij,jk->ijk", "ij,jk->ki"])
def test_memory_layout_changes_nothing(text: str) -> None:
    a, b = operands([(3, 4), (4, 5)])
    expected = np.einsum(text, a, b)
    for x, y in itertools.product(layouts(a), layouts(b)):
        got = einsum(text, x, y)
        close(got, expected)
        assert type(got) is np.ndarray
        assert got.flags.writeable
        assert not np.may_share_memory(got, x)


@pytest.mark.parametrize("text", ["ij", "ij->ji", "ii->i", "ij->ij"])
def test_a_result_is_no_view(text: str) -> None:
    x = np.ones((3, 3))
    result = einsum(text, x)
    result[...] = 7
    assert (x == 1).all()
    wide = einsum("ij,ij->ij", np.broadcast_to(np.float64(2.0), (3, 3)), x)
    wide[0, 0] = 5
    assert wide[1, 1] == 2


def test_the_order_of_operands_changes_nothing() -> None:
    arrays = dict(zip("abcd", operands([(2, 3), (3, 1), (1, 4), (4, 2)]), strict=True))
    terms = dict(zip("abcd", ["ij", "jk", "kl", "li"], strict=True))
    for order in itertools.permutations("abcd"):
        text = ",".join(terms[c] for c in order) + "->ik"
        got = einsum(text, *[arrays[c] for c in order])
        close(got, np.einsum("ij,jk,kl,li->ik", *arrays.values()))


def test_what_an_equation_does_not_select_does_not_leak() -> None:
    x = np.full((3, 3), np.nan)
    np.fill_diagonal(x, [1.0, 2.0, 3.0])
    close(einsum("ii->i", x), [1, 2, 3])
    close(einsum("ii->", x), 6)
    close(einsum("ii,i->", x, np.ones(3)), 6)
    close(einsum("ii,ij->j", x, np.ones((3, 2))), [6, 6])
    var, y = Var("x0", (3, 3)), Var("x1", (3,))
    root = fit(parse_equation("ii,i->"), [(3, 3), (3,)]).of([var, y])
    x_bar, y_bar = gradients_of(root, [var, y], np.asarray(1.0), [x, np.ones(3)])
    close(x_bar, np.eye(3))
    close(y_bar, [1, 2, 3])
    close(einsum("i->ii", np.array([np.inf, 1.0])), [[np.inf, 0], [0, 1]])
