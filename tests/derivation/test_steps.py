"""The steps of a derivation: their rules, their grain, and that each line follows."""

import json

import pytest

import eingrad as eg

TWO_LAYERS = """
A1_bh = X_bi W1_ih + b1_h
Z1_bh = sigmoid(A1_bh)
A2_bo = Z1_bh W2_ho + b2_o
Z2_bo = softmax_o(A2_bo)
L = -mean_b(T_bo log(Z2_bo))
assume sum_o(T_bo) = 1
"""


def lines(derivatives: eg.Derivatives, name: str) -> list[tuple[str, str]]:
    return [(step.after, step.rule) for step in derivatives.steps(name)]


def test_the_two_layer_classifier_reads_like_the_textbook() -> None:
    derivatives = eg.parse(TWO_LAYERS).grad("L", ["W1", "b1", "W2", "b2"])
    found = lines(derivatives, "W1")
    assert [after for after, _ in found] == [
        "-mean_b(T_bo log(Z2_bo))",
        "-T_bo / (size(b) Z2_bo)",
        "softmax_o(A2_bo)",
        "Z2_bp (delta_op - Z2_bo)",
        "dL/dZ2_bp Z2_bp (delta_op - Z2_bo)",
        "(Z2_bo sum_p(T_bp) - T_bo) / size(b)",
        "(Z2_bo - T_bo) / size(b)",
        "Z1_bh W2_ho + b2_o",
        "W2_ho dL/dA2_bo",
        "sigmoid(A1_bh)",
        "dL/dZ1_bh Z1_bh (1 - Z1_bh)",
        "X_bi W1_ih + b1_h",
        "X_bi dL/dA1_bh",
    ]
    rules = [rule for _, rule in found]
    for k, words in enumerate(
        [
            "definition", "derivative", "definition", "softmax Jacobian", "chain rule",
            "Kronecker delta: delta_op selects p = o; Z2_bo cancels",
            "assumed: sum_o(T_bo) = 1", "definition", "einsum rule on Z1_bh W2_ho: ho,bo->bh",
            "definition", "sigmoid derivative", "definition",
            "einsum rule on X_bi W1_ih: bi,bh->ih; in matrices X^T dL/dA1",
        ]
    ):  # fmt: skip
        assert words in rules[k]
    assert lines(derivatives, "b1")[-1][0] == "sum_b(dL/dA1_bh)"
    assert lines(derivatives, "W2")[-1][0] == "Z1_bh dL/dA2_bo"
    assert derivatives.matrix_form("W2") == "Z1^T (Z2 - T) / size(b)"


def test_shapes_are_the_labels_of_every_tensor() -> None:
    step = eg.parse(TWO_LAYERS).grad("L", ["W1"]).steps("W1")[-1]
    assert step.shapes == {"dL/dW1": ("i", "h"), "X": ("b", "i"), "dL/dA1": ("b", "h")}
    assert step.before == "dL/dW1_ih"


def test_a_generic_function_keeps_its_prime() -> None:
    derivatives = eg.parse("function phi\na_k = x_i W_ik\nL = sum_k(phi(a_k))").grad("L", ["W"])
    assert ("phi'(a_k)", "derivative of phi") in lines(derivatives, "W")


def test_a_long_statement_is_differentiated_from_the_outside_in() -> None:
    derivatives = eg.parse("L = sum_i(sin(x_i^2) exp(x_i))").grad("L", ["x"])
    found = lines(derivatives, "x")
    assert set(found[1][0].split(" + ")) == {
        "sin(x_i^2) d[exp(x_i)]/dx_i",
        "exp(x_i) d[sin(x_i^2)]/dx_i",
    }
    assert found[1][1] == "product rule"
    assert len(found) >= 4
    assert "d[" not in found[-1][0]


def test_several_uses_are_added() -> None:
    text = "a_i = 2 x_i\nb_i = sin(x_i)\nL = sum_i(a_i b_i)"
    rules = [rule for _, rule in lines(eg.parse(text).grad("L", ["x"]), "x")]
    assert "sum over the uses of x: a, b" in rules


def test_no_letter_is_free_and_bound() -> None:
    gradient = str(eg.parse("y_i = A_ij x_j\nL = (y_i y_i) (x_j x_j)").grad("L", ["x"])["x"])
    assert gradient.startswith("dL/dx_j = ")
    assert gradient.split(" = ")[1] == "2 y_i (A_ij x_k x_k + x_j y_i)"


def test_a_tensor_that_does_not_matter_has_the_derivative_zero() -> None:
    derivatives = eg.parse("V_i = A_i\nL = B^2").grad("L", ["A", "B"])
    assert str(derivatives["A"]) == "dL/dA_i = 0"
    assert "does not depend" in derivatives.text("A")


def test_a_gradient_is_of_a_scalar() -> None:
    with pytest.raises(eg.DifferentiationError, match="y is not a scalar: it has the labels i"):
        eg.parse("y_i = A_ij x_j").grad("y", ["x"])


def test_json_holds_every_step() -> None:
    derivatives = eg.parse(TWO_LAYERS).grad("L", ["W2"])
    (section,) = json.loads(derivatives.json())
    assert section["derivative"] == "dL/dW2_ho"
    assert section["result"] == "Z1_bh (Z2_bo - T_bo) / size(b)"
    assert section["matrix"]["text"] == "Z1^T (Z2 - T) / size(b)"
    assert [s["after"] for s in section["steps"]] == [s.after for s in derivatives.steps("W2")]


def test_every_format_shows_every_section() -> None:
    derivatives = eg.parse(TWO_LAYERS).grad("L", ["W1", "b1"])
    assert (
        derivatives.latex().count(r"&& \text{result}")
        + derivatives.latex().count(r"\qquad \text{result}")
        == 2
    )
    assert derivatives.markdown().count("```math") == 2
    assert derivatives.html(explain=False).count("<table") == 2
    assert derivatives.text().count("shape (") == 2
