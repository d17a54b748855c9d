"""The document "Simple MLP - Forward and Backward Pass (With Einsum) Derivation", in its order.

A sigmoid layer, a softmax layer and cross-entropy on one sample; then what the document gets wrong.
"""

from __future__ import annotations

import numpy as np
from _show import Array, Lesson, central_differences, first, heading, wrong
from scipy.special import softmax

import eingrad as eg

MODEL = """
ha_h = W_hi x_i + b_h
h_h  = sigmoid(ha_h)
ya_o = V_oh h_h + c_o
y_o  = softmax_o(ya_o)
L    = -sum_o(t_o log(y_o))
assume sum_o(t_o) = 1
"""
WRT = ["y", "ya", "V", "h", "c", "ha", "W", "b"]
SHAPES = {"W": (5, 6), "b": (5,), "V": (4, 5), "c": (4,), "x": (6,)}
EPSILON = 1e-8  # that the document's code adds inside the logarithm


def arrays(t: Array) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {"t": t, **{name: rng.normal(size=shape) for name, shape in SHAPES.items()}}


def main() -> None:
    heading("One hidden layer, one sample")
    lesson = Lesson(MODEL, arrays(np.eye(4)[3]))
    lesson.gradients("L", WRT)
    chain_rule(lesson)
    vector_loss(lesson)
    epsilon()
    transposes(lesson)


def chain_rule(lesson: Lesson) -> None:
    heading("dL/dya = dL/dy . dy/dya = y - t")
    lesson.jacobian("y", "ya", "op")
    lesson.claim("dL/dya_p = dL/dy_o dy_o/dya_p")
    lesson.mistake(
        "dL/dya_o = dL/dy_o y_o (1 - y_o)",
        "the dot is no element-wise product, as it is in the document's dL/dh . sigma'(h_a):\n"
        "  dy/dya is a full matrix, and the dot contracts with it",
    )
    doubled = Lesson(MODEL.replace("assume", "#"), arrays(2 * np.eye(4)[3]))
    doubled.mistake(
        "dL/dya_o = y_o - t_o",
        "it is y_o sum_p(t_p) - t_o; the document does not say that t sums to 1. Here it is 2:",
    )


def vector_loss(lesson: Lesson) -> None:
    heading("The loss is a number")
    print(
        "MISTAKE: L = -sum_{i=0}^{n} t log y_i (scalar) -> -t log y (vector)\n"
        "  i = 0, ..., n are n + 1 terms, t lacks its index, and the vector -t log y has a\n"
        "  Jacobian by y_a with No x No entries: its sum over the first index is y - t."
    )
    t, ya = lesson.values["t"], lesson.values["ya"]
    jacobian = central_differences(lambda a: -t * np.log(softmax(a)), ya)
    print(
        f"  d(-t log y)/dya: {first(jacobian)}\n  its columns' sums: {first(jacobian.sum(axis=0))}"
    )
    assert wrong(jacobian, lesson.values["dL/dya"])
    assert not wrong(jacobian.sum(axis=0), lesson.values["dL/dya"])


def epsilon() -> None:
    heading("y - t is not the gradient of the loss in the document's code")
    print("MISTAKE: L = -np.sum(t * np.log(y + 1e-8)); dL_dya = y - t")
    t = np.eye(3)[0]
    for logit in (0.0, -18.0, -40.0):
        ya = np.array([logit, 0.0, 0.5])
        y = softmax(ya)
        right = central_differences(lambda a: -np.sum(t * np.log(softmax(a) + EPSILON)), ya)
        factor = y[0] / (y[0] + EPSILON)
        print(f"  y = {y[0]:.0e}: y - t = {first(y - t)}\n     it is {first(right)}")
        assert np.allclose(right, factor * (y - t), atol=1e-7)
    print(
        "  y - t is too large by the factor 1 + 1e-8 / y: where the network is most wrong, the\n"
        "  loss as it is written has no slope. eingrad needs no epsilon, since it computes\n"
        "  log(softmax(ya)) as ya - logsumexp(ya)."
    )
    f = eg.parse("L = -sum_o(t_o log(softmax_o(ya_o)))").grad("L", ["ya"]).compile()
    found = f(t=t, ya=np.array([-1e4, 0.0, 0.5]))
    print(f"  for a logit of -1e4: L = {found['L']:.2f}, dL/dya = {first(found['dL/dya'])}")
    assert np.isfinite(found["L"])


def transposes(lesson: Lesson) -> None:
    heading("Does einsum transpose?")
    V, delta = lesson.values["V"], lesson.values["dL/dya"]
    print(
        'MISTAKE: "einsum never performs implicit transposes"\n'
        '  Without "->" it does: the output has the labels in alphabetical order.'
    )
    implicit = np.einsum("oh", V)
    print(f'  V has the shape {V.shape}, np.einsum("oh", V) has {implicit.shape}: it is V^T')
    assert np.array_equal(implicit, V.T)
    print('  Right is: "ho,o->h" for V_oh does not transpose. It is refused, and where No = Nh')
    try:
        np.einsum("ho,o->h", V, delta)
    except ValueError:
        square = np.arange(9.0).reshape(3, 3)
        assert np.array_equal(np.einsum("ho,o->h", square, np.ones(3)), square @ np.ones(3))
        print("  it is V (y - t) in silence, not V^T (y - t).")
    line = "dL_dh = np.einsum(“oh, o->h”, V, dL_dya)"
    print(f"MISTAKE: {line}")
    try:
        compile(line, "document", "exec")
    except SyntaxError as error:
        print(f"  its quotes are no Python: {error.msg}")
    else:
        raise AssertionError("it compiles")


if __name__ == "__main__":
    main()
