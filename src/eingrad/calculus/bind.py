"""Bind generic functions: put relu, or a person's own callables, in the place of ``phi``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from eingrad.calculus.differentiate import push_forward
from eingrad.core.algebra import apply, broadcast_scalar, full
from eingrad.core.expr import Expr, Map
from eingrad.core.functions import FUNCTIONS
from eingrad.core.rewrite import rewrite
from eingrad.errors import EingradError


def bind_functions(
    roots: Sequence[Expr],
    given: Mapping[str, str | tuple[Callable[..., Any], ...]],
    declared: Collection[str],
) -> tuple[list[Expr], dict[str, Callable[..., Any]]]:
    """Replace generic functions by those of the table; return what stays bound to callables.

    ``given["phi"]`` is a function's name, or callables on arrays for phi, phi' and so on.

    >>> from eingrad.core.expr import Var
    >>> x = Var("x", ("i",))
    >>> bind_functions([Map("phi'", [x])], {"phi": "exp"}, {"phi"})[0][0] is apply("exp", x)
    True
    """
    if not isinstance(given, Mapping):
        raise EingradError(
            f"functions= maps names to functions, and this is a {type(given).__name__}",
            code="wrong-type",
            hint='write functions={"phi": "relu"}',
        )
    callables: dict[str, Callable[..., Any]] = {}
    for name, bound in given.items():
        if name not in declared:
            raise EingradError(
                f"the model declares no function {name!r}",
                operand=name,
                hint=f"declared: {', '.join(sorted(declared)) or 'none'}",
            )
        if isinstance(bound, str):
            _check_known(name, bound)
        else:
            functions = bound if isinstance(bound, tuple | list) else (bound,)
            callables |= {name + "'" * order: f for order, f in enumerate(functions)}

    def bind(node: Expr) -> Expr | None:
        if not isinstance(node, Map):
            return None
        base = node.function.rstrip("'")
        bound = given.get(base)
        if not isinstance(bound, str):
            return None
        x = node.operands[0]
        result = apply(bound, x)
        for _ in range(len(node.function) - len(base)):
            result = push_forward(result, {x: full(1, x.dims)})
        return broadcast_scalar(result, node.dims)

    return rewrite(roots, bind), callables


def _check_known(name: str, bound: str) -> None:
    known = [row.name for row in FUNCTIONS.values() if row.takes(1)]
    if bound not in known:
        near = get_close_matches(bound, known, 1)
        raise EingradError(
            f"no function {bound!r} to bind {name} to",
            operand=name,
            hint=f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}",
        )
