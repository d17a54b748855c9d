"""Names of derivatives as tensors: ``dL/dW1``, ``dy/da``, ``d2L/dw dw``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from eingrad.errors import EingradError


def listed(names: Iterable[str] | str) -> list[str]:
    """Return names that a caller gave, one or several; raises EingradError for anything else."""
    if not isinstance(names, Iterable):
        raise EingradError(
            f"{names!r} is no name of a tensor, nor several",
            code="wrong-type",
            hint='write "x" or ["x", "y"]',
        )
    return [names] if isinstance(names, str) else list(names)


@dataclass(frozen=True, slots=True)
class DerivativeName:
    """A derivative of the tensor ``of`` by one tensor or more, each with its number of axes.

    The derivative's own axes are those of ``of``, then those of each of ``wrt``.

    >>> str(DerivativeName("L", 0, (("w", 1),)).then("w", 1))
    'd2L/dw dw'
    """

    of: str
    of_ndim: int
    wrt: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        order = "" if len(self.wrt) == 1 else str(len(self.wrt))
        return f"d{order}{self.of}/" + " ".join(f"d{name}" for name, _ in self.wrt)

    def then(self, name: str, ndim: int) -> DerivativeName:
        """Name the derivative of this derivative."""
        return DerivativeName(self.of, self.of_ndim, (*self.wrt, (name, ndim)))


@dataclass(frozen=True, slots=True)
class DirectionName:
    """The derivative of the tensor ``of`` in a given direction, a tensor like it: ``ydot``.

    >>> str(DirectionName("dL/dw", 1))
    'dLdwdot'
    """

    of: str
    of_ndim: int

    def __str__(self) -> str:
        return self.of.replace("/", "").replace(" ", "") + "dot"
