"""NumPy's functions on Tensors: its values and dtypes; derivatives agree with differences."""

import numpy as np
import pytest
from seeds import seeded

import eingrad as eg
from eingrad.api.tensors.tensor import Tensor

RNG = np.random.default_rng(seeded(11))
OPERANDS = {
    "A": RNG.normal(size=(3, 4)), "B": RNG.normal(size=(3, 4)), "V": RNG.normal(size=5),
    "S": RNG.normal(size=(3, 3)) + 3 * np.eye(3), "C": RNG.normal(size=(2, 3, 3)),
}  # fmt: skip

SMOOTH = [
    # reductions, with NumPy's order of arguments
    "np.sum(A, 0, np.float64)", "np.sum(A, axis=(0, -1))", "np.sum(A, where=A > 0)",
    "np.sum(A, axis=0, initial=2.0)", "np.prod(A, 1, where=A > 0)", "np.max(A, 0, None, True)",
    "np.max(A, axis=0, initial=0.5, where=A > 0)", "np.amin(A, 0)", "np.mean(A, 0, where=B > -1)",
    "np.var(A, 0, None, None, 1)", "np.std(A, ddof=1, axis=(0, 1), keepdims=True)",
    "np.ptp(A, axis=0)", "np.median(A)", "np.median(A, axis=1)", "np.quantile(A, 0.3, axis=0)",
    "np.percentile(A, [10, 50], axis=1, keepdims=True)", "np.average(A, axis=0, weights=B[:, 0])",
    "np.average(A, weights=B)", "np.nansum(A)", "np.nanmean(A, axis=0)", "np.nanmax(A, 1)",
    "np.cumsum(A, 1)", "np.cumprod(A, 1)", "np.diff(A, n=2)", "np.diff(A, axis=0)",
    "np.trapezoid(A, dx=0.5)" if hasattr(np, "trapezoid") else "np.diff(V)",
    # what moves entries
    "np.take(A, [0, 2], axis=0)", "np.take(A, [[0, 7]])", "np.repeat(A, [1, 2, 3], axis=0)",
    "np.take_along_axis(A, np.array([[0], [1], [2]]), axis=1)", "np.tile(A, (2, 1, 3))",
    "np.roll(A, (1, 2), axis=(0, 1))", "np.rot90(A)", "np.fliplr(A)", "np.dstack([A, B])",
    "np.vstack([V, V])", "np.hstack([A, B])", "np.column_stack([V, V])", "np.append(V, 1.0)",
    "np.append(A, B, axis=0)", "np.block([[A, B], [B, A]])", "np.insert(V, 1, 3.0)",
    "np.delete(V, 1)", "np.pad(A, ((1, 1), (0, 2)))", "np.pad(A, 1, mode='edge')",
    "np.pad(V, 2, mode='reflect')", "np.pad(A, 1, constant_values=3.0)", "np.sort(A, axis=0)",
    "np.sort(A, None)", "np.diagflat(V)", "np.atleast_3d(A)", "np.unique(V)", "np.rollaxis(C, 2)",
    "np.array_split(V, 3)[1]", "np.hsplit(A, 2)[0]", "np.meshgrid(V, V)[0]",
    "np.broadcast_arrays(A, V[:4])[1]", "np.reshape(A, (4, 3), order='F')", "np.ravel(A, 'F')",
    "A.reshape((4, 3), order='F')", "A.flatten('F')", "A.take([1], 0)", "A.repeat(2)",
    "np.select([A > 0, A > -1], [A, B], 0)", "np.clip(A, a_min=-0.5, a_max=B + 2)",
    "A.clip(min=-0.3)", "np.choose([0, 1, 0], [A[:, :3], B[:, :3]])",
    "np.compress([0, 1, 1], A, 0)",
    # element-wise
    "np.exp2(A)", "np.log2(np.abs(A))", "np.log10(np.abs(A))", "np.cbrt(A)", "np.deg2rad(A)",
    "np.degrees(A)", "np.arcsinh(A)", "np.arccosh(np.abs(A) + 1.5)", "np.arctanh(A / 9)",
    "np.arctan2(A, B)", "np.hypot(A, B)", "np.copysign(A, B)", "np.fmax(A, B)", "np.fmin(A, B)",
    "np.fmod(A, B)", "np.logaddexp2(A, B)", "np.nan_to_num(A)", "np.float_power(np.abs(A), 2)",
    "np.exp(A, dtype='f8')", "np.divmod(A, B)[1]", "np.angle(A + 1j * B)", "np.polyval(V, A)",
    # variants of a universal function
    "np.add.reduce(A)", "np.add.reduce(A, 1, None, None, True)", "np.add.reduce(A, where=A > 0)",
    "np.multiply.reduce(A, 1)", "np.maximum.reduce(A, axis=None)", "np.add.accumulate(A)",
    "np.multiply.accumulate(A, axis=1)", "np.subtract.outer(V, A)", "np.maximum.outer(V, V)",
    # products and matrices
    "np.kron(A, B)", "np.kron(V, S)", "np.vdot(A, B)", "np.cross(S, C)", "np.cross(S, S.T, axis=0)",
    "np.linalg.multi_dot([A[0], B.T, S, V[:3]])", "np.linalg.matrix_power(S, 3)",
    "np.linalg.matrix_power(S, -2)", "np.linalg.matrix_power(S, 0) + S", "np.linalg.slogdet(S)[1]",
    "np.linalg.norm(S, 1)", "np.linalg.norm(A, np.inf)", "np.linalg.norm(C, -1, (1, 2))",
    "np.linalg.norm(C, np.inf, (2, 0), True)",
]  # fmt: skip
CONSTANT = [
    "np.floor(A)", "np.round(A, 1)", "A.round(1)", "A.argsort(0)", "(A > 0).any(0)",
    "(A > 0).all(axis=1, keepdims=True)", "A.any()", "A.nonzero()[0]", "np.heaviside(A, 0.5)",
    "np.zeros_like(A, shape=(2,))", "np.full_like(A, 3)", "np.size(A, 0)", "A.nbytes",
    "np.argmax(A, 1, keepdims=True)", "np.add(A, B, where=A > 0, out=np.ones((3, 4)))",
    "np.add(A, B, dtype='f4')", "np.sum(A, 0, np.float32)", "np.logical_and.reduce(A > 0)",
    "np.sum(A, 0, out=np.zeros(4))", "np.einsum('ij->i', A, out=np.zeros(3))",
    "np.median([1.0, np.nan] * V[:2])", "np.quantile(V, 1.0)", "np.unique(A > 0)", "np.sort(A > 0)",
]  # fmt: skip
INTEGERS = [
    "I << 2", "1 << abs(I)", "I >> 1", "np.gcd(I, 4)", "np.tile(I, 2)", "np.sort(I, 0)",
    "np.diff(I)", "np.float_power(I, 2)", "np.kron(I, I)", "I.take([0, 3])", "np.pad(I, 1)",
    "np.cumprod(I, 0)", "np.nansum(I, 0)", "np.ptp(I, 0)", "np.hypot(I, 1)",
]  # fmt: skip


