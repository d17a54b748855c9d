r"""Labels as numbers: discounts, averages with weights that decay, polynomials; and wrong twins.

What is true is decided by PyTorch: a claim's right side is computed by an index loop beside it, and
compared with what autograd gives.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import eingrad as eg

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
Tensor = "torch.Tensor"
N = 5
GENERATOR = torch.Generator().manual_seed(162)
X = torch.rand(N, dtype=torch.float64, generator=GENERATOR) + 0.5
G = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)


def average(g: Tensor) -> Tensor:
    return torch.stack([sum(g ** (t - k) * X[k] for k in range(t + 1)) for t in range(N)])


def by_gamma(text: str) -> eg.Derivatives:
    model = eg.parse_latex(text)
    return (model.grad if text.startswith("R =") else model.jacobian)("R", "gamma")


def by_g(f: Callable[[Tensor], Tensor]) -> Tensor:
    return torch.autograd.functional.jacobian(f, G)


MODELS: dict[str, Callable[[], Tensor]] = {  # the texts, and their derivative by the base
    r"R = \sum_{t=0}^T \gamma^t r_t":
        lambda: by_g(lambda g: sum(g**t * X[t] for t in range(N))),
    r"R = \sum_{t=1}^T \gamma^{t-1} r_t":
        lambda: by_g(lambda g: sum(g**t * X[t] for t in range(N))),
    r"R = \sum_{t=1}^T \gamma^{T-t} r_t":
        lambda: by_g(lambda g: sum(g ** (N - 1 - t) * X[t] for t in range(N))),
    r"R = \sum_{t=0}^T \gamma^{T-t} r_t":
        lambda: by_g(lambda g: sum(g ** (N - 1 - t) * X[t] for t in range(N))),
    r"R = \sum_{n=0}^N r_n \gamma^n":
        lambda: by_g(lambda g: sum(X[n] * g**n for n in range(N))),
    r"R = \sum_{t=1}^T \frac{r_t}{(1+\gamma)^t}":
        lambda: by_g(lambda g: sum(X[t] / (1 + g) ** (t + 1) for t in range(N))),
    r"R = \sum_{k=0}^n \frac{(-1)^k}{2k+1} \gamma r_k":
        lambda: by_g(lambda g: sum((-1) ** k / (2 * k + 1) * g * X[k] for k in range(N))),
    r"R_t = \sum_{k=1}^t \gamma^{t-k} r_k": lambda: by_g(average),
}  # fmt: skip


@pytest.mark.parametrize("text", MODELS)
@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_derivatives(text: str, backend: str) -> None:
    given = {"gamma": np.float64(G.item()), "r": X.numpy()}
    wide = backend != "jax"  # which computes in float32 unless it is told otherwise
    results = by_gamma(text).compile(backend, dtype="float64" if wide else None)(**given)
    found = results["dR/dgamma"]
    np.testing.assert_allclose(
        np.asarray(found), MODELS[text]().numpy(), rtol=1e-10 if wide else 1e-5
    )


@pytest.mark.parametrize("text", MODELS)
def test_what_is_printed_reads_back(text: str) -> None:
    model = eg.parse_latex(text)
    lines = [line for line in str(model).splitlines() if not line.startswith("#")]
    for again in (eg.parse("\n".join(lines)), eg.parse_latex(model.latex())):
        assert str(again).splitlines()[-1] == lines[-1]
    assert "place(" in str(by_gamma(text))


DISCOUNTED, AVERAGED = r"R = \sum_{t=0}^T \gamma^t r_t", r"R_t = \sum_{k=1}^t \gamma^{t-k} r_k"
FROM_1 = r"R = \sum_{t=1}^T \gamma^{t-1} r_t"
LOOP = r"R_t = \gamma R_{t-1} + (1-\gamma) r_t"
CLAIMS = [  # the text, a claim, whether it is true
    (DISCOUNTED, r"\frac{dR}{d\gamma} = \sum_{t=0}^T t \gamma^{t-1} r_t", True),
    (DISCOUNTED, r"\frac{dR}{d\gamma} = \frac{1}{\gamma} \sum_t t \gamma^t r_t", True),
    (DISCOUNTED, r"\frac{dR}{d\gamma} = \sum_t t \gamma^t r_t", False),
    (DISCOUNTED, r"\frac{dR}{d\gamma} = \sum_t (t-1) \gamma^{t-1} r_t", False),
    (DISCOUNTED, r"\frac{\partial R}{\partial r_t} = \gamma^t", True),
    (DISCOUNTED, r"\frac{\partial R}{\partial r_t} = \gamma^{t-1}", False),
    (FROM_1, r"\frac{dR}{d\gamma} = \sum_{t=1}^T (t-1) \gamma^{t-2} r_t", True),
    (FROM_1, r"\frac{dR}{d\gamma} = \sum_{t=1}^T t \gamma^{t-1} r_t", False),
    (FROM_1, r"\frac{\partial R}{\partial r_t} = \gamma^{t-1}", True),
    (FROM_1, r"\frac{\partial R}{\partial r_t} = \gamma^t", False),
    (AVERAGED, r"\frac{\partial R_t}{\partial \gamma} = \sum_{k=1}^t (t-k)\gamma^{t-k-1} r_k",
     True),
    (AVERAGED, r"\frac{\partial R_t}{\partial \gamma} = \sum_{k=1}^t (t-k-1)\gamma^{t-k-1} r_k",
     False),
    (AVERAGED, r"\frac{\partial R_t}{\partial \gamma} = \sum_{k=1}^t \gamma^{t-k-1} r_k", False),
    (AVERAGED, r"R_t = \gamma R_{t-1} + r_t", True),
    (AVERAGED, r"R_t = R_{t-1} + \gamma r_t", False),
    (LOOP, r"R_t = (1-\gamma) \sum_{i=1}^t \gamma^{t-i} r_i", True),
    (LOOP, r"R_t = (1-\gamma) \sum_{i=1}^t \gamma^{t-i+1} r_i", False),
    (LOOP, r"R_t = \sum_{i=1}^t \gamma^{t-i} r_i", False),
    (LOOP, r"R_t = (1-\gamma) \sum_{i=1}^t \gamma^i r_i", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "true"), CLAIMS)
def test_claims(text: str, claim: str, true: bool) -> None:
    assert eg.parse_latex(text).check(claim, latex=True).outcome == ("right" if true else "wrong")


def test_the_truths_of_the_claims() -> None:
    """The claims about a derivative by the base, as loops."""
    t, g = range(N), G.detach()
    slope = sum(k * g ** (k - 1) * X[k] for k in t)
    assert torch.allclose(slope, MODELS[DISCOUNTED]())
    assert not torch.allclose(sum(k * g**k * X[k] for k in t), slope)
    slopes = [sum((s - k) * g ** (s - k - 1) * X[k] for k in range(s + 1)) for s in t]
    assert torch.allclose(torch.stack(list(map(torch.as_tensor, slopes))), by_g(average))


def test_text_has_places() -> None:
    model = eg.parse("y_t = place(t) x_t")
    assert str(model) == "y_t = place(t) x_t"
    np.testing.assert_array_equal(model.compile("y")(x=np.ones(4))["y"], [0, 1, 2, 3])


REFUSED = [
    (r"R = \sum_t \gamma^t r_t", "t above a name is a label"),  # from 0, or from 1
    (r"y_t = t x_t", "t is a label of this statement"),
    (r"y = \sum_{k=0}^K x^k", "k above a name is a label"),  # the entries of x, or powers
    (r"y = \sum_{k=1}^K \lambda^k g_k", "k above a name is a label"),
    (r"\mathbf y_t = \sum_{k=1}^t \mathbf A^{t-k} \mathbf x_k", "a power of a matrix"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_is_open_is_refused(text: str, reason: str) -> None:
    with pytest.raises(eg.NotationError, match=reason):
        eg.parse_latex(text)


def test_the_end_of_a_sum_from_0_is_no_extent() -> None:
    model = eg.parse_latex(r"y = \frac{1}{T+1} \sum_{t=0}^T r_t")
    assert model.compile("y")(r=X.numpy())["y"] == pytest.approx(X.mean().item())


def test_place_takes_a_label() -> None:
    with pytest.raises(eg.NotationError, match="place takes one label"):
        eg.parse("y_t = place(x_t) x_t")
