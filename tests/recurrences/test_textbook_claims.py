r"""Claims of textbook chapters on layers and on time, as written, and their wrong twins.

Of a network: Nielsen, *Neural Networks and Deep Learning*, chapter 2. Of recurrences: Zhang et al.,
*Dive into Deep Learning*, back-propagation through time, and Goodfellow et al., *Deep Learning*,
section 10.2.2. What is true is decided by PyTorch: each claim stands beside the same formula in
Python, which is compared with what autograd gives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

import eingrad as eg
from eingrad.check.decide import check_each

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
Tensor = "torch.Tensor"
Pairs = Iterator[tuple[Tensor, Tensor]]  # what is claimed, what is true
Claim = tuple[str, Callable[[SimpleNamespace], Pairs] | None]  # None: its parts do not fit


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
    return lambda n: ((f(n, k), n.d[k]) for k in n.layers if k < n.L)


def every(
    f: Callable[[SimpleNamespace, int], Tensor], of: str
) -> Callable[[SimpleNamespace], Pairs]:
    """A claim about a gradient in all layers."""
    return lambda n: ((f(n, k), getattr(n, of)[k]) for k in n.layers)


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
     inner(lambda n, k: (n.w[k + 1].T @ n.d[k + 1]) * n.s(n.z[k]))),
    (r"\delta^l = (w^{l+1} \delta^{l+1}) \odot \sigma'(z^l)",
     inner(lambda n, k: (n.w[k + 1] @ n.d[k + 1]) * n.s(n.z[k]))),
    (r"\delta^l = ((w^{l})^T \delta^{l+1}) \odot \sigma'(z^l)",
     inner(lambda n, k: (n.w[k].T @ n.d[k + 1]) * n.s(n.z[k]))),
    (r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^{l+1})",
     inner(lambda n, k: (n.w[k + 1].T @ n.d[k + 1]) * n.s(n.z[k + 1]))),
    (r"\delta^l = (w^{l+1})^T \delta^{l+1}",
     inner(lambda n, k: n.w[k + 1].T @ n.d[k + 1])),
    (r"\delta^l = -((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)",
     inner(lambda n, k: -(n.w[k + 1].T @ n.d[k + 1]) * n.s(n.z[k]))),
    (r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j)",
     inner(lambda n, k: torch.einsum("kj,k,j->j", n.w[k + 1], n.d[k + 1], n.s(n.z[k])))),
    (r"\delta^l_j = \sum_k w^{l+1}_{jk} \delta^{l+1}_k \sigma'(z^l_j)",
     inner(lambda n, k: torch.einsum("jk,k,j->j", n.w[k + 1], n.d[k + 1], n.s(n.z[k])))),
    (r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_k)",
     inner(lambda n, k: torch.einsum("kj,k,k->j", n.w[k + 1], n.d[k + 1], n.s(n.z[k])))),
    (r"\delta^l_j = \sum_k \frac{\partial C}{\partial z^{l+1}_k} "
     r"\frac{\partial z^{l+1}_k}{\partial z^l_j} \\ = \sum_k "
     r"\frac{\partial z^{l+1}_k}{\partial z^l_j} \delta^{l+1}_k",
     inner(lambda n, k: n.step[k].T @ n.d[k + 1])),
    (r"\frac{\partial z^{l+1}_k}{\partial z^l_j} = w^{l+1}_{kj} \sigma'(z^l_j)",
     lambda n: ((n.w[k + 1] * n.s(n.z[k]), n.step[k]) for k in range(1, n.L))),
    (r"\frac{\partial z^{l+1}_k}{\partial z^l_j} = w^{l+1}_{kj} \sigma'(z^l_k)",
     lambda n: ((n.w[k + 1] * n.s(n.z[k])[:, None], n.step[k]) for k in range(1, n.L))),
    (r"z^{l+1}_k = \sum_j w^{l+1}_{kj} a^l_j +b^{l+1}_k"
     r" = \sum_j w^{l+1}_{kj} \sigma(z^l_j) +b^{l+1}_k",
     lambda n: ((n.w[k + 1] @ torch.sigmoid(n.z[k]) + n.b[k + 1], n.z[k + 1])
                for k in range(1, n.L))),
    (r"z^{l+1}_k = \sum_j w^{l+1}_{kj} z^l_j +b^{l+1}_k",
     lambda n: ((n.w[k + 1] @ n.z[k] + n.b[k + 1], n.z[k + 1]) for k in range(1, n.L))),
    (r"\frac{\partial C}{\partial b^l_j} = \delta^l_j", every(lambda n, k: n.d[k], "db")),
    (r"\frac{\partial C}{\partial b^l_j} = \delta^l_j a^l_j",
     every(lambda n, k: n.d[k] * n.a[k], "db")),
    (r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j",
     every(lambda n, k: torch.outer(n.d[k], n.a[k - 1]), "dw")),
    (r"\frac{\partial C}{\partial w^l_{jk}} = a^{l}_k \delta^l_j",
     every(lambda n, k: torch.outer(n.d[k], n.a[k]), "dw")),
    (r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_j \delta^l_k",
     every(lambda n, k: torch.outer(n.a[k - 1], n.d[k]), "dw")),
    (r"\frac{\partial C}{\partial w^l} = \delta^l (a^{l-1})^T",
     every(lambda n, k: torch.outer(n.d[k], n.a[k - 1]), "dw")),
    (r"\frac{\partial C}{\partial w^l} = a^{l-1} (\delta^l)^T",
     every(lambda n, k: torch.outer(n.a[k - 1], n.d[k]), "dw")),
]  # fmt: skip


def is_true(pairs: Pairs) -> bool:
    return all(torch.allclose(a, b, rtol=1e-9, atol=1e-12) for a, b in pairs)


def test_claims_about_layers() -> None:
    numbers = network()
    truths = {claim: is_true(claimed(numbers)) for claim, claimed in LAYERS}
    assert {*truths.values()} == {True, False}
    check_all(eg.parse_latex(NETWORK), truths)
    stated = eg.parse_latex(WITH_INPUT)
    assert "a[l<0,j] = a0_j" in str(stated)
    check_all(stated, {claim: True for claim, true in truths.items() if true})


def check_all(model: eg.Model, truths: dict[str, bool]) -> None:
    for claim, true in truths.items():
        verdicts = check_each(model._derived, claim, latex=True, depth="verdict")
        right = all(verdict.outcome == "right" for verdict in verdicts)
        assert right is true, f"{claim}: {verdicts}"
        assert {verdict.outcome for verdict in verdicts} <= {"right", "wrong"}


# --- time ---------------------------------------------------------------------------------------


def typeset(text: str) -> str:
    """Put the chapters' types in place: ``@bW`` and ``@hx`` are bold, ``@Wqh`` is W_qh."""
    text = re.sub("@W([a-z]+)", r"\\mathbf{W}_\\textrm{\1}", text)
    text = re.sub("@b([A-Za-z])", r"\\boldsymbol{\1}", text)
    return re.sub("@h([a-z])", r"\\mathbf{\1}", text)


