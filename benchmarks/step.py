"""The training step of the two-layer classifier (784-500-10), beside PyTorch and JAX.

    python benchmarks/step.py [--batch 1 32 128 1024] [--rounds 9] [--json FILE]

Sigmoid, softmax cross-entropy, gradient descent, float32; see `eingrad.bench`, which `eingrad
bench` uses too. The table has the median over all steps in microseconds and eingrad's ratio to each
contender (below 1: eingrad is faster), of medians and, after a bar, of minima, which say more on a
machine that others use. "products" are the five matrix products of the step in NumPy and nothing
else.
"""

from __future__ import annotations

import argparse
import json

from eingrad.bench.race import Problem, Race, conditions

CONTENDERS = ("eingrad", "products", "torch", "jax")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32, 128, 1024])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--threads", type=int, help="of each contender")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    print(*conditions(options.threads), sep="\n")
    print(f"{'batch':>6}" + "".join(f"{name:>14}{'':>14}" for name in options.only))
    times = {}
    with Race(options.only, options.threads) as race:
        for batch in options.batch:
            problem = Problem(str(batch), {"step": batch}, 0.1 if batch < 1000 else 0.3)
            result = race.run(problem, options.rounds)
            times[batch] = {"median": result.times, "least": result.least}
            first = options.only[0]
            cells = (
                f"{us:>11.0f} us {result.ratio(first, name):>6.2f} |"
                f"{result.ratio_of_least(first, name):>5.2f} "
                for name, us in result.times.items()
            )
            print(f"{batch:>6}" + "".join(cells), flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(times, file, indent=2)


if __name__ == "__main__":
    main()
