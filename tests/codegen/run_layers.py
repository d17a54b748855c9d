"""Run every layer's module in a folder in a process that has one framework and no eingrad.

``python -I run_layers.py TARGET FOLDER [COMPILED...]``: FOLDER/NAME.TARGET.py, with the inputs,
cotangents (``bar 0``) and tangents (``dot W``) in FOLDER/NAME.npz -> FOLDER/NAME.TARGET.npz.
PyTorch's are also put through torch.func, those in COMPILED through torch.compile as well, and
JAX's through jit, vmap and grad.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from run_modules import BLOCKED, Blocker, load

Found = dict[str, Any]


def tuple_of(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def plain(module: ModuleType, target: str, arrays: Found) -> Found:
    """Return value, gradients and tangents as the module's own functions give them."""
    as_own: Callable[[Any], Any] = {
        "numpy": np.asarray,
        "torch": lambda x: sys.modules["torch"].tensor(x),
        "jax": lambda x: sys.modules["jax"].numpy.asarray(x),
    }[target]
    inputs = {name: as_own(arrays[f"in {name}"]) for name in module.AXES}
    bars = [as_own(x) for name, x in arrays.items() if name.startswith("bar ")]
    dots = [as_own(arrays[f"dot {x}"]) if f"dot {x}" in arrays else None for x in inputs]
    outputs, saved = module.forward(**inputs)
    values = tuple_of(outputs)
    found = {f"value {k}": y for k, y in enumerate(values)}
    for k, y in enumerate(tuple_of(module.value(*inputs.values()))):
        assert np.array_equal(np.asarray(y), np.asarray(values[k]))
    gradients = module.backward(saved, *bars)
    found |= {f"d {x}": y for x, y in zip(module.WRT, gradients, strict=True)}
    again, moved = module.jvp(tuple(inputs.values()), tuple(dots))
    assert all(np.allclose(a, b) for a, b in zip(values, tuple_of(again), strict=True))
    found |= {f"moved {k}": y for k, y in enumerate(tuple_of(moved))}
    return found | transformed(module, target, inputs, bars)


def transformed(module: ModuleType, target: str, inputs: Found, bars: list[Any]) -> Found:
    """Return the gradients through the framework's own transformations."""
    places = tuple(k for k, name in enumerate(module.AXES) if name in module.WRT)
    names = [name for name in module.AXES if name in module.WRT]

    def product(*arrays: Any) -> Any:
        values = tuple_of(module.value(*arrays))
        return sum((y * b).sum() for y, b in zip(values, bars, strict=True))

    axes = tuple(0 if name in module.WRT else None for name in module.AXES)
    found = {}
    if target == "numpy":
        return {}
    framework = importlib.import_module(target)
    if target == "torch":
        func, stack = framework.func, framework.stack
        ways = {"grad": func.grad(product, places)}
        if module.__name__ in COMPILED:
            framework.compiler.reset()
            compiled = framework.compile(product, fullgraph=True, backend="aot_eager")

            def through_autograd(*arrays: Any) -> Any:
                wanted = [x.clone().requires_grad_(k in places) for k, x in enumerate(arrays)]
                return framework.autograd.grad(compiled(*wanted), [wanted[k] for k in places])

            ways["compile"] = through_autograd
    else:
        func, stack = framework, framework.numpy.stack
        ways = {"grad": framework.jit(func.grad(product, places))}
    for way, gradient in ways.items():
        result = gradient(*inputs.values())
        found |= {f"{way} {x}": y for x, y in zip(names, result, strict=True)}
    many = [stack([x, x]) if name in names else x for name, x in inputs.items()]
    result = func.vmap(func.grad(product, places), axes)(*many)
    return found | {f"vmap {x}": y[1] for x, y in zip(names, result, strict=True)}


def main() -> None:
    target, folder = sys.argv[1], Path(sys.argv[2])
    COMPILED.update(f"{name}_{target}_py" for name in sys.argv[3:])
    sys.meta_path.insert(0, Blocker(BLOCKED[target]))
    failed = False
    for path in sorted(folder.glob(f"*.{target}.py")):
        with np.load(folder / f"{path.name.split('.')[0]}.npz") as data:
            arrays = dict(data)
        try:
            module = load(path)
            error = module.check_gradient()
            assert error is True or error < 1e-6, error
            assert target == "numpy" or module.check_jvp()
            found = plain(module, target, arrays)
        except Exception as error:
            print(f"{path.name}: {type(error).__name__}: {error}")
            failed = True
            continue
        as_arrays = {key: np.asarray(x) for key, x in found.items()}
        np.savez(path.with_suffix(".npz"), **as_arrays)
    sys.exit(failed)


COMPILED: set[str] = set()

if __name__ == "__main__":
    main()
