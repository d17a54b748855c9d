"""``docs/architecture.md`` is true: imports only go down, and every file is where it says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "eingrad"
LAZY = {"cli"}  # a command loads what it needs when it runs


def read_table(text: str) -> dict[str, set[str]]:
    """Return what each folder may import: "nothing", names, "the above [but ...]", "everything"."""
    rows = re.findall(r"^\|(.+?)\|.*\|(.+?)\|$", text, re.MULTILINE)
    table: dict[str, set[str]] = {}
    for folders, words in rows[2:]:
        own = re.findall(r"`(\w+)", folders)
        named = set(re.findall(r"`(\w+)", words))
        above = set(table) - named if "above" in words else named
        table |= dict.fromkeys(own, {"*"} if "everything" in words else above)
    return table


def violations(path: str, source: str, table: dict[str, set[str]]) -> Iterator[str]:
    """Yield what is wrong with the imports of one file; ``path`` starts at the package."""
    folder = path.split("/", 1)[0].removesuffix(".py")
    if folder == "__init__":
        return
    if folder not in table:
        yield f"{path}: docs/architecture.md does not know {folder}"
        return
    tree = ast.parse(source)
    inside = {x for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for x in ast.walk(f)}
    for node, module in imports(tree):
        part = [*module.split("."), ""][1]
        if node in inside and folder not in LAZY:
            yield f"{path}:{node.lineno} imports {module} inside a function"
        elif part != folder and not table[folder] & {part, "*"}:
            yield f"{path}:{node.lineno} imports {module}, which is not below it"


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Yield the imports of the package in a file; "eingrad" alone is the whole surface."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = ["eingrad..relative" if node.level else str(node.module)]
            if modules == ["eingrad"]:
                modules = [f"eingrad.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((node, m) for m in modules if m.split(".")[0] == "eingrad")


def test_imports_only_go_down() -> None:
    table = read_table((ROOT / "docs" / "architecture.md").read_text())
    assert len(table) >= 10
    files = [f for f in PACKAGE.rglob("*.py") if f.name != "__main__.py"]
    found = [
        line for f in files
        for line in violations(f.relative_to(PACKAGE).as_posix(), f.read_text(), table)
    ]  # fmt: skip
    assert not found, "\n".join(found)


def test_every_file_is_explained() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    sections = re.findall(r"^\*\*`(.+?)`\*\*(.+?)(?=^\*\*`|^## )", text, re.MULTILINE | re.DOTALL)
    named = {
        f"{folder}{f}" for folder, files in sections for f in re.findall(r"`(\w+\.py)`", files)
    }
    files = {f.relative_to(PACKAGE).as_posix() for f in PACKAGE.rglob("[!_]*.py")}
    files -= {"errors.py"}
    assert sorted(files - named) == [], "docs/architecture.md does not say what these are for"
    assert sorted(named - files) == [], "docs/architecture.md tells of files that are not there"


def test_every_path_exists() -> None:
    """A path in the text starts at the package, at the repository or inside a folder."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    files = [
        f.as_posix()
        for folder in ("src", "tests", "benchmarks")
        for f in (ROOT / folder).rglob("*")
    ]
    paths = set(re.findall(r"`([\w/]+(?:\.pyi?|/))`", text))
    assert len(paths) > 100
    assert not {x for x in paths if not any(f.endswith(f"/{x.rstrip('/')}") for f in files)}


TABLE = read_table(
    "| folder | what | may import |\n| --- | --- | --- |\n| `errors.py` | x | nothing |\n"
    "| `core/` | x | `errors` |\n| `learn/`, `codegen/` | x | the above but `errors` |\n"
    "| `cli/` | x | everything |\n"
)


@pytest.mark.parametrize(
    ("path", "source", "wrong"),
    [
        ("core/a.py", "from eingrad.errors import E\nimport eingrad.core.b", False),
        ("errors.py", "import eingrad.core.a", True),
        ("core/a.py", "from eingrad import learn", True),
        ("core/a.py", "import eingrad", True),
        ("core/a.py", "from .b import c", True),
        ("learn/a.py", "import eingrad.core.a, numpy", False),
        ("learn/a.py", "import eingrad.errors", True),
        ("codegen/a.py", "import eingrad.learn", True),
        ("core/a.py", "def f():\n  import numpy", False),
        ("core/a.py", "class A:\n  def f(self):\n    import eingrad.core.b", True),
        ("cli/a.py", "def f():\n  import eingrad.learn.a", False),
        ("web/a.py", "", True),
    ],
)
def test_a_wrong_import_is_found(path: str, source: str, wrong: bool) -> None:
    assert bool(list(violations(path, source, TABLE))) is wrong
