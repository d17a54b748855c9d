"""Hessians, all blocks of them, beside ``jax.jit(jax.hessian)``.

    python benchmarks/hessian.py [--models Cox logistic] [--rounds 15] [--threads 1]

Each model is written in index notation and in JAX; all are in double precision, first calls left
out. "dense" builds all blocks; "structured" gives their factors, beside JAX's dense blocks. Each
contender has a process of its own that is asked by turns; times are medians in microseconds, ratios
of medians and, after a bar, of minima (below 1: eingrad is faster). "error" is the greatest
difference between the two, relative to the largest entry of a block.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eingrad.bench import race

Call = Callable[[], Any]
LEAST = 0.02  # seconds of calls in a round


@dataclass(frozen=True)
class Model:
    """A loss in notation, the same in JAX, the shapes of inputs, and those that move."""

    text: str
    jax: str
    shapes: Mapping[str, tuple[int, ...]]
    wrt: tuple[str, ...]
    structured: bool = False


def regression(n: int, k: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of rows, targets and weights."""
    return {"X": (n, k), "y": (n,), "w": (k,)}


LOGISTIC = Model(
    "z_n = X_nk w_k\nL = sum_n(softplus(z_n) - y_n z_n)",
    "jnp.sum(jax.nn.softplus(X @ w) - y * (X @ w))",
    regression(200, 20), ("w",),
)  # fmt: skip
FACTORISATION = Model(
    "R_ij = M_ij - U_ik V_jk\nL = R_ij R_ij",
    "jnp.sum((M - U @ V.T) ** 2)",
    {"M": (15, 12), "U": (15, 3), "V": (12, 3)}, ("U", "V"),
)  # fmt: skip


def large(model: Model, structured: bool = False, **shapes: tuple[int, ...]) -> Model:
    """Return a model at other sizes."""
    return Model(model.text, model.jax, shapes, model.wrt, structured)


MODELS = {
    "logistic 200 x 20": LOGISTIC,
    "softmax 200 x 20 x 5": Model(
        "z_bo = X_bk W_ko\nL = sum_b(logsumexp_o(z_bo)) - T_bo z_bo",
        "jnp.sum(jax.nn.logsumexp(X @ W, axis=1)) - jnp.sum(T * (X @ W))",
        {"X": (200, 20), "T": (200, 5), "W": (20, 5)}, ("W",),
    ),
    "MLP 10-8-1": Model(
        "h_bj = tanh(X_bi A_ij + c_j)\nr_b = h_bj w_j - t_b\nL = sum_b(r_b^2)",
        "jnp.sum((jnp.tanh(X @ A + c) @ w - t) ** 2)",
        {"X": (50, 10), "t": (50,), "A": (10, 8), "c": (8,), "w": (8,)}, ("A", "c", "w"),
    ),
    "factorisation 15 x 12 x 3": FACTORISATION,
    "Gaussian process 40": Model(
        "K_ij = s^2 exp(-D_ij / (2 l^2)) + n^2 delta_ij\n"
        "L = y_i inv_ij(K_ij) y_j / 2 + logdet_ij(K_ij) / 2",
        "y @ jnp.linalg.solve(K(), y) / 2 + jnp.linalg.slogdet(K())[1] / 2",
        {"D": (40, 40), "y": (40,), "s": (), "l": (), "n": ()}, ("s", "l", "n"),
    ),
    "Poisson 200 x 20": Model(
        "z_n = X_nk w_k\nL = sum_n(exp(z_n) - y_n z_n)",
        "jnp.sum(jnp.exp(X @ w) - y * (X @ w))",
        regression(200, 20), ("w",),
    ),
    "Cox 200 x 20": Model(
        "e_i = exp(X_ik w_k)\nL = -d_i (X_ik w_k - log(R_ij e_j))",
        "-jnp.sum(d * (X @ w - jnp.log(R @ jnp.exp(X @ w))))",
        {"X": (200, 20), "w": (20,), "d": (200,), "R": (200, 200)}, ("w",),
    ),
    "logistic 2000 x 1000": large(LOGISTIC, **regression(2000, 1000)),
    "factorisation 200 x 200 x 5": large(
        FACTORISATION, True, M=(200, 200), U=(200, 5), V=(200, 5)
    ),
}  # fmt: skip


def arrays(model: Model) -> dict[str, Any]:
    """Return random inputs: targets and risk sets of 0 and 1, distances of points on a line."""
    rng = np.random.default_rng(0)
    result: dict[str, Any] = {}
    for name, shape in model.shapes.items():
        x: Any = rng.normal(size=shape) / (shape[-1] ** 0.5 if len(shape) > 1 else 1)
        if name in {"y", "d", "T"} and "inv" not in model.text:
            x = (x > 0).astype(float)
        elif name == "R":
            x = np.tril(np.ones(shape))
        elif name == "D":
            points = rng.normal(size=shape[0])
            x = (points[:, None] - points) ** 2
        elif not shape:
            x = np.float64(0.5 + rng.random())
        result[name] = x
    return result


