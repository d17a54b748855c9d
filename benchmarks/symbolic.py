"""Deriving, printing and compiling large models, and whether the time for them is linear.

    python benchmarks/symbolic.py [--only layers]

Each row is a model of a size and of twice that, in a process of its own; seconds of the processor,
which other work on the machine leaves nearly alone. "growth" is the exponent of the size by which
the time grows: 1 is linear. "asked" is what the issue on running asks of the larger one.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import eingrad as eg

Seconds = dict[str, float]
MARKS = {
    ("statements", "print"): 5, ("layers", "derive, all steps"): 10, ("layers", "compile"): 3,
    ("ring", "all gradients"): 2,
}  # fmt: skip
SIZES = {"statements": 2000, "layers": 1000, "ring": 120}


def statements(n: int) -> Seconds:
    """A chain of element-wise statements, read and printed."""
    lines = [f"Z{k}_bh = tanh(Z{k - 1}_bh w{k}_h)" for k in range(1, n)]
    text = "\n".join([*lines, f"L = Z{n - 1}_bh Z{n - 1}_bh"])
    seconds: Seconds = {}
    model = timed(seconds, "read", lambda: eg.parse(text))
    timed(seconds, "print", lambda: str(model))
    return seconds


def layers(n: int) -> Seconds:
    """A network of n layers, by the weights of all of them."""
    lines = [f"Z{k}_bh = tanh(Z{k - 1}_bg W{k}_gh + b{k}_h)" for k in range(1, n + 1)]
    model = eg.parse("\n".join([*lines, f"L = sum_bh((Z{n}_bh - Y_bh)^2)"]))
    names = [f"W{k}" for k in range(1, n + 1)]
    seconds: Seconds = {}
    found = timed(seconds, "derive", lambda: model.grad("L", names))
    timed(seconds, "all steps as text", found.text)
    seconds["derive, all steps"] = sum(seconds.values())
    compiled = timed(seconds, "compile", found.compile)
    rng = np.random.default_rng(0)
    shapes = dict.fromkeys(names, (8, 8)) | {f"b{k}": (8,) for k in range(1, n + 1)}
    shapes |= dict.fromkeys(("Z0", "Y"), (4, 8))
    arrays = {name: 0.3 * rng.normal(size=shape) for name, shape in shapes.items()}
    timed(seconds, "first call", lambda: compiled(**arrays))
    return seconds


def ring(n: int) -> Seconds:
    """A trace of n matrices, by all of them."""
    model = eg.parse("L = " + " ".join(f"A{k}[i{k},i{(k + 1) % n}]" for k in range(n)))
    names = [f"A{k}" for k in range(n)]
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(4, 4)) for name in names}
    seconds: Seconds = {}
    found = timed(seconds, "derive", lambda: model.grad("L", names))
    compiled = timed(seconds, "compile", found.compile)
    timed(seconds, "first call", lambda: compiled(**arrays))
    seconds["all gradients"] = sum(seconds.values())
    timed(seconds, "all steps as text", found.text)
    return seconds


def timed(seconds: Seconds, name: str, work: Callable[[], Any]) -> Any:
    """Return what ``work`` returns, and note how long it took."""
    start = time.process_time()
    result = work()
    seconds[name] = time.process_time() - start
    return result


MODELS = {"statements": statements, "layers": layers, "ring": ring}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=MODELS)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        eg.parse("y = sum_b(tanh(x_b))").grad("y").text()  # what is loaded once is not counted
        print(json.dumps(MODELS[options.only](options.one)))
        return
    print(f"{'model':<12} {'size':>5} {'':<20} {'seconds':>8} {'growth':>7} {'asked':>6}")
    for name in [options.only] if options.only else MODELS:
        half, whole = (_in_a_process(name, n) for n in (SIZES[name] // 2, SIZES[name]))
        for work, seconds in whole.items():
            growth = math.log2(seconds / half[work])
            asked = MARKS.get((name, work), "")
            row = f"{name:<12} {SIZES[name]:>5} {work:<20} {seconds:>8.2f} {growth:>7.2f}"
            print(f"{row} {asked:>6}", flush=True)


def _in_a_process(name: str, size: int) -> Seconds:
    command = [sys.executable, __file__, "--only", name, "--one", str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds: Seconds = json.loads(done.stdout.splitlines()[-1])
    return seconds


if __name__ == "__main__":
    main()
