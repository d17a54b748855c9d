r"""Functions that nothing defines, beside vectors: ``x^\top P(t) x`` may have a matrix."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from eingrad.errors import NotationError
from eingrad.notation.matrix.infer import WHOLE, Inference
from eingrad.notation.matrix.kinds import C, M, R, S
from eingrad.notation.matrix.typed import Typed
from eingrad.notation.syntax import Call, Symbol
from eingrad.notation.text import to_text

ENTRYWISE = frozenset({"f", "g", "h", "phi", "psi", "rho", "zeta", "ell"})  # by habit


def check_called(inference: Inference, domains: list[int], functions: Collection[str]) -> None:
    r"""Raise for ``x^\top P(t) x``, ``R(\theta) x`` and ``a^\top x(t)``: what is called may be a
    matrix or a vector, for ``V(q) + p^\top p``: it may be a number.

    ``functions`` are those that a text calls, and nothing defines.
    """
    for node in inference.nodes:
        call = node.written
        if node.op != "map" or not isinstance(call, Call) or call.function not in functions:
            continue
        name = call.function
        if name[:1].isupper() and _is_array(inference, node, domains):
            what, hint = "a matrix", f"write {name} without what it depends on"
        elif name not in ENTRYWISE and _of_name(node) and domains[node.var] != S:
            what, hint = "one function of each entry", f"write {name} without what it depends on"
        elif _beside_number(inference, node, domains):
            what, hint = "a number", "write its formula"
        else:
            continue
        raise NotationError(
            f"whether {to_text(call)} is {what} is open", code="open-shape", operand=name,
            hint=f"{hint}; or declare 'function {name}', of each entry", position=call.position,
        )  # fmt: skip


def _of_name(node: Typed) -> bool:
    """Whether a function is taken of one name, as what depends on it."""
    return all(isinstance(x.written, Symbol) for x in node.parts)


def _is_array(inference: Inference, node: Typed, domains: list[int]) -> bool:
    """Whether a function of a number stands where a matrix fits."""
    inner = node
    while (outer := inference.around.get(id(inner))) is not None:
        if outer.op in WHOLE or getattr(outer.written, "function", "") == "abs":
            return True
        if outer.op == "product" and domains[node.var] == S:
            k = next(j for j, x in enumerate(outer.parts) if x is inner)
            before = domains[outer.parts[k - 1].var] if k else S
            after = domains[outer.parts[k + 1].var] if k + 1 < len(outer.parts) else S
            return before in (R, M) or after in (C, M)
        if outer.op not in {"power", "transpose"}:
            return False
        inner = outer
    return False


def _beside_number(inference: Inference, node: Typed, domains: list[int]) -> bool:
    """Whether a function of a vector is added to a number that vectors make."""
    inner = node
    while (outer := inference.around.get(id(inner))) is not None and outer.op != "sum":
        if outer.op != "product":
            return False
        inner = outer
    others = [x for x in outer.parts if x is not inner] if outer else []
    return domains[inner.var] != S and any(
        domains[x.var] == S and any(domains[y.var] != S for y in _within(x)) for x in others
    )


def _within(node: Typed) -> Iterator[Typed]:
    yield node
    for part in node.parts:
        yield from _within(part)