def eingrad_calls(model: Model) -> dict[str, Call]:
    """Return the Hessian that eingrad derives and compiles."""
    import eingrad as eg  # noqa: PLC0415

    values = arrays(model)
    hessian = eg.parse(model.text).hessian("L", list(model.wrt)).compile()
    return {
        "dense": lambda: hessian(**values),
        "structured": lambda: hessian(**values, structured=True),
    }


def jax_calls(model: Model) -> dict[str, Call]:
    """Return the same in JAX."""
    import jax  # noqa: PLC0415
    import jax.numpy as jnp  # noqa: PLC0415

    jax.config.update("jax_enable_x64", True)
    values = {name: jnp.asarray(x) for name, x in arrays(model).items()}
    code = compile(model.jax, "<loss>", "eval")

    def loss(*moving: Any) -> Any:
        scope = {"jax": jax, "jnp": jnp, **values, **dict(zip(model.wrt, moving, strict=True))}
        if "K()" in model.jax:
            s, length, n = moving
            own = s**2 * jnp.exp(-values["D"] / (2 * length**2))
            own += n**2 * jnp.eye(len(values["y"]))
            scope["K"] = lambda: own
        return eval(code, scope)

    hessian = jax.jit(jax.hessian(loss, argnums=tuple(range(len(model.wrt)))))
    moving = [values[name] for name in model.wrt]
    return {"dense": lambda: jax.block_until_ready(hessian(*moving))}


def blocks(contender: str, model: Model) -> dict[str, Any]:
    """Return all blocks by the names of what they are by."""
    pairs = [(a, b) for a in model.wrt for b in model.wrt]
    if contender == "jax":
        rows = jax_calls(model)["dense"]()
        return {f"{a} {b}": np.asarray(rows[model.wrt.index(a)][model.wrt.index(b)])
                for a, b in pairs}  # fmt: skip
    found = eingrad_calls(model)["dense"]()
    return {
        f"{a} {b}": np.asarray(found[f"d2L/d{a}2" if a == b and f"d2L/d{a}2" in found
                                     else f"d2L/d{a} d{b}"])
        for a, b in pairs
    }  # fmt: skip


def error(model: Model) -> float:
    """Return the greatest difference between the two, relative to the largest entry of a block."""
    ours, theirs = blocks("eingrad", model), blocks("jax", model)
    return max(
        float(np.abs(ours[key] - theirs[key]).max() / np.abs(theirs[key]).max()) for key in ours
    )


# --- processes ---------------------------------------------------------------------------------


def serve(contender: str) -> None:
    """Answer each line, a model and a call, with the times of calls in microseconds."""
    make, made = {"eingrad": eingrad_calls, "jax": jax_calls}[contender], {}
    for line in sys.stdin:
        name, call = json.loads(line)
        if name not in made:
            made[name] = make(MODELS[name])
            made[name][call]()
        run, times, end = made[name][call], [], time.perf_counter() + LEAST
        while not times or time.perf_counter() < end:
            begin = time.perf_counter()
            run()
            times.append(1e6 * (time.perf_counter() - begin))
        print(json.dumps(times), flush=True)


def start(contender: str, threads: int | None) -> subprocess.Popen[str]:
    """Start a contender."""
    return subprocess.Popen(
        [sys.executable, __file__, "--serve", contender],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=race.environment(threads),
    )  # fmt: skip


def measure(model: str, workers: Mapping[str, Any], rounds: int) -> dict[tuple[str, str], Any]:
    """Return median and minimum of each call of each contender."""
    calls = [("eingrad", "dense"), ("jax", "dense")]
    calls += [("eingrad", "structured")] * MODELS[model].structured
    times: dict[tuple[str, str], list[float]] = {call: [] for call in calls}
    for _ in range(rounds):
        for name, call in calls:
            worker = workers[name]
            worker.stdin.write(json.dumps([model, call]) + "\n")
            worker.stdin.flush()
            times[name, call] += json.loads(worker.stdout.readline())
    return {call: (float(np.median(ts)), min(ts)) for call, ts in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=[""], help="parts of their names")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, help="of each contender")
    parser.add_argument("--serve", choices=("eingrad", "jax"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    print(*race.conditions(options.threads), sep="\n")
    print(f"{'':<40}{'eingrad':>12}{'jax.jit':>12}{'ratio':>16}{'error':>10}")
    workers = {name: start(name, options.threads) for name in ("eingrad", "jax")}
    for name, model in MODELS.items():
        if not any(part in name for part in options.models):
            continue
        found = measure(name, workers, options.rounds)
        theirs, far = found["jax", "dense"], f"{error(model):>10.0e}"
        for (contender, call), ours in found.items():
            if contender == "eingrad":
                ratios = f"{ours[0] / theirs[0]:>9.3f} |{ours[1] / theirs[1]:>5.3f}"
                title = f"{name}, {call}" if model.structured else name
                print(f"{title:<40}{ours[0]:>12.1f}{theirs[0]:>12.1f}{ratios}{far}", flush=True)
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()


if __name__ == "__main__":
    main()
