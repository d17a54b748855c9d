"""All tables on speed, one after the other, in less than a quarter of an hour.

    python benchmarks/all.py [--only hessian start] [> FILE]

Unset nothing: what slows one library alone is unset in what is timed, and printed. Run it where
nobody else works; where somebody does, a warning says so, and the minima say more than the medians.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

TABLES = {
    "Attention, gated units, norms, losses, a block, beside PyTorch": "running.py",
    "Einsums with all gradients, one thread each": "einsum.py --threads 1",
    "Einsums with all gradients, as many threads as each takes": "einsum.py",
    "A training step, one thread each": "step.py --threads 1",
    "A training step, as many threads as each takes": "step.py",
    "Convolutions, forward and back, one thread each": "convolutions.py --threads 1",
    "From the start of a process to the first gradient": "start.py",
    "Hessians": "hessian.py --rounds 5",
    "Deriving and compiling, by the number of layers": "layers.py",
    "Large models: read, derived with all steps, printed, compiled": "symbolic.py",
    "Beside a busy process": "neighbours.py",
    "Generated layers, beside layers written by hand": "modules.py",
    "Networks of tensors, with all gradients": "networks.py",
    "A recurrence, beside its loop in PyTorch": "recurrences.py",
}


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[""], help="parts of the scripts' names")
    options = parser.parse_args()
    begin, failed = time.perf_counter(), []
    for title, command in TABLES.items():
        script, *arguments = command.split()
        if not any(part in script for part in options.only):
            continue
        print(f"\n## {title}\n\npython benchmarks/{command}\n", flush=True)
        own = time.perf_counter()
        path = str(Path(__file__).with_name(script))
        if subprocess.run([sys.executable, path, *arguments], check=False).returncode:
            failed.append(script)
        print(f"\n{time.perf_counter() - own:.0f} s", flush=True)
    print(f"\nall in {time.perf_counter() - begin:.0f} s")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
