"""What the emitter asks of a backend: how each operation, view, cast and update is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module

import numpy as np

from eingrad.core.expr import Map
from eingrad.core.functions import (
    AXIS_FUNCTIONS,
    FUNCTIONS,
    MATRIX_FUNCTIONS,
    AxisFunction,
    Function,
    imported,
    spelling,
)
from eingrad.engine.program import FLOAT, Register, Shape


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a backend writes a program.

    An operation is written as ``expressions`` say, else as the record of the function of this name
    does; one that is in neither is a function of the module ``prefix``. Where
    ``statements`` is given, operations on arrays are written by it, in place: into ``{out}``.
    ``imports`` are lines that every source has, ``needed`` those of single operations. ``native``
    are operations that are several elsewhere. An operation of ``arrays_only`` takes no Python
    number; with "*" among them, none does whose spelling is a bare name of several arguments.

    ``axis`` is the word for an axis, ``permute`` is the method that turns axes, and ``index``
    writes an index, given the shape of the entries.

    ``loop`` says how a recurrence is written: as a loop over lists, or as a ``scan``.

    ``update`` writes a new value into an input; without it new values are returned after the
    results. ``casts_results`` is for a library that may compute in another dtype than it was asked
    for: PyTorch under autocast.
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
    loop: str = "list"
    casts_results: bool = False
    decorator: str = ""
    update_decorator: str = ""
    axis: str = "axis"
    permute: str = "transpose"
    index: Callable[[str, Shape], str] = field(default=lambda text, _shape: f"[{text}]")
    place: Callable[[str, Shape], str] = field(default=lambda text, _shape: text)

    @property
    def in_place(self) -> bool:
        """Whether arrays are written into memory that the program has planned."""
        return self.statements is not None

    def expression(self, op: str) -> str:
        """Return the expression of an operation, a format string over its arguments."""
        known = self.expressions.get(op)
        if known:
            return known
        text, lines = self.of_record(op)
        if "(" in text and self.in_place and not is_ufunc(text, lines):
            return f"{{dtype}}({text})"  # it may give another dtype than its argument's
        return text or f"{self.prefix}.{op}({{arguments}})"

    def of_record(self, op: str) -> tuple[str, tuple[str, ...]]:
        """Return how a function's record has the library write it, and imports for that."""
        record = FUNCTIONS.get(op) or AXIS_FUNCTIONS.get(op) or MATRIX_FUNCTIONS.get(op)
        if record is None:
            return "", ()
        text = str(getattr(record, self.name))
        if isinstance(record, AxisFunction):
            kept = "" if record.keeps_axes else "{keepdim}" if self.axis == "dim" else "{keepdims}"
            return f"{text}({{0}}, {self.axis}={{axes}}{kept})", ()
        if isinstance(record, Function) and record.sign:
            return f"{{0}} {record.sign} {{1}}", ()
        return imported(text if not text or "{" in text else f"{text}({{arguments}})")

    def needs(self, op: str) -> tuple[str, ...]:
        """Return the lines that import what an operation is written with."""
        if op in self.needed:
            return (self.needed[op],)
        return () if op in self.expressions else self.of_record(op)[1]

    def spells(self, node: Map) -> bool:
        """Whether a function is an operation here; else it is computed by its recipe."""
        record = FUNCTIONS.get(node.function)
        if record is None or record.recipe is None or node.function in self.expressions:
            return True
        return bool(spelling(record, self.name, len(node.operands)))

    def takes_numbers(self, op: str) -> bool:
        """Whether an operation takes Python numbers beside arrays."""
        record = FUNCTIONS.get(op)
        bare = record is not None and record.arity > 1 and not record.sign
        bare = bare and "{" not in getattr(record, self.name, "{")
        return op not in self.arrays_only and not (bare and "*" in self.arrays_only)

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
        if op == "state":
            number, start, end, shape = parameter
            flat = f"{parent}[{start}:{end}].reshape({shape})"
            return flat if self.in_place else f"{parent}[{number}]"
        if op == "diagonal":
            return f"{self.prefix}.einsum({parameter!r}, {parent})"
        return f"{parent}{self.index(parameter, register.shape)}"


@lru_cache(maxsize=512)
def is_ufunc(text: str, imports: Sequence[str] = ()) -> bool:
    """Whether a call is one of NumPy's or SciPy's functions that write into an array.

    >>> is_ufunc("np.exp({arguments})"), is_ufunc("np.linalg.inv({0})")
    (True, False)
    """
    found = re.fullmatch(r"(?:np\.)?(\w+)\([^()]*\)", text)
    module = imports[0].split()[1] if imports else "numpy"
    return found is not None and isinstance(
        getattr(import_module(module), found[1], None), np.ufunc
    )
