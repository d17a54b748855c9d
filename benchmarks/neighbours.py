"""The training step beside a process that keeps a processor busy: who stands still?

    python benchmarks/neighbours.py [--batch 64] [--busy 1] [--rounds 3]

Examples per second of the two-layer classifier's training step (784-500-10), alone and beside
processes that count for ever, by all calls of rounds by turns; and the time of the slowest call but
one in a hundred, in milliseconds. Each library takes as many threads as it chooses; "products" are
the matrix products alone, in NumPy, whose threads wait for each other in busy loops.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import numpy as np

from eingrad.bench import race
from eingrad.bench.race import PAUSE, Worker

CONTENDERS = ("eingrad", "products", "torch", "jax")
SECONDS = 1.0  # of a round: time for a library to notice


def measure(workers: dict[str, Worker], batch: int, rounds: int) -> dict[str, list[float]]:
    """Return the times of all calls in microseconds."""
    times: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            times[name] += worker.ask({"step": batch, "seconds": SECONDS})["times"]
            time.sleep(PAUSE)
    return times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[64, 1024])
    parser.add_argument("--busy", type=int, default=1, help="processes that count for ever")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(*race.conditions(None), sep="\n")
    variables = race.environment(None)
    workers = {name: Worker(name, variables) for name in CONTENDERS}
    print(f"{'examples a second':<26}{'alone':>12}{f'beside {options.busy}':>12}{'share':>8}"
          f"{'slow call, ms':>15}{'beside':>9}")  # fmt: skip
    for batch in options.batch:
        alone = measure(workers, batch, options.rounds)
        others = [
            subprocess.Popen([sys.executable, "-c", "while True: pass"])
            for _ in range(options.busy)
        ]
        beside = measure(workers, batch, options.rounds)
        for process in others:
            process.kill()
            process.wait()
        for name in CONTENDERS:
            before, after = (1e6 * batch / np.mean(ts[name]) for ts in (alone, beside))
            slow = [np.quantile(ts[name], 0.99) / 1e3 for ts in (alone, beside)]
            print(f"{f'{name}, batch {batch}':<26}{before:>12,.0f}{after:>12,.0f}"
                  f"{after / before:>8.2f}{slow[0]:>15.2f}{slow[1]:>9.2f}", flush=True)  # fmt: skip
    for worker in workers.values():
        worker.__exit__()


if __name__ == "__main__":
    main()
