"""Memory kept between calls: what one call frees the next one takes, without the kernel.

glibc gives blocks from 128 kB on back to the kernel when they are freed, and each new one costs a
page fault for every 4 kB: ten times the work on a large result. Its dynamic thresholds follow the
sizes in use, but the top of the heap is still trimmed at every free. Set ``EINGRAD_KEEP_MEMORY=0``
to leave the process as it is; so it is left where another allocator or another setting was chosen.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of malloc.h
LARGEST = 32 << 20  # bytes of a block that comes from the heap; glibc allows no more
KEPT = 256 << 20  # bytes free at the top of the heap before some go back
CHOSEN = ("GLIBC_TUNABLES", "LD_PRELOAD")


@cache
def keep_memory() -> bool:
    """Let the process keep what it frees, once; return whether that was done."""
    chosen = any(x in CHOSEN or x.startswith("MALLOC_") for x in os.environ)
    if not sys.platform.startswith("linux") or chosen:
        return False
    if os.environ.get("EINGRAD_KEEP_MEMORY") == "0":
        return False
    try:
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018  musl and others have none
        mallopt = libc.mallopt
    except (OSError, AttributeError):
        return False
    mallopt.argtypes, mallopt.restype = [ctypes.c_int, ctypes.c_int], ctypes.c_int
    return bool(mallopt(MMAP_THRESHOLD, LARGEST)) and bool(mallopt(TRIM_THRESHOLD, KEPT))
