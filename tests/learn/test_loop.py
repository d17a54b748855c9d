"""The training loop on the model of the package: it learns, and the same bits come out twice."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eingrad.errors import DataError, DivergedError, EingradError
from eingrad.learn import array_files
from eingrad.learn.array_files import FileRows
from eingrad.learn.checkpoint import load, save
from eingrad.learn.classifier import packaged_model
from eingrad.learn.data import Dataset, Split, load_digits
from eingrad.learn.settings import Settings
from eingrad.learn.train import EpochRecord, Trainer, state_shapes


def small() -> Dataset:
    """Two hundred digits: enough to learn from, small enough to be quick."""
    digits = load_digits()
    train = Split(digits.train.images[:200], digits.train.labels[:200], peak=16)
    return replace(digits, train=train)


def start(dataset: Dataset | None = None, **given) -> Trainer:
    settings = Settings.choose("digits", **{"hidden": 12, "epochs": 2, "batch_size": 32, **given})
    return Trainer.start(packaged_model(), settings, dataset or small())


def bits(trainer: Trainer) -> dict[str, bytes]:
    return {k: x.tobytes() for k, x in {**trainer.classifier.parameters, **trainer.state}.items()}


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_it_learns(optimizer, activation):
    lr = {"sgd": 0.5, "momentum": 0.1, "adam": 0.01}[optimizer]
    trainer = start(optimizer=optimizer, activation=activation, lr=lr, epochs=12)
    records = list(trainer.run())
    assert [r.epoch for r in records] == list(range(1, 13))
    assert records[-1].loss < 0.6 * records[0].loss
    assert records[-1].accuracy > 0.6
    assert all(x.dtype == np.float32 for x in trainer.classifier.parameters.values())


def test_every_example_is_seen_once_an_epoch():
    trainer = start(epochs=1, batch_size=48)  # the last minibatch has 8
    seen: list[int] = []
    list(trainer.run(lambda examples, _: seen.append(examples)))
    assert seen == [48, 48, 48, 48, 8]


ACTIVATION = {  # the function, and its derivative from argument and value
    "tanh": (np.tanh, lambda _, z: 1 - z * z),
    "relu": (lambda a: np.maximum(a, 0), lambda a, _: (a > 0) * 1.0),
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda _, z: z * (1 - z)),
}


@pytest.mark.parametrize("activation", ACTIVATION)
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_an_epoch_is_what_the_formulas_on_paper_give(optimizer, activation):
    """The two-layer classifier's gradients, written out by hand in float64."""
    dataset = small()
    trainer = start(dataset, epochs=1, optimizer=optimizer, activation=activation, dtype="float64")
    w = {k: x.copy() for k, x in trainer.classifier.parameters.items()}
    m, v = ({k: 0 * x for k, x in w.items()} for _ in range(2))
    rng = np.random.Generator(np.random.PCG64(0))
    rng.bit_generator.state = trainer.rng.bit_generator.state
    (record,) = trainer.run()
    order, losses, lr = rng.permutation(200), [], trainer.settings.lr
    phi, phi_prime = ACTIVATION[activation]
    for step, k in enumerate(range(0, 200, 32), 1):
        rows = order[k : k + 32]
        x = dataset.train.images[rows].reshape(-1, 64) / 16
        t = np.eye(10)[dataset.train.labels[rows]]
        a1 = x @ w["W1"] + w["b1"]
        z1 = phi(a1)
        exp = np.exp(z1 @ w["W2"] + w["b2"])
        z2 = exp / exp.sum(axis=1, keepdims=True)
        losses += list(-np.log((z2 * t).sum(axis=1)))
        d2 = (z2 - t) / len(rows)
        d1 = d2 @ w["W2"].T * phi_prime(a1, z1)
        gradients = {"W1": x.T @ d1, "b1": d1.sum(0), "W2": z1.T @ d2, "b2": d2.sum(0)}
        for name, g in gradients.items():
            if optimizer == "adam":
                m[name] = 0.9 * m[name] + 0.1 * g
                v[name] = 0.999 * v[name] + 0.001 * g * g
                scale = np.sqrt(v[name] / (1 - 0.999**step)) + 1e-8
                w[name] -= lr * m[name] / (1 - 0.9**step) / scale
            else:
                m[name] = (0.9 if optimizer == "momentum" else 0) * m[name] + g
                w[name] -= lr * m[name]
    for name, expected in w.items():
        actual = trainer.classifier.parameters[name]
        np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-10)
    assert record.loss == pytest.approx(np.mean(losses), rel=1e-9)