ZHANG = typeset(r"""
$$\begin{aligned}@hh_t &= @Whx @hx_t + @Whh @hh_{t-1},\\
@ho_t &= @Wqh @hh_{t},\end{aligned}$$
$$L = \frac{1}{T} \sum_{t=1}^T l(@ho_t, y_t).$$""")
GOODFELLOW = typeset(r"""
@ba^{(t)} = @bb + @bW @bh^{(t-1)} + @bU @bx^{(t)} \\
@bh^{(t)} = \tanh(@ba^{(t)}) \\
@bo^{(t)} = @bc + @bV @bh^{(t)} \\
L = \sum_{t=1}^{\tau} \frac{1}{2} \|@bo^{(t)} - @by^{(t)}\|^2""")
TAU, WIDE, INPUTS, OUTPUTS = 4, 3, 2, 2


def unrolled() -> SimpleNamespace:
    """Steps 1 to 4 at those places of lists, of a linear network where ``linear``."""
    r = SimpleNamespace(
        W=drawn(WIDE, WIDE), U=drawn(WIDE, INPUTS), V=drawn(OUTPUTS, WIDE), b=drawn(WIDE),
        c=drawn(OUTPUTS), x=[None, *drawn(TAU, INPUTS)], y=[None, *drawn(TAU, OUTPUTS)],
        T=TAU, steps=range(1, TAU + 1),
    )  # fmt: skip
    parameters = [r.W, r.U, r.V, r.b, r.c]
    for p in parameters:
        p.requires_grad_()
    r.h, r.o, r.a, loss = [torch.zeros(WIDE, dtype=torch.float64)], [None], [None], 0.0
    for t in r.steps:
        r.a.append(r.b + r.W @ r.h[-1] + r.U @ r.x[t])
        r.h.append(torch.tanh(r.a[-1]))
        r.o.append(r.c + r.V @ r.h[-1])
        loss = loss + ((r.o[-1] - r.y[t]) ** 2).sum() / 2
    found = torch.autograd.grad(loss, [*parameters, *r.h[1:], *r.o[1:]])
    r.dW, r.dU, r.dV, r.db, r.dc = found[:5]
    r.dh, r.do = [None, *found[5 : 5 + TAU]], [None, *found[5 + TAU :]]
    return r


