"""The training loop: shuffled minibatches, a test after each epoch, the same bits every time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from eingrad.core.expr import Var
from eingrad.engine.library import to_numpy
from eingrad.errors import DataError, EingradError
from eingrad.learn.batches import Batches
from eingrad.learn.checkpoint import Checkpoint
from eingrad.learn.classifier import DATA, LOSS, TARGET, Classifier
from eingrad.learn.data import Dataset, Split
from eingrad.learn.mesh import MeshOptions
from eingrad.learn.settings import Settings

TEST_BATCH = 500
OnBatch = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What an epoch (1, 2, ...) came to: mean loss on both sets, share of test images right."""

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
        except (KeyError, TypeError, ValueError) as error:
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

    def __init__(self, classifier: Classifier, dataset: Dataset) -> None:
        self.classifier, self.dataset = classifier, dataset
        self.settings = settings = classifier.settings
        self.rng = np.random.Generator(np.random.PCG64(settings.seed))
        self.epoch = 0
        self.history: list[EpochRecord] = []
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
        cls, text: str, settings: Settings, dataset: Dataset, mesh: MeshOptions | None = None
    ) -> Self:
        """Begin a run, on a mesh of devices if one is given.

        The seed settles the parameters and every shuffle.
        """
        classifier = Classifier(text, settings, dataset.image_shape, dataset.classes, mesh)
        trainer = cls(classifier, dataset)
        classifier.draw_parameters(trainer.rng)
        return trainer

    @classmethod
    def resume(
        cls, checkpoint: Checkpoint, settings: Settings, dataset: Dataset,
        mesh: MeshOptions | None = None,
    ) -> Self:  # fmt: skip
        """Go on with a run, bit for bit on the mesh on which it began.

        On another one, sums are rounded in another order. Raises `DataError` where the checkpoint
        does not fit.
        """
        sizes = checkpoint.image_shape, checkpoint.classes
        if sizes != (dataset.image_shape, dataset.classes):
            raise DataError(
                f"the checkpoint was made for {_describe(*sizes)}, the data has "
                f"{_describe(dataset.image_shape, dataset.classes)}",
                hint="resume with the data set that the run began with",
            )
        classifier = Classifier(checkpoint.model, settings, *sizes, mesh)
        classifier.load_parameters(checkpoint.parameters)
        trainer = cls(classifier, dataset)
        trainer._load_state(checkpoint.state)
        try:
            trainer.rng.bit_generator.state = dict(checkpoint.rng)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError("the checkpoint's generator state is damaged") from error
        trainer.epoch = checkpoint.epoch
        trainer.history = [EpochRecord.read(values) for values in checkpoint.history]
        return trainer

    def run(self, on_batch: OnBatch = lambda _examples, _loss: None) -> Iterator[EpochRecord]:
        """Train to the last epoch; yield after each. ``on_batch`` is told examples and loss."""
        while self.epoch < self.settings.epochs:
            with np.errstate(all="ignore"):  # a loss that is not finite is reported as such
                loss = self._train_epoch(on_batch)
                test_loss, accuracy = self.test()
            self.epoch += 1
            self.history.append(EpochRecord(self.epoch, loss, test_loss, accuracy))
            yield self.history[-1]

    def _train_epoch(self, on_batch: OnBatch) -> float:
        train = self.dataset.train
        total, seen = 0.0, 0
        order = self.rng.permutation(len(train))
        for indices, pixels, targets in self.batches.stream(train, order):
            loss = self._train_batch(pixels, targets, len(indices))
            if not math.isfinite(loss):
                raise EingradError(
                    f"the loss is {loss} in epoch {self.epoch + 1}, after {seen:,} examples",
                    operand=LOSS,
                    hint=f"try a smaller --lr than {self.settings.lr:g}",
                )
            total += loss * len(indices)
            seen += len(indices)
            on_batch(len(indices), loss)
        return total / len(train)

    def _train_batch(self, pixels: NDArray[Any], targets: NDArray[Any], size: int) -> float:
        result = self.classifier.call(self._step, {DATA: pixels, TARGET: targets}, size)
        return float(result[LOSS])

    def test(self) -> tuple[float, float]:
        """Return the mean loss and the share of right answers on the test set."""
        total, right, test = 0.0, 0, self.dataset.test
        for indices, outputs in self._outputs(test):
            total += float(outputs[LOSS]) * len(indices)
            predicted = outputs[self.classifier.roles.prediction].argmax(axis=1)
            right += int((predicted == test.labels[indices]).sum())
        return total / len(test), right / len(test)

    def predicted(self, split: Split) -> NDArray[np.int64]:
        """Return the class that is predicted for each image."""
        name = self.classifier.roles.prediction
        classes = [outputs[name].argmax(axis=1) for _, outputs in self._outputs(split)]
        return np.concatenate(classes).astype(np.int64)

    def _outputs(self, split: Split) -> Iterator[tuple[NDArray[np.int64], dict[str, NDArray[Any]]]]:
        for indices, pixels, targets in self._test_batches.stream(split, np.arange(len(split))):
            tensors = {DATA: pixels, TARGET: targets}
            yield indices, self.classifier.call(self._evaluate, tensors, len(indices))

    def checkpoint(self) -> Checkpoint:
        """Return the run as it stands after its last whole epoch."""
        classifier = self.classifier
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
        )

    def _load_state(self, values: Mapping[str, NDArray[Any]]) -> None:
        expected = state_shapes(self.classifier)
        found = {name: x.shape for name, x in values.items()}
        if found != expected:
            raise DataError("the checkpoint's optimizer state does not fit the model")
        for name, x in values.items():
            self.state[name] = np.array(x, self.classifier.dtype, order="C")


def state_shapes(classifier: Classifier) -> dict[str, tuple[int, ...]]:
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
