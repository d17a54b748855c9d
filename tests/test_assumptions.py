"""What is assumed holds at the point, not around it: second derivatives against PyTorch."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from assumed_models import AssumedModel, assumed_models
from hypothesis import assume, given, settings

import eingrad as eg
from eingrad.api.models.model_derivatives import Derivatives
from eingrad.notation.syntax import Symbol
from eingrad.notation.text import to_text

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
from gallery_models import GALLERY, Entry, arrays_of

torch = pytest.importorskip("torch")
oracle = pytest.importorskip("torch_oracle")

EXAMPLES = int(os.environ.get("EXAMPLES", "60"))
Array = np.ndarray
Arrays = Mapping[str, Array]


def derivatives_of(
    value: Callable[..., Any], of: str, arrays: Arrays, wrt: list[str]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return first and second derivatives by PyTorch, which knows of no assumption."""
    others = {k: torch.tensor(x) for k, x in arrays.items() if k not in wrt}
    point = tuple(torch.tensor(arrays[name]) for name in wrt)

    def at(*tensors: Any) -> Any:
        named = dict(zip(wrt, tensors, strict=True))
        return value(**others, **named) + sum(0 * x.sum() for x in tensors)

    first = torch.autograd.functional.jacobian(at, point)
    second = torch.autograd.functional.hessian(at, point)
    gradients = {f"d{of}/d{n}": x.numpy() for n, x in zip(wrt, first, strict=True)}
    blocks = {
        f"d2{of}/d{m} d{n}": second[j][k].numpy()
        for j, m in enumerate(wrt) for k, n in enumerate(wrt)
    }  # fmt: skip
    return gradients, blocks


def assert_close(found: Array, expected: Array, name: str, tolerance: float = 1e-9) -> None:
    scale = max(1.0, np.abs(expected).max(initial=0))
    assert np.shape(found) == np.shape(expected), name
    assert np.abs(found - expected).max(initial=0) <= tolerance * scale, name


def read_back(text: str, found: Derivatives, name: str, arrays: Arrays) -> Array | None:
    """Return a printed second derivative's value, None where it names other derivatives, or where
    nothing in it tells an extent any more: ``A_ij = delta_ij`` leaves a ``delta_jj``."""
    gradient = found[name]
    right = str(gradient).split(" = ", 1)[1]
    if re.search(r"d\w+/d", right):
        return None
    head = str(gradient).split(" = ", 1)[0]
    tied = re.sub(r"\bd(?=\w+(_| |$))", "", head.split("/")[1])  # says how long axes are
    line = f"{to_text(Symbol('E', gradient.labels))} = {right} + 0 {' * '.join(tied.split())}"
    try:
        return eg.parse(f"{text}\n{line}").compile(["E"])(**arrays)["E"]
    except eg.EingradError as error:
        if error.code in ("shape", "no-dimension"):
            return None
        raise


# --- by hand ----------------------------------------------------------------------------------

RNG = np.random.default_rng(3)
SPD = np.cov(RNG.normal(size=(3, 9))) + np.eye(3)
SHARES, UNIT = np.array([0.2, 0.5, 0.3]), np.array([2.0, -1.0, 2.0]) / 3
SQUARE, w = RNG.normal(size=(3, 3)), RNG.normal(size=3)
ORTHOGONAL = np.linalg.qr(SQUARE)[0]


@dataclass(frozen=True)
class Case:
    """A model with an assumption and the same in PyTorch, claims that are right and wrong."""

    text: str
    arrays: Arrays
    value: Callable[..., Any]
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


