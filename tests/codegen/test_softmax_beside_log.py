"""A softmax beside its logarithm: one exponential, and values and gradients far out."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import eingrad as eg

ROWS, CLASSES = 3, 5
FORMS = {
    "log of a softmax at entries": "p_bo = softmax_o(z_bo)\nY_b = -log(p[b, y[b]])",
    "logsumexp": "Y_b = logsumexp_o(z_bo) - z[b, y[b]]",
    "log-softmax at entries": "q_bo = log(softmax_o(z_bo))\nY_b = -q[b, y[b]]",
    "its square": "p_bo = softmax_o(z_bo)\nY_b = log(p[b, y[b]])^2",
}
LOGITS = {
    "near": np.random.default_rng(0).normal(size=(ROWS, CLASSES)),
    "far": np.random.default_rng(1).normal(size=(ROWS, CLASSES)) * 1000,
    "equal": np.array([[2.0] * CLASSES, [2.0, 2 + 1e-15, 0, 0, 0], [0.0] * 4 + [-800]]),
}
Y = np.array([0, 4, 2])


def module_of(text: str, target: str) -> ModuleType:
    module = ModuleType("layer")
    exec(eg.parse(text).vjp("Y", ["z"]).source(target), vars(module))
    return module


def by_hand(form: str, z: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """Return the values and the sum's gradient, in PyTorch's own words."""
    torch = pytest.importorskip("torch")
    leaf = torch.tensor(z, requires_grad=True)
    value = -torch.log_softmax(leaf, 1)[torch.arange(ROWS), torch.tensor(Y)]
    value = value**2 if form == "its square" else value
    return value.detach().numpy(), torch.autograd.grad(value.sum(), leaf)[0].numpy()


@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("form", FORMS)
def test_values_and_gradients(form: str, target: str) -> None:
    library = pytest.importorskip({"jax": "jax.numpy"}.get(target, target))
    convert = library.tensor if target == "torch" else library.asarray
    module = module_of(FORMS[form], target)
    for z in LOGITS.values():
        value, gradient = by_hand(form, z)
        found, saved = module.forward(convert(z), convert(Y))
        (bar,) = module.backward(saved, convert(np.ones(ROWS)))
        exact = 1e-12 if np.asarray(found).dtype == np.float64 else 1e-5
        assert np.allclose(np.asarray(found), value, rtol=exact, atol=exact)
        assert np.allclose(np.asarray(bar), gradient, rtol=exact, atol=exact)


@pytest.mark.parametrize("form", FORMS)
def test_second_derivatives_where_maxima_are_equal(form: str) -> None:
    torch = pytest.importorskip("torch")
    module = module_of(FORMS[form], "torch")
    z = torch.tensor(LOGITS["equal"][:2], requires_grad=True)
    y = torch.tensor(Y[:2])
    assert torch.autograd.gradgradcheck(lambda z: module.value(z, y), [z], fast_mode=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
def test_one_exponential(form: str, target: str) -> None:
    text = eg.parse(FORMS[form]).vjp("Y", ["z"]).source(target)
    text = text[text.index("def forward(") : text.index("def jvp(")]
    fused = text.count("torch.softmax(") if target == "torch" else 0
    assert text.count(".exp(") + fused == 1
