"""The head of a module: a docstring with all formulas, imports, constants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eingrad.codegen import templates
from eingrad.codegen.code import bracketed, comment, tuple_text
from eingrad.codegen.leading_wrappers import axes_text
from eingrad.codegen.module_plan import Line, ModulePlan
from eingrad.codegen.random_data import Draw
from eingrad.codegen.targets import Target
from eingrad.core.expr import has_leading_axes
from eingrad.notation.text import to_text

WIDE = 72  # where the text of a docstring wraps


@dataclass(frozen=True)
class Header:
    """Writes the head; ``names`` are the identifiers of tensors, ``axis`` a letter for each
    dimension, ``mode`` is gradient, dense or along."""

    program: ModulePlan
    target: Target
    names: Mapping[str, str]
    axis: Mapping[str, str]
    mode: str
    draws: Mapping[str, Draw]
    uses_einsum: bool
    imports: tuple[str, ...] = ()

    def text(self, body: str) -> str:
        """Return the head of a module with this body."""
        return f"{self._docstring()}\n\n{self._imports(body)}\n\n{self._constants(body)}"

    def _docstring(self) -> str:
        program, target = self.program, self.target
        lines = [f'"""{self._title()}, in {target.title}.', "", "Forward:", ""]
        lines += formulas(program.forward)
        lines += ["", "Backward:" if self.mode == "gradient" else "Derivatives:", ""]
        lines += self._backward_formulas()
        lines += ["", "Shapes of the inputs:", ""]
        for var in program.inputs:
            axes = ", ".join(self.axis[str(d)] for d in var.dims)
            lines.append(f"    {self.names[var.name]}: {axes or 'a scalar'}")
        lines += self._more()
        notes = [
            f"Assumed: {to_text(fact.written)[7:]}."
            for fact in program.system.facts
            if fact.written is not None
        ]
        notes += [f"{name} is {bound}." for name, bound in program.bound.items()]
        for note in notes:
            lines += ["", *_wrapped(note, "")]
        lines += ["", "Run this file to check the derivatives on random data.", '"""']
        return "\n".join(lines)

    def _backward_formulas(self) -> list[str]:
        return formulas(self.program.backward)

    def _more(self) -> list[str]:
        """Return further lines of the docstring."""
        return []

    def _title(self) -> str:
        program = self.program
        names = [self.names[r.wrt] for r in program.results]
        of = self.names[program.roots[0].name] if len(program.roots) == 1 else program.of
        word = {"gradient": "its gradient", "along": "its derivative along a direction"}
        kind = word.get(self.mode, "its derivatives")
        title = f"{_ascii(of)} and {kind} by {', '.join(names)}"
        return title if len(title) < WIDE else f"{_ascii(of)} and {kind}"

    def _imports(self, text: str) -> str:
        standard = [name for name in ("itertools", "math") if f"{name}." in text]
        lines = [f"import {name}" for name in standard]
        if "Iterable[" in text:
            lines.append("from collections.abc import Iterable")
        if "partial(" in text or self._needs_partial:
            lines.append("from functools import partial")
        if "Any" in text:
            lines.append("from typing import Any")
        head = "from __future__ import annotations\n\n"
        first = "\n".join(lines) + "\n\n" if lines else ""
        framework = templates.IMPORTS[self.target.name]
        if self.target.name == "jax" and not re.search(r"\bnp\.", text):
            framework = framework.replace("\nimport numpy as np", "")
        if "check_grads(" in text:
            framework += "\nfrom jax.test_util import check_grads"
        if self.target.functional == "F" and re.search(r"\bF\.", text):
            framework += "\nimport torch.nn.functional as F"
        if "nn.Module" in text:
            framework += "\nfrom torch import nn"
        if self.imports:
            framework = _sorted_imports([*framework.split("\n"), *self.imports])
        return head + first + framework

    @property
    def _needs_partial(self) -> bool:
        return self.target.name == "numpy" and self.uses_einsum

    def _constants(self, body: str) -> str:
        array = "Tensor" if self.target.name == "torch" else "Array"
        lines = [templates.ARRAY[self.target.name], f"Saved = tuple[{array}, ...]"]
        if self._needs_partial:
            lines.append("einsum = partial(np.einsum, optimize=True)  # by matrix products")
        lines += ["", "AXES: dict[str, tuple[str, ...]] = {"]
        for var in self.program.inputs:
            axes = tuple_text([f'"{self.axis[str(d)]}"' for d in var.dims])
            lines.append(f'    "{self.names[var.name]}": {axes},')
        lines.append("}")
        if has_leading_axes(self.program.inputs):
            lines.append(f"OUTPUTS = {axes_text(self.program.roots, self.axis)}")
        items = []
        for result in self.program.results:
            name = f'"{self.names[result.wrt]}"'
            if self.mode == "along":
                name = f'({name}, "{self.names[str(result.direction)]}")'
            elif self.mode == "dense" and len(self.program.roots) > 1:
                name = f"({name}, {self.program.roots.index(result.root)})"
            items.append(name)
        if len(items) == 1:
            lines.append(f"WRT = ({items[0]},)")
        else:
            lines += bracketed("WRT = (", items, ")", "", one_per_line=True)
        if "STEP" in body:
            lines += ["STEP = 1e-5  # of the central differences", "TOLERANCE = 1e-5"]
        return "\n".join([*lines, *self._literals()])

    def _literals(self) -> list[str]:
        lines = []
        for name, draw in self.draws.items():
            if draw.maker == "literal":
                values = [repr(x) for x in draw.literal]
                head = f"{self.names[f'values {name}']} = ["
                lines += [head, *(f"    {x}," for x in values), "]"]
        return lines


def _sorted_imports(lines: Iterable[str]) -> str:
    """Order imports as ruff does: whole modules first, names of one module in one line."""
    names: dict[str, set[str]] = {}
    for line in lines:
        if line.startswith("from "):
            _, module, _, name = line.split()
            names.setdefault(module, set()).add(name)
    whole = sorted(line for line in lines if line.startswith("import "))
    return "\n".join(
        [*whole, *(f"from {m} import {', '.join(sorted(n))}" for m, n in sorted(names.items()))]
    )


def formulas(lines: Sequence[Line]) -> list[str]:
    """Return the formulas of lines for a docstring."""
    texts = [row for line in lines for row in line.text.splitlines()]
    return [row for text in texts for row in _wrapped(text, "    ")]


def _wrapped(text: str, indent: str) -> list[str]:
    """Wrap a text for a docstring; nothing in it ends the docstring or escapes from it."""
    return [
        row.replace("#", "", 1).replace(indent + " ", indent, 1)
        for row in comment(_ascii(text), indent)
    ]


def _ascii(text: str) -> str:
    return text.replace("\\", "/").replace('"', "'")
