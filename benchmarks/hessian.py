"""The Hessian of matrix factorisation: dense and structured, beside JAX.

    python benchmarks/hessian.py [--n 200] [--k 5] [--rounds 7]

The loss is ``sum_ij (M_ij - U_ik V_jk)^2`` for n x n entries of M and k factors; the Hessian has
the four blocks of U and V, each n k x n k. "dense" builds all of them, "structured" gives their
factors. JAX's is ``jax.jit(jax.hessian)``, for both. All are in double precision, first calls left
out. Each contender has a process of its own that is asked by turns; the table gives medians, and
how many times eingrad is faster. "bytes" are what the structured factors take, beside the dense
blocks. Unset OPENBLAS_CORETYPE and the like, and run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

MODEL = "R_ij = M_ij - U_ik V_jk\nL = R_ij R_ij"
KEYS = [f"d2L/d{a} d{b}" for a in "UV" for b in "UV"]
Call = Callable[[], object]


def arrays(n: int, k: int) -> dict[str, np.ndarray]:
    """Return the matrix and its factors."""
    rng = np.random.default_rng(0)
    shapes = {"M": (n, n), "U": (n, k), "V": (n, k)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def eingrad_calls(n: int, k: int) -> dict[str, Call]:
    """The Hessian that eingrad derives and compiles."""
    import eingrad as eg  # noqa: PLC0415

    values = arrays(n, k)
    hessian = eg.parse(MODEL).hessian("L", ["U", "V"]).compile()
    return {
        "dense": lambda: hessian(**values),
        "structured": lambda: hessian(**values, structured=True),
    }


def jax_calls(n: int, k: int) -> dict[str, Call]:
    """The same in JAX."""
    import jax  # noqa: PLC0415
    import jax.numpy as jnp  # noqa: PLC0415

    jax.config.update("jax_enable_x64", True)
    values = {name: jnp.asarray(x) for name, x in arrays(n, k).items()}
    factors = values["U"], values["V"]

    def loss(u, v):
        return jnp.sum((values["M"] - u @ v.T) ** 2)

    hessian = jax.jit(jax.hessian(loss, argnums=(0, 1)))
    return {"dense": lambda: jax.block_until_ready(hessian(*factors))}


def agreement(n: int, k: int) -> float:
    """Return the greatest difference between the two, at a small size."""
    ours, theirs = eingrad_calls(n, k)["dense"](), jax_calls(n, k)["dense"]()
    blocks = [block for row in theirs for block in row]  # type: ignore[attr-defined]
    return max(
        float(np.abs(ours[key] - block).max())  # type: ignore[index]
        for key, block in zip(KEYS, blocks, strict=True)
    )


def serve(contender: str, n: int, k: int) -> None:
    """Answer each line, a call's name, with the times of three calls in milliseconds."""
    calls = {"eingrad": eingrad_calls, "jax": jax_calls}[contender](n, k)
    ready = set()
    for line in sys.stdin:
        call = calls[line.strip()]
        if line not in ready:
            call()
            ready.add(line)
        times = []
        for _ in range(3):
            begin = time.perf_counter()
            call()
            times.append(1e3 * (time.perf_counter() - begin))
        print(json.dumps(times), flush=True)


def measure(n: int, k: int, rounds: int) -> dict[tuple[str, str], float]:
    """Return the median time in milliseconds of each call of each contender."""
    wanted = {"eingrad": ["dense", "structured"], "jax": ["dense"]}
    environment = {x: v for x, v in os.environ.items() if not x.startswith("OPENBLAS_")}
    workers = {
        name: subprocess.Popen(
            [sys.executable, __file__, "--serve", name, "--n", str(n), "--k", str(k)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )
        for name in wanted
    }  # fmt: skip
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for call in ("dense", "structured"):
            for name, worker in workers.items():
                if call in wanted[name]:
                    worker.stdin.write(call + "\n")  # type: ignore[union-attr]
                    worker.stdin.flush()  # type: ignore[union-attr]
                    answer = worker.stdout.readline()  # type: ignore[union-attr]
                    times.setdefault((name, call), []).extend(json.loads(answer))
    for worker in workers.values():
        worker.stdin.close()  # type: ignore[union-attr]
        worker.wait()
    return {key: float(np.median(ts)) for key, ts in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--k", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--serve", choices=("eingrad", "jax"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.n, options.k)
        return
    blocks = eingrad_calls(options.n, options.k)["structured"]()
    factors = sum(blocks[key].nbytes for key in KEYS)  # type: ignore[index]
    dense = 4 * (options.n * options.k) ** 2 * 8
    print(f"n = {options.n}, k = {options.k}; difference at n = 6: {agreement(6, 2):.1e}")
    print(f"bytes: structured {factors:,}, dense {dense:,}")
    result = measure(options.n, options.k, options.rounds)
    for call in ("dense", "structured"):
        ours = result["eingrad", call]
        theirs = result["jax", "dense"]
        print(f"{call:<12}{ours:>10.3f} ms    JAX {theirs:>10.3f} ms    {theirs / ours:>8.1f} x")


if __name__ == "__main__":
    main()