def test_the_test_is_what_it_says():
    trainer = start(epochs=1)
    (record,) = trainer.run()
    test = trainer.dataset.test
    p = trainer.classifier.probabilities(test.images.reshape(-1, 64).astype(np.float32) / 16)
    assert record.accuracy == (p.argmax(axis=1) == test.labels).mean()
    picked = np.take_along_axis(p, test.labels[:, None], axis=1)
    assert record.test_loss == pytest.approx(-np.log(picked).mean(), rel=1e-5)
    np.testing.assert_array_equal(trainer.predicted(test), p.argmax(axis=1))


def test_the_seed_settles_everything():
    first, second, other = start(seed=3), start(seed=3), start(seed=4)
    for trainer in (first, second, other):
        list(trainer.run())
    assert bits(first) == bits(second) != bits(other)
    assert first.history == second.history


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_four_epochs_are_two_and_two_resumed(tmp_path, optimizer):
    whole = start(epochs=4, optimizer=optimizer)
    list(whole.run())
    half = start(epochs=2, optimizer=optimizer)
    list(half.run())
    save(tmp_path / "run", half.checkpoint())
    checkpoint = load(tmp_path / "run")
    rest = Trainer.resume(checkpoint, checkpoint.settings.resume(epochs=4), small())
    assert [r.epoch for r in rest.run()] == [3, 4]
    assert bits(rest) == bits(whole)
    assert rest.history == whole.history
    save(tmp_path / "rest", rest.checkpoint())
    save(tmp_path / "whole", whole.checkpoint())
    assert load(tmp_path / "rest").rng == load(tmp_path / "whole").rng


def test_state_is_known_before_the_first_step():
    trainer = start(optimizer="adam")
    shapes = state_shapes(trainer.classifier)
    next(trainer.run())
    assert {name: x.shape for name, x in trainer.state.items()} == shapes


def test_a_loss_that_is_not_finite_stops_the_run():
    trainer = start(lr=1e30, optimizer="sgd")
    with pytest.raises(DivergedError, match=r"the loss is (nan|inf) in epoch 1, at step") as caught:
        list(trainer.run())
    assert "a smaller --lr than 1e+30" in caught.value.hint
    assert trainer.history == []


def poisoned(trainer: Trainer, step: int, value: float) -> tuple[str, Trainer]:
    """Put a value into a parameter just after a step (1, 2, ...) has updated it."""
    call, done = trainer.classifier.call, 0

    def wrapped(function, *args):
        nonlocal done
        result = call(function, *args)
        done += function is trainer._step
        if function is trainer._step and done == step:
            trainer.classifier.parameters["b2"][3] = value
        return result

    trainer.classifier.call = wrapped
    with pytest.raises(DivergedError) as caught:
        list(trainer.run())
    assert "--lr" in caught.value.hint
    return str(caught.value), trainer


@pytest.mark.parametrize(
    ("step", "value", "text"),
    [
        (3, np.nan, "the loss is nan in epoch 1, at step 4 of 7"),
        (7, np.nan, "the loss is nan in epoch 1, after step 7 of 7"),
        (7, np.inf, "the loss is nan in epoch 1, after step 7 of 7"),
        (14, np.nan, "the loss is nan in epoch 2, after step 7 of 7"),
        (14, 3e38, "test loss is inf in epoch 2, after its last step"),
    ],
)
def test_the_step_is_named_and_no_epoch_counts_that_blew_up(step, value, text):
    """The loss of a step is that before its update: after the last one it is computed again.

    With a bias of 3e38 for class 3, an example of class 3 has loss 0; others overflow float32 in
    a sum alone, so that one minibatch of threes looks sound, and the test set does not.
    """
    dataset = small()
    if value == 3e38:
        threes = np.flatnonzero(dataset.train.labels == 3)[:1]
        train = dataset.train
        dataset = replace(
            dataset,
            train=replace(
                train,
                images=np.repeat(train.images[threes], 200, axis=0),
                labels=np.repeat(train.labels[threes], 200),
            ),
        )
    message, trainer = poisoned(start(dataset), step, value)
    assert text in message
    assert trainer.epoch == len(trainer.history) == (step - 1) // 7


