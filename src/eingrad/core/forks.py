"""What a forked process needs to go on: of the threads that were at work, it has one.

A lock that another thread held would stay shut for ever. So each lock of this package is made here,
and is open in the child; what it guards must be sound between any two of the other thread's steps.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

_locks: weakref.WeakSet[Any] = weakref.WeakSet()


def new_lock() -> threading.Lock:
    """Return a lock that is open in a forked process.

    >>> with new_lock():
    ...     print("alone")
    alone
    """
    lock = threading.Lock()
    _locks.add(lock)
    return lock


def _open_all() -> None:
    for lock in list(_locks):
        lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_all)


class once(Generic[Value]):  # noqa: N801  # used as a decorator
    """A property that is computed when it is first asked for, and kept.

    `functools.cached_property` is the same from Python 3.12 on, and has a lock before.

    >>> class Circle:
    ...     @once
    ...     def area(self):
    ...         print("computed")
    ...         return 3
    >>> circle = Circle()
    >>> circle.area + circle.area
    computed
    6
    """

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self.compute, self.__doc__ = compute, compute.__doc__

    def __get__(self, instance: Any, owner: type) -> Value:
        value = instance.__dict__[self.compute.__name__] = self.compute(instance)
        return value
