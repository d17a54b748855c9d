"""Derivatives that a person states: `custom_vjp` as in JAX, and `stop_gradient`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import update_wrapper
from itertools import product
from typing import Any

from eingrad.api.einsum.numeric import is_inexact
from eingrad.api.tensors.kernel import Traced
from eingrad.api.tensors.shaping import reshape, stack
from eingrad.api.tensors.tape import Pair, Recording, ResultNode, Ruled, mode, zeros_pair
from eingrad.api.tensors.tensor import Tensor, as_tensor, wrap
from eingrad.api.transforms.pytree import Structure, flatten, unflatten
from eingrad.api.transforms.tracking import Function, check_function, like
from eingrad.errors import DifferentiationError, EingradError


def stop_gradient(x: Any) -> Any:
    """Return ``x``, nested as it is, as a constant: no derivative goes through it.

    Arrays and numbers stay what they are, Tensors have their value, shape and dtype. It works in
    functions that are traced, too.

    >>> from eingrad.api.transforms.functional import grad
    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    array(3.)
    """
    leaves, structure = flatten(x)
    return unflatten(structure, [t.detach() if isinstance(t, Tensor) else t for t in leaves])


class custom_vjp:  # noqa: N801 (the name in JAX)
    """A function with a reverse-mode rule of its own, stated with `defvjp`.

    ``fwd(*args)`` returns what the function returns and anything that ``bwd`` needs;
    ``bwd(kept, cotangent)`` returns a tuple with a cotangent for each argument, None where it is 0.
    Arguments and results are nested tuples, lists and dicts of arrays. Raises DifferentiationError
    in forward mode, which has no rule, and where a cotangent does not fit its argument.

    A traced function (`eg.function`) that uses one is compiled where it is not differentiated, and
    where it takes the derivative itself; differentiated from outside, it runs as it is written.

    >>> from eingrad.api.transforms.functional import grad
    >>> @custom_vjp
    ... def clipped(x):
    ...     return x * 1.0
    >>> clipped.defvjp(lambda x: (x * 1.0, None), lambda _, g: (g.clip(-1, 1),))
    >>> grad(lambda x: 100 * clipped(x))(2.0)
    array(1.)
    """

    def __init__(self, fn: Function) -> None:
        check_function(fn)
        self.fn = fn
        self._rule: tuple[Function, Function] | None = None
        update_wrapper(self, fn, updated=())

    def defvjp(self, fwd: Function, bwd: Function) -> None:
        """State the rule."""
        check_function(fwd)
        check_function(bwd)
        self._rule = fwd, bwd

    def __call__(self, *args: Any) -> Any:
        if self._rule is None:
            raise EingradError(
                f"{self._name} has no rule yet",
                operand=self._name,
                hint=f"state it with {self._name}.defvjp(fwd, bwd)",
            )
        leaves, structure = flatten(args)
        tensors = [x for x in leaves if isinstance(x, Tensor)]
        for x in tensors:
            if type(x._value) is Traced:
                x._value.trace.has_rules = True
        if not mode.recording or all(x._node is None for x in tensors):
            return self.fn(*args)
        return self._recorded(args, leaves, structure)

    @property
    def _name(self) -> str:
        return getattr(self.fn, "__name__", "the function")

    def _recorded(self, args: Sequence[Any], leaves: Sequence[Any], structure: Structure) -> Any:
        assert self._rule is not None
        returned = self._rule[0](*args)
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise EingradError(
                f"the forward rule of {self._name} returns no pair",
                operand=self._name,
                hint="return (what the function returns, what the backward rule needs)",
            )
        out, kept = returned
        results, nesting = flatten(out)
        outs = [as_tensor(x) for x in results]
        operands = [as_tensor(x) for x in leaves]
        rule = _Backward(self._name, self._rule[1], kept, operands, structure, outs, nesting)
        whole = Ruled([x._node for x in operands], [t._node for t in outs], rule)
        tracked = [
            wrap(t._value, ResultNode(t.shape, t.dtype, whole, j)) if is_inexact(t.dtype) else t
            for j, t in enumerate(outs)
        ]
        return unflatten(nesting, tracked)


class _Backward:
    """A backward rule as the tape asks it: cotangents of results by number -> of operands."""

    def __init__(
        self, name: str, bwd: Function, kept: Any, operands: Sequence[Tensor],
        structure: Structure, outs: Sequence[Tensor], nesting: Structure,
    ) -> None:  # fmt: skip
        self.name, self.bwd, self.kept = name, bwd, kept
        self.operands, self.structure = operands, structure
        self.outs, self.nesting = outs, nesting

    def __call__(
        self, seeds: Mapping[int, Pair], graph: bool, lead: tuple[int, ...]
    ) -> list[Pair | None]:
        cotangents = [
            wrap(*(seeds.get(j) or zeros_pair((*lead, *t.shape), t.dtype)))
            for j, t in enumerate(self.outs)
        ]
        with Recording(graph):
            rows = [
                self._one([c[index] for c in cotangents] if lead else cotangents)
                for index in product(*map(range, lead))
            ]
            if not lead:
                return rows[0]
            return [_joined(column, lead) for column in zip(*rows, strict=True)]

    def _one(self, cotangents: Sequence[Tensor]) -> list[Pair | None]:
        """Ask the rule for one cotangent of the function's value."""
        returned = self.bwd(self.kept, unflatten(self.nesting, cotangents))
        given = tuple(returned) if isinstance(returned, list) else returned
        count = len(self.structure.children)
        if not isinstance(given, tuple) or len(given) != count:
            got = f"{len(given)}" if isinstance(given, tuple) else f"a {type(given).__name__}"
            raise DifferentiationError(
                f"the backward rule of {self.name} returns {got}, not a tuple with a cotangent "
                f"for each of {count} argument{'s' * (count != 1)}",
                operand=self.name,
            )
        pairs: list[Pair | None] = []
        rest = list(self.operands)
        for child, x in zip(self.structure.children, given, strict=True):
            own, rest = rest[: child.count], rest[child.count :]
            pairs += self._fitted(x, child, own)
        return pairs

    def _fitted(self, x: Any, child: Structure, own: Sequence[Tensor]) -> list[Pair | None]:
        """Return the cotangents for the leaves of one argument."""
        if x is None:
            return [None] * len(own)
        leaves, nesting = flatten(x)
        if nesting != child:
            raise DifferentiationError(
                f"the backward rule of {self.name} returns a cotangent that is not nested like its "
                "argument",
                operand=self.name,
            )
        what = f"a cotangent that the backward rule of {self.name} returns"
        return [
            like(leaf, t, what) if is_inexact(t.dtype) else None
            for leaf, t in zip(leaves, own, strict=True)
        ]


def _joined(column: Sequence[Pair | None], lead: tuple[int, ...]) -> Pair | None:
    """Put the cotangents of several directions, in the order of ``lead``, in one array."""
    present = [wrap(*pair) for pair in column if pair is not None]
    if not present:
        return None
    zero = wrap(*zeros_pair(present[0].shape, present[0].dtype))
    whole = stack([zero if pair is None else wrap(*pair) for pair in column])
    whole = reshape(whole, (*lead, *present[0].shape))
    return whole._value, whole._node


__all__ = ["custom_vjp", "stop_gradient"]
