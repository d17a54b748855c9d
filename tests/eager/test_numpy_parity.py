"""Tensors beside arrays: every expression has NumPy's value, shape and dtype."""

import copy
import pickle

import numpy as np
import pytest
from seeds import seeded

import eingrad as eg
from eingrad.errors import EingradError, OutOfRangeError, ShapeError

RNG = np.random.default_rng(seeded(7))
ARRAYS = {
    "A": RNG.normal(size=(3, 4)),
    "I": RNG.integers(-5, 6, size=(3, 4)).astype(np.int32),
    "M": RNG.normal(size=(3, 4)) > 0,
    "Z": RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4)),
    "V": RNG.normal(size=5),
    "F": RNG.normal(size=(3, 4)).astype(np.float32),
}

REDUCTIONS = [
    "I.sum(0)", "(I * 0).sum()", "I.max(0)", "I.min(1)", "I.prod(0)", "I.sum(axis=(0, 1))",
    "M.sum(0)", "M.sum()", "M.max(0)", "I.mean(0)", "I.var(0)", "I.sum(1, keepdims=True)",
    "A.sum(dtype='f4')", "I.sum(dtype='f8')", "A.mean(dtype='f4')", "F.prod(dtype='f8')",
    "np.var(Z)", "np.std(Z, axis=0)", "np.var(Z, axis=1, ddof=1)", "A.var(0, ddof=1.5)",
    "np.linalg.norm(V, 0)", "A.var(dtype='f4')", "I.argmin(1)",
]  # fmt: skip
TRACED = [
    "I / 2", "I.sum(0)", "I.max(1)", "I.min()", "I.prod(0)", "I.mean(0)", "M.sum(1)", "M.max()",
    "(I > 1).sum()", "I * 2", "np.sum(I)", "I.sum(1, keepdims=True)", "-I", "I ** 2",
]  # fmt: skip


def evaluate(expression: str, of=lambda x: x):
    names = {name: of(x.copy()) for name, x in ARRAYS.items()}
    return eval(expression, {"np": np, **names})


def assert_same(found, expected):
    found = found.numpy() if isinstance(found, eg.Tensor) else np.asarray(found)
    assert found.shape == np.shape(expected)
    assert found.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6 if found.itemsize == 4 else 1e-12)


@pytest.mark.parametrize("expression", REDUCTIONS)
def test_reductions_are_numpys(expression):
    assert_same(evaluate(expression, eg.tensor), evaluate(expression))


@pytest.mark.parametrize("expression", TRACED)
def test_integers_are_numpys_in_a_traced_function(expression):
    name = next(n for n in ("I", "M") if n in expression)
    traced = eg.function(lambda x: eval(expression, {"np": np, name: x}))
    assert_same(traced(ARRAYS[name]), evaluate(expression))


def test_variance_of_complex_numbers_is_differentiated():
    z = ARRAYS["Z"]
    h, direction = 1e-6, RNG.normal(size=z.shape) + 1j * RNG.normal(size=z.shape)
    expected = (np.var(z + h * direction) - np.var(z - h * direction)) / (2 * h)
    gradient = eg.grad(eg.var)(z)
    assert np.sum(gradient.conj() * direction).real == pytest.approx(expected, rel=1e-6)
    eg.check_grads(lambda x: eg.std(x, 1), (z,))


# --- copies, and what is written into a Tensor --------------------------------------------------


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, copy.copy, lambda t: pickle.loads(pickle.dumps(t))],
    ids=["deepcopy", "copy", "pickle"],
)
def test_a_copied_leaf_keeps_its_gradient(copied):
    t = eg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (t * t).sum().backward()
    other = copied(t)
    assert other.requires_grad
    assert other.is_leaf
    np.testing.assert_array_equal(other.grad, [2.0, 4.0, 6.0])
    (other * 1.0).sum().backward()
    np.testing.assert_array_equal(other.grad, [3.0, 5.0, 7.0])
    np.testing.assert_array_equal(t.grad, [2.0, 4.0, 6.0])


def test_what_was_computed_has_no_gradient_yet():
    t = eg.tensor([1.0, 2.0], requires_grad=True)
    assert (t * 2).grad is None
    assert t.grad is None


def test_a_gradient_that_is_set_is_added_to():
    t = eg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    t.grad = [1, 1, 1]
    (t * t).sum().backward()
    np.testing.assert_array_equal(t.grad, [3.0, 5.0, 7.0])
    with pytest.raises(ShapeError, match=r"cannot put shape \(4,\) in the place of \(3,\)"):
        t.grad = np.ones(4)
    with pytest.raises(EingradError, match="cannot put dtype complex128"):
        t.grad = np.ones(3) * 1j


@pytest.mark.parametrize(
    ("start", "change"),
    [
        ([5, 2], "t //= 2"), ([5, 2], "t %= 3"), ([[1.0, 2.0], [3.0, 4.0]], "t @= np.eye(2) * 2"),
        ([True, False], "t &= True"), ([True, False], "t |= True"), ([True, False], "t ^= True"),
    ],
)  # fmt: skip
def test_in_place_operators_change_the_tensor_itself(start, change):
    t, expected = eg.tensor(start), np.array(start)
    names = {"np": np, "t": t}
    exec(change, names)
    assert names["t"] is t
    exec(change, {"np": np, "t": expected})
    assert_same(t, expected)


