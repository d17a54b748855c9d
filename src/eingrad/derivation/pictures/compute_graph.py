"""The graph of a model: a box a tensor, with its adjoint where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from eingrad.calculus.reverse import Adjoint, needed_by
from eingrad.core.algebra import is_light
from eingrad.core.expr import Dim, Einsum, Expr, postorder, variables
from eingrad.derivation.author_letters import head_of
from eingrad.derivation.pictures.picture import Box, Picture, layered
from eingrad.derivation.steps import Deriver, Record
from eingrad.notation.syntax import Assignment, Symbol
from eingrad.notation.system import System
from eingrad.notation.text import to_text

LONGEST = 34  # letters of a definition that a box shows


def compute_graph(
    system: System,
    of: str | None = None,
    records: Mapping[str, Record] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Picture:
    """Draw a model, or what ``of`` needs of it; with ``records``, the way back of its gradient.

    ``sizes`` are extents by label; with them shapes and FLOPs are numbers.
    """
    wanted = needed_by([of], system.exprs) if of else set(system.definitions)
    definitions = {n: d for n, d in system.definitions.items() if n in wanted}
    used = {v.name for d in definitions.values() for v in variables(d.expr)}
    names = [*(n for n in system.inputs if n in used), *definitions]
    adjoints = {r.name: r for r in (records or {}).values() if isinstance(r, Adjoint)}
    deriver = Deriver(system, system, records or {})
    boxes = []
    for name in names:
        lines = [(_first_line(system, name), "")]
        lines += [(text, "soft") for text in _costs(system, name, sizes or {})]
        if name in adjoints:
            adjoint = adjoints[name]
            head = head_of(adjoint.title, deriver.letters(str(adjoint.title)))
            lines.append((to_text(head), "back"))
        kind = "result" if name == of else "input" if name in system.inputs else ""
        boxes.append(Box(name, tuple(lines), kind))
    place = {n: k for k, n in enumerate(names)}  # no line leads back: the box says h[t-1]
    links = [
        (v.name, n) for n, d in definitions.items() for v in variables(d.expr)
        if place.get(v.name, -1) < place[n]
    ]  # fmt: skip
    title = f"the compute graph of {of or ', '.join(definitions)}"
    return layered(boxes, [x for x in links if set(x) <= set(names)], title, adjoints)


def _first_line(system: System, name: str) -> str:
    """Write a definition, or the tensor alone where that is long."""
    symbol = Symbol(name, system.labels[name])
    definition = system.definitions.get(name)
    if definition is None or definition.written is None:
        return to_text(symbol)
    text = to_text(Assignment(symbol, definition.written.value))
    return text if len(text) <= LONGEST else f"{to_text(symbol)} = ..."


def _costs(system: System, name: str, sizes: Mapping[str, int]) -> list[str]:
    """Say the shape, and the multiplications of a tensor's products."""
    definition = system.definitions.get(name)
    labels = system.labels[name]
    lines = []
    if all(x in sizes for x in labels):
        lines.append("shape " + (" x ".join(str(sizes[x]) for x in labels) or "scalar"))
    if definition is not None and (flops := _flops(definition.expr, system, sizes)):
        lines.append(f"{flops} FLOPs")
    return lines


def _flops(expr: Expr, system: System, sizes: Mapping[str, int]) -> str:
    products = [n for n in postorder([expr]) if isinstance(n, Einsum) and not is_light(n)]
    extents = [[_letter(dim, system) for dim in n.extents] for n in products]
    if not extents:
        return ""
    if all(x in sizes for own in extents for x in own):
        return f"{sum(prod(sizes[x] for x in own) for own in extents):,}"
    return " + ".join(" ".join(own) for own in extents)


def _letter(dim: Dim, system: System) -> str:
    return str(next(iter(system.letters.get(dim, ())), dim))
