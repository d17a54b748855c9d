"""The document "MLP Standard Derivatives Derivation", its equations in its order.

The softmax Jacobian, cross-entropy, the sigmoid, both gradients of a matrix product. None of its
formulas is wrong; two leave something out, which is shown where it matters.
"""

from __future__ import annotations

import numpy as np
from _show import Array, Lesson, heading

SOFTMAX = """
E_i = exp(a_i)
S   = sum_k(exp(a_k))
y_i = E_i / S
L   = -sum_i(t_i log(y_i))
assume sum_i(t_i) = 1
"""
SIGMOID = "y_i = 1 / (1 + exp(-a_i))"
PRODUCT = """
Y_ij = A_ik X_kj
L    = G_ij Y_ij
"""
MODELS = {"softmax": (SOFTMAX, ["y", "a"]), "product": (PRODUCT, ["Y", "A", "X"])}


def softmax(a: Array) -> None:
    heading("Softmax Jacobian, by the quotient rule and folded back")
    lesson = Lesson(SOFTMAX, {"a": a, "t": np.eye(a.size)[1]})
    lesson.jacobian("E", "a", "ij")
    lesson.jacobian("S", "a", "j")
    lesson.claim(
        "dy_i/da_j = (S dE_i/da_j - E_i dS/da_j) / S^2",
        "dy_i/da_j = E_i / S^2 (S delta_ij - E_j)",
        "dy_i/da_j = y_i delta_ij - y_i y_j",
    )
    lesson.jacobian("y", "a", "ij")
    heading("Cross-entropy: dL/da_j = y_j - t_j")
    lesson.claim("dL/da_j = -t_i / y_i y_i (delta_ij - y_j)", "dL/da_j = y_j - t_j")
    lesson.gradients("L", ["y", "a"])


def sigmoid(a: Array) -> None:
    heading("Sigmoid: written out, recognised, and its diagonal Jacobian")
    lesson = Lesson(SIGMOID, {"a": a})
    lesson.claim("dy_i/da_j = exp(-a_i) / (1 + exp(-a_i))^2 delta_ij")
    lesson.jacobian("y", "a", "ij")


def product(rng: np.random.Generator) -> None:
    heading("Matrix product, with the upstream gradient G = dL/dY")
    shapes = {"A": (2, 3), "X": (3, 4), "G": (2, 4)}
    lesson = Lesson(PRODUCT, {name: rng.normal(size=shape) for name, shape in shapes.items()})
    found = lesson.gradients("L", ["Y", "A", "X"])
    for name in ("A", "X"):
        print(f"dL/d{name} = {found.matrix_form(name)}")
    heading("What the document leaves out: Y_pj depends on A_ik for p = i alone")
    lesson.jacobian("Y", "A", "pjik")
    lesson.jacobian("Y", "X", "ipkj")
    lesson.claim("dL/dA_ik = G_pj dY_pj/dA_ik", "dL/dX_kj = G_ip dY_ip/dX_kj")


def main() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=4)
    softmax(a)
    sigmoid(a)
    product(rng)


if __name__ == "__main__":
    main()
