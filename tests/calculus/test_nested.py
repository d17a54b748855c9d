"""What nests deep or multiplies much is derived in parts: right, and in work that is linear."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from counting import calls

import eingrad as eg

torch = pytest.importorskip("torch")


def _softmaxes(depth: int) -> str:
    return "softmax_i(" * depth + "x_i" + ")" * depth


def _powers(depth: int) -> str:
    text = "x"
    for k in range(depth):
        text = f"{'yx'[k % 2]}^({text} / 3)"
    return text


def _sines(depth: int) -> str:
    return "sin(y + " * depth + "x" + ")" * depth


def _normed(depth: int) -> str:
    return "(1 + " + "tanh(w_i cumsum_i(" * depth + "x_i" + "))" * depth + ")"


TORCH = {
    "softmax": lambda x: torch.softmax(x, 0),
    "cumsum": lambda x: torch.cumsum(x, 0),
    "tanh": torch.tanh,
    "sin": torch.sin,
}
SCALARS = {"x": 0.7, "y": 1.3}


def _value(text: str, arrays: dict[str, object]) -> object:
    plain = text.replace("^", "**").replace("w_i cumsum_i", "w_i * cumsum_i")
    plain = plain.replace("softmax_i", "softmax").replace("cumsum_i", "cumsum")
    plain = plain.replace("x_i", "x").replace("w_i", "w")
    return eval(plain, {**TORCH, **arrays})


@pytest.mark.parametrize("depth", [3, 5, 12])
@pytest.mark.parametrize("make", [_softmaxes, _normed])
def test_the_gradient_of_nested_functions_over_an_axis_is_pytorchs(make, depth: int) -> None:  # type: ignore[no-untyped-def]
    text = make(depth)
    rng = np.random.default_rng(depth)
    arrays = {name: rng.normal(size=4) for name in "xw"}
    model = eg.parse(f"L = sum_i(w_i {text})")
    leaves = {n: torch.tensor(x, requires_grad=True) for n, x in arrays.items()}
    (leaves["w"] * _value(text, leaves)).sum().backward()
    found = model.grad("L").compile()(**arrays)
    for name, leaf in leaves.items():
        value = found[f"dL/d{name}"]
        np.testing.assert_allclose(value, leaf.grad.numpy(), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("depth", [9])
def test_the_gradient_of_nested_powers_is_pytorchs(depth: int) -> None:
    text = _powers(depth)
    leaves = {
        n: torch.tensor(x, dtype=torch.float64, requires_grad=True) for n, x in SCALARS.items()
    }
    _value(text, leaves).backward()  # type: ignore[attr-defined]
    found = eg.parse(f"L = {text}").grad("L").compile()(**SCALARS)
    for name, leaf in leaves.items():
        assert found[f"dL/d{name}"] == pytest.approx(float(leaf.grad), rel=1e-9)


def test_the_hessian_of_nested_scalars_is_pytorchs() -> None:
    text = _sines(9)
    model = eg.parse(f"L = {text}")
    at = torch.tensor([SCALARS["x"], SCALARS["y"]], dtype=torch.float64)
    expected = torch.autograd.functional.hessian(lambda p: _value(text, {"x": p[0], "y": p[1]}), at)
    found = model.hessian("L").compile()(**SCALARS)
    for j, p in enumerate("xy"):
        for k, q in enumerate("xy"):
            value = next(v for n, v in found.items() if n in (f"d2L/d{p} d{q}", f"{p} {q}"))
            assert value == pytest.approx(float(expected[j, k]), rel=1e-9)


@pytest.mark.parametrize("make", [_softmaxes, _powers, _sines])
def test_deriving_and_printing_is_linear_in_the_depth(make) -> None:  # type: ignore[no-untyped-def]
    def work(depth: int) -> tuple[int, int]:
        text = make(depth)
        model = eg.parse(f"L = sum_i(w_i {text})" if "_i" in text else f"L = {text}")
        size = 0

        def derive() -> None:
            nonlocal size
            found = model.grad("L")
            size = len(found.text()) + len(found.latex()) + len(str(found))

        return calls(derive), size

    work(3)
    few, short = work(8)
    many, long = work(16)
    assert many < 3 * few
    assert long < 3 * short


def test_a_result_says_what_its_names_mean_and_is_read_back() -> None:
    model = eg.parse(f"L = sum_i(w_i {_softmaxes(5)})")
    found = model.grad("L")
    assert "with u1_i = softmax_i(x_i)" in str(found).splitlines()
    assert "u1_i" in found.text()
    for gradient in found.values():
        assert model.check(str(gradient)).ok
    assert not model.check("dL/dx_i = w_i softmax_i(x_i)").ok


def test_a_name_of_the_author_is_not_taken() -> None:
    model = eg.parse(f"u2_i = 3 x_i\nL = sum_i(u1_i u2_i {_softmaxes(4)})")
    found = model.grad("L", ["u1", "x"])
    arrays = {"x": np.array([0.1, -0.4, 0.3]), "u1": np.array([1.0, 2.0, -1.0])}
    leaves = {n: torch.tensor(x, requires_grad=True) for n, x in arrays.items()}
    (leaves["u1"] * 3 * leaves["x"] * _value(_softmaxes(4), leaves)).sum().backward()
    values = found.compile()(**arrays)
    for name, leaf in leaves.items():
        np.testing.assert_allclose(values[f"dL/d{name}"], leaf.grad.numpy(), rtol=1e-9)


def test_a_module_of_nested_functions_checks_itself() -> None:
    source = eg.parse(f"L = sum_i(w_i {_softmaxes(6)})").grad("L").source("numpy")
    with pytest.raises(SystemExit) as ended:
        exec(compile(source, "module", "exec"), {"__name__": "__main__"})
    assert not ended.value.code


LONG = {
    "sums": lambda n: " ".join(f"(x + {k} y)" for k in range(1, n + 1)),
    "functions": lambda n: " ".join(f"sin(x + {k})" for k in range(n - 1)) + " cos(y)",
    "vectors": lambda n: f"sum_i({' '.join(f'(w_i + {k} x)' for k in range(n - 1))}) y",
    "matrices": lambda n: " ".join(f"A[i{k},i{k + 1}]" for k in range(n)) + f" w[i0] w[i{n}] x y",
    "powers": lambda n: "sin(x) cos(y) " * n,
}
LONG_IN_TORCH = {
    "sums": lambda n, a: torch.stack([a["x"] + k * a["y"] for k in range(1, n + 1)]).prod(),
    "functions": lambda n, a: (
        torch.stack([torch.sin(a["x"] + k) for k in range(n - 1)]).prod() * torch.cos(a["y"])
    ),
    "vectors": lambda n, a: (
        torch.stack([a["w"] + k * a["x"] for k in range(n - 1)]).prod(0).sum() * a["y"]
    ),
    "matrices": lambda n, a: (
        a["w"] @ torch.linalg.matrix_power(a["A"], n) @ a["w"] * a["x"] * a["y"]
    ),
    "powers": lambda n, a: (torch.sin(a["x"]) * torch.cos(a["y"])) ** n,
}


@pytest.mark.parametrize("count", [13, 30])
@pytest.mark.parametrize("kind", LONG)
def test_derivatives_of_a_long_product_are_pytorchs(kind: str, count: int) -> None:
    rng = np.random.default_rng(count)
    arrays = {"x": 0.7, "y": 1.3, "w": rng.normal(size=3), "A": rng.normal(size=(3, 3)) / 2}
    model = eg.parse(f"L = {LONG[kind](count)}")
    names = [n for n in arrays if n in model.inputs]
    point = tuple(torch.tensor(arrays[n], dtype=torch.float64) for n in names)

    def value(*tensors: torch.Tensor) -> torch.Tensor:
        return LONG_IN_TORCH[kind](count, dict(zip(names, tensors, strict=True)))  # type: ignore[no-untyped-call]

    blocks = torch.autograd.functional.hessian(value, point)
    first = torch.autograd.functional.jacobian(value, point)
    known = {n: arrays[n] for n in names}
    gradient, hessian = model.grad("L", names), model.hessian("L", names)
    found = gradient.compile()(**known) | hessian.compile()(**known)
    for j, m in enumerate(names):
        np.testing.assert_allclose(found[f"dL/d{m}"], first[j].numpy(), rtol=1e-9)
        for k, n in enumerate(names):
            scale = abs(blocks[j][k]).max()
            np.testing.assert_allclose(
                found[f"d2L/d{m} d{n}"], blocks[j][k].numpy(), rtol=1e-8, atol=1e-9 * scale
            )
    assert model.check(str(gradient["y"])).ok


@pytest.mark.parametrize("kind", LONG)
def test_deriving_and_printing_a_long_product_is_linear_in_its_factors(kind: str) -> None:
    def work(count: int) -> tuple[int, int]:
        model, size = eg.parse(f"L = {LONG[kind](count)}"), 0

        def derive() -> None:
            nonlocal size
            found = model.grad("L")
            size = len(found.text()) + len(str(found))

        return calls(derive), size

    work(20)
    few, short = work(28)
    many, long = work(56)
    assert many < 4 * few
    assert long < 3 * short


def test_a_chain_of_different_matrices_stays_whole() -> None:
    letters = "abcdefghijklmnopq"
    text = " ".join(f"W{k}_{p}{q}" for k, (p, q) in enumerate(pairwise(letters)))
    form = eg.parse(f"Y_aq = {text}\nL = sum_aq(Y_aq)").grad("L", "W0").matrix_form("W0")
    assert form is not None
    assert "u1" not in form
