"""A file name and a class name stand once in the house, and so say what is there."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "eingrad"
OPEN_FILES = """

"""
OPEN_CLASSES = """
Function Product
"""


def names_of(files: list[Path]) -> tuple[Counter[str], Counter[str]]:
    trees = [ast.parse(f.read_text()) for f in files]
    classes = [x.name for t in trees for x in ast.walk(t) if isinstance(x, ast.ClassDef)]
    return Counter(f.stem for f in files if not f.stem.startswith("__")), Counter(classes)


def test_a_name_stands_once() -> None:
    """The lists are of what is still to be named; a name that has become unique leaves them."""
    twice = [
        {name for name, count in found.items() if count > 1}
        for found in names_of(list(PACKAGE.rglob("*.py")))
    ]
    assert twice == [set(OPEN_FILES.split()), set(OPEN_CLASSES.split())]


def test_the_api_is_named() -> None:
    files, classes = names_of(list((PACKAGE / "api").rglob("*.py")))
    assert not set(files) & set(OPEN_FILES.split())
    assert not set(classes) & set(OPEN_CLASSES.split())