def linear() -> SimpleNamespace:
    r = SimpleNamespace(
        hx=drawn(WIDE, INPUTS), hh=drawn(WIDE, WIDE), qh=drawn(OUTPUTS, WIDE),
        x=[None, *drawn(TAU, INPUTS)], y=[None, *drawn(TAU, OUTPUTS)], T=TAU,
        steps=range(1, TAU + 1),
    )  # fmt: skip
    for p in (r.hx, r.hh, r.qh):
        p.requires_grad_()
    r.h, r.o, loss = [torch.zeros(WIDE, dtype=torch.float64)], [None], 0.0
    for t in r.steps:
        r.h.append(r.hx @ r.x[t] + r.hh @ r.h[-1])
        r.o.append(r.qh @ r.h[-1])
        loss = loss + torch.exp(r.o[-1] * r.y[t]).sum() / TAU
    found = torch.autograd.grad(loss, [r.hx, r.hh, r.qh, *r.h[1:], *r.o[1:]])
    r.dhx, r.dhh, r.dqh = found[:3]
    r.dh, r.do = [None, *found[3 : 3 + TAU]], [None, *found[3 + TAU :]]
    return r


def summed(f: Callable[[SimpleNamespace, int], Tensor], of: str) -> Callable:
    """A claim about a gradient that is a sum over time."""
    return lambda r: iter([(sum(f(r, t) for t in r.steps), getattr(r, of))])


def at_last(f: Callable[[SimpleNamespace, int], Tensor]) -> Callable:
    """A claim about the state at the last step."""
    return lambda r: iter([(f(r, r.T), r.dh[r.T])])


def before(f: Callable[[SimpleNamespace, int], Tensor]) -> Callable:
    """A claim about the state at each step but the last."""
    return lambda r: ((f(r, t), r.dh[t]) for t in r.steps if t < r.T)


