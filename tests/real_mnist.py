"""The real MNIST, which lies beside the repository on some machines and is never part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

MNIST = Path(__file__).parents[2] / "shared" / "data" / "mnist"
ABSENT = "the real MNIST files are not here"
needs_mnist = pytest.mark.skipif(not MNIST.is_dir(), reason=ABSENT)
