"""The options of a run: defaults, refusals, and what a resumed run may change."""

from __future__ import annotations

import json

import pytest

from eingrad.calculus.optim import OPTIMIZERS
from eingrad.errors import EingradError
from eingrad.learn.settings import ACTIVATIONS, LEARNING_RATE, Settings, option


def test_defaults_follow_the_data_set_and_the_optimizer():
    assert Settings.choose("mnist").epochs == 10
    assert Settings.choose("digits", optimizer="adam").lr == LEARNING_RATE["adam"]
    assert Settings.choose("digits", optimizer="adam", lr=None, epochs=3).epochs == 3
    assert set(LEARNING_RATE) == set(OPTIMIZERS)
    assert {"sigmoid", "tanh", "relu", "softplus"} <= set(ACTIVATIONS)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"hidden": 0}, "--hidden is 0, but must be a whole number of at least 1"),
        ({"hidden": 2.5}, "--hidden is 2.5, but must be a whole number"),
        ({"hidden": True}, "--hidden is True"),
        ({"epochs": -1}, "--epochs is -1"),
        ({"batch_size": 0}, "--batch-size is 0"),
        ({"seed": -1}, "--seed is -1, but must be a whole number of at least 0"),
        ({"lr": -0.1}, "lr = -0.1 must be positive and finite"),
        ({"lr": float("nan")}, "lr = nan must be positive"),
        ({"optimizer": "sdg"}, "--optimizer is 'sdg', which is unknown"),
        ({"activation": "swish"}, "--activation is 'swish', which is unknown"),
        ({"backend": "cupy"}, "--backend is 'cupy', which is unknown"),
        ({"dtype": "int8"}, "--dtype is 'int8', which is unknown"),
    ],
)
def test_values_that_cannot_be(given, text):
    with pytest.raises(EingradError) as caught:
        Settings.choose("digits", **given)
    assert text in str(caught.value)
    assert caught.value.operand in given


def test_an_unknown_data_set():
    with pytest.raises(EingradError, match="dataset is 'cifar'"):
        Settings.choose("cifar")


def test_settings_survive_json():
    settings = Settings.choose("digits", lr=0.1 + 0.2, seed=2**70)
    assert Settings.read(json.loads(json.dumps(settings.json()))) == settings


@pytest.mark.parametrize("change", [{"hidden": "500"}, {"more": 1}, {"lr": None}, None])
def test_settings_that_were_tampered_with(change):
    values = Settings.choose("digits").json()
    with pytest.raises(EingradError):
        Settings.read(None if change is None else {**values, **change})


def test_a_resumed_run_may_change_how_long_and_how_fast():
    settings = Settings.choose("digits", hidden=7)
    resumed = settings.resume(epochs=99, lr=0.5, hidden=7, seed=None, dataset="digits")
    assert (resumed.epochs, resumed.lr, resumed.hidden) == (99, 0.5, 7)


@pytest.mark.parametrize(
    "given", [{"hidden": 8}, {"seed": 1}, {"optimizer": "adam"}, {"dataset": "mnist"}]
)
def test_a_resumed_run_stays_the_same_run(given):
    with pytest.raises(EingradError, match="the checkpoint was made with") as caught:
        Settings.choose("digits", hidden=7).resume(**given)
    (name,) = given
    assert caught.value.operand == name
    assert option(name) in caught.value.hint
