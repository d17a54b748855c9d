"""Bounds for what is kept: a dict of limited size, and a number of bytes."""

from __future__ import annotations

import weakref
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from eingrad.core.forks import new_lock

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


class Cache(Generic[Key, Item]):
    """A dict of bounded size that drops what was not used since it was last full.

    Reading takes no lock: eager code reads it once an operation.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._entries: dict[Key, list[Any]] = {}  # [item, whether it was used]
        self._lock = new_lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Item | None:
        """Return what is known for ``key``."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        entry[1] = True
        return entry[0]  # type: ignore[no-any-return]

    def put(self, key: Key, item: Item) -> Item:
        """Add an item; return the one that another thread may have added before."""
        with self._lock:
            if len(self._entries) >= self.size:
                used = [(k, [x, False]) for k, (x, was_used) in self._entries.items() if was_used]
                self._entries = dict(used[-self.size // 2 :])
            return self._entries.setdefault(key, [item, True])[0]  # type: ignore[no-any-return]


class Budget:
    """How many bytes of buffers may still be kept."""

    def __init__(self, left: int) -> None:
        self.left = left
        self._lock = new_lock()

    def take(self, owner: Any, count: int) -> bool:
        """Take bytes as long as ``owner`` lives; return whether there were as many."""
        with self._lock:
            if count > self.left:
                return False
            self.left -= count
        if count:
            weakref.finalize(owner, self._give_back, count).atexit = False
        return True

    def _give_back(self, count: int) -> None:
        with self._lock:
            self.left += count


__all__ = ["Budget", "Cache"]
