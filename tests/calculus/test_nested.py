"""What nests deep is derived in parts: right, and in work that is linear in the depth."""

from __future__ import annotations

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
