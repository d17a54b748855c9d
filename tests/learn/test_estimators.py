"""`eingrad.learn.Classifier` and `Regressor` are scikit-learn's estimators."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import eingrad as eg
from eingrad.errors import DataError, DivergedError
from eingrad.learn import Classifier, Regressor

LINEAR = "Y_bo = softmax_o(X_bi W_io + c_o)\nL = -mean_b(T_bo log(Y_bo)) + 0.05 W_io W_io"


@pytest.mark.parametrize("estimator", [Classifier(epochs=60), Regressor(epochs=60)], ids=str)
def test_scikit_learns_own_checks_pass(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of checks that are skipped
        check_estimator(estimator)


def test_a_pipeline_is_cross_validated_and_searched():
    X, y = load_wine(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), Classifier(epochs=30, random_state=0))
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.93
    search = GridSearchCV(pipeline, {"classifier__hidden": [2, 20]}, cv=3).fit(X, y)
    assert search.best_params_ == {"classifier__hidden": 20}


def test_numbers_are_predicted():
    X, y = load_diabetes(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    assert cross_val_score(Regressor(epochs=40, random_state=0), X, y, cv=3).mean() > 0.35
    both = Regressor(epochs=5, random_state=0).fit(X, np.stack([y, -y], axis=1))
    assert both.predict(X).shape == (len(X), 2)


def test_a_model_of_ones_own_is_what_it_says():
    """Softmax regression with a penalty: scikit-learn's, whose C is 1 / (2 n 0.05)."""
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    names = np.array(["a", "b", "c"])[y]
    own = Classifier(LINEAR, epochs=400, lr=0.02, batch_size=len(X), random_state=0)
    theirs = LogisticRegression(C=1 / (2 * len(X) * 0.05), max_iter=1000, tol=1e-8)
    own, theirs = own.fit(X, names), theirs.fit(X, names)
    assert own.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(own.predict_proba(X), theirs.predict_proba(X), atol=0.002)
    assert (own.predict(X) == theirs.predict(X)).mean() > 0.99
    parsed = clone(own).set_params(model=eg.parse(LINEAR)).fit(X, names)
    np.testing.assert_array_equal(parsed.predict_proba(X), own.predict_proba(X))


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_other_backends_learn_the_same(backend):
    pytest.importorskip(backend)
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    options = {"epochs": 2, "hidden": 5, "random_state": 3, "dtype": "float32"}
    found = Classifier(backend=backend, **options).fit(X, y).predict_proba(X)
    expected = Classifier(**options).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_what_was_pickled_predicts_the_same():
    X, y = load_wine(return_X_y=True)
    model = Classifier(epochs=2, random_state=0).fit(X / X.max(0), y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        again.predict_proba(X / X.max(0)), model.predict_proba(X / X.max(0))
    )


def test_what_cannot_be_learned_says_so():
    X, y = np.ones((4, 2)), np.array([0, 1, 0, 1])
    with pytest.raises(DataError, match="no input T"):
        Classifier("Y_bo = X_bi W_io\nL = sum_bo(Y_bo)").fit(X, y)
    with pytest.raises(DivergedError, match="try a smaller lr"):
        Regressor(lr=1e200, optimizer="sgd", epochs=9).fit(1e9 * X, y)


def test_scikit_learn_is_loaded_by_the_estimators_alone():
    code = "import sys, eingrad.learn; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
