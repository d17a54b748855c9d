"""What `eingrad bench` does: time each problem, and print its line as soon as it is there."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from eingrad.bench.problems import CASES
from eingrad.bench.race import Problem, Race, Result, conditions

BATCHES = (1, 32, 128, 1024)
EINSUMS = (
    "matmul 64", "linear layer", "attention scores", "bilinear", "quadratic form", "chain 10",
    "Tucker",
)  # fmt: skip
PEERS = {"torch": "PyTorch", "jax": "JAX (jit)"}
NAME, CELL, LEAST = 27, 13, 9  # widths of the table's columns


def run_bench(rounds: int, threads: int | None, as_json: bool) -> None:
    """Print a table, or JSON, of the times of all contenders that are installed.

    What decides about the times stands before the table, or on standard error beside JSON.
    """
    peers = [name for name in PEERS if find_spec(name)]
    results = []
    print(*conditions(threads), sep="\n", file=sys.stderr if as_json else sys.stdout)
    if not as_json:
        print(_head(peers), flush=True)
    with Race(["eingrad", *peers], threads) as race:
        for problem in problems():
            results.append(race.run(problem, rounds))
            if not as_json:
                print(_line(results[-1], peers), flush=True)
    if as_json:
        print(json.dumps([_in_json(result) for result in results], indent=2))
        return
    print(_means(results, peers))
    missing = [name for name in PEERS if name not in peers]
    if missing:
        print(f"not installed: pip install 'eingrad[{','.join(missing)}]'")


def problems() -> Iterator[Problem]:
    """Yield what is timed."""
    for batch in BATCHES:
        yield Problem(
            f"training step, batch {batch}", {"step": batch}, 0.1 if batch < 1000 else 0.3
        )
    shapes = {name: (equation, sizes) for name, equation, sizes in CASES}
    for name in EINSUMS:
        yield Problem(f"einsum, {name}", {"einsum": [*shapes[name], "float32"]})


def _head(peers: Sequence[str]) -> str:
    cells = "".join(
        f"{PEERS[name] + ' us':>{CELL}}{'least':>{LEAST}}  ratio  least" for name in peers
    )
    return f"{'':<{NAME}}{'eingrad us':>{CELL}}{'least':>{LEAST}}{cells}"


def _line(result: Result, peers: Sequence[str]) -> str:
    cells = "".join(
        _times(result, name) + _ratios(result.ratio(name), result.ratio_of_least(name))
        for name in peers
    )
    note = "" if result.agree else "  results differ"
    return f"{result.name:<{NAME}}{_times(result, 'eingrad')}{cells}{note}"


def _times(result: Result, name: str) -> str:
    return f"{result.times[name]:>{CELL},.1f} {result.least[name]:>{LEAST - 1},.1f}"


def _ratios(median: float, least: float) -> str:
    return f" {median:>6.2f} {least:>6.2f}"


def _means(results: Sequence[Result], peers: Sequence[str]) -> str:
    mean = statistics.geometric_mean
    cells = "".join(
        " " * (CELL + LEAST)
        + _ratios(
            mean([r.ratio(name) for r in results]), mean([r.ratio_of_least(name) for r in results])
        )
        for name in peers
    )
    return f"{'geometric mean':<{NAME}}{'':>{CELL + LEAST}}{cells}"


def _in_json(result: Result) -> dict[str, Any]:
    return {
        "name": result.name, "microseconds": result.times, "least_microseconds": result.least,
        "agree": result.agree,
    }  # fmt: skip
