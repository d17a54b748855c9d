"""Models and claims that once ended in other exceptions than eingrad's, or in LAPACK's words."""

from __future__ import annotations

import pytest

import eingrad as eg

TARGETS = ("numpy", "torch", "jax")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "text", ["L = x delta_ii", "L = x sum_i(size(i) delta_ii)", "L = x delta_ij delta_ij"]
)
def test_an_extent_that_no_input_has_is_named(target: str, text: str) -> None:
    model = eg.parse(text)
    for call in (lambda: model.grad("L").source(target), lambda: model.compile()(x=1.0)):
        with pytest.raises(eg.ShapeError, match="label i: no input has it"):
            call()


def test_a_claim_about_an_extent_that_no_input_has_is_judged() -> None:
    model = eg.parse("L = x delta_ii")
    assert model.check("dL/dx = delta_ii").ok
    assert model.check("dL/dx = size(i)").ok
    assert not model.check("dL/dx = 3").ok
    assert eg.parse("L = x delta_ij delta_ij").check("dL/dx = delta_ii").ok


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "text",
    [
        "y_o = a_o\nL = x size(o)",
        "y_o = a_o\nL = size(o)\nK = L x_b x_b",
        "y_o = a_o\nL = x^2 size(o)",
    ],
)
def test_a_module_reads_an_extent_off_a_tensor_that_it_needs_for_nothing_else(
    target: str, text: str
) -> None:
    model = eg.parse(text)
    source = model.grad(model.outputs[-1], "x").source(target)
    pytest.importorskip("numpy" if target == "numpy" else target)
    with pytest.raises(SystemExit) as ended:  # it checks its own gradient
        exec(compile(source, "module", "exec"), {"__name__": "__main__"})
    assert not ended.value.code


def test_an_assumption_knows_only_tensors_of_the_model() -> None:
    with pytest.raises(eg.NotationError, match="has no tensor x") as caught:
        eg.parse("L_b = T\nassume 1/2 = x[b,y[b]]")
    assert caught.value.position is not None
    for side in ("x[b,y[b]] = 1/2", "1/2 = x[b,y[b]]"):
        with pytest.raises(eg.NotationError, match="has no tensor y"):
            eg.parse(f"L_b = x_bc c_c\nassume {side}")
    model = eg.parse("L_b = -log(x[b,y[b]])\nassume 1/2 = x[b,y[b]]")
    assert model.inputs["y"].integer


@pytest.mark.parametrize(
    "fact",
    ["0 = p_b^0.5", "0 = sqrt(p_b)", "0 = p_b^(1/3)", "0 = 1 / p_b"],
)
def test_a_fact_that_cannot_be_solved_is_refused_without_a_word_of_lapack(
    fact: str, capfd: pytest.CaptureFixture[str]
) -> None:
    model = eg.parse(f"L = sum_b(p_b)\nassume {fact}")
    with pytest.raises(eg.EingradError) as caught:
        model.grad("L").source("numpy")
    assert caught.value.code == "no-point"
    assert model.check("dL/dp_b = 1").outcome == "not judged"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("y = x_bb", "y = 1e-308 / 1e308"),
        ("y_b = x_bb", "y_b = 1e-308 / 1e308"),
        ("y = x_bb", "dy/dx_bc = 1e-308 / 1e308"),
        ("function phi\nh = x", "h = 1e-308"),
        ("function phi\nh = phi(x)", "dh/dx = 1e-308"),
        ("h = x", "h = 1e308 x^3"),
        ("y_ij = inv_ij(A_ij)", "y_ij = 1e308 A_ij"),
        ("y = det_ij(A_ij)", "y = det_ij(1e300 A_ij)"),
        ("y = logdet_ij(A_ij)", "y = logdet_ij(A_ij - A_ij)"),
        ("y_ij = inv_ij(A_ij)", "y_ij = inv_ij(log(-exp(A_ij)))"),
    ],
)
def test_numbers_at_the_ends_of_the_range_end_in_a_verdict(
    text: str, claim: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not eg.parse(text).check(claim).ok  # a RuntimeWarning is an error here
    assert capfd.readouterr() == ("", "")