def test_a_leaf_is_multiplied_in_place_without_a_graph():
    w = eg.tensor(np.eye(2), requires_grad=True)
    alias = w
    with eg.no_grad():
        w @= np.array([[0.0, 1.0], [1.0, 0.0]])
    assert w is alias
    assert w.is_leaf
    assert w.requires_grad
    np.testing.assert_array_equal(w.numpy(), [[0.0, 1.0], [1.0, 0.0]])


def test_no_gradient_is_lost_in_an_assignment():
    constant, w = eg.tensor([1.0, 2.0]), eg.tensor(3.0, requires_grad=True)
    with pytest.raises(EingradError, match=r"requires a gradient is assigned(.|\n)*eg\.where"):
        constant[0] = w
    constant[0] = w.detach()
    np.testing.assert_array_equal(constant.numpy(), [3.0, 2.0])


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (lambda t: t.__setitem__(7, 1.0), OutOfRangeError, "index 7 is out of bounds"),
        (lambda t: t.__setitem__(slice(2), np.ones(3)), ShapeError, "could not broadcast"),
        (lambda t: t.__setitem__(0, 1j), EingradError, "dtype complex128 in the place of float64"),
        (lambda t: setattr(t, "data", t.numpy() * 1j), EingradError, "dtype complex128"),
        (lambda t: t.item(5), OutOfRangeError, "index 5 is out of bounds"),
        (lambda t: bool(t), ShapeError, r"\(3,\) is true is ambiguous"),
        (lambda t: t[::0], EingradError, "slice step cannot be zero"),
        (lambda t: t.sum(1.5), ShapeError, "an axis is an integer, and this is 1.5"),
        (lambda t: t.sum("x"), ShapeError, "an axis is an integer, and this is 'x'"),
        (lambda t: t.sum(0, "f4"), EingradError, "keepdims is 'f4', not True or False"),
        (lambda t: t == [1, 2], ShapeError, r"equal of shapes \(3,\) and \(2,\)"),
        (lambda t: t % eg.tensor([1.0, 2.0]), ShapeError, "they do not broadcast"),
        (lambda t: t[:0].argmax(), EingradError, "over an axis of size 0"),
        (lambda t: t.__array__(copy=False), EingradError, "is a copy"),
        (lambda t: eg.diag(t, np.inf), ShapeError, "the offset is an integer, and this is inf"),
        (lambda t: eg.triu(t[:, None], "x"), ShapeError, "the offset is an integer"),
        (lambda t: eg.split(t, "x"), EingradError, "the list of places has dtype"),
        (lambda t: eg.norm(t, np.ones(3)), EingradError, "the order of a norm is"),
        (lambda t: eg.argmax(t, None, np.ones(3)), EingradError, "not True or False"),
        (lambda _: eg.solve(np.eye(2), 3.0), ShapeError, "the right side is a number"),
        (lambda t: eg.einsum("i->", t.numpy(), memory_limit="1GB"), EingradError,
         "memory_limit is '1GB'"),
        (lambda _: eg.tensor([1, 2]) + eg.tensor([1, 2, 3]), ShapeError, "do not broadcast"),
        (lambda _: eg.where([True, False], [1, 2, 3], 0), ShapeError, "do not broadcast"),
        (lambda _: eg.tensor([2]) ** -1, EingradError, "negative integer powers"),
        (lambda _: eg.tensor([[1, 2], [3]]), EingradError, "is not an array of numbers"),
        (lambda _: eg.tensor(np.ma.masked_array([1.0], [1])), EingradError, "has a mask"),
        (lambda _: eg.einsum("i->", np.ma.masked_array([1.0], [1])), ShapeError,
         "operand 0 has a mask"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(wrong, error, words):
    with pytest.raises(error, match=words):
        wrong(eg.tensor([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("dtype", [">f8", ">f2", ">i4", ">c16"])
def test_arrays_of_the_other_byte_order(dtype):
    x = np.array([1, 2, 3]).astype(dtype)
    native = np.dtype(dtype).newbyteorder("=")
    for found in (eg.tensor(x), eg.tensor(x)[::-1][::-1], eg.einsum("i->i", x)):
        assert found.dtype == native
        assert found.dtype.isnative
        np.testing.assert_array_equal(found, [1, 2, 3])


def test_a_dtype_can_be_asked_for():
    t = eg.tensor([1, 2], requires_grad=True, dtype=np.float32)
    assert t.dtype == np.float32
    (t * t).sum().backward()
    assert t.grad.dtype == np.float32


def test_long_doubles_are_reduced():
    x = np.array([1.0, -2.0, 0.5], np.longdouble)
    shifted = np.exp(x - x.max())
    softmax, logsumexp = eg.softmax(eg.tensor(x)), eg.logsumexp(eg.tensor(x))
    assert softmax.dtype == logsumexp.dtype == np.longdouble
    np.testing.assert_allclose(softmax.numpy(), shifted / shifted.sum(), rtol=1e-17)
    np.testing.assert_allclose(logsumexp.numpy(), np.log(shifted.sum()) + 1, rtol=1e-17)
