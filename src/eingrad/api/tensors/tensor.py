"""Tensor: an array that remembers how it was computed, and what becomes one.

What it can do with others, operators and methods, is hung on it by `operators`.
"""

from __future__ import annotations

import itertools
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, cast

import numpy as np

from eingrad.api.einsum.numeric import Array, is_inexact, numeric
from eingrad.api.tensors.broadcast import broadcast_shapes
from eingrad.api.tensors.kernel import Traced, Value
from eingrad.api.tensors.methods import Methods
from eingrad.api.tensors.tape import Node, cast_pair, mode, reach, sweep_back, zeros_pair
from eingrad.errors import DifferentiationError, EingradError, OutOfRangeError, ShapeError

FLOAT64 = np.dtype(np.float64)
MOST_AXES = 64  # of NumPy's arrays


class Leaf(Node):
    """The node of a Tensor that gradients are accumulated in."""

    __slots__ = ("owner",)

    def __init__(self, owner: Tensor) -> None:
        super().__init__(owner.shape, owner.dtype)
        self.owner = weakref.ref(owner)


class Tensor(Methods):
    """An array with a gradient: a value, and the node that says where it comes from.

    Arithmetic follows NumPy: broadcasting, dtypes, indexing. What is computed from a Tensor with
    ``requires_grad`` can be differentiated with `backward`, which adds to the ``grad`` of each
    such Tensor.

    >>> from eingrad.api.tensors.tensor import tensor
    >>> x = tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    Tensor([2., 4.])
    """

    __slots__ = ("__weakref__", "_exposed", "_grad", "_node", "_value")
    __hash__ = object.__hash__
    __array_priority__ = 1000
    _value: Value
    _node: Node | None
    _grad: Tensor | None
    _exposed: bool  # whether a caller may hold the array and write to it: a node keeps a copy

    def __init__(self, data: Any, requires_grad: bool = False, dtype: Any = None) -> None:
        source = as_tensor(data) if dtype is None else as_tensor(data).astype(dtype)
        array, node = source._value, source._node if mode.recording else None
        self._value = array if isinstance(array, Traced) else np.array(array)
        self._node, self._exposed, self._grad = None if requires_grad else node, False, None
        if requires_grad:
            if node is not None and mode.differentiating:
                raise DifferentiationError(
                    "a tensor to differentiate by is made of one that the function is "
                    "differentiated by, and that gradient would be lost",
                    hint="leave requires_grad out to keep it; where a constant is meant, detach()",
                )
            self.requires_grad = True

    # --- what it is ---

    @property
    def shape(self) -> tuple[int, ...]:
        """The extents of the axes."""
        return self._value.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._value.shape)

    @property
    def size(self) -> int:
        """The number of entries."""
        count = 1
        for n in self._value.shape:
            count *= n
        return count

    @property
    def itemsize(self) -> int:
        """The bytes of an entry."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all entries."""
        return self.size * self.itemsize

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the entries."""
        return self._value.dtype  # type: ignore[no-any-return]

    @property
    def requires_grad(self) -> bool:
        """Whether `backward` reaches this Tensor; on a leaf it can be set."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        if on and not is_inexact(self.dtype):
            raise DifferentiationError(
                f"a tensor of dtype {self.dtype} cannot be differentiated",
                hint="convert it to float64 or float32 first",
            )
        if not self.is_leaf:
            raise EingradError(
                "requires_grad is set on a tensor that was computed", hint="detach() it first"
            )
        self._node = Leaf(self) if on else None

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this Tensor."""
        return self._node is None or isinstance(self._node, Leaf)

    @property
    def data(self) -> Array:
        """The array itself; what is written to it changes this Tensor and no recorded graph."""
        value = self._taken("data")
        if not isinstance(value, np.ndarray):
            value = self._value = np.asarray(value)
        if not self._exposed:
            del value
            if is_shared(self) or not self._value.flags.writeable:
                self._value = np.array(self._value)
            self._exposed = True
        return cast(Array, self._value)

    @data.setter
    def data(self, value: Any) -> None:
        self._replace(as_tensor(value)._value)

    def numpy(self) -> Array:
        """Return a copy of the entries as an array."""
        return np.array(self._taken("numpy()"))

    def item(self, *index: int) -> Any:
        """Return the only entry, or the one at an index, as a Python number."""
        if self.size != 1 and not index:
            raise ShapeError(f"item() of shape {self.shape}: it needs a single entry")
        with named_index_errors(self.shape):
            return self._taken("item()").item(*index)

    def tolist(self) -> Any:
        """Return the entries as nested lists of Python numbers."""
        return self._taken("tolist()").tolist()

    def detach(self) -> Tensor:
        """Return the same values as a constant, through which no gradient goes."""
        value = self._value
        if type(value) is Traced and is_inexact(value.dtype):
            value = value.stopped()
        return wrap(value, None, self._exposed)

    def decided(self) -> Tensor:
        """Return the same for a comparison, an index or a count, which have no derivative."""
        mode.decided += self._node is not None
        return wrap(self._value, None, self._exposed)

    def copy(self) -> Tensor:
        """Return a Tensor of the same value, with its gradient going to this one."""
        return wrap(self._value, self._node if mode.recording else None, self._exposed)

    def astype(self, dtype: Any) -> Tensor:
        """Return the entries in another dtype; a gradient is converted back."""
        wanted = np.dtype(dtype)
        if not is_inexact(wanted):
            return wrap(np.asarray(self.decided()._concrete("astype"), wanted))
        return as_dtype(self, wanted)

    def _concrete(self, what: str) -> Any:
        value = self._value
        if type(value) is Traced:
            _untraceable(what)
        return value

    def _taken(self, what: str) -> Any:
        """Return the value to somebody who may compute with it behind the graph's back."""
        mode.taken += self._node is not None
        return self._concrete(what)

    # --- gradients ---

    def backward(self, grad: Any = None) -> None:
        """Add the gradient of this scalar to ``.grad`` of every leaf that it was computed from.

        For a Tensor with axes, ``grad`` is the cotangent to pull back, of this Tensor's shape.
        """
        node = self._node
        if type(self._value) is Traced:
            raise EingradError("backward() in a traced function", hint="use eg.grad inside it")
        if node is None:
            raise DifferentiationError(
                "backward() of a tensor that nothing with requires_grad went into",
                hint="make the inputs with eg.tensor(x, requires_grad=True), outside no_grad()",
            )
        cotangent = check_cotangent(self, grad)
        order, _ = reach([node], -1)
        found = sweep_back({node: (cotangent, None)}, order, None, False)
        for leaf in order:
            owner = leaf.owner() if isinstance(leaf, Leaf) else None
            if owner is not None:
                value, _ = found.get(leaf) or zeros_pair(leaf.shape, leaf.dtype)
                owner._add_grad(value)

    @property
    def grad(self) -> Tensor | None:
        """What `backward` has added up; None before, and to begin anew."""
        return getattr(self, "_grad", None)

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            _check_fits(as_tensor(value), self)
            value = as_dtype(as_tensor(value), self.dtype)
        self._grad = value

    def _add_grad(self, value: Any) -> None:
        if self.grad is not None:
            value = np.add(self.grad._value, value)
        self._grad = wrap(value)

    def _replace(self, value: Any) -> None:
        """Take another array as the value; graphs keep the one that they have read."""
        if value is self._value:
            return  # ``t.data += 1`` has written to it
        _check_fits(wrap(value), self)
        self._value, self._exposed = np.array(value, self.dtype), False

    def _in_place(self, result: Tensor) -> Tensor:
        """Take the value of ``result``: what ``t += x`` does."""
        if broadcast_shapes("an in-place operation", (self.shape, result.shape)) != self.shape:
            raise ShapeError(f"cannot put shape {result.shape} in the place of {self.shape}")
        check_dtype(result.dtype, self.dtype)
        if isinstance(self._node, Leaf):
            if mode.recording:
                raise EingradError(
                    "a leaf that requires a gradient is changed in place",
                    hint="do it under eg.no_grad(), or write to its .data",
                )
            self._value, self._exposed = cast_pair((result._value, None), self.dtype)[0], False
            return self
        result = as_dtype(result, self.dtype)
        self._value, self._node, self._exposed = result._value, result._node, result._exposed
        return self

    # --- Python ---

    def __reduce__(self) -> Any:
        if not self.is_leaf:
            raise EingradError(
                "a tensor that was computed with a gradient is copied or pickled",
                hint="detach() it first",
            )
        return _restored, (self.numpy(), self.requires_grad, self.grad)

    def __repr__(self) -> str:
        value = self._value
        if type(value) is Traced:
            return f"Tensor(traced, shape={value.shape}, dtype={value.dtype})"
        text = repr(np.asarray(value)).removeprefix("array").replace("\n     ", "\n      ")
        return f"Tensor{text[:-1]}{', requires_grad=True' if self._node else ''})"

    def __format__(self, spec: str) -> str:
        if not spec:
            return repr(self)
        if self.size != 1:
            raise TypeError(f"a Tensor of shape {self.shape} is no number to write as {spec!r}")
        return format(self.item(), spec)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a Tensor without axes has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        for k in range(len(self)):
            yield self[k]

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ShapeError(
                f"whether a Tensor of shape {self.shape} is true is ambiguous",
                hint="use t.any() or t.all()",
            )
        return bool(self._concrete("if, while or bool()"))

    def __float__(self) -> float:
        return float(self._converted("float()"))

    def __int__(self) -> int:
        return int(self._converted("int()"))

    def __complex__(self) -> complex:
        return complex(self._converted("complex()"))

    def _converted(self, what: str) -> Any:
        """Return the value as a number that Python asks for, perhaps to put it into an array."""
        if self._node is not None and mode.differentiating:
            raise DifferentiationError(
                f"{what} makes a number of a tensor that the function is differentiated by, and "
                "its gradient would be lost",
                hint="collect entries with eg.stack; where a constant is meant, x.item()",
            )
        return self._taken(what)

    def __index__(self) -> int:
        value = self._concrete("an index")
        if value.shape or value.dtype.kind not in "iu":
            raise TypeError("only an integer Tensor without axes can be an index")
        return int(value)

    def __contains__(self, x: Any) -> bool:
        return bool(np.any(self._concrete("in") == x))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise EingradError("the array of a Tensor is a copy", hint="t.data is the array itself")
        if self._node is not None:
            raise EingradError(
                "an array made of a tensor that requires a gradient would lose the gradient",
                hint=f"{_JOIN}; where a constant is meant, detach() or numpy()",
            )
        if type(self._value) is Traced:
            _untraceable("a NumPy array", _JOIN)
        return np.array(self._value, dtype)


