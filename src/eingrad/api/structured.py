"""Jacobians and Hessians with their structure: deltas as factors, dense tensors on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eingrad.calculus.terms import Term, split_terms
from eingrad.core.algebra import size
from eingrad.core.expr import Dim, Expr
from eingrad.engine import Function
from eingrad.engine.library import to_numpy
from eingrad.errors import ShapeError


@dataclass(frozen=True)
class StructuredTerm:
    """One term: ``core`` over ``axes`` of the whole, times a Kronecker delta for each pair.

    The core is an array of the backend's.
    """

    deltas: tuple[tuple[int, int], ...]
    axes: tuple[int, ...]
    core: Any


@dataclass(frozen=True)
class StructuredTensor:
    """A sum of terms with Kronecker deltas, for a tensor that nobody needs to write out.

    ``shape`` is the whole tensor's, ``rank`` the number of leading axes that are the result's;
    the others are the axes of the tensor that was differentiated by.
    """

    shape: tuple[int, ...]
    rank: int
    terms: tuple[StructuredTerm, ...]

    @property
    def nbytes(self) -> int:
        """The bytes that the factors take."""
        return sum(int(term.core.nbytes) for term in self.terms)

    def _in_numpy(self) -> list[tuple[StructuredTerm, np.ndarray]]:
        return [(term, to_numpy(term.core)) for term in self.terms]

    def dense(self) -> np.ndarray:
        """Return the whole tensor, an array of NumPy's.

        >>> t = StructuredTensor((2, 2), 1, (StructuredTerm(((0, 1),), (0,), np.arange(2.0)),))
        >>> t.dense()
        array([[0., 0.],
               [0., 1.]])
        """
        terms = self._in_numpy()
        dtype = np.result_type(*(core.dtype for _, core in terms)) if terms else float
        total = np.zeros(self.shape, dtype)
        for term, core in terms:
            axes = _merged_axes(term, len(self.shape))
            view = _diagonal(total, axes)
            own = [axes[a] for a in term.axes]
            order = [own.index(k) if k in own else None for k in dict.fromkeys(axes)]
            index = tuple(slice(None) if k is not None else None for k in order)
            view += core.transpose([k for k in order if k is not None])[index]
        return total

    def __matmul__(self, direction: Any) -> np.ndarray:
        """Contract the trailing axes with a tensor shaped like them: a Hessian-vector product."""
        x, terms = to_numpy(direction), self._in_numpy()
        if x.shape != self.shape[self.rank :]:
            raise ShapeError(
                f"the direction has shape {x.shape}, wanted is {self.shape[self.rank :]}"
            )
        n = len(self.shape)
        total = np.zeros(self.shape[: self.rank], np.result_type(x, *(core for _, core in terms)))
        for term, core in terms:
            axes = _merged_axes(term, n)
            own, into = [axes[a] for a in term.axes], axes[self.rank :]
            out = axes[: self.rank]
            ones: list[Any] = []
            for k in dict.fromkeys(out):
                if k not in own and k not in into:
                    ones += [np.ones(self.shape[k]), [k]]
            view = _diagonal(total, out)
            view += np.einsum(core, own, x, into, *ones, list(dict.fromkeys(out)))
        return total


def _diagonal(array: np.ndarray, axes: list[int]) -> np.ndarray:
    """Return a writable view with one axis for each name in ``axes``."""
    return np.einsum(array, axes, list(dict.fromkeys(axes))) if axes else array


def _merged_axes(term: StructuredTerm, n: int) -> list[int]:
    """Name each axis by the first axis that a delta makes it equal to."""
    name = list(range(n))
    for a, b in term.deltas:
        low, high = sorted((name[a], name[b]))
        name = [low if k == high else k for k in name]
    return name


class StructuredFunction:
    """``f(**arrays)`` returns dense arrays, ``f(**arrays, structured=True)`` their factors.

    ``dense`` and ``factors`` are the two compiled functions; ``source`` and ``plan`` are the dense
    one's.
    """

    def __init__(
        self, dense: Function, factors: Function, results: Mapping[str, StructuredResult]
    ) -> None:
        self.dense, self.factors, self.results = dense, factors, dict(results)

    @property
    def source(self) -> str:
        """The Python source that runs."""
        return self.dense.source

    @property
    def plan(self) -> Any:
        """The table of contractions and memory."""
        return self.dense.plan

    def __call__(self, /, *, structured: bool = False, **arrays: Any) -> dict[str, Any]:
        if not structured:
            return dict(self.dense(**arrays))
        values = self.factors(**arrays)
        plain = {name: value for name, value in values.items() if ":" not in name}
        return plain | {name: r.assemble(name, values) for name, r in self.results.items()}


@dataclass(frozen=True)
class StructuredResult:
    """The terms of one result and the dims of the whole."""

    dims: tuple[Dim, ...]
    rank: int
    terms: tuple[Term, ...]

    @staticmethod
    def of(expr: Expr, rank: int) -> StructuredResult:
        """Split an expression whose first ``rank`` axes are the result's."""
        return StructuredResult(expr.dims, rank, tuple(split_terms(expr)))

    def outputs(self, name: str) -> dict[str, Expr]:
        """Return what has to be computed: each core, and a stand-in for each extent."""
        cores = {f"{name}:{k}": term.core for k, term in enumerate(self.terms)}
        return cores | {f"{name}:size{k}": size(dim) for k, dim in enumerate(self.dims)}

    def assemble(self, name: str, values: Mapping[str, Any]) -> StructuredTensor:
        """Put the computed cores together."""
        sizes = tuple(int(values[f"{name}:size{k}"]) for k in range(len(self.dims)))
        terms = tuple(
            StructuredTerm(term.deltas, term.axes, values[f"{name}:{k}"])
            for k, term in enumerate(self.terms)
        )
        return StructuredTensor(sizes, self.rank, terms)