CASES = [
    Case(
        "assume sum_o(T_o) = 1\np_o = softmax_o(z_o)\nL = -T_o log(p_o)",
        {"z": w, "T": SHARES},
        lambda z, T: -(T * torch.log_softmax(z, 0)).sum(),
        ("d2L/dz_o dT_p = p_o - delta_op", "d2L/dT_o dz_p = p_p - delta_op",
         "d2L/dz_o dz_p = p_o (delta_op - p_p)", "dL/dz_o = p_o - T_o"),
        ("d2L/dz_o dT_p = -delta_op", "d2L/dT_o dz_p = -delta_op"),
    ),
    Case(
        "assume X_ij = X_ji\nL = logdet_ij(X_ij)",
        {"X": SPD},
        lambda X: torch.logdet(X),
        ("d2L/dX_ij dX_kl = -inv_jk(X_jk) inv_li(X_li)",),
        ("d2L/dX_ij dX_kl = -inv_ik(X_ik) inv_jl(X_jl)",),
    ),
    Case(
        "assume X_ij = X_ji\nL = X_ij X_ji",
        {"X": SPD},
        lambda X: (X * X.T).sum(),
        ("d2L/dX_ij dX_kl = 2 delta_il delta_jk", "dL/dX_ij = 2 X_ij"),
        ("d2L/dX_ij dX_kl = 2 delta_ik delta_jl",),
    ),
    Case(
        "assume x_i x_i = 1\nL = (x_i x_i)^2",
        {"x": UNIT},
        lambda x: (x @ x) ** 2,
        ("d2L/dx_i dx_j = 4 delta_ij + 8 x_i x_j", "dL/dx_i = 4 x_i"),
        ("d2L/dx_i dx_j = 4 delta_ij",),
    ),
    Case(
        "assume norm_i(x_i) = 1\nL = w_i x_i / norm_j(x_j)",
        {"w": w, "x": UNIT},
        lambda w, x: w @ x / torch.linalg.norm(x),
        ("d2L/dx_i dx_j = 3 L x_i x_j - L delta_ij - w_i x_j - x_i w_j",),
        ("d2L/dx_i dx_j = -delta_ij w_k x_k - w_j x_i",),
    ),
    Case(
        "assume sum_i(x_i) = 1\nL = sum_i(x_i)^2 c",
        {"x": SHARES, "c": np.array(1.7)},
        lambda x, c: x.sum() ** 2 * c,
        ("d2L/dx_i dx_j = 2 c", "d2L/dx_i dc = 2"),
        ("d2L/dx_i dx_j = 0", "d2L/dx_i dc = 0"),
    ),
    Case(
        "assume sum_ij(P_ij) = 1\nL = sum_ij(P_ij) c_i P_ij log(P_ij)",
        {"P": np.outer(SHARES, SHARES), "c": w},
        lambda P, c: P.sum() * (c[:, None] * P * P.log()).sum(),
    ),
    Case("assume a_i = 1\nL = sum_i(a_i^3 w_i)", {"a": np.ones(3), "w": w},
         lambda a, w: (a**3 * w).sum(), ("d2L/da_i da_j = 6 w_i delta_ij",)),
    Case("assume a_i = 0\nL = exp(a_i w_i) + sum_i(a_i)^2", {"a": np.zeros(3), "w": w},
         lambda a, w: (a @ w).exp() + a.sum() ** 2, ("d2L/da_i da_j = w_i w_j + 2",)),
    Case(
        "assume Q_ik Q_jk = delta_ij\nG_ij = Q_ik Q_jk\nL = G_ij G_jk S_ki + Q_ii",
        {"Q": ORTHOGONAL, "S": SQUARE},
        lambda Q, S: torch.trace(Q @ Q.T @ Q @ Q.T @ S + Q),
    ),
    # a kernel of a symmetric matrix is symmetric at the point, as it is
    Case(
        "assume A_ij = A_ji\nK_ij = exp(A_ij)\nL = K_ij K_ji C_ij",
        {"A": SPD, "C": SQUARE},
        lambda A, C: (A.exp() * A.exp().T * C).sum(),
    ),
    Case(
        "assume s = 2\ns = x_i x_i\nL = s^3 + s w_i x_i",
        {"x": np.array([1.0, 1.0, 0.0]), "w": w},
        lambda x, w: (x @ x) ** 3 + (x @ x) * (w @ x),
    ),
]  # fmt: skip