def tensor(array: Any, requires_grad: bool = False, *, dtype: Any = None) -> Tensor:
    """Return a Tensor with a copy of ``array``; with ``requires_grad``, one to differentiate by.

    It is converted to ``dtype``, if one is given. A Tensor, or a list with Tensors in it, keeps its
    gradient where no new one is asked for. Raises DifferentiationError where integers or booleans
    should have a gradient.

    >>> tensor([[1, 2], [3, 4]]).sum()
    Tensor(10)
    """
    return Tensor(array, requires_grad, dtype)


def _restored(array: Any, requires_grad: bool, grad: Tensor | None) -> Tensor:
    """Return a leaf as it was when it was copied or pickled."""
    result = Tensor(array, requires_grad)
    result.grad = grad
    return result


def _check_fits(value: Tensor, place: Tensor) -> None:
    if value.shape != place.shape:
        raise ShapeError(f"cannot put shape {value.shape} in the place of {place.shape}")
    check_dtype(value.dtype, place.dtype)


def check_dtype(dtype: np.dtype[Any], place: np.dtype[Any]) -> None:
    """Raise where a value of a dtype cannot take the place of one of another."""
    if not np.can_cast(dtype, place, "same_kind"):
        raise EingradError(
            f"cannot put dtype {dtype} in the place of {place}", hint="convert it with astype"
        )


