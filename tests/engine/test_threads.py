"""How many threads BLAS takes: by size, by what others use, and given back after a call."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

import eingrad as eg
from eingrad.engine.backends import threads


class Blas:
    """A BLAS of four threads, and what it was told."""

    def __init__(self) -> None:
        self.count, self.told = 4, []

    def get(self) -> int:
        return self.count

    def put(self, count: int) -> None:
        self.count = count
        self.told.append(count)


@pytest.fixture
def blas(monkeypatch: pytest.MonkeyPatch) -> Iterator[Blas]:
    """Replace BLAS by one that is watched, and the machine by an idle one of four processors."""
    made = Blas()
    monkeypatch.setattr(threads, "_routines", lambda: (made.get, made.put))
    monkeypatch.setattr(threads._processors, "count", 4)
    monkeypatch.setattr(threads._processors, "free", lambda: 4)
    yield made
    assert made.count == 4


@pytest.mark.parametrize(
    ("shapes", "told"),
    [([(20, 20), (20, 20)], []), ([(60, 60), (60, 60)], [1, 4]), ([(300, 300)] * 2, [4])],
    ids=str,
)
def test_small_products_take_one_thread(
    blas: Blas, shapes: list[tuple[int, int]], told: list[int]
) -> None:
    a, b = (np.ones(shape) for shape in shapes)
    f = eg.parse("C_ik = A_ij B_jk").compile()
    np.testing.assert_array_equal(f(A=a, B=b)["C"], a @ b)
    assert blas.told == told
    blas.told.clear()
    np.testing.assert_array_equal(eg.einsum("ij,jk->ik", eg.tensor(a), b).numpy(), a @ b)
    assert blas.told == 2 * told  # a kernel's first call also tells of its dtypes


def test_each_of_a_stack_of_products_counts_by_itself(blas: Blas):
    x = np.ones((100, 30, 30))
    f = eg.parse("C_bik = A_bij B_bjk").compile()
    np.testing.assert_array_equal(f(A=x, B=x)["C"], x @ x)
    assert blas.told == [1, 4]


@pytest.mark.parametrize("free", [1, 3])
def test_large_products_take_what_others_leave(blas: Blas, free: int, monkeypatch):
    monkeypatch.setattr(threads._processors, "free", lambda: free)
    f = eg.parse("C_ik = A_ij B_jk").compile()
    f(A=np.ones((300, 300)), B=np.ones((300, 300)))
    assert blas.told == [free, 4]
    blas.told.clear()
    with threads.steady():  # whatever others do
        f(A=np.ones((300, 300)), B=np.ones((300, 300)))
        assert blas.told == [1, 4]
        assert threads.wanted(threads.STEADY) == 4


def test_it_is_never_more_than_the_process_was_given(blas: Blas):
    blas.count = 2
    f = eg.parse("C_ik = A_ij B_jk").compile()
    f(A=np.ones((300, 300)), B=np.ones((300, 300)))
    assert set(blas.told) == {2}
    blas.count = 4


def test_calls_at_the_same_time_give_back_what_the_first_found(blas: Blas):
    inside, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        go_on.wait(10)

    other = threading.Thread(target=threads.governed(wait, threads.LEAST))
    other.start()
    inside.wait(10)
    assert threads.governed(blas.get, threads.LEAST)() == 1
    assert blas.count == 1
    go_on.set()
    other.join()


def test_an_error_gives_them_back(blas: Blas):
    def fail() -> None:
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        threads.governed(fail, threads.LEAST)()
    assert blas.told == [1, 4]


STAT = """cpu  0 0 0 {0} 0 0
cpu0 5 0 5 {1} 10 0 0
cpu1 5 0 5 {2} 20 0 0
procs_running {3}
"""


@pytest.mark.parametrize(
    ("idle", "own", "running", "free"),
    [((1.0, 1.0), 0.0, 9, 2), ((0.0, 0.0), 2.0, 9, 2), ((0.0, 0.0), 1.0, 1, 1),
     ((0.0, 0.9), 0.9, 9, 2), ((0.0, 0.3), 0.5, 1, 1), ((0.0, 0.0), 0.1, 2, 1),
     ((0.0, 0.0), 0.1, 1, 2)],
)  # fmt: skip
def test_what_is_free_is_idle_or_ones_own(idle, own, running, free, monkeypatch, tmp_path):
    """One second passes on two processors; others take what is neither idle nor this process's.

    What they took while this one slept says little: then who wants to run now counts, too.
    """
    machine = threads._Processors()
    machine._names, machine.count = {"cpu0", "cpu1"}, 2
    texts = [STAT.format(0, 0, 0, 1), STAT.format(0, *(round(100 * x) for x in idle), running)]
    clock, used = iter([10.0, 11.0]), iter([3.0, 3.0 + own])
    monkeypatch.setattr(threads.os, "sysconf", lambda _: 100)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(threads.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(threads.time, "process_time", lambda: next(used))
    monkeypatch.setattr(
        "builtins.open", lambda *_: (tmp_path / "stat").open("rb") if texts else None
    )
    (tmp_path / "stat").write_bytes(texts.pop(0).encode())
    assert machine.free() == 2
    (tmp_path / "stat").write_bytes(texts[0].encode())
    assert machine.free() == free


def test_at_first_it_counts_who_wants_to_run(monkeypatch):
    for running, free in ((1, 2), (2, 1), (9, 1)):
        machine = threads._Processors()
        machine._names, machine.count = {"cpu0", "cpu1"}, 2
        monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)
        monkeypatch.setattr(threads, "idle_and_running", lambda *_, n=running: (0.0, n))
        monkeypatch.setattr(threads, "_running_here", lambda: 1)
        assert machine.free() == free


def test_that_others_are_there_is_soon_asked_again(monkeypatch):
    """A process that ran for a moment only does not cost a quarter of a second of one thread; one
    that stays is looked for less and less often."""
    machine, now, looks = threads._Processors(), [0.0], []
    machine._names, machine.count = {"cpu0", "cpu1"}, 2
    running = [2]

    def look(*_) -> tuple[float, int]:
        looks.append(round(now[0], 3))
        return 0.0, running[0]

    monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(threads.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(threads.time, "process_time", lambda: now[0])
    monkeypatch.setattr(threads, "_running_here", lambda: 1)
    monkeypatch.setattr(threads, "idle_and_running", look)
    for millisecond in range(2000):
        now[0] = millisecond / 1e3
        assert machine.free() == 1
    assert looks[:4] == [0.0, 0.01, 0.03, 0.07]
    assert len(looks) < 15
    now[0], running[0] = 3.0, 1
    monkeypatch.setattr(threads, "idle_and_running", lambda *_: (now[0], 1))
    assert machine.free() == 2


def test_ones_own_threads_are_no_others(monkeypatch):
    """BLAS's wait in busy loops for a while after a product."""
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            pass

    if not os.path.isdir(threads.TASKS):
        pytest.skip("needs /proc")
    other = threading.Thread(target=busy)
    other.start()
    try:
        assert any(threads._running_here() >= 2 for _ in range(200))
    finally:
        stop.set()
        other.join()
    machine = threads._Processors()
    machine._names, machine.count = {"cpu0", "cpu1"}, 2
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(threads, "idle_and_running", lambda *_: (0.0, 2))
    for own, free in ((1, 1), (2, 2)):
        machine._until = 0.0
        monkeypatch.setattr(threads, "_running_here", lambda n=own: n)
        assert machine.free() == free


def test_without_the_kernels_count_all_are_free(monkeypatch):
    machine = threads._Processors()
    monkeypatch.setattr("builtins.open", lambda *_: (_ for _ in ()).throw(OSError))
    assert machine.free() == machine.count


BESIDE = """
import time, numpy as np, eingrad as eg
f, x = eg.parse("C_ik = A_ij B_jk").compile(), np.ones((160, 160), np.float32)
for k in range(2):
    f(A=x, B=x)
    time.sleep(0.3)
times = []
for k in range(100):
    begin = time.perf_counter()
    f(A=x, B=x)
    times.append(time.perf_counter() - begin)
print(np.median(times))
"""


def test_beside_busy_processes_products_do_not_stand_still():
    """A product of 0.1 ms took 40 ms where one of two threads had to wait for its turn."""
    count = max(2, threads._processors.count)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(count)}
    forever = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(forever) for _ in range(count)]
    try:
        median = subprocess.check_output([sys.executable, "-c", BESIDE], env=environment, text=True)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert float(median) < 5e-3
