"""`eingrad bench`: all contenders compute the same, and the table says what it should."""

from __future__ import annotations

import importlib
import json
import re
from importlib.util import find_spec

import numpy as np
import pytest

from eingrad.bench import eingrad_runs, race
from eingrad.bench.problems import CASES, MODEL, PARAMETERS, RATE, draw, step_arrays
from eingrad.bench.race import Problem, Race, Result
from eingrad.cli import benching, main
from eingrad.errors import BackendError

SMALL = [
    Problem("step", {"step": 2}, 0.01),
    Problem("product", {"einsum": ["ij,jk->ik", [(8, 8)] * 2, "float32"]}, 0.01),
]


@pytest.fixture
def bench(monkeypatch, capsys):
    """Run the command on small problems; return its exit code, stdout and stderr."""
    monkeypatch.setattr(benching, "problems", lambda: SMALL)

    def run(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["eingrad", "bench", "--rounds", "1", *args])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return stopped.value.code or 0, captured.out, captured.err

    return run


def test_beside_pytorch_and_jax(bench):
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    code, out, err = bench("--threads", "1")
    assert (code, err) == (0, "")
    *conditions, head, row, other, means = out.splitlines()
    assert re.match(r"\d+ processors; threads: 1 of each; NumPy [\d.]+, .*blas", conditions[0])
    assert re.findall(r"eingrad|PyTorch|JAX", head) == ["eingrad", "PyTorch", "JAX"]
    assert head.count("least") == 5
    for line, problem in zip((row, other), SMALL, strict=True):
        cells = line.removeprefix(problem.name).replace(",", "").split()
        us, low, *others = map(float, cells)
        assert low <= us
        for time, least, ratio, of_least in zip(*(others[k::4] for k in range(4)), strict=True):
            assert least <= time
            assert ratio == pytest.approx(time / us, rel=0.01, abs=0.05 * (1 + time) / us)
            assert of_least == pytest.approx(least / low, rel=0.01, abs=0.05 * (1 + least) / low)
    assert re.fullmatch(r"geometric mean( +[\d.]+){4}", means)


def test_it_says_what_is_set_and_who_else_is_there(monkeypatch):
    for name in [*race.os.environ]:
        if name.startswith("OPENBLAS_") or name.endswith("_NUM_THREADS"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(race, "load", lambda: (0.1, 4))
    (line,) = race.conditions(None)
    assert line.startswith("4 processors; threads: as each chooses; ")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    monkeypatch.setattr(race, "load", lambda: (2.5, 4))
    first, unset, warning = race.conditions(None)
    assert "OPENBLAS_NUM_THREADS=3" in first
    assert unset == "unset in what is timed: OPENBLAS_CORETYPE=Haswell"
    assert warning.startswith("WARNING: others use this machine (load 2.5 on 4 processors)")
    environment = race.environment(None)
    assert "OPENBLAS_CORETYPE" not in environment
    assert environment["OPENBLAS_NUM_THREADS"] == "3"
    assert race.environment(2)["OPENBLAS_NUM_THREADS"] == "2"


def test_json(bench):
    code, out, err = bench("--json")
    assert code == 0
    assert "processors; threads" in err
    found = json.loads(out)
    assert [row["name"] for row in found] == ["step", "product"]
    for row in found:
        assert row["agree"]
        assert next(iter(row["microseconds"])) == "eingrad"
        for name, us in row["microseconds"].items():
            assert 0 < row["least_microseconds"][name] <= us < 1e7


def test_without_the_others(bench, monkeypatch):
    monkeypatch.setattr(benching, "find_spec", lambda _: None)
    code, out, _ = bench()
    assert code == 0
    assert "PyTorch" not in out
    assert out.splitlines()[-1] == "not installed: pip install 'eingrad[torch,jax]'"


def test_a_contender_that_fails_is_an_error_with_its_reason(bench, monkeypatch):
    monkeypatch.setattr(benching, "PEERS", {"nonsense": "Nonsense"})
    monkeypatch.setattr(benching, "find_spec", lambda _: True)
    code, _, err = bench()
    assert code == 2
    assert err.startswith("error: nonsense stopped: ModuleNotFoundError: No module named")
    assert "Traceback" not in err


def test_a_failing_worker_names_the_contender():
    with (
        Race(["eingrad"]) as contest,
        pytest.raises(BackendError, match="eingrad stopped") as caught,
    ):
        contest.run(Problem("nonsense", {"einsum": ["ij->k", [(2, 2)], "float32"]}), 1)
    assert caught.value.operand == "eingrad"


def test_ratios_and_results_that_differ():
    result = Result("x", {"eingrad": 2.0, "torch": 5.0}, {"eingrad": 1.0, "torch": 3.0}, True)
    assert (result.ratio("torch"), result.ratio_of_least("torch")) == (2.5, 3.0)
    assert result.ratio("eingrad", "torch") == 0.4
    assert race._agree([[1.0, 2.0], [1.0005, 2.0]])
    assert not race._agree([[1.0, 2.0], [1.0, 2.01]])


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_the_steps_and_einsums_are_the_same_computations(name):
    """Three steps give the other library's losses, einsums its values and gradients."""
    pytest.importorskip(name)
    runs = importlib.import_module(f"eingrad.bench.{name}_runs")
    ours, theirs = eingrad_runs.make_step(8), runs.make_step(8)
    for _ in range(3):
        np.testing.assert_allclose(np.asarray(ours()[0]), np.asarray(theirs()[0]), rtol=1e-5)
    shapes = {case[0]: case for case in CASES}
    for case in (shapes[title] for title in ("bilinear", "chain 10", "Tucker", "trace")):
        arrays, bar = draw(case, "float32")
        for x, y in zip(
            eingrad_runs.make_einsum(case[1], arrays, bar)(),
            runs.make_einsum(case[1], arrays, bar)(),
            strict=True,
        ):
            y = np.asarray(y)
            np.testing.assert_allclose(np.asarray(x), y, rtol=1e-3, atol=1e-3 * abs(y).max())


def test_the_step_learns_by_the_formulas_on_paper():
    x = step_arrays(4)
    assert set(x) == {*PARAMETERS, "X", "T"}
    assert "softmax" in MODEL
    run = eingrad_runs.make_step(4)
    z1 = 1 / (1 + np.exp(-(x["X"] @ x["W1"] + x["b1"])))
    for _ in range(2):
        exp = np.exp(z1 @ x["W2"] + x["b2"])
        z2 = exp / exp.sum(1, keepdims=True)
        loss = -np.log((z2 * x["T"]).sum(1)).mean()
        assert float(run()[0]) == pytest.approx(loss, rel=1e-5)
        d2 = (z2 - x["T"]) / 4
        d1 = d2 @ x["W2"].T * z1 * (1 - z1)
        for name, gradient in (
            ("W1", x["X"].T @ d1), ("b1", d1.sum(0)), ("W2", z1.T @ d2), ("b2", d2.sum(0)),
        ):  # fmt: skip
            x[name] = x[name] - RATE * gradient
        z1 = 1 / (1 + np.exp(-(x["X"] @ x["W1"] + x["b1"])))


def test_the_default_problems_are_the_ones_that_are_promised():
    names = [problem.name for problem in benching.problems()]
    assert names[:4] == [f"training step, batch {batch}" for batch in (1, 32, 128, 1024)]
    assert all(name.startswith("einsum, ") for name in names[4:])
    assert len(names) >= 8
    seconds = sum(problem.seconds for problem in benching.problems())
    assert seconds * 1.1 * 3 * 3 < 30  # three contenders, three rounds: half of a minute
    assert find_spec("eingrad.bench.worker")
