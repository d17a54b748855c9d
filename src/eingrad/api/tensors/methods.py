"""The operators and methods of a Tensor: each the function of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eingrad.api.tensors import elementwise, reductions, shaping
from eingrad.api.tensors import linear_algebra as products
from eingrad.api.tensors.broadcast import Axes
from eingrad.api.tensors.dispatch import Array, Cell, as_tensor
from eingrad.api.tensors.moving import MOVED, plain

if TYPE_CHECKING:
    from eingrad.api.tensors.tensor import Tensor


class Methods(Cell):
    """What a Tensor can do with others; see the functions."""

    __slots__ = ()

    # --- operators ---

    def __neg__(self) -> Tensor:
        return elementwise.negative(self)

    def __pos__(self) -> Tensor:
        return as_tensor(self)

    def __abs__(self) -> Tensor:
        return elementwise.absolute(self)

    def __add__(self, other: Any) -> Tensor:
        return elementwise.binary("add", self, other)

    def __radd__(self, other: Any) -> Tensor:
        return elementwise.binary("add", other, self)

    def __sub__(self, other: Any) -> Tensor:
        return elementwise.binary("subtract", self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return elementwise.binary("subtract", other, self)

    def __mul__(self, other: Any) -> Tensor:
        return elementwise.binary("multiply", self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return elementwise.binary("multiply", other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return elementwise.binary("divide", self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return elementwise.binary("divide", other, self)

    def __pow__(self, other: Any) -> Tensor:
        return elementwise.power(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return elementwise.power(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return elementwise.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return elementwise.floor_divide(other, self)

    def __mod__(self, other: Any) -> Tensor:
        return elementwise.remainder(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return elementwise.remainder(other, self)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return other // self, other % self

    def __matmul__(self, other: Any) -> Tensor:
        return products.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return products.matmul(other, self)

    def __lt__(self, other: Any) -> Tensor:
        return elementwise.compare("less", self, other)

    def __le__(self, other: Any) -> Tensor:
        return elementwise.compare("less_equal", self, other)

    def __gt__(self, other: Any) -> Tensor:
        return elementwise.compare("greater", self, other)

    def __ge__(self, other: Any) -> Tensor:
        return elementwise.compare("greater_equal", self, other)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        if other is None or isinstance(other, str):
            return NotImplemented
        return elementwise.compare("equal", self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        if other is None or isinstance(other, str):
            return NotImplemented
        return elementwise.compare("not_equal", self, other)

    __hash__ = object.__hash__

    def __and__(self, other: Any) -> Tensor:
        return elementwise.logical("and", self, other)

    def __or__(self, other: Any) -> Tensor:
        return elementwise.logical("or", self, other)

    def __xor__(self, other: Any) -> Tensor:
        return elementwise.logical("xor", self, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __lshift__(self, other: Any) -> Tensor:
        return as_tensor(np.left_shift(plain(self, "<<"), plain(other, "<<")))

    def __rlshift__(self, other: Any) -> Tensor:
        return as_tensor(np.left_shift(other, plain(self, "<<")))

    def __rshift__(self, other: Any) -> Tensor:
        return as_tensor(np.right_shift(plain(self, ">>"), plain(other, ">>")))

    def __rrshift__(self, other: Any) -> Tensor:
        return as_tensor(np.right_shift(other, plain(self, ">>")))

    def __invert__(self) -> Tensor:
        return elementwise.invert(self)

    # --- methods: the functions of the same name ---

    @property
    def T(self) -> Tensor:  # noqa: N802
        """The Tensor with its axes in reverse order."""
        return shaping.transpose(self)

    @property
    def mT(self) -> Tensor:  # noqa: N802
        """The Tensor with its last two axes exchanged."""
        return shaping.swapaxes(self, -1, -2)

    def reshape(self, *shape: Any, order: str = "C") -> Tensor:
        """See `reshape`; the shape is one tuple or several integers."""
        return shaping.reshape(self, shape[0] if len(shape) == 1 else shape, order)

    def transpose(self, *axes: Any) -> Tensor:
        """See `transpose`; the axes are one tuple or several integers."""
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], tuple | list)):
            return shaping.transpose(self, axes[0])
        return shaping.transpose(self, axes or None)

    def sum(self, axis: Axes = None, keepdims: bool = False, *, dtype: Any = None) -> Tensor:
        """See `sum`."""
        return reductions.sum(self, axis, keepdims, dtype=dtype)

    def mean(self, axis: Axes = None, keepdims: bool = False, *, dtype: Any = None) -> Tensor:
        """See `mean`."""
        return reductions.mean(self, axis, keepdims, dtype=dtype)

    def max(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """See `max`."""
        return reductions.max(self, axis, keepdims)

    def min(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """See `min`."""
        return reductions.min(self, axis, keepdims)

    def prod(self, axis: Axes = None, keepdims: bool = False, *, dtype: Any = None) -> Tensor:
        """See `prod`."""
        return reductions.prod(self, axis, keepdims, dtype=dtype)

    def var(
        self, axis: Axes = None, ddof: float = 0, keepdims: bool = False, *, dtype: Any = None
    ) -> Tensor:
        """See `var`."""
        return reductions.var(self, axis, ddof, keepdims, dtype=dtype)

    def std(
        self, axis: Axes = None, ddof: float = 0, keepdims: bool = False, *, dtype: Any = None
    ) -> Tensor:
        """See `std`."""
        return reductions.std(self, axis, ddof, keepdims, dtype=dtype)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """See `argmax`."""
        return reductions.argmax(self, axis, keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """See `argmin`."""
        return reductions.argmin(self, axis, keepdims)

    def cumsum(self, axis: int | None = None, *, dtype: Any = None) -> Tensor:
        """See `cumsum`."""
        return reductions.cumsum(self, axis, dtype=dtype)

    def any(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """Return whether an entry is not 0; it has no gradient."""
        return reductions.max(elementwise.compare("not_equal", self, 0), axis, keepdims)

    def all(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """Return whether no entry is 0; it has no gradient."""
        return reductions.min(elementwise.compare("not_equal", self, 0), axis, keepdims)

    def argsort(self, axis: int | None = -1) -> Tensor:
        """Return the indices that sort along an axis; they have no gradient."""
        return as_tensor(np.argsort(plain(self, "argsort"), axis))

    def nonzero(self) -> tuple[Array, ...]:
        """Return where the entries are not 0, as NumPy does."""
        return np.nonzero(plain(self, "nonzero"))

    def round(self, decimals: int = 0) -> Tensor:
        """Return the entries rounded; the gradient is 0."""
        return as_tensor(np.round(plain(self, "round"), decimals))

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """See `swapaxes`."""
        return shaping.swapaxes(self, axis1, axis2)

    def squeeze(self, axis: Axes = None) -> Tensor:
        """See `squeeze`."""
        return shaping.squeeze(self, axis)

    def ravel(self, order: str = "C") -> Tensor:
        """See `ravel`."""
        return shaping.ravel(self, order)

    def flatten(self, order: str = "C") -> Tensor:
        """See `ravel`."""
        return shaping.ravel(self, order)

    def take(self, indices: Any, axis: int | None = None) -> Tensor:
        """Return the entries at integers along an axis (None: of the flattened Tensor)."""
        return MOVED[np.take](self, indices, axis)  # type: ignore[no-any-return]

    def repeat(self, repeats: Any, axis: int | None = None) -> Tensor:
        """Return each entry several times along an axis (None: of the flattened Tensor)."""
        return MOVED[np.repeat](self, repeats, axis)  # type: ignore[no-any-return]

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """See `diagonal`."""
        return shaping.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """See `trace`."""
        return shaping.trace(self, offset, axis1, axis2)

    def dot(self, other: Any) -> Tensor:
        """See `dot`."""
        return products.dot(self, other)

    def conj(self) -> Tensor:
        """See `conj`."""
        return elementwise.conj(self)

    def conjugate(self) -> Tensor:
        """See `conj`."""
        return elementwise.conj(self)

    @property
    def real(self) -> Tensor:
        """See `real`."""
        return elementwise.real(self)

    @property
    def imag(self) -> Tensor:
        """See `imag`."""
        return elementwise.imag(self)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """See `clip`."""
        return elementwise.clip(self, min, max)
