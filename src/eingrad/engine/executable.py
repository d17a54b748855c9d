"""Source -> callable: compiled once, safe to call from several threads."""

from __future__ import annotations

import functools
import itertools
import linecache
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from eingrad.engine.backends.threads import governed
from eingrad.engine.plan import Plan
from eingrad.errors import EingradError

Array = np.ndarray[Any, Any]
_serial = itertools.count()


class MatrixError(EingradError, np.linalg.LinAlgError):
    """A matrix has no inverse, or no Cholesky factor."""

    code = "matrix"


class Executable:
    """A program as a Python function, with buffers, if any, that its calls take turns to use.

    ``work`` are the multiplications of its largest product or sum in NumPy's BLAS.
    """

    __slots__ = ("__weakref__", "_make", "_run", "_spare", "plan", "source")

    def __init__(
        self, source: str, plan: Plan, functions: Mapping[str, Callable[..., Any]], work: int = 0
    ) -> None:
        self.source, self.plan = source, plan
        filename = f"<eingrad program {next(_serial)}>"
        namespace: dict[str, Any] = dict(functions)
        exec(compile(source, filename, "exec"), namespace)
        lines = source.splitlines(keepends=True)
        # No modification time: linecache then keeps the text, and a traceback shows it.
        linecache.cache[filename] = (len(source), None, lines, filename)
        self._make: Callable[[], Any] | None = namespace.get("workspace")
        run: Callable[..., tuple[Array, ...]] = namespace["run"]
        self._run = governed(_naming_failures(run) if ".linalg." in source else run, work)
        self._spare: list[Any] = []
        weakref.finalize(self, linecache.cache.pop, filename, None)

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        if self._make is None:
            return self._run(*arrays)
        try:
            buffers = self._spare.pop()
        except IndexError:
            buffers = self._make()
        try:
            return self._run(buffers, *arrays)
        finally:
            self._spare.append(buffers)

    def positional(self, keep: bool = True) -> Callable[..., tuple[Array, ...]]:
        """Return the program as a function of the arrays, for a caller that counts microseconds.

        Without ``keep`` each call allocates its buffers anew.
        """
        make = self._make
        if make is None:
            return self._run
        if not self.plan.workspace:
            return functools.partial(self._run, make())
        if keep:
            return lambda *arrays: self(arrays)
        return lambda *arrays: self._run(make(), *arrays)


def _naming_failures(run: Callable[..., tuple[Array, ...]]) -> Callable[..., tuple[Array, ...]]:
    """Raise what a library's linear algebra raises as an error of ours."""

    def named(*arguments: Any) -> tuple[Array, ...]:
        try:
            return run(*arguments)
        except (ValueError, RuntimeError) as error:  # NumPy's LinAlgError is one, PyTorch's other
            if "LinAlgError" not in type(error).__name__:
                raise
            raise MatrixError(
                f"a function of a matrix has no value or no derivative: {error}",
                hint="is the matrix singular, or not positive definite?",
            ) from None

    return named