def check_cotangent(out: Tensor, grad: Any) -> Array:
    """Return the cotangent for ``out`` as an array of its shape and dtype; None stands for 1."""
    if grad is None:
        if out.size != 1:
            raise DifferentiationError(
                f"the gradient of a tensor of shape {out.shape} is asked for: it is no scalar",
                hint="sum it first, pass the cotangent, or take its Jacobian with eg.jacobian",
            )
        return np.ones(out.shape, out.dtype)
    array = as_tensor(grad)._concrete("backward")
    if array.shape != out.shape:
        raise ShapeError(f"the cotangent has shape {array.shape}, the result has {out.shape}")
    if not np.can_cast(array.dtype, out.dtype, "same_kind"):
        raise EingradError(f"the cotangent has dtype {array.dtype}, the result has {out.dtype}")
    return np.array(array, out.dtype)


_JOIN = (
    "eg.stack([x, y]) joins Tensors in the place of np.array([x, y]), and eingrad's functions, as "
    "eg.sum([x, y]), take lists of them"
)


def _untraceable(what: str, hint: str = "") -> NoReturn:
    raise EingradError(
        f"{what} needs numbers, and a traced function has none",
        hint=hint or "use eg.where for a condition on values; shapes are known while tracing",
    )


# --- its memory --------------------------------------------------------------------------------


