"""Modules that are loaded when a name of them is used: deriving and printing need no NumPy."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from eingrad.errors import BackendError

if TYPE_CHECKING:
    import numpy as np


class Later:
    """Stands for a module; a name that was used once is an attribute from then on.

    >>> Later("math").floor(2.5)
    2
    """

    def __init__(self, module: str) -> None:
        self.__dict__["module of names"] = module

    def __getattr__(self, name: str) -> Any:
        module = self.__dict__["module of names"]
        try:
            value = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            raise BackendError(
                f"this needs {error.name}, which is not installed",
                operand=error.name,
                hint=f"pip install {error.name}",
            ) from error
        self.__dict__[name] = value
        return value


if not TYPE_CHECKING:
    np = Later("numpy")


def has_numpy() -> bool:
    """Whether values can be had: where NumPy is absent, formulas are derived without a test."""
    return find_spec("numpy") is not None


P = ParamSpec("P")
T = TypeVar("T")


def letting_overflow(judge: Callable[P, T]) -> Callable[P, T]:
    """Let what overflows at a point be compared there, and found wanting."""

    @wraps(judge)
    def judged(*args: P.args, **options: P.kwargs) -> T:
        with np.errstate(all="ignore"):
            return judge(*args, **options)

    return judged


__all__ = ["Later", "has_numpy", "letting_overflow", "np"]
