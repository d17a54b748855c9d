r"""Claims of public texts on a convolution's and an LSTM's backward pass, and wrong twins of them.

Of convolutions: loliot.net, *Convolution 2D* (nn/basics/cnn), with the sums over positions that it
has on the way. Of the LSTM: the vignette *LSTM units* of the R package rnn, whose errors are those
of the gates (its 5 to 12), in the matrices of which it speaks. Two of its formulas are mistaken,
that of the cell's error (``\delta 8``, a product for a sum) and ``\delta 22`` (another gate's
matrix); they are among the twins. What is true is decided by PyTorch: each claim stands beside the
same formula in loops or matrices, which is compared with what autograd gives.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

import eingrad as eg

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
Tensor = "torch.Tensor"
Claim = tuple[str, Callable[[SimpleNamespace], Tensor], str]  # claimed, and by what

GENERATOR = torch.Generator().manual_seed(16)


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=GENERATOR, requires_grad=True)


CONVOLUTION = r"""\begin{align}
z_{i,j} &= \sum_m \sum_n a_{i+m,j+n} \omega_{m,n} + b_{i,j} \\
o_{i,j} &= \sigma(z_{i,j}) \\
E &= \frac{1}{2} \sum_{i,j} (o_{i,j} - t_{i,j})^2
\end{align}"""


def convolution() -> SimpleNamespace:
    v = SimpleNamespace(a=drawn(5, 6), w=drawn(2, 3), b=drawn(4, 4), t=drawn(4, 4))
    v.z = sum(v.a[m : m + 4, n : n + 4] * v.w[m, n] for m in range(2) for n in range(3)) + v.b
    v.o = torch.sigmoid(v.z)
    loss = ((v.o - v.t) ** 2).sum() / 2
    v.by = dict(zip("awbz", torch.autograd.grad(loss, [v.a, v.w, v.b, v.z]), strict=True))
    return v


def scattered(v: SimpleNamespace, sign: int) -> Tensor:
    """The sums over m and n of dE/dz at i - m, j - n (or + m, + n) times w."""
    found = torch.zeros_like(v.a)
    for i in range(5):
        for j in range(6):
            for m in range(2):
                for n in range(3):
                    p, q = i - sign * m, j - sign * n
                    if 0 <= p < 4 and 0 <= q < 4:
                        found[i, j] += v.by["z"][p, q] * v.w[m, n]
    return found


def correlated(v: SimpleNamespace, factor: float = 1.0) -> Tensor:
    return torch.stack([
        torch.stack([(v.by["z"] * v.a[m : m + 4, n : n + 4]).sum() * factor for n in range(3)])
        for m in range(2)
    ])  # fmt: skip


Z = r"\frac{\partial E}{\partial z_{i,j}}"
W, A = r"\frac{\partial E}{\partial \omega_{m,n}} = ", r"\frac{\partial E}{\partial a_{i,j}} = "
ON_CONVOLUTION: list[Claim] = [
    (rf"{W}\sum_i \sum_j {Z} a_{{i+m, j+n}}", correlated, "w"),
    (rf"{W}\sum_i \sum_j {Z} a_{{m+i, n+j}} / 2", lambda v: correlated(v, 0.5), "w"),
    (r"\frac{\partial E}{\partial b_{i,j}} = " + Z, lambda v: v.by["z"], "b"),
    (A + r"\sum_m \sum_n \frac{\partial E}{\partial z_{i-m,j-n}} \omega_{m,n}",
     lambda v: scattered(v, 1), "a"),
    (A + r"\sum_x \sum_y \frac{\partial E}{\partial z_{x,y}} \omega_{i-x,j-y}",
     lambda v: scattered(v, 1), "a"),
    (A + r"\sum_m \sum_n \frac{\partial E}{\partial z_{i+m,j+n}} \omega_{m,n}",
     lambda v: scattered(v, -1), "a"),
    (Z + r" = (o_{i,j} - t_{i,j}) \sigma'(z_{i,j})",
     lambda v: (v.o - v.t) * v.o * (1 - v.o), "z"),
    (Z + " = o_{i,j} - t_{i,j}", lambda v: v.o - v.t, "z"),
]  # fmt: skip


GATES = "figo"
LSTM = "\n".join([
    r"\begin{align}",
    *(rf"\mathbf{{{x}}}_t &= {f}(\mathbf{{W}}_{{h{x}}} \mathbf{{h}}_{{t-1}}"
      rf" + \mathbf{{W}}_{{x{x}}} \mathbf{{x}}_t) \\"
      for x, f in zip(GATES, (r"\sigma", r"\sigma", r"\tanh", r"\sigma"), strict=True)),
    r"\mathbf{c}_t &= \mathbf{c}_{t-1} \odot \mathbf{f}_t + \mathbf{i}_t \odot \mathbf{g}_t \\",
    r"\mathbf{h}_t &= \mathbf{o}_t \odot \tanh(\mathbf{c}_t) \\",
    r"L &= \sum_t \|\mathbf{h}_t - \mathbf{y}_t\|^2",
    r"\end{align}",
])  # fmt: skip
TIMES = 4


def lstm() -> SimpleNamespace:
    """All states as lists over time; ``by`` are the gradients by them, one row a time."""
    v = SimpleNamespace(x=drawn(TIMES, 2), y=drawn(TIMES, 3), c=[], h=[], **{g: [] for g in GATES})
    wh, wx = ({g: drawn(3, n) for g in GATES} for n in (3, 2))
    zero = torch.zeros(3, dtype=torch.float64)
    for t in range(TIMES):
        before = (v.h[-1], v.c[-1]) if t else (zero, zero)
        for g in GATES:
            into = wh[g] @ before[0] + wx[g] @ v.x[t]
            getattr(v, g).append(torch.tanh(into) if g == "g" else torch.sigmoid(into))
        v.c.append(before[1] * v.f[t] + v.i[t] * v.g[t])
        v.h.append(v.o[t] * torch.tanh(v.c[t]))
    loss = sum(((v.h[t] - v.y[t]) ** 2).sum() for t in range(TIMES))
    v.by = {
        s: torch.stack(
            [
                torch.zeros_like(zero) if d is None else d
                for d in torch.autograd.grad(
                    loss, getattr(v, s), retain_graph=True, allow_unused=True
                )
            ]
        )
        for s in (*GATES, "c", "h")
    }
    v.by |= {f"W_h{g}": torch.autograd.grad(loss, wh[g], retain_graph=True)[0] for g in GATES}
    for s in (*GATES, "c", "h"):
        setattr(v, s, torch.stack(getattr(v, s)))
    return v


def later(x: Tensor) -> Tensor:
    return torch.cat([x[1:], torch.zeros_like(x[:1])])


def earlier(x: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(x[:1]), x[:-1]])


def by(name: str, at: str = "t") -> str:
    return rf"\frac{{\partial L}}{{\partial \mathbf{{{name}}}_{{{at}}}}}"


INNER = rf"{by('h')} \odot \mathbf{{o}}_t \odot (1 - \tanh^2(\mathbf{{c}}_t))"
NEXT = rf"{by('c', 't+1')} \odot \mathbf{{f}}_{{t+1}}"


def inner(v: SimpleNamespace) -> Tensor:
    return v.by["h"] * v.o * (1 - torch.tanh(v.c) ** 2)


ON_LSTM: list[Claim] = [
    (rf"{by('o')} = {by('h')} \odot \tanh(\mathbf{{c}}_t)",
     lambda v: v.by["h"] * torch.tanh(v.c), "o"),
    (rf"{by('c')} = {INNER} + {NEXT}", lambda v: inner(v) + later(v.by["c"] * v.f), "c"),
    (rf"{by('c')} = {INNER} \odot {NEXT}", lambda v: inner(v) * later(v.by["c"] * v.f), "c"),
    (rf"{by('c')} = {INNER}", inner, "c"),
    (rf"{by('g')} = {by('c')} \odot \mathbf{{i}}_t", lambda v: v.by["c"] * v.i, "g"),
    (rf"{by('i')} = {by('c')} \odot \mathbf{{g}}_t", lambda v: v.by["c"] * v.g, "i"),
    (rf"{by('i')} = {by('c')} \odot \mathbf{{i}}_t", lambda v: v.by["c"] * v.i, "i"),
    (rf"{by('f')} = {by('c')} \odot \mathbf{{c}}_{{t-1}}",
     lambda v: v.by["c"] * earlier(v.c), "f"),
    (rf"{by('f')} = {by('c')} \odot \mathbf{{c}}_t", lambda v: v.by["c"] * v.c, "f"),
    (r"\frac{\partial L}{\partial \mathbf{W}_{hf}} = \sum_t ("
     rf"{by('f')} \odot \mathbf{{f}}_t \odot (1 - \mathbf{{f}}_t)) \mathbf{{h}}_{{t-1}}^\top",
     lambda v: (v.by["f"] * v.f * (1 - v.f)).T @ earlier(v.h), "W_hf"),
    (r"\frac{\partial L}{\partial \mathbf{W}_{hi}} = \sum_t ("
     rf"{by('f')} \odot \mathbf{{f}}_t \odot (1 - \mathbf{{f}}_t)) \mathbf{{h}}_{{t-1}}^\top",
     lambda v: (v.by["f"] * v.f * (1 - v.f)).T @ earlier(v.h), "W_hi"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "drawn_at", "claims"),
    [(CONVOLUTION, convolution, ON_CONVOLUTION), (LSTM, lstm, ON_LSTM)],
    ids=["convolution", "LSTM"],
)
def test_claims_as_written(
    text: str, drawn_at: Callable[[], SimpleNamespace], claims: list[Claim]
) -> None:
    model, values = eg.parse_latex(text), drawn_at()
    for claim, formula, name in claims:
        right = torch.allclose(formula(values), values.by[name], rtol=1e-9, atol=1e-12)
        verdict = model.check(claim, latex=True)
        assert verdict.outcome == ("right" if right else "wrong"), (claim, verdict)
