"""Bind generic functions: put relu, or a person's own callables, in the place of ``phi``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from eingrad.calculus.differentiate import push_forward
from eingrad.core.algebra import apply, broadcast_scalar, full
from eingrad.core.expr import Expr, Map, Var
from eingrad.core.functions import FUNCTIONS, arguments_of, declared_base
from eingrad.core.rewrite import rewrite, substitute
from eingrad.errors import EingradError


def bind_functions(
    roots: Sequence[Expr],
    given: Mapping[str, str | tuple[Callable[..., Any], ...]],
    declared: Mapping[str, int],
) -> tuple[list[Expr], dict[str, Callable[..., Any]]]:
    """Replace generic functions by those of the table; return what stays bound to callables.

    ``given["phi"]`` is a function's name, or callables on arrays for phi, phi' and so on.

    >>> from eingrad.core.expr import Var
    >>> x = Var("x", ("i",))
    >>> bind_functions([Map("phi'", [x])], {"phi": "exp"}, {"phi": 1})[0][0] is apply("exp", x)
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
            _check_known(name, bound, declared[name])
        elif declared[name] > 1:
            raise EingradError(
                f"{name} has {declared[name]} arguments, and callables are taken of one",
                operand=name,
                hint="bind it to a known function by its name, or write its formula in the model",
            )
        else:
            functions = bound if isinstance(bound, tuple | list) else (bound,)
            callables |= {name + "'" * order: f for order, f in enumerate(functions)}

    def bind(node: Expr) -> Expr | None:
        if not isinstance(node, Map):
            return None
        bound = given.get(declared_base(node.function))
        if not isinstance(bound, str):
            return None
        own = [Var(f"{node.function} {k}", x.dims) for k, x in enumerate(node.operands)]
        result = apply(bound, *own)
        for k in arguments_of(node.function):
            result = push_forward(result, {own[k]: full(1, own[k].dims)})
        values: dict[Expr, Expr] = dict(zip(own, node.operands, strict=True))
        return broadcast_scalar(substitute(result, values), node.dims)

    return rewrite(roots, bind), callables


def _check_known(name: str, bound: str, count: int) -> None:
    known = [row.name for row in FUNCTIONS.values() if row.takes(count)]
    if bound not in known:
        near = get_close_matches(bound, known, 1)
        raise EingradError(
            f"no function {bound!r} to bind {name} to",
            operand=name,
            hint=f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}",
        )