def check_second_order(
    text: str, of: str, wrt: list[str], arrays: Arrays, expected: Arrays
) -> None:
    """Compare all blocks of a Hessian, compiled and printed, and its product with directions."""
    model = eg.parse(text)
    found = model.hessian(of, wrt)
    compiled = found.compile()(**arrays)
    keys = dict(zip(found, (f"d2{of}/d{m} d{n}" for m in wrt for n in wrt), strict=True))
    for key, name in keys.items():
        assert_close(compiled[name], expected[name], name)
        printed = read_back(text, found, key, arrays)
        if printed is not None:
            assert_close(printed, expected[name], str(found[key]))
    rng = np.random.default_rng(1)
    along = {f"{n}dot": rng.normal(size=arrays[n].shape) for n in wrt}
    product = model.hvp(of, wrt).compile()(**arrays, **along)
    for m in wrt:
        parts = [(expected[f"d2{of}/d{m} d{n}"], along[f"{n}dot"]) for n in wrt]
        total = sum(np.tensordot(block, v, v.ndim) for block, v in parts)
        assert_close(product[f"d{of}d{m}dot"], total, f"hvp {m}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_second_derivatives_under_an_assumption(case: Case) -> None:
    wrt = list(case.arrays)
    gradients, blocks = derivatives_of(case.value, "L", case.arrays, wrt)
    first = eg.parse(case.text).grad("L", wrt).compile()(**case.arrays)
    for name, expected in gradients.items():
        assert_close(first[name], expected, name)
    check_second_order(case.text, "L", wrt, case.arrays, blocks)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_verdicts_under_an_assumption(case: Case) -> None:
    model = eg.parse(case.text)
    found = model.hessian("L", list(case.arrays))
    for claim in (*case.right, *str(found).splitlines()):
        assert model.check(claim).ok, claim
    for claim in case.wrong:
        verdict = model.check(claim)
        assert not verdict.ok, claim
        assert model.check(verdict.correct).ok


def test_a_claims_own_name_for_a_gradient_is_differentiated_as_it_is() -> None:
    r"""What stands for dL/dx moves with x, although 2 c is all that it is at the point."""
    model = eg.parse("assume sum_i(x_i) = 1\nL = sum_i(x_i)^2 c")
    named = r"G_i = \frac{\partial L}{\partial x_i} \\ \frac{\partial G_i}{\partial x_j} = "
    assert model.check(r"G_i = \frac{\partial L}{\partial x_i} \\ G_i = 2 c").ok
    assert model.check(named + "2 c").ok
    assert not model.check(named + "0").ok


MOVED = [  # a tensor that moves on its own is not what defines it
    ("Z_i = exp(A_i)\nL = Z_i Z_i", "A Z", "2 delta_ij Z_i"),
    ("Z_i = exp(A_i)\nL = Z_i Z_i", "Z A", "2 delta_ij Z_i"),
    ("s = sum_i(x_i)\nL = s x_i x_i sum_i(x_i)", "s s", "0"),
    ("s = sum_i(x_i)\nL = s sum_i(x_i)", "s x", "1"),
    ("s = sum_i(x_i)\nL = s sum_i(x_i)", "x s", "1"),
]


@pytest.mark.parametrize(("text", "wrt", "expected"), MOVED)
def test_second_derivatives_by_what_the_model_defines(text: str, wrt: str, expected: str) -> None:
    model = eg.parse(text)
    names = list(dict.fromkeys(wrt.split()))
    found = str(model.hessian("L", names)[wrt if len(names) > 1 else names[0]])
    head, right = found.split(" = ")
    assert right == expected
    assert model.check(f"{head} = {expected}").ok


def test_a_derivation_cites_what_is_assumed_where_it_is_used() -> None:
    """The gradient stays as it is around the point; the result uses what is assumed."""
    found = eg.parse(CASES[0].text).hessian("L", ["z", "T"])
    lines = [line.split(maxsplit=2) for line in found.text("z T").splitlines()]
    assert not any("assumed" in " ".join(line) for line in lines)
    rules = [(step.after, step.rule) for step in found.steps("z z")]
    assert ("p_o sum_q(T_q) - T_o", "Kronecker delta: delta_oq selects q = o; p_o cancels") in rules
    assert rules[-1] == ("p_o (delta_oq - p_q)", "assumed: sum_o(T_o) = 1")
    assert sum("assumed" in rule for _, rule in rules) == 1


# --- further derivatives by PyTorch and JAX ---------------------------------------------------


@pytest.mark.parametrize("case", CASES[:7], ids=lambda case: case.text)
def test_pytorch_differentiates_further(case: Case) -> None:
    """Compiled gradients, and the modules that `source` writes, have PyTorch's second ones."""
    wrt = list(case.arrays)
    expected = derivatives_of(case.value, "L", case.arrays, wrt)[1]
    gradients = eg.parse(case.text).grad("L", wrt)
    compiled = gradients.compile("torch")
    module = ModuleType("written")
    exec(gradients.source("torch"), module.__dict__)
    point = tuple(torch.tensor(case.arrays[name]) for name in wrt)
    through = torch.autograd.functional.hessian(
        lambda *x: module.value(**dict(zip(wrt, x, strict=True))), point
    )
    for j, m in enumerate(wrt):
        rows = torch.autograd.functional.jacobian(
            lambda *x, m=m: compiled(**dict(zip(wrt, x, strict=True)))[f"dL/d{m}"], point
        )
        for k, n in enumerate(wrt):
            assert_close(rows[k].numpy(), expected[f"d2L/d{m} d{n}"], f"compiled {m} {n}")
            assert_close(through[j][k].numpy(), expected[f"d2L/d{m} d{n}"], f"module {m} {n}")


@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: case.text)
def test_jax_differentiates_further(case: Case) -> None:
    jax = pytest.importorskip("jax")
    wrt = list(case.arrays)
    expected = derivatives_of(case.value, "L", case.arrays, wrt)[1]
    gradients = eg.parse(case.text).grad("L", wrt)
    module = ModuleType("written")
    with jax.enable_x64(True):
        compiled = gradients.compile("jax")
        exec(gradients.source("jax"), module.__dict__)
        point = {name: jax.numpy.asarray(x) for name, x in case.arrays.items()}
        through = jax.jacrev(jax.grad(lambda x: module.value(**x)))(point)
        rows = jax.jacrev(lambda x: compiled(**x))(point)
        for m in wrt:
            for n in wrt:
                assert_close(rows[f"dL/d{m}"][n], expected[f"d2L/d{m} d{n}"], f"compiled {m} {n}")
                assert_close(through[m][n], expected[f"d2L/d{m} d{n}"], f"module {m} {n}")


