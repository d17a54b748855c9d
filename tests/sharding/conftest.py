"""Eight devices of one CPU, and models small enough for them."""

from __future__ import annotations

from types import ModuleType

import pytest


@pytest.fixture(autouse=True)
def jax() -> ModuleType:
    module: ModuleType = pytest.importorskip("jax")
    if len(module.devices()) < 8:
        pytest.skip("XLA_FLAGS gives this process fewer than 8 devices")
    return module
