"""The stubs, which type checkers read, say what the tables of the surface say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))

import eingrad
from eingrad.surface import SURFACE

from make_stubs import STUBS, method  # isort: skip


@pytest.mark.parametrize("path", STUBS, ids=lambda path: path.parent.name)
def test_the_stubs_are_up_to_date(path: Path) -> None:
    assert path.read_text() == STUBS[path](), "run python docs/make_stubs.py"


def test_the_surface_is_there_and_each_name_stands_once() -> None:
    names = " ".join(SURFACE.values()).split()
    assert sorted(names) == eingrad.__all__
    for name in names:
        assert getattr(eingrad, name).__doc__


def test_a_method_is_declared_as_its_function_is_defined() -> None:
    def f(x: int, *shape: int, axis: str = "C") -> bool: ...
    def g(x, other): ...
    def h(x: int, axis: int = 0, *, dtype: int | None = None) -> None: ...

    assert [*method("f", f)] == ["def f(self, *shape: int, axis: str = 'C') -> bool: ..."]
    assert [*method("g", g)] == ["def g(self, other: Any) -> Tensor: ..."]
    assert [*method("h", h)] == [
        "def h(self, axis: int = 0, *, dtype: int | None = None) -> None: ..."
    ]
