"""What the emitter asks of a backend: how each operation, view, cast and update is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from eingrad.engine.program import FLOAT, Register, Shape


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a backend writes a program.

    An operation without an entry in ``expressions`` is a function of the module ``prefix``. Where
    ``statements`` is given, operations on arrays are written by it, in place: into ``{out}``.
    ``imports`` are lines that every source has, ``needed`` those of single operations. ``native``
    are functions that are one operation here and a recipe of several elsewhere: what is
    differentiated by the backend itself has to be smooth. An operation of ``arrays_only`` takes
    no Python number.

    ``permute`` is the method that turns axes, and ``index`` writes an index, given the shape of the
    entries.

    ``update`` writes a new value into an input; without it new values are returned after the
    results.
    """

    name: str
    title: str
    prefix: str
    imports: tuple[str, ...]
    dtypes: Mapping[str, str]
    expressions: Mapping[str, str]
    needed: Mapping[str, str]
    cast: str
    full: str
    statements: Callable[[str, int], tuple[str, ...]] | None = None
    native: frozenset[str] = frozenset()
    arrays_only: frozenset[str] = frozenset()
    update: str | None = None
    decorator: str = ""
    update_decorator: str = ""
    permute: str = "transpose"
    index: Callable[[str, Shape], str] = field(default=lambda text, _shape: f"[{text}]")
    place: Callable[[str, Shape], str] = field(default=lambda text, _shape: text)

    @property
    def in_place(self) -> bool:
        """Whether arrays are written into memory that the program has planned."""
        return self.statements is not None

    def expression(self, op: str) -> str:
        """Return the expression of an operation, a format string over its arguments."""
        return self.expressions.get(op) or f"{self.prefix}.{op}({{arguments}})"

    def dtype(self, kind: str, dtype: str) -> str:
        """Return how a dtype is written, that of floating-point entries being ``dtype``."""
        return f"{self.prefix}.{dtype}" if kind == FLOAT else self.dtypes[kind]

    def view(self, register: Register, parent: str) -> str:
        """Return the expression of a view."""
        assert register.view is not None
        op, parameter = register.view
        if op == "transpose":
            return f"{parent}.T" if parameter == (1, 0) else f"{parent}.{self.permute}({parameter})"
        if op == "reshape":
            return f"{parent}.reshape({parameter})"
        if op == "diagonal":
            return f"{self.prefix}.einsum({parameter!r}, {parent})"
        return f"{parent}{self.index(parameter, register.shape)}"
