"""Tensors: arithmetic and NumPy's protocols, backward, kinks, errors by wording, threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from seeds import seeded

import eingrad as ops
from eingrad.api.tensors.tape import no_grad
from eingrad.api.tensors.tensor import Tensor, tensor
from eingrad.api.traces.trace import function
from eingrad.api.transforms.checking import check_grads
from eingrad.api.transforms.functional import grad, jvp
from eingrad.api.transforms.jacobian import jacobian
from eingrad.errors import DifferentiationError, EingradError, ShapeError

rng = np.random.default_rng(seeded(0))


def leaf(*shape: int) -> Tensor:
    return tensor(rng.standard_normal(shape), requires_grad=True)


# --- values -------------------------------------------------------------------------------------

OPERATORS = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "/": lambda a, b: a / b, "**": lambda a, b: a**b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip
SAMPLES = {
    "float64": np.array([[1.5, 2.0], [0.5, 3.0]]), "float32": np.array([1.5, 2.0], np.float32),
    "int": np.array([1, 2]), "int8": np.array([[1], [2]], np.int8), "bool": np.array([True, True]),
    "complex": np.array([1 + 1j, 2]), "scalar": np.array(2.0), "empty": np.zeros((0, 1, 1)),
    "number": 2, "real": 1.5, "numpy": np.float64(2.5), "single": np.float32(2.5),
    "half": np.array([1.0, 2.0], np.float16),
}  # fmt: skip
ORDERED = {"<", "<=", ">", ">="}


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("left", SAMPLES)
@pytest.mark.parametrize("right", SAMPLES)
def test_operators_have_numpys_values_and_dtypes(op, left, right):
    a, b = SAMPLES[left], SAMPLES[right]
    if (op == "-" and left == right == "bool") or (op in ORDERED and "complex" in (left, right)):
        pytest.xfail("NumPy has no such operation, or an arbitrary order")
    expected = OPERATORS[op](np.asarray(a) if isinstance(a, int | float) else a, b)
    if isinstance(a, int | float) and not isinstance(a, np.generic):
        expected = OPERATORS[op](a, np.asarray(b) if isinstance(b, int | float) else b)
    pairs = [(tensor(a), tensor(b))] if type(a) is type(b) is np.ndarray else []
    if isinstance(a, np.ndarray):
        pairs.append((tensor(a), b))
    if isinstance(b, np.ndarray):
        pairs.append((a, tensor(b)))
    for x, y in pairs:
        result = OPERATORS[op](x, y)
        assert isinstance(result, Tensor)
        assert result.dtype == np.asarray(expected).dtype
        np.testing.assert_allclose(result, expected, rtol=1e-3 if "half" in (left, right) else 1e-6)


def test_numpys_functions_take_tensors():
    x = leaf(2, 3)
    for f in (np.exp, np.sum, np.mean, np.var, np.transpose, np.ravel, np.linalg.norm, np.abs,
              np.square, np.tanh, np.negative, np.squeeze, np.max):  # fmt: skip
        result = f(x)
        assert isinstance(result, Tensor)
        assert result.requires_grad
        np.testing.assert_allclose(result.detach(), f(x.numpy()))
    joined = np.concatenate([x, np.ones((1, 3))], axis=0)
    assert joined.shape == (3, 3)
    assert joined.requires_grad
    product = np.einsum("ij,ik->jk", x, x.numpy())
    np.testing.assert_allclose(product.detach(), x.numpy().T @ x.numpy())
    assert np.where(x > 0, x, 0.0).requires_grad
    assert np.allclose(x, x.numpy())
    assert np.isnan(x).dtype == bool
    np.testing.assert_allclose((np.ones((4, 2)) @ x).detach(), np.ones((4, 2)) @ x.numpy())
    assert isinstance(np.float64(2.0) * x, Tensor)
    assert isinstance(np.ones(3) + x, Tensor)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: np.linalg.svd(x), "svd"),
        (lambda x: np.fft.fft(x), "fft"),
        (lambda x: np.nextafter(x, 1.0), "nextafter"),
        (lambda x: np.maximum.accumulate(x), "maximum.accumulate"),
        (lambda x: np.vander(x), "vander"),
        (lambda x: np.exp(x, where=[True, False]), "exp with where"),
    ],
)
def test_what_is_not_supported_raises_with_its_name(call, name):
    with pytest.raises(TypeError, match=name):
        call(leaf(2, 2))


def test_a_tensor_is_no_object_array():
    with pytest.raises(EingradError, match="would lose the gradient"):
        np.asarray(leaf(2))
    with pytest.raises(EingradError, match=r"eg\.stack"):
        np.array([leaf(2), leaf(2)])
    with pytest.raises(EingradError, match="does not hold numbers"):
        tensor(["a"])
    assert np.asarray(tensor([1.0, 2.0])).dtype == np.float64


def test_repr_and_python():
    x = tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    assert repr(x) == "Tensor([[1., 2.],\n        [3., 4.]], requires_grad=True)"
    assert repr(tensor(3)) == "Tensor(3)"
    assert float(x[0, 1]) == 2.0
    assert x.sum().item() == 10.0
    assert [row.sum().item() for row in x] == [3.0, 7.0]
    assert len(x) == 2
    assert 4.0 in x
    assert (x.size, x.ndim, x.T.shape) == (4, 2, (2, 2))
    assert not x[0, 0] > 1
    with pytest.raises(ValueError, match="single entry"):
        x.item()


# --- gradients ----------------------------------------------------------------------------------


def test_gradients_accumulate():
    x = tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    (3 * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [5.0, 7.0])
    x.grad = None
    y = x * x
    y.backward([1.0, 10.0])
    y.backward(np.ones(2))
    np.testing.assert_array_equal(x.grad, [4.0, 44.0])


def test_diamonds_visit_each_operation_once():
    x = tensor(1.0, requires_grad=True)
    y = x
    for _ in range(60):  # 2^60 paths
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**60


def test_a_chain_of_ten_thousand_operations():
    x = tensor(np.ones(3), requires_grad=True)
    y = x
    for k in range(10_000):
        y = ops.tanh(y) if k % 100 == 99 else y * 1.0001
    y.sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
    del y  # and the chain is freed without recursion


def test_unused_and_constant_tensors_have_no_gradient():
    x, y = leaf(2), leaf(2)
    c = tensor([1.0, 2.0])
    (x * c).sum().backward()
    assert y.grad is None
    assert c.grad is None


def test_no_grad_and_detach():
    x = leaf(2)
    with no_grad():
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad
    assert not (x.detach() * 2).requires_grad
    (x * x.detach()).sum().backward()
    np.testing.assert_array_equal(x.grad, x.numpy())


def test_gradients_have_the_dtype_of_their_tensor():
    x = tensor(np.ones(2, np.float32), requires_grad=True)
    y = tensor(np.ones(2), requires_grad=True)
    z = x * y
    assert z.dtype == np.float64
    z.sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (np.float32, np.float64)
    w = tensor(np.ones(2), requires_grad=True)
    ops.real(w * (1 + 2j)).sum().backward()
    assert w.grad.dtype == np.float64


def test_half_precision_is_summed_in_single():
    x = tensor(np.full(4096, 1.0, np.float16), requires_grad=True)
    total = (x * x).sum()
    assert total.dtype == np.float16
    assert total.item() == 4096.0
    total.backward()
    assert x.grad.dtype == np.float16


# --- kinks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fn", "at", "gradient"),
    [
        (ops.relu, 0.0, 0.0),
        (ops.abs, 0.0, 0.0),
        (ops.sign, 0.0, 0.0),
        (ops.sqrt, 0.0, np.inf),
        (ops.leaky_relu, 0.0, 0.01),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x**1, 0.0, 1.0),
        (lambda x: x**2, 0.0, 0.0),
        (lambda x: ops.maximum(x, 1.0), 1.0, 0.5),
        (lambda x: ops.minimum(x, 1.0), 1.0, 0.5),
        (lambda x: ops.clip(x, 0.0, 1.0), 1.0, 1.0),
        (lambda x: ops.clip(x, 0.0, 1.0), 2.0, 0.0),
        (lambda x: ops.norm(ops.stack([x, x])), 0.0, 0.0),
    ],
)
def test_values_at_kinks(fn, at, gradient):
    x = tensor(at, requires_grad=True)
    fn(x).backward()
    assert x.grad.item() == gradient


def test_ties_of_max_share_the_gradient():
    x = tensor([3.0, 1.0, 3.0], requires_grad=True)
    x.max().backward()
    np.testing.assert_array_equal(x.grad, [0.5, 0.0, 0.5])


MASKED = {
    "sqrt": (lambda x: ops.where(x > 0, ops.sqrt(x) + ops.log(x), 0.0), 0.5),
    "quotient": (lambda x: ops.where(x > 0, 2 / x, 0.0), -0.125),
    "logarithm over x": (lambda x: ops.where(x > 0, ops.log(x) / x, 0.0), (1 - np.log(4)) / 16),
    "entropy": (lambda x: ops.where(x > 0, x * ops.log(x), 0.0), np.log(4) + 1),
    "power": (lambda x: ops.where(x > 0, x**0.5, 0.0), 0.25),
    "index": (lambda x: ops.log(x)[2:], 0.25),
    "relu": (lambda x: ops.relu(ops.log(x) * 3), 0.75),
}


@pytest.mark.parametrize("name", MASKED)
@pytest.mark.parametrize("compiled", [False, True])
def test_a_masked_branch_gives_no_nan(name, compiled):
    fn, slope = MASKED[name]
    fn = function(fn) if compiled else fn
    at = np.array([0.0, -1.0, 4.0])
    with np.errstate(all="ignore"):
        x = tensor(at, requires_grad=True)
        fn(x).sum().backward()
        np.testing.assert_allclose(x.grad, [0.0, 0.0, slope])
        np.testing.assert_allclose(jvp(lambda t: fn(t).sum(), (at,), (np.ones(3),))[1], slope)
        assert np.isfinite(jacobian(fn, mode="rev")(at)).all()
        assert np.isfinite(jacobian(fn, mode="fwd")(at)).all()
        assert np.isfinite(jacobian(grad(lambda t: fn(t).sum()), mode="rev")(at)).all()
        assert np.isfinite(jacobian(grad(lambda t: fn(t).sum()), mode="fwd")(at)).all()


def test_the_product_of_zeros():
    x = tensor([0.0, 2.0, 0.0], requires_grad=True)
    x.prod().backward()
    np.testing.assert_array_equal(x.grad, [0.0, 0.0, 0.0])
    y = tensor([0.0, 2.0, 3.0], requires_grad=True)
    y.prod().backward()
    np.testing.assert_array_equal(y.grad, [6.0, 0.0, 0.0])


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: tensor([1, 2], requires_grad=True), DifferentiationError, "int64 cannot"),
        (lambda: tensor([True], requires_grad=True), DifferentiationError, "bool cannot"),
        (lambda: leaf(2).backward(), DifferentiationError, r"shape \(2,\).*jacobian"),
        (lambda: leaf(2).sum().backward(np.ones(3)), ShapeError, "cotangent has shape"),
        (lambda: leaf(2).sum().backward(1j), EingradError, "cotangent has dtype complex128"),
        (lambda: tensor(1.0).backward(), DifferentiationError, "nothing with requires_grad"),
        (lambda: leaf(2) + leaf(3), ShapeError, r"\(2,\) and \(3,\): they do not broadcast"),
        (lambda: leaf(2, 3) @ leaf(2, 3), ShapeError, "axis 1 of the first has size 3"),
        (lambda: leaf(2).sum(axis=1), ShapeError, "axis 1 of a tensor with 1 axis"),
        (lambda: leaf(2, 2).sum(axis=(0, 0)), ShapeError, "named twice"),
        (lambda: leaf(2, 3).reshape(4), ShapeError, r"cannot reshape shape \(2, 3\)"),
        (lambda: ops.inv(leaf(2, 3)), ShapeError, "last two axes must be equal"),
        (lambda: leaf(2)[2], IndexError, "index 2 of axis 0, which has size 2"),
        (lambda: leaf(2)[[0, -3]], IndexError, "index -3 of axis 0"),
        (lambda: leaf(2)[0, 0], IndexError, "2 indices"),
        (lambda: leaf(2)[1.5], EingradError, "index of dtype float64"),
        (lambda: ops.concatenate([leaf(2, 2), leaf(3, 3)]), ShapeError, "operand 1 has shape"),
        (lambda: ops.max(leaf(0)), EingradError, "size 0 has no value"),
        (lambda: leaf(2) @ 2.0, ShapeError, "neither may be a scalar"),
        (lambda: ops.split(leaf(3), 2), ShapeError, "no 2 equal parts"),
    ],
)  # fmt: skip
def test_errors_by_wording(call, error, words):
    with pytest.raises(error, match=f"(?s){words}"):
        call()


# --- threads ------------------------------------------------------------------------------------


def _work(seed: int) -> np.ndarray:
    own = np.random.default_rng(seed)
    w = tensor(own.standard_normal((7, 5)), requires_grad=True)
    x = tensor(own.standard_normal((11, 7)))
    for _ in range(20):
        y = ops.softmax(ops.tanh(x @ w) * 2.0, axis=1)
        (y * y + ops.logsumexp(y, axis=0)).sum().backward()
        with no_grad():
            w -= 0.1 * w.grad
    return w.numpy()


def test_eight_threads_equal_the_serial_results():
    expected = [_work(seed) for seed in range(8)]
    found: list[np.ndarray | None] = [None] * 8

    def run(seed: int) -> None:
        found[seed] = _work(seed)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_whole_quotients_are_numpys():
    a, b = np.array([5.5, -2.0, 3.0, -7.25]), np.array([2.0, 3.0, -2.0, 0.5])
    x, y = tensor(a, requires_grad=True), tensor(b, requires_grad=True)
    for found, expected in [
        (x // y, a // b), (x % y, a % b), (7 // x, 7 // a), (7 % x, 7 % a), (x % 2, a % 2),
        (np.mod(x, y), np.mod(a, b)), (divmod(x, 3)[1], divmod(a, 3)[1]),
        (tensor([7, -8]) % 3, np.array([7, -8]) % 3), (tensor([7, -8]) // 3, [2, -3]),
    ]:  # fmt: skip
        np.testing.assert_array_equal(found.detach(), expected)
    (x % y).sum().backward()
    np.testing.assert_array_equal(x.grad, np.ones(4))
    np.testing.assert_array_equal(y.grad, -(a // b))
    check_grads(lambda p, q: (p % q) * p, (a, b), order=2)
    assert (tensor(np.ones(2, np.float32)) % 2.5).dtype == np.float32


def test_formats():
    number = tensor(3.14159, requires_grad=True) * 1
    assert f"{number:.2f}" == "3.14"
    assert f"{tensor([1.0])}" == "Tensor([1.])"
    with pytest.raises(TypeError, match=r"no number to write as '\.2f'"):
        f"{tensor([1.0, 2.0]):.2f}"


def test_nothing_equals_none_or_a_text():
    x = tensor([1.0, 2.0])
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert (x == "x") is False
    assert None not in [x]


def test_numpys_einsum_may_name_a_path():
    x, y = tensor(np.eye(2), requires_grad=True), np.ones((2, 3))
    np.testing.assert_array_equal(np.einsum("ij,jk->k", x, y, optimize=True).detach(), [2, 2, 2])
