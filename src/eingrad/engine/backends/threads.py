"""How many of its threads BLAS takes: those that pay, and while the processors are free.

OpenBLAS's threads wait for each other in busy loops. Beside another process one of them has to wait
for its turn, and all others with it: a product of ten microseconds then takes tens of milliseconds.
So a program of small products runs in one thread, and one with large ones in as many threads as
there are processors that nobody else uses, as the kernel counts them. The number holds during a
call of a program and is put back after it; it is never more than was there before.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, TypeVar

from eingrad.core.forks import new_lock
from eingrad.engine.backends.blas import openblas

Result = TypeVar("Result")

LEAST = 2**13  # multiplications of one product or sum, below which BLAS takes one thread anyway
PAYS = 2**20  # multiplications, from which on a second thread saves more than it costs
STEADY = 2**27  # the same where results must not depend on what else runs: a wait costs little then
PERIOD = 0.25  # seconds between two looks at the machine
AGAIN = 0.01  # seconds until the next look where others were there; then twice as many, and so on
TELLING = 0.1  # seconds of which the kernel's counters, in hundredths, say what others used
SPARE = 0.25  # of a processor, that others may take without being in the way
TASKS = "/proc/self/task"


def governed(run: Callable[..., Result], work: int) -> Callable[..., Result]:
    """Return a program that runs in the right number of threads; ``work`` are the multiplications
    of the largest of its products and sums."""
    if work < LEAST or _routines() is None:
        return run

    def call(*arguments: Any) -> Result:
        _pool.enter(wanted(work))
        try:
            return run(*arguments)
        finally:
            _pool.leave()

    return call


def wanted(work: int) -> int:
    """Return how many threads are worth while for so many multiplications now."""
    if work < (STEADY if _steady.depth else PAYS):
        return 1
    return _processors.count if _steady.depth else _processors.free()


@contextmanager
def steady() -> Iterator[None]:
    """Choose by sizes alone in this block: in several threads BLAS adds up in another order, and
    a run that is repeated shall have the same bits.

    >>> with steady():
    ...     wanted(2**25)
    1
    """
    _steady.depth += 1
    try:
        yield
    finally:
        _steady.depth -= 1


class _Steady:
    depth = 0


class _Pool:
    """The threads of BLAS, of which the first program that runs takes some, and the last one gives
    them back."""

    def __init__(self) -> None:
        self._lock = new_lock()
        self._running = 0
        self._own = 0

    def enter(self, count: int) -> None:
        get, put = _routines() or _none
        with self._lock:
            if not self._running:
                self._own = get()
            self._running += 1
            if count != self._own or self._running > 1:
                put(min(count, self._own))

    def leave(self) -> None:
        _, put = _routines() or _none
        with self._lock:
            self._running -= 1
            if not self._running:
                put(self._own)


class _Processors:
    """The processors of this process, and how many of them others leave to it."""

    def __init__(self) -> None:
        own = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
        self._names = {f"cpu{k}" for k in own}
        self.count = len(own) or os.cpu_count() or 1
        self._free, self._until, self._wait = self.count, 0.0, AGAIN
        self._before: tuple[float, float, float] | None = None

    def free(self) -> int:
        """Return how many are idle or this process's own, over the last `PERIOD` or now.

        Whoever runs at one moment may be gone at the next: that others are there is soon asked
        again.
        """
        now = time.monotonic()
        if now >= self._until:
            self._free = self._look(now)
            self._wait = PERIOD if self._free == self.count else min(2 * self._wait, PERIOD)
            self._until = now + self._wait
        return self._free

    def _look(self, now: float) -> int:
        try:
            with open("/proc/stat", "rb") as file:
                idle, running = idle_and_running(file.read().decode(), self._names)
        except (OSError, ValueError):
            return self.count
        own, before = time.process_time(), self._before
        self._before = now, idle, own
        passed, used = (now - before[0], own - before[2]) if before else (0.0, 0.0)
        slept = used < passed / 2  # meanwhile others may have had their turn
        if slept or self._free == self.count:
            self._wait = AGAIN / 2
        found = 1
        if before and passed >= TELLING:
            found = int((idle - before[1] + used) / passed + SPARE)
        if passed < TELLING or slept:
            found = max(found, self._at_once(running))
        return max(1, min(self.count, found))

    def _at_once(self, running: int) -> int:
        """Return how many are free of others at this moment, when so many threads run in all."""
        if len(self._names) != os.cpu_count():
            return self.count  # they may run on processors that are not this process's
        return self.count - (running - _running_here() if running > 1 else 0)


def _running_here() -> int:
    """Return how many threads of this process run or want to: those of BLAS wait in busy loops."""
    count = 0
    for task in os.listdir(TASKS):
        with suppress(OSError), open(f"{TASKS}/{task}/stat", "rb") as file:
            count += file.read().rpartition(b") ")[2].startswith(b"R")
    return max(1, count)


def idle_and_running(text: str, names: set[str]) -> tuple[float, int]:
    """Return from ``/proc/stat`` the seconds for which some processors were idle, and how many
    processes run now.

    >>> text = "cpu 9 9 9 900\\ncpu0 7 0 2 300 100 0\\ncpu1 1 0 1 600 0 0\\nprocs_running 3\\n"
    >>> idle_and_running(text, {"cpu0"})[0] == 400 / os.sysconf("SC_CLK_TCK")
    True
    >>> idle_and_running(text, {"cpu0"})[1]
    3
    """
    idle, running = 0, 1
    for line in text.splitlines():
        name, _, rest = line.partition(" ")
        if name in names:
            idle += sum(map(int, rest.split()[3:5]))  # idle, and waiting for disks
        elif name == "procs_running":
            running = int(rest)
    return idle / os.sysconf("SC_CLK_TCK"), running


@cache
def _routines() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """Return how to ask and to say how many threads NumPy's BLAS takes; None where it has one, or
    cannot be told."""
    get, put = openblas("get_num_threads"), openblas("set_num_threads")
    if get is None or put is None:
        return None
    get.argtypes, get.restype = [], ctypes.c_int
    put.argtypes, put.restype = [ctypes.c_int], None
    return (get, put) if get() > 1 else None


_none: tuple[Callable[[], int], Callable[[int], None]] = (lambda: 1, lambda _count: None)
_steady, _pool, _processors = _Steady(), _Pool(), _Processors()
