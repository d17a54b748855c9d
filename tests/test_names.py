"""A file name and a class name stand once in the house, and so say what is there."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "eingrad"


def test_a_file_name_stands_once() -> None:
    count = Counter(f.stem for f in PACKAGE.rglob("[!_]*.py"))
    assert [name for name, n in count.items() if n > 1] == []


def test_a_class_name_stands_once() -> None:
    trees = [ast.parse(f.read_text()) for f in PACKAGE.rglob("*.py")]
    count = Counter(x.name for t in trees for x in ast.walk(t) if isinstance(x, ast.ClassDef))
    assert [name for name, n in count.items() if n > 1] == []
