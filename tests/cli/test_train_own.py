"""`eingrad train` on people's own data: as good as scikit-learn's MLP, and the same bits again."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor
from test_train import refused, run, without_matplotlib

from eingrad.learn.own_data import Asked, load_own

sys.path.insert(0, str(Path(__file__).parents[1] / "learn"))
from own_files import write_csv, write_pictures

__all__ = ["without_matplotlib"]


def score(result) -> float:
    """Return the accuracy, or R^2, that the last line says."""
    assert result.code == 0, result.stderr
    _, _, value, *percent = result.stdout.splitlines()[-1].split()
    return float(value) / (100 if percent else 1)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # it would go on for longer
@pytest.mark.parametrize("name", ["wine", "iris", "breast_cancer", "diabetes"])
def test_a_table_is_learned_as_well_as_by_scikit_learn(name, tmp_path):
    path = write_csv(name, tmp_path / f"{name}.csv")
    own = np.mean([
        score(run("train", path, "--target", "goal", "--seed", seed)) for seed in range(4)
    ])  # fmt: skip
    theirs = []
    for seed in range(4):
        data = load_own(Asked(str(path), "goal", seed=seed))
        kind = MLPRegressor if data.is_regression else MLPClassifier
        options = {"hidden_layer_sizes": (100,), "max_iter": 100, "batch_size": 32}
        model = kind(**options, random_state=seed, tol=0)
        model.fit(data.train.features, data.train.labels)
        theirs.append(model.score(data.test.features, data.test.labels))
    assert own > np.mean(theirs) - 0.03  # 4 of some 150 examples


def test_pictures_are_learned(tmp_path):
    folder, run_file = write_pictures(tmp_path / "pictures"), tmp_path / "run"
    result = run("train", folder, "--checkpoint", run_file, "--epochs", 30)
    assert score(result) > 0.93
    picture = folder / "digit_3" / "3.png"
    told = run("predict", run_file, picture)
    assert told.stdout.split("\t")[:2] == [str(picture), "digit_3"]


@pytest.mark.parametrize("name", ["wine", "diabetes"])
def test_a_run_goes_on_bit_for_bit(name, tmp_path):
    path = write_csv(name, tmp_path / "x.csv")
    whole, parts, log = (tmp_path / x for x in ("whole", "parts", "log.csv"))
    command = ("train", path, "--target", "goal", "--checkpoint")
    assert run(*command, whole, "--epochs", 5).code == 0
    assert run(*command, parts, "--epochs", 2, "--log", log).code == 0
    resumed = run("train", "--resume", "--checkpoint", parts, "--epochs", 5, "--log", log)
    assert resumed.code == 0, resumed.stderr
    assert whole.read_bytes() == parts.read_bytes()
    lines = log.read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "1", "2", "3", "4", "5"]
    assert "exists already" in refused(*command, whole, "--overwrite=false" and "--log", log)


def test_predictions_are_in_the_targets_own_words(tmp_path):
    path, run_file = write_csv("wine", tmp_path / "x.csv"), tmp_path / "run"
    run("train", path, "--target", "goal", "--checkpoint", run_file, "--epochs", 60)
    lines = [line.split("\t") for line in run("predict", run_file, path).stdout.splitlines()]
    goals = [line.split(",")[-1] for line in path.read_text().splitlines()[1:]]
    assert lines[0][0] == f"{path}:2"
    assert np.mean([found[1] == goal for found, goal in zip(lines, goals, strict=True)]) > 0.97


def test_a_number_is_predicted_in_its_own_unit(tmp_path):
    path, run_file = write_csv("diabetes", tmp_path / "x.csv"), tmp_path / "run"
    run("train", path, "--target", "goal", "--checkpoint", run_file, "--epochs", 60)
    lines = run("predict", run_file, path).stdout.splitlines()
    found = np.array([float(line.split("\t")[1]) for line in lines])
    goals = np.loadtxt(path, delimiter=",", skiprows=1)[:, -1]
    assert abs(found.mean() - goals.mean()) < 10
    assert np.corrcoef(found, goals)[0, 1] > 0.7


def test_bad_rows_are_named_and_the_others_are_predicted(tmp_path):
    path, run_file, new = tmp_path / "x.csv", tmp_path / "run", tmp_path / "new.csv"
    path.write_text("a,c,b\n" + "".join(f"{k},{'xy'[k % 2]},{k + 0.5}\n" for k in range(20)))
    run("train", path, "--target", "b", "--checkpoint", run_file, "--epochs", 1)
    new.write_text("c,a\nx,1\nz,2\ny,?\ny,3\n")
    told = run("predict", run_file, new)
    assert told.code == 2
    assert [line.split("\t")[0] for line in told.stdout.splitlines()] == [f"{new}:2", f"{new}:5"]
    assert "line 3, column c: the category 'z' is unknown; known are x, y" in told.stderr
    assert "line 4, column a: missing" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["x.csv"], "has the columns a, b: which is learned?"),
        (["x.csv", "--target", "c"], "has no column 'c'"),
        (["none.csv", "--target", "c"], "there is no data set 'none.csv', nor a file"),
        (["x.csv", "--target", "b", "--data", "."], "--data is the folder of MNIST's files"),
        (["digits", "--target", "b"], "--target is for data of one's own"),
        (["x.csv", "--target", "b", "--validation", "1"], "must lie between 0 and 1"),
        (["x.csv", "--target", "b", "--task", "ranking"], "--task is 'ranking'"),
        (["x.csv", "--target", "b", "--device", "cuda"], "NumPy has no device 'cuda'"),
        (["x.doc"], "nor a file or folder"),
    ],
)
def test_what_cannot_be_says_so(arguments, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text("a,b\n1,2.5\n2,3.5\n3,4.5\n")
    assert reason in refused("train", *arguments)
