"""How long it takes to derive and to compile a network, by its number of layers.

    python benchmarks/layers.py [--layers 100 300 1000]

Each layer is a product, a bias and tanh; the gradient by all parameters is taken. The last columns
are milliseconds a layer (which stay the same where time is linear) and a call's microseconds.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import eingrad as eg

WIDTH, BATCH = 8, 4


def model_text(layers: int) -> str:
    """Return a network in index notation; widths alternate between two letters."""
    lines = ["Z0_bi = X_bi"]
    for k in range(1, layers + 1):
        a, c = ("i", "j") if k % 2 else ("j", "i")
        lines.append(f"Z{k}_b{c} = tanh(Z{k - 1}_b{a} W{k}_{a}{c} + c{k}_{c})")
    last = "j" if layers % 2 else "i"
    lines.append(f"L = mean_b(sum_{last}(square(Z{layers}_b{last})))")
    return "\n".join(lines)


def measure(layers: int) -> dict[str, float]:
    """Return the seconds of each stage."""
    text = model_text(layers)
    names = [f"{letter}{k}" for k in range(1, layers + 1) for letter in "Wc"]
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(WIDTH,) * (2 if name[0] == "W" else 1)) for name in names}
    arrays["X"] = rng.normal(size=(BATCH, WIDTH))
    times = {}
    begin = time.perf_counter()
    model = eg.parse(text)
    times["parse"] = time.perf_counter() - begin
    begin = time.perf_counter()
    derivatives = model.grad("L", names)
    times["derive"] = time.perf_counter() - begin
    begin = time.perf_counter()
    step = derivatives.compile(update=eg.sgd(lr=0.01))
    times["compile"] = time.perf_counter() - begin
    begin = time.perf_counter()
    step(**arrays)
    times["plan, emit"] = time.perf_counter() - begin
    begin = time.perf_counter()
    for _ in range(10):
        step(**arrays)
    times["call"] = (time.perf_counter() - begin) / 10
    return times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, nargs="+", default=[100, 300, 1000])
    options = parser.parse_args()
    head = ["layers", "parse", "derive", "compile", "plan, emit", "ms a layer", "call"]
    print("".join(f"{name:>12}" for name in head))
    for layers in options.layers:
        times = measure(layers)
        call = times.pop("call")
        cells = "".join(f"{seconds:>10.2f} s" for seconds in times.values())
        each = 1e3 * sum(times.values()) / layers
        print(f"{layers:>12}{cells}{each:>12.2f}{1e6 * call:>9.0f} us")


if __name__ == "__main__":
    main()