def evaluate(expression, operands):
    return eval(expression, {"np": np, **operands})


def assert_same(found, expected):
    found = found.numpy() if isinstance(found, Tensor) else np.asarray(found)
    assert found.shape == np.shape(expected)
    assert found.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6 if found.dtype == "f4" else 1e-12)


@pytest.mark.parametrize("expression", SMOOTH + CONSTANT)
def test_values_are_numpys(expression):
    tensors = {name: eg.tensor(x) for name, x in OPERANDS.items()}
    assert_same(evaluate(expression, tensors), evaluate(expression, OPERANDS))


@pytest.mark.parametrize("expression", INTEGERS)
def test_integers_are_numpys(expression):
    x = RNG.integers(-3, 4, size=(3, 4))
    assert_same(evaluate(expression, {"I": eg.tensor(x)}), evaluate(expression, {"I": x}))


@pytest.mark.parametrize("expression", SMOOTH)
def test_derivatives_agree_with_differences(expression):
    names = [name for name in OPERANDS if f"{name}" in expression.replace("np.", "")]
    used = {name: OPERANDS[name] for name in names}
    eg.check_grads(lambda given: evaluate(expression, given), (used,), tolerance=1e-5)


def test_derivatives_where_a_formula_has_a_case():
    assert eg.grad(np.arcsinh)(0.0) == 1.0
    assert np.isnan(np.heaviside(eg.tensor(np.nan), 0.5).item())
    assert eg.grad(np.hypot, (0, 1))(0.0, 0.0) == (0.0, 0.0)
    np.testing.assert_allclose(eg.grad(np.hypot)(3e200, 4e200), 0.6)
    for y, x in [(0.0, -1.0), (1.0, 0.0), (-2.0, 0.0), (1e-9, 1.0), (-1.0, -1.0)]:
        assert np.arctan2(eg.tensor(y), x).item() == pytest.approx(np.arctan2(y, x), rel=1e-15)
        found = eg.grad(np.arctan2, (0, 1))(y, x)
        expected = np.array([x, -y]) / (x * x + y * y)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)