LINEAR: list[Claim] = [
    (r"\frac{\partial L}{\partial @Wqh} = \sum_{t=1}^T"
     r" \frac{\partial L}{\partial @ho_t} @hh_t^\top",
     summed(lambda r, t: torch.outer(r.do[t], r.h[t]), "dqh")),
    (r"\frac{\partial L}{\partial @Wqh} = \sum_{t=1}^T"
     r" \frac{\partial L}{\partial @ho_t} @hh_{t-1}^\top",
     summed(lambda r, t: torch.outer(r.do[t], r.h[t - 1]), "dqh")),
    (r"\frac{\partial L}{\partial @hh_T} = @Wqh^\top \frac{\partial L}{\partial @ho_T}",
     at_last(lambda r, t: r.qh.T @ r.do[t])),
    (r"\frac{\partial L}{\partial @hh_T} = @Whh^\top \frac{\partial L}{\partial @ho_T}", None),
    (r"\frac{\partial L}{\partial @hh_T} = -@Wqh^\top \frac{\partial L}{\partial @ho_T}",
     at_last(lambda r, t: -r.qh.T @ r.do[t])),
    (r"\frac{\partial L}{\partial @hh_t} = @Whh^\top \frac{\partial L}{\partial @hh_{t+1}}"
     r" + @Wqh^\top \frac{\partial L}{\partial @ho_t}",
     before(lambda r, t: r.hh.T @ r.dh[t + 1] + r.qh.T @ r.do[t])),
    (r"\frac{\partial L}{\partial @hh_t} = @Whh \frac{\partial L}{\partial @hh_{t+1}}"
     r" + @Wqh^\top \frac{\partial L}{\partial @ho_t}",
     before(lambda r, t: r.hh @ r.dh[t + 1] + r.qh.T @ r.do[t])),
    (r"\frac{\partial L}{\partial @hh_t} = @Whh^\top \frac{\partial L}{\partial @hh_{t-1}}"
     r" + @Wqh^\top \frac{\partial L}{\partial @ho_t}", None),
    (r"\frac{\partial L}{\partial @hh_t} = @Whh^\top \frac{\partial L}{\partial @hh_{t+1}}",
     before(lambda r, t: r.hh.T @ r.dh[t + 1])),
    (r"\frac{\partial L}{\partial @hh_t} = @Wqh^\top \frac{\partial L}{\partial @ho_t}",
     before(lambda r, t: r.qh.T @ r.do[t])),
    (r"\frac{\partial L}{\partial @Whx} = \sum_{t=1}^T"
     r" \frac{\partial L}{\partial @hh_t} @hx_t^\top",
     summed(lambda r, t: torch.outer(r.dh[t], r.x[t]), "dhx")),
    (r"\frac{\partial L}{\partial @Whx} = \frac{1}{T}"
     r" \sum_{t=1}^T \frac{\partial L}{\partial @hh_t} @hx_t^\top",
     summed(lambda r, t: torch.outer(r.dh[t], r.x[t]) / TAU, "dhx")),
    (r"\frac{\partial L}{\partial @Whh} = \sum_{t=1}^T"
     r" \frac{\partial L}{\partial @hh_t} @hh_{t-1}^\top",
     summed(lambda r, t: torch.outer(r.dh[t], r.h[t - 1]), "dhh")),
    (r"\frac{\partial L}{\partial @Whh} = \sum_{t=1}^T"
     r" \frac{\partial L}{\partial @hh_t} @hh_t^\top",
     summed(lambda r, t: torch.outer(r.dh[t], r.h[t]), "dhh")),
]  # fmt: skip
SLOPE = r"\mathrm{diag}\left(1 - (@bh^{(t)})^2\right)"
LATER = r"\mathrm{diag}\left(1 - (@bh^{(t+1)})^2\right)"
NON_LINEAR: list[Claim] = [
    (r"\nabla_{@bh^{(\tau)}} L = @bV^\top \nabla_{@bo^{(\tau)}} L",
     at_last(lambda r, t: r.V.T @ r.do[t])),
    (r"\nabla_{@bh^{(\tau)}} L = @bW^\top \nabla_{@bh^{(\tau)}} L",
     at_last(lambda r, t: r.W.T @ r.dh[t])),
    (r"\nabla_{@bh^{(t)}} L = @bW^\top " + LATER + r" (\nabla_{@bh^{(t+1)}} L)"
     r" + @bV^\top (\nabla_{@bo^{(t)}} L)",
     before(lambda r, t: r.W.T @ ((1 - r.h[t + 1] ** 2) * r.dh[t + 1]) + r.V.T @ r.do[t])),
    (r"\nabla_{@bh^{(t)}} L = " + LATER + r" @bW^\top (\nabla_{@bh^{(t+1)}} L)"
     r" + @bV^\top (\nabla_{@bo^{(t)}} L)",
     before(lambda r, t: (1 - r.h[t + 1] ** 2) * (r.W.T @ r.dh[t + 1]) + r.V.T @ r.do[t])),
    (r"\nabla_{@bh^{(t)}} L = \left(\frac{\partial @bh^{(t+1)}}{\partial @bh^{(t)}}\right)^\top"
     r" (\nabla_{@bh^{(t+1)}} L) + \left(\frac{\partial @bo^{(t)}}{\partial @bh^{(t)}}\right)^\top"
     r" (\nabla_{@bo^{(t)}} L)",
     before(lambda r, t: r.W.T @ ((1 - r.h[t + 1] ** 2) * r.dh[t + 1]) + r.V.T @ r.do[t])),
    (r"\nabla_{@bc} L = \sum_t \nabla_{@bo^{(t)}} L", summed(lambda r, t: r.do[t], "dc")),
    (r"\nabla_{@bb} L = \sum_t " + SLOPE + r" \nabla_{@bh^{(t)}} L",
     summed(lambda r, t: (1 - r.h[t] ** 2) * r.dh[t], "db")),
    (r"\nabla_{@bb} L = \sum_t \nabla_{@bh^{(t)}} L", summed(lambda r, t: r.dh[t], "db")),
    (r"\nabla_{@bV} L = \sum_t (\nabla_{@bo^{(t)}} L) @bh^{(t)^\top}",
     summed(lambda r, t: torch.outer(r.do[t], r.h[t]), "dV")),
    (r"\nabla_{@bW} L = \sum_t " + SLOPE + r" (\nabla_{@bh^{(t)}} L) @bh^{(t-1)^\top}",
     summed(lambda r, t: torch.outer((1 - r.h[t] ** 2) * r.dh[t], r.h[t - 1]), "dW")),
    (r"\nabla_{@bW} L = \sum_t " + SLOPE + r" (\nabla_{@bh^{(t)}} L) @bh^{(t)^\top}",
     summed(lambda r, t: torch.outer((1 - r.h[t] ** 2) * r.dh[t], r.h[t]), "dW")),
    (r"\nabla_{@bU} L = \sum_t " + SLOPE + r" (\nabla_{@bh^{(t)}} L) @bx^{(t)^\top}",
     summed(lambda r, t: torch.outer((1 - r.h[t] ** 2) * r.dh[t], r.x[t]), "dU")),
]  # fmt: skip


