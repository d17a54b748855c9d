"""Jacobians and Hessians with their structure: deltas as factors, dense tensors on demand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eingrad.calculus.terms import Term
from eingrad.core.algebra import size
from eingrad.core.expr import Dim, Expr
from eingrad.core.later import Later, np
from eingrad.errors import ShapeError

if TYPE_CHECKING:
    from eingrad.engine import Function, library
else:
    library = Later("eingrad.engine.library")


@dataclass(frozen=True)
class StructuredTerm:
    """A product of a Kronecker delta for each pair in ``deltas`` and of ``factors``.

    A factor is an array of the backend's with the axes of the whole that it has; an axis that no
    factor has is one along which the term is repeated.
    """

    deltas: tuple[tuple[int, int], ...]
    factors: tuple[tuple[Any, tuple[int, ...]], ...]


@dataclass(frozen=True)
class StructuredTensor:
    """A sum of products of Kronecker deltas and small tensors, which nobody needs to write out.

    ``shape`` is the whole tensor's, ``rank`` the number of leading axes that are the result's;
    the others are the axes of the tensor that was differentiated by. ``formula`` is the sum in
    the notation, as it is printed; it is empty for a tensor that no model gave.

    >>> from eingrad import parse
    >>> model = parse("R_ij = M_ij - U_ik V_jk\\nL = R_ij R_ij / 2")
    >>> shapes = {"M": (30, 20), "U": (30, 2), "V": (20, 2)}
    >>> arrays = {name: np.ones(shape) for name, shape in shapes.items()}
    >>> f = model.hessian("L", ["U", "V"]).compile()
    >>> f(**arrays, structured=True)["d2L/dU dV"]
    d2L/dU_ik dV_jl = U_il V_jk - delta_kl R_ij
    shape (30, 2, 20, 2): 2,400 entries; 2 terms with 700
    """

    shape: tuple[int, ...]
    rank: int
    terms: tuple[StructuredTerm, ...]
    formula: str = ""

    def __repr__(self) -> str:
        held = sum(math.prod(x.shape) for term in self.terms for x, _ in term.factors)
        return (
            f"{self.formula or 'StructuredTensor'}\n"
            f"shape {self.shape}: {math.prod(self.shape):,} entries; "
            f"{len(self.terms)} term{'s' * (len(self.terms) != 1)} with {held:,}"
        )

    @property
    def nbytes(self) -> int:
        """The bytes that the factors take."""
        return sum(int(factor.nbytes) for term in self.terms for factor, _ in term.factors)

    def _dtype(self, *others: Any) -> Any:
        arrays = [library.to_numpy(factor) for term in self.terms for factor, _ in term.factors]
        return np.result_type(*arrays, *others) if arrays or others else float

    def dense(self) -> np.ndarray:
        """Return the whole tensor, an array of NumPy's.

        >>> diagonal = StructuredTerm(((0, 1),), ((np.arange(2.0), (0,)),))
        >>> StructuredTensor((2, 2), 1, (diagonal,)).dense()
        array([[0., 0.],
               [0., 1.]])
        """
        total = np.zeros(self.shape, self._dtype())
        for term in self.terms:
            axes = _merged_axes(term, len(self.shape))
            view = _diagonal(total, axes)
            view += self._contracted(term, axes, list(dict.fromkeys(axes)))
        return total

    def _contracted(
        self, term: StructuredTerm, axes: list[int], out: list[int], *more: Any
    ) -> np.ndarray:
        """Multiply a term's factors, and ``more`` operands with their axes; sum to ``out``."""
        operands: list[Any] = list(more)
        for factor, own in term.factors:
            operands += [library.to_numpy(factor), [axes[k] for k in own]]
        present = {k for labels in operands[1::2] for k in labels}
        for k in out:
            if k not in present:
                operands += [np.ones(self.shape[k]), [k]]
        result: np.ndarray = np.einsum(*operands, out, optimize=len(operands) > 4)
        return result

    def __matmul__(self, direction: Any) -> np.ndarray:
        """Contract the trailing axes with a tensor shaped like them: a Hessian-vector product."""
        x = library.to_numpy(direction)
        if x.shape != self.shape[self.rank :]:
            raise ShapeError(
                f"the direction has shape {x.shape}, wanted is {self.shape[self.rank :]}"
            )
        total = np.zeros(self.shape[: self.rank], self._dtype(x))
        for term in self.terms:
            axes = _merged_axes(term, len(self.shape))
            out = axes[: self.rank]
            view = _diagonal(total, out)
            view += self._contracted(term, axes, list(dict.fromkeys(out)), x, axes[self.rank :])
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
    """The terms of one result, the dims of the whole, and how it is printed."""

    dims: tuple[Dim, ...]
    rank: int
    terms: tuple[Term, ...]
    formula: str

    def outputs(self, name: str) -> dict[str, Expr]:
        """Return what has to be computed: each factor, and a stand-in for each extent."""
        factors = {
            f"{name}:{k}.{n}": expr
            for k, term in enumerate(self.terms)
            for n, (expr, _) in enumerate(term.factors)
        }
        return factors | {f"{name}:size{k}": size(dim) for k, dim in enumerate(self.dims)}

    def assemble(self, name: str, values: Mapping[str, Any]) -> StructuredTensor:
        """Put the computed factors together."""
        sizes = tuple(int(values[f"{name}:size{k}"]) for k in range(len(self.dims)))
        terms = tuple(
            StructuredTerm(
                term.deltas,
                tuple((values[f"{name}:{k}.{n}"], own) for n, (_, own) in enumerate(term.factors)),
            )
            for k, term in enumerate(self.terms)
        )
        return StructuredTensor(sizes, self.rank, terms, self.formula)
