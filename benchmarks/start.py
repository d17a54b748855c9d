"""From the start of a process to the first gradient of the two-layer classifier (784-500-10).

    python benchmarks/start.py [--batch 32] [--rounds 5]

Each contender is a fresh process that imports its library, makes the training step, runs it once
and ends; "products" imports NumPy alone and makes the five matrix products. Wall time and processor
time in seconds, medians and minima of processes by turns, and the ratio of eingrad's to each.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time

from eingrad.bench import race

CONTENDERS = ("eingrad", "torch", "jax", "products")
SCRIPT = """
import importlib, sys
importlib.import_module(f"eingrad.bench.{sys.argv[1]}_runs").make_step(int(sys.argv[2]))()
"""


def start(name: str, batch: int, environment: dict[str, str]) -> tuple[float, float]:
    """Return the wall time and the processor time of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    command = [sys.executable, "-c", SCRIPT, name, str(batch)]
    subprocess.run(command, check=True, env=environment)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return wall, used


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(*race.conditions(None), sep="\n")
    environment = race.environment(None)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(options.rounds + 1):
        for name in CONTENDERS:
            times[name].append(start(name, options.batch, environment))
    rest = f"{'least':>7}{'ratio':>7}{'least':>7}"
    print(f"{'':<12}{'wall s':>9}{rest}{'processor s':>13}{rest}")
    ours = _summary(times["eingrad"])
    for name in CONTENDERS:
        cells = ""
        for (median, least), (own, own_least) in zip(_summary(times[name]), ours, strict=True):
            width = 9 if not cells else 13
            cells += f"{median:>{width}.2f}{least:>7.2f}{own / median:>7.2f}"
            cells += f"{own_least / least:>7.2f}"
        print(f"{name:<12}{cells}")


def _summary(times: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return median and minimum of both kinds of time; the first process filled caches."""
    return [(statistics.median(column), min(column)) for column in zip(*times[1:], strict=True)]


if __name__ == "__main__":
    main()