# --- a network that is read both ways, its states under arrows (Schuster and Paliwal; Graves) -----

ARROWS = {"@r": r"\overrightarrow{\mathbf{h}}", "@l": r"\overleftarrow{\mathbf{h}}"}


def with_arrows(text: str) -> str:
    """Put types in place: ``@r`` and ``@l`` are h under arrows, ``@W`` is bold."""
    for short, arrow in ARROWS.items():
        text = text.replace(short, arrow)
    return re.sub("@([A-Za-z])", r"\\mathbf{\1}", text)


BOTH_WAYS = with_arrows(r"""
@r_t = \tanh(@U @r_{t-1} + @A @x_t) \\
@l_t = \tanh(@W @l_{t+1} + @B @x_t) \\
@o_t = @V @r_t + @Q @l_t + @b \\
L = \frac{1}{2} \sum_{t=1}^T \|@o_t - @y_t\|^2""")


def both_ways() -> SimpleNamespace:
    """Steps 1 to 4 at those places of lists; what stands outside is 0."""
    r = SimpleNamespace(
        U=drawn(WIDE, WIDE), W=drawn(WIDE, WIDE), A=drawn(WIDE, INPUTS), B=drawn(WIDE, INPUTS),
        V=drawn(OUTPUTS, WIDE), Q=drawn(OUTPUTS, WIDE), b=drawn(OUTPUTS), T=TAU,
        x=[None, *drawn(TAU, INPUTS)], y=[None, *drawn(TAU, OUTPUTS)], steps=range(1, TAU + 1),
    )  # fmt: skip
    parameters = [r.U, r.W, r.A, r.B, r.V, r.Q, r.b]
    for p in parameters:
        p.requires_grad_()
    none = torch.zeros(WIDE, dtype=torch.float64)
    r.r, r.l = [none], [none] * (TAU + 2)
    for t in r.steps:
        r.r.append(torch.tanh(r.U @ r.r[-1] + r.A @ r.x[t]))
    for t in reversed(r.steps):
        r.l[t] = torch.tanh(r.W @ r.l[t + 1] + r.B @ r.x[t])
    r.o = [None, *(r.V @ r.r[t] + r.Q @ r.l[t] + r.b for t in r.steps)]
    loss = sum(((r.o[t] - r.y[t]) ** 2).sum() / 2 for t in r.steps)
    found = torch.autograd.grad(loss, [*parameters, *r.r[1:], *r.l[1 : TAU + 1]])
    r.dU, r.dW, r.dA, r.dB, r.dV, r.dQ, r.db = found[:7]
    r.dr, r.dl = [None, *found[7 : 7 + TAU]], [None, *found[7 + TAU :]]
    r.e = [None, *(r.o[t] - r.y[t] for t in r.steps)]
    return r


