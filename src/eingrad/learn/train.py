"""The training loop: shuffled minibatches, a test after each epoch, the same bits every time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from eingrad.core.expr import Var
from eingrad.engine.backends.threads import steady
from eingrad.engine.library import to_numpy
from eingrad.errors import DataError, DivergedError
from eingrad.learn.batches import Batches
from eingrad.learn.checkpoint import Checkpoint
from eingrad.learn.classifier import DATA, LOSS, TARGET, Learner
from eingrad.learn.data import Dataset, Split
from eingrad.learn.data_identity import differences
from eingrad.learn.mesh import MeshOptions
from eingrad.learn.rows_split import Rows
from eingrad.learn.settings import Settings

TEST_BATCH = 500
OnBatch = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What an epoch (1, 2, ...) came to: mean loss on both sets, share of test images right.

    In a regression ``accuracy`` is R^2, the share of the targets' variance that is explained.
    """

    epoch: int
    loss: float
    test_loss: float
    accuracy: float

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Return a record that `asdict` wrote. Raises `DataError` where it is none."""
        try:
            return cls(
                int(values["epoch"]), float(values["loss"]), float(values["test_loss"]),
                float(values["accuracy"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError("the checkpoint's history is damaged") from error


class Trainer:
    """A run: a classifier, its data, and where it stands.

    >>> from eingrad.learn.data import load_digits
    >>> from eingrad.learn.classifier import packaged_model
    >>> settings = Settings.choose("digits", hidden=20, epochs=1)
    >>> trainer = Trainer.start(packaged_model(), settings, load_digits())
    >>> [record.accuracy > 0.8 for record in trainer.run()]
    [True]
    """

    def __init__(self, classifier: Learner, dataset: Dataset) -> None:
        self.classifier, self.dataset = classifier, dataset
        self.settings = settings = classifier.settings
        self.rng = np.random.Generator(np.random.PCG64(settings.seed))
        self.epoch = self.begun = 0  # epochs that are done, and that were when the run began
        self.history: list[EpochRecord] = []
        self._fingerprint: dict[str, Any] = {}
        self.changed: list[str] = []  # what is not as it was when the run was saved
        size, test_size = min(settings.batch_size, len(dataset.train)), TEST_BATCH
        share = None
        if classifier.mesh is not None:
            share, test_size = classifier.mesh.share, classifier.mesh.whole_batches(TEST_BATCH)
        self.batches = Batches(size, dataset, classifier.dtype, share)
        test_size = min(test_size, len(dataset.test))
        self._test_batches = Batches(test_size, dataset, classifier.dtype, share)
        self._step, self._evaluate = classifier.compile_training()
        self.state = self._step.state

    @classmethod
    def start(
        cls, text: str, settings: Settings, dataset: Dataset, mesh: MeshOptions | None = None,
        device: str | None = None,
    ) -> Self:  # fmt: skip
        """Begin a run, on a device or a mesh of them if one is given.

        The seed settles the parameters and every shuffle.
        """
        sizes = dataset.image_shape, dataset.classes
        classifier = Learner(text, settings, *sizes, mesh, device)
        trainer = cls(classifier, dataset)
        classifier.draw_parameters(trainer.rng)
        return trainer

    @classmethod
    def resume(
        cls, checkpoint: Checkpoint, settings: Settings, dataset: Dataset,
        mesh: MeshOptions | None = None, other_data: bool = False, device: str | None = None,
    ) -> Self:  # fmt: skip
        """Go on with a run, bit for bit where nothing is changed, and on the same mesh.

        On another one, sums are rounded in another order. Raises `DataError` where the checkpoint
        does not fit, or is of other data, unless ``other_data`` says that this is meant.
        """
        sizes = checkpoint.image_shape, checkpoint.classes
        if sizes != (dataset.image_shape, dataset.classes):
            raise DataError(
                f"the checkpoint was made for {_describe(*sizes)}, the data has "
                f"{_describe(dataset.image_shape, dataset.classes)}",
                hint="resume with the data set that the run began with",
            )
        classifier = Learner(checkpoint.model, settings, *sizes, mesh, device)
        classifier.load_parameters(checkpoint.parameters)
        trainer = cls(classifier, dataset)
        trainer._load_state(checkpoint.state)
        try:
            trainer.rng.bit_generator.state = dict(checkpoint.rng)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError("the checkpoint's generator state is damaged") from error
        trainer.epoch = trainer.begun = checkpoint.epoch
        trainer.history = [EpochRecord.read(values) for values in checkpoint.history]
        trainer._check_sound()
        trainer.changed = checkpoint.settings.changes(settings)
        where = [str(m) if m else "one device" for m in (checkpoint.mesh, classifier.mesh)]
        if where[0] != where[1]:
            trainer.changed.append(f"{where[0]} -> {where[1]}")
        if checkpoint.data is not None:
            trainer._compare_data(checkpoint.data, other_data)
        return trainer

    def fingerprint(self) -> dict[str, Any]:
        """Return what tells the data from others; they are read once for it."""
        self._fingerprint = self._fingerprint or self.dataset.fingerprint()
        return self._fingerprint

    def _compare_data(self, saved: Mapping[str, Any], may_differ: bool) -> None:
        found = differences(saved, self.fingerprint())
        if found and not may_differ:
            raise DataError(
                f"the data is not that of the run: {'; '.join(found)}",
                operand="data",
                hint="resume with the data set that the run began with; --other-data goes on "
                "with this one",
            )
        self.changed += found

    def run(self, on_batch: OnBatch = lambda _examples, _loss: None) -> Iterator[EpochRecord]:
        """Train to the last epoch; yield after each. ``on_batch`` is told examples and loss.

        Raises `DivergedError` in an epoch that blows up: what is yielded is sound.
        """
        while self.epoch < self.settings.epochs:
            with steady():
                loss = self._train_epoch(on_batch)
                test_loss, accuracy = self.test()
            self._check_finite("test loss", test_loss, "after its last step")
            self._check_learned()
            self.epoch += 1
            self.history.append(EpochRecord(self.epoch, loss, test_loss, accuracy))
            yield self.history[-1]

    def _train_epoch(self, on_batch: OnBatch) -> float:
        train, total = self.dataset.train, 0.0
        order = self.rng.permutation(len(train))
        steps = -(-len(order) // self.batches.size)
        for step, (indices, pixels, targets) in enumerate(self.batches.stream(train, order), 1):
            arrays, size = {DATA: pixels, TARGET: targets}, len(indices)
            loss = float(self.classifier.call(self._step, arrays, size)[LOSS])
            first = step == 1 and self.epoch == self.begun
            self._check_finite("loss", loss, f"at step {step:,} of {steps:,}", first)
            total += loss * size
            on_batch(size, loss)
            if step == steps:  # the loss is that before the update
                loss = float(self.classifier.call(self._evaluate, arrays, size)[LOSS])
                self._check_finite("loss", loss, f"after step {step:,} of {steps:,}")
        return total / len(train)

    def _check_finite(self, what: str, value: float, when: str, first: bool = False) -> None:
        """Raise `DivergedError` for a loss that is not finite; ``first`` is before any update."""
        if math.isfinite(value):
            return
        hint = f"try a smaller --lr than {self.settings.lr:g}"
        if first:
            hint = "nothing was learned yet: look at the model's logarithms, powers and quotients"
        raise DivergedError(
            f"the {what} is {value} in epoch {self.epoch + 1}, {when}", operand=LOSS, hint=hint
        )

    def _check_learned(self) -> None:
        """Raise `DivergedError` where what is learned is not finite, whatever the loss is."""
        for name in self._not_finite():
            raise DivergedError(
                f"{name} has entries that are not finite after epoch {self.epoch + 1}",
                operand=name,
                hint=f"try a smaller --lr than {self.settings.lr:g}",
            )

    def _not_finite(self) -> Iterator[str]:
        for name, x in {**self.classifier.parameters, **self.state}.items():
            if not np.isfinite(to_numpy(x)).all():
                yield name

    def _check_sound(self) -> None:
        """Raise `DataError` where the run had blown up before it was saved."""
        losses = [x for record in self.history[-1:] for x in (record.loss, record.test_loss)]
        if not all(map(math.isfinite, losses)) or any(self._not_finite()):
            raise DataError(
                "the run in the checkpoint had blown up before it was saved",
                hint="begin again with --overwrite and a smaller --lr",
            )

    def test(self) -> tuple[float, float]:
        """Return the mean loss and the share of right answers, or R^2, on the test set."""
        total, right, test = 0.0, 0.0, self.dataset.test
        for indices, outputs in self._outputs(test):
            total += float(outputs[LOSS]) * len(indices)
            predicted = outputs[self.classifier.roles.prediction]
            if self.dataset.is_regression:
                right += float(((predicted[:, 0] - test.labels[indices]) ** 2).sum())
            else:
                right += int((predicted.argmax(axis=1) == test.labels[indices]).sum())
        if self.dataset.is_regression:
            spread = float(((test.labels - test.labels.mean()) ** 2).sum())
            return total / len(test), 1 - right / spread if spread else 0.0
        return total / len(test), right / len(test)

    @property
    def score(self) -> str:
        """What is said of the last test: its accuracy, or R^2."""
        value = self.history[-1].accuracy if self.history else self.test()[1]
        return score_text(value, self.dataset.is_regression)

    def predicted(self, split: Split | Rows) -> NDArray[np.int64]:
        """Return the class that is predicted for each image."""
        name = self.classifier.roles.prediction
        classes = [outputs[name].argmax(axis=1) for _, outputs in self._outputs(split)]
        return np.concatenate(classes).astype(np.int64)

    def _outputs(
        self, split: Split | Rows
    ) -> Iterator[tuple[NDArray[np.int64], dict[str, NDArray[Any]]]]:
        for indices, pixels, targets in self._test_batches.stream(split, np.arange(len(split))):
            tensors = {DATA: pixels, TARGET: targets}
            yield indices, self.classifier.call(self._evaluate, tensors, len(indices))

    def checkpoint(self) -> Checkpoint:
        """Return the run as it stands after its last whole epoch."""
        classifier, preparation = self.classifier, self.dataset.preparation
        return Checkpoint(
            model=classifier.text,
            settings=self.settings,
            image_shape=classifier.image_shape,
            classes=classifier.classes,
            epoch=self.epoch,
            rng=self.rng.bit_generator.state,
            history=tuple(asdict(record) for record in self.history),
            parameters={name: to_numpy(x) for name, x in classifier.parameters.items()},
            state={name: to_numpy(x) for name, x in self.state.items()},
            data=self.fingerprint(),
            mesh=None if classifier.mesh is None else str(classifier.mesh),
            table=None if preparation is None else preparation.json(),
            class_names=self.dataset.class_names,
        )

    def _load_state(self, values: Mapping[str, NDArray[Any]]) -> None:
        expected = state_shapes(self.classifier)
        found = {name: x.shape for name, x in values.items()}
        if found != expected:
            raise DataError("the checkpoint's optimizer state does not fit the model")
        for name, x in values.items():
            self.state[name] = np.array(x, self.classifier.dtype, order="C")


def score_text(value: float, is_regression: bool) -> str:
    """Write an accuracy or an R^2.

    >>> score_text(0.978, False), score_text(0.5, True)
    ('accuracy 97.8 %', 'R^2 0.5000')
    """
    return f"R^2 {value:.4f}" if is_regression else f"accuracy {100 * value:.1f} %"


def state_shapes(classifier: Learner) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor that the optimizer keeps."""
    optimizer = classifier.settings.make_optimizer()
    shapes: dict[str, tuple[int, ...]] = {}
    for parameter in classifier.roles.parameters:
        gradient = Var("gradient", parameter.dims)
        for name, tensor in optimizer.step(parameter, gradient).state.items():
            shapes[name] = classifier.shapes[parameter.name] if tensor.var.dims else ()
    return shapes


def _describe(image_shape: tuple[int, int], classes: int) -> str:
    return f"images of {image_shape[0]} x {image_shape[1]} in {classes} classes"
