r"""Claims of textbook chapters on layers and on time, as written, and their wrong twins.

Of a network: Nielsen, *Neural Networks and Deep Learning*, chapter 2. Of recurrences: Zhang et al.,
*Dive into Deep Learning*, back-propagation through time, and Goodfellow et al., *Deep Learning*,
section 10.2.2. What is true is decided by PyTorch: each claim stands beside the same formula in
Python, which is compared with what autograd gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

import eingrad as eg

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
Tensor = "torch.Tensor"
Pairs = Iterator[tuple[Tensor, Tensor]]  # what is claimed, what is true
Claim = tuple[str, Callable[[SimpleNamespace], Pairs]]


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=GENERATOR)


GENERATOR = torch.Generator().manual_seed(16)

# --- layers -------------------------------------------------------------------------------------

NETWORK = r"""
\begin{eqnarray}
  z^{l}_j = \sum_k w^{l}_{jk} a^{l-1}_k + b^l_j, \\
  a^{l}_j = \sigma(z^l_j), \\
  C = \frac{1}{2} \sum_j (y_j-a^L_j)^2, \\
  \delta^l_j \equiv \frac{\partial C}{\partial z^l_j}.
\end{eqnarray}"""
WITH_INPUT = NETWORK.replace(r"C =", r"a^0_j = x_j, \\ C =")
COUNT, WIDTH = 4, 3


def network() -> SimpleNamespace:
    """Layers 1 to 4 at those places of lists; what stands before the first one at 0."""
    w = [None, *(drawn(WIDTH, WIDTH).requires_grad_() for _ in range(COUNT))]
    b = [None, *(drawn(WIDTH).requires_grad_() for _ in range(COUNT))]
    y, z, a = drawn(WIDTH), [None], [drawn(WIDTH)]
    for k in range(1, COUNT + 1):
        z.append(w[k] @ a[-1] + b[k])
        a.append(torch.sigmoid(z[-1]))
    loss = ((y - a[-1]) ** 2).sum() / 2
    places = range(1, COUNT + 1)

    def by(own: list) -> list:
        found = torch.autograd.grad(loss, own[1:], retain_graph=True)
        return [None, *found]

    def slope(x: Tensor) -> Tensor:
        return torch.sigmoid(x) * (1 - torch.sigmoid(x))

    one = torch.autograd.functional.jacobian
    step = [one(lambda x, k=k: w[k + 1] @ torch.sigmoid(x) + b[k + 1], z[k].detach())
            for k in range(1, COUNT)]  # fmt: skip
    return SimpleNamespace(w=w, b=b, y=y, z=z, a=a, L=COUNT, layers=places, s=slope,
                           d=by(z), dw=by(w), db=by(b), da=by(a), step=[None, *step])  # fmt: skip


def last(f: Callable[[SimpleNamespace], Tensor]) -> Callable[[SimpleNamespace], Pairs]:
    """A claim about the error in the last layer."""
    return lambda n: iter([(f(n), n.d[n.L])])


def inner(f: Callable[[SimpleNamespace, int], Tensor]) -> Callable[[SimpleNamespace], Pairs]:
    """A claim about the error in all layers but the last."""
    return lambda n: ((f(n, l), n.d[l]) for l in n.layers if l < n.L)  # noqa: E741


def every(
    f: Callable[[SimpleNamespace, int], Tensor], of: str
) -> Callable[[SimpleNamespace], Pairs]:
    """A claim about a gradient in all layers."""
    return lambda n: ((f(n, l), getattr(n, of)[l]) for l in n.layers)  # noqa: E741


LAYERS: list[Claim] = [
    (r"\delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)",
     last(lambda n: n.da[n.L] * n.s(n.z[n.L]))),
    (r"\delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma(z^L_j)",
     last(lambda n: n.da[n.L] * torch.sigmoid(n.z[n.L]))),
    (r"\delta^L = \nabla_a C \odot \sigma'(z^L)",
     last(lambda n: n.da[n.L] * n.s(n.z[n.L]))),
    (r"\delta^L = \nabla_a C \odot \sigma'(a^L)",
     last(lambda n: n.da[n.L] * n.s(n.a[n.L]))),
    (r"\delta^L = (a^L-y) \odot \sigma'(z^L)",
     last(lambda n: (n.a[n.L] - n.y) * n.s(n.z[n.L]))),
    (r"\delta^L = (y-a^L) \odot \sigma'(z^L)",
     last(lambda n: (n.y - n.a[n.L]) * n.s(n.z[n.L]))),
    (r"\delta^L = 2 (a^L-y) \odot \sigma'(z^L)",
     last(lambda n: 2 * (n.a[n.L] - n.y) * n.s(n.z[n.L]))),
    (r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)",
     inner(lambda n, l: (n.w[l + 1].T @ n.d[l + 1]) * n.s(n.z[l]))),
    (r"\delta^l = (w^{l+1} \delta^{l+1}) \odot \sigma'(z^l)",
     inner(lambda n, l: (n.w[l + 1] @ n.d[l + 1]) * n.s(n.z[l]))),
    (r"\delta^l = ((w^{l})^T \delta^{l+1}) \odot \sigma'(z^l)",
     inner(lambda n, l: (n.w[l].T @ n.d[l + 1]) * n.s(n.z[l]))),
    (r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^{l+1})",
     inner(lambda n, l: (n.w[l + 1].T @ n.d[l + 1]) * n.s(n.z[l + 1]))),
    (r"\delta^l = (w^{l+1})^T \delta^{l+1}",
     inner(lambda n, l: n.w[l + 1].T @ n.d[l + 1])),
    (r"\delta^l = -((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)",
     inner(lambda n, l: -(n.w[l + 1].T @ n.d[l + 1]) * n.s(n.z[l]))),
    (r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j)",
     inner(lambda n, l: torch.einsum("kj,k,j->j", n.w[l + 1], n.d[l + 1], n.s(n.z[l])))),
    (r"\delta^l_j = \sum_k w^{l+1}_{jk} \delta^{l+1}_k \sigma'(z^l_j)",
     inner(lambda n, l: torch.einsum("jk,k,j->j", n.w[l + 1], n.d[l + 1], n.s(n.z[l])))),
    (r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_k)",
     inner(lambda n, l: torch.einsum("kj,k,k->j", n.w[l + 1], n.d[l + 1], n.s(n.z[l])))),
    (r"\delta^l_j = \sum_k \frac{\partial C}{\partial z^{l+1}_k} "
     r"\frac{\partial z^{l+1}_k}{\partial z^l_j} \\ = \sum_k "
     r"\frac{\partial z^{l+1}_k}{\partial z^l_j} \delta^{l+1}_k",
     inner(lambda n, l: n.step[l].T @ n.d[l + 1])),
    (r"\frac{\partial z^{l+1}_k}{\partial z^l_j} = w^{l+1}_{kj} \sigma'(z^l_j)",
     lambda n: ((n.w[l + 1] * n.s(n.z[l]), n.step[l]) for l in range(1, n.L))),
    (r"\frac{\partial z^{l+1}_k}{\partial z^l_j} = w^{l+1}_{kj} \sigma'(z^l_k)",
     lambda n: ((n.w[l + 1] * n.s(n.z[l])[:, None], n.step[l]) for l in range(1, n.L))),
    (r"z^{l+1}_k = \sum_j w^{l+1}_{kj} a^l_j +b^{l+1}_k"
     r" = \sum_j w^{l+1}_{kj} \sigma(z^l_j) +b^{l+1}_k",
     lambda n: ((n.w[l + 1] @ torch.sigmoid(n.z[l]) + n.b[l + 1], n.z[l + 1])
                for l in range(1, n.L))),
    (r"z^{l+1}_k = \sum_j w^{l+1}_{kj} z^l_j +b^{l+1}_k",
     lambda n: ((n.w[l + 1] @ n.z[l] + n.b[l + 1], n.z[l + 1]) for l in range(1, n.L))),
    (r"\frac{\partial C}{\partial b^l_j} = \delta^l_j", every(lambda n, l: n.d[l], "db")),
    (r"\frac{\partial C}{\partial b^l_j} = \delta^l_j a^l_j",
     every(lambda n, l: n.d[l] * n.a[l], "db")),
    (r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j",
     every(lambda n, l: torch.outer(n.d[l], n.a[l - 1]), "dw")),
    (r"\frac{\partial C}{\partial w^l_{jk}} = a^{l}_k \delta^l_j",
     every(lambda n, l: torch.outer(n.d[l], n.a[l]), "dw")),
    (r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_j \delta^l_k",
     every(lambda n, l: torch.outer(n.a[l - 1], n.d[l]), "dw")),
    (r"\frac{\partial C}{\partial w^l} = \delta^l (a^{l-1})^T",
     every(lambda n, l: torch.outer(n.d[l], n.a[l - 1]), "dw")),
    (r"\frac{\partial C}{\partial w^l} = a^{l-1} (\delta^l)^T",
     every(lambda n, l: torch.outer(n.a[l - 1], n.d[l]), "dw")),
]  # fmt: skip


def is_true(pairs: Pairs) -> bool:
    return all(torch.allclose(a, b, rtol=1e-9, atol=1e-12) for a, b in pairs)


@pytest.mark.parametrize("text", [NETWORK, WITH_INPUT], ids=["no input", "input"])
def test_claims_about_layers(text: str) -> None:
    numbers = network()
    if text is NETWORK:
        assert {is_true(claimed(numbers)) for _, claimed in LAYERS} == {True, False}
    model = eg.parse_latex(text)
    for claim, claimed in LAYERS:
        verdict = model.check(claim, latex=True)
        wanted = "right" if is_true(claimed(numbers)) else "wrong"
        assert verdict.outcome == wanted, f"{claim}: {verdict}"
