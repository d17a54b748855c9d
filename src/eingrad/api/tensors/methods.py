"""What a Tensor can do with others: `operators` hangs it on, the types stand in `methods.pyi`."""


class Methods:
    """The operators and methods of a Tensor."""

    __slots__ = ()
