"""``X[...,d]``: leading axes of any number, in the notation and in compiled functions."""

from __future__ import annotations

import numpy as np
import pytest

import eingrad as eg

NORM = "v[...] = mean_d(X[...,d]^2)\nY[...,d] = X[...,d] g_d / sqrt(v[...] + 1e-5)"
LOSS = "Y[...,f] = X[...,d] W_df\nL = mean_{...,f}((Y[...,f] - T[...,f])^2)"


@pytest.mark.parametrize("lead", [(), (3,), (2, 3), (2, 1, 3), (0, 2)])
@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_a_norm_is_numpys_whatever_the_leading_axes(backend, lead):
    own = pytest.importorskip({"jax": "jax.numpy"}.get(backend, backend)).asarray
    rng = np.random.default_rng(0)
    X, g = (rng.normal(size=shape).astype(np.float32) for shape in ((*lead, 5), (5,)))
    found = eg.parse(NORM).compile(backend=backend)(X=own(X), g=own(g))
    v = np.mean(X**2, axis=-1)
    np.testing.assert_allclose(np.asarray(found["v"]), v, rtol=1e-5)
    expected = X * g / np.sqrt(v[..., None] + 1e-5)
    np.testing.assert_allclose(np.asarray(found["Y"]), expected, rtol=1e-5)


def test_gradients_sum_over_the_leading_axes():
    gradients = eg.parse(LOSS).grad("L", ["W", "X"])
    assert str(gradients["W"]).startswith("dL/dW_df = 2 X[...,d] (Y[...,f] - T[...,f])")
    rng = np.random.default_rng(0)
    X, W, T = (rng.normal(size=s) for s in ((2, 3, 4, 5), (5, 2), (2, 3, 4, 2)))
    found = gradients.compile()(X=X, W=W, T=T)
    residual = 2 * (X @ W - T) / T.size
    np.testing.assert_allclose(found["dL/dX"], residual @ W.T)
    np.testing.assert_allclose(found["dL/dW"], np.einsum("abcd,abcf->df", X, residual))


def test_a_training_step_takes_them():
    step = eg.parse(LOSS).grad("L", ["W"]).compile(update=eg.sgd(lr=0.1))
    rng = np.random.default_rng(0)
    X, W, T = (rng.normal(size=s) for s in ((2, 3, 5), (5, 2), (2, 3, 2)))
    losses = [float(step(X=X, W=W, T=T)["L"]) for _ in range(5)]
    assert losses == sorted(losses, reverse=True)
    with pytest.raises(eg.EingradError, match="updated in place, and has leading axes"):
        eg.parse(LOSS).grad("L", ["X"]).compile(update=eg.sgd(lr=0.1))


@pytest.mark.parametrize("text", [NORM, LOSS])
def test_what_is_printed_reads_back(text):
    model = eg.parse(text)
    assert str(eg.parse(str(model))) == str(model)
    assert not model.notes
    for name in ("g", "X") if text is NORM else ("W", "X"):
        if text is LOSS:
            claim = str(model.grad("L", name)[name])
            assert model.check(claim).ok
    assert r"_{\ldots,d}" in eg.parse(LOSS).grad("L", "W").latex()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("y_i = X[...,...,i]", "X has ... twice"),
        ("y_i = X[i,...]", "the label ... occurs once and does not stand on the left side"),
        ("y_i = X[..,i]", "'..' is not a label"),
    ],
)
def test_what_cannot_be_says_so(text, reason):
    with pytest.raises(eg.NotationError, match=reason):
        eg.parse(text)


def test_arrays_that_do_not_fit():
    f = eg.parse(LOSS).compile()
    X, W = np.ones((2, 3, 5)), np.ones((5, 2))
    with pytest.raises(eg.ShapeError, match=r"\(2, 3\) in X, and of \(3,\) in T"):
        f(X=X, W=W, T=np.ones((3, 2)))
    with pytest.raises(eg.ShapeError, match="label d"):
        f(X=X, W=np.ones((4, 2)), T=np.ones((2, 3, 2)))
    with pytest.raises(eg.DifferentiationError, match="both have leading axes"):
        eg.parse(LOSS).jacobian("Y", "X")
