"""Minibatches from a file: mapped, read, and announced before they are read.

    python benchmarks/rows.py [--megabytes 1000] [--folder DIR]

The time to take a row of 784 bytes at a random place, in microseconds, in minibatches of 64: from
a file of which the page cache holds nothing, and then the same rows again. The ways take turns;
the table has their medians. Give it a folder on the disk that matters.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from eingrad.learn import array_files
from eingrad.learn.array_files import FileRows

SHAPE, BATCH, BATCHES, ROUNDS = (28, 28), 64, 20, 5


def write(path: Path, count: int) -> None:
    """Write ``count`` images of noise, and wait until they are on the disk."""
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, count, 100_000):
            noise = rng.integers(0, 256, (min(100_000, count - start), *SHAPE), np.uint8)
            noise.tofile(file)
        file.flush()
        os.fsync(file.fileno())


def forget(path: Path) -> None:
    """Empty the page cache of a file."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def opened(path: Path, count: int, mapped: bool) -> FileRows:
    """Open the images to be mapped, or to be read, whatever their size."""
    array_files.MAPPED = 1 << 60 if mapped else 0
    return FileRows(path, 0, (count, *SHAPE))


def ways(path: Path, count: int) -> dict[str, Callable[[], Callable[[np.ndarray], None]]]:
    """Return, for each way, what opens the file and returns a function that takes rows."""
    out = np.empty((BATCH, *SHAPE), np.uint8)

    def taking(mapped: bool, announce: bool) -> Callable[[np.ndarray], None]:
        rows = opened(path, count, mapped)

        def take(indices: np.ndarray) -> None:
            if announce:
                rows.announce(indices)
            rows.take(indices, out)

        return take

    return {
        "mapped": lambda: taking(True, False),
        "read": lambda: taking(False, False),
        "announced, read": lambda: taking(False, True),
    }


def microseconds(take: Callable[[np.ndarray], None], batches: list[np.ndarray]) -> float:
    """Return the time for a row."""
    begin = time.perf_counter()
    for indices in batches:
        take(indices)
    return 1e6 * (time.perf_counter() - begin) / (len(batches) * BATCH)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--folder", help="where the file is written; the system's for such files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path, count = Path(folder) / "images", options.megabytes * 10**6 // 784
        write(path, count)
        rng = np.random.default_rng(1)
        times: dict[str, tuple[list[float], list[float]]] = {}
        for _ in range(ROUNDS):
            for name, make in ways(path, count).items():
                forget(path)
                take, batches = make(), [rng.integers(0, count, BATCH) for _ in range(BATCHES)]
                for measured in times.setdefault(name, ([], [])):
                    measured.append(microseconds(take, batches))
                del take  # a page that is mapped is not forgotten
    print(f"{'us a row':<16} {'from the disk':>14} {'from the cache':>15}")
    for name, measured in times.items():
        disk, cache = (statistics.median(values) for values in measured)
        print(f"{name:<16} {disk:>14.1f} {cache:>15.2f}")


if __name__ == "__main__":
    main()
