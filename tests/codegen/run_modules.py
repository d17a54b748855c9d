"""Run every module in a folder in a process that has one framework and no eingrad.

``python -I run_modules.py TARGET FOLDER``: FOLDER/NAME.TARGET.py with FOLDER/NAME.npz ->
FOLDER/NAME.TARGET.npz with the value, the derivatives and the module's own error.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

BLOCKED = {
    "numpy": {"eingrad", "torch", "jax", "scipy"},
    "torch": {"eingrad", "jax", "scipy"},
    "jax": {"eingrad", "torch"},
}


class Blocker:
    """Makes imports fail."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def find_spec(self, name: str, *_: Any) -> None:
        if name.split(".", maxsplit=1)[0] in self.names:
            raise ImportError(f"{name} is blocked")


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.name.replace(".", "_"), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def results(module: ModuleType, target: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return value and derivatives, and the error of the module's own check.

    A framework's own check says True or raises.
    """
    own = module.check_gradient()
    own = 0.0 if own is True else own
    if target == "torch":
        torch = importlib.import_module("torch")
        data = {name: torch.tensor(x) for name, x in data.items()}
    elif target == "jax":
        jnp = importlib.import_module("jax.numpy")
        data = {name: jnp.asarray(x) for name, x in data.items()}
    forward, backward = module.forward, getattr(module, "backward", None) or module.derivatives
    if target == "jax":
        forward, backward = (sys.modules["jax"].jit(f) for f in (forward, backward))
    value, saved = forward(**data)
    result = {f"d{k}": np.asarray(x) for k, x in enumerate(backward(saved))}
    values = value if isinstance(value, tuple) else (value,)
    result |= {f"v{k}": np.asarray(x) for k, x in enumerate(values)}
    if hasattr(module, "train"):
        result["losses"] = np.asarray(module.train(5))
    return {**result, "error": np.asarray(own)}


def main() -> None:
    target, folder = sys.argv[1], Path(sys.argv[2])
    sys.meta_path.insert(0, Blocker(BLOCKED[target]))
    failed = False
    for path in sorted(folder.glob(f"*.{target}.py")):
        with np.load(folder / f"{path.name.split('.')[0]}.npz") as data:
            arrays = dict(data)
        try:
            found = results(load(path), target, arrays)
        except Exception as error:
            print(f"{path.name}: {type(error).__name__}: {error}")
            failed = True
            continue
        np.savez(path.with_suffix(".npz"), **found)
    sys.exit(failed)


if __name__ == "__main__":
    main()
