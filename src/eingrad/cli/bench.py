"""``eingrad bench``: its options; the work is in a module that loads then."""

from __future__ import annotations

from typing import Annotated

import typer

from eingrad.cli.app import app

Rounds = Annotated[int, typer.Option(min=1, help="How often the contenders take turns.")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads of each contender; as many as it takes.")
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]


@app.command()
def bench(rounds: Rounds = 3, threads: Threads = None, json: Json = False) -> None:
    """Time eingrad on this machine, beside PyTorch and JAX where they are installed.

    Times are medians in microseconds, of the training step of a two-layer classifier (784-500-10)
    and of einsums with all their gradients, in float32. A ratio above 1: eingrad is faster.
    """
    from eingrad.cli.benching import run_bench  # noqa: PLC0415  # so that --help loads no NumPy

    run_bench(rounds, threads, json)
