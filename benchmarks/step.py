"""The training step of the two-layer classifier (784-500-10), beside PyTorch and JAX.

    python benchmarks/step.py [--batch 1 32 128 1024] [--rounds 9] [--json FILE]

Sigmoid, softmax cross-entropy, gradient descent, float32. Each contender runs in a process of its
own (thread pools of several BLAS libraries in one process disturb each other), one at a time, in
rounds that alternate between them; so each imports its own framework and no other. The table has
the median over all steps in microseconds, and as a ratio to eingrad's (on a machine that others
use, ``--quantile 0.1`` says more). "products" are the five matrix products of the step in NumPy
and nothing else. Unset OPENBLAS_CORETYPE and the like, and run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

INPUTS, HIDDEN, CLASSES, RATE = 784, 500, 10, 0.1
CONTENDERS = ("eingrad", "products", "torch", "jax")
MODEL = """
A1_bh = X_bi W1_ih + b1_h
Z1_bh = sigmoid(A1_bh)
A2_bo = Z1_bh W2_ho + b2_o
Z2_bo = softmax_o(A2_bo)
L     = -mean_b(T_bo log(Z2_bo))
assume sum_o(T_bo) = 1
"""
Step = Callable[[], object]


def arrays(batch: int) -> dict[str, np.ndarray]:
    """Return data and parameters as a run begins with."""
    rng = np.random.default_rng(0)
    weights = {"W1": (INPUTS, HIDDEN), "b1": (HIDDEN,), "W2": (HIDDEN, CLASSES), "b2": (CLASSES,)}
    result = {name: rng.normal(size=shape) * 0.05 for name, shape in weights.items()}
    result["X"] = rng.random((batch, INPUTS))
    result["T"] = np.eye(CLASSES)[rng.integers(CLASSES, size=batch)]
    return {name: np.ascontiguousarray(x, "float32") for name, x in result.items()}


def eingrad_step(batch: int) -> Step:
    """The step that eingrad derives and compiles."""
    import eingrad as eg  # noqa: PLC0415

    model = eg.parse(MODEL)
    step = model.grad("L", ["W1", "b1", "W2", "b2"]).compile(update=eg.sgd(lr=RATE))
    values = arrays(batch)
    return lambda: step(**values)


def products_step(batch: int) -> Step:
    """The matrix products of the step alone, into arrays that are there."""
    x = arrays(batch)
    d1, d2 = np.ones((batch, HIDDEN), "float32"), np.ones((batch, CLASSES), "float32")
    a1, a2, g1, g2 = np.empty_like(d1), np.empty_like(d2), np.empty_like(x["W1"]), x["W2"].copy()

    def step() -> None:
        np.matmul(x["X"], x["W1"], out=a1)
        np.matmul(a1, x["W2"], out=a2)
        np.matmul(d2, x["W2"].T, out=d1)
        np.matmul(a1.T, d2, out=g2)
        np.matmul(x["X"].T, d1, out=g1)

    return step


def torch_step(batch: int) -> Step:
    """The step in PyTorch, eager, as its users write it."""
    import torch  # noqa: PLC0415

    values = {name: torch.from_numpy(x) for name, x in arrays(batch).items()}
    parameters = [values[name].requires_grad_() for name in ("W1", "b1", "W2", "b2")]
    w1, b1, w2, b2 = parameters
    optimizer = torch.optim.SGD(parameters, lr=RATE)

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        hidden = torch.sigmoid(torch.addmm(b1, values["X"], w1))
        logits = torch.addmm(b2, hidden, w2)
        loss = torch.nn.functional.cross_entropy(logits, values["T"])
        loss.backward()
        optimizer.step()
        return loss

    return step


def jax_step(batch: int) -> Step:
    """The step in JAX, jitted, with donated parameters."""
    import jax  # noqa: PLC0415
    import jax.numpy as jnp  # noqa: PLC0415

    values = {name: jnp.asarray(x) for name, x in arrays(batch).items()}
    state = {"parameters": tuple(values[name] for name in ("W1", "b1", "W2", "b2"))}

    def loss_of(parameters, x, t):
        w1, b1, w2, b2 = parameters
        logits = jax.nn.sigmoid(x @ w1 + b1) @ w2 + b2
        return -(t * jax.nn.log_softmax(logits)).sum(1).mean()

    def update(parameters, x, t):
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, t)
        return loss, tuple(p - RATE * g for p, g in zip(parameters, gradients, strict=True))

    jitted = jax.jit(update, donate_argnums=0)

    def step() -> object:
        loss, state["parameters"] = jitted(state["parameters"], values["X"], values["T"])
        return loss.block_until_ready()

    return step


def serve(contender: str) -> None:
    """Answer each line "batch seconds" with the times of steps, in microseconds."""
    make = {
        "eingrad": eingrad_step, "products": products_step, "torch": torch_step, "jax": jax_step,
    }[contender]  # fmt: skip
    steps: dict[int, Step] = {}
    for line in sys.stdin:
        batch, seconds = line.split()
        step = steps.get(int(batch)) or steps.setdefault(int(batch), make(int(batch)))
        for _ in range(5):
            step()
        times = []
        end = time.perf_counter() + float(seconds)
        while time.perf_counter() < end or len(times) < 5:
            begin = time.perf_counter()
            step()
            times.append(1e6 * (time.perf_counter() - begin))
        print(json.dumps(times), flush=True)


def measure(
    batches: list[int], rounds: int, contenders: list[str], quantile: float
) -> dict[int, dict[str, float]]:
    """Return the time of a step for each batch size and contender."""
    workers = {
        name: subprocess.Popen(
            [sys.executable, __file__, "--serve", name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in contenders
    }  # fmt: skip
    times: dict[int, dict[str, list[float]]] = {b: {n: [] for n in contenders} for b in batches}
    for batch in batches:
        for _ in range(rounds):
            for name, worker in workers.items():
                worker.stdin.write(f"{batch} {0.1 if batch < 1000 else 0.3}\n")
                worker.stdin.flush()
                times[batch][name] += json.loads(worker.stdout.readline())
                time.sleep(0.05)  # its threads go to sleep
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    return {
        b: {n: float(np.quantile(ts, quantile)) for n, ts in row.items()}
        for b, row in times.items()
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32, 128, 1024])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quantile", type=float, default=0.5)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--serve", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    result = measure(options.batch, options.rounds, options.only, options.quantile)
    print(f"{'batch':>6}" + "".join(f"{name:>22}" for name in options.only))
    for batch, row in result.items():
        first = row[options.only[0]]
        cells = "".join(f"{us:>11.0f} us {us / first:>6.2f} x" for us in row.values())
        print(f"{batch:>6}{cells}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(result, file, indent=2)


if __name__ == "__main__":
    main()