def test_parameters_that_no_loss_tells():
    """A comparison hides what is not a number: where(nan > 0, nan, 0) is 0."""
    text = """
    Z_bh = where(X_bi W_ih > 1e30, X_bi W_ih, 0)
    P_bo = softmax_o(Z_bh V_ho + c_o)
    L = -mean_b(T_bo log(P_bo))
    """
    settings = Settings.choose("digits", hidden=3, epochs=1, batch_size=32)
    trainer = Trainer.start(text, settings, small())
    trainer.classifier.parameters["W"][0, 0] = np.nan
    with pytest.raises(DivergedError, match=r"W has entries that are not finite after epoch 1"):
        list(trainer.run())


def test_a_loss_that_is_not_finite_before_anything_is_learned():
    text = "P_bo = softmax_o(X_bi W_io)\nL = log(-1 - mean_b(sum_o(P_bo^2 T_bo)))"
    settings = Settings.choose("digits", hidden=3, epochs=1, batch_size=32)
    trainer = Trainer.start(text, settings, small())
    with pytest.raises(DivergedError, match=r"at step 1 of 7") as caught:
        list(trainer.run())
    assert "nothing was learned yet" in caught.value.hint


@pytest.mark.parametrize("where", ["parameters", "history"])
def test_a_run_that_was_saved_after_it_blew_up_is_not_resumed(where):
    trainer = start()
    list(trainer.run())
    checkpoint = trainer.checkpoint()
    if where == "history":
        last = {**checkpoint.history[-1], "test_loss": float("nan")}
        checkpoint = replace(checkpoint, history=(*checkpoint.history[:-1], last))
    else:
        checkpoint.parameters["W1"][0, 0] = np.inf
    with pytest.raises(DataError, match="had blown up before it was saved"):
        Trainer.resume(checkpoint, checkpoint.settings, small())


def changed(**changes):
    trainer = start(optimizer="momentum")
    list(trainer.run())
    return replace(trainer.checkpoint(), **changes)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"classes": 9}, "the checkpoint was made for images of 8 x 8 in 9 classes"),
        ({"image_shape": (28, 28)}, "resume with the data set"),
        ({"parameters": {}}, "the checkpoint's parameters are ; the model's are W1 64 x 12"),
        ({"state": {}}, "the checkpoint's optimizer state does not fit"),
        ({"rng": {"bit_generator": "PCG64"}}, "generator state is damaged"),
        ({"rng": {}}, "generator state is damaged"),
        ({"history": ({"epoch": 1},)}, "history is damaged"),
        ({"history": ({"epoch": float("inf")},)}, "history is damaged"),
        ({"model": "L = mean_b(sum_o(T_bo))"}, "the model has no input X"),
        ({"model": "L = ("}, "line 1"),
    ],
)
def test_a_checkpoint_that_does_not_fit(changes, text):
    checkpoint = changed(**changes)
    with pytest.raises(EingradError) as caught:
        Trainer.resume(checkpoint, checkpoint.settings, small())
    assert text in str(caught.value)


