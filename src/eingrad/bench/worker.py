"""A process that times one contender: ``python -m eingrad.bench.worker torch``.

Each line of standard input is a request in JSON, ``{"step": 32}`` (a batch size) or
``{"einsum": [equation, shapes, dtype]}``, with ``"seconds"``. The answer has the ``times`` of the
calls in microseconds, and the ``sums`` of the magnitudes of the first call's results.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import Any

import numpy as np

from eingrad.bench.problems import Run, draw

PROCESSORS = "EINGRAD_BENCH_PROCESSORS"  # how many a contender may use
WARM_UP = 0.1  # of the time that is measured


def main() -> None:
    """Answer requests until there are no more."""
    _stay_on_processors(os.environ.get(PROCESSORS, ""))
    runs = importlib.import_module(f"eingrad.bench.{sys.argv[1]}_runs")
    made: dict[str, tuple[Run, list[float]]] = {}
    for line in sys.stdin:
        request = json.loads(line)
        seconds = request.pop("seconds")
        key = json.dumps(request)
        if key not in made:
            run = make(runs, request)
            made[key] = run, [float(np.abs(np.asarray(x)).sum()) for x in run()]
        run, sums = made[key]
        print(json.dumps({"times": timed(run, seconds), "sums": sums}), flush=True)


def _stay_on_processors(count: str) -> None:
    """Take so many processors: not every library can be told how many threads to start."""
    if count and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(count)])


def make(runs: Any, request: dict[str, Any]) -> Run:
    """Return what a request asks to be timed."""
    if "step" in request:
        run: Run = runs.make_step(request["step"])
    else:
        spec, shapes, dtype = request["einsum"]
        run = runs.make_einsum(spec, *draw(("", spec, [tuple(s) for s in shapes]), dtype))
    return run


def timed(run: Run, seconds: float) -> list[float]:
    """Return the times of calls, one after another, in microseconds; the first calls warm up."""
    _until(run, time.perf_counter() + WARM_UP * seconds)
    return _until(run, time.perf_counter() + seconds)


def _until(run: Run, end: float) -> list[float]:
    times: list[float] = []
    while not times or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        times.append(1e6 * (time.perf_counter() - begin))
    return times


if __name__ == "__main__":
    main()
