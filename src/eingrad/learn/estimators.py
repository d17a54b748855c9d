"""Estimators for scikit-learn of a model in index notation; it comes with ``eingrad[sklearn]``.

They take arrays as they are: put a `StandardScaler` before them in a pipeline.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from eingrad.api.models.model import Model
from eingrad.errors import DivergedError
from eingrad.learn.batches import Batches
from eingrad.learn.classifier import DATA, LOSS, TARGET, Learner, packaged_model
from eingrad.learn.data import Dataset
from eingrad.learn.rows_split import Rows
from eingrad.learn.settings import LEARNING_RATE, Settings
from eingrad.notation.files import read_text

PACKAGED = {True: "mlp", False: "regression"}


class _Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What both have: parameters, training, and predictions (b, o) in the model's dtype."""

    def __init__(
        self,
        model: str | Path | Model | None = None,
        *,
        hidden: int = 100,
        epochs: int = 100,
        batch_size: int = 32,
        lr: float | None = None,
        optimizer: str = "adam",
        activation: str = "relu",
        backend: str = "numpy",
        dtype: str = "float64",
        random_state: Any = None,
    ) -> None:
        self.model, self.hidden, self.epochs, self.batch_size = model, hidden, epochs, batch_size
        self.lr, self.optimizer, self.activation = lr, optimizer, activation
        self.backend, self.dtype, self.random_state = backend, dtype, random_state

    def _text(self, is_classifier: bool) -> str:
        if self.model is None:
            return packaged_model(PACKAGED[is_classifier])
        is_path = isinstance(self.model, Path) or str(self.model).endswith(".ein")
        return read_text(str(self.model)) if is_path else str(self.model)

    def _settings(self, seed: int, rows: int) -> Settings:
        lr = LEARNING_RATE.get(self.optimizer, 0.1) if self.lr is None else self.lr
        size = min(int(self.batch_size), rows)
        return Settings(
            "arrays", int(self.hidden), int(self.epochs), size, lr, self.optimizer,
            self.activation, self.backend, seed, self.dtype,
        )  # fmt: skip

    def _train(self, rows: Rows, outputs: int) -> Self:
        """Learn from rows; ``loss_curve_`` has the mean loss of each epoch."""
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        settings = self._settings(0, len(rows))
        self._text_ = self._text(bool(rows.classes))
        learner = Learner(self._text_, settings, rows.image_shape, outputs)
        learner.draw_parameters(rng)
        step, _ = learner.compile_training()
        dataset = Dataset("arrays", rows, rows, outputs)
        batches = Batches(settings.batch_size, dataset, learner.dtype)
        self.loss_curve_: list[float] = []
        for _ in range(settings.epochs):
            total = 0.0
            for indices, data, targets in batches.stream(rows, rng.permutation(len(rows))):
                arrays = {DATA: data, TARGET: targets}
                total += float(learner.call(step, arrays, len(indices))[LOSS]) * len(indices)
            self.loss_curve_.append(total / len(rows))
            if not math.isfinite(total):
                raise DivergedError(
                    f"the loss is {total} in epoch {len(self.loss_curve_)}",
                    operand=LOSS,
                    hint=f"try a smaller lr than {settings.lr:g}, or scale the data",
                )
        self.n_iter_, self.loss_ = settings.epochs, self.loss_curve_[-1]
        self._shape = settings, rows.image_shape, outputs
        self._keep(learner)
        return self

    def _keep(self, learner: Learner) -> None:
        """Predict with NumPy from now on."""
        to_numpy = learner.library.to_numpy
        self.parameters_ = {k: np.array(to_numpy(x)) for k, x in learner.parameters.items()}
        self._learner = self._of_parameters()

    def _of_parameters(self) -> Learner:
        settings, shape, outputs = self._shape
        values = {**settings.json(), "backend": "numpy"}
        learner = Learner(self._text_, Settings.read(values), shape, outputs)
        learner.load_parameters(self.parameters_)
        return learner

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_learner", None)  # compiled functions: made anew
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "parameters_"):
            self._learner = self._of_parameters()

    def _features(self, X: Any) -> NDArray[Any]:
        check_is_fitted(self)
        found: NDArray[Any] = validate_data(self, X, reset=False, dtype=np.float64)
        return found.astype(self.dtype)


class Classifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A classifier for scikit-learn: ``model`` is a text of the notation, a file or a `Model`.

    The conventions are those of ``eingrad train``: X_bi is the data, T_bo the one-hot targets, L
    the loss; without a model, two layers and a softmax. ``random_state`` settles every choice.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> flowers = make_pipeline(StandardScaler(), Classifier(random_state=0))
    >>> X, y = load_iris(return_X_y=True)
    >>> flowers.fit(X, y).score(X, y) > 0.95
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from data (n, f) and classes (n,), of any type. Raises ValueError."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        return self._train(Rows(X, labels, len(self.classes_)), len(self.classes_))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class (n, classes)."""
        features = self._features(X)
        return self._learner.probabilities(features)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likeliest class (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        found: NDArray[Any] = self.classes_[best]
        return found


class Regressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A regression for scikit-learn, of one target or several; see `Classifier`.

    Without a model, two layers and half the squared error.

    >>> X = np.linspace(-1, 1, 200)[:, None]
    >>> wave = np.sin(3 * X[:, 0])
    >>> Regressor(lr=0.01, random_state=0).fit(X, wave).score(X, wave) > 0.9
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from data (n, f) and numbers (n,) or (n, outputs). Raises ValueError."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, multi_output=True)
        y = np.asarray(y, np.float64)
        self._ndim = y.ndim
        targets = y.reshape(len(y), -1)
        return self._train(Rows(X, targets, 0), targets.shape[1])

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the numbers (n,), or (n, outputs) where it was fitted so."""
        features = self._features(X)
        found = np.asarray(self._learner.scores(features), np.float64)
        return found if self._ndim > 1 else found[:, 0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