# --- models of the gallery --------------------------------------------------------------------

ASSUMING = [x for x in GALLERY if "assume" in x.model and x.kind != "jacobian"]


@pytest.mark.parametrize("entry", ASSUMING, ids=lambda entry: entry.title)
def test_hessians_of_the_gallery_are_symmetric(entry: Entry) -> None:
    """By all inputs: those of which something is assumed, too. The blocks are JAX's."""
    jax = pytest.importorskip("jax")
    arrays = arrays_of(entry)
    wrt = list(arrays)
    found = eg.parse(entry.model).hessian(entry.of, wrt).compile()(**arrays)
    with jax.enable_x64(True):
        expected = jax.hessian(lambda x: entry.reference(jax.numpy, jax.nn, **x))(arrays)
    sizes = [arrays[name].size for name in wrt]
    whole = np.zeros((sum(sizes), sum(sizes)))
    ends = np.cumsum([0, *sizes])
    for j, m in enumerate(wrt):
        for k, n in enumerate(wrt):
            name = f"d2{entry.of}/d{m} d{n}" if len(wrt) > 1 else f"d2{entry.of}/d{m} d{m}"
            assert_close(found[name], np.asarray(expected[m][n]), name)
            block = found[name].reshape(sizes[j], sizes[k])
            whole[ends[j] : ends[j + 1], ends[k] : ends[k + 1]] = block
    np.testing.assert_allclose(whole, whole.T, rtol=1e-9, atol=1e-11)


# --- models that nobody would write -----------------------------------------------------------


def test_a_scalar_beside_a_delta_counts_where_it_is_summed() -> None:
    """By hand: L = n sum_j(v_j^2) with v the sums of the rows of A, so 2 n delta_jr."""
    text = "V_qj = sum_q(A_jq)\nL = sum_jq(V_jq V_qq)"
    found = eg.parse(text).hessian("L", "A").compile()(A=SQUARE)["d2L/dA dA"]
    expected = np.einsum("jr,q,s->jqrs", 6 * np.eye(3), np.ones(3), np.ones(3))
    assert_close(found, expected, "d2L/dA dA")


@settings(max_examples=EXAMPLES)
@given(assumed_models())
def test_random_models_with_assumptions_agree_with_pytorch(drawn: AssumedModel) -> None:
    arrays = drawn.arrays()
    assume(arrays)
    run = oracle.Oracle({k: torch.tensor(x) for k, x in arrays.items()}, dtype=torch.float64)
    run.run(drawn.model.statements)
    assume(run.fits)
    wrt = drawn.wrt()

    def value(**tensors: Any) -> Any:
        return oracle.Oracle(dict(tensors), dtype=torch.float64).run(drawn.model.statements)

    gradients, blocks = derivatives_of(value, "J", arrays, wrt)
    first = eg.parse(drawn.text).grad("J", wrt).compile()(**arrays)
    for name, expected in gradients.items():
        assert_close(first[name], expected, name)
    check_second_order(drawn.text, "J", wrt, arrays, blocks)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_a_fact_that_changes_a_result_is_cited(case: Case) -> None:
    model = eg.parse(case.text)
    bare = eg.parse("\n".join(x for x in case.text.splitlines() if not x.startswith("assume")))
    for wrt in case.arrays:
        found = model.grad("L", [wrt])
        if str(found[wrt]) != str(bare.grad("L", [wrt])[wrt]):
            assert any("assumed" in step.rule for step in found.steps(wrt)), found.text()
