"""A data set larger than the memory that the system grants: it trains, in little of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

resource = pytest.importorskip("resource")

SOURCE = Path(__file__).parents[2] / "src"
SIDE, COUNT, CLASSES = 256, 24_000, 5  # 1.57 GB of images, in a sparse file
MIB = 1 << 20
LIMITS = {"RLIMIT_AS": 1000 * MIB, "RLIMIT_DATA": 400 * MIB}
MOST = 400 * MIB  # of physical memory, the mapped pages of files included

CHILD = """
import json, resource, sys
limits, arguments = json.loads(sys.argv[1])
for name, value in limits.items():
    resource.setrlimit(getattr(resource, name), (value, value))
from eingrad.cli.app import app
try:
    app(arguments, prog_name="eingrad")
finally:
    # not ru_maxrss, which counts what the parent held when it forked
    status = dict(line.split(":") for line in open("/proc/self/status"))
    print(1024 * int(status["VmHWM"].split()[0]), file=sys.stderr)
"""


def write_images(folder: Path, kind: str, count: int) -> int:
    """Write images that show their class as one white pixel; return the bytes of the images."""
    labels = (np.arange(count) * 7 % CLASSES).astype(np.uint8)
    folder.joinpath(f"{kind}-labels").write_bytes(
        bytes([0, 0, 8, 1]) + count.to_bytes(4, "big") + labels.tobytes()
    )
    size = SIDE * SIDE
    with folder.joinpath(f"{kind}-images").open("wb") as file:
        sizes = (count, SIDE, SIDE)
        file.write(bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in sizes))
        file.truncate(16 + count * size)
        for k, label in enumerate(labels.tolist()):
            os.pwrite(file.fileno(), b"\xff", 16 + k * size + 100 * label)
    return count * size


@pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc are Linux's")
def test_it_trains_in_less_memory_than_its_data_need(tmp_path):
    size = write_images(tmp_path, "train", COUNT)
    write_images(tmp_path, "t10k", 200)
    assert size > 1.4 * max(*LIMITS.values(), MOST)
    arguments = ["train", "mnist", "--data", str(tmp_path), "--hidden", "5", "--epochs", "1"]
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps([LIMITS, arguments])],
        env={**os.environ, **threads, "PYTHONPATH": str(SOURCE)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "test accuracy 100.0 %"
    assert int(done.stderr.splitlines()[-1]) < MOST