def test_fmod_of_any_quotient():
    pairs = [(1e82, 0.83), (-1e82, 0.83), (1e300, 1e-300), (5.0, -3.0), (-7.25, -2.0), (0.0, 2.0),
             (1.0, np.inf)]  # fmt: skip
    for a, b in pairs:
        assert np.fmod(eg.tensor(a), b).item() == np.fmod(a, b)
        assert eg.function(np.fmod)(a, b) == np.fmod(a, b)
        assert eg.grad(np.fmod)(a, b) == 1
    assert eg.grad(np.fmod, 1)(-7.25, 2.0) == 3
    ints = np.array([-128, -7, 7], np.int8)
    np.testing.assert_array_equal(np.fmod(eg.tensor(ints), np.int8(3)), np.fmod(ints, np.int8(3)))


@pytest.mark.parametrize(
    "name",
    ["fabs", "cbrt", "deg2rad", "degrees", "arctan2", "hypot", "copysign", "heaviside", "fmod"],
)
def test_complex_numbers_are_refused_where_numpy_does(name):
    ufunc = getattr(np, name)
    given = [np.array([1 + 2j, 3.0])] * ufunc.nin
    for operands in (given, [eg.tensor(x) for x in given]):
        with pytest.raises((TypeError, eg.EingradError)):
            ufunc(*operands)


def test_integers_are_compared_with_any_python_number():
    small = np.array([0, 5, 255], np.uint8)
    for number in (-1, 300, 2**70, 4.5):
        for compare in (np.less, np.greater, np.equal, np.not_equal):
            np.testing.assert_array_equal(compare(eg.tensor(small), number), compare(small, number))
            np.testing.assert_array_equal(compare(number, eg.tensor(small)), compare(number, small))
    with pytest.raises(eg.EingradError, match="-1 is no number of dtype uint8"):
        eg.tensor(small) + -1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: np.linalg.eigvalsh(t), "numpy.linalg.eigvalsh of a Tensor is not supported"),
        (lambda t: np.pad(t, 1, mode="mean"), "numpy.pad with mode='mean'"),
        (lambda t: np.add(t, 1, where=[[True]]), "numpy.add with where= of a Tensor needs out="),
        (lambda t: np.max(t, where=t > 0), "numpy.max of a Tensor: argument where needs"),
        (lambda t: np.add.reduceat(t, [0]), "numpy.add.reduceat of a Tensor is not supported"),
        (lambda t: np.sum(t, 0, extra=1), "sum.* unexpected keyword argument"),
        (lambda t: np.median(t, 0, None, False), "numpy.median of a Tensor"),
    ],
)
def test_what_is_not_supported_is_named(call, words):
    with pytest.raises(TypeError, match=words):
        call(eg.tensor(np.eye(2)))
