"""The document "Backpropagation for an MLP classifier on MNIST", its equations in its order.

First one example with all its Jacobians, then the minibatch, with an activation phi that stays
phi until it is bound; then the document's mistakes, each beside central differences.
"""

from __future__ import annotations

import numpy as np
from _show import Array, Lesson, first, heading, wrong

ONE = """
function phi
a1_j = x_i W1_ij + b1_j
z1_j = phi(a1_j)
a2_k = z1_j W2_jk + b2_k
z2_k = softmax_k(a2_k)
L    = -sum_k(y_k log(z2_k))
assume sum_k(y_k) = 1
"""
BATCH = """
function phi
A1_bh = X_bi W1_ih + b1_h
Z1_bh = phi(A1_bh)
A2_bo = Z1_bh W2_ho + b2_o
Z2_bo = softmax_o(A2_bo)
L     = -sum_b(Y_bo log(Z2_bo)) / size(b)
assume sum_o(Y_bo) = 1
"""
WRT = ["Z2", "A2", "b2", "W2", "Z1", "A1", "b1", "W1"]
M, D, H, C = 6, 5, 4, 3  # the minibatch, the inputs, the hidden units, the classes


def parameters(rng: np.random.Generator) -> dict[str, Array]:
    shapes = {"W1": (D, H), "b1": (H,), "W2": (H, C), "b2": (C,)}
    return {name: rng.normal(scale=0.5, size=shape) for name, shape in shapes.items()}


def one_example(rng: np.random.Generator) -> None:
    heading("One example: the Jacobians, then the chain rule")
    arrays = {"x": rng.normal(size=D), "y": np.eye(C)[1], **parameters(rng)}
    lesson = Lesson(ONE, arrays, phi="tanh")
    for of, wrt, labels in [
        ("a1", "W1", "kij"), ("a1", "b1", "kj"), ("z1", "a1", "ji"), ("a2", "z1", "ji"),
        ("a2", "W2", "kij"), ("a2", "b2", "kj"), ("z2", "a2", "ji"),
    ]:  # fmt: skip
        lesson.jacobian(of, wrt, labels)
    lesson.gradients("L", ["z2", "a2", "W2", "b2", "z1", "a1", "W1", "b1"])
    heading("The same by the chain rule through the Jacobians, as the document has it")
    lesson.claim(
        "dL/da2_j = dL/dz2_k dz2_k/da2_j",
        "dL/da2_j = -(y_j - z2_j)",
        "dL/dW2_ij = -(y_j - z2_j) z1_i",
        "dL/dz1_i = dL/da2_j da2_j/dz1_i",
        "dL/dz1_i = -(y_j - z2_j) W2_ij",
        "dL/da1_j = dL/dz1_k dz1_k/da1_j",
    )


def minibatch(rng: np.random.Generator) -> dict[str, Lesson]:
    """Derive once for any phi, and bind it to two: a smooth one and one with a kink."""
    arrays = {"X": rng.normal(size=(M, D)), "Y": np.eye(C)[rng.integers(C, size=M)]}
    arrays |= parameters(rng)
    lessons = {}
    for bound in ("sigmoid", "relu"):
        heading(f"A minibatch, phi bound to {bound}")
        lessons[bound] = Lesson(BATCH, arrays, phi=bound)
        lessons[bound].gradients("L", WRT, text=bound == "sigmoid")
    return lessons


def mistakes(lesson: Lesson) -> None:
    heading("What the document gets wrong")
    twice = "dL/dZ1 has the 1/m already, so it is once too often, by rows and as a matrix alike"
    lesson.mistake("dL/dA1_bh = dL/dZ1_bh phi'(A1_bh) / size(b)", twice)
    lesson.mistake("dL/dW1_ih = X_bi dL/dA1_bh / size(b)", "so has dL/dA1: 1/m is once too often")
    lesson.mistake(
        "dL/db1_h = dL/dZ2_bh phi'(A1_bh) / size(b)",
        '"average along rows of dL/dZ2 * phi\'(A1)": Z2 stands for Z1, whose shape differs',
    )
    lesson.mistake(
        "dL/db1_h = dL/dZ1_bh phi'(A1_bh) / size(b)",
        "with Z1 for Z2 it is a sum over the examples, not an average: 1/m is once too often",
    )
    lesson.claim("dL/db1_h = dL/dZ1_bh phi'(A1_bh)")
    print(
        '\nMISTAKE: dL/db2 = "average along rows of -(Y - Z2)"\n'
        "  (1/m) sum_i is an average over rows, down each column. Along its rows Y - Z2\n"
        "  has the average 0: both sum to 1."
    )
    residual = lesson.values["Z2"] - lesson.values["Y"]
    right = lesson.differences("L", "b2")
    print(f"  right:   {first(right)}\n  claimed: {first(residual.mean(axis=1).round(12))}")
    assert wrong(residual.mean(axis=1), right)
    assert not wrong(residual.mean(axis=0), right)


def main() -> None:
    rng = np.random.default_rng(0)
    one_example(rng)
    mistakes(minibatch(rng)["sigmoid"])
    print(
        "\nSlips that change no result: ds_j/x_i lacks a partial sign; L = -log(z^2_y) lacks the\n"
        "layer's parentheses, z^(2); softmax(a_j) of a component means softmax(a)_j; W2_j means\n"
        'the column W2[:, j]; Z2 is called "logits vector", which is A2.'
    )


if __name__ == "__main__":
    main()
