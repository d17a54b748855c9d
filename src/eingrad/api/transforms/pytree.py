"""Nested tuples, lists and dicts of arrays: taken apart into leaves and put together again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eingrad.errors import EingradError


@dataclass(frozen=True, slots=True)
class Structure:
    """What is around the leaves: ``kind`` is None for a leaf and NoneType for None.

    ``keys`` are those of a dict, ``paths`` of the leaves are words such as ``[0]['w']``.
    """

    kind: type | None
    keys: tuple[Any, ...]
    children: tuple[Structure, ...]

    @property
    def count(self) -> int:
        """The number of leaves."""
        return 1 if self.kind is None else sum(c.count for c in self.children)

    def paths(self, prefix: str = "") -> list[str]:
        """Return where each leaf is, as Python would write it."""
        if self.kind is None:
            return [prefix]
        keys = self.keys or range(len(self.children))
        pairs = zip(keys, self.children, strict=True)
        return [path for key, child in pairs for path in child.paths(f"{prefix}[{key!r}]")]


LEAF = Structure(None, (), ())
BRANCHES = (tuple, list, dict, type(None))


@lru_cache(256)
def _flat(kind: type, count: int) -> Structure:
    """Return the structure of a tuple or list of leaves, which is what most calls pass."""
    return Structure(kind, (), (LEAF,) * count)


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """Return the leaves of nested tuples, lists and dicts, and what is around them.

    >>> flatten({"w": 1, "b": (2, None)})[0]
    [1, 2]
    """
    if tree is None:
        return [], Structure(type(None), (), ())
    if isinstance(tree, dict):
        keys, items = tuple(tree), list(tree.values())
    elif isinstance(tree, tuple | list):
        keys, items = (), list(tree)
        for x in items:
            if isinstance(x, BRANCHES):
                break
        else:
            return items, _flat(type(tree), len(items))
    else:
        return [tree], LEAF
    parts = [flatten(x) for x in items]
    leaves = [leaf for own, _ in parts for leaf in own]
    return leaves, Structure(type(tree), keys, tuple(s for _, s in parts))


def unflatten(structure: Structure, leaves: Sequence[Any]) -> Any:
    """Put leaves into a structure."""
    if structure.kind is None:
        return leaves[0]
    if structure.kind is type(None):
        return None
    kind, children = structure.kind, structure.children
    if kind is tuple and children is _flat(tuple, len(children)).children:
        return tuple(leaves)
    items: list[Any] = []
    for child in structure.children:
        if child is LEAF:
            items.append(leaves[0])
            leaves = leaves[1:]
            continue
        count = child.count
        items.append(unflatten(child, leaves[:count]))
        leaves = leaves[count:]
    if issubclass(structure.kind, dict):
        kind = OrderedDict if issubclass(structure.kind, OrderedDict) else dict
        return kind(zip(structure.keys, items, strict=True))
    if issubclass(structure.kind, tuple) and hasattr(structure.kind, "_fields"):
        return structure.kind(*items)
    return list(items) if issubclass(structure.kind, list) else tuple(items)


def flatten_like(structure: Structure, tree: Any, what: str) -> list[Any]:
    """Return the leaves of a tree that must have a given structure."""
    leaves, own = flatten(_ordered_like(structure, tree))
    if own != structure and _plain(own) != _plain(structure):
        raise EingradError(
            f"{what} is nested in another way: its leaves are {_shown(own)}, not "
            f"{_shown(structure)}"
        )
    return leaves


def _ordered_like(structure: Structure, tree: Any) -> Any:
    """Return the tree with the keys of its dicts in the structure's order."""
    if isinstance(tree, dict) and set(tree) == set(structure.keys):
        pairs = zip(structure.keys, structure.children, strict=True)
        return {key: _ordered_like(child, tree[key]) for key, child in pairs}
    if isinstance(tree, tuple | list) and len(tree) == len(structure.children):
        children = map(_ordered_like, structure.children, tree)
        return type(tree)(*children) if hasattr(tree, "_fields") else type(tree)(children)
    return tree


def _plain(structure: Structure) -> Structure:
    """Read lists as tuples, and every kind of dict as a dict."""
    kind = structure.kind
    if kind is not None and issubclass(kind, dict | list):
        kind = dict if issubclass(kind, dict) else tuple
    return Structure(kind, structure.keys, tuple(map(_plain, structure.children)))


def _shown(structure: Structure) -> str:
    paths = [path or "x" for path in structure.paths()]
    return ", ".join(paths[:6]) + (", ..." if len(paths) > 6 else "") or "none"
