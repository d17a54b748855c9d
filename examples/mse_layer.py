"""The document "Use Einstein Notation to derive Backpropagation", its equations in its order.

One sigmoid layer under the squared error, and the gradient by the input, which the document leaves
to its reader. Its results are right; its chain rules use one letter for two indices.
"""

from __future__ import annotations

import numpy as np
from _show import Lesson, first, heading, wrong

MODEL = """
z_i = W_ij x_j
y_i = sigmoid(z_i)
e_i = ytrue_i - y_i
L   = e_i e_i
"""
WRT = ["e", "y", "z", "W", "x"]


def main() -> None:
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=n) for name, n in {"W": (3, 4), "x": 4, "ytrue": 3}.items()}
    heading("A layer y = sigmoid(W x) under |ytrue - y|^2")
    lesson = Lesson(MODEL, arrays)
    lesson.gradients("L", WRT)
    lesson.claim("dL/dy_i = 2 e_i (-1)", "dL/dW_ij = dL/dz_i x_j")
    chain_rules(lesson)


def chain_rules(lesson: Lesson) -> None:
    heading("The chain rule with every index named")
    lesson.jacobian("y", "z", "ki")
    lesson.claim("dL/dz_i = dL/dy_k dy_k/dz_i")
    lesson.jacobian("z", "W", "kij")
    lesson.claim("dL/dW_ij = dL/dz_k dz_k/dW_ij")
    print(
        "\nMISTAKE: dL/dz_i = dL/dy_i dsigma(z_i)/dz_i, and the same for dL/dW_ij\n"
        "  i is free on the left and occurs twice on the right, where the document's own\n"
        "  convention sums it: the right side is a number. Only the diagonal of dy_k/dz_i is meant."
    )
    diagonal = np.einsum("ii->i", lesson.values["dy/dz"])
    summed = np.einsum("i,i->", lesson.values["dL/dy"], diagonal)
    right = lesson.differences("L", "z")
    print(f"  right:                  {first(right)}\n  summed, by convention:  {summed:.5f}")
    assert wrong(summed, right)


if __name__ == "__main__":
    main()
