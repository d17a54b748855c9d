"""Put a joined network into rows and columns: an outer product, a Kronecker product, vec."""

from __future__ import annotations

from eingrad.core.expr import Labels
from eingrad.derivation.matrix.build import product, transpose
from eingrad.derivation.matrix.forms import Commutation, Form, Identity, Kron, OfMatrix
from eingrad.derivation.matrix.network import Network, NoMatrixFormError

Pair = tuple[int | None, int | None]


def assemble(network: Network, rows: Labels, cols: Labels) -> Form | None:
    """Return the matrix over ``rows`` and ``cols``, None for a scalar: there is nothing left.

    A pair of axes in one place is stacked, the first fastest: ``B_lk A_ij`` over the rows (i, l)
    and the columns (j, k) is ``B ⊗ A``. Raises NoMatrixFormError.
    """
    if len(rows) > 2 or len(cols) > 2:
        raise NoMatrixFormError
    r1, r2 = (*rows, None, None)[:2]
    c1, c2 = (*cols, None, None)[:2]
    if r2 is None and c2 is None:
        return _block(network, [(r1, c1)])[0] if rows or cols else None
    linked = [set(item.labels) for item in network.items if len(item.labels) == 2]

    def fits(*pairs: Pair) -> bool:
        return all(any(link == set(pair) for pair in pairs) for link in linked)

    if fits((r1, c1), (r2, c2)):
        return _kron(*_block(network, [(r2, c2), (r1, c1)]))
    if fits((r1, c2), (r2, c1)):
        left, right = _block(network, [(r2, c1) if r2 is not None else (r1, c2),
                                       (r1, c2) if r2 is not None else (None, c1)])  # fmt: skip
        if r2 is None or c2 is None:
            return _kron(left, right)
        assert c1 is not None
        swap = Commutation(network.extents[c1], network.extents[c2])
        return product(_kron(left, right), swap)
    if fits((r1, r2), (c1, c2)):
        left, right = _block(network, [(r1, r2), (c1, c2)])
        return product(_vec(left, rows), transpose(_vec(right, cols)))
    raise NoMatrixFormError


def _block(network: Network, pairs: list[Pair]) -> list[Form]:
    """Return the matrix of each pair of a row and a column label; every item is in one of them."""
    result = []
    used = 0
    for row, col in pairs:
        items = [item for item in network.items if set(item.labels) <= {row, col}]
        used += len(items)
        matrix = [item for item in items if len(item.labels) == 2]
        left = [item.form for item in items if item.labels == (row,)]
        right = [transpose(item.form) for item in items if item.labels == (col,)]
        if matrix and len(items) == 1 and row is not None:
            result.append(matrix[0].over(row))
        elif not matrix and len(left) == (row is not None) and len(right) == (col is not None):
            result.append(product(*left, *right))
        else:
            raise NoMatrixFormError
    if used != len(network.items):
        raise NoMatrixFormError
    return result


def _kron(left: Form, right: Form) -> Form:
    if isinstance(left, Identity) and isinstance(right, Identity):
        return Identity((*left.dims, *right.dims))
    return Kron(left, right)


def _vec(form: Form, labels: Labels) -> Form:
    return OfMatrix("vec", form) if len(labels) == 2 else form
