"""Labels that move, ``h[t-1,j]``: whether a statement says how far they go.

A label goes as far as the tensors that are read at it unshifted, or as the tensor that the
statement defines by itself; what is read outside is 0, or what a line such as ``h[t<0]`` says.
"""

from __future__ import annotations

from collections.abc import Collection

from eingrad.notation.mistakes import moved_alone
from eingrad.notation.summation import labels_of, tensor_parts, walk
from eingrad.notation.syntax import Assignment, Derivative, Formula, Symbol, TensorAt


def check_moves(statement: Assignment, recurrent: Collection[str], closed: bool = False) -> None:
    """Raise NotationError for a label that moves and nowhere stands still.

    ``recurrent`` are the names that refer to each other in the statement; of a model that is
    ``closed`` the left side says how far its labels go.
    """
    parts = [part for part in walk(statement.value) if isinstance(part, Symbol | Derivative)]
    found = [(x, label) for part in parts for x in _tensors(part) for label in x.moved]
    if not found:
        return
    still = {*labels_of(statement.target)} if closed else set[str]()
    for part in walk(statement.value):
        still |= _still(part)
    for symbol, label in found:
        if label not in still and symbol.name not in recurrent:
            raise moved_alone(symbol, label)


def _tensors(part: Symbol | Derivative) -> tuple[Symbol, ...]:
    if isinstance(part, Symbol):
        return (part,)
    return tensor_parts(part) if isinstance(part.of, Symbol) else ()


def _still(part: Formula) -> set[str]:
    """Return the labels at which a tensor is read itself."""
    if isinstance(part, TensorAt):
        return {entry for entry in part.entries if isinstance(entry, str)}
    if not isinstance(part, Symbol | Derivative):
        return set()
    return {label for x in _tensors(part) for label in x.labels if label not in x.moved}