E_T = r"(@o_t - @y_t)"
BOTH: list[Claim] = [
    (r"\nabla_{@r_t} L = @V^\top " + E_T
     + r" + @U^\top ((1 - @r_{t+1}^2) \odot \nabla_{@r_{t+1}} L)",
     lambda r: ((r.V.T @ r.e[t] + r.U.T @ ((1 - r.r[t + 1] ** 2) * r.dr[t + 1]), r.dr[t])
                for t in r.steps if t < r.T)),
    (r"\nabla_{@l_t} L = @Q^\top " + E_T
     + r" + @W^\top ((1 - @l_{t-1}^2) \odot \nabla_{@l_{t-1}} L)",
     lambda r: ((r.Q.T @ r.e[t] + r.W.T @ ((1 - r.l[t - 1] ** 2) * r.dl[t - 1]), r.dl[t])
                for t in r.steps if t > 1)),
    (r"\nabla_{@l_t} L = @Q^\top " + E_T
     + r" + @W^\top ((1 - @l_{t+1}^2) \odot \nabla_{@l_{t+1}} L)",
     lambda r: ((r.Q.T @ r.e[t] + r.W.T @ ((1 - r.l[t + 1] ** 2) * r.dl[t + 1]), r.dl[t])
                for t in r.steps if t < r.T)),
    (r"\nabla_{@l_t} L = @V^\top " + E_T
     + r" + @W^\top ((1 - @l_{t-1}^2) \odot \nabla_{@l_{t-1}} L)",
     lambda r: ((r.V.T @ r.e[t] + r.W.T @ ((1 - r.l[t - 1] ** 2) * r.dl[t - 1]), r.dl[t])
                for t in r.steps if t > 1)),
    (r"\nabla_{@W} L = \sum_t ((1 - @l_t^2) \odot \nabla_{@l_t} L) @l_{t+1}^\top",
     summed(lambda r, t: torch.outer((1 - r.l[t] ** 2) * r.dl[t], r.l[t + 1]), "dW")),
    (r"\nabla_{@W} L = \sum_t ((1 - @l_t^2) \odot \nabla_{@l_t} L) @l_{t-1}^\top",
     summed(lambda r, t: torch.outer((1 - r.l[t] ** 2) * r.dl[t], r.l[t - 1]), "dW")),
    (r"\nabla_{@U} L = \sum_t ((1 - @r_t^2) \odot \nabla_{@r_t} L) @r_{t-1}^\top",
     summed(lambda r, t: torch.outer((1 - r.r[t] ** 2) * r.dr[t], r.r[t - 1]), "dU")),
    (r"\nabla_{@U} L = \sum_t ((1 - @r_t^2) \odot \nabla_{@l_t} L) @r_{t-1}^\top",
     summed(lambda r, t: torch.outer((1 - r.r[t] ** 2) * r.dl[t], r.r[t - 1]), "dU")),
    (r"\nabla_{@Q} L = \sum_t " + E_T + r" @l_t^\top",
     summed(lambda r, t: torch.outer(r.e[t], r.l[t]), "dQ")),
    (r"\nabla_{@Q} L = \sum_t " + E_T + r" @r_t^\top",
     summed(lambda r, t: torch.outer(r.e[t], r.r[t]), "dQ")),
]  # fmt: skip
CHAPTERS = {
    "Zhang": (ZHANG, LINEAR, linear, typeset), "Both": (BOTH_WAYS, BOTH, both_ways, with_arrows),
    "Goodfellow": (GOODFELLOW, NON_LINEAR, unrolled, typeset),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "claims", "numbers", "types"), CHAPTERS.values(), ids=CHAPTERS.keys()
)
def test_claims_about_time(
    text: str,
    claims: list[Claim],
    numbers: Callable[[], SimpleNamespace],
    types: Callable[[str], str],
) -> None:
    own = numbers()
    truths = {types(claim): f is not None and is_true(f(own)) for claim, f in claims}
    assert {*truths.values()} == {True, False}
    check_all(eg.parse_latex(text), truths)


def test_what_a_wrong_claim_should_be() -> None:
    model = eg.parse_latex(NETWORK)
    verdict = model.check(r"\delta^l = (w^{l+1} \delta^{l+1}) \odot \sigma'(z^l)", latex=True)
    assert "w[l+1]^T deltas[l+1] is meant" in verdict.reason
    verdict = model.check(r"\frac{\partial C}{\partial w^l_{jk}} = a^{l}_k \delta^l_j")
    assert "a[l-1,k] is meant" in verdict.reason
    verdict = model.check(r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)", latex=True)
    assert "the claim is judged where l is not the last, where l+1 is outside" in verdict.notes
