"""What a module computes is the form to run: no array larger than it must be, products of two.

The models, and the same formulas in PyTorch, are those of ``benchmarks/running.py``.
"""

from __future__ import annotations

import re
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eingrad as eg

torch = pytest.importorskip("torch")
dispatch = pytest.importorskip("torch.utils._python_dispatch")

BENCH = runpy.run_path(
    str(Path(__file__).parents[2] / "benchmarks" / "running.py"), run_name="running"
)
PROBLEMS: Mapping[str, Any] = BENCH["problems"](small=True)

pytestmark = pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")


class Largest(dispatch.TorchDispatchMode):  # type: ignore[misc, name-defined]
    """Notes how many entries the largest tensor has that PyTorch makes."""

    entries = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        for x in result if isinstance(result, tuple) else (result,):
            if isinstance(x, torch.Tensor):
                self.entries = max(self.entries, x.numel())
        return result


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_module_computes_nothing_larger_than_forward_and_the_results(name: str) -> None:
    problem = PROBLEMS[name]
    derivatives = eg.parse(problem.text).grad("L", list(problem.parameters))
    source = derivatives.source("torch")
    assert not re.search(r'einsum\(\s*"\w*,\w*,', source)
    scope: dict[str, Any] = {"__name__": "module"}
    exec(source, scope)
    data = {k: torch.from_numpy(x) for k, x in BENCH["arrays"](problem, "float64").items()}
    used = [data[key] for key in derivatives.system.inputs]
    with Largest() as mode:
        _, saved = scope["forward"](*used)
        gradients = scope["backward"](saved)
    results = max(x.numel() for x in data.values())
    _, _, allowed = BENCH["limits"](problem)
    assert mode.entries <= max(allowed, results)
    expected = BENCH["contender"]("torch", problem, "float64")()
    for key, value in zip(scope["WRT"], gradients, strict=True):
        theirs = expected[f"dL/d{key}"]
        np.testing.assert_allclose(value, theirs, rtol=1e-9, atol=1e-12)
