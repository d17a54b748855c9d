"""Modules with ``X[...,d]``: the functions of a person's arrays around those of joined axes.

What is computed has one axis for all that ``...`` stands for; its functions are called
``flat_forward`` and the like, and `forward`, `backward`, `value`, `jvp` join and part the axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eingrad.codegen.code import bracketed, tuple_text
from eingrad.codegen.identifiers import Namespace
from eingrad.core.expr import Var

PREFIX = "flat_"
HELPERS = '''
def joined(
    axes: Iterable[tuple[str, ...]], tensors: Iterable[Array], lead: Any = None
) -> Any:
    """Return the sizes that ... stands for, and the tensors with one axis in their place."""
    flat = []
    for names, tensor in zip(axes, tensors, strict=True):
        if "..." in names:
            place = names.index("...")
            end = tensor.ndim - (len(names) - place - 1)
            own = tuple(tensor.shape[place:end])
            lead = own if lead is None else lead
            if end < place or own != lead:
                raise ValueError(f"... stands for axes of {lead}, and here of {own}")
            shape = (*tensor.shape[:place], math.prod(own), *tensor.shape[end:])
            tensor = tensor.reshape(shape)
        flat.append(tensor)
    return lead, flat


def parted(
    axes: Iterable[tuple[str, ...]], tensors: Iterable[Array], lead: tuple[int, ...]
) -> tuple[Array, ...]:
    """Return the tensors with the axes that ... stands for."""
    result = []
    for names, tensor in zip(axes, tensors, strict=True):
        if "..." in names:
            place = names.index("...")
            shape = (*tensor.shape[:place], *lead, *tensor.shape[place + 1 :])
            tensor = tensor.reshape(shape)
        result.append(tensor)
    return tuple(result)
'''


def axes_text(variables: Sequence[Var], axis: Mapping[str, str]) -> str:
    """Write the axes of tensors as a tuple of tuples."""
    rows = [tuple_text([f'"{axis[str(d)]}"' for d in v.dims]) for v in variables]
    return tuple_text(rows)


@dataclass(frozen=True)
class Wrappers:
    """Writes the functions around the flat ones.

    ``inputs`` and ``outputs`` are identifiers, ``results`` is what backward is called; a layer's
    takes cotangents, and it has a `jvp`.
    """

    array: str
    module: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    results: str
    is_layer: bool

    @property
    def one(self) -> bool:
        """Whether there is one output."""
        return len(self.outputs) == 1

    @property
    def kind(self) -> str:
        """The type of what forward gives."""
        return self.array if self.one else f"tuple[{self.array}, ...]"

    @property
    def locals(self) -> list[str]:
        """Names that no input has: of sizes, flat tensors, what comes out, what is saved."""
        names = Namespace({*self.inputs})
        return [names.new(x) for x in ("lead", "flat", "found", "kept")]

    def texts(self, has_value: bool) -> list[str]:
        """Return all of them, the helpers first."""
        return [
            HELPERS.strip("\n").replace("Array", self.array),
            self._forward(),
            self._backward(),
            *([self._value()] if has_value else []),
            *([self._jvp()] if self.is_layer else []),
        ]

    def _head(self, name: str, kind: str, says: str) -> list[str]:
        parameters = [f"{x}: {self.array}" for x in self.inputs]
        lines = bracketed(f"def {name}(", parameters, f") -> {kind}:", "")
        lines.append(f'    """Return {" and ".join(self.outputs)}{says}."""')
        lead, flat, *_ = self.locals
        given = bracketed(f"{lead}, {flat} = joined(AXES.values(), (", self.inputs,
                          ",))" if len(self.inputs) == 1 else "))", "    ")  # fmt: skip
        return [*lines, *given]

    def _parted(self, found: str, lead: str) -> str:
        """Write outputs with all their axes, as forward gives them."""
        listed, first = (f"[{found}]", "[0]") if self.one else (found, "")
        return f"parted(OUTPUTS, {listed}, {lead}){first}"

    def _forward(self) -> str:
        lead, flat, found, kept = self.locals
        lines = self._head("forward", f"tuple[{self.kind}, Saved]", " and what `backward` needs")
        marker = f"{self.module}.empty((*{lead}, 0))"
        return "\n".join([
            *lines,
            f"    {found}, {kept} = {PREFIX}forward(*{flat})",
            f"    {kept} = (*{kept}, {marker})  # its shape says what ... stands for",
            f"    return {self._parted(found, lead)}, {kept}",
        ])  # fmt: skip

    def _backward(self) -> str:
        taken = ["saved: Saved", *([f"*cotangents: {self.array}"] if self.is_layer else [])]
        lines = bracketed(f"def {self.results}(", taken, f") -> tuple[{self.array}, ...]:", "")
        lines.append('    """Return the gradients by the tensors in WRT, in this order."""')
        lines.append("    lead = tuple(saved[-1].shape[:-1])")
        if self.is_layer:
            lines.append("    _, flat = joined(OUTPUTS, cotangents, lead)")
        more = ", *flat" if self.is_layer else ""
        lines.append(f"    found = {PREFIX}{self.results}(saved[:-1]{more})")
        return "\n".join([*lines, "    return parted([AXES[name] for name in WRT], found, lead)"])

    def _value(self) -> str:
        lead, flat, found, _ = self.locals
        lines = self._head("value", self.kind, "; the gradients are those of `backward`")
        lines.append(f"    {found} = {PREFIX}value(*{flat})")
        return "\n".join([*lines, f"    return {self._parted(found, lead)}"])

    def _jvp(self) -> str:
        many, kind = f"tuple[{self.array}, ...]", self.kind
        parameters = [f"inputs: {many}", f"tangents: tuple[{self.array} | None, ...]"]
        what = " and ".join(self.outputs)
        return "\n".join([
            *bracketed("def jvp(", parameters, f") -> tuple[{kind}, {kind}]:", ""),
            f'    """Return {what}, and how they move as the inputs do."""',
            "    lead, flat = joined(AXES.values(), inputs)",
            "    _, dots = joined(AXES.values(), filled(inputs, tangents), lead)",
            f"    found, moved = {PREFIX}jvp(tuple(flat), tuple(dots))",
            f"    found = {self._parted('found', 'lead')}",
            f"    return found, {self._parted('moved', 'lead')}",
        ])  # fmt: skip
