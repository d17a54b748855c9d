"""``eg.check_grads``: derivatives against central differences, by random projections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eingrad.api.einsum.numeric import Array, is_inexact
from eingrad.api.tensors.tape import no_grad
from eingrad.api.tensors.tensor import Tensor, as_tensor, wrap
from eingrad.api.transforms.functional import jvp, vjp
from eingrad.api.transforms.pytree import flatten, unflatten
from eingrad.api.transforms.tracking import outputs, track
from eingrad.errors import EingradError

Flat = Callable[..., tuple["Tensor", ...]]
MODES = ("fwd", "rev")


class GradientCheckError(EingradError, AssertionError):
    """A derivative does not agree with differences, or there was nothing to test."""

    code = "gradient-check"


def check_grads(
    fn: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = MODES,
    *,
    tolerance: float = 1e-6,
    step: float = 1e-4,
    seed: int = 0,
) -> None:
    """Check derivatives of ``fn`` at ``args`` up to an order, in forward and reverse mode.

    The arguments are nested tuples, lists and dicts; floating-point leaves are differentiated by,
    in double precision. Each mode is checked on the derivatives of each mode: with ``order=2``
    and both modes that is forward over reverse, and so on. Raises GradientCheckError where a
    directional derivative is off by more than ``tolerance``, relative to its size or to 1, and
    where nothing was tested: no floating-point argument, or a result that depends on none.

    >>> check_grads(lambda x: (x ** 3).sum(), (np.array([1.0, 2.0]),))
    """
    if not isinstance(args, tuple | list):
        raise EingradError("check_grads takes the arguments as a tuple", hint="write (x,)")
    modes = (modes,) if isinstance(modes, str) else modes
    unknown = [m for m in modes if m not in MODES]
    if unknown or not modes or order < 1:
        raise GradientCheckError(
            f"nothing is tested with order={order} and modes={tuple(modes)}",
            hint='the order is at least 1, the modes are "fwd" and "rev"',
        )
    flat, primals = _flatten_function(fn, tuple(args))
    rng = np.random.default_rng(seed)
    _check(flat, primals, order, modes, rng, (tolerance, step), fn_name=_name(fn), done=())


def _name(fn: Any) -> str:
    return str(getattr(fn, "__name__", fn))


def _flatten_function(fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Flat, list[Array]]:
    """Return a function of the floating leaves alone, and these leaves."""
    leaves, structure = flatten(args)
    values = [np.asarray(as_tensor(x).detach()) if _is_array(x) else x for x in leaves]
    own = [k for k, x in enumerate(values) if isinstance(x, np.ndarray) and is_inexact(x.dtype)]
    if not own:
        raise GradientCheckError(
            f"{_name(fn)} has no floating-point argument: there is nothing to differentiate by"
        )
    primals = [_in_double(values[k]) for k in own]

    def flat(*given: Any) -> tuple[Tensor, ...]:
        full = list(values)
        for k, x in zip(own, given, strict=True):
            full[k] = x
        outs, _ = outputs(fn(*unflatten(structure, full)))
        return tuple(t for t in outs if is_inexact(t.dtype))

    _, inputs = track(tuple(primals), "argument")
    depending = [t for t in flat(*inputs.tensors) if t._node is not None]
    if not depending:
        raise GradientCheckError(
            f"the result of {_name(fn)} depends on no floating-point argument: nothing to test"
        )
    if not any(t.size for t in depending) or not any(x.size for x in primals):
        raise GradientCheckError(
            f"{_name(fn)} has no entries at these arguments: nothing to test",
            hint="pass arrays without an axis of size 0",
        )
    return flat, primals


def _is_array(x: Any) -> bool:
    return not isinstance(x, bool | int | str) and not callable(x)


def _in_double(x: Array) -> Array:
    return np.array(x, np.complex128 if x.dtype.kind == "c" else np.float64)


def _check(
    flat: Flat,
    primals: list[Array],
    order: int,
    modes: Sequence[str],
    rng: np.random.Generator,
    limits: tuple[float, float],
    fn_name: str,
    done: tuple[str, ...],
) -> None:
    tangents = [_random(rng, x) for x in primals]
    with no_grad():
        outs = [t.numpy() for t in flat(*map(wrap, primals))]
    cotangents = [_random(rng, y) for y in outs]
    if not all(np.isfinite(y).all() for y in outs):
        raise GradientCheckError(f"{fn_name} is not finite at the arguments{_where(done)}")
    expected = _difference(flat, primals, tangents, cotangents, limits[1])
    for how in modes:
        found = _projected(how, flat, primals, tangents, cotangents)
        _compare(found, expected, limits[0], fn_name, (*done, how))
    if order > 1:
        for how in modes:
            derived = _derivative(how, flat, tangents, cotangents)
            _check(derived, primals, order - 1, modes, rng, limits, fn_name, (*done, how))


def _random(rng: np.random.Generator, x: Array) -> Array:
    draw: Array = np.asarray(rng.standard_normal(x.shape))
    return draw + 1j * np.asarray(rng.standard_normal(x.shape)) if x.dtype.kind == "c" else draw


def _difference(
    flat: Flat, primals: list[Array], tangents: list[Array], cotangents: list[Array], h: float
) -> float:
    """Return the derivative of the projected result, with an error of the fourth order in h."""

    def along(t: float) -> float:
        moved = [wrap(np.asarray(x + t * v)) for x, v in zip(primals, tangents, strict=True)]
        with no_grad():
            outs = flat(*moved)
        return _dot(cotangents, [t.numpy() for t in outs])

    return (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)


def _dot(a: Sequence[Array], b: Sequence[Array]) -> float:
    return float(sum(np.real(np.sum(np.conj(x) * y)) for x, y in zip(a, b, strict=True)))


def _projected(
    how: str,
    flat: Flat,
    primals: list[Array],
    tangents: list[Array],
    cotangents: list[Array],
) -> float:
    if how == "fwd":
        _, pushed = jvp(flat, primals, tangents)
        return _dot(cotangents, pushed)
    _, pullback = vjp(flat, *primals)
    return _dot(pullback(tuple(cotangents)), tangents)


def _derivative(how: str, flat: Flat, tangents: list[Array], cotangents: list[Array]) -> Flat:
    """Return the derivative as a function of the primals, for the next order."""

    def pushed(*given: Any) -> tuple[Tensor, ...]:
        return tuple(map(as_tensor, jvp(flat, [_keep(x) for x in given], tangents)[1]))

    def pulled(*given: Any) -> tuple[Tensor, ...]:
        _, pullback = vjp(flat, *[_keep(x) for x in given])
        return tuple(map(as_tensor, pullback(tuple(cotangents))))

    return pushed if how == "fwd" else pulled


def _keep(x: Any) -> Tensor:
    """Return a Tensor, so that the transforms return Tensors."""
    return as_tensor(x) if not isinstance(x, np.ndarray) else wrap(x)


def _compare(
    found: float, expected: float, tolerance: float, fn_name: str, done: tuple[str, ...]
) -> None:
    scale = max(1.0, abs(found), abs(expected))
    if not abs(found - expected) <= tolerance * scale:
        raise GradientCheckError(
            f"{fn_name}, derivative of order {len(done)}{_where(done)}: eingrad computes "
            f"{found:.10g} along a random direction, differences give {expected:.10g}"
        )


def _where(done: tuple[str, ...]) -> str:
    return f" ({' over '.join(reversed(done))})" if done else ""
