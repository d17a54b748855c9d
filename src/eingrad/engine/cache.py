"""What is kept between calls, in a dict of bounded size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from eingrad.core.forks import new_lock

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


class Cache(Generic[Key, Item]):
    """A dict of bounded size that drops what was used longest ago.

    ``limit`` bounds the sum of the items' costs, too. Reading takes no lock: eager code reads it
    once an operation.

    >>> squares: Cache[int, int] = Cache(4)
    >>> for n in range(5):
    ...     _ = squares.put(n, n * n), squares.get(0)
    >>> [squares.get(n) for n in range(5)]
    [0, None, None, 9, 16]
    """

    def __init__(self, size: int, limit: float = math.inf) -> None:
        self.size, self.limit = size, limit
        self.cost = 0
        self._entries: dict[Key, list[Any]] = {}  # [item, when it was used last, its cost]
        self._clock = itertools.count()
        self._lock = new_lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Item | None:
        """Return what is known for ``key``."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        entry[1] = next(self._clock)
        return entry[0]  # type: ignore[no-any-return]

    def put(self, key: Key, item: Item, cost: int = 0) -> Item:
        """Add an item, if it fits; return the one that another thread may have added before."""
        if cost > self.limit:
            return item
        with self._lock:
            entries = self._entries
            if key not in entries:
                entries[key] = [item, next(self._clock), cost]
                self.cost += cost
            kept: Item = entries[key][0]
            if len(entries) > self.size or self.cost > self.limit:
                for old in sorted(entries, key=lambda k: entries[k][1]):
                    if len(entries) <= self.size * 3 // 4 and self.cost <= self.limit:
                        break
                    self.cost -= entries.pop(old)[2]
            return kept


__all__ = ["Cache"]