def wrap(value: Value, node: Node | None = None, exposed: bool = False) -> Tensor:
    """Return a Tensor of a value."""
    t: Any = _new(Tensor)
    t._value, t._node, t._exposed = value, node, exposed
    return t  # type: ignore[no-any-return]


_new = object.__new__


def _held(t: Tensor) -> int:
    return sys.getrefcount(t._value)


def _baseline() -> int:
    t = object.__new__(Tensor)
    t._value = np.empty(1)
    return _held(t)


_ALONE = _baseline()


def is_shared(t: Tensor) -> bool:
    """Whether something else than this Tensor holds its array, or its memory."""
    return _held(t) > _ALONE or t._value.base is not None


def protected(t: Tensor) -> Value:
    """Return the value for a node to keep: a copy, if somebody might write to the array.

    An argument of a transform, which is a Tensor of its own, goes on with the copy.
    """
    if t._exposed:
        if is_shared(t):
            copy = np.array(t._value)
            if type(t._node) is not Node or t._node.kernel is not None:
                return copy
            t._value = copy
        t._exposed = False
    return t._value


# --- what becomes one --------------------------------------------------------------------------


def as_tensor(x: Any) -> Tensor:
    """Return ``x`` if it is a Tensor, else one of an array, a number or a list.

    What a nested list holds of Tensors is stacked, and keeps its gradient.
    """
    if isinstance(x, Tensor):
        return x
    if isinstance(x, np.ndarray):
        return wrap(numeric(x), None, True)
    if isinstance(x, list | tuple) and holds_tensors(x):
        return cast(Tensor, np.stack([as_tensor(y) for y in x]))
    return wrap(numeric(x))


def holds_tensors(x: Any) -> bool:
    """Whether ``x`` is a Tensor, or a nested list with one in it, as deep as arrays have axes."""
    if isinstance(x, Tensor):
        return True
    level: list[Any] = [x] if isinstance(x, list | tuple) else []
    for _ in range(MOST_AXES):
        inner: dict[int, Any] = {}  # each list once, if it is in itself, too
        for y in itertools.chain.from_iterable(level):
            if isinstance(y, Tensor):
                return True
            if isinstance(y, list | tuple):
                inner[id(y)] = y
        level = list(inner.values())
    return False


def is_symbolic(t: Tensor) -> bool:
    """Whether a Tensor has no numbers yet."""
    return type(t._value) is Traced


def as_dtype(t: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """Return ``t`` with another dtype; its gradient is converted back."""
    if t._value.dtype == dtype:
        return t
    node = t._node if mode.recording else None
    value, source = cast_pair((t._value, node if is_inexact(dtype) else None), dtype)
    return wrap(value, source)


def floating(x: Any) -> Tensor:
    """Return ``x`` as a Tensor to differentiate by: integers and booleans as float64."""
    t = as_tensor(x)
    return t if is_inexact(t._value.dtype) else as_dtype(t, FLOAT64)


@contextmanager
def named_index_errors(shape: tuple[int, ...]) -> Iterator[None]:
    """Raise NumPy's errors about an index into ``shape`` as eingrad's."""
    try:
        yield
    except IndexError as error:
        raise OutOfRangeError(f"an index of a tensor of shape {shape}: {error}") from None
    except (ValueError, TypeError) as error:
        raise ShapeError(f"an index of a tensor of shape {shape}: {error}") from None
