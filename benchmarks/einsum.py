"""Forward and all gradients of einsums, beside PyTorch eager and ``jax.jit``.

    python benchmarks/einsum.py [--dtype float64] [--only ring] [--rounds 15] [--threads 1]

Each line is one equation: the median time of eingrad, PyTorch and JAX in microseconds, taken in
turns, each in a process of its own (see `eingrad.bench`), and eingrad's ratio to each (below 1:
eingrad is faster). The last line has the geometric means. All three compute the value and the
gradient by every operand from the same arrays and cotangent, into contiguous arrays (PyTorch's
strided views are made so).
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Sequence

from eingrad.bench.problems import CASES, Case
from eingrad.bench.race import Problem, Race

PEERS = ("torch", "jax")


def lines(race: Race, cases: Sequence[Case], dtype: str, rounds: int) -> Iterator[str]:
    """Yield the table, a line as soon as it is measured."""
    yield f"{'':<20} {'eingrad':>10} {'torch':>10} {'jax.jit':>10} {'/torch':>7} {'/jax':>6}"
    ratios: list[list[float]] = []
    for name, *equation in cases:
        result = race.run(Problem(name, {"einsum": [*equation, dtype]}, 0.02), rounds)
        ratios.append([1 / result.ratio(peer) for peer in PEERS])
        micro = " ".join(f"{us:>10.1f}" for us in result.times.values())
        slow = "" if max(ratios[-1]) <= 2 else "  over twice"
        note = slow if result.agree else "  RESULTS DIFFER"
        yield f"{name:<20} {micro} {ratios[-1][0]:>7.2f} {ratios[-1][1]:>6.2f}{note}"
    means = [statistics.geometric_mean(column) for column in zip(*ratios, strict=True)]
    yield f"{'geometric mean':<53} {means[0]:>7.2f} {means[1]:>6.2f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--only", default="", help="a part of the cases' names")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, help="of each of the three")
    options = parser.parse_args()
    cases = [case for case in CASES if options.only in case[0]]
    with Race(["eingrad", *PEERS], options.threads) as race:
        for line in lines(race, cases, options.dtype, options.rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
