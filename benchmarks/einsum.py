"""Einsums with all their gradients, beside ``jax.jit`` and PyTorch eager.

    python benchmarks/einsum.py [--all] [--dtype float64] [--only chain] [--rounds 9] [--threads 1]

Each line is one equation. "eager" is ``eg.vjp`` of ``eg.einsum`` and its pull-back, called once, of
NumPy's arrays, to which the caller could write before he pulls back; "Tensors" the same of
``eg.tensor`` s, to which he could not, as to JAX's arrays; "compiled" the program of the same
formulas. Times are medians in microseconds, taken in turns, each contender in a process of its own
(see `eingrad.bench`); then come the ratios to JAX and PyTorch, of medians and, after a bar, of
minima (below 1: eingrad is faster). All compute the value and the gradient by every operand from
the same arrays and cotangent, into contiguous arrays (PyTorch's strided views are made so).
Geometric means are of large problems, where an operand or the value takes 64 kB, and of small ones.
``--all`` adds fifty more equations.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Iterator, Sequence

from eingrad.bench.problems import CASES, GRADIENTS, Case, is_large
from eingrad.bench.race import Problem, Race, Result, conditions

OURS = {"eager": "eager", "tensors": "Tensors", "eingrad": "compiled"}
PEERS = {"jax": "jax.jit", "torch": "torch"}
PAIRS = [(ours, peer) for ours in OURS for peer in PEERS]
NAME, CELL = 22, 10


def head() -> str:
    """Return the table's first line."""
    cells = "".join(f"{name:>{CELL}}" for name in (*OURS.values(), *PEERS.values()))
    titles = [f"{OURS[ours]}/{PEERS[peer].removesuffix('.jit')}" for ours, peer in PAIRS]
    return f"{'':<{NAME}}{cells} " + "".join(f"{title:>15}" for title in titles)


def row(result: Result) -> str:
    """Return the line of a problem."""
    times = "".join(f"{result.times[x]:>{CELL}.1f}" for x in (*OURS, *PEERS))
    ratios = "".join(
        f"{result.ratio(ours, peer):>8.2f} |{result.ratio_of_least(ours, peer):>5.2f}"
        for ours, peer in PAIRS
    )
    slow = [OURS[x] for x in OURS if max(result.ratio_of_least(x, peer) for peer in PEERS) > 2]
    notes = f"  over twice: {', '.join(slow)}" if slow else ""
    return f"{result.name:<{NAME}}{times} {ratios}{notes}" + (
        "" if result.agree else "  RESULTS DIFFER"
    )


def means(title: str, results: Sequence[Result]) -> str:
    """Return the line of geometric means."""

    def mean(ratio: Callable[[Result, str, str], float], ours: str, peer: str) -> float:
        return statistics.geometric_mean([ratio(x, ours, peer) for x in results])

    cells = "".join(
        f"{mean(Result.ratio, *pair):>8.2f} |{mean(Result.ratio_of_least, *pair):>5.2f}"
        for pair in PAIRS
    )
    return f"{title:<{NAME + len((*OURS, *PEERS)) * CELL}} {cells}"


def lines(race: Race, cases: Sequence[Case], dtype: str, rounds: int) -> Iterator[str | Result]:
    """Yield the table, a line as soon as it is measured, and the results."""
    yield head()
    groups: dict[str, list[Result]] = {}
    for case in cases:
        name, *equation = case
        result = race.run(Problem(name, {"einsum": [*equation, dtype]}, 0.02), rounds)
        groups.setdefault("large" if is_large(case) else "small", []).append(result)
        yield row(result)
    for title, results in groups.items():
        yield means(f"geometric mean of {len(results)} {title}", results)
    yield from (result for results in groups.values() for result in results)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="fifty more")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--only", default="", help="a part of the cases' names")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, help="of each of the contenders")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    cases = [x for x in GRADIENTS + CASES * options.all if options.only in x[0]]
    print(*conditions(options.threads), sep="\n")
    results = {}
    with Race([*OURS, *PEERS], options.threads) as race:
        for line in lines(race, cases, options.dtype, options.rounds):
            if isinstance(line, Result):
                results[line.name] = {"median": line.times, "least": line.least}
            else:
                print(line, flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=2)


if __name__ == "__main__":
    main()
