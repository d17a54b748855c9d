"""The operators and methods of a Tensor: each the function of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eingrad.api import elementwise, products, reductions, shaping
from eingrad.api.broadcast import Axes
from eingrad.api.dispatch import Cell, as_tensor

if TYPE_CHECKING:
    from eingrad.api.tensor import Tensor


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

    def reshape(self, *shape: Any) -> Tensor:
        """See `reshape`; the shape is one tuple or several integers."""
        return shaping.reshape(self, shape[0] if len(shape) == 1 else shape)

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

    def cumsum(self, axis: int | None = None) -> Tensor:
        """See `cumsum`."""
        return reductions.cumsum(self, axis)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """See `swapaxes`."""
        return shaping.swapaxes(self, axis1, axis2)

    def squeeze(self, axis: Axes = None) -> Tensor:
        """See `squeeze`."""
        return shaping.squeeze(self, axis)

    def ravel(self) -> Tensor:
        """See `ravel`."""
        return shaping.ravel(self)

    def flatten(self) -> Tensor:
        """See `ravel`."""
        return shaping.ravel(self)

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

    @property
    def real(self) -> Tensor:
        """See `real`."""
        return elementwise.real(self)

    @property
    def imag(self) -> Tensor:
        """See `imag`."""
        return elementwise.imag(self)

    def clip(self, low: Any = None, high: Any = None) -> Tensor:
        """See `clip`."""
        return elementwise.clip(self, low, high)