def test_a_run_knows_its_data():
    """Each way in which data differ is said; on demand the run goes on with them."""
    dataset = small()
    train, test = dataset.train, dataset.test
    trainer = start(dataset, epochs=1)
    list(trainer.run())
    checkpoint = trainer.checkpoint()
    swapped = train.labels.copy()
    swapped[[0, 1]] = 9 - swapped[[0, 1]]
    dark = train.images.copy()
    dark[5, 3, 3] ^= 1
    for changes, text in (
        ({"train": Split(train.images[:90], train.labels[:90], 16)},
         "it has 90 training images, the run had 200"),
        ({"train": replace(train, images=dark)}, "its training images are others"),
        ({"train": replace(train, labels=swapped)}, "the labels of its training images are others"),
        ({"train": replace(train, peak=255)}, "grey value of its training images is 255, the"),
        ({"test": Split(test.images[1:], test.labels[1:], 16)}, "it has 358 test images, the run"),
        ({"test": replace(test, labels=(test.labels + 1) % 10)}, "labels of its test images are"),
    ):  # fmt: skip
        other = replace(dataset, **changes)
        with pytest.raises(DataError, match="the data is not that of the run") as caught:
            Trainer.resume(checkpoint, checkpoint.settings, other)
        assert text in str(caught.value)
        assert "--other-data" in caught.value.hint
        again = Trainer.resume(checkpoint, checkpoint.settings, other, other_data=True)
        assert any(text in change for change in again.changed)
        assert again.checkpoint().data != checkpoint.data
    assert Trainer.resume(checkpoint, checkpoint.settings, small()).changed == []
    old = Trainer.resume(replace(checkpoint, data=None), checkpoint.settings, small())
    assert old.checkpoint().data == checkpoint.data


def test_a_record_reads_what_it_wrote():
    with pytest.raises(DataError):
        EpochRecord.read({"epoch": "x", "loss": 1, "test_loss": 1, "accuracy": 1})


# --- images in files --------------------------------------------------------------------------


def in_file(dataset: Dataset, path: Path) -> Dataset:
    """The same data, with the training images in a file."""
    dataset.train.images.tofile(path)
    images = FileRows(path, 0, dataset.train.images.shape)
    return replace(dataset, train=replace(dataset.train, images=images))


def mapped(dataset: Dataset, path: Path) -> Dataset:
    """The same data, mapped by NumPy."""
    dataset.train.images.tofile(path)
    images = np.memmap(path, np.uint8, "r", shape=dataset.train.images.shape)
    return replace(dataset, train=replace(dataset.train, images=images))


@pytest.mark.parametrize("held", [0, 1 << 28], ids=["read", "mapped"])
@pytest.mark.parametrize("put", [in_file, mapped])
def test_images_may_lie_in_a_file(tmp_path, monkeypatch, put, held):
    monkeypatch.setattr(array_files, "MAPPED", held)
    dataset = small()
    first = start(dataset, epochs=2)
    second = start(put(dataset, tmp_path / "images"), epochs=2)
    list(first.run())
    list(second.run())
    assert bits(first) == bits(second)
    assert first.history == second.history


def test_a_run_on_a_file_resumes_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr(array_files, "MAPPED", 0)
    whole = start(epochs=3)
    list(whole.run())
    half = start(in_file(small(), tmp_path / "images"), epochs=1)
    list(half.run())
    save(tmp_path / "run", half.checkpoint())
    checkpoint = load(tmp_path / "run")
    dataset = in_file(small(), tmp_path / "again")
    rest = Trainer.resume(checkpoint, checkpoint.settings.resume(epochs=3), dataset)
    list(rest.run())
    assert bits(rest) == bits(whole)


@pytest.mark.parametrize("held", [0, 1 << 28], ids=["read", "mapped"])
def test_a_file_that_is_cut_in_the_middle_of_an_epoch_stops_the_run(tmp_path, monkeypatch, held):
    monkeypatch.setattr(array_files, "MAPPED", held)
    path = tmp_path / "images"
    trainer = start(in_file(small(), path), epochs=1)
    examples: list[int] = []

    def cut(count: int, _: float) -> None:
        examples.append(count)
        if len(examples) == 2:
            os.truncate(path, 100)

    with pytest.raises(
        DataError, match="changed while it was in use: it had 12,800 bytes"
    ) as caught:
        list(trainer.run(cut))
    assert caught.value.operand == str(path)
    assert examples == [32, 32]
