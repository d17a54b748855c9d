"""A process that forks while other threads work does not hang, and computes what they compute."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
WORK = """
import os, signal, sys, threading
import numpy as np
import eingrad as eg

def work(k):
    "Every kind of call that takes a lock, with things that are new."
    model = eg.parse(f"L{k} = sum_i({k} x_i^2 y_i)")
    assert model.check(f"dL{k}/dx_i = {2 * k} x_i y_i").ok
    f = model.grad(f"L{k}").compile()
    x, y = np.arange(3.0), np.arange(3.0) + k
    np.testing.assert_allclose(f(x=x, y=y)["dL%d/dx" % k], 2 * k * x * y)
    size = k % 50 + 1
    assert eg.einsum("ij,jk->ik", np.ones((size, 2)), np.ones((2, 3))).shape == (size, 3)
    t = eg.tensor(np.ones(size)) * k
    np.testing.assert_allclose(eg.function(lambda a: a * k + size)(np.ones(size)), k + size)
    np.testing.assert_allclose(eg.grad(lambda a: (a * a).sum())(np.ones(size)), 2 * np.ones(size))

work(1)  # what is imported when it is needed is there

def child(k):
    "Fork; the child works and ends, or an alarm kills it. Return how it ended."
    pid = os.fork()
    if not pid:
        signal.alarm(60)
        try:
            work(k)
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(9)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""
HELD = """
from eingrad.core import forks
locks = list(forks._locks)
assert len(locks) > 5
held, done = threading.Event(), threading.Event()
def hold():
    for lock in locks:
        lock.acquire()
    held.set()
    done.wait()
    for lock in locks:
        lock.release()
thread = threading.Thread(target=hold)
thread.start()
held.wait()
ends = [child(2)]
done.set()
thread.join()
work(3)
"""
BUSY = """
stop = threading.Event()
def loop(k):
    while not stop.is_set():
        work(k)
        k += 7
threads = [threading.Thread(target=loop, args=(k,)) for k in range(2, 6)]
for thread in threads:
    thread.start()
ends = [child(1000 + k) for k in range(%d)]
stop.set()
for thread in threads:
    thread.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize("how", [HELD, BUSY % 20], ids=["all locks are held", "threads at work"])
def test_a_child_goes_on(how):
    done = subprocess.run(
        [sys.executable, "-c", WORK + how + "print(set(ends))"], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONWARNINGS": "ignore"}, timeout=300,
        check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == ("{0}\n", "", 0)


def test_every_lock_is_made_where_a_fork_is_thought_of():
    """So is no other kind; `functools.cached_property` has one in Python 3.11."""
    locking = r"\b(R?Lock|Condition|Semaphore|Event|Barrier|Queue|cached_property)\("
    locking += r"|@(functools\.)?cached_property"
    found = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if re.search(locking, path.read_text(encoding="utf-8"))
    }
    assert found == {"eingrad/core/forks.py"}
