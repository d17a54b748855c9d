"""What makes a text in index notation a trainable model, and what is said of one that is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eingrad.api.models.model import parse
from eingrad.errors import DataError, EingradError, ShapeError
from eingrad.learn.classifier import (
    Learner,
    find_roles,
    initial_values,
    packaged_model,
    parameter_shapes,
)
from eingrad.learn.data import Split, load_digits
from eingrad.learn.settings import Settings
from eingrad.learn.train import Trainer
from eingrad.notation.files import MAX_BYTES, read_text

THREE_LAYERS = """
function f
function g
U_nk = f(X_np P_pk + p_k)
V_nl = g(U_nk Q_kl + q_l)
S_nc = V_nl R_lc + r_c
Y_nc = softmax_c(S_nc)
E_nc = T_nc - Y_nc                     # has T's axes, but depends on T
L = -mean_n(T_nc log(Y_nc))
"""
LOGITS = "Z_bo = X_bi W_io + b_o\nL = mean_b(logsumexp_o(Z_bo) - sum_o(T_bo Z_bo))"
LOG_PROBABILITIES = "Z_bo = log_softmax_o(X_bi W_io + b_o)\nL = -mean_b(T_bo Z_bo)"
LEAST_SQUARES = "Y_bo = X_bi W_io + b_o\nL = mean_b(sum_o((Y_bo - T_bo)^2))"
OUTPUT_FIRST = "Z_bo = softmax_o(W_oi X_bi)\nL = -mean_b(T_bo log(Z_bo)) + 1e-4 sum_oi(W_oi^2)"
MODELS = {
    "three layers": THREE_LAYERS,
    "logits": LOGITS,
    "log-probabilities": LOG_PROBABILITIES,
    "least squares": LEAST_SQUARES,
    "output first, weight decay": OUTPUT_FIRST,
}


def small():
    digits = load_digits()
    return replace(digits, train=Split(digits.train.images[:300], digits.train.labels[:300], 16))


def test_the_roles_in_the_package_s_model():
    roles = find_roles(parse(packaged_model()))
    assert [v.name for v in roles.parameters] == ["W1", "b1", "W2", "b2"]
    assert (roles.data.name, roles.target.name, roles.prediction) == ("X", "T", "Z2")
    assert parameter_shapes(roles, 784, 10, 500) == {
        "W1": (784, 500), "b1": (500,), "W2": (500, 10), "b2": (10,),
    }  # fmt: skip


def test_the_prediction_does_not_depend_on_the_target():
    assert find_roles(parse(THREE_LAYERS)).prediction == "Y"
    assert find_roles(parse(LOGITS)).prediction == "Z"


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_one_s_own_learns(name):
    lr = 0.01 if name == "least squares" else 0.05
    settings = Settings.choose("digits", hidden=16, epochs=15, lr=lr, batch_size=30)
    trainer = Trainer.start(MODELS[name], settings, small())
    *_, last = trainer.run()
    assert last.accuracy > 0.8
    pixels = small().test.images[:50].reshape(-1, 64).astype(np.float32) / 16
    p = trainer.classifier.probabilities(pixels)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    assert (p >= 0).all()
    np.testing.assert_array_equal(
        p.argmax(axis=1), trainer.classifier.scores(pixels).argmax(axis=1)
    )


def test_probabilities_from_logits_and_from_logarithms_are_the_same():
    rng = np.random.default_rng(0)
    values = {"W": rng.normal(size=(64, 10)), "b": rng.normal(size=10)}
    pixels = rng.random((7, 64)).astype(np.float32)
    results = []
    for text in (LOGITS, LOG_PROBABILITIES, LOGITS.replace("\nL", "\nY_bo = softmax_o(Z_bo)\nL")):
        classifier = Learner(text, Settings.choose("digits"), (8, 8), 10)
        classifier.load_parameters(values)
        results.append(classifier.probabilities(pixels))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5)
    np.testing.assert_allclose(results[0], results[2], rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("L = mean_b(sum_o(T_bo))", "the model has no input X"),
        ("L = mean_b(sum_i(X_bi w_i))", "the model has no input T"),
        ("X_bi = W_bi\nL = sum_bo(T_bo) sum_bi(X_bi)", "the model assigns X"),
        ("L = mean_b(sum_o(T_bo) X_b w)", "the model's X_b has not two different axes"),
        ("L = mean_b(X_bb w) sum_bo(T_bo)", "the model's X_bb has not two different axes"),
        ("Z_ao = X_ai W_io\nL = sum_ao(Z_ao) sum_bo(T_bo)", "are not the same minibatch"),
        ("M = mean_b(sum_o(T_bo) sum_i(X_bi w_i))", "the model has no tensor L"),
        ("Z_bo = X_bi W_io\nL_b = sum_o(T_bo Z_bo)", "the model has L_b, which is no scalar"),
        ("Z_bo = sum_i(X_bi) + 0 T_bo\nL = sum_bo(Z_bo T_bo)", "the model has no parameters"),
        ("Z_bo = X_bi W_io + c_bo\nL = -mean_b(T_bo log(Z_bo))", "the parameter c_bo has the axis"),
        ("L = mean_b(sum_o((X_bi W_io - T_bo)^2))", "the model has no prediction"),
        ("Z_bo = X_bi W_io\nL = sum_bo(Z_bo)\nM = sum_bo(T_bo Z_bo)", "does not depend on T"),
    ],
)
def test_what_a_model_lacks_is_said(text, message):
    with pytest.raises(DataError) as caught:
        find_roles(parse(text))
    assert message in str(caught.value)


def test_an_axis_with_two_sizes():
    roles = find_roles(parse("Z_bi = X_bi + c_i\nL = mean_b(sum_i((Z_bi - T_bi)^2))"))
    with pytest.raises(ShapeError, match="64 pixels and for 10 classes") as caught:
        parameter_shapes(roles, 64, 10, 5)
    assert caught.value.label


def test_an_unbound_activation_is_refused_by_name():
    with pytest.raises(EingradError, match="unknown"):
        Settings.choose("digits", activation="phi")


def test_initial_values():
    shapes = {"W": (300, 200), "K": (10, 20, 50), "b": (7,), "c": ()}
    values = initial_values(shapes, np.random.default_rng(0), np.float32)
    assert {name: x.shape for name, x in values.items()} == shapes
    bound = np.sqrt(6 / 500)
    assert 0.99 * bound < abs(values["W"]).max() <= bound * (1 + 1e-6)
    assert abs(values["W"].mean()) < 0.01 * bound
    assert abs(values["K"]).max() <= np.sqrt(6 / 250) * (1 + 1e-6)
    assert not values["b"].any()
    assert values["c"] == 0
    assert all(x.dtype == np.float32 and x.flags.c_contiguous for x in values.values())


def test_model_files(tmp_path):
    path = tmp_path / "mine.ein"
    path.write_text(THREE_LAYERS, encoding="utf-8")
    assert read_text(path) == THREE_LAYERS
    path.write_bytes(b"L = \xff\xfe")
    with pytest.raises(DataError, match="is not text in UTF-8"):
        read_text(path)
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(DataError, match="is larger than"):
        read_text(path)
    for bad in (tmp_path, tmp_path / "nothing.ein"):
        with pytest.raises(DataError, match="cannot read"):
            read_text(bad)
