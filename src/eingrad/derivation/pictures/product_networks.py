"""The products of a model, each as a tensor network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from string import ascii_lowercase

from eingrad.calculus.reverse import needed_by
from eingrad.core.expr import Einsum, Expr, Labels, Map, Var, postorder
from eingrad.derivation.pictures.picture import Picture
from eingrad.derivation.pictures.tensor_network import tensor_network
from eingrad.notation.system import System

Letters = Mapping[int, str]
Factors = Sequence[tuple[str, Labels]]


def product_networks(system: System, of: str | None = None) -> dict[str, Picture]:
    """Draw each product that sums over a label, of what ``of`` needs; by its title.

    A factor that is computed has its function's name, or three dots; a product of such alone is
    left out.
    """
    wanted = needed_by([of], system.exprs) if of else set(system.definitions)
    found: dict[str, Picture] = {}
    for name, definition in system.definitions.items():
        if name not in wanted:
            continue
        for node in postorder([definition.expr]):
            if isinstance(node, Einsum) and node.summed:
                pairs = zip(node.operands, node.inputs, strict=True)
                factors = [(_name(x), own) for x, own in pairs if own]
                if len(factors) > 1 and any(isinstance(x, Var) for x in node.operands):
                    letters = _letters(node, system)
                    title = f"{name}: {_equation(factors, node.output, letters)}"
                    found.setdefault(title, _network(title, factors, node.output, letters))
    return found


def _network(title: str, factors: Factors, output: Labels, letters: Letters) -> Picture:
    labels = [[letters[k] for k in own] for _, own in factors]
    used = dict.fromkeys(chain.from_iterable(labels))
    words = f"{title}; {' '.join(used)} FLOPs" if len(factors) == 2 else title
    names = [name for name, _ in factors]
    return tensor_network(names, labels, [letters[k] for k in output], words=words)


def _equation(factors: Factors, output: Labels, letters: Letters) -> str:
    inputs = ",".join("".join(letters[k] for k in own) for _, own in factors)
    return f"{inputs}->{''.join(letters[k] for k in output)}"


def _name(factor: Expr) -> str:
    """Return what a circle says of a factor."""
    match factor:
        case Var(name=name):
            return name
        case Map(function=function):
            return function
        case _:
            return "..."


def _letters(node: Einsum, system: System) -> Letters:
    """Choose a letter for each label, the author's where two labels do not share it."""
    found: dict[int, str] = {}
    for label, dim in enumerate(node.extents):
        taken = set(found.values())
        letters = (*system.letters.get(dim, ()), *ascii_lowercase, f"i{label}")
        found[label] = next(x for x in letters if x not in taken)
    return found
