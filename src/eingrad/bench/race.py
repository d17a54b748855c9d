"""Contenders, each in a process of its own, timed in turns.

Thread pools of several BLAS libraries in one process disturb each other; so each process imports
its own framework and no other, and one runs at a time, in rounds that alternate between them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from eingrad.bench.worker import PROCESSORS
from eingrad.errors import BackendError

PAUSE = 0.02  # seconds in which the threads of the one before go to sleep
BUSY = 0.3  # processes that want to run for each processor, from which on a machine is busy
AGREE = 1e-3  # relative, of sums in float32
SOURCE = Path(__file__).parents[2]  # where the workers find the package


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to time; ``request`` is the worker's, ``seconds`` how long each round takes."""

    name: str
    request: dict[str, Any]
    seconds: float = 0.1


@dataclass(frozen=True, slots=True)
class Result:
    """The times of a problem in microseconds, by contender, and whether their results agree.

    ``times`` are a quantile of the calls, as a rule the median, and ``least`` the minima.
    """

    name: str
    times: dict[str, float]
    least: dict[str, float]
    agree: bool

    def ratio(self, contender: str, of: str | None = None) -> float:
        """Return a contender's time divided by the first one's, or by that of another."""
        return self.times[contender] / self.times[of or next(iter(self.times))]

    def ratio_of_least(self, contender: str, of: str | None = None) -> float:
        """Return the same of the least times, in which nobody else's work is."""
        return self.least[contender] / self.least[of or next(iter(self.least))]


# --- the machine ------------------------------------------------------------------------------


def unset() -> dict[str, str]:
    """Return what is set for OpenBLAS and unset in the workers, where it would slow NumPy alone:
    the kind of processor, the size of its caches. How many threads there are to be stays."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("OPENBLAS_") and not name.endswith("NUM_THREADS")
    }


def start_afresh() -> None:
    """Start this script once more, where something is set that is unset in what is timed."""
    if unset():
        print(*(f"unset: {name}={value}" for name, value in unset().items()), sep="\n", flush=True)
        os.execve(sys.executable, [sys.executable, *sys.argv], environment(None))


def load() -> tuple[float, int]:
    """Return how many processes wanted to run in the last minute, and the number of processors."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0), cores or 1


def conditions(threads: int | None) -> list[str]:
    """Return lines on what decides about times: threads, what is set, and what else runs."""
    running, cores = load()
    limits = {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")}
    own = f"{threads} of each" if threads else "as each chooses"
    if limits and not threads:
        own = ", ".join(f"{name}={value}" for name, value in limits.items())
    lines = [f"{cores} processors; threads: {own}; NumPy {np.__version__}, {_blas()}"]
    lines += [f"unset in what is timed: {name}={value}" for name, value in unset().items()]
    if running > BUSY * cores:
        lines.append(
            f"WARNING: others use this machine (load {running:.1f} on {cores} processors): medians "
            "are theirs, too; the minima say more"
        )
    return lines


def _blas() -> str:
    found: Any = np.show_config(mode="dicts")
    blas = found.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'its own BLAS')} {blas.get('version', '')}".strip()


# --- processes --------------------------------------------------------------------------------


class Race:
    """The workers of some contenders.

    >>> with Race(["eingrad", "products"]) as race:
    ...     result = race.run(Problem("batch 1", {"step": 1}, 0.01), rounds=1)
    >>> list(result.times), result.ratio("eingrad")
    (['eingrad', 'products'], 1.0)
    """

    def __init__(self, contenders: Sequence[str], threads: int | None = None) -> None:
        self._stack = ExitStack()
        variables = environment(threads)
        self.workers = {name: self._start(name, variables) for name in contenders}

    def _start(self, name: str, environment: dict[str, str]) -> Worker:
        return self._stack.enter_context(Worker(name, environment))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def run(self, problem: Problem, rounds: int, quantile: float = 0.5) -> Result:
        """Time a problem. Raises `BackendError` where a contender fails."""
        times: dict[str, list[float]] = {name: [] for name in self.workers}
        sums: dict[str, list[float]] = {}
        for _ in range(rounds):
            for name, worker in self.workers.items():
                answer = worker.ask({**problem.request, "seconds": problem.seconds})
                times[name] += answer["times"]
                sums[name] = answer["sums"]
                time.sleep(PAUSE)
        return Result(
            problem.name,
            {name: float(np.quantile(values, quantile)) for name, values in times.items()},
            {name: min(values) for name, values in times.items()},
            _agree([values for values in sums.values() if values]),
        )


class Worker:
    """A process that answers requests; see `eingrad.bench.worker`."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "eingrad.bench.worker", name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            raise BackendError(
                f"{self.name} stopped: {self._last_words()}", operand=self.name
            ) from None
        return answer

    def _last_words(self) -> str:
        _, errors = self._process.communicate()
        lines = [line for line in errors.splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {self._process.returncode}"


def environment(threads: int | None) -> dict[str, str]:
    """Return the workers' environment, in which each library takes a number of threads."""
    path = os.pathsep.join([str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    for name in unset():
        del environment[name]
    if threads is None:
        return environment
    limits = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    eigen = str(threads > 1).lower()
    flags = f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}"
    return {
        **environment, **dict.fromkeys(limits, str(threads)), "XLA_FLAGS": flags,
        PROCESSORS: str(threads),
    }  # fmt: skip


def _agree(sums: Sequence[Sequence[float]]) -> bool:
    return all(np.allclose(sums[0], other, rtol=AGREE) for other in sums[1:])
