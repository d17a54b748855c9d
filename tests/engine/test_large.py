"""Sums of large arrays and large outer products, which BLAS makes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from seeds import seeded

import eingrad as eg
from eingrad.core.algebra import einsum
from eingrad.core.expr import Var
from eingrad.engine import compile_program
from eingrad.engine.backends.blas import outer
from eingrad.engine.backends.folds import by_rows

Array = np.ndarray[Any, Any]
TOLERANCE = {"f": 6e-7, "F": 6e-7, "d": 1e-13, "D": 1e-13}
SHAPES = [
    (20000,), (70000,), (2, 9000), (9000, 2), (150, 150), (3, 90, 80), (60, 50, 70), (300, 1, 60),
    (9, 8, 21, 12), (7, 20, 9, 20), (9000, 3), (3, 9000), (40, 2, 300), (1100, 1100), (1, 18200, 1),
    (600, 30),
]  # fmt: skip


def layouts(x: Array) -> list[Array]:
    """The same values, dense in each order of axes, and not dense."""
    return [
        x,
        np.asfortranarray(x),
        np.ascontiguousarray(x.swapaxes(0, -1)).swapaxes(0, -1),
        np.ascontiguousarray(x[::-1])[::-1],
        np.repeat(x, 2, axis=-1)[..., ::2],
    ]


def draw(shape: tuple[int, ...], dtype: str) -> Array:
    rng = np.random.default_rng(seeded(0))
    x = 0.1 + rng.random(shape)
    return (x + 1j * rng.random(shape) if dtype in "FD" else x).astype(dtype)


@pytest.mark.parametrize("dtype", list("fdFD"))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_over_any_axes_of_any_layout(shape: tuple[int, ...], dtype: str) -> None:
    given = layouts(draw(shape, dtype))
    axes = range(len(shape))
    chosen = [c for k in axes for c in itertools.combinations(axes, k + 1)]
    for summed in chosen:
        x = Var("x", shape)
        kept = [k for k in axes if k not in summed]
        f = compile_program({"y": einsum([(x, tuple(axes))], kept)})
        exact = given[0].astype(np.clongdouble).sum(axis=summed)
        for array in given:
            result = f(x=array)["y"]
            assert result.dtype == array.dtype
            np.testing.assert_allclose(result, exact, rtol=TOLERANCE[dtype])
        if all(shape[k] > 1 for k in summed):
            assert [step.operation for step in f.plan.steps] == ["large_sum"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("axis", [0, 1, None])
def test_a_sum_keeps_what_is_not_finite_where_it_is(value: float, axis: int | None) -> None:
    x = draw((70, 90), "f")
    x[33, 44] = value
    np.testing.assert_array_equal(
        np.isfinite(eg.tensor(x).sum(axis).numpy()), np.isfinite(x.sum(axis))
    )


def test_a_broadcast_array_is_summed_without_a_copy() -> None:
    x = np.broadcast_to(np.float32(0.1), (10**5, 1000))  # 400 MB, were it dense
    result = eg.einsum("ij->i", x)
    np.testing.assert_allclose(
        result, np.full(10**5, 1000 * np.float64(np.float32(0.1))), rtol=1e-6
    )


def product(text: str, *shapes: tuple[int, ...]) -> Any:
    """A compiled product of two tensors x and y."""
    terms, output = text.split("->")
    operands = [
        (Var(name, shape), tuple(map(ord, term)))
        for name, shape, term in zip("xy", shapes, terms.split(","), strict=True)
    ]
    return compile_program({"z": einsum(operands, tuple(map(ord, output)))})


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("i,j->ij", (300,), (200,)),
        ("i,j->ji", (300,), (200,)),
        ("ij,kl->ijkl", (60, 30), (10, 2)),
        ("ij,k->kij", (60, 30), (20,)),
        ("ij,k->ijk", (60, 1), (700,)),
        ("i,j->ij", (20000,), (3,)),
    ],
)
@pytest.mark.parametrize("dtype", list("fdFD"))
def test_an_outer_product_is_numpys(
    text: str, left: tuple[int, ...], right: tuple[int, ...], dtype: str
) -> None:
    f = product(text, left, right)
    a, b = (draw(shape, dtype) - np.dtype(dtype).type(0.5) for shape in (left, right))
    for x, y in ((a, b), (a[::-1], np.repeat(b, 2, axis=-1)[..., ::2])):
        expected = np.einsum(text, x, y)
        np.testing.assert_allclose(f(x=x, y=y)["z"], expected, rtol=4 * np.finfo(dtype).eps)
    assert ("outer(" in f.source) == (dtype in "fd")


@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "divide"])
@pytest.mark.parametrize("repeated", [(90, 1), (1, 500), (1, 1, 500), (2, 1, 1)], ids=str)
@pytest.mark.parametrize("dtype", list("fd"))
def test_what_is_repeated_over_long_rows_is_numpys(
    op: str, repeated: tuple[int, ...], dtype: str
) -> None:
    ufunc, before = getattr(np, op), np.getbufsize()
    x, y = draw((90, 500), dtype), draw(repeated, dtype)[..., ::-1]
    if len(repeated) == 3:
        x = draw((3, 90, 500), dtype)[:2]
    for a, b in ((x, y), (y, x)):
        out = np.empty(x.shape, dtype)
        by_rows(ufunc, a, b, out)
        np.testing.assert_array_equal(out, ufunc(a, b))
    assert np.getbufsize() == before


@pytest.mark.parametrize(
    ("text", "rows"),
    [("L_ij = x_ij y_i", 1), ("L_ij = x_ij + y_i", 1), ("L_ij = y_j - x_ij", 1),
     ("L_ij = x_ij / y_i", 1), ("L_ij = x_ij z_ij", 0), ("L_ji = x_ij y_i", 1)],
)  # fmt: skip
@pytest.mark.parametrize("sizes", [(90, 500), (20, 30), (9, 9000), (500, 90)], ids=str)
def test_long_rows_alone_get_a_loop_each(text: str, rows: int, sizes: tuple[int, int]) -> None:
    x, z = draw(sizes, "f"), draw(sizes, "f")
    f = eg.parse(text).compile()
    y = draw(sizes[-1:] if "y_j" in text else sizes[:1], "f")
    given = {name: value for name, value in {"x": x, "y": y, "z": z}.items() if f"{name}_" in text}
    column = y if "y_j" in text else y[:, None]
    expected = {"x_ij y_i": x * column, "x_ij + y_i": x + column, "y_j - x_ij": column - x,
                "x_ij / y_i": x / column, "x_ij z_ij": x * z}[text.split("= ")[1]]  # fmt: skip
    expected = expected.T if "L_ji" in text else expected
    np.testing.assert_array_equal(f(**given)["L"], expected)
    assert ("by_rows(" in f.source) == (rows and sizes == (90, 500))


@pytest.mark.parametrize(
    ("text", "shape", "blas"),
    [("ij,ij->i", (30, 400), True), ("ijk,ijk->i", (30, 20, 20), True),
     ("ijk,ijk->ij", (5, 6, 300), True), ("ij,ij->i", (30, 40), False),
     ("ijk,ijk->j", (30, 20, 20), False), ("ij,ij->i", (3, 9000), True)],
)  # fmt: skip
@pytest.mark.parametrize("dtype", list("fdD"))
def test_products_of_rows_are_numpys(
    text: str, shape: tuple[int, ...], blas: bool, dtype: str
) -> None:
    f = product(text, shape, shape)
    a, b = draw(shape, dtype), draw(shape, dtype) - np.dtype(dtype).type(0.3)
    for x, y in ((a, b), (a[::-1], np.repeat(b, 2, axis=-1)[..., ::2])):
        exact = np.einsum(text, x.astype(np.clongdouble), y.astype(np.clongdouble))
        np.testing.assert_allclose(f(x=x, y=y)["z"], exact, rtol=3 * TOLERANCE[dtype], atol=1e-30)
    single = dtype == "f" and shape[-1] > 8192
    assert ("row_dots(" in f.source) == (blas and dtype in "fd" and not single)


def test_an_outer_product_has_numpys_infinities() -> None:
    a, b = draw((300,), "f"), draw((200,), "f")
    a[3], b[7], b[9] = np.inf, 0, np.nan
    f = product("i,j->ij", a.shape, b.shape)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(f(x=a, y=b)["z"], a[:, None] * b)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [("ij,j->ij", [(300, 200), (200,)]), ("ij,k->ijk", [(300, 200), (1,)]),
     ("i,j->ij", [(30,), (20,)])],
)  # fmt: skip
def test_what_is_no_large_outer_product_is_multiplied(
    text: str, shapes: list[tuple[int, ...]]
) -> None:
    a, b = (draw(shape, "d") for shape in shapes)
    f = product(text, a.shape, b.shape)
    np.testing.assert_allclose(f(x=a, y=b)["z"], np.einsum(text, a, b), rtol=1e-15)
    assert "outer(" not in f.source


@pytest.mark.parametrize("function", ["max", "min"])
@pytest.mark.parametrize("shape", [(300, 10), (20, 30, 3), (60, 32), (5, 3), (300, 33)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extrema_of_short_rows(function: str, shape: tuple[int, ...], dtype: str) -> None:
    x = np.random.default_rng(seeded(0)).normal(size=shape).astype(dtype)
    x.reshape(-1)[[3, 8]] = np.inf, np.nan
    for array in layouts(x):
        result = getattr(eg.tensor(array), function)(-1).numpy()
        np.testing.assert_array_equal(result, getattr(x, function)(-1))


def test_a_softmax_of_short_rows_bears_what_is_not_finite() -> None:
    x = np.random.default_rng(seeded(0)).normal(size=(300, 5))
    x[0, 0], x[2, 3] = 1e300, -np.inf
    result = eg.softmax(eg.tensor(x), axis=-1).numpy()
    np.testing.assert_array_equal(result[0], [1, 0, 0, 0, 0])
    shifted = np.exp(x[1:] - x[1:].max(1, keepdims=True))
    np.testing.assert_allclose(result[1:], shifted / shifted.sum(1, keepdims=True), rtol=1e-13)


@pytest.mark.parametrize("step", [1, -1])  # BLAS, and where it cannot read the rows
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_was_in_memory_before_is_not_read(dtype: type, step: int) -> None:
    a, b = np.arange(1, 4, dtype=dtype)[::step], np.arange(1, 3, dtype=dtype)[::step]
    out = np.full((3, 2), np.nan, dtype)
    outer(a.reshape(3, 1), b, out)
    np.testing.assert_array_equal(out, np.multiply.outer(a, b))


WEIGHTED = {
    "Y_ka = X_nk d_n X_na": lambda x, d: (x.T * d) @ x,
    "Y_ka = X_nk X_na / d_n": lambda x, d: (x.T / d) @ x,
    "Y_ka = sum_n(-d_n exp(d_n) X_nk X_na)": lambda x, d: -(x.T * (d * np.exp(d))) @ x,
    "Y_nm = X_nk X_mk c_k": lambda x, _: (x * np.cos(x[0])) @ x.T,
}


@pytest.mark.parametrize("text", WEIGHTED)
@pytest.mark.parametrize("shape", [(150, 200), (300, 129), (128, 130)], ids=str)
def test_a_matrix_by_itself_with_weights_is_half_a_product(text: str, shape) -> None:
    rng = np.random.default_rng(seeded(0))
    x, d = rng.normal(size=shape), rng.normal(size=shape[0]) + 3
    f = eg.parse(text).compile()
    values = {"X": x, **({"c": np.cos(x[0])} if "c_k" in text else {"d": d})}
    result, wanted = f(**values)["Y"], WEIGHTED[text](x, d)
    np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-12 * abs(wanted).max())
    np.testing.assert_array_equal(result[:60, -1], result[-1, :60])
    assert "symmetric_matmul" in f.source
    assert f.plan.flops < 0.6 * wanted.size * (x.size / len(wanted))


LOOKALIKES = {
    "Y_ka = X_nk d_n Z_na": "nk,n,na->ka",
    "Y_ka = X_nk d_k X_na": "nk,k,na->ka",
    "Y_ka = X_nk X_an d_n": "nk,an,n->ka",
    "Y_ka = sum_n(X_nk W_nk d_n X_na)": "nk,nk,n,na->ka",
}


@pytest.mark.parametrize("text", LOOKALIKES)
def test_what_only_looks_symmetric_is_multiplied_whole(text: str) -> None:
    rng = np.random.default_rng(seeded(0))
    values = {x: rng.normal(size=(140, 140) if x.isupper() else 140) for x in "XZWd"}
    named = [x for x in text.split("= ")[1] if x in values]
    wanted = np.einsum(LOOKALIKES[text], *[values[x] for x in named], optimize=True)
    f = eg.parse(text).compile()
    result = f(**{x: values[x] for x in named})["Y"]
    np.testing.assert_allclose(result, wanted, rtol=1e-9, atol=1e-10 * abs(wanted).max())
    assert "symmetric" not in f.source
