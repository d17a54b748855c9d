"""Asks all that one asks of random texts, and says what took too long or ended in no answer.

``python tests/ask_texts.py START COUNT`` prints a line for each fault, and then what was found.
"""

from __future__ import annotations

import resource
import signal
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from grammar_texts import text_of

import eingrad as eg

MOST_SECONDS, MOST_BYTES = 5.0, 500 << 20
GIVEN_UP = 60  # seconds


class Endless(BaseException):
    """A text that takes longer than anybody waits for."""


def ask(text: str, count: Counter[str]) -> None:
    """Derive, print and check; raise AssertionError for a false verdict.

    Second derivatives are those by one tensor: by all of n there are n^2.
    """
    try:
        model = eg.parse(text)
    except eg.EingradError:
        count["refused"] += 1
        return
    names = [x for x, var in model.inputs.items() if not var.integer]
    if not names:  # numbers alone
        count["constant"] += 1
        return
    name = names[-1]
    for derive, wrt in ((model.grad, None), (model.hessian, name)):
        try:
            derivatives = derive("L", wrt)
            printed = str(derivatives)
            assert printed
            assert derivatives.text()
        except eg.EingradError as error:
            count[f"{derive.__name__} {error.code}"] += 1
        else:
            count[derive.__name__] += 1
            judge(model, str(derivatives[name]), count)


def judge(model: Any, printed: str, count: Counter[str]) -> None:
    """Check what was printed, and the same with a term too many."""
    left, _, right = printed.partition(" = ")
    for claim, wanted in ((right, "right"), (f"{right} + 3", "wrong")):
        try:
            outcome = model.check(f"{left} = {claim}").outcome
        except eg.EingradError as error:
            count[f"check {error.code}"] += 1
            continue
        count[f"{wanted} claim {outcome}"] += 1
        assert outcome in (wanted, "not judged"), f"{outcome}: {left} = {claim}"


def most_memory() -> int:
    """Return the most bytes that this program had, and not those of the one that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM:"))
        return int(line.split()[1]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def main(start: int, count: int) -> int:
    """Ask about some texts; return how many had a fault."""
    warnings.simplefilter("ignore", eg.NotationWarning)

    def give_up(*_: Any) -> None:
        raise Endless

    signal.signal(signal.SIGPROF, give_up)
    found: Counter[str] = Counter()
    faults = 0
    slowest = 0.0
    for number in range(start, start + count):
        text = text_of(number)
        begun = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, GIVEN_UP)
        fault = ""
        try:
            ask(text, found)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
        except Endless:
            fault = "given up"
        signal.setitimer(signal.ITIMER_PROF, 0)
        taken = time.process_time() - begun
        slowest = max(slowest, taken)
        if taken > MOST_SECONDS:
            fault = f"{taken:.1f} s {fault}"
        if fault:
            faults += 1
            print(f"text {number}: {fault}\n{text}\n", flush=True)
    memory = most_memory()
    if memory > MOST_BYTES:
        faults += 1
        print(f"{memory >> 20} MB, of the texts together")
    print(f"{count} texts, {faults} faults, slowest {slowest:.1f} s, {memory >> 20} MB")
    print(", ".join(f"{what} {n}" for what, n in sorted(found.items())))
    return faults


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]), int(sys.argv[2]))))
