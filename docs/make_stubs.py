"""Write what type checkers read of tables: python docs/make_stubs.py.

`eingrad/__init__.pyi` is the surface of `eingrad/surface.py`, `methods.pyi` are the operators and
methods that `operators.py` hangs on a Tensor.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from eingrad.api.tensors import operators
from eingrad.surface import SURFACE

PACKAGE = Path(__file__).parents[1] / "src" / "eingrad"


def surface() -> str:
    """Return `eingrad/__init__.pyi`."""
    lines = ['"""The public surface, from `surface.py`, by `python docs/make_stubs.py`."""', ""]
    for module, names in sorted(SURFACE.items()):
        lines += [f"from .{module} import {name} as {name}" for name in sorted(names.split())]
    return "\n".join([*lines, "", "__version__: str", ""])


HEAD = '''"""What a Tensor can do with others: `operators.py`, by `python docs/make_stubs.py`."""

from collections.abc import Mapping, Sequence
from typing import Any

from eingrad.api.einsum.numeric import Array
from eingrad.api.tensors.broadcast import Axes
from eingrad.api.tensors.tensor import Tensor

class Methods:
'''


def methods() -> str:
    """Return `eingrad/api/tensors/methods.pyi`."""
    lines: list[str] = []
    for name, function in {**operators.OPERATORS, **operators.METHODS}.items():
        lines += method(name, function)
    for name in operators.PROPERTIES:
        lines += ["@property", f"def {name}(self) -> Tensor: ..."]
    return HEAD + "".join(f"    {line}\n" for line in lines)


def method(name: str, function: Callable[..., Any]) -> Iterator[str]:
    """Yield the declaration of a method; what is not annotated takes anything, gives a Tensor."""
    signature = inspect.signature(function)
    parameters = ["self"]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    for p in list(signature.parameters.values())[1:]:
        if p.kind is p.KEYWORD_ONLY and kind not in (p.KEYWORD_ONLY, p.VAR_POSITIONAL):
            parameters.append("*")
        kind = p.kind
        default = "" if p.default is p.empty else f" = {p.default!r}"
        stars = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        annotation = "Any" if p.annotation is p.empty else p.annotation
        parameters.append(f"{stars}{p.name}: {annotation}{default}")
    returned = signature.return_annotation
    result = "Tensor" if returned is signature.empty else returned
    ignored = "  # type: ignore[override]" if name in {"__eq__", "__ne__"} else ""
    yield f"def {name}({', '.join(parameters)}) -> {result}: ...{ignored}"


STUBS = {PACKAGE / "__init__.pyi": surface, PACKAGE / "api" / "tensors" / "methods.pyi": methods}


def main() -> None:
    """Write the stubs."""
    for path, text in STUBS.items():
        path.write_text(text())


if __name__ == "__main__":
    main()
