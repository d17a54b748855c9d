"""Ten instances of the Einsum Benchmark's generators, forward and with all gradients.

    pip install 'einsum_benchmark[generators]' cotengra
    python benchmarks/networks.py [--only tree] [--rounds 7]

Each row is one expression: the operations of its forward pass by the orders that eingrad,
opt_einsum and cotengra find (a multiplication and an addition are one), then eingrad's milliseconds
for the value and the gradient by every operand, and the others' time as multiples of that. eingrad
is the pull-back of ``eg.einsum`` under ``eg.function``; opt_einsum and cotengra contract PyTorch's
tensors in their order, and autograd goes back; "torch" is ``torch.einsum``, which has 52 letters;
"jax" is ``jnp.einsum`` in ``jax.jit``. Double precision, one thread, minima of calls by turns in
one process. "first" is the seconds of eingrad's first call, planning and all.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

for variable in [x for x in os.environ if x.startswith("OPENBLAS_")]:  # it slows NumPy alone
    print(f"unset: {variable}={os.environ.pop(variable)}")
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before any of them is loaded

import cotengra  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import opt_einsum  # noqa: E402
import torch  # noqa: E402
from einsum_benchmark.generators import language_model, quantum_computing, random, structured  # noqa: E402

import eingrad as eg  # noqa: E402

jax.config.update("jax_enable_x64", True)
Instance = tuple[str, list[tuple[int, ...]]]
INSTANCES: dict[str, Callable[[], Instance]] = {
    "lattice 5 x 5": lambda: structured.lattice([5, 5], d_min=3, seed=1),
    "lattice 3 x 3 x 3": lambda: structured.lattice([3, 3, 3], d_min=2, seed=1),
    "matrix chain": lambda: structured.matrix_chain(12, 10, 300, is_shuffle=True, seed=1),
    "tree": lambda: structured.tree(50, d_min=4, d_max=12, n_outer=2, seed=1),
    "network": lambda: random.connected_network(
        25, 3.0, number_of_output_indices=3, min_axis_size=2, max_axis_size=4, seed=1
    ),
    "hypernetwork": lambda: random.connected_hypernetwork(
        14, 2.5, max_tensor_order=6, max_edge_order=4, number_of_output_indices=3,
        number_of_single_summation_indices=2, min_axis_size=2, max_axis_size=4, seed=1,
    ),
    "regular graph": lambda: random.regular(30, 3, d_min=2, d_max=3, seed=1),
    "product state": lambda: quantum_computing.matrix_product_state(30, 5, 20, 16, seed=1),
    "first and last": lambda: language_model.p_first_and_last(2, 4, 9),
    "likelihood": lambda: language_model.sliding_likelihood(1, 4, 9, 50),
}  # fmt: skip
Call = Callable[[], list[Any]]


def calls(spec: str, arrays: list[np.ndarray[Any, Any]], bar: Any) -> dict[str, Call]:
    """Return for each contender a call that gives the value and all gradients."""
    shapes = [x.shape for x in arrays]
    tensors = [torch.from_numpy(x).requires_grad_() for x in arrays]
    bar_torch = torch.from_numpy(np.asarray(bar))
    expression = opt_einsum.contract_expression(spec, *shapes)
    other = cotengra.einsum_expression(spec, *shapes, optimize="auto")
    letters = {k: n for n, k in enumerate(dict.fromkeys(k for k in spec if k.isalpha()))}

    def with_autograd(contract: Callable[..., Any]) -> Call:
        def call() -> list[Any]:
            value = contract(*tensors)
            return [value.detach(), *torch.autograd.grad(value, tensors, bar_torch)]

        return call

    def pulled(*operands: Any) -> Any:
        value, pull = eg.vjp(lambda *xs: eg.einsum(spec, *xs), *operands)
        return [value, *pull(bar)]

    @jax.jit
    def jitted(operands: Any) -> Any:
        value, pull = jax.vjp(lambda *xs: jnp.einsum(spec, *xs), *operands)
        return [value, *pull(jnp.asarray(bar))]

    own = eg.function(pulled)
    in_jax = [jnp.asarray(x) for x in arrays]
    found = {
        "eingrad": lambda: own(*arrays),
        "opt_einsum": with_autograd(expression),
        "cotengra": with_autograd(other),
        "jax": lambda: jax.block_until_ready(jitted(in_jax)),
    }
    if len(letters) <= 52:
        inputs, output = spec.split("->")
        sides = [[letters[k] for k in side] for side in (*inputs.split(","), output)]

        def by_torch(*xs: Any) -> Any:
            pairs = [part for pair in zip(xs, sides, strict=False) for part in pair]
            return torch.einsum(*pairs, sides[-1])

        found["torch"] = with_autograd(by_torch)
    return found


def operations(spec: str, shapes: list[tuple[int, ...]]) -> list[float]:
    """Return the operations of the orders of eingrad, opt_einsum and cotengra."""
    path = opt_einsum.contract_path(spec, *shapes, shapes=True)[0]
    trees = [cotengra.einsum_tree(spec, *shapes, optimize=how) for how in (path, "auto")]
    return [eg.contract_path(spec, *shapes).flops, *(tree.contraction_cost() for tree in trees)]


def measure(name: str, rounds: int) -> None:
    """Print the row of an instance."""
    spec, shapes = INSTANCES[name]()
    spec, rng = spec.replace(" ", ""), np.random.default_rng(0)
    shapes = [tuple(map(int, shape)) for shape in shapes]
    arrays = [rng.normal(size=s) / max(1.0, np.prod(s) ** 0.5 / 2) for s in shapes]
    bar = np.ones_like(np.asarray(opt_einsum.contract(spec, *arrays)))
    contenders = calls(spec, arrays, bar)
    start = time.perf_counter()
    results = {"eingrad": contenders["eingrad"]()}
    first = time.perf_counter() - start
    results |= {who: call() for who, call in contenders.items() if who != "eingrad"}
    agree = all(
        np.allclose(np.asarray(a), np.asarray(b), rtol=1e-8, atol=1e-10 * np.abs(b).max())
        for who in results
        for a, b in zip(results[who], map(np.asarray, results["jax"]), strict=True)
    )
    least = dict.fromkeys(contenders, float("inf"))
    for _ in range(rounds):
        for who, call in contenders.items():
            for _ in range(3):
                begin = time.perf_counter()
                call()
                least[who] = min(least[who], time.perf_counter() - begin)
    counts = "".join(f"{n:>10.3g}" for n in operations(spec, shapes))
    others = "".join(
        f"{least[who] / least['eingrad']:>11.2f}" if who in least else f"{'-':>11}"
        for who in ("opt_einsum", "cotengra", "torch", "jax")
    )
    print(
        f"{name:<18}{len(shapes):>4}{counts}{1e3 * least['eingrad']:>10.2f}{others}{first:>7.1f}"
        + ("" if agree else "  RESULTS DIFFER"), flush=True,
    )  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=INSTANCES, default=list(INSTANCES))
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    head = "".join(f"{x:>10}" for x in ("eingrad", "opt_einsum", "cotengra", "ms"))
    head += "".join(f"{x:>11}" for x in ("opt_einsum", "cotengra", "torch", "jax"))
    print(f"{'':<18}{'n':>4}{head}{'first':>7}")
    for name in options.only:
        measure(name, options.rounds)


if __name__ == "__main__":
    main()
