"""Conditions on labels: values, derivatives of two orders and texts, beside PyTorch."""

# ruff: noqa: E501, ARG005 (a table: one row, one line; its functions take all that there is)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import eingrad as eg
from eingrad.notation.latex import to_latex

torch = pytest.importorskip("torch")

N = 4
Reference = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """A model in text and in LaTeX, its inputs' shapes, and the same as loops in PyTorch."""

    text: str
    latex: str
    shapes: dict[str, tuple[int, ...]]
    wrt: str
    reference: Reference

    def arrays(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(3)
        made = {n: rng.normal(size=s) for n, s in self.shapes.items() if n != "y"}
        if "y" in self.shapes:
            made["y"] = rng.integers(0, 3, self.shapes["y"])
        return made


def pairs(holds: Callable[[int, int], bool]) -> list[tuple[int, int]]:
    return [(i, j) for i in range(N) for j in range(N) if holds(i, j)]


def _coulomb(q: Any, X: Any) -> Any:
    return sum(q[i] * q[j] / torch.linalg.norm(X[i] - X[j]) for i, j in pairs(lambda i, j: i < j))


def _svm(s: Any, y: Any) -> Any:
    return sum(
        torch.clamp(s[b, j] - s[b, int(y[b])] + 1, min=0)
        for b in range(len(y)) for j in range(s.shape[1]) if j != y[b]
    )  # fmt: skip


def _without_positive(z: Any, p: Any) -> Any:
    s = z @ p.T
    others = [torch.stack([s[i, j] for j in range(N) if j != i]) for i in range(N)]
    return sum(torch.logsumexp(row, 0) - s[i, i] for i, row in enumerate(others))


def _causal(S: Any, V: Any) -> Any:
    below = torch.tril(torch.ones(N, N)) > 0
    return ((torch.softmax(S.masked_fill(~below, -1e9), 1) @ V) ** 2).sum()


def _largest_before(x: Any, w: Any) -> Any:
    return sum(w[i] * torch.stack([x[j] for j in range(N) if j != i]).max() for i in range(N))


def _entropy(x: Any) -> Any:
    d = (x[:, None] - x[None, :]) ** 2
    p = {(i, j): 1 / (1 + d[i, j]) for i, j in pairs(lambda i, j: i != j)}
    total = sum(p.values())
    return sum(v / total * torch.log(v / total) for v in p.values())


# fmt: off
CASES = [
    Case("L = sum_{i != j}(1 / (x_i - x_j)^2)", r"L = \sum_{i \ne j} \frac{1}{(x_i - x_j)^2}",
         {"x": (N,)}, "x", lambda x: sum((x[i] - x[j]) ** -2 for i, j in pairs(lambda i, j: i != j))),
    Case("L = sum_{i < j}(q_i q_j / norm_k(X_ik - X_jk))",
         r"L = \sum_{i<j} \frac{q_i q_j}{\|X_{ik} - X_{jk}\|_k}",
         {"q": (N,), "X": (N, 2)}, "X q", _coulomb),
    Case("L = sum_{j < i}(log(abs(x_i - x_j)))", r"L = \sum_i \sum_{j=1}^{i-1} \log |x_i - x_j|",
         {"x": (N,)}, "x",
         lambda x: sum(torch.log(abs(x[i] - x[j])) for i, j in pairs(lambda i, j: j < i))),
    Case("d_ij = abs(x_i - x_j)\nL = sum_{i != j}(log(d_ij) w_ij)",
         r"d_{ij} = |x_i - x_j| \\ L = \sum_{i \neq j} w_{ij} \log d_{ij}",
         {"x": (N,), "w": (N, N)}, "x w",
         lambda x, w: sum(torch.log(abs(x[i] - x[j])) * w[i, j]
                          for i, j in pairs(lambda i, j: i != j))),
    Case("L = sum_b(sum_{j != y[b]}(maximum(0, s_bj - s[b,y[b]] + 1)))",
         r"L = \sum_b \sum_{j \ne y_b} \max(0, s_{bj} - s_{b, y_b} + 1)",
         {"s": (5, 3), "y": (5,)}, "s", _svm),
    Case("L = sum_i(logsumexp_{j != i}(z_ik p_jk) - z_ik p_ik)",
         r"L = \sum_i \left( \log \sum_{j \ne i} \exp(z_{ik} p_{jk}) - z_{ik} p_{ik} \right)",
         {"z": (N, 2), "p": (N, 2)}, "z p", _without_positive),
    Case("A_qk = where(k <= q, S_qk, -1e9)\nP_qk = softmax_k(A_qk)\nY_qd = P_qk V_kd\nL = sum_qd(Y_qd^2)",
         r"A_{qk} = \begin{cases} S_{qk} & k \le q \\ -10^9 & \text{otherwise} \end{cases} \\"
         r" P_{qk} = \operatorname{softmax}_k(A_{qk}) \\ Y_{qd} = P_{qk} V_{kd} \\ L = \sum_{qd} Y_{qd}^2",
         {"S": (N, N), "V": (N, 2)}, "S V", _causal),
    Case("P_qk = softmax_{k, k <= q}(S_qk)\nY_qd = P_qk V_kd\nL = sum_qd(Y_qd^2)", "",
         {"S": (N, N), "V": (N, 2)}, "S V", _causal),
    Case("L = sum_i(w_i max_{j != i}(x_j))", "", {"x": (N,), "w": (N,)}, "x w", _largest_before),
    Case("L = sum_{i < j < k}(x_i x_j x_k)", r"L = \sum_{i<j<k} x_i x_j x_k", {"x": (N,)}, "x",
         lambda x: sum(x[i] * x[j] * x[k] for k in range(N) for j in range(k) for i in range(j))),
    Case("L = sum_i(w_i mean_{j <= i}(x_j^2))", "", {"x": (N,), "w": (N,)}, "x w",
         lambda x, w: sum(w[i] * (x[: i + 1] ** 2).mean() for i in range(N))),
    Case("L = sum_i(w_i prod_{j != i}(x_i - x_j))", r"L = \sum_i w_i \prod_{j \ne i} (x_i - x_j)",
         {"x": (N,), "w": (N,)}, "x w",
         lambda x, w: sum(w[i] * torch.stack([x[i] - x[j] for j in range(N) if j != i]).prod()
                          for i in range(N))),
    Case("L = sum_ij(where(abs(i - j) <= 1, exp(A_ij), A_ij))",
         r"L = \sum_{ij} \begin{cases} \exp(A_{ij}) & \text{if } |i - j| \le 1 \\ A_{ij} & \text{otherwise} \end{cases}",
         {"A": (N, N)}, "A",
         lambda A: sum(torch.exp(A[i, j]) if abs(i - j) <= 1 else A[i, j]
                       for i, j in pairs(lambda i, j: i + j >= 0))),
    Case("L = sum_{i > 0}(x_i^3) + sum_i(where(i == size(i) - 1, exp(x_i), 0))",
         r"L = \sum_{i > 1} x_i^3 + \sum_i \begin{cases} \exp(x_i) & i = |i| \\ 0 & \text{otherwise} \end{cases}",
         {"x": (N,)}, "x", lambda x: (x[1:] ** 3).sum() + torch.exp(x[-1])),
    Case("q_ij = 1 / (1 + (x_i - x_j)^2)\nZ = sum_{k != l}(q_kl)\np_ij = q_ij / Z\nL = sum_{i != j}(p_ij log(p_ij))",
         "", {"x": (N,)}, "x", _entropy),
    Case("L = sum_{i != j}(a_i / (x_j - t_i))", r"L = \sum_{i \ne j} \frac{a_i}{x_j - t_i}",
         {"x": (N,), "a": (N,), "t": (N,)}, "x a t",
         lambda x, a, t: sum(a[i] / (x[j] - t[i]) for i, j in pairs(lambda i, j: i != j))),
]
# fmt: on
IDS = [case.text.splitlines()[-1] for case in CASES]


def values(case: Case) -> dict[str, Any]:
    """Return the value and the gradients as PyTorch has them."""
    own = {n: torch.tensor(x, requires_grad=n != "y") for n, x in case.arrays().items()}
    value = case.reference(**own)
    wrt = case.wrt.split()
    found = torch.autograd.grad(value, [own[n] for n in wrt])
    return {"L": value.detach().numpy()} | {
        f"dL/d{n}": g.numpy() for n, g in zip(wrt, found, strict=True)
    }


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("case", CASES, ids=IDS)
@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_values_and_gradients(case: Case, backend: str) -> None:
    pytest.importorskip(backend)
    compiled = eg.parse(case.text).grad("L", case.wrt.split()).compile(backend, dtype="float32")
    if backend == "numpy":
        compiled = eg.parse(case.text).grad("L", case.wrt.split()).compile(backend)
    arrays = case.arrays()
    if backend == "torch":
        arrays = {n: torch.tensor(x) for n, x in arrays.items()}
        compiled = eg.parse(case.text).grad("L", case.wrt.split()).compile(backend)
    found = compiled(**arrays)
    for name, wanted in values(case).items():
        tolerance = 2e-3 if backend == "jax" else 1e-9
        np.testing.assert_allclose(np.asarray(found[name]), wanted, tolerance, tolerance)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_hessians(case: Case) -> None:
    first = case.wrt.split()[0]
    arrays = case.arrays()
    own = {n: torch.tensor(x) for n, x in arrays.items()}
    wanted = torch.autograd.functional.hessian(
        lambda x: case.reference(**{**own, first: x}), own[first]
    )
    found = eg.parse(case.text).hessian("L", [first]).compile()(**arrays)
    np.testing.assert_allclose(found[f"d2L/d{first} d{first}"], wanted, 1e-8, 1e-8)


@pytest.mark.parametrize("case", [c for c in CASES if c.latex], ids=[
    i for i, c in zip(IDS, CASES, strict=True) if c.latex
])  # fmt: skip
def test_latex_means_the_same(case: Case) -> None:
    arrays = case.arrays()
    found = eg.parse_latex(case.latex).compile()(**arrays)["L"]
    np.testing.assert_allclose(found, values(case)["L"], 1e-9)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_what_is_printed_is_read_and_right(case: Case) -> None:
    model = eg.parse(case.text)
    again = eg.parse(str(model))
    assert str(again) == str(model)
    derivatives = model.grad("L", case.wrt.split())
    for name in derivatives:
        assert model.check(str(derivatives[name])).ok, str(derivatives[name])
        latex = to_latex(derivatives[name].formula)
        assert all(v.ok for v in model.check_each(latex, latex=True)), latex
        twice = str(derivatives[name]).replace("=", "= 2 (", 1) + ")"
        assert not model.check(twice).ok


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_modules(case: Case) -> None:
    source = eg.parse(case.text).grad("L", case.wrt.split()).source("numpy")
    space: dict[str, Any] = {"__name__": "module"}
    exec(compile(source, "module", "exec"), space)
    arrays = case.arrays()
    value, saved = space["forward"](*(arrays[n] for n in space["AXES"]))
    wanted = values(case)
    np.testing.assert_allclose(value, wanted["L"], 1e-9)
    for name, found in zip(space["WRT"], space["backward"](saved), strict=True):
        np.testing.assert_allclose(found, wanted[f"dL/d{name}"], 1e-9, 1e-9)


def test_what_is_left_out_still_counts_in_a_softmax() -> None:
    text = (
        "V_k = where(k > 0, maximum(sum_r(B_kr / A_rkr) / exp(B_kk), D_k), A_kkk)\n"
        "L = logsumexp_k(V_k B_kk)"
    )
    rng = np.random.default_rng(1)
    shapes = {"A": (N, N, N), "B": (N, N), "D": (N,)}
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    own = {name: torch.tensor(x, requires_grad=True) for name, x in arrays.items()}
    A, B, D = own.values()
    sums = torch.stack([sum(B[k, r] / A[r, k, r] for r in range(N)) for k in range(N)])
    first = torch.stack([A[k, k, k] for k in range(N)])
    V = torch.where(torch.arange(N) > 0, torch.maximum(sums / B.diagonal().exp(), D), first)
    wanted = torch.autograd.grad(torch.logsumexp(V * B.diagonal(), 0), A)[0]
    found = eg.parse(text).grad("L", ["A"]).compile()(**arrays)["dL/dA"]
    np.testing.assert_allclose(found, wanted, 1e-10, 1e-12)


def test_pytorch_and_jax_differentiate_what_runs() -> None:
    jax = pytest.importorskip("jax")
    model = eg.parse(CASES[0].text)
    x = CASES[0].arrays()["x"]
    wanted = values(CASES[0])["dL/dx"]
    leaf = torch.tensor(x, requires_grad=True)
    model.compile(backend="torch")(x=leaf)["L"].backward()
    np.testing.assert_allclose(leaf.grad, wanted, 1e-9)
    run = model.compile(backend="jax", dtype="float32")
    found = jax.grad(lambda v: run(x=v)["L"])(jax.numpy.asarray(x, "float32"))
    np.testing.assert_allclose(found, wanted, 2e-3)


@pytest.mark.parametrize(
    "text",
    ["L = sum_{i == j}(x_i y_j)", "u_i = sum_{j == i}(x_j)", "L = max_{r == 1}(x_r)",
     "L = sum_{r == 0}(x_r y_r)", "L = sum_{r == size(r) - 1}(x_r)"],
)  # fmt: skip
def test_one_entry_is_not_where_a_sum_begins(text: str) -> None:
    r"""LaTeX's ``\sum_{r = 1}`` is a sum over all; it was printed for the first entry alone."""
    model = eg.parse(text)
    assert str(eg.parse_latex(model.latex())) == str(model)


def test_a_sum_that_begins_at_a_label_says_where_it_ends() -> None:
    assert str(eg.parse_latex(r"y_i = \sum_{j = i}^{n} x_j")) == "y_i = sum_{j >= i}(x_j)"
    with pytest.raises(eg.NotationError, match="one entry of j, or begins there"):
        eg.parse_latex(r"y_i = \sum_{j = i} x_j")


def _triples(v: Any) -> Any:
    n = range(4)
    return sum(1 / ((v[i] - v[j]) * (v[j] - v[k])) for i in n for j in n for k in n if i < j < k)


def _two_halves(v: Any) -> Any:
    return sum((i + 1 if i < j else j + 3) / (v[i] - v[j]) for i in range(4) for j in range(4)
               if i != j)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "loss"),
    [
        ("L = sum_{i < j, j < k}(1 / ((v_i - v_j) (v_j - v_k)))", _triples),
        ("L = sum_{i < j}(a_ij / (v_i - v_j)) + sum_{j < i}(b_ij / (v_i - v_j))", _two_halves),
    ],
)
def test_conditions_that_complete_each_other_keep_out_what_they_leave_out(
    text: str, loss: Callable[[Any], Any]
) -> None:
    v = np.random.default_rng(0).normal(size=4)
    arrays = {
        "a": np.arange(1.0, 5)[:, None] * np.ones((4, 4)),
        "b": np.arange(3.0, 7) * np.ones((4, 4)),
    }
    model = eg.parse(text)
    given = {name: arrays[name] for name in arrays if name in model.inputs} | {"v": v}
    point = torch.tensor(v)
    gradient = torch.autograd.functional.jacobian(loss, point)
    hessian = torch.autograd.functional.hessian(loss, point)
    found = model.grad("L", "v").compile()(**given)["dL/dv"]
    np.testing.assert_allclose(found, gradient, rtol=1e-9)
    found = model.hessian("L", "v").compile()(**given)["d2L/dv dv"]
    np.testing.assert_allclose(found, hessian, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("L = sum_i(log(sum_{j != i}(exp(x_ij))))", ~np.eye(4, dtype=bool)),
        ("L = sum_i(log(sum_j(where(j <= i, exp(x_ij), 0))))", np.tril(np.ones((4, 4), bool))),
        ("S_i = sum_{j != i}(exp(v_j))\nL = sum_i(log(S_i))", ~np.eye(4, dtype=bool)),
    ],
)
def test_what_a_condition_leaves_out_is_no_greatest_exponent(text: str, mask: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    name = "x" if "x_ij" in text else "v"
    x = rng.normal(size=(4, 4) if name == "x" else 4)
    if name == "x":
        x[~mask] = 1000.0
    else:
        x[2] = 1000.0
    point = torch.tensor(x, requires_grad=True)
    rows = point.expand(4, 4).masked_fill(~torch.tensor(mask), -torch.inf)
    value = torch.logsumexp(rows, 1).sum()
    (gradient,) = torch.autograd.grad(value, point)
    for backend in ("numpy", "torch"):
        given = torch.tensor(x) if backend == "torch" else x
        found = eg.parse(text).grad("L", name).compile(backend)(**{name: given})
        np.testing.assert_allclose(np.asarray(found["L"]), value.item(), rtol=1e-12)
        np.testing.assert_allclose(np.asarray(found[f"dL/d{name}"]), gradient, atol=1e-12)


def test_a_label_that_conditions_alone_name_has_its_letters_extent() -> None:
    x = np.arange(5.0)
    model = eg.parse("L = sum_i(where(i < 2, v, u)) + sum_{i, i == 0}(v) + x_i x_i")
    found = model.compile()(x=x, v=3.0, u=1.0)["L"]
    assert found == 2 * 3 + 3 * 1 + 3 + x @ x
    with pytest.raises(eg.NotationError, match="has no label i"):
        eg.parse("L = sum_i(where(i < 2, v, u))")


@pytest.mark.parametrize("total", ["mean", "sum"])
def test_a_softmax_on_a_diagonal_goes_over_all_entries(total: str) -> None:
    """Its gradient divides by how many entries a condition leaves, and is kept from 0 / 0."""
    model = eg.parse(f"L = logsumexp_jq(delta_jq B_jj {total}_{{g, g <= j}}(A C_qg))")
    rng = np.random.default_rng(4)
    b, c = torch.tensor(rng.normal(size=(2, 3, 3)))
    a = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    below = torch.ones(3, 3, dtype=torch.float64).tril()  # j, g: g <= j
    sums = a * torch.einsum("qg,jg->jq", c, below)
    sums = sums / below.sum(1, keepdim=True) if total == "mean" else sums
    value = torch.logsumexp((torch.diag(b.diag()) * sums).ravel(), 0)
    found = model.grad("L", ["A"]).compile()(A=0.7, B=b.numpy(), C=c.numpy())
    assert np.isclose(found["L"], value.item(), rtol=1e-14)
    assert np.isclose(found["dL/dA"], torch.autograd.grad(value, a)[0].item(), rtol=1e-12)


def test_a_label_of_conditions_alone_is_the_models_in_a_claim() -> None:
    model = eg.parse("y_ik = where(i <= k, A_ik, sum_l(D_lk C_l))\nL = mean_ik(y_ik)")
    printed = str(model.grad("L")["C"])
    assert printed == "dL/dC_l = sum_{i, k < i}(D_lk) / (size(i) size(k))"
    assert model.check(printed).ok
    assert model.check("dL/dC_l = sum_{k, k < size(i)}(D_lk) / size(k)").outcome == "wrong"


COUNTS = [  # conditions that alone say how far new letters go, and how many entries they leave
    ("k, k < size(j)", lambda i, n, m: m),
    ("k, size(j) > k", lambda i, n, m: m),
    ("k, k <= size(j) - 1", lambda i, n, m: m),
    ("k, k <= size(j) + 1", lambda i, n, m: m + 2),
    ("k, k + 1 < size(j)", lambda i, n, m: m - 1),
    ("k, 2 k < size(j)", lambda i, n, m: (m + 1) // 2),
    ("k, k < size(j) / 2", lambda i, n, m: (m + 1) // 2),
    ("k, k < size(i) + size(j)", lambda i, n, m: n + m),
    ("k, i <= k, k < size(j)", lambda i, n, m: max(m - i, 0)),
    ("k, k > i, k <= i + 2", lambda i, n, m: 2),
    ("k, k <= 2 i + 1", lambda i, n, m: 2 * i + 2),
    ("k, k < i", lambda i, n, m: i),
    ("k, k == i", lambda i, n, m: 1),
    ("k, i == 2 k", lambda i, n, m: (i + 1) % 2),
    ("k, abs(k - i) <= 1", lambda i, n, m: 3 - (i == 0)),
    ("k, k < 5", lambda i, n, m: 5),
    ("k, k <= 5 / 2", lambda i, n, m: 3),
    ("k, l, i <= k, k < l, l <= i + 3", lambda i, n, m: 6),
    ("k, l, l < size(j), k < l", lambda i, n, m: m * (m - 1) // 2),
]


@pytest.mark.parametrize(("conditions", "count"), COUNTS, ids=[c for c, _ in COUNTS])
def test_conditions_alone_say_how_far_a_letter_goes(
    conditions: str, count: Callable[[int, int, int], int]
) -> None:
    """In a model, in what is printed of it, and in a claim about another model."""
    w, v = np.array([0.3, -1.1, 0.7]), np.array([2.0, -0.4, 0.9, 1.3])
    for m in (2, 4):
        wanted = [count(i, 3, m) for i in range(3)]
        model = eg.parse(f"L = sum_i(w_i sum_{{{conditions}}}(a)) + sum_j(v_j)")
        found = model.grad("L", ["w", "a"]).compile()(w=w, v=v[:m], a=1.5)
        np.testing.assert_allclose(found["dL/dw"], 1.5 * np.array(wanted))
        np.testing.assert_allclose(found["dL/da"], w @ wanted)
    for name in "wa":
        assert model.check(str(model.grad("L", [name])[name])).ok
    plain = eg.parse("L = sum_i(w_i^2) + sum_j(v_j)")
    twice = f"sum_{{{conditions}}}(2 w_i)"
    assert plain.check(f"dL/dw_i = 2 w_i + {twice} - {twice.replace('k', 'p')}").ok
    assert plain.check(f"dL/dw_i = 2 w_i + {twice}").outcome == "wrong"


@pytest.mark.parametrize(
    ("text", "wrt", "claim"),
    [
        ("y_i = sum_{k, k < i}(x[3 k + 2])\nL = sum_i(w_i y_i)\nassume size(k) = 1", "x",
         "dL/dx_n = sum_{k, k < i, n == 3 k + 2}(w_i)"),
        ("L = sum_i(w_i sum_{k, k < size(j)}(a + x_k)) + sum_j(v_j)", "a",
         "dL/da = sum_l(w_l) sum_{k, k < size(k), k < size(j)}(1)"),
        ("L = sum_l(w_l sum_{k, l <= k, k < size(j)}(a + x_k)) + sum_j(v_j)", "a",
         "dL/da = sum_{l, k, l <= k, k < size(k), k < size(j)}(w_l)"),
        ("s_i = sum_{k, i <= k, k < size(j)}(a_i) + sum_j(v_j)\nL = sum_i(s_i)", "a",
         "dL/da_i = sum_{k, i <= k, k < size(j)}(1)"),
        ("s_i = sum_{k, i <= k, k < size(j)}(a_i) + sum_jk(v_jk)\nL = sum_i(s_i)", "a",
         "dL/da_i = sum_{p, i <= p, p < size(j)}(1)"),
    ],
)  # fmt: skip
def test_what_ends_a_letter_is_read_back(text: str, wrt: str, claim: str) -> None:
    model = eg.parse(text)
    assert model.check(claim).ok
    assert model.check(str(model.grad("L", [wrt])[wrt])).ok
    assert model.check(f"{claim} + 1").outcome == "wrong"


@pytest.mark.parametrize("wrt", ["A", "B"])
def test_a_letter_of_deltas_alone_is_the_models(wrt: str) -> None:
    """All entries of y_jk are at B_jjk: dL/dA is 1 + ... + size(j), for each k."""
    model = eg.parse("y_jk = cumsum_j(A + B_jjk)\nL = sum_jk(y_jk)")
    printed = str(model.grad("L", [wrt])[wrt])
    assert model.check(printed).ok
    assert model.check("dL/dA = size(k) size(j) (size(j) + 1) / 2").ok
