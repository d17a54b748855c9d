"""Products: every way in which operands can share labels, against NumPy's einsum."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from oracle import evaluate
from seeds import seeded

from eingrad.core.algebra import add, apply, einsum, multiply, power, repeat, sum_over, transpose
from eingrad.core.expr import Const, Delta, Expr, Size, Var, variables
from eingrad.engine import compile_program

SIZES = {"i": 3, "j": 4, "k": 5, "l": 2, "b": 6, "h": 7}

TABLE = """
i-> ij-> ij->i ij->j ij->ji ijk->kij ijk->j
ii->i ii-> iij->j iij->ij iji->ji iijj->ij ijij->ij iii->i
i,i-> i,i->i ij,ij-> ij,ji-> ij,ij->i ij,ij->ij ij,ji->ij ijk,kji-> ijk,ikj->i
i,j->ij i,j->ji ij,k->ikj ,ij->ij i,jk->kij
ij,jk->ik ij,jk->ki ij,kj->ik ji,jk->ik ij,j->i i,ij->j ij,i->ij ij,jk-> ij,jk->i
ijk,jkl->il ijk,kjl->il jik,kjl->li ijk,jl->ikl ikj,jl->ikl ijk,ljk->il kij,jlk->li
bij,bjk->bik bij,bkj->bik ibj,jbk->bik bij,bjk->ikb bij,bij->b bij,bj->bi bi,bi->b bi,bij->bj
bhij,bhjk->bhik bihl,bjhl->bhij bhij,bjhl->bihl
ij,jk,kl->il ij,jk,kl,li-> i,i,i-> i,j,k->ijk ij,ik,il->jkl ij,jk,ki->i bi,ij,bj->b
ijk,jl,km->ilm ii,ij->j iij,jk->k ij,jj->i ib,jb,kb->ijk ijk,ilj,lk-> ij,ij,jk->ik
ab,bc,cd,de,ef,fg,gh,hi,ij,jk->ak
"""
EQUATIONS = TABLE.split()


def build(equation: str) -> tuple[Expr, list[Var]]:
    """Return the product of new tensors, one for each operand."""
    inputs, output = equation.split("->")
    operands = [Var(f"A{n}", list(labels)) for n, labels in enumerate(inputs.split(","))]
    number = {c: n for n, c in enumerate(sorted(set(inputs) - {","}))}
    factors = [
        (x, tuple(number[c] for c in labels))
        for x, labels in zip(operands, inputs.split(","), strict=True)
    ]
    return einsum(factors, tuple(number[c] for c in output)), operands


def draw(operands: list[Var], dtype: str = "float64", seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seeded(seed))
    return {
        v.name: np.asarray(
            rng.normal(size=[SIZES.get(d, 2) if isinstance(d, str) else d for d in v.dims])
        ).astype(dtype)
        for v in operands
    }


@pytest.mark.parametrize("equation", EQUATIONS)
def test_products_are_numpys(equation):
    node, operands = build(equation)
    f = compile_program({"y": node})
    for dtype, tolerance in (("float64", 1e-12), ("float32", 2e-5)):
        values = draw(operands, dtype)
        result = f(**values)["y"]
        exact = [x.astype("float64") for x in values.values()]
        expected = np.einsum(equation, *exact, optimize=True)
        assert result.dtype == dtype
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_strides_do_not_matter(equation):
    node, operands = build(equation)
    f = compile_program({"y": node})
    values = draw(operands)
    expected = f(**values)["y"]
    turned = {n: np.array(x.T, order="C").T for n, x in values.items()}
    spread = {n: np.repeat(x, 2, 0)[::-2][::-1] if x.ndim else x
              for n, x in values.items()}  # fmt: skip
    for other in (turned, spread):
        np.testing.assert_allclose(f(**other)["y"], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("ones", ["i", "j", "k", "b", "ij", "bij"])
@pytest.mark.parametrize(
    "equation", ["ij,jk->ik", "bij,bjk->bik", "bi,bi->b", "ij,j->i", "i,j->ij"]
)
def test_axes_of_size_one_and_zero(equation, ones):
    node, operands = build(equation)
    f = compile_program({"y": node})
    for size in (1, 0):
        values = {
            v.name: np.random.default_rng(seeded(0)).normal(
                size=[size if d in ones else SIZES[str(d)] for d in v.dims]
            )
            for v in operands
        }
        expected = np.einsum(equation, *values.values())
        np.testing.assert_allclose(f(**values)["y"], expected, rtol=1e-12)


A, B = Var("A", ("i", "j")), Var("B", ("i", "j"))
SQUARE, V, W = Var("S", ("i", "i")), Var("v", ("i",)), Var("w", ("j",))
HALF = Const(Fraction(1, 2))
LIGHT = {
    "scaled": multiply(Const(-3), A),
    "transposed and scaled": multiply(HALF, transpose(A, (1, 0))),
    "by a scalar": multiply(sum_over(B, [0, 1]), A),
    "repeated": repeat(V, ("j", "i", "k"), [1]),
    "repeated and added": add(A, repeat(V, ("i", "j"), [0]), repeat(W, ("i", "j"), [1])),
    "repeated alone": apply("exp", repeat(V, ("i", "j"), [0])),
    "diagonal": einsum([(SQUARE, (0, 0))], (0,)),
    "trace": einsum([(SQUARE, (0, 0))], ()),
    "delta": Delta("i"),
    "built diagonal": einsum([(V, (0,)), (Delta("i"), (0, 1))], (0, 1)),
    "diagonal and scalar": add(
        apply("tanh", sum_over(B, [0, 1])), einsum([(V, (0,)), (Delta("i"), (0, 1))], (0, 1))
    ),
    "diagonal and row": add(
        apply("tanh", repeat(V, ("i", "i"), [1])), einsum([(V, (0,)), (Delta("i"), (0, 1))], (0, 1))
    ),
    "diagonal of four axes": einsum([(A, (0, 1))], (0, 1, 0, 1)),
    "diagonal of three": einsum([(V, (0,))], (0, 0, 0)),
    "diagonal of a diagonal": einsum([(SQUARE, (0, 0))], (0, 0)),
    "delta with a repeated axis": einsum([(Delta("i"), (0, 1)), (W, (2,))], (2, 0, 1)),
    "softmax Jacobian": add(
        einsum([(V, (0,))], (0, 0)), einsum([(Const(-1), ()), (V, (0,)), (V, (1,))], (0, 1))
    ),
    "quotient": multiply(A, power(add(multiply(B, B), Const(1)), -1)),
    "quotient of two": multiply(power(add(B, Const(9)), -1), power(add(A, Const(9)), -1)),
    "quotient in a sum": einsum([(A, (0, 1)), (power(add(B, Const(9)), -1), (0, 1))], (1,)),
    "quotient by a vector": einsum([(A, (0, 1)), (power(V, -2), (0,))], (0, 1)),
    "mean": multiply(sum_over(A, [0]), power(Size("i"), -1)),
    "a number": Const(Fraction(1, 3)),
    "all of one number": repeat(Const(2), ("i", "j"), ()),
    "differences": add(multiply(Const(-2), A), multiply(Const(-1), B), Const(Fraction(3, 2))),
}


@pytest.mark.parametrize("name", LIGHT)
def test_views_and_factors(name):
    node = LIGHT[name]
    seen = Var("shape", ("i", "j", "k"))  # gives the sizes that the expression itself lacks
    values = {**draw([*variables(node)]), "shape": np.ones((3, 4, 5))}
    values = {n: x + 3 if n == "v" else x for n, x in values.items()}
    result = compile_program({"y": node, "shape": seen})(**values)["y"]
    expected = evaluate(node, values, SIZES)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


def test_a_repeated_axis_is_never_built():
    node = apply("exp", add(A, repeat(W, ("i", "j"), [1])))
    f = compile_program({"y": node})
    f(A=np.ones((30, 40)), w=np.ones(40))
    assert f.plan.buffers == 0
    assert [s.operation for s in f.plan.steps] == ["add", "exp"]


def test_a_factor_costs_no_second_product():
    product = einsum([(A, (0, 1)), (B, (2, 1))], (0, 2))
    f = compile_program({"a": product, "b": multiply(Const(-2), product)})
    f(**draw([A, B]))
    assert [s.operation for s in f.plan.steps].count("matmul") == 1


def test_nothing_leaks_through_a_mask():
    x = Var("x", ("i",))
    mask = apply("where", apply("gt", x, Const(0)), Const(1), Const(0))
    node = multiply(mask, apply("log", x))
    array = np.array([1.0, -1.0, 2.0])
    with np.errstate(invalid="ignore"):
        result = compile_program({"y": node})(x=array)["y"]
    np.testing.assert_allclose(result, [0, 0, np.log(2)])


def test_nothing_off_the_diagonal_leaks():
    array = np.full((3, 3), np.nan)
    np.fill_diagonal(array, [1, 2, 3])
    f = compile_program({"d": LIGHT["diagonal"], "t": LIGHT["trace"]})
    result = f(S=array)
    np.testing.assert_array_equal(result["d"], [1, 2, 3])
    assert result["t"] == 6


def test_a_wide_product_finds_a_path():
    rng = np.random.default_rng(seeded(0))
    n = 40
    chain = [Var(f"C{k}", (f"d{k}", f"d{k + 1}")) for k in range(n)]
    node = einsum([(v, (k, k + 1)) for k, v in enumerate(chain)], (0, n))
    values = {v.name: rng.normal(size=(3, 3)) for v in chain}
    expected = np.linalg.multi_dot(list(values.values()))
    np.testing.assert_allclose(compile_program({"y": node})(**values)["y"], expected, rtol=1e-9)
