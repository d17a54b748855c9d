"""Newton's method, for the points at which a model's assumptions hold and next to its kinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from eingrad.core.evaluate import Array
from eingrad.core.later import np

STEPS = 40
FITS = 1e-11  # a residual is 0 where no entry of it is greater than this


def unflatten(flat: Array, names: Sequence[str], like: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays of the shapes of others, filled from one after another."""
    result, start = {}, 0
    for name in names:
        result[name] = flat[start : start + like[name].size].reshape(like[name].shape)
        start += like[name].size
    return result


def newton(residual: Callable[[Array], Array], x: Array) -> Array | None:
    """Find the zero next to ``x`` as exactly as floating point can, None if there is none."""
    best, smallest = x, np.inf
    for _ in range(STEPS):
        r = residual(x)
        size = float(np.abs(r).max(initial=0)) if np.isfinite(r).all() else np.inf
        if size >= smallest and (smallest < FITS or size == np.inf):
            break
        if size < smallest:
            best, smallest = x, size
        if size == 0 or not x.size:
            break
        slopes = _slopes(residual, x)
        if not np.isfinite(slopes).all():  # LAPACK would print what it thinks of them
            break
        x = x - np.linalg.lstsq(slopes, r, rcond=1e-9)[0]
    return _snapped(residual, best) if smallest < FITS else None


def _slopes(residual: Callable[[Array], Array], x: Array, step: float = 1e-6) -> Array:
    """Return the derivatives of a residual by central differences."""
    unit = np.eye(x.size)
    columns = [(residual(x + step * e) - residual(x - step * e)) / (2 * step) for e in unit]
    return np.stack(columns, 1)


def _snapped(residual: Callable[[Array], Array], x: Array) -> Array:
    """Round a zero to short decimals where it stays one: a one-hot vector has exact zeros."""
    candidates = [np.round(x, 8), x]
    return min(candidates, key=lambda y: float(np.abs(residual(y)).max(initial=0)))
